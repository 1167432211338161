"""OpenRLHF's reward function file: this file is one.

    GRPO_BRIDGE_TASK=math python -m openrlhf.cli.train_ppo_ray --reward.remote_url $(python -m grpo_bridge.openrlhf) ...

(`--remote_rm_url` in older versions.) From another machine: `--reward.remote_url http://scorers:8000/openrlhf` with
`verify serve`; `answer` is the same contract for a server of one's own. Settings beyond the task: a YAML file as task,
or a file of one's own with `reward_func = grpo_bridge.openrlhf.reward_function("math", group_size=8, ...)`.

OpenRLHF calls with one sample at a time, in threads: they are coalesced. It takes no `None`, swallows errors and fails
later; so a sample that was not judged gets its group's mean, and `judged` = 0 in the logs.

Read and run: OpenRLHF 0.11.2, `utils/agent.py`. The query holds prompt, completion and special tokens; the completion
is cut out of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from grpo_bridge.decoded import completion_of, without_endings
from grpo_bridge.doors import TASK_VARIABLE, chosen_task, door
from grpo_bridge.per_sample import SampleScorer, kept, number
from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import Scored
from verifiers.errors import UsageError
from verifiers.types import Sample

PATIENCE_S = 5.0
"""How long a sample that was not judged waits for its group: it holds one of the few threads of OpenRLHF's loop."""


MAX_THREADS = 64
"""For a call with several samples, which meet in one batch."""


def reward_function(task: AnyTask, **settings: Any) -> Callable[..., dict[str, Any]]:
    """Make a function `reward_func(queries, prompts, labels)`, which returns tensors.

    Args:
        task: See `GroupScorer`.
        **settings: See `SampleScorer`.
    """

    def reward_func(
        queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any] | None = None, **_others: Any
    ) -> dict[str, Any]:
        tensor = import_module("torch").tensor  # whoever trains has it
        found = _judged(_scorer(task, settings), queries, prompts, labels)
        rewards = [number(each) for each in found]
        judged = [float(each.valid) for each in found]
        return {"rewards": tensor(rewards), "scores": tensor(rewards), "extra_logs": {"judged": tensor(judged)}}

    return reward_func


def answer(payload: Mapping[str, Any], task: AnyTask = "", **settings: Any) -> dict[str, Any]:
    """Answer what OpenRLHF posts to a reward server, `{"query": [...], "prompts": [...], "labels": [...]}`.

    Args:
        payload: The request's body.
        task: See `GroupScorer`; empty = that of GRPO_BRIDGE_TASK.
        **settings: See `SampleScorer`.

    Raises:
        UsageError: If the payload is not such a body.
        RewardError: As of `SampleScorer.score`: answer 503, and OpenRLHF asks again.
    """
    queries = payload.get("query")
    if not isinstance(queries, list) or not all(isinstance(each, str) for each in queries):
        raise UsageError(
            'OpenRLHF posts {"query": [texts], "prompts": [texts], "labels": [...]}; "query" is no such list'
        )
    found = _judged(
        _scorer(task, settings), queries, payload.get("prompts") or [""] * len(queries), payload.get("labels")
    )
    rewards = [number(each) for each in found]
    return {"rewards": rewards, "scores": rewards, "extra_logs": {"judged": [float(each.valid) for each in found]}}


def _scorer(task: AnyTask, settings: Mapping[str, Any]) -> SampleScorer:
    named = os.environ.get(TASK_VARIABLE, "") if task == "" else task
    return kept(chosen_task(named), **{"patience_s": PATIENCE_S, **settings})


def _judged(
    scorer: SampleScorer, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any] | None
) -> list[Scored]:
    labels = [None] * len(queries) if labels is None else labels
    if not len(queries) == len(prompts) == len(labels):
        raise UsageError(f"{len(queries)} queries, {len(prompts)} prompts and {len(labels)} labels: give one for each")
    samples = [_sample(*row) for row in zip(queries, prompts, labels, strict=True)]
    if len(samples) == 1:
        return [scorer.score(samples[0])]
    with ThreadPoolExecutor(min(len(samples), MAX_THREADS) or 1) as threads:
        return list(threads.map(scorer.score, samples))


def _sample(query: str, prompt: str, label: Any) -> Sample:
    completion = completion_of(query, prompt)
    return Sample(without_endings(query if completion is None else completion), prompt, label)


__getattr__ = door(globals(), "grpo_bridge.openrlhf", reward_function, ("reward_func",))

if __name__ == "__main__":
    print(__file__)
