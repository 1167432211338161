"""Which teacher judges which sample: one for all, or one for each value of a column."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from grpo_bridge.engines import URL_STARTS, Elsewhere, Engine, engine_of
from verifiers.binding import AnyTeacher, bind, rebuild
from verifiers.compose.composed import column
from verifiers.engine import Scorer
from verifiers.errors import UsageError
from verifiers.judging import not_judged
from verifiers.teacher import Teacher
from verifiers.types import Json, Sample, Status, Verdict

OneTask: TypeAlias = "AnyTeacher | Elsewhere"
"""A teacher, a YAML or JSON file that names or composes teachers, or an engine elsewhere: a server's address."""
AnyTask: TypeAlias = "OneTask | Mapping[str, OneTask]"
"""One for all samples, or one for each value of a column."""

ROUTE_COLUMNS = ("task", "data_source", "task_name", "dataset")
"""Columns that name a sample's task, where `route_by` does not say which."""
OTHERS = "*"
"""The route of all values that have none of their own."""
_PLAN_ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Route:
    """One teacher with its options, before it is built.

    Attributes:
        task: What names it; bytes = what a worker would build it from.
        options: Values of its options.
    """

    task: OneTask | bytes
    options: Mapping[str, Json] = field(default_factory=dict)

    def scorer(self, num_proc: int | None, deadline_s: float | None) -> Scorer | Engine:
        """Build the teacher and its engine.

        Raises:
            UsageError: If the teacher, an option or a number is not allowed.
        """
        if (engine := engine_of(self.task, self.options, deadline_s)) is not None:
            return engine
        teacher: Any = rebuild(self.task) if isinstance(self.task, bytes) else self.task
        workers = own_cpus() if num_proc is None else num_proc
        return Scorer(teacher, options=self.options, num_proc=workers, deadline_s=deadline_s)

    def portable(self) -> Route:
        """Return an equal route that another process can build.

        Raises:
            UsageError: If none can.
        """
        if isinstance(self.task, (str, bytes, Elsewhere)):
            return self
        config = bind(self.task, self.options).config
        if not config:
            raise UsageError("this teacher lives in one process only; put it into a file and pass the file's path")
        return Route(config)


def routes_of(task: AnyTask, options: Mapping[str, Any] | None) -> dict[str, Route]:
    """Return the routes by value; a single teacher is the route of all.

    Args:
        task: See `AnyTask`.
        options: Of the teacher; for a mapping, options by its keys.

    Raises:
        UsageError: If there is no teacher, or options belong to none.
    """
    if not isinstance(task, Mapping):
        return {OTHERS: _route(task, options or {})}
    if not task:
        raise UsageError("no teacher: give a mapping such as {'gsm8k': 'math', 'mbpp': 'code'}, or one teacher")
    strays = [str(key) for key in (options or {}) if key not in task]
    if strays:
        raise UsageError(
            f"options for {', '.join(strays)}, which is none of the tasks {', '.join(map(str, task))}. With several "
            f"teachers, options are given by task: {{'gsm8k': {{'percent': 'strict'}}}}"
        )
    return {str(value): _route(each, (options or {}).get(value) or {}) for value, each in task.items()}


def _route(task: OneTask, options: Mapping[str, Json]) -> Route:
    if not isinstance(task, str) or task.startswith(URL_STARTS) or not task.lower().endswith(_PLAN_ENDINGS):
        return Route(str(task) if isinstance(task, Path) else task, dict(options))
    from verifiers.cli.task import find_task  # only for files
    from verifiers.config import load_config

    found = find_task(load_config(task).task or "compose", (), task)
    return Route(found.name, {**found.values, **options})


