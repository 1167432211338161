"""Bradley-Terry between prompts: for data with one answer a prompt, where no pair within a prompt exists.

Sun, Shen & Ton 2024 (arXiv 2411.04991), section 4: the comparison of two answers to different prompts is as valid a
label as one within a prompt, as long as the stars mean the same for both.
"""

from __future__ import annotations

import torch
from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss, LossResult, Term, weighted
from reward_models.losses.pairwise import soft_bradley_terry

MAX_COMPARED = 2048
"""Answers of a batch that are compared with each other, the first ones: their pairs are quadratic in memory."""


class CrossPrompt(Loss):
    """Every rated answer of the batch against every other one; equal stars are ties.

    Of a batch that is scored in parts, only answers of the same part are compared.
    """

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        some = slice(MAX_COMPARED)
        return LossResult({"cross": self.all_pairs(outputs_NH[some, 0], labels.stars_N[some], labels.weight_N[some])})

    def all_pairs(self, scores_N: Tensor, stars_N: Tensor, weight_N: Tensor) -> Term:
        """Return the mean soft Bradley-Terry loss over all pairs i < j of rated answers."""
        first_K, second_K = torch.triu_indices(len(stars_N), len(stars_N), offset=1, device=stars_N.device)
        stars_K = stars_N[first_K] - stars_N[second_K]
        keep_K = ~stars_K.isnan()
        better_K = (stars_K.nan_to_num(0.0).sign() + 1) / 2
        each_K = soft_bradley_terry(scores_N[first_K] - scores_N[second_K], better_K)
        return weighted(each_K, (weight_N[first_K] * weight_N[second_K]).sqrt(), keep_K)
