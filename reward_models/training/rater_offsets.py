"""Raters' offsets told apart from what a head makes of the answers.

`data.raters` alone takes answers as equally good until told otherwise: who happened to rate good ones passes for kind,
and what the model should learn is taken off the labels with his offset. Here a rating is taken as head(features) +
rater + rest, a linear mixed model (Henderson 1975), fitted by backfitting (Buja, Hastie & Tibshirani 1989): ridge
regression of what the offsets leave, offsets of what the regression leaves, in turns until the offsets settle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from reward_models.data.raters import Observed, Raters, fit_raters, observed
from reward_models.training.head_start import RIDGES
from reward_models.types import RatedPrompt

MOST_ROUNDS = 20
SETTLED = 0.02
"""The rounds end when no offset moves by more than this share of the raters' spread."""


def offsets_beside_head(features_ND: Tensor, prompts: Sequence[RatedPrompt], raters: Raters) -> Raters:
    """Fit the offsets again, beside a regression on what the head reads.

    Args:
        features_ND: Of the first N answers of the prompts, in order; others are taken as of mean quality.
        prompts: The training prompts.
        raters: As `fit_raters` found them in these; turned on.
    """
    ratings = [each for each in observed(prompts) if each.answer < len(features_ND)]
    predicted_N = torch.zeros(sum(len(prompt.answers) for prompt in prompts), dtype=torch.float64)
    if not ratings:
        return raters
    rows_K = torch.tensor(sorted({each.answer for each in ratings}))
    regression = _Ridge(features_ND[rows_K])
    for _ in range(MOST_ROUNDS):
        predicted_N[rows_K] = regression.fitted(_left_by(raters, ratings, len(features_ND))[rows_K])
        found = fit_raters(prompts, "on", predicted_N.tolist())
        moved = max(abs(found.offsets[rater] - offset) for rater, offset in raters.offsets.items())
        raters = replace(found, why=raters.why)
        if moved <= SETTLED * found.between**0.5:
            break
    return raters


def _left_by(raters: Raters, ratings: Sequence[Observed], answers: int) -> Tensor:
    """Return the mean of each answer's ratings without their raters' offsets; 0 where there are none."""
    places = torch.tensor([each.answer for each in ratings])
    left = torch.tensor([each.stars - raters.offsets[each.rater] for each in ratings], dtype=torch.float64)
    sums_N = torch.zeros(answers, dtype=torch.float64).index_add(0, places, left)
    return sums_N / torch.bincount(places, minlength=answers).clamp_min(1)


class _Ridge:
    """Ridge regression on standardised features, decomposed once for many targets and ridges."""

    def __init__(self, features_KD: Tensor) -> None:
        features_KD = features_KD.double().cpu()
        spread_D = features_KD.std(0, correction=0).clamp_min(1e-6)
        standard_KD = (features_KD - features_KD.mean(0)) / spread_D
        self._values_D, vectors_DD = torch.linalg.eigh(standard_KD.T @ standard_KD / len(features_KD))
        self._turned_KD = standard_KD @ vectors_DD

    def fitted(self, target_K: Tensor) -> Tensor:
        """Return what the regression makes of each row, around 0.

        The ridge is chosen by generalized cross-validation (Golub, Heath & Wahba 1979).
        """
        centred_K = target_K - target_K.mean()
        slope_D = self._turned_KD.T @ centred_K / len(target_K)
        found = []
        for ridge in RIDGES:
            fitted_K = self._turned_KD @ (slope_D / (self._values_D + ridge))
            used = float((self._values_D / (self._values_D + ridge)).sum()) / len(target_K)
            found.append((float((centred_K - fitted_K).square().mean()) / (1 - used) ** 2, fitted_K))
        return min(found, key=lambda each: each[0])[1]
