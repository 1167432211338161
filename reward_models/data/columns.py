"""Which shape a file of ratings has, and which column holds what: by their names and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

from reward_models.data.cells import is_thumb
from reward_models.data.look import Look, is_answer, is_answers, is_mark, is_number, is_rating
from reward_models.data.names import ALIASES, BY_PROGRAMS, FIELDS, KNOWN_ASPECTS, MARGINS, REFERENCES, SIDES
from reward_models.data.rated import Shape
from reward_models.data.survey import Survey
from reward_models.data.votes import Sides, meaning
from verifiers.errors import UsageError
from verifiers.io.columns import CHATS, OUT_FIELDS, PREFIX, getter
from verifiers.io.values import Row

_VERDICT = ("reward", "status", "reason")
_COMMON = ("prompt", "rater", "weight", "aspect", "scale", "id", "reference", "group", "source")
_MAX_NAMES_SHOWN = 30


@dataclass(frozen=True, slots=True)
class RatedColumns:
    """Where a file keeps what.

    Attributes:
        shape: How it tells what humans said.
        names: Field (see `FIELDS`) -> column or dotted path.
        aspects: Columns of which each holds the ratings of one aspect.
        margins: The two columns whose difference is the margin.
        votes: Which votes are for the first and which for the second answer; any other known one is a tie.
        notes: What was decided where the file is not clear.
    """

    shape: Shape
    names: Mapping[str, str]
    aspects: tuple[str, ...] = ()
    margins: tuple[str, str] | None = None
    votes: Sides = (frozenset(), frozenset())
    notes: tuple[str, ...] = field(default=())

    def described(self) -> dict[str, str]:
        """Return field -> column, for messages."""
        shown = dict(self.names)
        if self.aspects:
            shown["aspects"] = ", ".join(self.aspects)
        return shown | ({"margin": " - ".join(self.margins)} if self.margins else {})


def find_columns(told: Survey, mapping: Mapping[str, str] | None = None, aspects: Sequence[str] = ()) -> RatedColumns:
    """Choose a file's shape by its first rows, and its columns.

    Args:
        told: Of the file; it has a row.
        mapping: The user's choice, `{column: field}`.
        aspects: The aspects that the user named: columns of numbers, unless objects in the rows have such keys.

    Raises:
        UsageError: If nothing tells what humans said, or it can mean two things, or the mapping or the aspects name
            what does not exist.
    """
    rows = told.rows
    look = Look(rows, _resolved(mapping or {}, [*rows, *told.late]), told.late)
    inside = any(
        isinstance(cell, Mapping) and not cell.keys().isdisjoint(aspects)
        for row in rows
        for cell in _flat(row.values())
    )
    fit = [name for name in aspects if look.fitting(name, is_mark) or look.begins_late(name, is_mark)]
    columns = [] if inside else fit
    for shape in (_prepared, _pairs, partial(_votes, told), _ranked, _scored, _ratings, _thumbs):
        found = shape(look, columns)
        if found is not None:
            return found
    if aspects and not columns and not inside:
        raise unknown_aspect(aspects[0], (), look.seen)
    raise UsageError(_nothing(look, told.places))


def unknown_aspect(name: str, rated: Sequence[str], columns: Sequence[str]) -> UsageError:
    """Return the error for an aspect that no answer is rated on.

    Args:
        name: What the user wrote.
        rated: The aspects that answers are rated on.
        columns: Of the files.
    """
    close = get_close_matches(name, [*rated, *columns], n=1, cutoff=0.55)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    known = f" Aspects: {', '.join(rated)}." if rated else ""
    return UsageError(f"--aspect {name}: no answer is rated on it.{hint}{known} Columns: {_shown(columns)}")


def _resolved(mapping: Mapping[str, str], rows: Sequence[Row]) -> dict[str, str]:
    """Return the user's mapping as field -> column."""
    seen = tuple(dict.fromkeys(name for row in rows for name in row))
    chosen: dict[str, str] = {}
    for column, name in mapping.items():
        if name not in FIELDS:
            raise UsageError(f"--map {column}={name}: write COLUMN=FIELD, where FIELD is one of {', '.join(FIELDS)}.")
        if not any(getter(column)(row) is not None for row in rows):
            raise UsageError(f"--map {column}={name}: there is no column {column!r}. Columns: {_shown(seen)}")
        if name in chosen:
            raise UsageError(f"--map: {name} is given twice, as {chosen[name]!r} and {column!r}. Give one.")
        chosen[name] = column
    return chosen


