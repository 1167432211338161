"""Which parameter learns how fast: the head faster than the body, lower layers slower, vectors without decay."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from reward_models.training.settings import Settings

_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks)\.(\d+)\.")
_HEADS = ("score.", "classifier.", "head.", "modules_to_save")


def parameter_groups(net: Any, loss: Any, settings: Settings, gain: float = 1.0) -> list[dict[str, Any]]:
    """Return the optimizer's groups: parameters of one rate and one decay together.

    Args:
        net: The model; what needs no gradient is left out.
        loss: Its parameters (cutpoints of an ordinal loss) learn at the head's rate, without decay.
        settings: The rates.
        gain: What the body's rate is divided by; see `head_gain`.
    """
    named = [(name, parameter) for name, parameter in net.named_parameters() if parameter.requires_grad]
    layers = 1 + max((layer for name, _ in named if (layer := _layer(name)) is not None), default=-1)
    groups: dict[tuple[float, float], list[Any]] = {}
    for name, parameter in named:
        decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
        rate = _rate(name, layers, settings) / (1.0 if is_head(name) else gain)
        groups.setdefault((rate, decay), []).append(parameter)
    for parameter in (each for each in loss.parameters() if each.requires_grad):
        groups.setdefault((settings.head_learning_rate, 0.0), []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def head_gain(final: Any) -> float:
    """Return how much more a last layer makes of the body's steps than a new one would; at least 1.

    Adam's steps have the size of the rate whatever the gradient's, and their effect on a score goes with the last
    layer's weights. Those of a fitted one may be 30 times a new one's, 1 / sqrt(D + 1): at the usual rates each step
    then moves scores by more than all labels differ, and undoes the fit.
    """
    rms = float(final.weight.detach().float().square().mean().sqrt())
    return max(1.0, rms * math.sqrt(final.weight.shape[1] + 1))


def freeze_body(net: Any) -> None:
    """Let only the head learn."""
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(is_head(name))


def is_head(name: str) -> bool:
    """Whether a parameter belongs to what reads the pooled vector."""
    bare = name.removeprefix("module.").removeprefix("base_model.model.")
    return bare.startswith(_HEADS) or "modules_to_save" in bare


def head_parameters(net: Any) -> Iterator[Any]:
    """Yield the head's parameters."""
    return (parameter for name, parameter in net.named_parameters() if is_head(name))


def _rate(name: str, layers: int, settings: Settings) -> float:
    if is_head(name):
        return settings.head_learning_rate
    layer = _layer(name)
    # What comes before the first layer (embeddings) is one step further down, what comes after the last (norm) is not.
    depth = layers - layer - 1 if layer is not None else (layers if "embed" in name or ".wte" in name else 0)
    return settings.learning_rate * settings.layer_decay**depth


def _layer(name: str) -> int | None:
    found = _LAYER.search(name)
    return int(found[1]) if found else None
