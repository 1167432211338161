"""Loading a base or a checkpoint: what may be loaded, and whether all of it was.

Refused unless asked for: pickled weights (they run code when read) and a checkpoint's own Python. Never silent: a
head that was initialised anew where one was expected (ms-swift#9239), or a body with weights missing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoConfig
from transformers.dynamic_module_utils import get_class_from_dynamic_module
from transformers.models.auto.configuration_auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING
from transformers.utils import logging as hf_logging

from reward_models.models import attention
from reward_models.models.apart import can_varlen, check_type
from reward_models.models.pooled import final_layer, pooled_class
from verifiers.errors import InputError, UsageError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "auto": "auto"}
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
MAX_SAID = 300
ALIGNMENT_BYTES = 64
AUTO_CLASS = "AutoModelForSequenceClassification"


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """How to load.

    Attributes:
        dtype: Of the body: float32, bfloat16, float16, or auto = as saved. The head is always fp32.
        attention: transformers' `attn_implementation`, or `varlen` (see `attention.py`); "" = transformers' choice.
        device: Where to put it; "" = leave it on the CPU.
        trust_remote_code: Run Python that comes with the checkpoint.
        allow_pickle: Read weights that are not safetensors.
    """

    dtype: str = "float32"
    attention: str = ""
    device: str = ""
    trust_remote_code: bool = False
    allow_pickle: bool = False


def load_config(path: str, settings: LoadSettings) -> Any:
    """Load a configuration.

    Raises:
        InputError: If there is none.
        UsageError: If it needs the checkpoint's own Python, or is of an encoder-decoder.
    """
    named = _own_code(path)
    if named and not settings.trust_remote_code:
        raise UsageError(
            f"{path!r} brings Python of its own for model type {named!r}, which would be run. It is refused unless "
            "you ask for it (trust_remote_code); read that code first"
        )
    try:
        config = AutoConfig.from_pretrained(path, trust_remote_code=settings.trust_remote_code)
    except (OSError, ValueError, KeyError) as error:
        here = "" if Path(path).exists() else "there is no such folder here, and as a hub id: "
        raise InputError(f"no model can be loaded from {path!r}: {here}{said(error)}") from error
    if config.is_encoder_decoder:
        raise UsageError(f"{path!r} is an encoder-decoder ({config.model_type}); give an encoder or a decoder")
    return config


def said(error: Exception) -> str:
    """Return an error's first line; transformers adds lists of all it knows."""
    return str(error).strip().partition("\n")[0][:MAX_SAID]


def _own_code(path: str) -> str:
    """Return the model type if a local checkpoint needs its own code; transformers itself refuses it for hub ids."""
    try:
        raw = json.loads((Path(path) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    own = isinstance(raw, dict) and raw.get("auto_map") and raw.get("model_type") not in CONFIG_MAPPING
    return str(raw.get("model_type")) if own else ""


def stock_class(config: Any, path: str) -> type:
    """Find the sequence classifier of a configuration.

    Raises:
        UsageError: If transformers has none.
    """
    own = (getattr(config, "auto_map", None) or {}).get(AUTO_CLASS)
    if type(config) in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        found = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)]
        return found[0] if isinstance(found, tuple) else found  # type: ignore[no-any-return]
    if own:  # Only reached when the configuration's own code was allowed too.
        return get_class_from_dynamic_module(own, path)  # type: ignore[no-any-return]
    raise UsageError(f"transformers has no sequence classifier for model type {config.model_type!r} of {path!r}")


def refuse_pickle(path: str, settings: LoadSettings) -> None:
    """Refuse a folder whose weights are pickled.

    Raises:
        UsageError: If they are, and that is not allowed.
    """
    folder = Path(path)
    if settings.allow_pickle or not folder.is_dir() or any(folder.glob("*.safetensors")):
        return
    found = sorted(file.name for pattern in PICKLES for file in folder.glob(pattern))
    if found:
        raise UsageError(
            f"{path!r} holds its weights as pickle ({found[0]}), which runs code when it is read. Convert it to "
            "safetensors, or ask for it (allow_pickle) if you made the file yourself"
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, and which of its parameters the checkpoint did not have."""

    net: Any
    missing: tuple[str, ...] = ()


def load_net(path: str, settings: LoadSettings, outputs: int | None = None, **more: Any) -> Loaded:
    """Load a stock sequence classifier with our pooling.

    Args:
        path: A folder, or a hub id.
        settings: How.
        outputs: Width of the head; another one is replaced. `None` = as saved.
        more: Passed to `from_pretrained` (a quantization).

    Raises:
        InputError: If it cannot be loaded.
        UsageError: If it is of a kind that is refused.
    """
    if settings.dtype not in DTYPES:
        raise UsageError(f"dtype {settings.dtype!r} is none of {', '.join(DTYPES)}")
    config = load_config(path, settings)
    check_type(config.model_type)
    refuse_pickle(path, settings)
    if outputs is not None:
        config.num_labels = outputs
    if settings.attention:
        more["attn_implementation"] = attention.NAME if settings.attention == "varlen" else settings.attention
    if settings.device and torch.device(settings.device).type != "cpu":
        # Straight to the GPU: processes of a machine that each hold 28 GB on the way there run out of its memory.
        more.setdefault("device_map", {"": settings.device})
    model_class: Any = pooled_class(stock_class(config, path))
    with quiet():
        try:
            net, info = model_class.from_pretrained(
                path,
                config=config,
                dtype=DTYPES[settings.dtype],
                use_safetensors=not settings.allow_pickle or None,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
                trust_remote_code=settings.trust_remote_code,
                **more,
            )
        except (ImportError, OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(f"the model in {path!r} cannot be loaded: {said(error)}") from error
    mismatched = [entry[0] if isinstance(entry, tuple) else entry for entry in info["mismatched_keys"]]
    final_layer(net).float()
    _align(net)
    if settings.device and "quantization_config" not in more:
        net.to(settings.device)
    if settings.attention == "varlen" and not can_varlen(net):
        raise UsageError(
            f"attention 'varlen' is for decoders with nothing but plain attention, all of it transformers' own; "
            f"{config.model_type!r} is none: leave it out"
        )
    return Loaded(net.eval(), tuple(sorted({*info["missing_keys"], *mismatched})))


def _align(net: Any) -> None:
    """Copy weights to where torch would put them: on CPUs sums differ in the last bit by a tensor's address.

    Read from a file, they lie where the file's header ends. A model scores the same before saving and after loading.
    """
    for parameter in net.parameters():
        if parameter.device.type == "cpu" and parameter.data_ptr() % ALIGNMENT_BYTES:
            parameter.data = parameter.data.clone()


def head_names(net: Any) -> list[str]:
    """List the stock class's own modules with parameters: all of it that is not the body."""
    body = net.base_model_prefix
    return [name for name, child in net.named_children() if name != body and any(True for _ in child.parameters())]


def body_missing(loaded: Loaded) -> list[str]:
    """List missing parameters that a base model should have had; a BERT's pooler belongs to its head."""
    heads = tuple(f"{name}." for name in head_names(loaded.net))
    return [name for name in loaded.missing if not name.startswith(heads) and ".pooler." not in name]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting what we report ourselves, and from drawing bars."""
    verbosity, bars = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    try:
        yield
    finally:
        hf_logging.set_verbosity(verbosity)
        if bars:
            hf_logging.enable_progress_bar()
