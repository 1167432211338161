"""Faults of set-up, told before data is read and a model loaded: names, packages, devices, launchers."""

from __future__ import annotations

import os
from importlib.util import find_spec

import torch

from reward_models.losses.registry import check_name
from reward_models.models.lora import quantization
from reward_models.training.settings import Settings
from reward_models.training.sharding import check_deepspeed
from verifiers.errors import UsageError, require

_BITSANDBYTES = (
    *("adamw_8bit", "adamw_bnb_8bit", "paged_adamw_8bit", "paged_adamw_32bit"),
    *("lion_8bit", "lion_32bit", "paged_lion_8bit", "paged_lion_32bit"),
    *("ademamix", "ademamix_8bit", "paged_ademamix_8bit", "paged_ademamix_32bit"),
    *("rmsprop_bnb", "rmsprop_bnb_8bit", "rmsprop_bnb_32bit"),
)
OPTIMIZERS = {
    **dict.fromkeys(("adamw_torch", "adamw_torch_fused", "adafactor", "sgd", "adagrad", "rmsprop"), "torch"),
    **dict.fromkeys(_BITSANDBYTES, "bitsandbytes"),
    **dict.fromkeys(("adamw_torch_8bit", "adamw_torch_4bit"), "torchao"),
}
"""Name -> package. Of transformers' others, those that are told which layers, or to change phase, cannot work here."""
FLASH = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}
"""Attention -> module; `kernels` can stand in for it."""
ATTENTIONS = ("auto", "eager", "sdpa", "flex_attention", "varlen", *FLASH)
PIP = {"liger_kernel": "liger-kernel", "flash_attn": "flash-attn", "flash_attn_interface": "kernels"}
LAUNCH = "accelerate launch --num_processes N -m verifiers rm train ..."


def check_settings(settings: Settings) -> None:
    """Refuse settings that cannot work here.

    Raises:
        UsageError: If a name is not known, a file is not there, or a device, a launcher or a package is missing.
        MissingExtra: If the package is one of our extra `rm`.
    """
    check_name(settings.loss)
    _check_optimizer(settings.optimizer)
    _check_attention(settings.attention)
    if settings.liger:
        _need("liger_kernel", "liger=true")
        _need_gpu("liger=true", "liger=false")
    if settings.method in {"lora", "qlora"}:
        require("peft", "rm", f"method={settings.method}")
    if settings.method == "qlora":
        quantization(torch.bfloat16)
    if settings.deepspeed:
        check_deepspeed(settings.deepspeed)
        _need("deepspeed", "deepspeed")
    sharded = f"fsdp={settings.fsdp}" if settings.fsdp else "deepspeed" if settings.deepspeed else ""
    if sharded and "RANK" not in os.environ:
        raise UsageError(
            f"{sharded} shards a model over processes, and this one was started alone. Start it with: {LAUNCH} "
            f"(or torchrun), or choose a preset without it"
        )


def _check_optimizer(name: str) -> None:
    if name not in OPTIMIZERS:
        raise UsageError(f"there is no optimizer {name!r}; allowed: {', '.join(OPTIMIZERS)}")
    _need(OPTIMIZERS[name], f"optimizer={name}")


def _check_attention(name: str) -> None:
    if name not in ATTENTIONS and "/" not in name:
        raise UsageError(f"there is no attention {name!r}; allowed: {', '.join(ATTENTIONS)}, or a kernel's hub id")
    if "/" in name:
        _need("kernels", f"attention={name}")
    if name in FLASH and find_spec("kernels") is None:
        _need(FLASH[name], f"attention={name}")
    if name in FLASH or "/" in name:
        _need_gpu(f"attention={name}", "attention=auto")


def _need(module: str, setting: str) -> None:
    if find_spec(module) is None:
        package = PIP.get(module, module)
        raise UsageError(f"{setting} needs {package}, which is not installed. Install it with: pip install {package}")


def _need_gpu(setting: str, instead: str) -> None:
    if not torch.cuda.is_available():
        raise UsageError(f"{setting} needs a GPU, and torch sees none here; set {instead}")
