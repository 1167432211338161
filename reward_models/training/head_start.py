"""The head, fitted on what the untrained body gives: minutes less of training, and the baseline that must be beaten.

The body reads each answer once; the last layer is then the minimum of the loss plus a ridge, by L-BFGS (convex for all
losses here). Several ridges are tried, and the validation prompts choose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reward_models.batching.labels import Labels
from reward_models.losses.base import Loss

RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""On standardised features, per answer."""
DEFAULT_RIDGE = 1e-1
STEPS = 100
BATCH_ANSWERS = 512
"""Prompts are taken together up to this many answers: all pairs of a batch are formed at once."""

Figure = Callable[[Tensor], float]


@dataclass(frozen=True, slots=True)
class HeadFit:
    """A last layer, in the features' own units.

    Attributes:
        weight_HD: Its weights.
        bias_H: Its bias.
        loss_state: The loss's own parameters that go with it.
        ridge: The one that was chosen.
        figure: On the validation features; `None` = there were none.
    """

    weight_HD: Tensor
    bias_H: Tensor
    loss_state: Mapping[str, Tensor]
    ridge: float
    figure: float | None


def fit_head(
    features_ND: Tensor,
    batches: Sequence[tuple[Tensor, Labels]],
    make_loss: Callable[[], Loss],
    outputs: int,
    *,
    bias: bool = True,
    validate: tuple[Tensor, Figure] | None = None,
) -> HeadFit:
    """Fit a last layer.

    Args:
        features_ND: What it reads, float32.
        batches: Places in `features_ND`, and the labels of these answers.
        make_loss: A fresh loss.
        outputs: H.
        bias: Whether the model's last layer has one.
        validate: Features of validation answers, and how good their outputs (N, H) are.
    """
    mean_D = features_ND.mean(0) if bias else torch.zeros_like(features_ND[0])
    std_D = features_ND.std(0, correction=0).clamp_min(1e-6)
    standard_ND = (features_ND - mean_D) / std_D
    best: HeadFit | None = None
    for ridge in RIDGES if validate else (DEFAULT_RIDGE,):
        loss = make_loss()
        weight_HD, bias_H = _minimise(standard_ND, batches, loss, outputs, ridge, bias)
        weight_HD = weight_HD / std_D
        bias_H = bias_H - weight_HD @ mean_D
        figure = None if validate is None else validate[1](validate[0] @ weight_HD.T + bias_H)
        state = {name: value.clone() for name, value in loss.state_dict().items()}
        if best is None or (figure is not None and best.figure is not None and figure > best.figure):
            best = HeadFit(weight_HD, bias_H, state, ridge, figure)
    assert best is not None
    return best


def _minimise(
    standard_ND: Tensor, batches: Sequence[tuple[Tensor, Labels]], loss: Loss, outputs: int, ridge: float, bias: bool
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
