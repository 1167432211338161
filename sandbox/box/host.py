"""The supervisor's end of the frames: jobs queue up here, and what is said to the host is gathered into few writes."""

from __future__ import annotations

import collections
import os
import time
from collections.abc import Sequence
from typing import Any

from . import frames

READ_BYTES = 1 << 20
GATHER_BYTES = 256 * 1024
GATHER_S = 0.02
"""What is ready waits at most so long for more."""

Job = tuple[dict[str, Any], list[bytes]]


class HostGone(RuntimeError):
    """The host closed the line, or sent `close`."""


class Host:
    """Both directions."""

    def __init__(self, in_fd: int, out_fd: int) -> None:
        self.in_fd, self._out_fd = in_fd, out_fd
        self.jobs: collections.deque[Job] = collections.deque()
        self.cancelled: set[int] = set()
        self._known: set[int] = set()
        self._decoder = frames.Decoder()
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._since = 0.0

    def read(self) -> None:
        """Take in what the host has sent; waits for something.

        Raises:
            HostGone: If there will be no more.
        """
        data = os.read(self.in_fd, READ_BYTES)
        if not data:
            raise HostGone("end of input")
        for header, blobs in self._decoder.feed(data):
            self._take(header, blobs)

    def _take(self, header: dict[str, Any], blobs: list[bytes]) -> None:
        op = header.get("op")
        if op == "job":
            self._known.add(header["id"])
            self.jobs.append((header, blobs))
        elif op == "cancel":
            self._cancel(header["id"])
        elif op == "ping":
            self.say({"op": "pong", "id": header["id"]})
            self.flush()
        elif op == "close":
            raise HostGone("asked to close")
        else:
            raise frames.FrameError(f"unknown op {op!r}")

    def _cancel(self, number: int) -> None:
        """End a job: a queued one at once, so that the host can give it to an idle box; else whoever runs it asks."""
        for job in self.jobs:
            if job[0]["id"] == number:
                self.jobs.remove(job)
                self.forget(number)
                self.say({"op": "done", "id": number, "cancelled": True})
                self.flush()
                return
        if number in self._known:
            self.cancelled.add(number)

    def forget(self, job_id: int) -> None:
        """A job is done."""
        self._known.discard(job_id)
        self.cancelled.discard(job_id)

    def say(self, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Queue a frame."""
        data = frames.encode(header, blobs)
        if not self._out:
            self._since = time.monotonic()
        self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes > GATHER_BYTES:
            self.flush()

    def flush_old(self) -> None:
        """Send what has waited long enough."""
        if self._out and time.monotonic() - self._since >= GATHER_S:
            self.flush()

    def flush(self) -> None:
        """Send all.

        Raises:
            HostGone: If nobody listens.
        """
        view = memoryview(b"".join(self._out))
        self._out, self._out_bytes = [], 0
        try:
            while view:
                view = view[os.write(self._out_fd, view) :]
        except OSError as error:
            raise HostGone(str(error)) from error
