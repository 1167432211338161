"""Ratings that lie far outside the scale of all others: 50 among 1 to 5 is a slip, or a code for "missing"."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from reward_models.types import RatedPrompt

MOST = 0.01
"""A larger share of the ratings is no slip."""
ALWAYS = 3
"""So many may be slips, however few ratings there are."""
ENDS_COUNT = 3
"""The end of a scale is given so many times as often as what lies beyond it. The tail of counts (votes, words) and of
continuous marks thins out instead, one value at a time."""
WIDE = 4
"""What is so many times as far lies beyond an end, too, that few gave: 50 among 1 to 3 and a single 4."""
STEPS = 3
"""Fewer steps of the scale than these are not far."""
MAX_TOLD = 5


class Outlier(NamedTuple):
    """A rating far outside.

    Attributes:
        value: It.
        aspect, rater: Its own; may be empty.
        where: `file:line` of its answer's first row; may be empty.
        lowest, highest: Of the others.
        times: How many ratings lie far outside, this one among them.
        others: Those after it, as "value at file:line", the first few.
    """

    value: float
    aspect: str
    rater: str
    where: str
    lowest: float
    highest: float
    times: int
    others: tuple[str, ...] = ()


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
            one, *more = far
            others = tuple(f"{each.stars:g} at {each.where}" for each in more[: MAX_TOLD - 1])
            found.append(Outlier(one.stars, aspect, one.rater, one.where, lowest, highest, len(far), others))
    return found


def _end(values: list[float]) -> float:
    """Return the highest value that is not far outside.

    Far is further than the scale is wide, counted from 0 too: a single 0 among marks of 80 to 100 is no slip. Nor is
    what is a few steps away: where nearly all ratings are 0 (-3 to 3), the others are rare.
    """
    steps, middle = sorted(Counter(values).items(), reverse=True), median(values)

    gap = min((one - two for (one, _), (two, _) in pairwise(steps)), default=0.0)

    def reach(end: float) -> float:
        return max(abs(end), end - middle, STEPS * gap)

    beyond, found = 0, steps[0][0]
    for place, ((value, count), (end, times)) in enumerate(pairwise(steps[:-1])):  # the scale has two values at least
        beyond += count
        if beyond > max(ALWAYS, MOST * len(values)):
            break
        needed = ENDS_COUNT * beyond
        firm = next((each for each, often in steps[place + 1 :] if often >= needed), -math.inf)
        near = end <= firm + reach(firm) and value > end + WIDE * reach(end)
        if value > end + reach(end) and (times >= needed or near):
            found = end
    return found
