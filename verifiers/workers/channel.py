"""The caller's end of one worker: requests go in, frames come out, nothing ever blocks."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from dataclasses import dataclass

from verifiers.workers.frames import RECV_BYTES, Frame, FrameReader, Kind, encode

MAX_DEPTH = 16
"""Most requests that one worker is given at a time."""
PIPELINE_BYTES = 64 << 10
"""Most bytes of requests that wait in a worker's socket behind the one under way."""
PIPELINE_S = 0.002
"""How much work may wait behind the request under way; slow requests are therefore given one by one."""
PACE_WEIGHT = 0.2
"""Weight of the newest request in the running mean of a worker's seconds per request."""


@dataclass(slots=True)
class Job:
    """A request on its way.

    Attributes:
        index: Its position in the caller's iterable.
        payload: The request.
        excuse: What it was lost to without being to blame (a zygote, a worker that had not read it); once only.
    """

    index: int
    payload: bytes
    excuse: object = None

    def excused(self, excuse: object) -> bool:
        """Whether losing it to that is forgiven; all workers of one dead zygote count as one loss."""
        if self.excuse is None:
            self.excuse = excuse
        return self.excuse is excuse


class Channel:
    """One worker, seen from the caller.

    Attributes:
        pid: The worker's process id.
        owner: What the launcher knows it by.
        ready: It has built its service.
        ended: Its socket is closed at the other end: the worker is dead.
        unread: It ended before it had read all that was sent to it.
        jobs: What it was given and has not answered, oldest first.
        since_s: When the work on `jobs[0]` started (monotonic clock), or when the worker was started if not ready;
            `None` = nothing under way, or not sent yet.
    """

    def __init__(self, sock: socket.socket, pid: int, owner: object) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.pid = pid
        self.owner = owner
        self.ready = False
        self.ended = False
        self.unread = False
        self.jobs: deque[Job] = deque()
        self.since_s: float | None = time.monotonic()
        self._reader = FrameReader()
        self._out = bytearray()
        self._queued = 0
        self._sent = 0
        self._ends: deque[int] = deque()
        self._pace_s = PIPELINE_S

    @property
    def sending(self) -> bool:
        """Whether bytes wait to be sent."""
        return bool(self._out)

    @property
    def depth(self) -> int:
        """How many jobs it may have at a time, given how fast it was so far."""
        return min(MAX_DEPTH, 1 + int(PIPELINE_S / self._pace_s)) if self._pace_s < PIPELINE_S else 1

    def fits(self, job: Job) -> bool:
        """Whether the job may be pushed now."""
        return not self.jobs or self._queued - self._sent + len(job.payload) <= PIPELINE_BYTES

    def write(self, frame: bytes) -> None:
        """Queue bytes; `flush` sends them."""
        self._out += frame
        self._queued += len(frame)

    def push(self, job: Job, deadline_s: float) -> None:
        """Give the worker a job; `flush` sends it."""
        self.write(encode(Kind.REQUEST, job.payload, deadline_s))
        self.jobs.append(job)
        self._ends.append(self._queued)

    def flush(self) -> None:
        """Send what the socket takes."""
        try:
            while self._out:
                sent = self.sock.send(self._out)
                del self._out[:sent]
                self._sent += sent
        except BlockingIOError:
            pass
        except OSError:  # the worker is dead; what it had answered before can still be received
            self._out.clear()
        self._clock()

    def receive(self) -> list[Frame]:
        """Return the frames that have arrived; sets `ended` when no more can come."""
        frames: list[Frame] = []
        try:
            while not self.ended:
                chunk = self.sock.recv(RECV_BYTES)
                frames += self._reader.feed(chunk)
                self.ended = not chunk
                if len(chunk) < RECV_BYTES:
                    break
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.ended = self.unread = True
        except OSError:
            self.ended = True
        return frames

    def mark_ready(self) -> None:
        """The worker has built its service: from now on `since_s` is about jobs."""
        self.ready = True
        self.since_s = None
        self._clock()

    def finish(self, cpu_s: float) -> Job:
        """Take the oldest job off the list, because its reply was seen; the next one starts now."""
        now_s = time.monotonic()
        spent_s = max(cpu_s, now_s - (self.since_s or now_s))
        self._pace_s += PACE_WEIGHT * (spent_s - self._pace_s)
        self._ends.popleft()
        job = self.jobs.popleft()
        self.since_s = None
        self._clock()
        return job

    def close(self) -> None:
        """Close our end."""
        with contextlib.suppress(OSError):
            self.sock.close()

    def _clock(self) -> None:
        if self.ready and self.since_s is None and self._ends and self._sent >= self._ends[0]:
            self.since_s = time.monotonic()
