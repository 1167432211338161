"""SkyRL's environments: one turn, judged by a teacher.

    from skyrl_gym.envs import register
    register(id="verify_math", entry_point="grpo_bridge.skyrl:math")      then environment.env_class=verify_math
    register(id="verify", entry_point="grpo_bridge.skyrl:VerifyEnv", kwargs={"task": "plan.yaml"})

Settings of `SampleScorer` are given as `kwargs` of `register`, or in the environment's configuration. The reference is
`reward_spec.ground_truth`, as in SkyRL's own data sets, or another column with a usual name.

SkyRL calls `step` in threads, one for each sample: calls are coalesced. It takes no `None`: what was not judged gets
the mean of its prompt's group, and `judged` = 0 in the environment's metrics.

Read and run: skyrl-gym 0.4.0, `envs/base_text_env.py`, `envs/registration.py`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from grpo_bridge.decoded import without_endings
from grpo_bridge.doors import as_plain, chosen_task, door
from grpo_bridge.per_sample import kept, number
from grpo_bridge.routes import AnyTask
from verifiers.types import Sample, Text

PATIENCE_S = 5.0
"""How long a sample that was not judged waits for its group: it holds a thread of SkyRL's."""


def environment(task: AnyTask, **settings: Any) -> type[Any]:
    """Make an environment class for SkyRL.

    Args:
        task: See `GroupScorer`.
        **settings: See `SampleScorer`; the environment's configuration wins over them.
    """
    base: Any = import_module("skyrl_gym.envs.base_text_env").BaseTextEnv

    class VerifyEnv(base):  # type: ignore[misc]  # another package's class
        """One turn: the model answers, a teacher judges."""

        def __init__(self, env_config: Any = None, extras: Any = None, **kwargs: Any) -> None:
            super().__init__()
            chosen = {"task": task, "patience_s": PATIENCE_S, **settings, **as_plain(env_config or {}), **kwargs}
            self._scorer = kept(chosen_task(chosen.pop("task")), **chosen)
            self._row = dict(extras or {})
            self._prompt: Text = ""
            self._metrics: dict[str, float] = {}

        def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
            self._prompt = prompt
            return prompt, {}

        def step(self, action: str) -> dict[str, Any]:
            """Judge the answer; the episode is over."""
            self.turns += 1
            scored = self._scorer.score(self._sample(action))
            self._metrics = {"judged": float(scored.valid), "correct": float(scored.status == "correct")}
            metadata = {"status": str(scored.status), "reason": scored.reason, "answer": scored.answer}
            return {"observations": [], "reward": number(scored), "done": True, "metadata": metadata}

        def get_metrics(self) -> dict[str, Any]:
            return dict(self._metrics)

        def _sample(self, action: str) -> Sample:
            row = dict(self._row)
            spec = row.pop("reward_spec", None)
            if spec is not None and "ground_truth" in spec:
                row["reference"] = as_plain(spec["ground_truth"])
            return self._scorer.sample(self._prompt, without_endings(action), row)

    return VerifyEnv


__getattr__ = door(globals(), "grpo_bridge.skyrl", environment, ("VerifyEnv",))
