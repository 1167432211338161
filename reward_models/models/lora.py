"""Low-rank adapters, over a body in full precision or in 4 bits, always with the head saved beside them.

`task_type="SEQ_CLS"` and every module that is not the body in `modules_to_save`: without that the trained head is
lost on saving, and a random one scores after reload (trl: -0.729 -> -0.110).
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reward_models.models.load import Loaded, head_names
from verifiers.errors import InputError, UsageError, require

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
PLAIN = "Trained adapters can be loaded on the plain body with four_bit=False, for slightly other scores"


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """How to adapt.

    Attributes:
        rank: Of the update matrices.
        alpha: Its scale is alpha / rank.
        dropout: On the adapters' input, 0-1.
        targets: Last names of the layers to adapt; empty = every linear layer of the body.
        four_bit: Hold the body in 4-bit NF4 (QLoRA; needs a GPU and bitsandbytes).
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()
    four_bit: bool = False


def quantization(dtype: torch.dtype) -> Any:
    """Return how to load a body in 4 bits; it computes in `dtype`.

    Raises:
        UsageError: If there is no GPU, or bitsandbytes is not installed.
    """
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UsageError(f"QLoRA (four_bit) needs bitsandbytes. Install it with: pip install bitsandbytes. {PLAIN}")
    if not torch.cuda.is_available():
        raise UsageError(
            f"QLoRA (four_bit) needs a GPU and there is none: train plain LoRA, or a smaller base. {PLAIN}"
        )
    transformers = require("transformers", "rm", "QLoRA")
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=["score", "classifier"],
    )


def adapted(loaded: Loaded, settings: LoraSettings) -> Any:
    """Wrap a loaded model for training.

    Raises:
        UsageError: If a named target is not in the body.
    """
    peft = require("peft", "rm", "LoRA")
    net = loaded.net
    present = {name.rpartition(".")[2] for name, module in net.base_model.named_modules() if _is_linear(module)}
    if wrong := sorted(set(settings.targets) - present):
        raise UsageError(f"no linear layer of the body is named {wrong[0]!r}; there are: {', '.join(sorted(present))}")
    # A BERT without pooler got a new one in its body: it must be trained and kept like the head.
    fresh = {"pooler"} if any(".pooler." in name for name in loaded.missing) else set()
    config = peft.LoraConfig(
        task_type="SEQ_CLS",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=sorted(settings.targets or present),
        modules_to_save=sorted({*head_names(net)} | fresh),
    )
    # Not `prepare_model_for_kbit_training`, whose fp32 embeddings alone are 2 GB in a 7B model.
    with _settled():
        wrapped = peft.get_peft_model(net, config)
    # Adapters find their base again from any folder.
    named = Path(net.name_or_path)
    wrapped.peft_config["default"].base_model_name_or_path = str(named.resolve() if named.is_dir() else named)
    return wrapped


@contextlib.contextmanager
def _settled() -> Iterator[None]:
    """Keep peft from warning users of a name in transformers that peft itself uses."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
        yield


def _is_linear(module: Any) -> bool:
    return isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"


def is_adapter(path: str) -> bool:
    """Whether a folder holds adapters rather than a whole model."""
    return (Path(path) / ADAPTER_CONFIG).is_file()


def base_of(folder: Path) -> str:
    """Return the base that a folder's adapters were trained on.

    Raises:
        InputError: If the folder does not say.
    """
    try:
        return str(json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / ADAPTER_CONFIG} does not name its base: {error}") from error


def load_adapter(net: Any, path: str, trainable: bool = False) -> Any:
    """Put saved adapters and their head on a freshly loaded base.

    Raises:
        InputError: If they are not safetensors, or do not fit, or hold no head.
    """
    peft = require("peft", "rm", "LoRA")
    weights = Path(path) / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise InputError(f"{path!r} has no {ADAPTER_WEIGHTS}; adapters are read from safetensors only")
    with require("safetensors", "rm", "Reading adapters").safe_open(weights, "pt") as file:
        names = set(file.keys())
    heads = tuple(f".{head}." for head in head_names(net))
    if not any(head in name for name in names for head in heads):
        raise InputError(
            f"the adapters in {path!r} hold no head: they were saved without task_type=SEQ_CLS, and the trained head "
            "is lost. Train again"
        )
    try:
        with _settled():
            return peft.PeftModel.from_pretrained(net, path, is_trainable=trainable).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"the adapters in {path!r} do not fit their base: {error}") from error


def merged_state(net: Any) -> dict[str, Tensor]:
    """Return the weights of a stock model: adapters added to what they adapt. The net itself stays as it is.

    4-bit weights are first written out as the numbers that they stand for, one layer at a time and on the CPU: what was
    trained, rather than the base that they were rounded from.
    """
    if not hasattr(net, "get_base_model"):
        return dict(net.state_dict())
    base = net.get_base_model()
    four_bit = is_four_bit(base)
    state: dict[str, Tensor] = {}
    for name, value in base.state_dict().items():
        if ".lora_" in name or ".original_module." in name or (four_bit and ".weight." in name):
            continue  # `.weight.absmax` and the like say how 4-bit weights are to be read.
        state[_stock_name(name, net)] = value
    for name, module in base.named_modules() if four_bit else ():
        if type(getattr(module, "weight", None)).__name__ == "Params4bit":
            state[_stock_name(f"{name}.weight", net)] = _written_out(module.weight)
    for name, module in base.named_modules():
        if hasattr(module, "get_delta_weight"):
            weight = state[f"{name}.weight"]
            delta = module.get_delta_weight(_active(net)).to(weight.device)
            state[f"{name}.weight"] = (weight.float() + delta.float()).to(weight.dtype)
    return state


def _stock_name(name: str, net: Any) -> str:
    return name.replace(".base_layer.", ".").replace(f".modules_to_save.{_active(net)}.", ".")


def _written_out(weight: Any) -> Tensor:
    import bitsandbytes

    return bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state).cpu()


def is_four_bit(net: Any) -> bool:
    """Whether the body is held in 4 bits."""
    return bool(getattr(net, "is_loaded_in_4bit", False))


def _active(net: Any) -> str:
    return str(net.active_adapter)
