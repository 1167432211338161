"""How scores lie: the numbers behind the report's histogram and boxes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reward_models.evaluation.scored import ScoredPrompt, scored_pairs

BINS = 30
TAIL = 0.005
"""Share of the largest differences, by size, that is put into the outermost bins."""
MAX_LEVELS = 11
"""More distinct stars than these are put together by rounding to the nearest of as many evenly spaced levels."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between edges; one edge more than counts. What lies outside is in the outermost bins."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """Scores of the answers with about the same stars: quantiles at 5, 25, 50, 75 and 95 %."""

    stars: float
    count: int
    quantiles: tuple[float, float, float, float, float]


def differences(scored: Sequence[ScoredPrompt]) -> Histogram | None:
    """Return score of the better minus score of the worse answer, around 0; `None` = no pairs."""
    values = [pair.difference for prompt in scored for pair in scored_pairs(prompt)]
    if not values:
        return None
    sizes = sorted(map(abs, values))
    reach = sizes[math.ceil((1 - TAIL) * (len(sizes) - 1))] or 1.0
    counts = [0] * BINS
    for value in values:
        place = int((value + reach) / (2 * reach) * BINS)
        counts[max(0, min(BINS - 1, place))] += 1
    edges = tuple(-reach + 2 * reach * place / BINS for place in range(BINS + 1))
    return Histogram(edges, tuple(counts))


def boxes(scored: Sequence[ScoredPrompt]) -> list[Box]:
    """Return the scores at each level of stars, lowest first."""
    rows = [(stars, score) for prompt in scored for score, stars, _ in prompt.starred()]
    levels = _levels(sorted({stars for stars, _ in rows}))
    grouped: dict[float, list[float]] = defaultdict(list)
    for stars, score in rows:
        grouped[min(levels, key=lambda level: abs(level - stars))].append(score)
    return [Box(stars, len(grouped[stars]), _quantiles(sorted(grouped[stars]))) for stars in levels if grouped[stars]]


def _levels(distinct: Sequence[float]) -> list[float]:
    if len(distinct) <= MAX_LEVELS:
        return list(distinct)
    low, high = distinct[0], distinct[-1]
    return [low + (high - low) * place / (MAX_LEVELS - 1) for place in range(MAX_LEVELS)]


def _quantiles(ordered: Sequence[float]) -> tuple[float, float, float, float, float]:
    last = len(ordered) - 1
    low, lower, middle, upper, high = (ordered[round(share * last)] for share in (0.05, 0.25, 0.5, 0.75, 0.95))
    return low, lower, middle, upper, high
