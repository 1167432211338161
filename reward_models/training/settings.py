"""What a training run is told: a preset file's values, over the defaults, under `--set`.

A preset is a flat YAML file of these fields. `accelerate` and the two `fsdp` / `deepspeed` fields are handed to
`transformers.TrainingArguments` as they are; everything else is ours, and means the same on one CPU and on 64 GPUs.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from verifiers.config import load_config
from verifiers.errors import OptionError, UsageError
from verifiers.options import convert
from verifiers.types import Json

PRESETS = Path(__file__).resolve().parent / "presets"
DEFAULT_PRESET = "cpu-small"
MIN_UPDATE_TOKENS = 64
"""Below this an update holds no two answers worth comparing."""

Method = Literal["full", "lora", "qlora", "head"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Every number of a run that a user may turn.

    Attributes:
        method: What is trained: all weights, LoRA adapters (over 4-bit weights: qlora), or the head alone.
        loss: A loss by name, or `auto`: joint where prompts have several answers, else by what the file holds.
        centring: Pull of scores to 0, added to the loss: this times the mean of (s_i + s_j)^2 over pairs, or else of
            (2 s)^2. As TRL's `center_rewards_coefficient`; 0.01 is usual, 0 = none.
        dtype: Of the body; `mixed` = kept in float32, computed in bfloat16; `auto` = bfloat16 for adapters and mixed
            otherwise where the device computes in it, else float32. The head is always float32.
        attention: The body's attention as transformers names it, or `varlen` (packed rows, each answer by itself);
            `auto` = varlen for packing on a GPU where model and torch can, else transformers' choice.
        pooling: What the head reads: `stock` = what the base's stock classifier takes, `compare` = in a BERT the
            difference of the means of prompt and answer, computed by layers added to it; `auto` = compare where it
            can be done, no adapters are trained, and the base is a sentence encoder.
        packing: Put several answers in a row, without padding; causal models only.
        max_length: Most tokens of prompt + answer; the prompt's middle goes first.
        update_tokens: Tokens per optimizer step and device; answers of a prompt stay together.
        micro_tokens: Tokens on a device at a time; halved when memory runs out. 0 = a whole update.
        learning_rate: Of the body (or the adapters), at its highest.
        head_learning_rate: Of the head.
        layer_decay: Factor on the rate for each layer further from the head.
        weight_decay: AdamW's, on matrices only.
        warmup: Share of the steps with a rising rate.
        epochs: Most passes over the data.
        evaluations_per_epoch: How often the validation set is scored, and a checkpoint kept.
        patience: Evaluations without a better figure before the run stops; 0 = never.
        select: The validation figure that names the best checkpoint; `auto` = rank_quality.
        validation_share: Share of the prompts kept for validation, where no file is given for it.
        head_start: Fit the head on frozen features first, and keep that model if fine-tuning does not better it.
        dropout: Keep the body's dropout; without it, scores in training are those of the model that is saved.
        checkpointing: Recompute activations in the backward pass: a third more work, much less memory.
        optimizer: As `TrainingArguments.optim`, e.g. adamw_8bit (needs bitsandbytes).
        max_grad_norm: Gradients longer than this are shortened to it.
        liger: Use Liger's kernels for norms, positions and feed-forward layers (needs liger-kernel and a GPU).
        lora_rank: Of the adapters.
        lora_alpha: Their scale.
        lora_dropout: Their dropout.
        lora_targets: Modules that get one, by name or `all-linear`.
        keep_checkpoints: Checkpoints on disk at a time, the best one included.
        seed: Of the split, the order, the head and dropout.
        fsdp: How FSDP2 shards: full_shard, shard_grad_op, hybrid_shard (inside a machine); "" = not at all.
        fsdp_wrap: Transformer layer classes that FSDP wraps; "" = the model's own list.
        deepspeed: A DeepSpeed config file; "" = none.
    """

    method: Method = "full"
    loss: str = "auto"
    centring: float = 0.0
    dtype: Literal["auto", "float32", "bfloat16", "mixed"] = "auto"
    attention: str = "auto"
    pooling: Literal["auto", "stock", "compare"] = "auto"
    packing: bool = False
    max_length: int = 1024
    update_tokens: int = 4096
    micro_tokens: int = 0
    learning_rate: float = 2e-5
    head_learning_rate: float = 1e-3
    layer_decay: float = 1.0
    weight_decay: float = 0.01
    warmup: float = 0.1
    epochs: float = 3.0
    evaluations_per_epoch: int = 1
    patience: int = 3
    select: Literal["auto", "rank_quality", "pair_accuracy", "spearman"] = "auto"
    validation_share: float = 0.1
    head_start: bool = True
    dropout: bool = False
    checkpointing: bool = False
    optimizer: str = "adamw_torch_fused"
    max_grad_norm: float = 1.0
    liger: bool = False
    lora_rank: int = 16
    lora_alpha: float = 32.0
    lora_dropout: float = 0.0
    lora_targets: str = "all-linear"
    keep_checkpoints: int = 2
    seed: int = 0
    fsdp: Literal["", "full_shard", "shard_grad_op", "hybrid_shard"] = ""
    fsdp_wrap: str = ""
    deepspeed: str = ""

    def __post_init__(self) -> None:
        for name, (lowest, highest) in _RANGES.items():
            value = getattr(self, name)
            if not lowest <= value <= highest:
                raise OptionError(f"{name} = {value}: allowed is {lowest:g} to {highest:g}")
        if self.fsdp and self.deepspeed:
            raise OptionError("fsdp and deepspeed are both given; keep one of them")
        if self.method == "qlora" and (self.fsdp or self.deepspeed):
            raise OptionError("qlora's 4-bit weights are not sharded: use method=lora, or drop fsdp and deepspeed")

    @property
    def micro(self) -> int:
        """Tokens on a device at a time."""
        return min(self.micro_tokens or self.update_tokens, self.update_tokens)


