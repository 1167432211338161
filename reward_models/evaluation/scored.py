"""Rated prompts with a model's scores beside them, and the pairs that follow from the labels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from reward_models.types import Answer, Preference, RatedPrompt
from verifiers.errors import UsageError

LABEL_TIE = 1e-6
"""Stars that are closer than this are a tie: rater correction leaves rounding behind."""
MAX_PAIRS_A_PROMPT = 1000
"""Most pairs of a prompt that are looked at one by one; more are sampled. Counts are always of all pairs."""


MAX_SCORE = 1e100
"""No model's float32 reaches it, and squares of what is smaller are finite."""


@dataclass(frozen=True, slots=True)
class ScoredPrompt:
    """A rated prompt and the model's score of every answer.

    Attributes:
        rated: Only answers that were scored.
        scores_N: Finite, in the order of the answers.
    """

    rated: RatedPrompt
    scores_N: tuple[float, ...]

    def starred(self) -> Iterator[tuple[float, float, Answer]]:
        """Yield (score, label, answer) of every answer that has stars; labels are rounded, so that ties are ties."""
        for score, answer in zip(self.scores_N, self.rated.answers, strict=True):
            if answer.stars is not None:
                yield score, round(answer.stars / LABEL_TIE) * LABEL_TIE, answer


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two answers of a prompt that humans told apart.

    Attributes:
        prompt: The prompt they belong to.
        better, worse: Positions in the prompt's answers.
        difference: Score of the better one minus score of the worse one; > 0 = the model agrees.
        gap: How far apart the humans see them: difference of stars or margin, else vote share above a tie.
        weight: How much the pair counts.
        source: Of the comparison, else of the better answer; may be empty.
    """

    prompt: ScoredPrompt
    better: int
    worse: int
    difference: float
    gap: float
    weight: float = 1.0
    source: str = ""


def with_scores(
    rated_P: Sequence[RatedPrompt], scores_PN: Sequence[Sequence[float | None]]
) -> tuple[list[ScoredPrompt], int]:
    """Put scores beside answers and leave out what could not be scored (law 1: not judged is not wrong).

    Args:
        rated_P: Prompts with labels.
        scores_PN: One score an answer; `None`, NaN or beyond any float32 = not scored.

    Returns:
        Prompts with at least one scored answer, and how many answers were left out.

    Raises:
        UsageError: If the scores do not fit the prompts.
    """
    if [len(scores_N) for scores_N in scores_PN] != [len(rated.answers) for rated in rated_P]:
        raise UsageError(
            f"{len(scores_PN)} lists of scores do not fit {len(rated_P)} prompts: give one score for every answer"
        )
    scored = [_only_scored(rated, scores_N) for rated, scores_N in zip(rated_P, scores_PN, strict=True)]
    kept = sum(len(prompt.scores_N) for prompt in scored)
    return [prompt for prompt in scored if prompt.scores_N], sum(map(len, scores_PN)) - kept


def _only_scored(rated: RatedPrompt, scores_N: Sequence[float | None]) -> ScoredPrompt:
    kept = {place: float(score) for place, score in enumerate(scores_N) if score is not None and is_sound(score)}
    if len(kept) == len(scores_N):
        return ScoredPrompt(rated, tuple(kept.values()))
    position = {place: new for new, place in enumerate(kept)}
    preferences = tuple(
        replace(p, chosen=position[p.chosen], rejected=position[p.rejected])
        for p in rated.preferences
        if p.chosen in position and p.rejected in position
    )
    answers = tuple(rated.answers[place] for place in kept)
    return ScoredPrompt(replace(rated, answers=answers, preferences=preferences), tuple(kept.values()))


def is_sound(score: float) -> bool:
    """Whether a number can be reckoned with."""
    return math.isfinite(score) and abs(score) < MAX_SCORE


def scored_pairs(prompt: ScoredPrompt, seed: int = 0) -> list[ScoredPair]:
    """Return the pairs that humans told apart: the prompt's preferences, and what follows from its stars besides.

    Of the latter at most `MAX_PAIRS_A_PROMPT`, a random sample where there are more.
    """
    preferred = [pair for p in prompt.rated.preferences if (pair := _preferred(prompt, p)) is not None]
    compared = {frozenset((p.chosen, p.rejected)) for p in prompt.rated.preferences}
    places = [place for place, answer in enumerate(prompt.rated.answers) if answer.stars is not None]
    pairs = ((a, b) for position, a in enumerate(places) for b in places[position + 1 :])
    if len(places) * (len(places) - 1) // 2 > MAX_PAIRS_A_PROMPT:
        random = Random(seed)
        pairs = ((a, b) for a, b in (random.sample(places, 2) for _ in range(MAX_PAIRS_A_PROMPT)))
    apart = ((a, b) for a, b in pairs if frozenset((a, b)) not in compared)
    return [*preferred, *(pair for a, b in apart if (pair := _by_stars(prompt, a, b)) is not None)]


def _preferred(prompt: ScoredPrompt, preference: Preference) -> ScoredPair | None:
    lead = 2 * preference.probability - 1
    if not lead:
        return None
    better, worse = preference.chosen, preference.rejected
    if lead < 0:
        better, worse = worse, better
    gap = abs(lead) if preference.margin is None else abs(preference.margin)
    difference = prompt.scores_N[better] - prompt.scores_N[worse]
    source = preference.source or prompt.rated.answers[better].source
    return ScoredPair(prompt, better, worse, difference, gap, preference.weight, source)


def _by_stars(prompt: ScoredPrompt, a: int, b: int) -> ScoredPair | None:
    stars_a, stars_b = prompt.rated.answers[a].stars, prompt.rated.answers[b].stars
    if stars_a is None or stars_b is None or abs(stars_a - stars_b) < LABEL_TIE:
        return None
    if stars_a < stars_b:
        a, b = b, a
    difference = prompt.scores_N[a] - prompt.scores_N[b]
    return ScoredPair(prompt, a, b, difference, abs(stars_a - stars_b), source=prompt.rated.answers[a].source)
