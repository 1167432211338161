"""Some raters are strict and some are kind: how far each rates above the others, shrunk by what is known of him.

A rating is taken as mean + answer + rater + rest, the answer and the rater drawn from normal distributions whose
variances are estimated from the data (empirical Bayes, by mean-field EM). A rater's offset is therefore shrunk towards
0, the more the fewer ratings he gave and the less raters differ. Where each answer has one rater, answer and rest are
one, and an offset is the rater's mean, shrunk by n v / (n v + rest).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reward_models.types import RatedPrompt

MIN_RATINGS = 5
"""A rater with fewer ratings is not enough to be corrected by."""
MIN_RATERS = 2
MIN_OVERLAP = 0.05
"""Share of ratings that come on top of another rater's of the same answer, from which on answers are told from the rest
of a rating's variance."""
MAX_ROUNDS = 60
_SETTLED = 1e-5
"""EM ends when no variance changes by more than this share of itself, or a hundredth of it of all variance."""

Mode = Literal["auto", "on", "off"]


class Observed(NamedTuple):
    """A rating of which the rater is known."""

    stars: float
    rater: str
    answer: int


@dataclass(frozen=True, slots=True)
class Raters:
    """What is known of the raters.

    Attributes:
        offsets: How far above the others each rates, shrunk; empty = no correction.
        on: Whether labels are corrected.
        why: Why, or why not, in one line.
        between: Variance between raters.
        answers: Variance between answers; 0.0 where each has one rater.
        rest: Variance of what is left.
    """

    offsets: dict[str, float] = field(default_factory=dict)
    on: bool = False
    why: str = ""
    between: float = 0.0
    answers: float = 0.0
    rest: float = 0.0

    @property
    def share(self) -> float:
        """The raters' share of all variance (the ICC of raters)."""
        total = self.between + self.answers + self.rest
        return self.between / total if total else 0.0


def observed(prompts: Iterable[RatedPrompt]) -> list[Observed]:
    """Return all ratings that name a rater; of several aspects the rater's mean of the answer."""
    found: list[Observed] = []
    number = 0
    for rated in prompts:
        for answer in rated.answers:
            by_rater: dict[str, list[float]] = {}
            for rating in answer.ratings:
                if rating.rater:
                    by_rater.setdefault(rating.rater, []).append(rating.stars)
            found += [Observed(math.fsum(given) / len(given), rater, number) for rater, given in by_rater.items()]
            number += 1
    return found


def fit_raters(
    prompts: Iterable[RatedPrompt], mode: Mode = "auto", predicted_N: Sequence[float] | None = None
) -> Raters:
    """Estimate the raters' offsets; `relabelled` takes them off. Fit on training prompts only.

    Args:
        prompts: With ratings that name their raters.
        mode: "auto": on when at least `MIN_RATERS` raters gave `MIN_RATINGS` ratings each. "on": always, where there
            are two raters. "off": never; the variances are still there to look at.
        predicted_N: What a model says of all answers, prompt by prompt: a rating is then taken as that much, and
            the effects on top.
    """
    ratings = observed(prompts)
    if predicted_N is not None:
        ratings = [each._replace(stars=each.stars - predicted_N[each.answer]) for each in ratings]
    given: dict[str, int] = {}
    for each in ratings:
        given[each.rater] = given.get(each.rater, 0) + 1
    if len(given) < MIN_RATERS:
        named = "one rater is named" if given else "no raters are named"
        return Raters(why=f"{named}; there is nothing to compare")
    enough = sum(count >= MIN_RATINGS for count in given.values())
    on = mode != "off" and (mode == "on" or enough >= MIN_RATERS)
    told = f"{enough:,} of {len(given):,} raters gave at least {MIN_RATINGS} ratings"
    why = f"{told}{'' if mode == 'auto' else f'; turned {mode}'}"
    model = _fit(ratings)
    offsets = model.offsets() if on else {}
    return Raters(offsets, on, why, model.between, model.answer, model.rest)


