"""The machinery of a model's teacher: asks come one by one from any thread, and leave in micro-batches.

Threads of its own take what has arrived, have it prepared and cut into micro-batches, and run those on the engine's
lanes. While the lanes work, one more thread prepares what arrives meanwhile. Threads start with the first ask and end
when there was nothing to do for a while, so that a model that nobody holds any more is freed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic

from reward_models.serving.engine import Ask, Engine, Item, Marked, NotAnswered
from verifiers.errors import VerifyError
from verifiers.forks import renewed_in_forks
from verifiers.types import Status, Text

MAX_WINDOW = 4096
"""Most asks that are planned together."""
LINGER_S, MAX_LINGER_S = 0.002, 0.02
"""How long the planner waits for one more ask, and for all of them: the samples of a group come one after another."""
IDLE_S = 30.0
"""After so long without an ask a thread ends."""

_log = logging.getLogger("reward_models")


@dataclass(slots=True)
class _Job:
    """Equal asks that are scored once."""

    ask: Ask
    futures: list[Future[Marked]] = field(default_factory=list)

    def begin(self) -> bool:
        """Whether anybody still waits; from now on nobody can cancel."""
        self.futures = [each for each in self.futures if each.set_running_or_notify_cancel()]
        return bool(self.futures)

    def end(self, answer: Marked | BaseException) -> None:
        """Answer those who have begun to wait; nobody is left then, so that a job ends once."""
        ended, self.futures = self.futures, []
        for future in ended:
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    def fail(self, error: BaseException) -> None:
        if self.begin():
            self.end(error)


class Batcher(Generic[Item]):
    """Scores asks with an engine. Safe to use from many threads, and in a fork (which makes an engine of its own).

    Args:
        make: Makes the engine, in a thread of the batcher, when it is first needed. A `VerifyError` of it is final
            (a wrong folder stays wrong); after any other error the next asks try again.
    """

    def __init__(self, make: Callable[[], Engine[Item]]) -> None:
        self._make = make
        self._inherited: list[object] = []
        self._reset()
        renewed_in_forks(self)

    def renew(self) -> None:
        """Begin anew: a fork has neither the threads nor the devices of its parent."""
        # Not freed here: that takes locks of allocators, which a thread of the parent may have held.
        self._inherited.append(self._engine)
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[Ask, Future[Marked]]] = []
        self._ready: deque[list[tuple[Item, _Job]]] = deque()
        self._engine: Engine[Item] | None = None
        self._final: NotAnswered | None = None
        self._free_lanes: list[int] = []
        self._threads = 0
        self._is_planning = False

    def submit(self, ask: Ask) -> Future[Marked]:
        """Begin to score an ask; never raises. The future's error is `NotAnswered`, or of `prepare` or `run`."""
        future: Future[Marked] = Future()
        with self._changed:
            self._waiting.append((ask, future))
            self._start_threads()
            self._changed.notify()
            stranded, self._waiting = ([], self._waiting) if self._threads else (self._waiting, [])
        for ask, left in stranded:
            _Job(ask, [left]).fail(NotAnswered("the system gives no thread: too many processes or too little memory"))
        return future

    def _start_threads(self) -> None:
        wanted = 1 + (self._engine.lanes if self._engine is not None else 0)
        while self._threads < wanted:
            try:
                threading.Thread(target=self._work, name="reward-model", daemon=True).start()
            except RuntimeError:  # those that run do the work, if there are any; the next ask tries again
                return
            self._threads += 1

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(self._has_work, IDLE_S):
                    self._threads -= 1
                    return
                lane = self._free_lanes.pop() if self._can_run() else None
                batch = self._ready.popleft() if lane is not None else []
                self._is_planning = self._is_planning or lane is None
            if lane is None:
                self._plan()
            else:
                self._run(lane, batch)

    def _has_work(self) -> bool:
        return self._can_run() or self._can_plan()

    def _can_run(self) -> bool:
        return bool(self._ready and self._free_lanes)

    def _can_plan(self) -> bool:
        lanes = self._engine.lanes if self._engine is not None else 1
        return bool(self._waiting) and not self._is_planning and len(self._ready) <= 2 * lanes

    def _plan(self) -> None:
        jobs: list[_Job] = []
        batches: list[list[tuple[Item, _Job]]] = []
        try:
            jobs = self._taken()
            batches = self._micro_batches(jobs)
        except BaseException as error:  # whatever it is, somebody waits for it
            for job in jobs:
                job.fail(error)
        finally:  # or nobody plans ever again
            with self._changed:
                self._is_planning = False
                self._ready.extend(batches)
                self._start_threads()
                self._changed.notify_all()

    def _taken(self) -> list[_Job]:
        """Take what has arrived, once no more comes; equal asks are one job."""
        end_s = time.monotonic() + MAX_LINGER_S
        seen = 0
        while seen < len(self._waiting) < MAX_WINDOW and time.monotonic() < end_s:
            seen = len(self._waiting)
            time.sleep(LINGER_S)
        with self._changed:
            taken, self._waiting = self._waiting[:MAX_WINDOW], self._waiting[MAX_WINDOW:]
        jobs: dict[object, _Job] = {}
        for ask, future in taken:
            try:
                key = (_key(ask.prompt), _key(ask.response))
            except Exception as error:  # messages in messages, too deep for repr
                _Job(ask, [future]).fail(error)
            else:
                jobs.setdefault(key, _Job(ask)).futures.append(future)
        return list(jobs.values())

    def _micro_batches(self, jobs: Sequence[_Job]) -> list[list[tuple[Item, _Job]]]:
        engine = self._have_engine()
        pairs = _prepared(engine, jobs)
        return [[pairs[index] for index in batch] for batch in engine.plan([item for item, _ in pairs])]

    def _have_engine(self) -> Engine[Item]:
        """Return the engine; only the thread that plans makes it.

        Raises:
            NotAnswered: If there is none.
        """
        if self._final is not None:
            raise self._final
        if self._engine is None:
            engine = self._made()
            with self._changed:
                self._engine, self._free_lanes = engine, list(range(engine.lanes))
        return self._engine

    def _made(self) -> Engine[Item]:
        try:
            return self._make()
        except NotAnswered:
            raise
        except VerifyError as error:
            self._final = NotAnswered(str(error))
            _log.error("%s", error)
            raise self._final from error
        except Exception as error:  # a library may raise anything; the verdicts tell what
            _log.exception("the model cannot be loaded")
            raise NotAnswered(f"the model cannot be loaded: {type(error).__name__}: {error}", Status.FAILED) from error

    def _run(self, lane: int, batch: list[tuple[Item, _Job]]) -> None:
        assert self._engine is not None
        wanted = [(item, job) for item, job in batch if job.begin()]
        answers: Sequence[Marked | BaseException] = []
        try:
            answers = self._engine.run(lane, [item for item, _ in wanted]) if wanted else []
            if len(answers) != len(wanted):
                raise RuntimeError(f"the model gave {len(answers)} scores for {len(wanted)} answers")
        except BaseException as error:  # whatever it is, somebody waits for it
            answers = [error] * len(wanted)
        with self._changed:
            self._free_lanes.append(lane)
            self._changed.notify_all()
        for (_, job), answer in zip(wanted, answers, strict=True):
            job.end(answer)


def _key(text: Text) -> str | tuple[str]:
    return text if isinstance(text, str) else (repr(text),)


def _prepared(engine: Engine[Item], jobs: Sequence[_Job]) -> list[tuple[Item, _Job]]:
    """Return the jobs with their items; those that cannot be read are ended with their error."""
    try:
        return list(zip(engine.prepare([job.ask for job in jobs]), jobs, strict=True))
    except Exception as error:  # messages of others may make a template raise anything
        if len(jobs) < 2:
            for job in jobs:
                job.fail(error)
            return []
    half = len(jobs) // 2
    return [*_prepared(engine, jobs[:half]), *_prepared(engine, jobs[half:])]
