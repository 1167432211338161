"""Tinker's cookbook: groups of environments whose rewards come from a teacher, all samples of a group at once.

    builder = VerifyGroupBuilder(renderer, question="1/2 + 1/3 = ?", reference="5/6", num_envs=8, task="math")

It is an `EnvGroupBuilder` like any other: an `RLDataset` returns lists of them. `group_rewards` is the same for
builders of one's own, whose `compute_group_rewards` has the completions as text.

The cookbook takes no `None`: a sample that was not judged gets its group's mean, and `judged` = 0 in the metrics. Where
nothing of a group was judged all its rewards are equal, and the cookbook drops the group.

Read and run: tinker-cookbook 0.6.1, `rl/types.py`, `rl/problem_env.py`, `rl/rollouts.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from grpo_bridge.per_batch import BatchScorer, kept_batches
from grpo_bridge.routes import AnyTask
from verifiers.types import Json, Sample, Text

GROUP = "group"
"""All samples of a call are one group."""


async def group_rewards(
    scorer: BatchScorer,
    completions: Sequence[Text],
    reference: Json = None,
    prompt: Text = "",
    meta: Mapping[str, Json] | None = None,
) -> list[tuple[float, dict[str, float]]]:
    """Return what `compute_group_rewards` returns: reward and metrics of each completion of one prompt."""
    samples = [Sample(each, prompt, reference, meta or {}, GROUP) for each in completions]
    rewards, scored = await asyncio.to_thread(scorer.score, samples)
    return [
        (reward, {"judged": float(each.valid), "correct": float(each.status == "correct")})
        for reward, each in zip(rewards, scored, strict=True)
    ]


def _classes() -> dict[str, type[Any]]:
    """Make the classes, which need those of the cookbook."""
    tinker: Any = import_module("tinker")
    types: Any = import_module("tinker_cookbook.rl.types")
    renderers: Any = import_module("tinker_cookbook.renderers")

    class VerifyEnv(types.Env):  # type: ignore[misc]  # another package's class
        """One question; it keeps the answer, which the group's builder judges."""

        def __init__(self, renderer: Any, chat: Sequence[Mapping[str, Any]]) -> None:
            self._renderer, self._chat = renderer, chat
            self.completion: str | None = None

        async def initial_observation(self) -> tuple[Any, Any]:
            return self._renderer.build_generation_prompt(list(self._chat)), self._renderer.get_stop_sequences()

        async def step(self, action: list[int], *, extra: Any = None) -> Any:
            message, _termination = self._renderer.parse_response(action)
            self.completion = renderers.get_text_content(message)
            stop = self._renderer.get_stop_sequences()
            return types.StepResult(0.0, True, tinker.ModelInput.empty(), stop)

    class VerifyGroupBuilder(types.EnvGroupBuilder):  # type: ignore[misc]  # another package's class
        """Builds `num_envs` environments with one question. Picklable.

        Args:
            renderer: The cookbook's.
            question: What the model is asked.
            reference: What the teacher needs.
            num_envs: Samples of the group.
            task: See `GroupScorer`.
            convo_prefix: Messages before the question.
            meta: Other columns of the row.
            **settings: See `GroupScorer`.
        """

        def __init__(
            self,
            renderer: Any,
            question: str,
            reference: Json,
            num_envs: int,
            task: AnyTask = "math",
            convo_prefix: Sequence[Mapping[str, Any]] = (),
            meta: Mapping[str, Json] | None = None,
            **settings: Any,
        ) -> None:
            self._renderer, self._reference, self._num_envs = renderer, reference, num_envs
            self._chat = [*convo_prefix, {"role": "user", "content": question}]
            self._task, self._meta, self._settings = task, meta, settings

        async def make_envs(self) -> list[Any]:
            return [VerifyEnv(self._renderer, self._chat) for _ in range(self._num_envs)]

        async def compute_group_rewards(self, trajectory_group: Any, env_group: Any) -> list[tuple[float, Any]]:
            completions = [env.completion or "" for env in env_group]
            scorer = kept_batches(self._task, **self._settings)
            return await group_rewards(scorer, completions, self._reference, self._chat, self._meta)

        def logging_tags(self) -> list[str]:
            names = dict.fromkeys(kept_batches(self._task, **self._settings).scorer.teachers.values())
            return ["+".join(names)]  # not the task, which may be an address with a token in it

    return {"VerifyEnv": VerifyEnv, "VerifyGroupBuilder": VerifyGroupBuilder}


def __getattr__(name: str) -> Any:
    """Make the classes on first use, under names by which they pickle."""
    if name not in ("VerifyEnv", "VerifyGroupBuilder"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for made, kind in _classes().items():
        kind.__qualname__ = made
        globals().setdefault(made, kind)
    return globals()[name]
