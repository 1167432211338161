"""verl's custom reward function, without a file of one's own.

    reward.custom_reward_function.path=pkg://grpo_bridge.verl  reward.custom_reward_function.name=math
    reward.custom_reward_function.name=compute_score  +reward.custom_reward_function.reward_kwargs.task=plan.yaml

Older versions: `custom_reward_function.path=... custom_reward_function.name=...`. Settings of `SampleScorer` are given
as `reward_kwargs` (`options`, `route_by`, `on_failure`, `group_size`, `deadline_s`, ...).

verl asks for one sample at a time, from several reward workers, while completions are still generated; each worker's
calls are coalesced. It takes no `None`: a sample that was not judged gets the mean of its group as far as its worker
knows it (`extra_info.index` names the prompt), else of what was judged lately, and `judged` = 0 in the logs. With
`reward.num_workers=1` and `group_size` = `rollout.n` it is the whole group's.

Read and run: verl 0.9.1, `experimental/reward_loop`, managers naive, dapo, gdpo. Not for `rate_limited`, which turns
errors into 0.0.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from grpo_bridge.doors import as_plain, chosen_task, door
from grpo_bridge.per_sample import kept, number
from grpo_bridge.routes import AnyTask
from verifiers.types import Sample

ComputeScore: TypeAlias = "Callable[..., Coroutine[Any, Any, dict[str, float | str]]]"

_VERLS_OWN = ("num_turns", "rollout_reward_scores", "experiment_name", "reward_router_address")
"""What verl adds to `extra_info`; another value in each sample would hide equal work."""
_PROMPTS = ("prompt", "question", "problem", "query")
_NOT_SETTINGS = ("reward_router_address", "reward_model_tokenizer")


def reward_function(task: AnyTask, **settings: Any) -> ComputeScore:
    """Make a function `compute_score` for verl: a plain coroutine function, for verl looks whether it is one.

    Args:
        task: See `GroupScorer`.
        **settings: See `SampleScorer`; `reward_kwargs` of verl's configuration win over them.
    """

    async def compute_score(
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        **reward_kwargs: Any,
    ) -> dict[str, float | str]:
        given = {name: as_plain(value) for name, value in reward_kwargs.items() if name not in _NOT_SETTINGS}
        chosen = {"task": task, **settings, **given}
        scorer = kept(chosen_task(chosen.pop("task")), **chosen)
        scored = await scorer.ascore(_sample(data_source, solution_str, ground_truth, extra_info or {}))
        # verl stacks these by the first sample's keys: always the same ones, of the same types.
        return {
            "score": number(scored),
            "acc": float(scored.status == "correct"),
            "judged": float(scored.valid),
            "pred": scored.answer or "",
        }

    return compute_score


def _sample(data_source: str, completion: str, reference: Any, extra_info: Mapping[str, Any]) -> Sample:
    meta = {name: value for name, value in extra_info.items() if name not in _VERLS_OWN}
    prompt = next((text for name in _PROMPTS if isinstance(text := meta.get(name), str)), "")
    row = meta.get("index")
    group = f"{data_source}/{meta.get('split', '')}/{row}" if row is not None else f"{data_source}/{reference!r}"
    return Sample(completion, prompt, as_plain(reference), {**meta, "data_source": data_source}, group)


def _make(task: AnyTask) -> ComputeScore:
    return reward_function(task)


__getattr__ = door(globals(), "grpo_bridge.verl", _make, ("compute_score",))
