"""How much of a score is length: the bias that reward models are known for, and that policies exploit first.

Length is in characters of the response, which no tokenizer changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reward_models.evaluation.ranking import partial_spearman, spearman
from reward_models.evaluation.scored import ScoredPair, ScoredPrompt, scored_pairs
from verifiers.types import Text, text_of


def plain(text: Text) -> str:
    """Return a text, or the texts of all its messages, one a paragraph, with their roles where there are several."""
    if isinstance(text, str):
        return text
    said = [(str(message.get("role", "")), text_of([{**message, "role": "assistant"}])) for message in text]
    return said[0][1] if len(said) == 1 else "\n".join(f"{role}: {words}" for role, words in said)


def length_scores(scored: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
    """Return the same prompts with each answer's length for a score: the baseline "longer is better"."""
    return [
        ScoredPrompt(prompt.rated, tuple(float(len(plain(answer.response))) for answer in prompt.rated.answers))
        for prompt in scored
    ]


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How scores and stars go with length. `None` = it does not exist on this set.

    Attributes:
        score_length, stars_length: Spearman with length, over all answers with stars.
        score_stars_fixed_length: Spearman of score and stars with length held fixed: the skill that is not length.
        score_length_fixed_stars: Spearman of score and length with stars held fixed: the bias itself.
        humans_longer: Share of pairs in which humans prefer the longer answer; equal lengths are left out.
        model_longer: Share of the same pairs in which the model scores the longer answer higher; ties count half.
        accuracy_longer, accuracy_shorter: Pair accuracy where humans prefer the longer, the shorter answer.
    """

    score_length: float | None
    stars_length: float | None
    score_stars_fixed_length: float | None
    score_length_fixed_stars: float | None
    humans_longer: float | None
    model_longer: float | None
    accuracy_longer: float | None
    accuracy_shorter: float | None


def length_bias(scored: Sequence[ScoredPrompt]) -> LengthBias:
    """Measure how scores and stars go with length."""
    rows = [
        (score, stars, float(len(plain(answer.response))))
        for prompt in scored
        for score, stars, answer in prompt.starred()
    ]
    scores_N, stars_N, lengths_N = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    longer, shorter = _agreement_by_length(scored)
    both = [*longer, *(1 - right for right in shorter)]
    return LengthBias(
        score_length=spearman(scores_N, lengths_N),
        stars_length=spearman(stars_N, lengths_N),
        score_stars_fixed_length=partial_spearman(scores_N, stars_N, lengths_N),
        score_length_fixed_stars=partial_spearman(scores_N, lengths_N, stars_N),
        humans_longer=len(longer) / len(both) if both else None,
        model_longer=sum(both) / len(both) if both else None,
        accuracy_longer=sum(longer) / len(longer) if longer else None,
        accuracy_shorter=sum(shorter) / len(shorter) if shorter else None,
    )


def _agreement_by_length(scored: Sequence[ScoredPrompt]) -> tuple[list[float], list[float]]:
    """Return for pairs whose better answer is the longer, the shorter one: 1 = the model agrees, 0.5 = a tie."""
    longer: list[float] = []
    shorter: list[float] = []
    for pair in (pair for prompt in scored for pair in scored_pairs(prompt)):
        better, worse = pair_lengths(pair)
        if better != worse:
            (longer if better > worse else shorter).append(agreement(pair))
    return longer, shorter


def agreement(pair: ScoredPair) -> float:
    """Return 1 if the model orders the pair as humans do, 0 if not, 0.5 if it gives equal scores."""
    return 0.5 if pair.difference == 0 else float(pair.difference > 0)


def pair_lengths(pair: ScoredPair) -> tuple[int, int]:
    """Return the lengths of the better and the worse answer."""
    answers = pair.prompt.rated.answers
    return len(plain(answers[pair.better].response)), len(plain(answers[pair.worse].response))
