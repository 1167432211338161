"""Losses around losses: centred scores, and several aspects at once.

Centred     + c E[(s_i + s_j)^2]    Eisenstein et al. 2023 (arXiv 2312.09244), as TRL's `center_rewards_coefficient`
MultiAspect one output an aspect    Wang et al. 2024, ArmoRM (arXiv 2406.12845); the aspects' weighted mean is the score
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss, LossResult, Term, weighted
from verifiers.errors import UsageError


class Centred(Loss):
    """Any loss, with a pull of the scores to 0: pairwise losses say nothing of the scores' level.

    Attributes:
        inner: The loss.
        coefficient: Of the pull; 0.01 is usual.
    """

    def __init__(self, inner: Loss, coefficient: float) -> None:
        super().__init__()
        self.inner = inner
        self.num_outputs = inner.num_outputs
        self.coefficient = coefficient

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        centring = self._centring(self.scores(outputs_NH), labels)
        return LossResult({**self.inner(outputs_NH, labels).terms, "centring": centring})

    def _centring(self, scores_N: Tensor, labels: Labels) -> Term:
        """Return the mean of (s_i + s_j)^2 over the pairs; an answer that is in none is a pair with itself.

        All pairs of a prompt weigh half as much as it has answers, so an answer by itself weighs a half.
        """
        alone_N = torch.ones_like(scores_N, dtype=torch.bool)
        alone_N[labels.pairs_K2.flatten()] = False
        sums = torch.cat((scores_N[labels.pairs_K2].sum(dim=1), 2 * scores_N))
        weight = torch.cat((labels.weight_K, 0.5 * alone_N))
        return weighted(sums**2, weight, weight > 0, self.coefficient)

    def scores(self, outputs_NH: Tensor) -> Tensor:
        return self.inner.scores(outputs_NH)

    def probabilities(self, outputs_NH: Tensor) -> Tensor | None:
        return self.inner.probabilities(outputs_NH)

    def cutpoints(self) -> Tensor | None:
        return self.inner.cutpoints()


class MultiAspect(Loss):
    """The same loss for every aspect, each on an output of its own, and for the whole where answers have overall stars.

    Attributes:
        inner: A loss of one output that needs no levels.
        names: The aspects, in the order of the outputs.
        weights: Factors of the outputs in the score.
    """

    weight_A: Tensor

    def __init__(self, inner: Loss, names: Sequence[str], weights: Sequence[float]) -> None:
        super().__init__()
        if len(names) != len(weights) or not names or min(weights) < 0 or sum(weights) <= 0:
            given = f"{list(names)} with weights {list(weights)}"
            raise UsageError(f"every aspect needs a weight of 0 or more, one of them above 0; given: {given}")
        self.inner = inner
        self.names = tuple(names)
        self.num_outputs = len(names)
        self.weights = tuple(weights)
        self.register_buffer("weight_A", torch.tensor(weights, dtype=torch.float32))

    def forward(self, outputs_NH: Tensor, labels: Labels) -> LossResult:
        terms = dict(self.inner(self.scores(outputs_NH)[:, None], labels).terms)
        for aspect, (name, weight) in enumerate(zip(self.names, self.weights, strict=True)):
            own = self.inner(outputs_NH[:, aspect : aspect + 1], labels.of_aspect(aspect)).terms
            terms |= {f"{name}/{part}": replace(term, share=weight * term.share) for part, term in own.items()}
        return LossResult(terms)

    def scores(self, outputs_NH: Tensor) -> Tensor:
        return outputs_NH @ self.weight_A
