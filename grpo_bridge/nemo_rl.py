"""NeMo-RL's environments: a Ray actor that judges batches.

    from grpo_bridge.nemo_rl import register
    register("verify_math", "math")          then in the configuration: data.env_name: verify_math
    env: {verify_math: {options: {...}, deadline_s: 5}}

Settings of `GroupScorer` are the environment's configuration; `task` there wins. The reference is `ground_truth` of a
sample's metadata (`extra_env_info`), as NeMo-RL's own processors set it, or another usual name.

It takes no `None`: a sample that was not judged gets the mean of its prompt's group, and `judged` is in the metrics.

Read and run: NeMo-RL 7ea279a (August 2026), `environments/interfaces.py`, `environments/utils.py`. It is not on PyPI,
so the tests drive this class through the interface as it is written there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from grpo_bridge.decoded import without_endings
from grpo_bridge.doors import TASK_VARIABLE, as_plain, attribute_names, chosen_task, door
from grpo_bridge.per_batch import BatchScorer
from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import Scored
from verifiers.errors import UsageError
from verifiers.types import Sample, Text, text_of

_NOT_SETTINGS = ("num_workers", "stop_strings", "verifier_type", "math_verify_impl")
"""What NeMo-RL's own configurations of environments hold."""


class BatchEnvironment:
    """What the actor does, without Ray and torch.

    Args:
        cfg: The environment's configuration.
        task: Unless `cfg` names one.
    """

    def __init__(self, cfg: Mapping[str, Any] | None = None, task: AnyTask = "") -> None:
        given = {name: value for name, value in as_plain(cfg or {}).items() if name not in _NOT_SETTINGS}
        self._scorer = BatchScorer(chosen_task(given.pop("task", task)), **given)

    def judge(
        self, message_log_batch: Sequence[Sequence[Mapping[str, Any]]], metadata: Sequence[Any]
    ) -> tuple[list[float], list[Scored]]:
        """Return a number for each conversation, and how its last answer was judged."""
        samples = [self._sample(*pair) for pair in zip(message_log_batch, metadata, strict=True)]
        return self._scorer.score(samples)

    def _sample(self, log: Sequence[Mapping[str, Any]], metadata: Any) -> Sample:
        # A message also holds tensors of its tokens.
        chat = [{"role": str(each["role"]), "content": as_plain(each["content"])} for each in log]
        last = next((i for i in range(len(chat) - 1, -1, -1) if chat[i]["role"] == "assistant"), len(chat))
        prompt: Text = chat[:last]
        row = metadata if isinstance(metadata, Mapping) else {"reference": metadata}
        columns = {name: value for name, value in row.items() if name not in ("prompt", "completion")}
        answer = without_endings(text_of(chat[last:]))
        return self._scorer.scorer.samples([prompt], [answer], {name: [each] for name, each in columns.items()})[0]


def register(env_name: str, task: str = "") -> None:
    """Enter an environment into NeMo-RL's registries, with the Python that the trainer itself runs in.

    Args:
        env_name: What configurations name it.
        task: A teacher of the catalog; empty = that of the configuration (`task:`) or of GRPO_BRIDGE_TASK.

    Raises:
        UsageError: If it is none of the catalog.
    """
    attributes = {"": "VerifyEnvironment", **{teacher: name for name, teacher in attribute_names().items()}}
    if task not in attributes:
        raise UsageError(
            "register() takes a teacher of the catalog, as 'math'; a file or an address is named by the environment's "
            f"configuration (task: plan.yaml) or by {TASK_VARIABLE}"
        )
    path = f"{__name__}.{attributes[task]}"
    import_module("nemo_rl.environments.utils").register_env(env_name, path)
    registry = import_module("nemo_rl.distributed.ray_actor_environment_registry").ACTOR_ENVIRONMENT_REGISTRY
    registry[path] = import_module("nemo_rl.distributed.virtual_cluster").PY_EXECUTABLES.SYSTEM


def _actor(task: AnyTask) -> Any:
    """Make the Ray actor class; NeMo-RL asks for it by its path."""
    ray, torch = import_module("ray"), import_module("torch")
    interfaces = import_module("nemo_rl.environments.interfaces")
    base: Any = interfaces.EnvironmentInterface

    class VerifyEnvironment(base):  # type: ignore[misc]  # another package's class
        """One turn: the model answers, a teacher judges."""

        def __init__(self, cfg: Mapping[str, Any]) -> None:
            self._environment = BatchEnvironment(cfg, task)

        def step(self, message_log_batch: Any, metadata: Any, return_extracted_answer: bool = False) -> Any:
            rewards, scored = self._environment.judge(message_log_batch, metadata)
            told = [{"role": "environment", "content": f"Environment: {each.status}"} for each in scored]
            return interfaces.EnvironmentReturn(
                observations=told,
                metadata=[_noted(*pair) for pair in zip(metadata, scored, strict=True)],
                next_stop_strings=[None] * len(scored),
                rewards=torch.tensor(rewards, dtype=torch.float32),
                terminateds=torch.ones(len(scored)),
                answers=[each.answer for each in scored] if return_extracted_answer else None,
            )

        def global_post_process_and_metrics(self, batch: Any) -> tuple[Any, dict[str, float]]:
            infos = [each for each in batch.get("extra_env_info") or [] if isinstance(each, Mapping)]
            judged = [float(each["judged"]) for each in infos if "judged" in each]
            return batch, {"judged": sum(judged) / len(judged)} if judged else {}

    return ray.remote(VerifyEnvironment)


def _noted(metadata: Any, scored: Scored) -> Any:
    return {**metadata, "judged": scored.valid} if isinstance(metadata, Mapping) else metadata


__getattr__ = door(globals(), "grpo_bridge.nemo_rl", _actor, ("VerifyEnvironment",))
