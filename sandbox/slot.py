"""One box, and the jobs that it was given."""

from __future__ import annotations

import asyncio
from typing import Protocol

from sandbox.box.frames import PROTOCOL_VERSION
from sandbox.languages.language import File
from sandbox.languages.registry import languages
from sandbox.launcher import Started
from sandbox.messages import Header, compiled_files, job_frame, report_of
from sandbox.task import Task
from sandbox.transport import Channel

SILENCE_GRACE_S = 15.0
"""How much longer than a run may take a box may be silent while it has work."""


class SlotEvents(Protocol):
    """What a slot tells its pool."""

    def slot_free(self, slot: Slot) -> None:
        """A job is done, so there is room for another."""

    def job_took(self, took_s: float) -> None:
        """A box was at a job for so many seconds."""

    def job_compiled(self, task: Task, files: tuple[File, ...]) -> None:
        """A compiler has made these of a job's program; none if it refused it."""

    def slot_lost(self, slot: Slot, reason: str) -> None:
        """The box is gone or unfit; its jobs are still in `tasks`."""

    def job_failed(self, slot: Slot, task: Task, reason: str) -> None:
        """The box could not carry out a job."""

    def job_given_back(self, slot: Slot, task: Task) -> None:
        """The box gave a job back that was asked for by `take_back`."""


class Slot:
    """One box and its queue. All methods belong to the loop's thread.

    Attributes:
        handle: What the launcher knows the box by.
        hello: What the box said of itself, once it has.
        tasks: Jobs that it was given and has not done, in their order; it works on the first.
        culprit: Of a lost box: the job that it was at.
    """

    def __init__(self, started: Started, events: SlotEvents) -> None:
        loop = asyncio.get_running_loop()
        self.handle = started.handle
        self.hello: asyncio.Future[Header] = loop.create_future()
        self.tasks: dict[int, Task] = {}
        self.culprit: Task | None = None
        self._begun = False
        self._events = events
        self._taken_back: set[int] = set()
        self._numbers = 0
        self._clock = loop.time
        self._heard_s = self._done_s = loop.time()
        self._lost = False
        self._channel = Channel(
            started.read_fd, started.write_fd, self._on_frame, self._on_end, multiplexed=started.multiplexed
        )

    @property
    def tools(self) -> dict[str, str]:
        """The compilers and interpreters that the box has found, by name."""
        tools: dict[str, str] = self.hello.result().get("tools", {})
        return tools

    @property
    def is_ready(self) -> bool:
        """Whether it may be given jobs."""
        return self.hello.done() and not self._lost

    def give(self, task: Task) -> None:
        """Queue a job in the box."""
        if not self.tasks:
            self._heard_s = self._done_s = self._clock()
        self._numbers += 1
        self.tasks[self._numbers] = task
        self._channel.send(*job_frame(self._numbers, task.job, task.plan))

    def cancel(self, task: Task) -> None:
        """Have the box end a job, or not begin it."""
        for number, mine in self.tasks.items():
            if mine is task:
                self._channel.send({"op": "cancel", "id": number})

    def take_back(self) -> None:
        """Ask for the last queued job, if it is not the one that is being worked on."""
        number = next(reversed(self.tasks))
        if len(self.tasks) > 1 and number not in self._taken_back:
            self._taken_back.add(number)
            self._channel.send({"op": "cancel", "id": number})

    def busy_s(self) -> float:
        """Return for how many seconds it has been at its first job."""
        return self._clock() - self._done_s if self.tasks else 0.0

    def is_silent(self) -> bool:
        """Whether it has work and has not been heard of for longer than any run of it may take."""
        if not self.tasks:
            return False
        longest_s = max(task.longest_s for task in self.tasks.values())
        return self._clock() - self._heard_s > longest_s + SILENCE_GRACE_S

    def lose(self, reason: str, blame: bool = True) -> None:
        """Give the box up.

        Args:
            reason: Why.
            blame: Whether its first job may have been the cause.
        """
        if self._lost:
            return
        self._lost = True
        self.culprit = next(iter(self.tasks.values()), None) if blame else None
        stderr = self._channel.stderr.strip()
        self._channel.close()
        reason = f"{reason} ({stderr})" if stderr else reason
        if self.hello.done():
            self._events.slot_lost(self, reason)
        else:
            self.hello.set_exception(ConnectionError(reason))

    def close(self) -> None:
        """Let go of the box without a word."""
        self._lost = True
        self._channel.close()
        self.hello.cancel()

    def _on_end(self, reason: str) -> None:
        self.lose(reason)

    def _on_frame(self, header: Header, blobs: list[bytes]) -> None:
        self._heard_s = self._clock()
        match header.get("op"):
            case "report" if (task := self.tasks.get(header["id"])) is not None:
                self._begun = True
                signs = languages()[task.plan.language].memory_signs
                if not task.report(header["run"], report_of(header, blobs, signs)):
                    self._channel.send({"op": "cancel", "id": header["id"]})
            case "compiled" if (task := self.tasks.get(header["id"])) is not None:
                self._begun = True
                task.compiled(report_of(header, blobs))
                self._events.job_compiled(task, compiled_files(header, blobs))
            case "done":
                self._on_done(header)
            case "retire":
                # What made it unfit may have been the job before, which is done.
                self.lose(f"the box retired: {header.get('reason', '')}", blame=self._begun)
            case "hello":
                self._on_hello(header)

    def _on_hello(self, header: Header) -> None:
        if header.get("version") != PROTOCOL_VERSION:
            self.lose(f"the box speaks version {header.get('version')} of the protocol, not {PROTOCOL_VERSION}")
        elif not self.hello.done():
            self.hello.set_result(header)

    def _on_done(self, header: Header) -> None:
        number = header["id"]
        was_first = number == next(iter(self.tasks), None)
        task = self.tasks.pop(number, None)
        if task is None:
            return
        taken_back = number in self._taken_back
        self._taken_back.discard(number)
        if was_first:
            now_s = self._clock()
            self._events.job_took(now_s - self._done_s)
            self._begun, self._done_s = False, now_s
        if header.get("failure"):
            self._events.job_failed(self, task, header["failure"])
        elif header.get("cancelled") and taken_back and not task.settled:
            self._events.job_given_back(self, task)
        else:
            task.finish()
        self._events.slot_free(self)
