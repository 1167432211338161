"""Many calls with one sample each become few calls with many: for trainers that ask sample by sample.

    coalescer = Coalescer(scorer.score)
    await coalescer.ascore(sample)      in any event loop
    coalescer.score(sample)             in any thread

A batch is what has gathered within `linger_s` of its first sample, or while all runners were busy. Nobody waits for
more than that, and a slow batch holds up no other until all runners are busy.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from math import inf
from typing import Any, Generic, TypeAlias, TypeVar

from verifiers.errors import UsageError
from verifiers.forks import renewed_in_forks
from verifiers.types import Sample

MAX_BATCH = 256
"""Samples of one batch."""
LINGER_S = 0.002
"""How long a batch waits for more after its first sample: little beside what a completion takes to generate."""
RUNNERS = 4
"""Batches judged at a time."""
IDLE_S = 60.0
"""A runner without work ends after this long."""

_T = TypeVar("_T")
AnyFuture: TypeAlias = "Future[_T] | asyncio.Future[_T]"
_Answer: TypeAlias = "tuple[AnyFuture[Any], Any, BaseException | None]"


class Coalescer(Generic[_T]):
    """Gathers calls into batches. Safe in threads, event loops and forks; picklable if `judge` is.

    Args:
        judge: Returns one value for each sample, in order; runs in threads of the coalescer.
        max_batch: Most samples of one call of `judge`.
        linger_s: Seconds that a batch waits for more after its first sample; 0 = only while all runners are busy.
        runners: Most calls of `judge` at a time.

    Raises:
        UsageError: If a number is not allowed.
    """

    def __init__(
        self,
        judge: Callable[[Sequence[Sample]], Sequence[_T]],
        *,
        max_batch: int = MAX_BATCH,
        linger_s: float = LINGER_S,
        runners: int = RUNNERS,
    ) -> None:
        if max_batch < 1 or runners < 1:
            raise UsageError(f"max_batch and runners are 1 or more, not {max_batch!r} and {runners!r}")
        if not 0 <= linger_s < inf:
            raise UsageError(f"linger_s is a number of seconds, 0 or more, not {linger_s!r}")
        self._judge = judge
        self._settings = (max_batch, linger_s, runners)
        self.renew()
        renewed_in_forks(self)

    def renew(self) -> None:
        """Begin without samples and threads: of a fork's parent it has neither."""
        self._queue: deque[tuple[Sample, AnyFuture[_T]]] = deque()
        self._changed = threading.Condition()
        self._gathering = threading.Lock()
        self._running = 0
        self._is_gathering = False

    def __getstate__(self) -> dict[str, Any]:
        return {"_judge": self._judge, "_settings": self._settings}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.renew()
        renewed_in_forks(self)

    def submit(self, sample: Sample) -> Future[_T]:
        """Queue a sample; the future has its value, or the error that `judge` raised for its batch."""
        future: Future[_T] = Future()
        self._put(sample, future)
        return future

    def score(self, sample: Sample) -> _T:
        """Judge one sample together with what other threads ask for."""
        return self.submit(sample).result()

    async def ascore(self, sample: Sample) -> _T:
        """Judge one sample together with what other tasks and threads ask for."""
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._put(sample, future)
        return await future

    def _put(self, sample: Sample, future: AnyFuture[_T]) -> None:
        with self._changed:
            self._queue.append((sample, future))
            if self._is_gathering:
                if len(self._queue) in (1, self._settings[0]):
                    self._changed.notify()
            elif self._running < self._settings[2]:
                self._running += 1
                threading.Thread(target=self._run, daemon=True, name="grpo-teachers-coalesce").start()

    def _run(self) -> None:
        while True:
            with self._gathering:  # one gathers, so that the others leave it the samples
                batch = self._gathered()
            if not batch:
                return
            self._settle([pair for pair in batch if _is_wanted(pair[1])])

    def _gathered(self) -> list[tuple[Sample, AnyFuture[_T]]]:
        """Wait for a batch; an empty one = there was no work for long, and this runner is signed off."""
        max_batch, linger_s, _ = self._settings
        with self._changed:
            self._is_gathering = True
            found = self._changed.wait_for(lambda: self._queue, IDLE_S)
            if found and linger_s:
                self._changed.wait_for(lambda: len(self._queue) >= max_batch, linger_s)
            self._is_gathering = False
            if not found:
                self._running -= 1
            return [self._queue.popleft() for _ in range(min(max_batch, len(self._queue)))]

    def _settle(self, batch: Sequence[tuple[Sample, AnyFuture[_T]]]) -> None:
        if not batch:
            return
        try:
            values = self._judge([sample for sample, _ in batch])
            if len(values) != len(batch):
                raise RuntimeError(f"judge gave {len(values)} values for {len(batch)} samples")
        except BaseException as error:  # whatever it is, each caller must hear of it: none may wait for ever
            if isinstance(error, StopIteration):  # no future of asyncio takes it
                error = RuntimeError(f"judge raised {error!r}")
            _deliver([(future, None, error) for _, future in batch])
            return
        _deliver([(future, value, None) for (_, future), value in zip(batch, values, strict=True)])


def _is_wanted(future: AnyFuture[Any]) -> bool:
    """Whether somebody still waits; from then on a thread's future cannot be cancelled."""
    return future.set_running_or_notify_cancel() if isinstance(future, Future) else not future.cancelled()


def _deliver(answers: Sequence[_Answer]) -> None:
    """Give each caller its value or error; an event loop is woken once for all of its own."""
    loops: dict[asyncio.AbstractEventLoop, list[_Answer]] = {}
    for answer in answers:
        future = answer[0]
        if isinstance(future, Future):
            _set(answer)
        else:
            loops.setdefault(future.get_loop(), []).append(answer)
    for loop, own in loops.items():
        with suppress(RuntimeError):  # it was closed meanwhile, and nobody waits there
            loop.call_soon_threadsafe(_set_all, own)


def _set_all(answers: Sequence[_Answer]) -> None:
    for answer in answers:
        if not answer[0].done():
            _set(answer)


def _set(answer: _Answer) -> None:
    future, value, error = answer
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)