def _prepared(look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    answers = getter("answers")
    told = all(
        isinstance(cell := answers(row), list)
        and bool(cell)
        and all(isinstance(each, Mapping) and "response" in each for each in cell)
        for row in look.rows
    )
    return RatedColumns(Shape.PREPARED, {"prompt": "prompt", "response": "answers"}) if told else None


def _pairs(look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    chosen, rejected = look.find("chosen", is_answer), look.find("rejected", is_answer)
    if chosen is None or rejected is None:
        return None
    names = {"chosen": chosen, "rejected": rejected, **_common(look, {chosen, rejected})}
    for name in ("margin", "probability"):
        names |= _named(name, look.find(name, is_number, True))
    return RatedColumns(Shape.PAIRS, names, margins=None if "margin" in names else look.pair(MARGINS, True))


def _votes(told: Survey, look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    sides = look.pair(SIDES)
    if {"first", "second"} <= look.chosen.keys():
        sides = look.chosen["first"], look.chosen["second"]
    if sides is None:
        return None
    winner = look.find("winner", lambda value: isinstance(value, str | int | float | list))
    if winner is None or "strength" in look.chosen:
        return _strengths(sides, look)
    votes, note = meaning(sides, winner, told.numbers.get(winner, set()), "winner" in look.chosen)
    names = {"first": sides[0], "second": sides[1], "winner": winner, **_common(look, {*sides, winner})}
    return RatedColumns(Shape.VOTES, names, votes=votes, notes=(note,))


def _strengths(sides: tuple[str, str], look: Look) -> RatedColumns | None:
    """Numbers whose sign says which of two answers is better, and whose size by how much."""
    strength = look.find("strength", lambda value: all(map(is_number, _flat([value]))))
    if strength is None:
        return None
    names = {"first": sides[0], "second": sides[1], "strength": strength, **_common(look, {*sides, strength})}
    note = f"{strength!r} below 0 is for {sides[0]!r}, above 0 for {sides[1]!r}, 0 is a tie; its size is the margin"
    return RatedColumns(Shape.VOTES, names, notes=(note,))


def _ranked(look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    ranked = look.find("ranked", lambda value: isinstance(value, list) and len(value) > 1 and is_answers(value))
    if ranked is not None:
        return RatedColumns(Shape.RANKED, {"ranked": ranked, **_common(look, {ranked})})
    ranks = look.find("ranks", lambda value: isinstance(value, list) and all(map(is_number, value)))
    response = look.find("response", lambda value: isinstance(value, list)) if ranks else None
    if ranks is None or response is None:
        return None
    return RatedColumns(Shape.RANKED, {"response": response, "ranks": ranks, **_common(look, {response, ranks})})


def _scored(look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    """A file that `verify score` wrote: what humans said beside its rewards is the label, and else the rewards are."""
    written = {name: PREFIX + name if PREFIX + name in look.seen else name for name in OUT_FIELDS}
    if not all(written[name] in row for row in look.rows for name in _VERDICT):
        return None
    before, reward = set(look.taken), written["reward"]
    response = _response(look, frozenset(written.values()))  # ours too: `answer` is what a teacher found in it
    if response is None:
        look.taken = before
        return None
    numbers = [name for name in ALIASES["rating"] if name not in look.taken and look.fitting(name, is_rating)]
    answers = {name for name in REFERENCES if not look.fitting(name, lambda value: isinstance(value, bool))}
    wanted = look.chosen.get("rating") == reward
    human = None if wanted else _said_beside(look, aspects, answers.union(BY_PROGRAMS))
    if human is not None:
        told = human.names.get("rating") or human.names.get("thumb") or ", ".join(human.aspects)
        note = f"what humans said ({told}) is the label; the {reward} that `verify score` wrote is left aside"
        return replace(human, notes=(*human.notes, f"{note}. To learn that instead: --map {reward}=rating"))
    names = {"response": response, "rating": reward, **_common(look, {response, reward})}
    note = f"the {reward} that `verify score` wrote is the label. If humans gave {' or '.join(numbers)}, take that: "
    return RatedColumns(
        Shape.SCORED, names, notes=(f"{note}--map {numbers[0]}=rating",) if numbers and not wanted else ()
    )


def _said_beside(look: Look, aspects: Sequence[str], unsure: set[str]) -> RatedColumns | None:
    """Return where a scored file keeps what humans said; columns that are not surely theirs are not looked at."""
    before, look.unsure = set(look.taken), frozenset(unsure)
    found = _ratings(look, aspects) or _thumbs(look, aspects)
    look.taken, look.unsure = before, frozenset()
    return found


def _ratings(look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    if "thumb" in look.chosen and "rating" not in look.chosen:
        return None
    rating = None if aspects and "rating" not in look.chosen else look.find("rating", is_rating)
    if rating is None and not aspects:
        known = [name for name in KNOWN_ASPECTS if 2 * look.fitting(name, is_mark) >= len(look.rows)]
        late = [name for name in KNOWN_ASPECTS if look.begins_late(name, is_mark)]
        aspects = [*known, *late] if len(known) > 1 else ()
    response = _response(look, frozenset({rating} if rating else ()))
    if response is None or (rating is None and not aspects):
        return None
    names = {"response": response, **_named("rating", rating), **_common(look, {response, rating or "", *aspects})}
    return RatedColumns(Shape.RATINGS, names, tuple(aspects))


def _thumbs(look: Look, aspects: Sequence[str]) -> RatedColumns | None:
    thumb = look.find("thumb", lambda value: is_thumb(value) or (isinstance(value, list) and all(map(is_thumb, value))))
    response = _response(look, frozenset({thumb} if thumb else ()))
    if thumb is None or response is None:
        return None
    return RatedColumns(Shape.THUMBS, {"response": response, "thumb": thumb, **_common(look, {response, thumb})})


def _response(look: Look, taken: frozenset[str]) -> str | None:
    look.taken |= taken
    return look.find("response", is_answers)


def _common(look: Look, taken: set[str]) -> dict[str, str]:
    """Return the columns that any shape may have beside its own."""
    look.taken |= taken - set(CHATS)
    fits: dict[str, Callable[[Any], bool]] = {
        "prompt": lambda value: isinstance(value, str | list),
        "scale": lambda value: isinstance(value, list) and len(value) == 2,
        "weight": lambda value: isinstance(value, int | float) or is_number(value),
        "aspect": lambda value: isinstance(value, str),
    }
    names: dict[str, str] = {}
    for name in _COMMON:
        names |= _named(name, look.find(name, fits.get(name, lambda value: isinstance(value, str | int)), True))
        look.taken |= set(names.values()) - set(CHATS)
    return names


def _named(name: str, column: str | None) -> dict[str, str]:
    return {name: column} if column is not None else {}


def _flat(values: Iterable[Any]) -> list[Any]:
    return [each for value in values for each in (value if isinstance(value, list) else [value])]


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MAX_NAMES_SHOWN]) or "none"
    return f"{shown}, and {len(names) - _MAX_NAMES_SHOWN} more" if len(names) > _MAX_NAMES_SHOWN else shown


def _nothing(look: Look, places: Sequence[str]) -> str:
    return (
        f"No column tells what humans said of answers. {_nearly(look, places)}Columns: {_shown(look.seen)}. Known are: "
        "response + rating (or stars, score), chosen + rejected, two answers (a, b) + votes, ranked (a list, best "
        "first), response + label (true, false), and what `verify score` wrote. Name yours with --map COLUMN=FIELD, "
        f"e.g. --map points=rating; fields: {', '.join(FIELDS)}."
    )


def _nearly(look: Look, places: Sequence[str]) -> str:
    """Say what is wrong with a file that has a column for ratings, or for lists of answers; empty = it has none."""
    rating = next((name for name in ALIASES["rating"] if look.fitting(name, lambda _: True)), None)
    if rating is not None and 2 * look.fitting(rating, is_rating) < len(look.rows):
        cells = [(place, getter(rating)(row)) for place, row in zip(places, look.rows, strict=False)]
        odd = next((f"{cell!r:.60} at {place} is none" for place, cell in cells if not is_rating(cell)), "")
        known = f"{rating!r} holds numbers in {look.fitting(rating, is_rating)} of the first {len(look.rows)} rows"
        return f"{known}; {odd}, and 4, 4.5, 4/5, 80%, ★★★★☆ are some. "
    if rating is not None:
        return f"Ratings are in {rating!r}, and no column holds answers: name it with --map COLUMN=response. "
    answers = look.find("response", lambda value: isinstance(value, list) and len(value) > 1 and is_answers(value))
    if answers is not None and answers not in CHATS:
        return f"If the lists in {answers!r} go from the best answer to the worst: --map {answers}=ranked. "
    return ""