_ANY = float("inf")
_RANGES: dict[str, tuple[float, float]] = {
    "centring": (0, 1000),
    "max_length": (8, 1 << 20),
    "update_tokens": (MIN_UPDATE_TOKENS, _ANY),
    "micro_tokens": (0, _ANY),
    "learning_rate": (0, 1),
    "head_learning_rate": (0, 10),
    "layer_decay": (0.1, 1),
    "weight_decay": (0, 1),
    "warmup": (0, 0.9),
    "epochs": (0.01, 1000),
    "evaluations_per_epoch": (1, 1000),
    "patience": (0, 1000),
    "validation_share": (0, 0.9),
    "max_grad_norm": (0, _ANY),
    "lora_rank": (1, 4096),
    "lora_dropout": (0, 0.9),
    "keep_checkpoints": (1, 1000),
    "seed": (0, 2**32 - 1),
}


def preset_names() -> list[str]:
    """Return the presets that come with the package."""
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def load_settings(preset: str = DEFAULT_PRESET, values: Mapping[str, Json] | None = None) -> Settings:
    """Make the settings of a run.

    Args:
        preset: One of `preset_names()`, or a file of your own (`.yaml`, `.json`).
        values: Win over the preset; text is parsed to the field's type.

    Raises:
        OptionError: If a field or value is not allowed; the text has the file and line it came from.
        UsageError: If there is no such preset.
        InputError: If the file cannot be read.
    """
    config = load_config(_preset_path(preset))
    if config.task is not None:
        raise OptionError(f"{preset}: a preset has no task; keep the fields alone")
    given = {**config.options, **(values or {})}
    origins = {name: place for name, place in config.origins.items() if name not in (values or {})}
    return Settings(**{name: _value(name, value, origins.get(name, "--set")) for name, value in given.items()})


def as_json(settings: Settings) -> dict[str, Json]:
    """Return the settings as `load_settings` takes them."""
    return dataclasses.asdict(settings)


def _preset_path(preset: str) -> Path:
    if preset in preset_names():
        return PRESETS / f"{preset}.yaml"
    if Path(preset).suffix in {".yaml", ".yml", ".json"}:
        return Path(preset)
    raise UsageError(f"there is no preset {preset!r}; there are {', '.join(preset_names())}, or name a .yaml file")


def _value(name: str, value: Json, origin: str) -> typing.Any:
    hints = typing.get_type_hints(Settings)
    names = [field.name for field in dataclasses.fields(Settings)]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise OptionError(f"{origin}: training has no setting {name!r}.{hint} Allowed: {', '.join(names)}.")
    try:
        return convert(value, hints[name])
    except ValueError as error:
        raise OptionError(f"{origin}: {name} = {value!r}: {error}") from error
