"""Scorers on the nodes of a Ray cluster, for rewards while a model trains: a pool is a task like any other.

    pool = RayPool("math", actors=8, num_cpus=0.5)
    reward = trl_reward(pool)                        scorer = GroupScorer({"math": pool, "chat": "plan.yaml"})

The actors have names, so that whoever unpickles the pool in the same cluster uses the same actors; they end with the
process that started them. One that dies is started again by Ray, and its samples go to another.
"""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grpo_bridge.engines import Engine
from verifiers.errors import UsageError, require
from verifiers.judging import not_judged
from verifiers.teacher import BaseTeacher
from verifiers.types import Json, Sample, Status, Verdict

NAMESPACE = "grpo-teachers"
CHUNK = 64
"""Samples that an actor is given at a time."""
MAX_TRIES = 4
"""How often a chunk is given to an actor; after that its samples are given out one by one, to find the one to blame."""
DEADLINE_S = 300.0
"""Wall-clock seconds of one call; each sample has its own deadline besides, in the actor."""
AT_ONCE = 2
"""Chunks that an actor has at a time, so that it never waits for the next one."""
CALM_S = 0.5
"""How often an actor that died is asked whether it is back."""
MAX_CAUSE_CHARS = 300
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

_owned: dict[tuple[str, str], list[Any]] = {}
"""Handles by pool and this process in the cluster. An actor ends with the first handle made for it: these are kept."""


@dataclass(frozen=True)
class RayPool:
    """A pool of scorer actors. Picklable.

    Attributes:
        task: A teacher's name, file or dotted path, or a YAML that names or composes teachers.
        actors: How many.
        num_cpus: What each takes of its node; may be a fraction.
        options: Values of the teacher's options.
        num_proc: Worker processes of each actor, for what is not judged at once.
        sample_deadline_s: Wall-clock seconds for one sample; `None` = the teacher's own.
        name: Of the pool, in the cluster.
    """

    task: str
    actors: int = 2
    num_cpus: float = 1.0
    options: Mapping[str, Json] = field(default_factory=dict)
    num_proc: int = 1
    sample_deadline_s: float | None = None
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.actors < 1 or self.num_cpus < 0 or self.num_proc < 1:
            raise UsageError("a pool has at least 1 actor of at least 1 process, and num_cpus is 0 or more")

    def open_engine(self, options: Mapping[str, Any], deadline_s: float | None) -> Engine:
        """Return the engine; actors start when first needed.

        Raises:
            UsageError: If options are given here rather than to the pool.
        """
        if options:
            raise UsageError(f"give options to the pool: RayPool({self.task!r}, options={dict(options)!r})")
        return RayEngine(self, DEADLINE_S if deadline_s is None else deadline_s)

    def close(self) -> None:
        """End the actors."""
        ray = connected()
        _owned.pop(self._key(ray), None)
        for number in range(self.actors):
            try:
                ray.kill(ray.get_actor(self._actor_name(number), NAMESPACE))
            except ValueError:  # it was never started, or has ended
                continue

    def start(self) -> list[Any]:
        """Return the actors' handles, starting those that are not there."""
        ray = connected()
        key = self._key(ray)
        if key not in _owned:
            remote = ray.remote(_Scorer)
            given = (self.task, dict(self.options), self.num_proc, self.sample_deadline_s)
            _owned[key] = [
                remote.options(
                    name=self._actor_name(number),
                    namespace=NAMESPACE,
                    get_if_exists=True,
                    num_cpus=self.num_cpus,
                    max_restarts=-1,
                    max_task_retries=0,
                    scheduling_strategy="SPREAD",
                ).remote(*given)
                for number in range(self.actors)
            ]
        return _owned[key]

    def _key(self, ray: Any) -> tuple[str, str]:
        return self.name, ray.get_runtime_context().get_worker_id()

    def _actor_name(self, number: int) -> str:
        return f"{self.name}:{number}"


class _Scorer:
    """What runs in an actor."""

    def __init__(self, task: str, options: dict[str, Json], num_proc: int, deadline_s: float | None) -> None:
        from grpo_bridge.routes import OTHERS, routes_of

        self._engine = routes_of(task, options)[OTHERS].scorer(num_proc, deadline_s)

    def score(self, samples: list[Sample]) -> list[Verdict]:
        return self._engine.score(samples)


@dataclass(frozen=True)
class _Name:
    name: str


@dataclass
class _Chunk:
    """Samples on their way; `tries` counts the actors that died with it."""

    indices: list[int]
    tries: int = 0


