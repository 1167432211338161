"""Ordinal stars: one score, and cutpoints that divide its line into the levels of the scale.

Cumulative link ("proportional odds"), McCullagh 1980: P(level > c) = sigmoid(score - cut_c). The model keeps one
output, so its checkpoint stays a stock one; the cutpoints go in the card, and with them a score gives P(stars).
"""

from __future__ import annotations

import torch
from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss, LossResult, weighted
from verifiers.errors import UsageError

logsigmoid = torch.nn.functional.logsigmoid
LEAST_GAP = 1e-3
"""Between neighbouring cutpoints, so that every level keeps a probability."""
FIRST_SPREAD = 4.0
"""Untrained cutpoints are spread evenly over this width around 0."""


class Ordinal(Loss):
    """Negative log likelihood of an answer's level. Stars between two levels count for both, by closeness.

    Attributes:
        num_levels: Levels of the scale, C; there are C - 1 cutpoints.
    """

    def __init__(self, num_levels: int) -> None:
        super().__init__()
        if num_levels < 2:
            raise UsageError(
                f"an ordinal loss needs at least 2 levels of stars; the data has {num_levels}. Use loss=mse."
            )
        self.num_levels = num_levels
        cuts = num_levels - 1
        gap = FIRST_SPREAD / cuts
        self.first = torch.nn.Parameter(torch.tensor(-FIRST_SPREAD / 2 + gap / 2))
        self.gaps = torch.nn.Parameter(torch.full((cuts - 1,), _inverse_softplus(gap - LEAST_GAP)))

    def cutpoints(self) -> Tensor:
        gaps = torch.nn.functional.softplus(self.gaps) + LEAST_GAP
        return torch.cat((self.first[None], self.first + gaps.cumsum(0)))

    def log_probabilities(self, outputs_NH: Tensor) -> Tensor:
        """Return log P(level) of each answer, `log_NC`; exact also where a probability is too small for float32."""
        above = outputs_NH[:, :1] - self.cutpoints()
        up, down = logsigmoid(above), logsigmoid(-above)
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), and a - b is the gap of the cutpoints.
        between = up[:, :-1] + down[:, 1:] + torch.log(-torch.expm1(above[:, 1:] - above[:, :-1]))
        return torch.cat((down[:, :1], between, up[:, -1:]), dim=1)

    def probabilities(self, outputs_NH: Tensor) -> Tensor:
        return self.log_probabilities(outputs_NH).exp()

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        rated_N = ~labels.levels_N.isnan()
        level_N = labels.levels_N.nan_to_num(0.0).clamp(0, self.num_levels - 1)
        low_N = level_N.floor().long()
        high_N = (low_N + 1).clamp_max(self.num_levels - 1)
        share_N = level_N - low_N
        log_NC = self.log_probabilities(outputs_NH)
        each_N = -(1 - share_N) * _pick(log_NC, low_N) - share_N * _pick(log_NC, high_N)
        return LossResult({"ordinal": weighted(each_N, labels.weight_N, rated_N)})


def _pick(values_NC: Tensor, column_N: Tensor) -> Tensor:
    return values_NC.gather(1, column_N[:, None])[:, 0]


def _inverse_softplus(value: float) -> float:
    return float(torch.tensor(value).expm1().log())
