"""Rank statistics of two lists of numbers, in O(n log n), without numpy.

A statistic is `None` where it does not exist (fewer than two values, or all of one list equal).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class PairCounts:
    """How all pairs of items stand in two lists.

    Attributes:
        concordant: Pairs that both lists order the same way.
        discordant: Pairs that they order in opposite ways.
        tied_scores: Pairs that are tied in the scores only.
        tied_labels: Pairs that are tied in the labels, whatever the scores say.
    """

    concordant: int
    discordant: int
    tied_scores: int
    tied_labels: int

    @property
    def decided(self) -> int:
        """Pairs whose labels differ."""
        return self.concordant + self.discordant + self.tied_scores


def count_pairs(scores_N: Sequence[float], labels_N: Sequence[float]) -> PairCounts:
    """Count concordant and discordant pairs (Knight 1966), so that thousands of answers to one prompt cost little."""
    order = sorted(zip(scores_N, labels_N, strict=True))
    count = len(order)
    tied_scores = _tied(scores_N)
    tied_labels = _tied(labels_N)
    tied_both = _tied(order)
    discordant = _inversions([label for _, label in order])
    concordant = count * (count - 1) // 2 - tied_scores - tied_labels + tied_both - discordant
    return PairCounts(concordant, discordant, tied_scores - tied_both, tied_labels)


def _tied(values: Iterable[object]) -> int:
    return sum(times * (times - 1) // 2 for times in Counter(values).values())


def _inversions(values: Sequence[float]) -> int:
    """Count pairs i < j with values[i] > values[j], with a Fenwick tree over ranks."""
    rank_of = {value: rank for rank, value in enumerate(sorted(set(values)), start=1)}
    tree = [0] * (len(rank_of) + 1)
    inversions = 0
    for seen, value in enumerate(values):
        position = rank_of[value]
        not_greater = 0
        while position:
            not_greater += tree[position]
            position &= position - 1
        inversions += seen - not_greater
        position = rank_of[value]
        while position < len(tree):
            tree[position] += 1
            position += position & -position
    return inversions


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1; equal values share their mean rank."""
    result = [0.0] * len(values)
    start = 0
    for _, block in groupby(sorted(range(len(values)), key=values.__getitem__), key=values.__getitem__):
        places = list(block)
        for place in places:
            result[place] = start + (len(places) + 1) / 2
        start += len(places)
    return result


def pearson(x_N: Sequence[float], y_N: Sequence[float]) -> float | None:
    """Return the linear correlation."""
    count = len(x_N)
    if count < 2:
        return None
    mean_x, mean_y = math.fsum(x_N) / count, math.fsum(y_N) / count
    dx_N, dy_N = [x - mean_x for x in x_N], [y - mean_y for y in y_N]
    spread = math.sqrt(math.fsum(d * d for d in dx_N)) * math.sqrt(math.fsum(d * d for d in dy_N))
    if not spread:
        return None
    return _clip(math.fsum(a * b for a, b in zip(dx_N, dy_N, strict=True)) / spread)


def spearman(x_N: Sequence[float], y_N: Sequence[float]) -> float | None:
    """Return the rank correlation, ties by mean ranks."""
    return pearson(ranks(x_N), ranks(y_N))


def kendall(x_N: Sequence[float], y_N: Sequence[float]) -> float | None:
    """Return Kendall's tau-b."""
    counts = count_pairs(x_N, y_N)
    in_y = counts.decided
    in_x = len(x_N) * (len(x_N) - 1) // 2 - _tied(x_N)
    if not in_x or not in_y:
        return None
    return _clip((counts.concordant - counts.discordant) / math.sqrt(in_x) / math.sqrt(in_y))


def partial_spearman(x_N: Sequence[float], y_N: Sequence[float], given_N: Sequence[float]) -> float | None:
    """Return the rank correlation of x and y that is left when `given` is held fixed.

    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2)(1 - r_yz^2)), on ranks.
    """
    return partial(spearman(x_N, y_N), spearman(x_N, given_N), spearman(y_N, given_N))


def partial(r_xy: float | None, r_xz: float | None, r_yz: float | None) -> float | None:
    """Return the correlation of x and y that is left when z is held fixed; `None` = it does not exist."""
    if r_xy is None:
        return None
    if r_xz is None or r_yz is None:
        return r_xy  # A constant takes nothing away.
    left = (1 - r_xz * r_xz) * (1 - r_yz * r_yz)
    return _clip((r_xy - r_xz * r_yz) / math.sqrt(left)) if left > 0 else None


def _clip(correlation: float) -> float:
    return max(-1.0, min(1.0, correlation))
