"""Do probabilities and predicted stars come true? Bins of equal size, and the expected calibration error (ECE)."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reward_models.evaluation.calibration import FOLDS, Calibration, calibrate, fold_of
from reward_models.evaluation.scored import ScoredPrompt, scored_pairs

BINS = 10
MIN_IN_BIN = 20


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions that lie close together.

    Attributes:
        predicted: Their mean.
        observed: The mean of what came true.
        count: How many.
    """

    predicted: float
    observed: float
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far predictions are from what came true.

    Attributes:
        bins_B: Of equal size, by prediction.
        error: Mean absolute distance of predicted and observed over bins (the ECE), in the prediction's unit.
        by_chance: What `error` would be about on average if every prediction were right: bins and prompts are few.
        count: How many predictions.
    """

    bins_B: tuple[Bin, ...]
    error: float
    by_chance: float
    count: int


def reliability(
    predicted_N: Sequence[float], observed_N: Sequence[float], prompt_N: Sequence[int] = ()
) -> Reliability | None:
    """Bin predictions and compare.

    Args:
        predicted_N: What was said.
        observed_N: What came true.
        prompt_N: Which prompt each is of; without it they count as independent of each other.

    Returns:
        `None` = there are no predictions.
    """
    rows = sorted(
        zip(predicted_N, observed_N, prompt_N or range(len(predicted_N)), strict=True), key=lambda row: row[0]
    )
    if not rows:
        return None
    count = max(1, min(BINS, len(rows) // MIN_IN_BIN))
    edges = [round(place * len(rows) / count) for place in range(count + 1)]
    parts = [rows[start:end] for start, end in pairwise(edges)]
    bins_B = tuple(_bin(part) for part in parts)
    error = math.fsum(b.count * abs(b.predicted - b.observed) for b in bins_B) / len(rows)
    # E|N(0, s)| = s sqrt(2 / pi), with s the standard error of a bin's mean.
    noise = math.fsum(len(part) * _standard_error(part) for part in parts) / len(rows)
    return Reliability(bins_B, error, math.sqrt(2 / math.pi) * noise, len(rows))


Outcome = tuple[float, float, int]
"""What was predicted, what came true, and of which prompt."""


def _bin(rows: Sequence[Outcome]) -> Bin:
    count = len(rows)
    return Bin(math.fsum(p for p, _, _ in rows) / count, math.fsum(o for _, o, _ in rows) / count, count)


def _standard_error(rows: Sequence[Outcome]) -> float:
    """Return the standard error of the mean of what came true; pairs of a prompt go wrong together."""
    mean = math.fsum(observed for _, observed, _ in rows) / len(rows)
    of_prompt: dict[int, float] = defaultdict(float)
    for _, observed, prompt in rows:
        of_prompt[prompt] += observed - mean
    return math.sqrt(math.fsum(total * total for total in of_prompt.values())) / len(rows)


Outcomes = tuple[list[float], list[float], list[int]]
"""Columns of outcomes."""


def pair_outcomes(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Outcomes:
    """Return P(the higher score is right), and whether it was; equal scores are right half the time."""
    found: Outcomes = ([], [], [])
    if calibration.pairs is not None:
        for number, prompt in enumerate(scored):
            for pair in scored_pairs(prompt):
                right = 0.5 if not pair.difference else float(pair.difference > 0)
                _add(found, (calibration.pairs(abs(pair.difference)), right, number))
    return found


def stars_outcomes(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Outcomes:
    """Return predicted stars, and labels."""
    found: Outcomes = ([], [], [])
    if calibration.stars is not None:
        for number, prompt in enumerate(scored):
            for score, stars, _ in prompt.starred():
                _add(found, (calibration.stars(score), stars, number))
    return found


def _add(outcomes: Outcomes, outcome: Outcome) -> None:
    predicted, observed, prompt = outcome
    outcomes[0].append(predicted)
    outcomes[1].append(observed)
    outcomes[2].append(prompt)


def pair_reliability(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Reliability | None:
    """Hold a calibration's probabilities against pairs that it was not fitted on."""
    return reliability(*pair_outcomes(calibration, scored))


def stars_reliability(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Reliability | None:
    """Hold a calibration's stars against labels that it was not fitted on."""
    return reliability(*stars_outcomes(calibration, scored))


@dataclass(frozen=True, slots=True)
class Checked:
    """A map from scores to meaning, held against humans on prompts that it was not fitted on.

    Attributes:
        pairs, stars: How far probabilities and stars are off; `None` = there is no such map.
        fitted: `card` = the checkpoint's own map; `cross` = fitted here on four fifths of the prompts at a time.
    """

    pairs: Reliability | None
    stars: Reliability | None
    fitted: str


def check_card(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Checked:
    """Check a map that comes with the model."""
    return Checked(pair_reliability(calibration, scored), stars_reliability(calibration, scored), "card")


def check_crossed(scored: Sequence[ScoredPrompt], seed: int = 0) -> Checked:
    """Check maps that are fitted here, each on the prompts that it is not checked on."""
    folds = fold_of(len(scored), seed)
    pairs: Outcomes = ([], [], [])
    stars: Outcomes = ([], [], [])
    for held_out in range(FOLDS):
        fit_on = [prompt for prompt, fold in zip(scored, folds, strict=True) if fold != held_out]
        check_on = [prompt for prompt, fold in zip(scored, folds, strict=True) if fold == held_out]
        if fit_on and check_on:
            calibration = calibrate(fit_on, seed)
            _extend(pairs, pair_outcomes(calibration, check_on))
            _extend(stars, stars_outcomes(calibration, check_on))
    return Checked(reliability(*pairs), reliability(*stars), "cross")


def _extend(outcomes: Outcomes, more: Outcomes) -> None:
    shift = 1 + max(outcomes[2], default=0)  # Another fold's prompts are other prompts.
    for row in zip(*more, strict=True):
        _add(outcomes, (row[0], row[1], row[2] + shift))
