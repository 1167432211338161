"""A run of TRL's GRPOTrainer on two ranks, for torchrun: prints what rank 0 knows as one line of JSON.

Arguments: the output folder, samples of each rank, samples of a group, the policy for failures.
"""

import json
import sys
from pathlib import Path

import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer
from trl_runs import QUIET

from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer
from grpo_bridge.trl import trl_reward

TEACHER = f"{Path(__file__).with_name('chaos_teacher.py')}:chaos"


def main() -> None:
    folder, local, group, policy = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    tokenizer = tiny_tokenizer(["0123456789+= "])
    reward = trl_reward(TEACHER, on_failure=policy, max_not_judged=None, deadline_s=0.3)
    gathers = []
    original = torch.distributed.all_gather_object

    def counted(slices: list[object], value: object, *rest: object) -> None:
        if isinstance(value, tuple) and len(value) == 3:  # what grpo_bridge.distributed sends
            gathers.append(len(value[0]))
        original(slices, value, *rest)

    torch.distributed.all_gather_object = counted
    arguments = GRPOConfig(
        output_dir=folder,
        per_device_train_batch_size=local,
        num_generations=group,
        max_completion_length=3,
        max_steps=2,
        logging_steps=1,
        **QUIET,
    )
    trainer = GRPOTrainer(
        model=tiny_model(tokenizer),
        reward_funcs=reward,
        args=arguments,
        train_dataset=Dataset.from_dict({"prompt": [f"{i}+{i}=" for i in range(8)]}),
        processing_class=tokenizer,
        callbacks=[reward.watch(report="")],
    )
    trainer.train()
    if trainer.accelerator.is_main_process:
        logs = trainer._logs
        told = {
            "gathers": gathers,
            "completions": list(logs["completion"]),
            "rewards": [None if value != value else value for value in logs["rewards"]["chaos"]],
            "statuses": list(logs["extra"]["chaos_status"]),
            "history": [entry for entry in trainer.state.log_history if "rewards/chaos/valid" in entry],
        }
        Path(folder, "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main()
