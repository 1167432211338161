"""Writing a checkpoint that is stock for everyone else, and whole for us.

config.json, model.safetensors        AutoModelForSequenceClassification(num_labels=1)
tokenizer.json, chat_template.jinja   the frozen template
rm_card.json                          see `card.py`
aspects.safetensors                   the head with all its aspects, where there are several
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from stat import S_IMODE
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from reward_models.models.load import quiet
from reward_models.models.lora import merged_state
from reward_models.models.pooled import final_layer
from reward_models.types import CARD_FILE
from verifiers.errors import InputError

ASPECTS_FILE = "aspects.safetensors"


WRITTEN = ("model*.safetensors", "model.safetensors.index.json", "adapter_*", ASPECTS_FILE, CARD_FILE)


def clear(folder: Path) -> None:
    """Remove an earlier checkpoint: adapters left beside a whole model would be taken for it."""
    for pattern in WRITTEN:
        for path in folder.glob(pattern):
            path.unlink()


def save_stock(net: Any, folder: Path, aspects: Mapping[str, float]) -> None:
    """Write a whole model; adapters are merged, 4-bit weights written out, several aspects become their weighted sum.

    Raises:
        InputError: If a weight is not finite.
    """
    base = net.get_base_model() if hasattr(net, "get_base_model") else net
    state = {name: value.detach() for name, value in merged_state(net).items()}
    if broken := [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]:
        raise InputError(f"weight {broken[0]} is not finite: the model is broken and is not written to {folder}")
    clear(folder)
    if aspects:
        _collapse(base, state, folder, aspects)
    trained, config = base.config, _as_served(base.config)
    quantizer = getattr(base, "hf_quantizer", None)
    try:
        base.config, base.hf_quantizer = config, None  # It would write its own weights rather than these.
        with quiet():
            base.save_pretrained(folder, state_dict=state)
        config.dtype = body_dtype(base)  # Not the head's, which is always fp32.
        config.save_pretrained(folder)
    finally:
        base.config, base.hf_quantizer = trained, quantizer


def _as_served(config: Any) -> Any:
    """Return a configuration that lets no program put a sigmoid over the number, as they do where one label is."""
    config = copy.deepcopy(config)
    vars(config).pop("quantization_config", None)
    # Read by vLLM's /classify and transformers' pipelines; the other by vLLM's /score and sentence-transformers.
    config.num_labels, config.problem_type = 1, "regression"
    config.sentence_transformers = {"activation_fn": "torch.nn.modules.linear.Identity"}
    return config


def body_dtype(net: Any) -> torch.dtype:
    """Return the dtype that most of the model has."""
    base = net.get_base_model() if hasattr(net, "get_base_model") else net
    return base.get_input_embeddings().weight.dtype


def save_adapter(net: Any, folder: Path) -> None:
    """Write adapters and head only; the base is found by the name it was loaded by."""
    clear(folder)
    with quiet():
        net.save_pretrained(folder, save_embedding_layers=False)


def open_weights(folder: Path) -> None:
    """Give weights the card's mode, which follows the umask: safetensors lets their owner alone read them."""
    mode = (folder / CARD_FILE).stat().st_mode
    for path in folder.glob("*.safetensors"):
        path.chmod(S_IMODE(mode))


def _collapse(base: Any, state: dict[str, Tensor], folder: Path, aspects: Mapping[str, float]) -> None:
    name = next(name for name, module in base.named_modules() if module is final_layer(base))
    name = name.partition(".modules_to_save.")[0]
    head = {part: state[f"{name}.{part}"] for part in ("weight", "bias") if f"{name}.{part}" in state}
    save_file({part: value.contiguous().cpu() for part, value in head.items()}, folder / ASPECTS_FILE)
    weights = torch.tensor(list(aspects.values()), dtype=torch.float32, device=head["weight"].device)
    for part, value in head.items():
        state[f"{name}.{part}"] = (weights @ value.float())[None] if part == "weight" else (weights @ value)[None]


def restore_aspects(net: Any, folder: Path) -> bool:
    """Put the head with all its aspects back; `False` = the checkpoint has none."""
    path = folder / ASPECTS_FILE
    if not path.is_file():
        return False
    head = final_layer(net)
    for part, value in load_file(path).items():
        setattr(head, part, torch.nn.Parameter(value.to(head.weight.device)))
    head.out_features = head.weight.shape[0]
    net.config.num_labels = head.weight.shape[0]
    return True
