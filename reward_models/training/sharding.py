"""What sharded training must be told: FSDP2 what to compute in which dtype, DeepSpeed to write whole weights.

accelerate's own policy for FSDP2 casts weights, sums of gradients and outputs alike: the head's too, and scores of
10.0 +- 0.3 tie.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from reward_models.models.pooled import final_layer
from verifiers.errors import UsageError

GATHER = "stage3_gather_16bit_weights_on_model_save"


def shard_head(accelerator: Any, net: Any, in_bfloat16: bool) -> None:
    """Shard the head by itself, before accelerate shards what is left, and tell accelerate in what to compute.

    Args:
        accelerator: With FSDP2.
        net: The model, not yet prepared.
        in_bfloat16: Whether a float32 body is computed in bfloat16.
    """
    if in_bfloat16:
        # Outputs stay as they are: float32 between layers would double what is kept for the backward pass.
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
        accelerator.state.fsdp_plugin.mixed_precision_policy = policy
    mesh, stock = accelerator.torch_device_mesh, net.get_base_model() if hasattr(net, "get_base_model") else net
    if mesh is not None:
        mesh = mesh[tuple(accelerator.parallelism_config.fsdp_dim_names)]
    fully_shard(final_layer(stock), mesh=mesh, mp_policy=MixedPrecisionPolicy(cast_forward_inputs=False))


def check_deepspeed(path: str) -> None:
    """Refuse a DeepSpeed configuration whose checkpoints nobody could read the weights of, before hours are spent.

    Args:
        path: Of the file.

    Raises:
        UsageError: If it cannot be read, or shards the weights (ZeRO stage 3) and does not gather them to be saved.
    """
    try:
        zero = json.loads(Path(path).read_text(encoding="utf-8")).get("zero_optimization", {})
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"deepspeed = {path}: no DeepSpeed configuration can be read from it ({error})") from error
    if zero.get("stage") == 3 and zero.get(GATHER) is not True:
        raise UsageError(
            f"{path} shards the weights (ZeRO stage 3) and does not gather them for checkpoints, of which the model is "
            f'made in the end: set "{GATHER}": true under "zero_optimization"'
        )
