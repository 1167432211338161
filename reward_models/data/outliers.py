"""Ratings that lie far outside the scale of all others: 50 among 1 to 5 is a slip, or a code for "missing"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from reward_models.types import RatedPrompt

MOST = 0.01
"""A larger share of the ratings is no slip."""
ENDS_COUNT = 3
"""The end of a scale is given so many times as often as what lies beyond it. The tail of counts (votes, words) and of
continuous marks thins out instead, one value at a time."""


class Outlier(NamedTuple):
    """A rating far outside.

    Attributes:
        value: It.
        aspect, rater: Its own; may be empty.
        where: `file:line` of its answer's first row; may be empty.
        lowest, highest: Of the others.
        times: How many ratings lie far outside, this one among them.
    """

    value: float
    aspect: str
    rater: str
    where: str
    lowest: float
    highest: float
    times: int


class _Given(NamedTuple):
    stars: float
    rater: str
    where: str


def outliers(prompts: Iterable[RatedPrompt]) -> list[Outlier]:
    """Return, of each aspect that has ratings far outside its scale, the first of them."""
    by_aspect: dict[str, list[_Given]] = {}
    for rated in prompts:
        for answer in rated.answers:
            for rating in answer.ratings:
                by_aspect.setdefault(rating.aspect, []).append(_Given(rating.stars, rating.rater, answer.where))
    found = []
    for aspect, given in by_aspect.items():
        values = [each.stars for each in given]
        lowest, highest = -_end([-value for value in values]), _end(values)
        far = [each for each in given if not lowest <= each.stars <= highest]
        if far:
            found.append(Outlier(far[0].stars, aspect, far[0].rater, far[0].where, lowest, highest, len(far)))
    return found


def _end(values: list[float]) -> float:
    """Return the highest value that is not far outside.

    Far is further than the scale is wide, counted from 0 too: a single 0 among marks of 80 to 100 is no slip.
    """
    steps, middle = sorted(Counter(values).items(), reverse=True), median(values)
    beyond = 0
    for (value, count), (end, times) in pairwise(steps[:-1]):  # two values at least are left as the scale
        beyond += count
        if beyond > max(1, MOST * len(values)):
            break
        if value > end + max(abs(end), end - middle) and times >= ENDS_COUNT * beyond:
            return end
    return steps[0][0]
