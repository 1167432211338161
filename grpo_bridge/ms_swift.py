"""ms-swift's plugin: reward functions `verify_math`, `verify_code`, ... for `swift rlhf --rlhf_type grpo`.

    --external_plugins $(python -m grpo_bridge.ms_swift) --reward_funcs verify_math
    GRPO_BRIDGE_TASK=plan.yaml ... --reward_funcs verify

Or in a plugin of one's own: `orms["mine"] = reward_class("plan.yaml", on_failure="raise")`.

ms-swift counts a sample without any reward as 0, so a sample that was not judged gets its group's mean.

Read and run: ms-swift 4.6.0, `rl_core/grpo_algorithm.py` (`compute_rewards_per_func`), `rewards/orm.py`.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from grpo_bridge.doors import TASK_VARIABLE, attribute_names, chosen_task
from grpo_bridge.per_batch import BatchScorer
from grpo_bridge.routes import AnyTask
from verifiers.types import Text

PREFIX = "verify"
PLUGIN = Path(__file__).parent / "plugins" / "verify_ms_swift.py"
"""In a folder of its own: ms-swift puts a plugin's folder on the path, where ours would hide its packages (`trl`)."""


class TeacherReward:
    """Base of the classes that `reward_class` makes; ms-swift builds them with its arguments."""

    task: AnyTask = ""
    settings: Mapping[str, Any] = {}

    def __init__(self, args: Any = None, **_others: Any) -> None:
        self.args = args
        self._scorer = BatchScorer(chosen_task(self.task), **self.settings)

    def __call__(self, completions: Sequence[str], **columns: Any) -> list[float]:
        """Judge a step's completions; the reference is found among the data set's columns by its usual names."""
        prompts = _prompts(columns.get("messages"), len(completions))
        rows = {name: values for name, values in columns.items() if name not in ("messages", "trainer_state")}
        rows = {name: values for name, values in rows.items() if isinstance(values, list)}
        samples = self._scorer.scorer.samples(prompts, list(completions), rows)
        return self._scorer.score(samples, _groups(columns, prompts))[0]


def reward_class(task: AnyTask, name: str = "", **settings: Any) -> type[TeacherReward]:
    """Make a class for `orms`.

    Args:
        task: See `GroupScorer`; empty = that of GRPO_BRIDGE_TASK when it is built.
        name: What the trainer logs it as; empty = the task.
        **settings: See `GroupScorer`.
    """
    shown = name or (task if isinstance(task, str) and task.isidentifier() else "Verify")
    return type(shown, (TeacherReward,), {"task": task, "settings": settings})


def register(orms: MutableMapping[str, Any]) -> None:
    """Enter a class for each teacher of the catalog, as `verify_math`, and `verify` for GRPO_BRIDGE_TASK."""
    for name, task in attribute_names().items():
        orms[f"{PREFIX}_{name}"] = reward_class(task, f"{PREFIX}_{name}")
    orms[PREFIX] = reward_class(os.environ.get(TASK_VARIABLE, ""), PREFIX)


def _prompts(messages: Any, count: int) -> list[Text]:
    """Return the chats without the completion at their end."""
    if not isinstance(messages, list) or len(messages) != count:
        return [""] * count
    return [chat[:-1] if chat and chat[-1].get("role") == "assistant" else chat for chat in messages]


def _groups(columns: Mapping[str, Any], prompts: Sequence[Text]) -> list[Hashable]:
    """Return what the samples of a group share: ms-swift's own name for the prompt, or the prompt."""
    ids = columns.get("prompt_id")
    return list(ids) if isinstance(ids, list) and len(ids) == len(prompts) else [repr(each) for each in prompts]


if __name__ == "__main__":
    print(PLUGIN)
