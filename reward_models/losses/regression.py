"""Losses of single answers against their standardised stars.

mse     (s - y)^2               Wang et al. 2023, HelpSteer (arXiv 2311.09528): regression reward models
huber   Huber 1964              quadratic up to `delta`, linear beyond: outlying stars pull less
"""

from __future__ import annotations

import torch
from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss, LossResult, Term, weighted

HUBER_DELTA = 1.0
"""In standard deviations of the stars."""


def squared_error(scores_N: Tensor, labels: Labels, share: float = 1.0) -> Term:
    """Return the mean squared error over answers that have stars."""
    error_N = scores_N - labels.stars_N.nan_to_num(0.0)
    return weighted(error_N**2, labels.weight_N, ~labels.stars_N.isnan(), share)


class MeanSquaredError(Loss):
    """The score should be the stars, standardised."""

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        return LossResult({"mse": squared_error(outputs_NH[:, 0], labels)})


class Huber(Loss):
    """As the squared error, but far-off stars pull with constant force.

    Attributes:
        delta: Where the pull stops to grow, in standard deviations of the stars.
    """

    def __init__(self, delta: float = HUBER_DELTA) -> None:
        super().__init__()
        self.delta = delta

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        stars_N = labels.stars_N.nan_to_num(0.0)
        each_N = torch.nn.functional.huber_loss(outputs_NH[:, 0], stars_N, reduction="none", delta=self.delta)
        return LossResult({"huber": weighted(each_N, labels.weight_N, ~labels.stars_N.isnan())})
