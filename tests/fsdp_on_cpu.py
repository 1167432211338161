"""A training run under FSDP2 where there is no GPU; torchrun starts it with a JSON of files, base, output, settings.

accelerate shards on GPUs only, though torch does it on CPUs too: it is told so here, and nothing else is changed. The
first process ends with a JSON line of what was seen in training.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from rm_train import request
from torch.distributed.tensor import DTensor

from reward_models.models.pooled import Fp32Linear
from reward_models.training.run import train
from reward_models.training.trainer import RewardTrainer

seen: dict[str, str] = {}
_init, _head, _clip = AcceleratorState.__init__, Fp32Linear.forward, RewardTrainer._clip_grad_norm


def shard_on_cpus(state: Any, *inputs: Any, **named: Any) -> None:
    _init(state, *inputs, **named)
    plugin = named.get("fsdp_plugin")
    if plugin is not None and state.distributed_type == DistributedType.MULTI_CPU:
        PartialState._shared_state["distributed_type"] = state.distributed_type = DistributedType.FSDP
        state.fsdp_plugin = plugin
        if state._mixed_precision != "no":
            plugin.set_mixed_precision(state._mixed_precision)


def head(layer: Any, features: Any) -> Any:
    outputs = _head(layer, features)
    if layer.training:
        seen.update(features=str(features.dtype), head=str(layer.weight.dtype), outputs=str(outputs.dtype))
    return outputs


def clip(trainer: RewardTrainer, model: Any) -> Any:
    learned = [parameter for parameter in trainer.model.parameters() if parameter.requires_grad]
    seen["sharded"] = str({isinstance(parameter, DTensor) for parameter in learned})
    seen["gradients"] = str({str(parameter.grad.dtype) for parameter in learned})
    return _clip(trainer, model)


AcceleratorState.__init__, Fp32Linear.forward, RewardTrainer._clip_grad_norm = shard_on_cpus, head, clip

if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    # As many machines as that makes of all processes; for hybrid_shard.
    os.environ["LOCAL_WORLD_SIZE"] = str(asked.get("local", os.environ["LOCAL_WORLD_SIZE"]))
    what = request(Path(asked["files"]), asked["base"], Path(asked["output"]), **asked["settings"])
    what = replace(what, resume=bool(asked.get("resume")))
    if train(what, lambda line: print(line, flush=True)):
        print(json.dumps(seen))
    torch.distributed.destroy_process_group()
