"""Confidence intervals by resampling prompts.

Answers to one prompt are not independent, so prompts are drawn, never answers or pairs. Every statistic here is a
function of sums over prompts: a prompt is a row of numbers, and a resample costs one sum a column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

RESAMPLES = 1000
MAX_BLOCKS = 1000
"""More prompts than this are first added up in random blocks: the variance stays, the work is bounded."""
CONFIDENCE = 0.95
MIN_PROMPTS = 10
"""With fewer prompts an interval would only look like one."""

Statistic = Callable[[Sequence[float]], float | None]
"""From sums over prompts to a number; `None` = it does not exist."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % interval.

    Attributes:
        value: The estimate on all prompts.
        low, high: Ends of the interval; `None` = too few prompts for one.
        prompts: How many prompts it is over.
    """

    value: float
    low: float | None
    high: float | None
    prompts: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of two models on the same prompts.

    Attributes:
        interval: Of first minus second.
        p_value: Two-sided, of "there is no difference"; `None` = too few prompts.
    """

    interval: Interval
    p_value: float | None


def interval(rows_PS: Sequence[Sequence[float]], statistic: Statistic, seed: int = 0) -> Interval | None:
    """Return the statistic of all prompts with its bootstrap percentile interval; `None` = it does not exist.

    Args:
        rows_PS: One row of addable numbers a prompt.
        statistic: From the columns' sums to the number.
        seed: Of the resampling.
    """
    value = statistic(_sums(rows_PS)) if rows_PS else None
    if value is None:
        return None
    drawn = _resample(rows_PS, statistic, seed)
    return Interval(value, *_ends(drawn), len(rows_PS))


def difference(rows_PS: Sequence[Sequence[float]], first_minus_second: Statistic, seed: int = 0) -> Difference | None:
    """Return a paired difference: both models see the same resampled prompts."""
    value = first_minus_second(_sums(rows_PS)) if rows_PS else None
    if value is None:
        return None
    drawn = _resample(rows_PS, first_minus_second, seed)
    p_value = None
    if drawn:
        below = sum(d < 0 for d in drawn) + sum(d == 0 for d in drawn) / 2
        tail = min(below, len(drawn) - below)
        p_value = min(1.0, 2 * (tail + 1) / (len(drawn) + 1))
    return Difference(Interval(value, *_ends(drawn), len(rows_PS)), p_value)


def _sums(rows_PS: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) for column in zip(*rows_PS, strict=True)]


def _resample(rows_PS: Sequence[Sequence[float]], statistic: Statistic, seed: int) -> list[float]:
    """Return the statistic's sorted values over resamples; empty = too few prompts."""
    if len(rows_PS) < MIN_PROMPTS:
        return []
    random = Random(seed)
    columns = list(zip(*_blocks(rows_PS, random), strict=True))
    places = range(len(columns[0]))
    drawn = []
    for _ in range(RESAMPLES):
        chosen = random.choices(places, k=len(places))
        value = statistic([sum(map(column.__getitem__, chosen)) for column in columns])
        if value is not None:
            drawn.append(value)
    return sorted(drawn)


def _blocks(rows_PS: Sequence[Sequence[float]], random: Random) -> list[Sequence[float]]:
    if len(rows_PS) <= MAX_BLOCKS:
        return list(rows_PS)
    shuffled = random.sample(rows_PS, len(rows_PS))
    return [_sums(shuffled[start::MAX_BLOCKS]) for start in range(MAX_BLOCKS)]


def _ends(drawn: Sequence[float]) -> tuple[float | None, float | None]:
    if not drawn:
        return None, None
    cut = round((1 - CONFIDENCE) / 2 * (len(drawn) - 1))
    return drawn[cut], drawn[-1 - cut]
