"""slime's and miles' custom reward path, without a file of one's own.

    --custom-rm-path grpo_bridge.slime.math                    one sample at a time, coalesced
    --custom-rm-path grpo_bridge.slime.math --group-rm         a group at a time
    GRPO_BRIDGE_TASK=plan.yaml ... --custom-rm-path grpo_bridge.slime.reward

From another machine: `--rm-type remote_rm --rm-url http://scorers:8000/slime` with `verify serve`.

A sample that was not judged gets its group's mean as reward, and `remove_sample`, by which slime leaves it out of the
loss. With `--reward-key K` or `--eval-reward-key K` the reward is a dict: K, and `judged`.

Read and run: slime 624b824 (August 2026), `rollout/rm_hub/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeAlias

from grpo_bridge.doors import chosen_task, door
from grpo_bridge.per_batch import kept_batches
from grpo_bridge.per_sample import kept, number
from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import Scored
from verifiers.types import Sample

Reward: TypeAlias = "float | dict[str, float]"

_SINGLE = frozenset({"group_size", "patience_s", "max_batch", "linger_s"})


def reward_function(task: AnyTask, **settings: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Make a function `custom_rm(args, sample)` or `custom_rm(args, samples)`.

    Args:
        task: See `GroupScorer`.
        **settings: See `SampleScorer`.
    """

    async def custom_rm(args: Any, given: Any, **_others: Any) -> Reward | list[Reward]:
        if isinstance(given, list):
            return await _group(chosen_task(task), settings, args, given)
        group_size = getattr(args, "n_samples_per_prompt", None)
        scorer = kept(chosen_task(task), **{"group_size": group_size, **settings})
        scored = await scorer.ascore(_sample(given))
        return _reward(args, given, number(scored), scored)

    return custom_rm


async def _group(task: AnyTask, settings: dict[str, Any], args: Any, given: list[Any]) -> list[Reward]:
    import asyncio

    shared = {name: value for name, value in settings.items() if name not in _SINGLE}
    rewards, scored = await asyncio.to_thread(kept_batches(task, **shared).score, [_sample(each) for each in given])
    return [_reward(args, *row) for row in zip(given, rewards, scored, strict=True)]


def _sample(given: Any) -> Sample:
    meta = given.metadata if isinstance(given.metadata, dict) else {}
    made = Sample(given.response, given.prompt or "", given.label, meta)
    return made if given.group_index is None else replace(made, group=given.group_index)


def _reward(args: Any, given: Any, reward: float, scored: Scored) -> Reward:
    if not scored.valid:
        given.remove_sample = True
    keys = [key for name in ("reward_key", "eval_reward_key") if (key := getattr(args, name, None))]
    return {**dict.fromkeys(keys, reward), "judged": float(scored.valid)} if keys else reward


__getattr__ = door(globals(), "grpo_bridge.slime", reward_function, ("reward",))
