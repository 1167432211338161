"""One row of a file of ratings brought to facts: answers with their ratings, and comparisons of answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from statistics import fmean
from typing import Any, NamedTuple

from reward_models.data.cells import (
    is_given,
    is_open_ended,
    name_of,
    number_of,
    rating_of,
    side_of,
    text_of_prompt,
    text_of_response,
    texts_of_responses,
    thumb_of,
    weight_of,
)
from reward_models.data.columns import RatedColumns
from reward_models.data.look import is_read
from reward_models.data.names import OPTIONAL
from reward_models.data.prompts import implicit_prompt, with_reference
from reward_models.data.rated import Shape
from reward_models.types import Answer, Rating
from verifiers.io.columns import CHATS, getter
from verifiers.io.values import BadRow, Row, split_chat
from verifiers.types import Text


class Compared(NamedTuple):
    """A comparison of two of a row's answers, by their places in it.

    Attributes:
        votes: How much each vote is for `chosen`: 1.0, 0.5 or 0.0, or a share of unseen votes.
        source: Where it is not the row's.
        people: How many votes these are, where shares stand for several; 0 = one each.
    """

    chosen: int
    rejected: int
    votes: tuple[float, ...] = (1.0,)
    margin: float | None = None
    weight: float = 1.0
    source: str = ""
    people: int = 0


@dataclass(slots=True)
class Facts:
    """What one row says.

    Attributes:
        prompt: What the answers answer.
        answers: Their texts and ratings.
        compared: Comparisons among them.
        group: Names the prompt where the file does not hold it.
        id: Of the answer, where the file tells equal answers of a prompt apart.
        source: Of the row.
        scale: The ends that the row declares.
        not_judged: Answers without a reward.
        given: The answers as they were labelled before, in files of `verify rm prepare`.
    """

    prompt: Text
    answers: list[tuple[Text, list[Rating]]] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    group: str = ""
    id: str = ""
    source: str = ""
    scale: tuple[float, float] | None = None
    not_judged: int = 0
    given: Sequence[Answer] = ()


class RowReader:
    """Reads the rows of one file.

    Args:
        columns: Where they keep what.
        reference: Put the row's reference into its prompt.
        totals: What ratings are out of, `None` for plain numbers, by what they are of; kept over several files.
    """

    def __init__(self, columns: RatedColumns, reference: bool, totals: dict[str, float | None]) -> None:
        self._columns, self._reference, self._totals = columns, reference, totals
        self._get = {name: getter(column) for name, column in columns.names.items()}
        self._aspects = [(column, getter(column)) for column in columns.aspects]
        self._margins = [getter(column) for column in columns.margins or ()]
        fill: Mapping[Shape, Callable[[Facts, Row], None]] = {
            Shape.PAIRS: self._pair,
            Shape.VOTES: self._vote,
            Shape.RANKED: self._ranking,
            Shape.SCORED: self._rated,
            Shape.RATINGS: self._rated,
            Shape.THUMBS: self._rated,
        }
        self._fill = fill[columns.shape]

    def read(self, row: Row) -> Facts:
        """Return what a row says.

        Raises:
            BadRow: If it says nothing that can be used.
        """
        facts = Facts(self._prompt(row), group=self._name(row, "group"), id=self._name(row, "id"))
        facts.source = self._name(row, "source")
        facts.scale = self._scale(row)
        self._fill(facts, row)
        if self._reference and (reference := self._cell(row, "reference")) is not None:
            facts.prompt = with_reference(facts.prompt, reference)
        if not facts.prompt and not facts.group and not facts.compared:
            raise BadRow("the row has neither a prompt nor a group, so nothing tells what its answer answers")
        return facts

    def _cell(self, row: Row, name: str) -> Any:
        get = self._get.get(name)
        value = get(row) if get is not None else None
        return value if name not in OPTIONAL or is_given(value) else None

    def _name(self, row: Row, name: str) -> str:
        return name_of(self._cell(row, name))

    def _prompt(self, row: Row) -> Text:
        names = self._columns.names
        if "prompt" not in names or names["prompt"] == names.get("response"):
            return ""
        return text_of_prompt(self._cell(row, "prompt"))

    def _scale(self, row: Row) -> tuple[float, float] | None:
        ends = self._cell(row, "scale")
        if ends is None:
            return (0.0, 1.0) if self._columns.shape is Shape.THUMBS else None
        if not isinstance(ends, list) or len(ends) != 2:
            raise BadRow("the scale is not a list of its two ends")
        lowest, highest = (number_of(end, "an end of the scale") for end in ends)
        if not lowest < highest:
            raise BadRow(f"the scale goes from {lowest:g} to {highest:g}; the lowest comes first")
        return lowest, highest

    # -- answers with ratings

    def _rated(self, facts: Facts, row: Row) -> None:
        responses = self._responses(facts, row)
        ratings = self._ratings(row, len(responses))
        for response, rated in zip(responses, ratings, strict=True):
            if response is not None and rated:
                facts.answers.append((response, rated))
            elif self._columns.shape is Shape.SCORED:
                facts.not_judged += 1
            elif len(responses) == 1:
                raise BadRow("the answer is null" if response is None else "the rating is null, not a number")
        if not facts.answers and not facts.not_judged:
            raise BadRow("no answer of the row has a rating")

    def _responses(self, facts: Facts, row: Row) -> Sequence[Text | None]:
        """Return the row's answers; where they come with their conversation, that is the prompt."""
        value = self._cell(row, "response")
        if self._columns.names["response"] in CHATS:
            prompt, answer = split_chat(value)
            facts.prompt = text_of_prompt(prompt)
            return [text_of_response(answer)]
        return texts_of_responses(value)[0]

    def _ratings(self, row: Row, count: int) -> list[list[Rating]]:
        weight, rater, about = weight_of(self._cell(row, "weight")), self._name(row, "rater"), self._name(row, "aspect")
        name, number = ("thumb", thumb_of) if self._columns.shape is Shape.THUMBS else ("rating", self._number)
        cells = _spread(self._cell(row, name), count)
        rated = [_one_cell(cell, number, rater, weight, about) for cell in cells]
        for column, get in self._aspects:
            for ratings, cell in zip(rated, _spread(get(row), count), strict=True):
                if cell is not None:
                    ratings.append(Rating(self._number(cell, f"the rating of {column}"), rater, weight, column))
        return rated

    def _number(self, cell: Any, what: str = "the rating") -> float:
        number, total = rating_of(cell, what)
        if not is_open_ended(cell) and total != (others := self._totals.setdefault(what, total)):
            raise BadRow(f"{what} is {_form(total)}, and others are {_form(others, 's')}; bring them to one scale")
        return number

    # -- comparisons

    def _pair(self, facts: Facts, row: Row) -> None:
        chosen, rejected = self._cell(row, "chosen"), self._cell(row, "rejected")
        if chosen is None or rejected is None:
            raise BadRow(f"{'chosen' if chosen is None else 'rejected'} is null")
        if _are_texts(chosen) or _are_texts(rejected):
            self._lists(facts, row, chosen, rejected)
            return
        facts.prompt, one, two = implicit_prompt(facts.prompt, chosen, rejected)
        share = self._cell(row, "probability")
        probability = 1.0 if share is None else number_of(share, "the probability")
        if not 0 <= probability <= 1:
            raise BadRow(f"the probability is {probability:g}; it lies from 0 to 1")
        margin, weight = self._margin(row), weight_of(self._cell(row, "weight"))
        if margin is not None and probability < 0.5:
            margin = -margin  # it is how far the better one is ahead, and that is the other one
        self._compare(facts, (one, two), Compared(0, 1, (probability,), margin, weight))

    def _lists(self, facts: Facts, row: Row, chosen: Any, rejected: Any) -> None:
        """Read several chosen or rejected answers, as RewardBench 2 has them: each chosen beats each rejected."""
        better, worse = ([each] if isinstance(each, str) else list(each) for each in (chosen, rejected))
        weight, margin = weight_of(self._cell(row, "weight")), self._margin(row)
        facts.answers += [(text_of_response(each), []) for each in (*better, *worse)]
        for one, two in product(range(len(better)), range(len(better), len(better) + len(worse))):
            if facts.answers[one][0] != facts.answers[two][0]:
                facts.compared.append(Compared(one, two, (1.0,), margin, weight))
        if not facts.compared:
            raise BadRow("all answers are the same, so nothing is said of them")

    def _margin(self, row: Row) -> float | None:
        if self._margins:
            high, low = (get(row) for get in self._margins)
            if not is_given(high) or not is_given(low):
                return None
            margin, (one, two) = number_of(high) - number_of(low), self._columns.margins or ("", "")
            if margin < 0:
                raise BadRow(
                    f"{one} is below {two}, against the choice; swap the two answers, or leave the numbers out"
                )
            return margin
        value = self._cell(row, "margin")
        margin = 0.0 if value is None else number_of(value, "the margin")
        if margin < 0:
            raise BadRow(
                f"the margin is {margin:g}, and it says by how much the chosen answer is the better one; swap chosen "
                "and rejected, or give it without its sign"
            )
        return None if value is None else margin

    def _vote(self, facts: Facts, row: Row) -> None:
        facts.prompt, one, two = implicit_prompt(facts.prompt, self._cell(row, "first"), self._cell(row, "second"))
        value = self._cell(row, "strength" if "strength" in self._get else "winner")
        cells = value if isinstance(value, list) else [value]
        if not cells:
            raise BadRow("the list of votes is empty")
        margin = None
        if "strength" in self._get:
            strengths = [number_of(cell, "the preference") for cell in cells]
            votes = tuple(0.5 if not each else float(each < 0) for each in strengths)
            margin = 0.0 - fmean(strengths)  # of the first over the second, which a number below 0 is for
        else:
            votes = tuple(side_of(vote, *self._columns.votes) for vote in cells)
        weight = weight_of(self._cell(row, "weight"))
        self._compare(facts, (one, two), Compared(0, 1, votes, margin, weight))

    def _compare(self, facts: Facts, answers: tuple[Text, Text], compared: Compared) -> None:
        if answers[0] == answers[1]:
            raise BadRow("both answers are the same, so nothing is said of them")
        facts.answers += [(answer, []) for answer in answers]
        facts.compared.append(compared)

    def _ranking(self, facts: Facts, row: Row) -> None:
        given = self._cell(row, "ranked" if "ranked" in self._get else "response")
        responses, several = texts_of_responses(given)
        if not several or len(responses) < 2 or None in responses:
            raise BadRow("a ranking is a list of at least two answers, none of them null")
        ranks = self._ranks(row, len(responses))
        weight = weight_of(self._cell(row, "weight"))
        facts.answers += [(response, []) for response in responses if response is not None]
        for one, two in combinations(range(len(responses)), 2):
            if responses[one] != responses[two]:
                better, worse = (one, two) if ranks[one] <= ranks[two] else (two, one)
                votes = (0.5 if ranks[one] == ranks[two] else 1.0,)
                facts.compared.append(Compared(better, worse, votes, None, weight))

    def _ranks(self, row: Row, count: int) -> list[float]:
        if "ranks" not in self._get:
            return [float(place) for place in range(count)]
        cell = self._cell(row, "ranks")
        if not isinstance(cell, list) or len(cell) != count:
            raise BadRow(f"{count} answers need a list of {count} ranks, 1 = best")
        return [number_of(rank, "a rank") for rank in cell]


