"""What every loss is: scores and labels in, one number out, never NaN because of a missing label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from reward_models.batching.labels import Labels


@dataclass(frozen=True, slots=True)
class LossResult:
    """A loss and what it is made of.

    Attributes:
        loss: A scalar to minimise, with gradient; 0 where the batch has no label that the loss can use.
        parts: Name -> detached scalar, for the log.
    """

    loss: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


class Loss(torch.nn.Module, ABC):  # type: ignore[misc]
    """Base of all losses. Parameters, where a loss has any (cutpoints), are trained with the model's head.

    Attributes:
        num_outputs: Outputs a model must give for each answer.
    """

    num_outputs: int = 1

    @abstractmethod
    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        """Return the loss of a batch.

        Args:
            outputs_NH: The model's outputs, float32; H is `num_outputs`.
            labels: Of the same N answers.
        """

    def scores(self, outputs_NH: Tensor) -> Tensor:
        """Return one score for each answer, higher is better, on the loss's own scale."""
        return outputs_NH[:, 0]

    def probabilities(self, outputs_NH: Tensor) -> Tensor | None:
        """Return the probability of each level, `probabilities_NC`; `None` if the loss knows no levels."""
        return None

    def cutpoints(self) -> Tensor | None:
        """Return where scores pass from one level to the next, ascending; `None` if the loss knows no levels."""
        return None


def weighted_mean(values: Tensor, weight: Tensor, keep: Tensor) -> Tensor:
    """Return the mean of the kept values; 0 with a gradient of zeros where none is kept.

    Values that are not kept must come from finite numbers: the gradient of a NaN is NaN, even times 0.
    """
    weight = torch.where(keep, weight, 0.0)
    return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)
