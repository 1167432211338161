"""The file's stars against the numbers that losses see: standardised stars, and levels for ordinal losses.

Standard library only. Fitted on the training prompts, stored in the model's card, used again at evaluation.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from reward_models.types import Answer, RatedPrompt
from verifiers.types import Json

MAX_LEVELS = 11
"""A scale with more distinct stars than this (0..100) is cut into this many levels of equal counts."""
LEAST_SPREAD = 1e-6
"""Below this standard deviation all labels count as equal, and stay at 0."""


@dataclass(frozen=True, slots=True)
class StarScale:
    """Mean and spread of the training labels, and the stars that raters could give.

    Attributes:
        mean, std: Of the labels, weighted; std is 1.0 where all labels are equal.
        levels: Stars that were given, ascending: the classes of an ordinal loss.
        aspects: The same for each aspect.
    """

    mean: float = 0.0
    std: float = 1.0
    levels: tuple[float, ...] = ()
    aspects: Mapping[str, StarScale] = field(default_factory=dict)

    @classmethod
    def fit(cls, prompts: Sequence[RatedPrompt]) -> Self:
        """Measure the labels of the training prompts."""
        answers = [answer for prompt in prompts for answer in prompt.answers]
        names = sorted({name for answer in answers for name in answer.aspects})
        labelled = [(a.stars, a.weight) for a in answers if a.stars is not None]
        raw = [r.stars for a in answers if a.stars is not None for r in a.ratings if not r.aspect]
        aspects = {name: _fit_aspect(answers, name) for name in names}
        return cls(*_moments(labelled), _levels(raw or [stars for stars, _ in labelled]), aspects)

    def standardise(self, stars: float) -> float:
        """Return stars in units of the training labels' spread, around their mean."""
        return (stars - self.mean) / self.std

    def stars(self, standardised: float) -> float:
        """Return the file's stars for a standardised number; not clipped."""
        return standardised * self.std + self.mean

    def level(self, stars: float) -> float:
        """Return the place of `stars` among the levels, 0 .. len(levels) - 1; between two of them, a fraction."""
        if not self.levels or math.isnan(stars):
            return math.nan
        above = bisect_right(self.levels, stars)
        if above == 0:
            return 0.0
        if above == len(self.levels):
            return float(above - 1)
        low, high = self.levels[above - 1 : above + 1]
        return above - 1 + (stars - low) / (high - low)

    def to_json(self) -> dict[str, Json]:
        """Return what the card stores."""
        aspects: dict[str, Json] = {name: scale.to_json() for name, scale in self.aspects.items()}
        return {"mean": self.mean, "std": self.std, "levels": list(self.levels), "aspects": aspects}

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Self:
        """Read what `to_json` wrote."""
        aspects = stored.get("aspects") or {}
        levels = stored.get("levels") or []
        if not isinstance(aspects, dict) or not isinstance(levels, list):
            raise ValueError(f"a star scale has `levels`, a list, and `aspects`, an object; given: {stored!r}")
        inner = {name: cls.from_json(scale) for name, scale in aspects.items() if isinstance(scale, dict)}
        return cls(_number(stored, "mean"), _number(stored, "std"), tuple(map(float, levels)), inner)


def _number(stored: Mapping[str, Json], name: str) -> float:
    value = stored.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"a star scale's {name} is a number; given: {value!r}")
    return float(value)


def _fit_aspect(answers: Sequence[Answer], name: str) -> StarScale:
    labelled = [(a.aspects[name], a.weight) for a in answers if name in a.aspects]
    raw = [rating.stars for a in answers for rating in a.ratings if rating.aspect == name]
    return StarScale(*_moments(labelled), _levels(raw or [stars for stars, _ in labelled]))


def _moments(labelled: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the weighted mean and standard deviation; 0 and 1 where there is nothing to measure."""
    total = math.fsum(weight for _, weight in labelled)
    if not total:
        return 0.0, 1.0
    mean = math.fsum(stars * weight for stars, weight in labelled) / total
    std = math.sqrt(math.fsum(weight * (stars - mean) ** 2 for stars, weight in labelled) / total)
    return mean, std if std > LEAST_SPREAD else 1.0


def _levels(stars: Iterable[float]) -> tuple[float, ...]:
    ordered = sorted(stars)
    distinct = sorted(set(ordered))
    if len(distinct) <= MAX_LEVELS:
        return tuple(distinct)
    return tuple(sorted({ordered[round(i * (len(ordered) - 1) / (MAX_LEVELS - 1))] for i in range(MAX_LEVELS)}))
