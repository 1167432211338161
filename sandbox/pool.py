"""Slots and the queue in front of them: a backend made of any launcher.

Each slot is given a few jobs ahead, so that neither side waits for the other between two jobs; how many depends on
how long jobs take. A box that is lost is replaced in the background. The job that it was at is tried again elsewhere,
alone, twice; those queued behind it are innocent and simply run again.
"""

from __future__ import annotations

import asyncio
from collections import deque

from sandbox.backend import OnReport
from sandbox.compiled import CompileCache
from sandbox.errors import SandboxError, SandboxUnavailable, UnsupportedLanguage
from sandbox.languages.language import File
from sandbox.languages.registry import check_tools, plan
from sandbox.launcher import Launcher
from sandbox.slot import Slot
from sandbox.task import MAX_TRIES, Task
from sandbox.types import Job, JobReport

MAX_AHEAD = 16
"""Jobs that a slot is given at most, with the one that it is at."""
AHEAD_S = 0.05
"""About how many seconds of work a slot is given at once."""
FIRST_GUESS_S = 0.01
"""Seconds of a job, before any was measured."""
SMOOTHING = 0.1
"""Weight of the newest job in the mean time of jobs."""
TICK_S = 0.1
"""How often slots are looked after while there is work."""
HELLO_S = 60.0
"""How long a box may take to start on a busy machine."""
LOOK_S = 1.0
"""How often a box that has said nothing yet is looked after."""
PATIENCE_S = 25.0
"""How long jobs wait for boxes that cannot be started (an engine that restarts) before they are given up."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0)
"""Seconds between two attempts to start boxes; the last one is repeated."""


class Pool:
    """A `sandbox.backend.Backend` over a launcher. All methods belong to the loop's thread."""

    def __init__(self, launcher: Launcher, slots: int, memory_bytes: int) -> None:
        """Make a pool; nothing is started before the first job.

        Args:
            launcher: Starts boxes.
            slots: How many of them at most.
            memory_bytes: What one box may use.
        """
        self._launcher = launcher
        self._max_slots = slots
        self._memory_bytes = memory_bytes
        self._loop = asyncio.get_running_loop()
        self._cache = CompileCache()
        self._queue: deque[Task] = deque()
        self._slots: list[Slot] = []
        self._starting: set[asyncio.Task[Slot]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._prepared: asyncio.Task[None] | None = None
        self._mean_s = FIRST_GUESS_S
        self._failures = 0
        self._failing_since_s = self._next_start_s = 0.0
        self._given_up = False
        self._ticker: asyncio.TimerHandle | None = None
        self._closed = False
        self.lost_slots = 0

    @property
    def name(self) -> str:
        return self._launcher.name

    async def prepare(self) -> None:
        """Find out whether there can be boxes; once.

        Raises:
            SandboxUnavailable: If not.
        """
        if self._prepared is None or (self._prepared.done() and self._prepared.exception() is not None):
            self._prepared = self._loop.create_task(self._launcher.prepare())
        await asyncio.shield(self._prepared)

    async def run(self, job: Job, on_report: OnReport | None = None) -> JobReport:
        """Carry out a job; see `sandbox.backend.Backend`.

        Raises:
            SandboxUnavailable: If no box can be started here.
            UnsupportedLanguage: If the job's language is not known, or not installed in the boxes.
            UnsupportedWork: If its language has no way for such work.
            ValueError: If the job may use more memory than a slot has.
        """
        if job.limits.memory_bytes > self._memory_bytes:
            raise ValueError(
                f"a job may use {job.limits.memory_bytes} bytes of memory, but a slot has {self._memory_bytes}: "
                "lower the job's limit, or raise the setting memory_bytes"
            )
        made = plan(job)
        if self._closed:
            raise SandboxUnavailable("this sandbox was closed")
        await self.prepare()
        task = Task(job, self._cache.ready(made, self._launcher.image), on_report)
        self._queue.append(task)
        self._dispatch()
        try:
            return await task.done
        except asyncio.CancelledError:
            self._drop(task)
            raise

    async def close(self) -> None:
        """End all programs, and leave nothing behind."""
        self._closed = True
        if self._ticker is not None:
            self._ticker.cancel()
        for starting in list(self._starting):
            starting.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for slot in self._slots:
            slot.close()
            self._queue.extend(slot.tasks.values())
        self._fail_queue("the sandbox was closed")
        await asyncio.gather(*self._background, *(self._launcher.end(slot.handle) for slot in self._slots))
        self._slots.clear()
        await self._launcher.close()

    # -- jobs to slots

    def _dispatch(self) -> None:
        """Give queued jobs to slots, the emptiest first, and start slots if all have work."""
        while self._queue and not self._closed:
            task = self._queue[0]
            if task.done.done():
                self._queue.popleft()
                continue
            slot = self._slot_for(task)
            if slot is None:
                break
            self._queue.popleft()
            try:
                check_tools(task.plan, slot.tools)
            except UnsupportedLanguage as error:
                task.refuse(error)
            else:
                slot.give(task)
        if self._queue:
            self._grow()
        if self._ticker is None and not self._closed:
            self._ticker = self._loop.call_later(TICK_S, self._tick)

    def _slot_for(self, task: Task) -> Slot | None:
        ready = [slot for slot in self._slots if slot.is_ready]
        if not ready:
            return None
        slot = min(ready, key=lambda slot: len(slot.tasks))
        if not slot.tasks:
            return slot
        if task.is_suspect or any(other.is_suspect for other in slot.tasks.values()):
            return None
        ahead = min(MAX_AHEAD, max(2, int(AHEAD_S / self._mean_s)))
        return slot if len(slot.tasks) < ahead else None

    def _drop(self, task: Task) -> None:
        """Forget a job whose caller has gone."""
        for slot in self._slots:
            slot.cancel(task)

    def _tick(self) -> None:
        """End boxes that are silent, and give jobs that wait behind a slow one to idle boxes."""
        self._ticker = None
        for slot in [slot for slot in self._slots if slot.is_silent()]:
            slot.lose("the box was silent for longer than its job may take")
        idle = sum(slot.is_ready and not slot.tasks for slot in self._slots)
        room = idle + self._max_slots - len(self._slots) - len(self._starting)
        if not self._queue and room > 0:
            for slot in [slot for slot in self._slots if len(slot.tasks) > 1 and slot.busy_s() > TICK_S][:room]:
                slot.take_back()
        if self._queue or any(slot.tasks for slot in self._slots):
            self._dispatch()

    # -- what slots tell

    def slot_free(self, slot: Slot) -> None:
        """See `SlotEvents`."""
        self._dispatch()

    def job_took(self, took_s: float) -> None:
        """See `SlotEvents`."""
        self._mean_s += SMOOTHING * (took_s - self._mean_s)

    def job_failed(self, slot: Slot, task: Task, reason: str) -> None:
        """See `SlotEvents`."""
        self._again(task, reason)

    def job_given_back(self, slot: Slot, task: Task) -> None:
        """See `SlotEvents`."""
        self._queue.appendleft(task)

    def job_compiled(self, task: Task, files: tuple[File, ...]) -> None:
        """See `SlotEvents`."""
        self._cache.keep(task.plan, self._launcher.image, files)

    def slot_lost(self, slot: Slot, reason: str) -> None:
        """See `SlotEvents`."""
        self.lost_slots += 1
        if slot in self._slots:
            self._slots.remove(slot)
            if not self._closed and not self._failures:
                self._start()
        innocent = [task for task in slot.tasks.values() if task is not slot.culprit]
        self._queue.extendleft(reversed(innocent))
        _keep(self._background, self._loop.create_task(self._bury(slot, reason)))
        self._dispatch()

    async def _bury(self, slot: Slot, reason: str) -> None:
        """End a lost box, learn how it died, and have the job that it was at tried again."""
        how = await self._launcher.end(slot.handle)
        if slot.culprit is not None:
            self._again(slot.culprit, f"{reason}; {how}" if how else reason)
            self._dispatch()

    def _again(self, task: Task, reason: str) -> None:
        task.tries += 1
        if self._closed or task.tries >= MAX_TRIES:
            task.fail(f"the sandbox failed {task.tries} times at this, the last time because {reason}")
        else:
            self._queue.append(task)

    def _fail_queue(self, reason: str) -> None:
        while self._queue:
            self._queue.popleft().fail(reason)

    # -- boxes

    def _grow(self) -> None:
        """Start boxes for queued jobs, up to what is allowed; one at a time and with pauses after a failure."""
        if self._failures and (self._starting or self._loop.time() < self._next_start_s):
            return
        room = self._max_slots - len(self._slots) - len(self._starting)
        wanted = 1 if self._failures else len(self._queue) - len(self._starting)
        for _ in range(min(room, wanted)):
            self._start()

    def _start(self) -> None:
        starting = self._loop.create_task(self._open_slot())
        self._starting.add(starting)
        starting.add_done_callback(self._started)

    def _started(self, starting: asyncio.Task[Slot]) -> None:
        """Take a new slot into service, or note why there is none."""
        self._starting.discard(starting)
        if starting.cancelled():
            return
        error = starting.exception()
        if error is not None:
            self._start_failed(str(error) or type(error).__name__)
        elif (slot := starting.result()).is_ready:
            self._failures = 0
            self._given_up = False
            self._slots.append(slot)
        self._dispatch()

    async def _open_slot(self) -> Slot:
        started = await asyncio.wait_for(self._launcher.start(), HELLO_S)
        slot = Slot(started, self)
        try:
            await self._hear(slot)
        except ConnectionError as error:
            slot.close()
            how = await self._launcher.end(started.handle)
            raise SandboxError(f"a box did not start: {error}{'; ' if how else ''}{how}") from error
        except asyncio.CancelledError:
            slot.close()
            raise
        return slot

    async def _hear(self, slot: Slot) -> None:
        """Wait until a box says hello.

        Raises:
            ConnectionError: If it dies first, or says nothing.
        """
        deadline_s = self._loop.time() + HELLO_S
        while True:
            await asyncio.wait({slot.hello}, timeout=LOOK_S)
            if slot.hello.done():
                slot.hello.result()
                return
            if how := await self._launcher.died(slot.handle):
                raise ConnectionError(how)
            if self._loop.time() > deadline_s:
                raise ConnectionError(f"nothing was heard of it for {HELLO_S:.0f} s")

    def _start_failed(self, reason: str) -> None:
        """Try again after a pause; give up what waits if that has gone on for too long, and no box is left."""
        now_s = self._loop.time()
        if not self._failures:
            self._failing_since_s = now_s
        self._next_start_s = now_s + PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        if not self._slots and (self._given_up or now_s - self._failing_since_s > PATIENCE_S):
            self._given_up = True
            self._fail_queue(f"no box can be started: {reason}")


def _keep(kept: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
    """Hold on to a task until it is done; the loop itself does not."""
    kept.add(task)
    task.add_done_callback(kept.discard)
