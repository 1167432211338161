"""EasyR1's reward function file: this file is one.

    worker.reward.reward_function=$(python -m grpo_bridge.easyr1):math
    worker.reward.reward_function=$(python -m grpo_bridge.easyr1):main with reward_function_kwargs: {task: plan.yaml}

EasyR1 calls with all samples of a step, without their prompts. A sample that was not judged gets the mean of its group:
of the `group_size` neighbours if `reward_function_kwargs` says how many these are (`worker.rollout.n`), else of the
neighbours with the same reference.

Read and run: EasyR1 b44b311 (July 2026), `verl/workers/reward/function.py`. It is not on PyPI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grpo_bridge.doors import as_plain, chosen_task, door
from grpo_bridge.per_batch import kept_batches
from grpo_bridge.routes import AnyTask
from verifiers.errors import UsageError
from verifiers.types import Sample

REWARD_NAME = "grpo-teachers"
REWARD_TYPE = "batch"


def reward_function(task: AnyTask, **settings: Any) -> Callable[..., list[dict[str, float]]]:
    """Make a function `main(reward_inputs)` of type `batch`.

    Args:
        task: See `GroupScorer`.
        **settings: See `GroupScorer`; and `group_size`. EasyR1's `reward_function_kwargs` win over them.
    """

    def main(reward_inputs: Sequence[Mapping[str, Any]], **kwargs: Any) -> list[dict[str, float]]:
        chosen = {"task": task, **settings, **{name: as_plain(value) for name, value in kwargs.items()}}
        group_size = chosen.pop("group_size", None)
        scorer = kept_batches(chosen_task(chosen.pop("task")), **chosen)
        samples = [Sample(each["response"], "", as_plain(each.get("ground_truth"))) for each in reward_inputs]
        rewards, scored = scorer.score(samples, _neighbours(samples, group_size))
        return [
            {"overall": reward, "accuracy": float(each.status == "correct"), "judged": float(each.valid)}
            for reward, each in zip(rewards, scored, strict=True)
        ]

    return main


def _neighbours(samples: Sequence[Sample], group_size: int | None) -> list[int]:
    """Return the number of each sample's group."""
    if group_size is not None:
        if not isinstance(group_size, int) or group_size < 1:
            raise UsageError(f"group_size is 1 or more (worker.rollout.n), not {group_size!r}")
        return [index // group_size for index in range(len(samples))]
    keys: list[int] = []
    for index, sample in enumerate(samples):
        is_new = index > 0 and sample.reference != samples[index - 1].reference
        keys.append(keys[-1] + is_new if keys else 0)
    return keys


__getattr__ = door(globals(), "grpo_bridge.easyr1", reward_function, ("main", "compute_score"))

if __name__ == "__main__":
    print(__file__)
