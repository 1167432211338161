"""What the losses are told of a batch of answers: stars, prompts, and the pairs that follow from both.

Each answer of a batch is scored once; every pair of answers of the same prompt is then formed from the scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from reward_models.batching.scale import StarScale
from reward_models.types import Answer, RatedPrompt

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of the N answers of a batch, in the order of the model's outputs.

    Attributes:
        stars_N: Standardised stars; NaN = this answer has none.
        levels_N: Place among the scale's levels, for ordinal losses; NaN = none.
        weight_N: How much each answer's stars count.
        prompt_N: Number of the prompt; equal = answers of the same prompt.
        pairs_K2: Positions (chosen, rejected) in the batch, always of one prompt.
        p_K: Probability that `chosen` is the better one, >= 0.5; 0.5 = a tie.
        margin_K: By how much, in standardised stars; NaN = not told.
        weight_K: How much each pair counts. All pairs of a prompt with k compared answers weigh k / 2 together.
        aspects_NA: Standardised stars for each aspect; NaN = none.
    """

    stars_N: Tensor
    levels_N: Tensor
    weight_N: Tensor
    prompt_N: Tensor
    pairs_K2: Tensor
    p_K: Tensor
    margin_K: Tensor
    weight_K: Tensor
    aspects_NA: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, a form that data loaders and accelerate move between devices."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Read what `tensors` returned."""
        return cls(**tensors)

    def to(self, device: Any) -> Self:
        """Return the labels on a device."""
        return type(self)(**{name: tensor.to(device) for name, tensor in self.tensors().items()})

    def of_aspect(self, aspect: int) -> Self:
        """Return labels as if this aspect's stars were the answers' only ones; pairs are formed anew from them."""
        stars_N = self.aspects_NA[:, aspect]
        pairs = star_pairs(stars_N, self.prompt_N)
        own_K = self.weight_N[pairs[0]].prod(dim=1).sqrt()
        weight_K = pair_weights(pairs[0], self.prompt_N, own_K)
        none_N = torch.full_like(stars_N, NAN)
        return replace(
            self,
            stars_N=stars_N,
            levels_N=none_N,
            pairs_K2=pairs[0],
            p_K=pairs[1],
            margin_K=pairs[2],
            weight_K=weight_K,
        )


