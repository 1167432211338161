"""What a score means: expected stars, and the chance that one answer is better than another.

    calibration = fit_calibration(scores_PN, rated_P)
    calibration.stars_of(0.7)            -> 3.9 stars
    calibration.probability(0.7, 0.2)    -> 0.68: the first of two answers to one prompt is the better one

Fitted on answers that the model was not trained on, kept in the checkpoint's card, used when serving.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import msgspec

from reward_models.evaluation.curves import (
    Curve,
    Fit,
    Point,
    average,
    isotonic,
    log_loss,
    logistic,
    squared_error,
    symmetric_isotonic,
    symmetric_logistic,
)
from reward_models.evaluation.ranking import count_pairs
from reward_models.evaluation.scored import MAX_SCORE, ScoredPrompt, is_sound, scored_pairs, with_scores
from reward_models.types import CARD_FILE, RatedPrompt
from verifiers.errors import InputError, UsageError
from verifiers.types import Json

FOLDS = 5
MIN_FOR_CHOICE = 100
"""With fewer observations the logistic curve is taken unasked: it has two numbers to learn, not dozens."""
MIN_TO_FIT = 10
"""With fewer observations there is no map at all."""
MAX_FIT_PAIRS = 100_000
QUANTILES = 101


@dataclass(frozen=True, slots=True)
class ScoreShape:
    """How raw scores lie on the calibration set: what a running job is held against.

    Attributes:
        count: Answers.
        mean, std: Of all scores.
        within_std: Root mean square of scores around their prompt's mean; `None` = one answer a prompt.
        quantiles_Q: At 0 %, 1 % ... 100 %.
        tie_rate: Share of pairs of answers to one prompt with exactly equal scores; `None` = no such pairs.
    """

    count: int
    mean: float
    std: float
    within_std: float | None
    quantiles_Q: tuple[float, ...]
    tie_rate: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Maps of a raw score, in the unit of the checkpoint's output.

    Attributes:
        shape: The calibration set's scores.
        stars: Score -> expected stars; `None` = no stars to learn it from.
        pairs: Difference of two scores, >= 0 -> P(the higher one is the better answer); `None` = no pairs.
        stars_method, pairs_method: `isotonic` or `logistic`, whichever predicts unseen prompts better; "" = no map.
        scale: Lowest and highest label of the calibration set.
        pair_count: How many pairs `pairs` was fitted on.
    """

    shape: ScoreShape
    stars: Curve | None = None
    pairs: Curve | None = None
    stars_method: str = ""
    pairs_method: str = ""
    scale: tuple[float, float] | None = None
    pair_count: int = 0

    def stars_of(self, score: float) -> float | None:
        """Return the expected stars of an answer; `None` = there is no map."""
        return None if self.stars is None else self.stars(score)

    def probability(self, score: float, other: float) -> float | None:
        """Return P(the answer with `score` is better than the other one); `None` = there is no map."""
        if self.pairs is None:
            return None
        agree = self.pairs(abs(score - other))
        return agree if score >= other else 1 - agree

    def win_rate(self, score: float) -> float | None:
        """Return P(better than an answer drawn from the calibration set); `None` = there is no map."""
        if self.pairs is None:
            return None
        chances = [self.probability(score, other) for other in self.shape.quantiles_Q]
        return math.fsum(chance for chance in chances if chance is not None) / len(chances)

    def calibrated(self, score: float) -> float:
        """Return what serving calls the calibrated score: stars, else the win rate, else the centred score."""
        stars = self.stars_of(score)
        if stars is not None:
            return stars
        rate = self.win_rate(score)
        return rate if rate is not None else (score - self.shape.mean) / (self.shape.std or 1.0)

    def to_json(self) -> dict[str, Json]:
        """Return it as the card holds it."""
        value: dict[str, Json] = msgspec.to_builtins(self)
        return value

    @classmethod
    def from_json(cls, value: Json, card: str = CARD_FILE) -> Calibration:
        """Read it from a card.

        Args:
            value: What `to_json` gave.
            card: The file, for messages.

        Raises:
            InputError: If the card holds something else, or numbers that no data could have led to.
        """
        try:
            calibration = msgspec.convert(value, cls)
            fault = _fault(calibration)
        except (msgspec.ValidationError, OverflowError) as error:
            fault = str(error)
        if fault:
            raise InputError(
                f'{card}: the calibration cannot be used: {fault}. Write "calibration": {{}} there, and fit it anew: '
                "verify rm eval MODEL FILE --update"
            )
        return calibration


def _fault(calibration: Calibration) -> str:
    """Return what is wrong with a card's numbers, beginning with the field; "" = nothing."""
    shape = calibration.shape
    maps = {name: curve for name in ("stars", "pairs") if (curve := getattr(calibration, name)) is not None}
    lists = {"shape.quantiles_Q": shape.quantiles_Q}
    lists |= {f"{name}.{axis}": getattr(curve, axis) for name, curve in maps.items() for axis in ("x_K", "y_K")}
    spreads = {"shape.std": shape.std, "shape.within_std": shape.within_std, "shape.tie_rate": shape.tie_rate}
    numbers = {name: (number or 0.0,) for name, number in spreads.items()}
    for name, values in {**lists, **numbers, "shape.mean": (shape.mean,), "scale": calibration.scale or ()}.items():
        if not all(map(is_sound, values)):
            return f"{name} holds a number that is not finite, or beyond {MAX_SCORE:g}"
    for name, values in lists.items():
        if not values:
            return f"{name} is empty, knots or quantiles are missing"
    for name, (number,) in numbers.items():
        if number < 0:
            return f"{name} is {number}, which is below 0"
    if list(shape.quantiles_Q) != sorted(shape.quantiles_Q):
        return "shape.quantiles_Q does not ascend"
    for name, curve in maps.items():
        if len(curve.x_K) != len(curve.y_K):
            return f"{name} has {len(curve.x_K)} knots and {len(curve.y_K)} values"
        if any(left >= right for left, right in pairwise(curve.x_K)):
            return f"{name}.x_K does not strictly ascend"
    return ""


