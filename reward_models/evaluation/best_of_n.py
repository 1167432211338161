"""What best-of-n sampling would gain: the stars of the answer that the model picks of n."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from reward_models.evaluation.scored import ScoredPrompt

MAX_N = 64


@dataclass(frozen=True, slots=True)
class BestOfN:
    """Mean stars of the answer picked of n drawn at random, over the prompts that have as many as the largest n.

    Attributes:
        n_K: How many answers are drawn.
        model_K: The model picks; among equal scores, one at random.
        oracle_K: The one with most stars is picked.
        random: One is picked at random, whatever n.
        prompts: How many prompts.
    """

    n_K: tuple[int, ...]
    model_K: tuple[float, ...]
    oracle_K: tuple[float, ...]
    random: float
    prompts: int

    @property
    def share(self) -> float | None:
        """How much of the oracle's gain over random the model gets at the largest n."""
        room = self.oracle_K[-1] - self.random
        return (self.model_K[-1] - self.random) / room if room > 0 else None


def best_of_n(scored: Sequence[ScoredPrompt]) -> BestOfN | None:
    """Compute the curve exactly, over all draws without replacement; `None` = no prompt has two answers with stars."""
    rows_P = [[(score, stars) for score, stars, _ in prompt.starred()] for prompt in scored]
    rows_P = [rows for rows in rows_P if len(rows) > 1]
    if not rows_P:
        return None
    most = min(MAX_N, int(median(len(rows) for rows in rows_P)))
    n_K = [2**power for power in range(most.bit_length()) if 2**power <= most]
    kept = [rows for rows in rows_P if len(rows) >= n_K[-1]]
    model = [_curve([(-score, stars) for score, stars in rows], n_K) for rows in kept]
    oracle = [_curve([(-stars, stars) for _, stars in rows], n_K) for rows in kept]
    random = math.fsum(math.fsum(stars for _, stars in rows) / len(rows) for rows in kept) / len(kept)
    return BestOfN(tuple(n_K), _means(model), _means(oracle), random, len(kept))


def _curve(rows: Sequence[tuple[float, float]], n_K: Sequence[int]) -> list[float]:
    """Return the expected stars of the first of n random rows, for each n; rows of equal key share their mean."""
    ordered = sorted(rows)
    stars = []
    for _, block in groupby(ordered, key=lambda row: row[0]):
        tied = [value for _, value in block]
        stars += [math.fsum(tied) / len(tied)] * len(tied)
    count = len(stars)
    # The row at place i is the first of n drawn in C(count - 1 - i, n - 1) of C(count, n) draws.
    return [
        math.fsum(value * math.comb(count - 1 - i, n - 1) for i, value in enumerate(stars)) / math.comb(count, n)
        for n in n_K
    ]


def _means(curves: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(math.fsum(column) / len(column) for column in zip(*curves, strict=True))
