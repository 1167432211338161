"""The model, the loss and the head's start that the settings ask for."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from reward_models.batching.chunks import CPU_PASS, GPU_PASS
from reward_models.batching.collate import Collator, Item
from reward_models.batching.labels import LabelMaker
from reward_models.batching.scale import StarScale
from reward_models.evaluation.quality import RANK_QUALITY
from reward_models.losses.base import Loss
from reward_models.losses.registry import AUTO, build_loss, candidates
from reward_models.models.apart import prefers_varlen
from reward_models.models.attention import NAME as VARLEN
from reward_models.models.comparing import compares_means
from reward_models.models.encode import Encoded
from reward_models.models.layout import packed, padded
from reward_models.models.lora import LoraSettings
from reward_models.models.pooled import final_layer
from reward_models.models.reward_model import RewardModel
from reward_models.training.batches import items_of
from reward_models.training.head_start import HeadFit, fit_head, make_folds, put_head
from reward_models.training.material import Material, Say
from reward_models.training.optimizer import freeze_body
from reward_models.training.settings import Settings
from reward_models.types import RatedPrompt
from verifiers.errors import UsageError, require

HEAD_START_ANSWERS = 20_000
"""The head is fitted on this many answers at most; more change it little and cost a pass over the data."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Prompts, and their answers as tokens.

    Attributes:
        prompts: With labels.
        encoded: Every answer, prompt by prompt.
    """

    prompts: Sequence[RatedPrompt]
    encoded: Sequence[Encoded]

    @property
    def items(self) -> list[Item]:
        """The answers as batches take them; four bytes a token."""
        return items_of(self.prompts, [array("i", each.ids) for each in self.encoded])

    @property
    def prompt_numbers(self) -> list[int]:
        """Number of each answer's prompt."""
        return [number for number, prompt in enumerate(self.prompts) for _ in prompt.answers]


def body_dtype(settings: Settings) -> str:
    """Return the dtype that the body is loaded in."""
    if settings.dtype == "mixed":
        return "float32"
    if settings.dtype != AUTO:
        return settings.dtype
    adapters = settings.method in {"lora", "qlora"}
    return "bfloat16" if adapters and has_bfloat16() else "float32"


def computes_in_bfloat16(settings: Settings) -> bool:
    """Whether a float32 body is computed in bfloat16."""
    return settings.dtype == "mixed" or (settings.dtype == AUTO and settings.method == "full" and has_bfloat16())


def has_bfloat16() -> bool:
    """Whether there is a GPU that computes in bfloat16."""
    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False))


def build_model(base: str, settings: Settings, aspects: Mapping[str, float], **how: Any) -> RewardModel:
    """Load the base as the settings say.

    Args:
        base: Folder or hub id.
        settings: Of the run.
        aspects: Aspect -> factor of its output in the score.
        how: device, trust_remote_code, allow_pickle.

    Raises:
        UsageError: If the base cannot be trained so.
    """
    lora = None
    if settings.method in {"lora", "qlora"}:
        targets = () if settings.lora_targets == "all-linear" else tuple(settings.lora_targets.split(","))
        sizes = settings.lora_rank, settings.lora_alpha, settings.lora_dropout
        lora = LoraSettings(*sizes, targets, four_bit=settings.method == "qlora")
    attention = "" if settings.attention == AUTO else settings.attention
    model = RewardModel.from_base(
        base,
        aspects=aspects or None,
        max_tokens=settings.max_length,
        lora=lora,
        seed=settings.seed,
        dtype=body_dtype(settings),
        attention=attention,
        compare=settings.pooling == "compare" or (settings.pooling == AUTO and lora is None and compares_means(base)),
        **how,
    )
    model.in_bfloat16 = computes_in_bfloat16(settings)
    if settings.packing and not model.causal:
        raise UsageError(f"{base} is an encoder, which cannot be packed: set packing=false")
    if settings.packing and not model.can_pack:
        raise UsageError(
            f"{base} is of type {model.stock.config.model_type!r}, which does not keep the answers of a packed row "
            "apart (recurrent layers, or positions and masks of its own): their scores would be others than alone. "
            "Set packing=false"
        )
    if settings.packing and settings.attention == AUTO and prefers_varlen(model.stock, model.device):
        model.stock.set_attn_implementation(VARLEN)
    if settings.method == "head":
        freeze_body(model.net)
    if not settings.dropout:
        _still(model.net)
    return model


def load_weights(net: Any, checkpoint: Path) -> None:
    """Read a training checkpoint's weights into a model that was built alike."""
    state = {
        name: value
        for file in sorted(checkpoint.glob("*model*.safetensors"))
        for name, value in load_file(file).items()
    }
    if hasattr(net, "get_base_model"):
        peft = require("peft", "rm", "LoRA")
        peft.set_peft_model_state_dict(net, state)
    else:
        net.load_state_dict(state)


