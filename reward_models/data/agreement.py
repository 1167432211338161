"""How far raters agree: intraclass correlation and Krippendorff's alpha.

Shrout & Fleiss 1979 (doi.org/10.1037/0033-2909.86.2.420) for ICC(1) and ICC(1,k); Krippendorff 2011, "Computing
Krippendorff's Alpha-Reliability". Both take what raters gave to one answer as a unit, whoever they were.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """What differences between values mean."""

    NOMINAL = "nominal"
    """Different is different."""
    ORDINAL = "ordinal"
    """How many ratings lie between two counts."""
    INTERVAL = "interval"
    """The square of the difference counts."""


class Icc(NamedTuple):
    """Intraclass correlation of one-way random effects.

    Attributes:
        single: ICC(1): of one rating with another of the same unit.
        mean: ICC(1,k): of the mean of k ratings with another such mean.
        k: Ratings a unit; a kind of mean where units have different numbers.
        units: Units with at least two ratings.
    """

    single: float
    mean: float
    k: float
    units: int


def icc(units: Iterable[Sequence[float]]) -> Icc | None:
    """Return the intraclass correlation of units' ratings; `None` = no two units with two ratings each, or no spread.

    Args:
        units: The ratings of each unit; units with fewer than two say nothing and are left out.
    """
    several = [unit for unit in units if len(unit) > 1]
    count = sum(map(len, several))
    if len(several) < 2:
        return None
    grand = math.fsum(math.fsum(unit) for unit in several) / count
    means = [math.fsum(unit) / len(unit) for unit in several]
    within = math.fsum((x - mean) ** 2 for unit, mean in zip(several, means, strict=True) for x in unit)
    between = math.fsum(len(unit) * (mean - grand) ** 2 for unit, mean in zip(several, means, strict=True))
    k = (count - sum(len(unit) ** 2 for unit in several) / count) / (len(several) - 1)
    ms_within, ms_between = within / (count - len(several)), between / (len(several) - 1)
    spread = ms_between + (k - 1) * ms_within
    if not spread or not ms_between:
        return None
    return Icc((ms_between - ms_within) / spread, (ms_between - ms_within) / ms_between, k, len(several))


def alpha(units: Iterable[Sequence[float]], level: Level = Level.INTERVAL) -> float | None:
    """Return Krippendorff's alpha; 1 = all agree, 0 = as by chance. `None` = nothing to compare, or all the same.

    Args:
        units: The ratings of each unit; units with fewer than two are left out.
        level: How differences count.
    """
    several = [list(unit) for unit in units if len(unit) > 1]
    if level is Level.ORDINAL:
        several = mean_ranks(several)
    values = [value for unit in several for value in unit]
    disagreement = _nominal if level is Level.NOMINAL else _squared
    if len(values) < 2 or not (expected := disagreement(values) / (len(values) - 1)):
        return None
    observed = math.fsum(disagreement(unit) / (len(unit) - 1) for unit in several)
    return 1.0 - observed / expected


def _squared(values: Sequence[float]) -> float:
    """Return the sum of squared differences over all ordered pairs."""
    mean = math.fsum(values) / len(values)
    return 2 * len(values) * math.fsum((value - mean) ** 2 for value in values)


def _nominal(values: Sequence[float]) -> float:
    """Return the number of ordered pairs of different values."""
    return float(len(values) ** 2 - sum(count * count for count in Counter(values).values()))


def mean_ranks(units: Sequence[Sequence[float]]) -> list[list[float]]:
    """Put mean ranks in place of values: the ordinal difference of two values is that of their mean ranks."""
    counts = Counter(value for unit in units for value in unit)
    ranks, below = {}, 0.0
    for value in sorted(counts):
        ranks[value] = below + counts[value] / 2
        below += counts[value]
    return [[ranks[value] for value in unit] for unit in units]
