"""What every loss is: scores and labels in, one number out, never NaN because of a missing label."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from reward_models.batching.labels import Labels


@dataclass(frozen=True, slots=True)
class Term:
    """A weighted mean, as its two sums: of a batch that is scored in parts, each adds up by itself.

    Attributes:
        total: Sum of weight x value, a scalar with gradient.
        weight: Sum of the weights, which labels alone decide.
        share: Factor of the mean in the loss.
    """

    total: Tensor
    weight: Tensor
    share: float = 1.0

    def mean(self, weight: Tensor | None = None) -> Tensor:
        """Return the mean; 0 with a gradient of zeros where nothing has weight.

        Args:
            weight: What to divide by: the weight of the whole batch that this is a part of; `None` = its own.
        """
        weight = self.weight if weight is None else weight
        return self.total / weight.clamp_min(torch.finfo(self.total.dtype).tiny)


@dataclass(frozen=True, slots=True)
class LossResult:
    """A loss and what it is made of.

    Attributes:
        terms: Name -> weighted mean; the same names for all batches.
    """

    terms: Mapping[str, Term]

    @property
    def loss(self) -> Tensor:
        """Return a scalar to minimise, with gradient; 0 where the batch has no label that the loss can use."""
        return self.part_of({name: term.weight for name, term in self.terms.items()})

    def part_of(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Return what this part adds to the loss of a batch, however that is cut.

        Args:
            weights: Name -> weight of the term in the whole batch.
        """
        return sum_of(term.share * term.mean(weights[name]) for name, term in self.terms.items())


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


def weighted(values: Tensor, weight: Tensor, keep: Tensor, share: float = 1.0) -> Term:
    """Return the weighted mean of the kept values.

    Values that are not kept must come from finite numbers: the gradient of a NaN is NaN, even times 0.
    """
    weight = torch.where(keep, weight, 0.0)
    return Term((values * weight).sum(), weight.sum(), share)


def sum_of(scalars: Iterable[Tensor]) -> Tensor:
    """Return the sum of scalars, at least one."""
    return torch.stack(list(scalars)).sum()
