"""What reading files of ratings gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from reward_models.types import Answer, RatedPrompt, Rating

_MOST_STEPS = 200
"""A scale with more distinct values than this is continuous."""
_SAME = 1e-9
_BAD_TOLD = 3


class Shape(StrEnum):
    """How a file tells what humans said."""

    RATINGS = "ratings"
    """A number for each answer: stars, marks, scores."""
    PAIRS = "pairs"
    """A chosen and a rejected answer."""
    VOTES = "votes"
    """Two answers, and who won by one or several votes."""
    RANKED = "ranked"
    """Several answers, best first or with ranks."""
    THUMBS = "thumbs"
    """Up or down for each answer."""
    SCORED = "scored"
    """Rewards that `verify score` wrote."""
    PREPARED = "prepared"
    """What `verify rm prepare` wrote."""


class BadRow(NamedTuple):
    """A row that was left out.

    Attributes:
        where: `file:line`.
        reason: Why, in one line.
    """

    where: str
    reason: str


class Scale(NamedTuple):
    """The numbers that raters could give.

    Attributes:
        lowest, highest: Its ends, as declared by the rows or else as seen.
        step: Between neighbouring values; 0.0 = continuous.
    """

    lowest: float
    highest: float
    step: float

    @property
    def values(self) -> list[float]:
        """All values, lowest first; empty = continuous."""
        if not self.step:
            return []
        return [self.lowest + self.step * index for index in range(round((self.highest - self.lowest) / self.step) + 1)]


@dataclass(slots=True)
class Counts:
    """What was met while reading.

    Attributes:
        rows: Rows read, bad ones too.
        bad: Of these, left out because they say nothing that can be used.
        not_judged: Answers without a reward, in files that `verify score` wrote.
        duplicates: Ratings that one rater gave to one answer twice, with the same number; kept once.
        identical: Rows that say what an earlier one says and name no rater: copies, or raters who agree.
        repaired: Rows with halves of surrogate pairs, which no tokenizer takes; replaced by `?`.
    """

    rows: int = 0
    bad: int = 0
    not_judged: int = 0
    duplicates: int = 0
    identical: int = 0
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class RatedData:
    """All that files of ratings hold, equal prompts merged.

    Attributes:
        prompts: In order of first appearance.
        shape: Of the files; several different ones joined by ` + `.
        columns: Field -> column, of the first file; for messages.
        counts: What was met while reading.
        scale: Of the ratings; `None` = there are none.
        declared: Whether the rows or the user named its ends.
        aspects: Aspect -> its weight in an answer's stars; empty = answers are rated as a whole.
        bad: Rows left out, the first `MAX_BAD_KEPT`; `counts.bad` has them all.
        votes: For each comparison with several votes: how much each was for the one that stands first (1, 0.5, 0).
        notes: What the reader decided where the file was not clear.
    """

    prompts: Sequence[RatedPrompt]
    shape: str
    columns: Mapping[str, str] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    scale: Scale | None = None
    declared: bool = False
    aspects: Mapping[str, float] = field(default_factory=dict)
    bad: Sequence[BadRow] = ()
    votes: Sequence[Sequence[float]] = ()
    notes: Sequence[str] = ()

    def remarks(self) -> list[str]:
        """Return what a person should know of how the files were read, a line each."""
        told = list(self.notes)
        if self.counts.bad:
            first = "; ".join(f"{row.where}: {row.reason}" for row in self.bad[:_BAD_TOLD])
            told.append(f"skipped {self.counts.bad:,} bad rows: {first}{' ...' * (self.counts.bad > _BAD_TOLD)}")
        return told


def scale_of(stars: Iterable[float], declared: tuple[float, float] | None = None) -> Scale | None:
    """Return the scale of ratings.

    Args:
        stars: All numbers given.
        declared: Its ends, if the rows or the user say so.

    Returns:
        `None` if there is no number.
    """
    values = sorted({round(value, 9) for value in stars})
    if not values:
        return None
    lowest, highest = declared or (values[0], values[-1])
    points = sorted({lowest, *values, highest})
    gaps = [after - before for before, after in pairwise(points) if after - before > _SAME]
    step = min(gaps, default=0.0)
    even = step and all(abs(gap / step - round(gap / step)) < 1e-6 for gap in gaps)
    return Scale(lowest, highest, step if even and (highest - lowest) / step < _MOST_STEPS else 0.0)


def data_hash(prompts: Iterable[RatedPrompt]) -> str:
    """Return a hash of the data's content, whatever the order of its prompts and the names of its files."""
    hashes = sorted(hashlib.sha256(msgspec.json.encode(prompt_row(each, places=False))).digest() for each in prompts)
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def prompt_row(rated: RatedPrompt, places: bool = True) -> dict[str, Any]:
    """Return a prompt as the row that `verify rm prepare` writes; what is default is left out."""
    row: dict[str, Any] = {"prompt": rated.prompt, "answers": [_answer_row(each, places) for each in rated.answers]}
    if rated.preferences:
        row["preferences"] = [
            {"chosen": each.chosen, "rejected": each.rejected, "probability": each.probability}
            | ({"margin": each.margin} if each.margin is not None else {})
            | ({"weight": each.weight} if each.weight != 1.0 else {})
            | ({"source": each.source} if each.source != rated.answers[each.chosen].source else {})
            | ({"votes": each.votes} if each.votes != 1 else {})
            for each in rated.preferences
        ]
    return row


def _answer_row(answer: Answer, places: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"response": answer.response}
    if answer.stars is not None:
        row["stars"] = answer.stars
    if answer.weight != 1.0:
        row["weight"] = answer.weight
    if answer.ratings:
        row["ratings"] = [_rating_row(rating) for rating in answer.ratings]
    if answer.aspects:
        row["aspects"] = dict(sorted(answer.aspects.items()))
    if answer.source:
        row["source"] = answer.source
    return row | ({"where": answer.where} if places and answer.where else {})


def _rating_row(rating: Rating) -> dict[str, Any]:
    row: dict[str, Any] = {"stars": rating.stars}
    for name in ("rater", "aspect"):
        if getattr(rating, name):
            row[name] = getattr(rating, name)
    return row | ({"weight": rating.weight} if rating.weight != 1.0 else {})
