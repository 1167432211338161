"""FSDP2 as a reward model wants it: the body in bfloat16, gradients summed in float32, the head in float32 throughout.

accelerate's own policy casts weights, sums and outputs alike: the head's too, and scores of 10.0 +- 0.3 tie.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from reward_models.models.pooled import final_layer


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
