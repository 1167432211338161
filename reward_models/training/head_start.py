"""The head, fitted on what the untrained body gives: minutes less of training, and the baseline that must be beaten.

The body reads each answer once; the last layer is then the minimum of the loss plus a ridge, by L-BFGS (convex for all
losses here). Several ridges are tried on folds of the training prompts, so that the validation prompts stay unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reward_models.batching.labels import LabelMaker, Labels
from reward_models.data.split import folds_of
from reward_models.evaluation.quality import RANK_QUALITY
from reward_models.losses.base import Loss
from reward_models.training.validation import figures, per_prompt
from reward_models.types import RatedPrompt

RIDGES = (1e-2, 1e-1, 1.0, 10.0, 100.0)
"""On standardised features, per answer."""
DEFAULT_RIDGE = 1.0
"""Where there is one prompt, and nothing to choose by."""
FOLDS = 5
STEPS = 100
BATCH_ANSWERS = 512
"""Prompts are taken together up to this many answers: all pairs of a batch are formed at once."""

Batch = tuple[Tensor, Labels]
"""Places of answers in the features, and their labels."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Prompts that are fitted on, or left out, together.

    Attributes:
        prompts: With labels.
        places: Of their answers in the features, in order.
        batches: The same, in batches of whole prompts.
    """

    prompts: Sequence[RatedPrompt]
    places: Tensor
    batches: Sequence[Batch]


@dataclass(frozen=True, slots=True)
class HeadFit:
    """A last layer, in the features' own units.

    Attributes:
        weight_HD: Its weights.
        bias_H: Its bias.
        loss_state: The loss's own parameters that go with it.
        ridge: The one that was chosen.
        figure: Mean rank quality on prompts left out; `None` = all are one fold.
    """

    weight_HD: Tensor
    bias_H: Tensor
    loss_state: Mapping[str, Tensor]
    ridge: float
    figure: float | None


def make_folds(prompts: Sequence[RatedPrompt], labels: LabelMaker) -> list[Fold]:
    """Divide prompts; the features that go with them hold all their answers, prompt by prompt."""
    fold_of = folds_of(prompts, FOLDS)
    starts = [0]
    for prompt in prompts:
        starts.append(starts[-1] + len(prompt.answers))
    return [
        _fold(prompts, [n for n, other in enumerate(fold_of) if other == fold], starts, labels)
        for fold in sorted(set(fold_of))
    ]


def _fold(prompts: Sequence[RatedPrompt], chosen: Sequence[int], starts: Sequence[int], labels: LabelMaker) -> Fold:
    names = [(n, answer) for n in chosen for answer in range(len(prompts[n].answers))]
    places = torch.tensor([starts[n] + answer for n, answer in names])
    batches = [
        (places[group], labels([names[place] for place in group])) for group in whole_prompts([n for n, _ in names])
    ]
    return Fold([prompts[n] for n in chosen], places, batches)


def fit_head(
    features_ND: Tensor, folds: Sequence[Fold], make_loss: Callable[[], Loss], outputs: int, *, bias: bool = True
) -> HeadFit:
    """Fit a last layer, its ridge chosen by what each fold's prompts say of a fit on the others.

    Args:
        features_ND: What it reads, float32.
        folds: All prompts.
        make_loss: A fresh loss.
        outputs: H.
        bias: Whether the model's last layer has one.
    """
    mean_D = features_ND.mean(0) if bias else torch.zeros_like(features_ND[0])
    std_D = features_ND.std(0, correction=0).clamp_min(1e-6)
    standard_ND = (features_ND - mean_D) / std_D
    ridge, figure = DEFAULT_RIDGE, None
    if len(folds) > 1:
        found = {ridge: _left_out(standard_ND, folds, make_loss, outputs, ridge, bias) for ridge in RIDGES}
        ridge = max(found, key=found.__getitem__)
        figure = found[ridge]
    loss = make_loss()
    batches = [batch for fold in folds for batch in fold.batches]
    weight_HD, bias_H = _minimise(standard_ND, batches, loss, outputs, ridge, bias)
    weight_HD = weight_HD / std_D
    state = {name: value.clone() for name, value in loss.state_dict().items()}
    return HeadFit(weight_HD, bias_H - weight_HD @ mean_D, state, ridge, figure)


def _left_out(
    standard_ND: Tensor, folds: Sequence[Fold], make_loss: Callable[[], Loss], outputs: int, ridge: float, bias: bool
) -> float:
    """Return the mean quality of each fold's answers, scored by a head fitted on the other folds."""
    total = 0.0
    for held in folds:
        loss = make_loss()
        batches = [batch for fold in folds if fold is not held for batch in fold.batches]
        weight_HD, bias_H = _minimise(standard_ND, batches, loss, outputs, ridge, bias)
        scores = loss.scores(standard_ND[held.places] @ weight_HD.T + bias_H)
        total += figures(held.prompts, per_prompt(held.prompts, scores))[RANK_QUALITY] * len(held.places)
    return total / sum(len(fold.places) for fold in folds)


def _minimise(
    standard_ND: Tensor, batches: Sequence[Batch], loss: Loss, outputs: int, ridge: float, bias: bool
) -> tuple[Tensor, Tensor]:
    weight_HD = torch.zeros(outputs, standard_ND.shape[1], requires_grad=True)
    bias_H = torch.zeros(outputs, requires_grad=bias)
    learned = [weight_HD, *([bias_H] if bias else []), *loss.parameters()]
    solver = torch.optim.LBFGS(learned, max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe")
    total = sum(len(places) for places, _ in batches)

    def closure() -> float:
        solver.zero_grad()
        value = ridge * weight_HD.square().sum() / 2
        for places, labels in batches:
            outputs_NH = standard_ND[places] @ weight_HD.T + bias_H
            value = value + loss(outputs_NH, labels).loss * (len(places) / total)
        value.backward()
        return float(value.detach())

    solver.step(closure)
    return weight_HD.detach(), bias_H.detach()


def whole_prompts(prompt_N: Sequence[int], most: int = BATCH_ANSWERS) -> list[list[int]]:
    """Return places of answers in batches of whole prompts.

    Args:
        prompt_N: Each answer's prompt; answers of a prompt are neighbours.
        most: Answers of a batch; a prompt with more is a batch of its own.
    """
    batches: list[list[int]] = []
    group: list[int] = []
    for place, prompt in enumerate(prompt_N):
        group.append(place)
        if place + 1 < len(prompt_N) and prompt_N[place + 1] == prompt:
            continue
        if not batches or len(batches[-1]) + len(group) > most:
            batches.append([])
        batches[-1] += group
        group = []
    return batches


def put_head(final: Any, fit: HeadFit) -> None:
    """Write a fitted layer into the model's."""
    with torch.no_grad():
        final.weight.copy_(fit.weight_HD)
        if final.bias is not None:
            final.bias.copy_(fit.bias_H)