class _Side:
    """One kind of effect: the ratings of each unit of it, the effects' means and their variance."""

    def __init__(self, unit_of: Sequence[int], variance: float) -> None:
        self.unit_of, self.variance = unit_of, variance
        self.counts = [0] * (max(unit_of) + 1)
        for unit in unit_of:
            self.counts[unit] += 1
        self.effects = [0.0] * len(self.counts)
        self.doubts = [0.0] * len(self.counts)

    def update(self, residuals: Sequence[float], rest: float) -> None:
        """Estimate each effect from what the others leave, and the variance from the effects.

        All effects are then stretched by what fits the ratings best (parameter-expanded EM; Liu, Rubin and Wu 1998):
        alone, the variance of effects that do not exist would creep to 0 for thousands of rounds.
        """
        sums = [0.0] * len(self.counts)
        for unit, residual in zip(self.unit_of, residuals, strict=True):
            sums[unit] += residual
        for unit, count in enumerate(self.counts):
            shrink = self.variance / (count * self.variance + rest) if self.variance else 0.0
            self.effects[unit] = shrink * sums[unit]
            self.doubts[unit] = shrink * rest
        squares = [effect * effect + doubt for effect, doubt in zip(self.effects, self.doubts, strict=True)]
        explained = math.fsum(effect * total for effect, total in zip(self.effects, sums, strict=True))
        spread = math.fsum(count * square for count, square in zip(self.counts, squares, strict=True))
        stretch = explained / spread if spread else 0.0
        self.effects = [stretch * effect for effect in self.effects]
        self.doubts = [stretch * stretch * doubt for doubt in self.doubts]
        self.variance = stretch * stretch * math.fsum(squares) / len(squares)


class _Model:
    def __init__(self, ratings: Sequence[Observed]) -> None:
        self._stars = [each.stars for each in ratings]
        self._names = list(dict.fromkeys(each.rater for each in ratings))
        places = {name: place for place, name in enumerate(self._names)}
        answers = {answer: place for place, answer in enumerate(dict.fromkeys(each.answer for each in ratings))}
        mean = math.fsum(self._stars) / len(self._stars)
        self._mean = mean
        self.rest = math.fsum((stars - mean) ** 2 for stars in self._stars) / len(self._stars) / 2
        self._raters = _Side([places[each.rater] for each in ratings], self.rest)
        crossed = len(ratings) - len(answers) >= MIN_OVERLAP * len(ratings)
        self._answers = _Side([answers[each.answer] for each in ratings], self.rest if crossed else 0.0)

    @property
    def between(self) -> float:
        return self._raters.variance

    @property
    def answer(self) -> float:
        return self._answers.variance

    def offsets(self) -> dict[str, float]:
        return dict(zip(self._names, self._raters.effects, strict=True))

    def round(self) -> bool:
        """Improve all estimates once; tell whether they have settled."""
        before = self.between, self.answer, self.rest
        raters, answers = self._raters, self._answers
        on_answer = [answers.effects[unit] for unit in answers.unit_of]
        raters.update([x - self._mean - a for x, a in zip(self._stars, on_answer, strict=True)], self.rest)
        on_rater = [raters.effects[unit] for unit in raters.unit_of]
        if answers.variance:
            answers.update([x - self._mean - b for x, b in zip(self._stars, on_rater, strict=True)], self.rest)
            on_answer = [answers.effects[unit] for unit in answers.unit_of]
        left = [x - a - b for x, a, b in zip(self._stars, on_answer, on_rater, strict=True)]
        self._mean = math.fsum(left) / len(left)
        self.rest = math.fsum((each - self._mean) ** 2 for each in left) / len(left) + self._doubt()
        after = self.between, self.answer, self.rest
        least = sum(before) / 100
        return all(abs(new - old) <= _SETTLED * max(old, least) for new, old in zip(after, before, strict=True))

    def _doubt(self) -> float:
        """Return what the effects' own uncertainty adds to the rest."""
        sides = (self._raters, self._answers)
        return math.fsum(
            count * doubt for side in sides for count, doubt in zip(side.counts, side.doubts, strict=True)
        ) / len(self._stars)


def _fit(ratings: Sequence[Observed]) -> _Model:
    model = _Model(ratings)
    for _ in range(MAX_ROUNDS):
        if not model.rest or model.round():  # nothing is left where all ratings are the same
            break
    return model
