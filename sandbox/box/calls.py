"""Calls of a program's function: one process answers as many as it survives, each within limits of its own."""

from __future__ import annotations

import errno
import os
import select
import socket
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from . import limits, outcomes, runs, warm
from .frames import RECORD

if TYPE_CHECKING:
    from .jobs import Work

DONE = "done"
"""A run that has told all it was asked, and is ended for that."""
READ_BYTES = 1 << 18


class Line(runs.Talk, ABC):
    """A record-wise conversation over a stream socket that never blocks the supervisor."""

    def __init__(self, sock: socket.socket, most_bytes: int) -> None:
        sock.setblocking(False)
        self.sock, self.fd = sock, sock.fileno()
        self._most_bytes = most_bytes
        self._in = bytearray()
        self._out = memoryview(b"")

    def attach(self, poll: select.poll) -> None:
        """Take part in a loop."""
        self._poll = poll
        poll.register(self.fd, select.POLLIN | (select.POLLOUT if self._out else 0))

    def send(self, data: bytes) -> None:
        """Write a record, now or as the other side reads."""
        self._out = memoryview(bytes(self._out) + RECORD.pack(len(data)) + data)
        self._write()

    def _write(self) -> None:
        try:
            while self._out:
                self._out = self._out[self.sock.send(self._out) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK):  # gone: its end is seen elsewhere
                self._out = memoryview(b"")
        self._poll.modify(self.fd, select.POLLIN | (select.POLLOUT if self._out else 0))

    def readable(self, run: runs.Finished) -> None:
        """Take in records, and pass whole ones on."""
        if self._out:
            self._write()
        try:
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._poll.unregister(self.fd)
            self.fd = -1
            return
        self._in += data
        while self.fd >= 0 and len(self._in) >= RECORD.size:
            (length,) = RECORD.unpack_from(self._in)
            if length > self._most_bytes:
                run.reason, run.detail = limits.OUTPUT, f"an answer of {length} bytes"
                return
            if len(self._in) < RECORD.size + length:
                return
            record = bytes(memoryview(self._in)[RECORD.size : RECORD.size + length])
            del self._in[: RECORD.size + length]
            self.record(record, run)

    @abstractmethod
    def record(self, record: bytes, run: runs.Finished) -> None:
        """Take in one record."""


class _Calls(Line):
    """Asks for one call after another."""

    def __init__(self, work: Work, sock: socket.socket, watch: limits.Watch, first: int) -> None:
        super().__init__(sock, watch.limits["output_bytes"])
        self._work, self._watch = work, watch
        self._arguments: list[int] = work.header["work"]["arguments"]
        self.next = first
        self.loaded = False

    def record(self, record: bytes, run: runs.Finished) -> None:
        """Take in what the program says of itself or of a call."""
        tag, text = record[:1], record[1:]
        if not self.loaded:
            self.loaded = tag == b"r"
            outcome = outcomes.OK
        else:
            outcome = self._work.say(self.next, _answer(tag, text, self._watch))
            self.next += 1
        if self.next >= len(self._arguments) or self._work.over(outcome) or run.reason:
            run.reason = run.reason or DONE
            return
        self._watch.start(living=True)
        if self.loaded:
            self.send(self._work.blobs[self._arguments[self.next]])


def _answer(tag: bytes, text: bytes, watch: limits.Watch) -> tuple[dict[str, Any], list[bytes]]:
    spent = {"cpu_s": round(watch.spent_s(), 6), "wall_s": round(watch.wall_s, 6)}
    if tag == b"v":
        return outcomes.attach({**outcomes.plain(outcomes.OK, ""), **spent}, {"value": text})
    error = text.decode("utf-8", "replace") if tag == b"e" else "ProtocolError: neither a value nor an exception"
    header = {**outcomes.plain(outcomes.RUNTIME_ERROR, error.split("\n", 1)[0]), **spent}
    return {**header, "error": error, "origin": "program"}, []


def perform(work: Work) -> None:
    """Make all calls of a job."""
    count, at = len(work.header["work"]["arguments"]), 0
    while at < count:
        at, told, final = _one_process(work, at)
        if told is None:
            return
        outcome = work.say(at, told)
        at += 1
        while final and at < count and not work.over(outcome):
            work.say(at, told)
            at += 1
        if work.over(outcome):
            return


def _one_process(work: Work, first: int) -> tuple[int, Any, bool]:
    """Make calls until the process ends.

    Returns:
        The call at which it ended, the report of that (`None` if all is done), and whether all others would end so.
    """
    ours, theirs = socket.socketpair()
    streams = [warm.memory_file(name) for name in ("stdin", "stdout", "stderr")]
    fds = [*streams, theirs.fileno(), *([work.source()] if work.python else ())]
    times = len(work.header["work"]["arguments"]) - first + 1
    try:
        work.lay_work_files()
        if work.python:
            plan = work.plan("calls", 5, work.limits, times=times)
            plan["entry_point"] = work.header["work"]["entry_point"]
        else:
            plan = work.exec_plan(work.launch, 4, work.limits, times)
        watch = limits.Watch(work.limits, work.runner.usage, (streams[1], streams[2]))
        talk = _Calls(work, ours, watch, first)
        run = work.runner.run([plan], fds, watch, work.preload, talk, theirs.close)
        if run.reason in (DONE, runs.CANCELLED):
            return talk.next, None, True
        told = outcomes.report(run, watch, (streams[1], streams[2]), work.runner.token, origin="program")
        if told[0]["outcome"] == outcomes.OK:
            told[0].update(outcome=outcomes.RUNTIME_ERROR, detail="it ended before it answered the call")
        return talk.next, told, not talk.loaded
    finally:
        ours.close()
        theirs.close()
        for fd in (*streams, *fds[4:]):
            os.close(fd)
