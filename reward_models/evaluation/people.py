"""The model beside the humans it learned from: per rater, and against what humans reach among themselves."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reward_models.evaluation.bootstrap import Interval, interval
from reward_models.evaluation.quality import Row, accuracy, rater_rows
from reward_models.evaluation.ranking import count_pairs, spearman
from reward_models.evaluation.scored import ScoredPrompt

MAX_RATERS = 50
"""Raters listed, those with most ratings first."""
DIGITS = 9
"""Behind the point of a mean, as of labels: what rounding leaves depends on the rating taken off, and would break ties
against its rater."""


@dataclass(frozen=True, slots=True)
class RaterQuality:
    """The model against one rater's own ratings.

    Attributes:
        rater: Name.
        ratings: How many answers.
        pair_accuracy: Over all pairs of them; `None` = all ratings are equal.
        spearman: Of scores and ratings.
        mean: Of the ratings: a kind or a harsh rater.
    """

    rater: str
    ratings: int
    pair_accuracy: float | None
    spearman: float | None
    mean: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Humans and model on the same task: to predict one rater's ratings, from the other raters' mean or the score.

    Attributes:
        ratings: How many ratings have another rater beside them.
        humans, model: Pair accuracy within prompts (over a rater's answers where a prompt has but one).
        humans_spearman, model_spearman: Over all these ratings.
        within_prompts: Whether pairs are of the same prompt.
    """

    ratings: int
    humans: Interval | None
    model: Interval | None
    humans_spearman: float | None
    model_spearman: float | None
    within_prompts: bool


@dataclass(frozen=True, slots=True)
class VoteCeiling:
    """Humans and model on single votes, where a pair has several.

    Attributes:
        pairs: How many have more than one vote, ties left out.
        humans: Mean share of votes for the majority: what a perfect model of the majority reaches.
        model: Mean share of votes for the answer that the model prefers.
    """

    pairs: int
    humans: float
    model: float


def raters(scored: Sequence[ScoredPrompt]) -> list[RaterQuality]:
    """Measure the model against each rater, most ratings first; empty where the file names none."""
    given: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for prompt in scored:
        for score, answer in zip(prompt.scores_N, prompt.rated.answers, strict=True):
            for rating in answer.ratings:
                if rating.rater and not rating.aspect:
                    given[rating.rater].append((score, rating.stars))
    rows = rater_rows(scored)
    return [_rater(rater, rows[rater], given[rater]) for rater in list(rows)[:MAX_RATERS]]


def _rater(rater: str, row: Row, given: Sequence[tuple[float, float]]) -> RaterQuality:
    scores_N, stars_N = [score for score, _ in given], [stars for _, stars in given]
    mean = sum(stars_N) / len(stars_N)
    return RaterQuality(rater, len(given), accuracy(row), spearman(scores_N, stars_N), mean)


Judged = tuple[str, float, float, float]
"""Rater, rating, mean of the others' ratings of the same answer, the model's score."""


def ceiling(scored: Sequence[ScoredPrompt]) -> Ceiling | None:
    """Measure what humans reach among themselves, and the model on the same; `None` = no answer has two raters."""
    judged_P = [list(_judged(prompt)) for prompt in scored]
    flat = [row for judged in judged_P for row in judged]
    if not flat:
        return None
    rows_P6 = [row for judged in judged_P if (row := _both_rows(judged))[2]]
    within = bool(rows_P6)
    if not within:
        rows_P6 = [row for judged in _by_rater(flat).values() if (row := _both_rows(judged))[2]]
    own = [rating for _, rating, _, _ in flat]
    return Ceiling(
        ratings=len(flat),
        humans=interval([row[:3] for row in rows_P6], accuracy),
        model=interval([row[3:] for row in rows_P6], accuracy),
        humans_spearman=spearman([others for _, _, others, _ in flat], own),
        model_spearman=spearman([score for _, _, _, score in flat], own),
        within_prompts=within,
    )


def _judged(prompt: ScoredPrompt) -> Iterator[Judged]:
    for score, answer in zip(prompt.scores_N, prompt.rated.answers, strict=True):
        ratings = [rating for rating in answer.ratings if rating.rater and not rating.aspect]
        total = math.fsum(rating.stars for rating in ratings)
        if len({rating.rater for rating in ratings}) < 2:
            continue
        for rating in ratings:
            yield rating.rater, rating.stars, round((total - rating.stars) / (len(ratings) - 1), DIGITS), score


def _both_rows(judged: Sequence[Judged]) -> tuple[float, ...]:
    """Return the humans' and the model's pair rows of some ratings, pairs only of the same rater's."""
    sums = [0.0] * 6
    for rows in _by_rater(judged).values():
        own = [rating for _, rating, _, _ in rows]
        for start, column in ((0, 2), (3, 3)):
            counts = count_pairs([float(row[column]) for row in rows], own)
            for place, value in enumerate((counts.concordant, counts.tied_scores, counts.decided)):
                sums[start + place] += value
    return tuple(sums)


def _by_rater(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    grouped: dict[str, list[Judged]] = defaultdict(list)
    for row in judged:
        grouped[row[0]].append(row)
    return grouped


def vote_ceiling(scored: Sequence[ScoredPrompt]) -> VoteCeiling | None:
    """Measure humans and model on single votes; `None` = no pair's votes are split.

    A pair with one vote agrees with itself: only those with several, or with a share of them, tell how far humans do.
    """
    humans, model = [], []
    for prompt in scored:
        for preference in prompt.rated.preferences:
            share = preference.probability
            lead = prompt.scores_N[preference.chosen] - prompt.scores_N[preference.rejected]
            if share != 0.5 and (preference.votes > 1 or 0 < share < 1):
                humans.append(max(share, 1 - share))
                model.append(0.5 if lead == 0 else share if lead > 0 else 1 - share)
    if not humans or min(humans) == 1.0:
        return None
    return VoteCeiling(len(humans), sum(humans) / len(humans), sum(model) / len(model))
