"""Do probabilities and predicted stars come true? Bins of equal size, and the expected calibration error (ECE)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reward_models.evaluation.calibration import Calibration
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
        by_chance: What `error` would be on average if every prediction were exactly right: bins are finite.
        count: How many predictions.
    """

    bins_B: tuple[Bin, ...]
    error: float
    by_chance: float
    count: int


def reliability(predicted_N: Sequence[float], observed_N: Sequence[float]) -> Reliability | None:
    """Bin predictions and compare; `None` = there are none."""
    rows = sorted(zip(predicted_N, observed_N, strict=True), key=lambda row: row[0])
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


def _bin(rows: Sequence[tuple[float, float]]) -> Bin:
    count = len(rows)
    return Bin(math.fsum(p for p, _ in rows) / count, math.fsum(o for _, o in rows) / count, count)


def _standard_error(rows: Sequence[tuple[float, float]]) -> float:
    mean = math.fsum(observed for _, observed in rows) / len(rows)
    return math.sqrt(math.fsum((observed - mean) ** 2 for _, observed in rows)) / len(rows)


def pair_reliability(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Reliability | None:
    """Hold P(the higher score is right) against which one was right; equal scores are right half the time."""
    if calibration.pairs is None:
        return None
    pairs = [pair for prompt in scored for pair in scored_pairs(prompt)]
    predicted_K = [calibration.pairs(abs(pair.difference)) for pair in pairs]
    return reliability(predicted_K, [0.5 if not pair.difference else float(pair.difference > 0) for pair in pairs])


def stars_reliability(calibration: Calibration, scored: Sequence[ScoredPrompt]) -> Reliability | None:
    """Hold predicted stars against labels."""
    if calibration.stars is None:
        return None
    rows = [(calibration.stars(score), stars) for prompt in scored for score, stars, _ in prompt.starred()]
    return reliability([predicted for predicted, _ in rows], [stars for _, stars in rows])