class RayEngine:
    """Judges in the pool's actors."""

    reads = BaseTeacher.reads

    def __init__(self, pool: RayPool, deadline_s: float) -> None:
        self._pool, self._deadline_s = pool, deadline_s
        self.teacher = _Name(pool.task)
        self._handles: list[Any] = []

    def quick(self, sample: Sample | Verdict) -> Verdict | None:
        """Leave everything to the actors."""
        return sample if isinstance(sample, Verdict) else None

    def settle(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge samples as `score` does."""
        return self.score(samples)

    def score(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge samples: one verdict each, in order, by the deadline."""
        verdicts: list[Verdict | None] = [each if isinstance(each, Verdict) else None for each in samples]
        wanted = [index for index, each in enumerate(samples) if isinstance(each, Sample)]
        if wanted:
            self._handles = self._handles or self._pool.start()
            size = max(1, min(CHUNK, -(-len(wanted) // self._pool.actors)))
            chunks = [_Chunk(wanted[start : start + size]) for start in range(0, len(wanted), size)]
            _Call(self._handles, samples, verdicts, time.monotonic() + self._deadline_s).run(chunks)
        late = not_judged(Status.DEADLINE_EXCEEDED, f"no verdict from the Ray pool within {self._deadline_s:g} s")
        return [verdict or late for verdict in verdicts]


class _Call:
    """One call: which actor has which chunk. An actor that died is asked with an empty one whether it is back."""

    def __init__(
        self, handles: list[Any], samples: Sequence[Any], verdicts: list[Verdict | None], end_s: float
    ) -> None:
        self._handles, self._samples, self._verdicts, self._end_s = handles, samples, verdicts, end_s
        self._flying: dict[Any, tuple[_Chunk, int]] = {}
        self._loads = [0] * len(handles)
        self._ask_s: dict[int, float] = {}
        """Actors that are being started again, and when to ask them next; infinite = asked."""

    def run(self, chunks: list[_Chunk]) -> None:
        """Give out all chunks, two to an actor at a time, until they are judged or the time is over."""
        ray = connected()
        waiting = list(reversed(chunks))
        while waiting or self._at_work():
            self._ask()
            while waiting and (actor := self._free()) is not None:
                self._give(actor, waiting.pop())
            ready = self._wait(ray, min([self._end_s, *self._ask_s.values()]))
            if ready is not None:
                chunk, actor = self._flying.pop(ready)
                self._loads[actor] -= 1
                waiting += self._take(ray, ready, chunk, actor)
            elif time.monotonic() >= self._end_s:
                self._give_up(ray)
                return

    def _wait(self, ray: Any, until_s: float) -> Any:
        """Return the next call that has ended, `None` when there was none by then."""
        left_s = max(0.0, until_s - time.monotonic())
        if not self._flying:  # all are being started again
            time.sleep(left_s)
            return None
        ready, _ = ray.wait(list(self._flying), num_returns=1, timeout=left_s)
        return ready[0] if ready else None

    def _at_work(self) -> set[int]:
        return {actor for chunk, actor in self._flying.values() if chunk.indices}

    def _ask(self) -> None:
        for actor, due_s in self._ask_s.items():
            if due_s <= time.monotonic():
                self._ask_s[actor] = math.inf
                self._give(actor, _Chunk([]))

    def _free(self) -> int | None:
        """Return the actor that has the least to do, of those that are there; `None` = they have enough."""
        there = (actor for actor in range(len(self._handles)) if actor not in self._ask_s)
        actor = min(there, key=self._loads.__getitem__, default=None)
        return actor if actor is not None and self._loads[actor] < AT_ONCE else None

    def _give(self, actor: int, chunk: _Chunk) -> None:
        self._loads[actor] += 1
        reference = self._handles[actor].score.remote([self._samples[index] for index in chunk.indices])
        self._flying[reference] = chunk, actor

    def _take(self, ray: Any, reference: Any, chunk: _Chunk, actor: int) -> list[_Chunk]:
        """Take an actor's answer in; return what is to be given out again."""
        try:
            answer = ray.get(reference)
        except ray.exceptions.ActorUnavailableError as error:  # it is being started again
            self._ask_s[actor] = time.monotonic() + CALM_S
            return self._again(chunk, f"the Ray actor died: {cause_of(error)}")
        except ray.exceptions.RayError as error:  # it could not be built, or has ended, or an object was lost
            self._ask_s.pop(actor, None)
            return self._again(chunk, f"Ray failed: {cause_of(error)}")
        self._ask_s.pop(actor, None)
        for index, verdict in zip(chunk.indices, answer, strict=True):
            self._verdicts[index] = verdict
        return []

    def _again(self, chunk: _Chunk, why: str) -> list[_Chunk]:
        if not chunk.indices:
            return []
        if chunk.tries + 1 < MAX_TRIES:
            return [_Chunk(chunk.indices, chunk.tries + 1)]
        if len(chunk.indices) > 1:
            return [_Chunk([index], MAX_TRIES - 1) for index in chunk.indices]
        self._verdicts[chunk.indices[0]] = not_judged(Status.UNAVAILABLE, why)
        return []

    def _give_up(self, ray: Any) -> None:
        """Start actors anew that did not answer in time: they are stuck."""
        for actor in self._at_work():
            ray.kill(self._handles[actor], no_restart=False)


def cause_of(error: Exception) -> str:
    """Return the last line of Ray's text, which is many lines of traceback in colours."""
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    return lines[-1][:MAX_CAUSE_CHARS] if lines else type(error).__name__


def connected() -> Any:
    """Return Ray, connected: to the cluster of RAY_ADDRESS, or else to one of this machine's own.

    Raises:
        MissingExtra: If it is not installed.
    """
    ray: Any = require("ray", "ray", "Scoring on a Ray cluster")
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    return ray
