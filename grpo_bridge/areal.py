"""AReaL's reward function, by its dotted path.

    RLVRWorkflow(reward_fn="grpo_bridge.areal.math", ...)
    RLVRWorkflow(reward_fn=grpo_bridge.areal.RewardFunction("plan.yaml", deadline_s=3), ...)

AReaL calls with one sample at a time, in a pool of processes, with 15 s and 4 tries, and takes a timeout for 0. So the
deadlines are ours and shorter, and nothing waits. It takes no `None`: a sample that was not judged gets the mean of its
prompt as far as its process knows it, else of what was judged lately; where a process has judged nothing yet, the error
goes to AReaL, which asks again.

Read and run: AReaL 1.0.4, `api/reward_api.py`, `workflow/rlvr.py`. The completion comes with its special tokens.
"""

from __future__ import annotations

from typing import Any

from grpo_bridge.decoded import without_endings
from grpo_bridge.doors import chosen_task, door
from grpo_bridge.per_sample import kept, number
from grpo_bridge.routes import AnyTask

DEADLINE_S = 8.0
"""For one sample in a worker, unless `deadline_s` says otherwise: with the start of a worker within AReaL's 15 s."""


class RewardFunction:
    """A reward function for AReaL. Picklable.

    Args:
        task: See `GroupScorer`.
        **settings: See `SampleScorer`.
    """

    def __init__(self, task: AnyTask, **settings: Any) -> None:
        self._task = task
        # One call at a time comes to a process: there is nothing to gather, and nobody to wait for.
        self._settings = {"num_proc": 1, "linger_s": 0.0, "patience_s": 0.0, "deadline_s": DEADLINE_S, **settings}

    def __call__(
        self, prompt: Any, completions: str, prompt_ids: Any = None, completion_ids: Any = None, **data: Any
    ) -> float:
        """Judge one completion; the reference is found among the row's columns."""
        scorer = kept(chosen_task(self._task), **self._settings)
        row = {name: value for name, value in data.items() if name not in ("prompt", "completion")}
        return number(scorer.score(scorer.sample(prompt or "", without_endings(completions), row)))


__getattr__ = door(globals(), "grpo_bridge.areal", RewardFunction, ("reward_fn",))
