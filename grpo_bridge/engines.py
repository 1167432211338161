"""Engines beyond this process: a task that names one is judged there, and every trainer's adapter can use it.

trl_reward("http://scorers:8000")            a server that `verify serve` runs
trl_reward(RayPool("math", actors=8))        actors of a Ray cluster
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from verifiers.types import Sample, Verdict

URL_STARTS = ("http://", "https://")


class Named(Protocol):
    """Who judges, by name."""

    @property
    def name(self) -> str:
        """For logs and metrics."""


class Engine(Protocol):
    """What routes need of an engine; `verifiers.engine.Scorer` is the one in this process."""

    @property
    def teacher(self) -> Named:
        """Who judges."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields of a sample that are looked at."""

    def score(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge samples: one verdict each, in order; never raises for what a sample holds."""

    def quick(self, sample: Sample | Verdict) -> Verdict | None:
        """Judge at once, or not at all."""

    def settle(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge what `quick` left open."""


@runtime_checkable
class Elsewhere(Protocol):
    """A task that brings its own engine. Picklable."""

    def open_engine(self, options: Mapping[str, Any], deadline_s: float | None) -> Engine:
        """Return the engine; nothing is started before it judges."""


def engine_of(task: object, options: Mapping[str, Any], deadline_s: float | None) -> Engine | None:
    """Return the engine that a task names; `None` = it names a teacher for this process.

    Raises:
        UsageError: If an option is not allowed.
    """
    if isinstance(task, str) and task.startswith(URL_STARTS):
        from grpo_bridge.remote import RemoteEngine  # only for servers

        return RemoteEngine(task, deadline_s=deadline_s, **options)
    return task.open_engine(options, deadline_s) if isinstance(task, Elsewhere) else None
