"""The pairs and answers on which the model is most surely wrong, for a person to read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

from reward_models.evaluation.calibration import Calibration
from reward_models.evaluation.lengths import plain
from reward_models.evaluation.scored import ScoredPair, ScoredPrompt, scored_pairs

SHOWN = 12
MAX_TEXT = 1200
"""Characters of a text that are kept; the middle is left out."""


@dataclass(frozen=True, slots=True)
class Said:
    """One answer as shown: its text, score, stars where there are some, and where it came from."""

    text: str
    score: float
    stars: float | None
    where: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A prompt on which model and humans part.

    Attributes:
        prompt: Its text.
        better: The answer that humans prefer.
        worse: The answer that the model prefers.
        confidence: How sure the model is of the wrong order: a calibrated probability.
    """

    prompt: str
    better: Said
    worse: Said
    confidence: float


@dataclass(frozen=True, slots=True)
class Misjudged:
    """An answer whose predicted stars are far from the humans'."""

    prompt: str
    answer: Said
    predicted: float


def worst_pairs(scored: Sequence[ScoredPrompt], calibration: Calibration) -> list[Disagreement]:
    """Return the pairs with the largest product of the model's confidence and the humans' gap, one a prompt."""
    worst = nlargest(SHOWN, filter(None, (_worst_of(prompt, calibration) for prompt in scored)), key=lambda row: row[0])
    return [_shown(pair, confidence) for _, confidence, pair in worst]


def _worst_of(prompt: ScoredPrompt, calibration: Calibration) -> tuple[float, float, ScoredPair] | None:
    wrong = (pair for pair in scored_pairs(prompt) if pair.difference < 0)
    rated = ((_confidence(pair, calibration), pair) for pair in wrong)
    found = [((confidence - 0.5) * pair.gap, confidence, pair) for confidence, pair in rated]
    return max(found, key=lambda row: row[0], default=None)


def _confidence(pair: ScoredPair, calibration: Calibration) -> float:
    known = calibration.probability(pair.prompt.scores_N[pair.worse], pair.prompt.scores_N[pair.better])
    if known is not None:
        return known
    return 0.5 + min(0.5, -pair.difference / (8 * (calibration.shape.std or 1.0)))


def _shown(pair: ScoredPair, confidence: float) -> Disagreement:
    prompt = pair.prompt
    better, worse = _said(prompt, pair.better), _said(prompt, pair.worse)
    return Disagreement(clipped(plain(prompt.rated.prompt)), better, worse, confidence)


def worst_answers(scored: Sequence[ScoredPrompt], calibration: Calibration) -> list[Misjudged]:
    """Return the answers whose predicted stars are furthest from their labels, one a prompt."""
    if calibration.stars is None:
        return []
    worst = nlargest(SHOWN, filter(None, (_furthest(prompt, calibration) for prompt in scored)), key=lambda row: row[0])
    return [
        Misjudged(clipped(plain(prompt.rated.prompt)), _said(prompt, place), predicted)
        for _, predicted, place, prompt in worst
    ]


def _furthest(prompt: ScoredPrompt, calibration: Calibration) -> tuple[float, float, int, ScoredPrompt] | None:
    rows: Iterable[tuple[float, float, int, ScoredPrompt]] = (
        (abs(predicted - answer.stars), predicted, place, prompt)
        for place, (score, answer) in enumerate(zip(prompt.scores_N, prompt.rated.answers, strict=True))
        if answer.stars is not None and (predicted := calibration.stars_of(score)) is not None
    )
    return max(rows, key=lambda row: row[0], default=None)


def _said(prompt: ScoredPrompt, place: int) -> Said:
    answer = prompt.rated.answers[place]
    return Said(clipped(plain(answer.response)), prompt.scores_N[place], answer.stars, answer.where)


def clipped(text: str) -> str:
    """Return a text with its middle left out if it is long."""
    if len(text) <= MAX_TEXT:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"
