"""From batches of rows to output rows in input order, with slow rows on the side.

Rows that the engine judges at once are judged here, or by whole batches in worker processes. The rest goes to the
engine's workers, each row by itself; the output waits for it in a bounded window while later rows are judged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from verifiers.io.batch import Batch
from verifiers.io.rows import Judge, OpenRow, RowResult, RowScorer
from verifiers.io.threads import Threads
from verifiers.types import Sample, Verdict

WINDOW_ROWS = 16_384
"""Rows that may wait behind a slow one."""
WINDOW_BYTES = 64 * 1024 * 1024
"""Their input bytes."""
MAX_SLOW = 2048
"""Rows that may be with the engine's workers or wait for them."""


class Engine(Judge, Protocol):
    """The scoring engine."""

    @property
    def has_lane(self) -> bool:
        """Whether the teacher has machinery of its own, and `begin` gives futures."""

    def begin(self, sample: Sample) -> Future[Verdict]:
        """Begin to judge a sample, if `has_lane`, and return at once."""

    def settle(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Judge samples that `quick` left open, each within its deadline; callable from several threads."""


class Waiting(Protocol):
    """A row's result that is to come."""

    def done(self) -> bool:
        """Whether it can be had at once."""

    def result(self) -> RowResult:
        """Return it; waits."""


class Flying:
    """A row whose samples are on the teacher's lane; it is written once its result is asked for."""

    def __init__(self, opened: OpenRow, scorer: RowScorer, futures: list[Future[Verdict]]) -> None:
        self._opened, self._scorer, self._futures = opened, scorer, futures

    def done(self) -> bool:
        """Whether all samples have their verdicts."""
        return all(future.done() for future in self._futures)

    def result(self) -> RowResult:
        """Return the row's result; waits for the verdicts."""
        return self._scorer.close(self._opened, [future.result() for future in self._futures], at_once=False)

    def cancel(self) -> None:
        """Give up what is still open."""
        for future in self._futures:
            future.cancel()


@dataclass(slots=True)
class Slot:
    """A batch on its way to the output.

    Attributes:
        batch: The input rows.
        results: Their results; `None` = not yet.
        slow: What the missing results wait for, by index.
    """

    batch: Batch
    results: list[RowResult | None]
    slow: dict[int, Waiting] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether every row has its result or its result can be had at once."""
        return all(future.done() for future in self.slow.values())

    def finished(self) -> list[RowResult]:
        """Return all results, in order; waits for them."""
        for index, future in self.slow.items():
            self.results[index] = future.result()
        return [result for result in self.results if result is not None]


class Pipeline:
    """Holds the window of batches between input and output.

    Args:
        engine: The scoring engine.
        scorer: Reads and writes rows.
        threads: How many rows are with the engine's workers at a time.
        on_slot: Called with each finished batch's results, in input order.
    """

    def __init__(
        self, engine: Engine, scorer: RowScorer, threads: int, on_slot: Callable[[Batch, list[RowResult]], None]
    ) -> None:
        self._engine, self._scorer, self._on_slot = engine, scorer, on_slot
        self._threads = Threads[RowResult](threads)
        self._slots: deque[Slot] = deque()
        self._rows = self._bytes = self._slow = 0

    def score_here(self, batches: Iterable[Batch]) -> Iterator[Slot]:
        """Judge batches in this process; yields each after it was taken in, so that the caller may stop between."""
        for batch in batches:
            slot = Slot(batch, self._scorer.score(batch))
            self.take(slot)
            yield slot

    def take(self, slot: Slot) -> None:
        """Take a batch in, send its open rows to the engine's workers, and hand on what is finished."""
        self.place(slot)
        self.fill(slot)
        self.drain()
        self.make_room()

    def place(self, slot: Slot) -> None:
        """Give a batch its place in the order, before its results are known."""
        self._slots.append(slot)
        self._rows += len(slot.batch)
        self._bytes += slot.batch.size_bytes

    def fill(self, slot: Slot) -> None:
        """Send the open rows of a batch to the engine's workers."""
        for index, result in enumerate(slot.results):
            if result is None and index not in slot.slow:
                slot.slow[index] = self._begin(slot.batch, index)

    def _begin(self, batch: Batch, index: int) -> Waiting:
        """Begin a row on the teacher's lane, or else in a thread that waits for the engine's workers."""
        if not self._engine.has_lane:
            return self.submit(partial(self.settle, batch, index))
        self._slow += 1
        opened = self._scorer.open(batch, index)
        if isinstance(opened, RowResult):
            ready: Future[RowResult] = Future()
            ready.set_result(opened)
            return ready
        return Flying(opened, self._scorer, [self._engine.begin(sample) for sample in opened.samples])

    def settle(self, batch: Batch, index: int) -> RowResult:
        """Judge one row through the engine's workers."""
        opened = self._scorer.open(batch, index)
        if isinstance(opened, RowResult):
            return opened
        return self._scorer.close(opened, self._engine.settle(opened.samples), at_once=False)

    def submit(self, work: Callable[[], RowResult]) -> Future[RowResult]:
        """Do other work on a row on the side."""
        self._slow += 1
        return self._threads.submit(work)

    def drain(self, *, wait: bool = False) -> None:
        """Hand on finished batches from the front; with `wait`, all that have been filled."""
        while self._slots and self._slots[0].results and (wait or self._slots[0].done):
            self._hand_on()

    def _hand_on(self) -> None:
        """Hand on the first batch; waits for its results."""
        slot = self._slots.popleft()
        self._rows -= len(slot.batch)
        self._bytes -= slot.batch.size_bytes
        results = slot.finished()
        self._slow -= len(slot.slow)
        self._on_slot(slot.batch, results)

    def make_room(self) -> None:
        """Wait until the window has room again; never for a batch whose results have not come."""
        while self._full() and self._slots and self._slots[0].results:
            self._hand_on()
            self.drain()

    def _full(self) -> bool:
        return self._rows > WINDOW_ROWS or self._bytes > WINDOW_BYTES or self._slow > MAX_SLOW

    def close(self) -> None:
        """Give up what is still open."""
        self._threads.close()
        for slot in self._slots:
            for waiting in slot.slow.values():
                if isinstance(waiting, Flying):
                    waiting.cancel()