def _form(total: float | None, many: str = "") -> str:
    return f"out of {total:g}" if total is not None else f"{'' if many else 'a '}plain number{many}"


def _are_texts(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and all(isinstance(each, str) for each in cell)


def _spread(cell: Any, count: int) -> list[Any]:
    """Return one cell for each answer."""
    if isinstance(cell, list):
        if len(cell) == count:
            return cell
        if count > 1:
            raise BadRow(f"{count} answers and {len(cell)} ratings; there must be one each")
        return [cell]
    if count > 1 and cell is not None:
        raise BadRow(f"{count} answers and one rating; there must be one each")
    return [cell] * count


def _one_cell(cell: Any, number: Callable[[Any], float], rater: str, weight: float, aspect: str) -> list[Rating]:
    """Return the ratings in a cell: a number, several raters' numbers, or an object of aspects."""
    if cell is None:
        return []
    if isinstance(cell, list):  # several ratings of one answer, by raters that are known by their place only
        named = f"{rater}#" if rater else "#"
        return [Rating(number(each), f"{named}{place}", weight, aspect) for place, each in enumerate(cell, 1)]
    if isinstance(cell, Mapping) and not is_read(cell, number):
        return [Rating(number(each), rater, weight, str(name)) for name, each in cell.items() if each is not None]
    return [Rating(number(cell), rater, weight, aspect)]
