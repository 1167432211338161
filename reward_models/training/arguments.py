"""Our settings as `transformers.TrainingArguments`."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from reward_models.evaluation.quality import RANK_QUALITY
from reward_models.training.building import computes_in_bfloat16
from reward_models.training.checkpoints import FOLDER
from reward_models.training.processes import world
from reward_models.training.settings import Settings

LOG_TIMES = 200
"""Most lines of the training log."""
LIGER = {"cross_entropy": False, "fused_linear_cross_entropy": False}
"""Kernels that are left out: they replace the model's forward by one that ends in a language model's head."""


def training_arguments(settings: Settings, output: Path, steps: int, evaluates: bool) -> TrainingArguments:
    """Return what the Trainer is told.

    Args:
        settings: Of the run.
        output: The run's folder; checkpoints go to one inside it.
        steps: Updates in all.
        evaluates: Whether there is a validation set.
    """
    every = max(1, round(steps / max(1.0, settings.epochs * settings.evaluations_per_epoch)))
    return TrainingArguments(
        output_dir=str(output / FOLDER),
        num_train_epochs=1,  # Of the chain, which has all of ours.
        per_device_train_batch_size=1,
        learning_rate=settings.learning_rate,
        warmup_steps=round(settings.warmup * steps),
        weight_decay=settings.weight_decay,
        max_grad_norm=settings.max_grad_norm,
        optim=settings.optimizer,
        seed=settings.seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=computes_in_bfloat16(settings),
        **_checkpointing(settings),
        use_liger_kernel=settings.liger,
        liger_kernel_config=LIGER,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=every,
        eval_on_start=evaluates,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=settings.keep_checkpoints,
        load_best_model_at_end=evaluates,
        metric_for_best_model=_figure(settings) if evaluates else None,
        greater_is_better=True if evaluates else None,
        restore_callback_states_from_checkpoint=True,
        logging_steps=max(1, steps // LOG_TIMES),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
        **_parallel(settings),
    )


def _checkpointing(settings: Settings) -> dict[str, Any]:
    """Return how activations are recomputed, under the name that this version of transformers has for it."""
    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    return {name: True, f"{name}_kwargs": {"use_reentrant": False}} if settings.checkpointing else {}


def _figure(settings: Settings) -> str:
    return RANK_QUALITY if settings.select == "auto" else settings.select


def _parallel(settings: Settings) -> dict[str, Any]:
    if settings.deepspeed:
        return {"deepspeed": settings.deepspeed}
    if not settings.fsdp:
        return {}
    config: dict[str, Any] = {"reshard_after_forward": settings.fsdp != "shard_grad_op"}
    if settings.fsdp_wrap:
        config["transformer_layer_cls_to_wrap"] = settings.fsdp_wrap.split(",")
    found: dict[str, Any] = {"fsdp": True, "fsdp_config": config}
    if settings.fsdp == "hybrid_shard":
        found["parallelism_config"] = _shards_inside_a_machine()
    return found


def _shards_inside_a_machine() -> Any:
    """Return a mesh that shards over the GPUs of a machine, and copies between machines."""
    from accelerate import ParallelismConfig

    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return ParallelismConfig(dp_replicate_size=world() // local, dp_shard_size=local)
