"""Losses of pairs of answers of one prompt. `d` is score(chosen) - score(rejected).

    bt      -log sigmoid(d)             Bradley & Terry 1952; Stiennon et al. 2020 (arXiv 2009.01325)
    margin  -log sigmoid(d - m)         Touvron et al. 2023, Llama 2 (arXiv 2307.09288), section 3.2.2
    scaled  -m log sigmoid(d)           Wang et al. 2024, HelpSteer2-Preference (arXiv 2410.01257)
    soft    -p log sigmoid(d) - (1 - p) log sigmoid(-d)    ties are p = 1/2; several votes their share

The first three cannot use ties and leave them out. A margin that is not told is 0 (`margin`) or 1 (`scaled`).
"""

from __future__ import annotations

import torch
from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss, LossResult, weighted

softplus = torch.nn.functional.softplus
TIE = 0.5


def differences(scores_N: Tensor, labels: Labels) -> Tensor:
    """Return score(chosen) - score(rejected) of each pair."""
    return scores_N[labels.pairs_K2[:, 0]] - scores_N[labels.pairs_K2[:, 1]]


def soft_bradley_terry(difference_K: Tensor, p_K: Tensor) -> Tensor:
    """Return the cross entropy of each pair against the probability that `chosen` is better."""
    return softplus(-difference_K) + (1 - p_K) * difference_K


class BradleyTerry(Loss):
    """Pairs as they stand: the better one should score higher."""

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        difference_K = differences(outputs_NH[:, 0], labels)
        return LossResult({"pairs": weighted(self.each(difference_K, labels), labels.weight_K, self.usable(labels))})

    def each(self, difference_K: Tensor, labels: Labels) -> Tensor:
        """Return the loss of each pair."""
        return softplus(-difference_K)

    def usable(self, labels: Labels) -> Tensor:
        """Return which pairs the loss can use."""
        return labels.p_K > TIE


class MarginBradleyTerry(BradleyTerry):
    """The better one should score higher by the difference in (standardised) stars."""

    def each(self, difference_K: Tensor, labels: Labels) -> Tensor:
        return softplus(labels.margin_K.nan_to_num(0.0) - difference_K)


class ScaledBradleyTerry(BradleyTerry):
    """A pair counts by its difference in (standardised) stars."""

    def each(self, difference_K: Tensor, labels: Labels) -> Tensor:
        return softplus(-difference_K) * labels.margin_K.nan_to_num(1.0)


class SoftBradleyTerry(BradleyTerry):
    """Ties pull two scores together; split votes ask for a difference of their log odds."""

    def each(self, difference_K: Tensor, labels: Labels) -> Tensor:
        return soft_bradley_terry(difference_K, labels.p_K)

    def usable(self, labels: Labels) -> Tensor:
        return torch.ones_like(labels.p_K, dtype=torch.bool)