def own_cpus() -> int:
    """Return how many CPUs one of the node's training processes may take for rewards: at least 1."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    sharing = os.environ.get("LOCAL_WORLD_SIZE", "1")
    return max(1, cpus // max(1, int(sharing) if sharing.isdecimal() else 1))


class Router:
    """The engines of all routes; judges a batch with each sample's own.

    Args:
        routes: By value of the column.
        route_by: The column, or a dotted path; `None` = the first of `ROUTE_COLUMNS` that a sample has.
        num_proc, deadline_s: See `Scorer`.

    Raises:
        UsageError: As of `Route.scorer`.
    """

    def __init__(
        self, routes: Mapping[str, Route], route_by: str | None, num_proc: int | None, deadline_s: float | None
    ) -> None:
        self._scorers = {value: route.scorer(num_proc, deadline_s) for value, route in routes.items()}
        self._columns = ROUTE_COLUMNS if route_by is None else (route_by,)
        self._only = self._scorers.get(OTHERS) if len(self._scorers) == 1 else None
        self.names = {value: scorer.teacher.name for value, scorer in self._scorers.items()}
        self.reads = frozenset[str]().union(*(scorer.reads for scorer in self._scorers.values()))

    @property
    def is_single(self) -> bool:
        """Whether one teacher judges everything, so that no column is looked at."""
        return self._only is not None

    @property
    def only_teacher(self) -> Teacher | None:
        """The teacher in this process, if one judges everything."""
        return self._only.teacher if isinstance(self._only, Scorer) else None

    def judge(self, samples: Sequence[Sample | Verdict]) -> tuple[list[Verdict], list[str]]:
        """Return one verdict a sample in the same order, and each one's teacher.

        Teachers work side by side: first all that needs no worker, then the workers of all.
        """
        if self._only is not None:
            return self._only.score(samples), [self.names[OTHERS]] * len(samples)
        values = [self._value(sample) for sample in samples]
        verdicts: list[Verdict | None] = [self._quick(*pair) for pair in zip(samples, values, strict=True)]
        waiting: dict[str, list[int]] = {}
        for index, verdict in enumerate(verdicts):
            if verdict is None:
                waiting.setdefault(values[index], []).append(index)
        jobs = [
            (indices, self._settler(value, [samples[index] for index in indices])) for value, indices in waiting.items()
        ]
        for indices, answers in side_by_side(jobs):
            for index, verdict in zip(indices, answers, strict=True):
                verdicts[index] = verdict
        return verdicts, [self.names.get(value, "none") for value in values]  # type: ignore[return-value]

    def _value(self, sample: Sample | Verdict) -> str:
        """Return the route's key in `_scorers`, or the value that has no route."""
        found: Json = None
        if isinstance(sample, Sample):
            found = next((value for name in self._columns if (value := column(sample.meta, name)) is not None), None)
        return str(found) if str(found) in self._scorers or OTHERS not in self._scorers else OTHERS

    def _quick(self, sample: Sample | Verdict, value: str) -> Verdict | None:
        scorer = self._scorers.get(value)
        if scorer is not None:
            return scorer.quick(sample)
        places = " or ".join(map(repr, self._columns))
        reason = f"no teacher for {value!r} in column {places}; there are: {', '.join(self._scorers)}"
        return not_judged(Status.BAD_ROW, reason)

    def _settler(self, value: str, samples: Sequence[Sample | Verdict]) -> Callable[[], list[Verdict]]:
        return lambda: self._scorers[value].settle(samples)


def side_by_side(
    jobs: Sequence[tuple[list[int], Callable[[], list[Verdict]]]],
) -> list[tuple[list[int], list[Verdict]]]:
    """Run jobs in threads, the last one in this thread."""
    if not jobs:
        return []
    if len(jobs) == 1:
        return [(jobs[0][0], jobs[0][1]())]
    from concurrent.futures import ThreadPoolExecutor  # not light, and only needed here

    with ThreadPoolExecutor(len(jobs) - 1, "grpo-teachers") as threads:
        others = [(indices, threads.submit(job)) for indices, job in jobs[:-1]]
        last = (jobs[-1][0], jobs[-1][1]())
        return [*((indices, future.result()) for indices, future in others), last]
