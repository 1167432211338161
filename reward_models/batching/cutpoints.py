"""What an ordinal loss leaves behind: where a score passes from one star to the next. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Self


@dataclass(frozen=True, slots=True)
class Cutpoints:
    """P(more stars than `stars[c]`) = sigmoid(slope x (score - cuts[c])), McCullagh 1980.

    Attributes:
        stars: The levels of the file's scale, ascending.
        cuts: One fewer, ascending.
        slope: How steeply the probabilities pass from 0 to 1.
    """

    stars: tuple[float, ...]
    cuts: tuple[float, ...]
    slope: float = 1.0

    def __post_init__(self) -> None:
        if len(self.stars) != len(self.cuts) + 1 or not all(map(math.isfinite, (*self.stars, *self.cuts, self.slope))):
            raise ValueError(f"cutpoints are finite, and one fewer than the stars; given: {self}")

    def rescaled(self, mean: float, std: float) -> Self:
        """Return the same for scores that were `score` and are now (score - mean) / std."""
        return type(self)(self.stars, tuple((cut - mean) / std for cut in self.cuts), self.slope * std)

    def probabilities(self, score: float) -> dict[str, float]:
        """Return P(each star), as `p_1`, `p_2` ..."""
        above = [1.0, *((1 + math.tanh(self.slope * (score - cut) / 2)) / 2 for cut in self.cuts), 0.0]
        return {f"p_{star:g}": more - less for star, (more, less) in zip(self.stars, pairwise(above), strict=True)}
