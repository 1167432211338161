"""From the ratings of an answer to its label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reward_models.types import Answer, RatedPrompt, Rating
from verifiers.errors import UsageError

_DIGITS = 9
"""Behind the point: answers whose labels differ by less are tied, not better or worse."""


def label(
    ratings: Sequence[Rating], aspects: Mapping[str, float], offsets: Mapping[str, float] | None = None
) -> tuple[float | None, dict[str, float]]:
    """Return an answer's stars and the label of each aspect: weighted means.

    Ratings of the answer as a whole are its stars; where there are none, the aspects' weighted mean is.

    Args:
        ratings: Of one answer.
        aspects: Aspect -> weight; one that is not named counts 1.0.
        offsets: How far above the others each rater rates; taken off. May carry a label off the scale.
    """
    by_aspect: dict[str, list[Rating]] = {}
    for rating in ratings:
        by_aspect.setdefault(rating.aspect, []).append(rating)
    means = {aspect: _mean(held, offsets or {}) for aspect, held in by_aspect.items()}
    whole = means.pop("", None)
    if whole is None and means:
        weights = {aspect: aspects.get(aspect, 1.0) for aspect in means}
        total = math.fsum(abs(weight) for weight in weights.values())
        whole = math.fsum(weights[aspect] * mean for aspect, mean in means.items()) / total if total else None
    return whole, means


def check_weights(aspects: Mapping[str, float]) -> None:
    """Refuse weights of which some are below 0: stars are a mean of the aspects.

    Raises:
        UsageError: If there is one.
    """
    for name, weight in aspects.items():
        if not 0 <= weight < math.inf:
            raise UsageError(
                f"--aspect {name}={weight:g}: a weight is 0 or more, as the stars are a mean of the aspects. Where a "
                "low number is the better one, turn its column round; to leave an aspect out, give it 0"
            )


def _mean(ratings: Sequence[Rating], offsets: Mapping[str, float]) -> float:
    total = math.fsum(rating.weight for rating in ratings)
    mean = math.fsum(rating.weight * (rating.stars - offsets.get(rating.rater, 0.0)) for rating in ratings) / total
    return round(mean, _DIGITS)


def labelled(answer: Answer, aspects: Mapping[str, float], offsets: Mapping[str, float] | None = None) -> Answer:
    """Return an answer with its label made of its ratings; one without ratings stays as it is."""
    if not answer.ratings:
        return answer
    stars, by_aspect = label(answer.ratings, aspects, offsets)
    weight = math.fsum(rating.weight for rating in answer.ratings) / len(answer.ratings)
    return replace(answer, stars=stars, aspects=by_aspect, weight=weight)


def relabelled(
    prompts: Iterable[RatedPrompt], aspects: Mapping[str, float], offsets: Mapping[str, float]
) -> list[RatedPrompt]:
    """Return prompts whose answers are labelled anew from their ratings, raters' offsets taken off."""
    return [
        replace(each, answers=tuple(labelled(answer, aspects, offsets) for answer in each.answers)) for each in prompts
    ]