def _still(net: Any) -> None:
    """Turn the body's dropout off; that of adapters has a setting of its own."""
    for name, module in net.named_modules():
        if isinstance(module, torch.nn.Dropout) and "lora_dropout" not in name:
            module.p = 0.0


def encode(model: RewardModel, prompts: Sequence[RatedPrompt]) -> Encoding:
    """Turn every answer into tokens."""
    texts = [(prompt.prompt, answer.response) for prompt in prompts for answer in prompt.answers]
    return Encoding(prompts, model.encode([prompt for prompt, _ in texts], [response for _, response in texts]))


def collator(model: RewardModel, labels: LabelMaker, settings: Settings, world: int = 1) -> Collator:
    """Return what lays batches out: packed, or padded; where processes keep step, in one chunk each."""
    layout = packed if settings.packing else partial(padded, pad_id=model.pad_id)
    pass_tokens = CPU_PASS if model.device.type == "cpu" else GPU_PASS
    return Collator(labels, layout, pass_tokens, together=settings.packing or world > 1)


def shares(material: Material, scale: StarScale) -> dict[str, float]:
    """Return aspect -> factor of its output in the score, in the scale's order; empty = one output.

    Outputs are standardised stars, aspect by aspect. The factors turn them into what answers are labelled with: the
    weighted mean of the aspects' stars, standardised.

    Raises:
        UsageError: If all weights are 0; reading has refused those below 0.
    """
    weights = {name: material.aspects.get(name, 1.0) for name in scale.aspects} if len(scale.aspects) > 1 else {}
    if weights and not any(weights.values()):
        raise UsageError(f"the aspects {', '.join(weights)} all weigh 0: give one of them a weight above 0")
    return {
        name: weight / sum(weights.values()) * scale.aspects[name].std / scale.std for name, weight in weights.items()
    }


def make_loss(name: str, scale: StarScale, settings: Settings, aspects: Mapping[str, float]) -> Loss:
    """Build a loss as the settings say."""
    return build_loss(name, scale, centring=settings.centring, aspects=aspects)


def start(
    model: RewardModel, train: Encoding, features_ND: Tensor | None, scale: StarScale, settings: Settings, say: Say
) -> tuple[str, Loss]:
    """Choose the loss and fit the head on the frozen body.

    Args:
        model: Gets the head.
        train: What the head is fitted on, and the loss chosen by.
        features_ND: What the head reads of the first answers (`first_features`); `None` = no head is fitted.
        scale: Of the stars.
        settings: Of the run.
        say: Takes what a person should know.

    Returns:
        The loss's name, and the loss.
    """
    names = candidates(train.prompts) if settings.loss == AUTO else (settings.loss,)
    aspects = model.aspects
    names = tuple(name for name in names if not (aspects and name == "ordinal"))
    if features_ND is None:
        say(f"loss: {names[0]}")
        return names[0], make_loss(names[0], scale, settings, aspects)
    fits = _fits(model, _first_prompts(train), features_ND, scale, settings, names)
    best = max(fits, key=lambda name: (fits[name].figure or 0.0, -names.index(name)))
    fit = fits[best]
    put_head(final_layer(model.stock), fit)
    loss = make_loss(best, scale, settings, aspects)
    loss.load_state_dict(dict(fit.loss_state))
    chosen = f" (of {', '.join(names)}, by folds of the training prompts)" if len(names) > 1 else ""
    figure = "" if fit.figure is None else f", {RANK_QUALITY.replace('_', ' ')} {fit.figure:.3f} on prompts left out"
    say(f"loss: {best}{chosen}; head fitted on the frozen body{figure}")
    return best, loss


def first_features(model: RewardModel, train: Encoding) -> Tensor:
    """Return what the head reads of the answers of the first prompts, `HEAD_START_ANSWERS` of them at most, (N, D)."""
    return model.features(train.encoded[: sum(len(prompt.answers) for prompt in _first_prompts(train))])


def _first_prompts(train: Encoding) -> Sequence[RatedPrompt]:
    answers_P = list(accumulate(len(prompt.answers) for prompt in train.prompts))
    return train.prompts[: max(1, bisect_right(answers_P, HEAD_START_ANSWERS))]


def _fits(
    model: RewardModel,
    prompts: Sequence[RatedPrompt],
    features_ND: Tensor,
    scale: StarScale,
    settings: Settings,
    names: Sequence[str],
) -> dict[str, HeadFit]:
    folds = make_folds(prompts, LabelMaker(prompts, scale))
    outputs, bias = len(model.aspects) or 1, final_layer(model.stock).bias is not None
    return {
        name: fit_head(features_ND, folds, partial(make_loss, name, scale, settings, model.aspects), outputs, bias=bias)
        for name in names
    }