def fit_calibration(
    scores_PN: Sequence[Sequence[float | None]], rated_P: Sequence[RatedPrompt], seed: int = 0
) -> Calibration:
    """Fit both maps on held-out answers.

    Args:
        scores_PN: The model's raw score of every answer; `None` = not scored.
        rated_P: The prompts with their labels, which the model was not trained on.
        seed: Of the folds that choose between isotonic and logistic.

    Raises:
        UsageError: If nothing was scored, or the scores do not fit the prompts.
    """
    scored, _ = with_scores(rated_P, scores_PN)
    return calibrate(scored, seed)


def calibrate(scored: Sequence[ScoredPrompt], seed: int = 0) -> Calibration:
    """Fit both maps on scored prompts. See `fit_calibration`."""
    if not scored:
        raise UsageError("A calibration needs scored answers, and there are none: check the model's scores for NaN")
    folds = fold_of(len(scored), seed)
    stars, stars_method, scale = _stars_map(scored, folds)
    pairs, pairs_method, pair_count = _pairs_map(scored, folds, seed)
    return Calibration(shape_of(scored), stars, pairs, stars_method, pairs_method, scale, pair_count)


def fold_of(prompts: int, seed: int) -> list[int]:
    """Return a fold for each prompt, all folds of a size."""
    folds = [place % FOLDS for place in range(prompts)]
    Random(seed).shuffle(folds)
    return folds


Loss = Callable[[Curve, Sequence[Point]], float]
Observation = tuple[float, float, float, int]
"""x, y, weight, fold."""


def _stars_map(
    scored: Sequence[ScoredPrompt], folds: Sequence[int]
) -> tuple[Curve | None, str, tuple[float, float] | None]:
    data = [
        (score, stars, answer.weight, fold)
        for prompt, fold in zip(scored, folds, strict=True)
        for score, stars, answer in prompt.starred()
    ]
    labels = {y for _, y, _, _ in data}
    if not labels:
        return None, "", None
    low, high = min(labels), max(labels)
    if len(data) < MIN_TO_FIT or low == high:
        return None, "", (low, high)
    fits: dict[str, Fit] = {"isotonic": isotonic, "logistic": lambda points: logistic(points, low, high)}
    return *_best(data, fits, squared_error), (low, high)


def _pairs_map(scored: Sequence[ScoredPrompt], folds: Sequence[int], seed: int) -> tuple[Curve | None, str, int]:
    data = [
        (abs(pair.difference), _agreement(pair.difference), pair.weight, fold)
        for prompt, fold in zip(scored, folds, strict=True)
        for pair in scored_pairs(prompt, seed)
    ]
    if len(data) < MIN_TO_FIT:
        return None, "", len(data)
    if len(data) > MAX_FIT_PAIRS:
        data = Random(seed).sample(data, MAX_FIT_PAIRS)
    return *_best(data, {"isotonic": symmetric_isotonic, "logistic": symmetric_logistic}, log_loss), len(data)


def _agreement(difference: float) -> float:
    return 0.5 if difference == 0 else float(difference > 0)


def _best(data: Sequence[Observation], fits: dict[str, Fit], loss: Loss) -> tuple[Curve, str]:
    """Return the curve whose kind predicts unseen prompts better, fitted on all data."""
    method = "logistic"
    if len(data) >= MIN_FOR_CHOICE and len({fold for *_, fold in data}) == FOLDS:
        method = min(sorted(fits, reverse=True), key=lambda name: _unseen_loss(data, fits[name], loss))
    return fits[method](_points(data)), method


def _unseen_loss(data: Sequence[Observation], fit: Fit, loss: Loss) -> float:
    total = 0.0
    for held_out in range(FOLDS):
        curve = fit(_points([row for row in data if row[3] != held_out]))
        total += loss(curve, [Point(x, y, weight) for x, y, weight, fold in data if fold == held_out])
    return total


def _points(data: Sequence[Observation]) -> list[Point]:
    x_N, y_N, weight_N, _ = zip(*data, strict=True)
    return average(x_N, y_N, weight_N)


def shape_of(scored: Sequence[ScoredPrompt]) -> ScoreShape:
    """Describe the scores of prompts."""
    ordered = sorted(score for prompt in scored for score in prompt.scores_N)
    count = len(ordered)
    mean = math.fsum(ordered) / count
    std = math.sqrt(math.fsum((score - mean) ** 2 for score in ordered) / count)
    pairs = sum(len(prompt.scores_N) * (len(prompt.scores_N) - 1) // 2 for prompt in scored)
    # Against its own order nothing is tied but what the scores tie.
    ties = pairs - sum(count_pairs(range(len(p.scores_N)), p.scores_N).decided for p in scored)
    quantiles_Q = tuple(ordered[round(q * (count - 1) / (QUANTILES - 1))] for q in range(QUANTILES))
    return ScoreShape(count, mean, std, _within_std(scored), quantiles_Q, ties / pairs if pairs else None)


def _within_std(scored: Sequence[ScoredPrompt]) -> float | None:
    squares, free = 0.0, 0
    for prompt in scored:
        mean = math.fsum(prompt.scores_N) / len(prompt.scores_N)
        squares += math.fsum((score - mean) ** 2 for score in prompt.scores_N)
        free += len(prompt.scores_N) - 1
    return math.sqrt(squares / free) if free else None