def star_pairs(stars_N: Tensor, prompt_N: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Form all pairs of rated answers of the same prompt.

    Returns:
        Positions (the higher first), probability (1.0; 0.5 where the stars are equal), and difference in stars.
    """
    rated_N = ~stars_N.isnan()
    same_NN = (prompt_N[:, None] == prompt_N[None, :]) & rated_N[:, None] & rated_N[None, :]
    first_K, second_K = torch.triu(same_NN, diagonal=1).nonzero(as_tuple=True)
    difference_K = stars_N[first_K] - stars_N[second_K]
    swap_K = difference_K < 0
    pairs_K2 = torch.stack((torch.where(swap_K, second_K, first_K), torch.where(swap_K, first_K, second_K)), dim=1)
    margin_K = difference_K.abs()
    return pairs_K2, torch.where(margin_K > 0, 1.0, 0.5), margin_K


def pair_weights(pairs_K2: Tensor, prompt_N: Tensor, own_K: Tensor) -> Tensor:
    """Scale the pairs' own weights so that a prompt counts by its compared answers, not by their square."""
    _, prompt_N = prompt_N.unique(return_inverse=True)
    count_P = int(prompt_N.max()) + 1 if prompt_N.numel() else 0
    prompt_K = prompt_N[pairs_K2[:, 0]]
    pairs_P = torch.bincount(prompt_K, minlength=count_P)
    answers_P = torch.bincount(prompt_N[pairs_K2.unique()], minlength=count_P)
    return own_K * answers_P[prompt_K] / (2 * pairs_P[prompt_K])


@dataclass(frozen=True, slots=True)
class LabelMaker:
    """Makes the labels of a batch from the prompts it was drawn from.

    Attributes:
        prompts: All prompts of the data set; batches name answers by (prompt, answer).
        scale: Fitted on the training prompts.
    """

    prompts: Sequence[RatedPrompt]
    scale: StarScale

    def __call__(self, answers_N: Sequence[tuple[int, int]]) -> Labels:
        """Return the labels of answers, each named by its prompt's number and its place in the prompt."""
        prompt_N = torch.tensor([prompt for prompt, _ in answers_N], dtype=torch.long)
        answers = [self.prompts[prompt].answers[answer] for prompt, answer in answers_N]
        raw = [NAN if a.stars is None else a.stars for a in answers]
        stars_N = torch.tensor([self.scale.standardise(stars) for stars in raw], dtype=torch.float32)
        pairs_K2, p_K, margin_K, own_K = self._pairs(answers_N, stars_N, prompt_N)
        return Labels(
            stars_N=stars_N,
            levels_N=torch.tensor([self.scale.level(stars) for stars in raw], dtype=torch.float32),
            weight_N=torch.tensor([a.weight for a in answers], dtype=torch.float32),
            prompt_N=prompt_N,
            pairs_K2=pairs_K2,
            p_K=p_K,
            margin_K=margin_K,
            weight_K=pair_weights(pairs_K2, prompt_N, own_K),
            aspects_NA=self._aspects(answers),
        )

    def _pairs(
        self, answers_N: Sequence[tuple[int, int]], stars_N: Tensor, prompt_N: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return pairs from stars, and the stated preferences; where both compare two answers, the preference."""
        given = self._preferences(answers_N)
        pairs_K2, p_K, margin_K = star_pairs(stars_N, prompt_N)
        weights = [self._weight(answers_N[i]) * self._weight(answers_N[j]) for i, j in pairs_K2.tolist()]
        own_K = torch.tensor(weights, dtype=torch.float32).sqrt()
        if not given:
            return pairs_K2, p_K, margin_K, own_K
        compared = {frozenset(pair) for pair, *_ in given}
        keep_K = torch.tensor([frozenset(pair) not in compared for pair in pairs_K2.tolist()], dtype=torch.bool)
        told = torch.tensor([numbers for _, *numbers in given], dtype=torch.float32)
        places = torch.tensor([pair for pair, *_ in given], dtype=torch.long)
        return (
            torch.cat((pairs_K2[keep_K], places)),
            torch.cat((p_K[keep_K], told[:, 0])),
            torch.cat((margin_K[keep_K], told[:, 1])),
            torch.cat((own_K[keep_K], told[:, 2])),
        )

    def _preferences(self, answers_N: Sequence[tuple[int, int]]) -> list[tuple[tuple[int, int], float, float, float]]:
        """Return (positions, p, margin, weight) of each stated preference whose two answers are in the batch."""
        place = {answer: n for n, answer in enumerate(answers_N)}
        found = []
        for prompt in sorted({prompt for prompt, _ in answers_N}):
            for stated in self.prompts[prompt].preferences:
                pair = place.get((prompt, stated.chosen)), place.get((prompt, stated.rejected))
                if pair[0] is None or pair[1] is None:
                    continue
                positions, p = (pair[0], pair[1]), stated.probability
                if p < 0.5:
                    positions, p = (pair[1], pair[0]), 1 - p
                # Below 0 where few votes with large margins stand against many with small ones.
                margin = NAN if stated.margin is None else max(0.0, stated.margin) / self.scale.std
                found.append((positions, p, margin, stated.weight))
        return found

    def _weight(self, answer: tuple[int, int]) -> float:
        return self.prompts[answer[0]].answers[answer[1]].weight

    def _aspects(self, answers: Sequence[Answer]) -> Tensor:
        rows = [
            [scale.standardise(answer.aspects.get(name, NAN)) for name, scale in self.scale.aspects.items()]
            for answer in answers
        ]
        return torch.tensor(rows, dtype=torch.float32).reshape(len(answers), len(self.scale.aspects))
