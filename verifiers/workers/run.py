"""One pass over requests: feed leased workers, watch their deadlines, collect replies. Single-threaded."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from verifiers.errors import WorkerError
from verifiers.workers.channel import Channel, Job
from verifiers.workers.frames import MAX_FRAME_BYTES, Frame, Kind
from verifiers.workers.launch import START_TIMEOUT_S, START_TRIES, Lost, describe_exit
from verifiers.workers.reply import Failure, Reply
from verifiers.workers.roster import Roster
from verifiers.workers.spec import EXIT_OUT_OF_MEMORY

SPARE_AFTER_S = 0.05
"""A request that runs for so long (or a quarter of its deadline) may have to be killed: a spare is made ready."""
SPARE_LEAD = 3
"""How many times what a start takes (a busy machine is slow) before its deadline a request needs a spare of its own.

Where a deadline is shorter than that, spares are made ready before any request runs."""
SLICE_S = 0.05
"""How long a run keeps its last worker while others wait for one."""
DEATH_PATIENCE_S = 0.2
"""How long a worker that closed its socket may take to be dead."""


class Run:
    """The state of one `WorkerPool.run`."""

    def __init__(
        self, roster: Roster, requests: Iterable[bytes], deadline_s: float, on_start: Callable[[int], None] | None
    ) -> None:
        self._roster = roster
        self._requests = enumerate(requests)
        self._exhausted = False
        self._killed = False
        self._deadline_s = deadline_s
        self._spare_after_s = min(SPARE_AFTER_S, deadline_s / 4)
        self._risk_after_s = deadline_s - SPARE_LEAD * roster.start_s
        self._spares_at_once = self._risk_after_s < self._spare_after_s
        self._moments = sorted({self._spare_after_s, max(0.0, self._risk_after_s), deadline_s})
        self._on_start = on_start
        self._pid = os.getpid()
        self._pending: deque[Job] = deque()
        self._done: deque[Reply] = deque()
        self._channels: dict[Channel, float] = {}  # with the time of the lease
        self._draining: set[Channel] = set()
        self._announced: set[int] = set()
        self._failed_starts: set[object] = set()
        # poll() needs no descriptor of its own, so that a small run costs no system calls for it
        self._selector = selectors.PollSelector()

    def replies(self) -> Iterator[Reply]:
        """Yield replies as they come, until all requests are answered."""
        self._tenant = self._roster.join()
        try:
            while self._advance():
                while self._done:
                    reply = self._done.popleft()
                    self._tenant.paused_s = time.monotonic()
                    yield reply
                    self._tenant.paused_s = None
                    if os.getpid() != self._pid:
                        raise WorkerError("this iterator was made before os.fork(); call run() again in this process")
        finally:
            if os.getpid() == self._pid:
                self._leave()

    def _advance(self) -> bool:
        """Do the next bit of work; return false when nothing is left."""
        self._draining = self._choose_draining()
        self._feed()
        self._share()
        if self._done:
            return True
        if not self._pending and self._exhausted and not any(channel.jobs for channel in self._channels):
            return False
        if not self._channels:
            self._lease(wait=True)
        for channel in self._poll():
            self._collect(channel)
        self._enforce()
        self._share()  # before the caller takes its time over the replies
        return True

    # -- leases

    def _lease(self, *, wait: bool) -> bool:
        channel = self._roster.acquire(self._tenant, wait=wait)
        if channel is None:
            return False
        self._channels[channel] = time.monotonic()
        self._selector.register(channel.sock, selectors.EVENT_READ, channel)
        if self._spares_at_once and (channel.ready or not self._killed):
            self._warm_spares()
        return True

    def _choose_draining(self) -> set[Channel]:
        """Choose workers to give back rather than feed, because other runs wait.

        Once per round: were it asked again and again, a worker could be too late to be given back and then not be fed.
        """
        if not self._channels or not self._roster.crowded():
            return set()
        now_s = time.monotonic()
        leases = sorted(self._channels.items(), key=lambda lease: lease[1])
        surplus = len(leases) - self._roster.share()
        return {channel for n, (channel, since_s) in enumerate(leases) if n < surplus or now_s - since_s > SLICE_S}

    def _share(self) -> None:
        """Give idle workers back that others wait for or that have nothing left to do here."""
        useless = self._exhausted and not self._pending
        for channel in tuple(self._channels):
            if channel.ready and not channel.jobs and (useless or channel in self._draining):
                self._forget(channel)
                self._roster.release(self._tenant, channel)

    def _forget(self, channel: Channel) -> None:
        del self._channels[channel]
        self._selector.unregister(channel.sock)

    def _leave(self) -> None:
        """Give everything back; workers with unread replies are killed, so that nobody else gets those."""
        try:
            for channel in tuple(self._channels):
                if channel.jobs:
                    self._kill(channel)
                else:
                    self._forget(channel)
                    self._roster.release(self._tenant, channel)
        finally:
            self._selector.close()
            self._roster.leave(self._tenant)

    # -- requests

    def _feed(self) -> None:
        """Give requests to workers while both are there."""
        fed: set[Channel] = set()
        while self._pending or self._pull():
            channel = self._shallowest()
            if channel is None or channel.jobs:
                if self._lease(wait=False):
                    continue
                if channel is None or not channel.fits(self._pending[0]):
                    break
            channel.push(self._pending.popleft(), self._deadline_s)
            fed.add(channel)
        for channel in fed:
            self._flush(channel)

    def _shallowest(self) -> Channel | None:
        able = [c for c in self._channels if c.ready and len(c.jobs) < c.depth and c not in self._draining]
        return min(able, key=lambda channel: len(channel.jobs), default=None)

    def _pull(self) -> bool:
        """Take one request from the caller's iterable; return false if there is none to send."""
        while not self._exhausted:
            index, payload = next(self._requests, (-1, b""))
            if index < 0:
                self._exhausted = True
            elif len(payload) > MAX_FRAME_BYTES:
                text = f"the request has {len(payload)} bytes; at most {MAX_FRAME_BYTES} are allowed"
                self._done.append(Reply(index, None, Failure.ERROR, text))
            else:
                self._pending.append(Job(index, payload))
                return True
        return False

    def _flush(self, channel: Channel) -> None:
        was_sending = self._selector.get_key(channel.sock).events != selectors.EVENT_READ
        channel.flush()
        if channel.sending != was_sending:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.sending else 0)
            self._selector.modify(channel.sock, events, channel)
        self._announce(channel)

    def _announce(self, channel: Channel) -> None:
        if self._on_start is None or channel.since_s is None or not channel.ready:
            return
        index = channel.jobs[0].index
        if index not in self._announced:  # a request that is sent a second time has started once
            self._announced.add(index)
            self._on_start(index)

    # -- replies

    def _poll(self) -> list[Channel]:
        """Wait until a worker has something to say or a moment has come to look at the clocks."""
        now_s = time.monotonic()
        if self._pending and any(channel.ready and not channel.jobs for channel in self._channels):
            return []  # it was to be given back while others waited, and they no longer may: decide again
        moments = [self._moment(channel, now_s) for channel in self._channels if channel.since_s is not None]
        timeout_s = max(0.0, min(moments, default=now_s + START_TIMEOUT_S) - now_s)
        readable: list[Channel] = []
        for key, events in self._selector.select(timeout_s):
            if events & selectors.EVENT_WRITE:
                self._flush(key.data)
            if events & selectors.EVENT_READ:
                readable.append(key.data)
        return readable

    def _moment(self, channel: Channel, now_s: float) -> float:
        since_s = channel.since_s or now_s
        if not channel.ready:
            return since_s + START_TIMEOUT_S
        spent_s = now_s - since_s
        return since_s + next((moment for moment in self._moments if moment > spent_s), self._deadline_s)

    def _collect(self, channel: Channel) -> None:
        """Take what has arrived from a worker."""
        for frame in channel.receive():
            if frame.kind == Kind.READY:
                channel.mark_ready()
                self._failed_starts.clear()
                if self._spares_at_once:  # not before: after a kill, others would only slow this one's start down
                    self._warm_spares()
            else:
                self._answer(channel, frame)
                if frame.kind == Kind.MEMORY:  # its heap is in an unknown state; the rest goes to a fresh one
                    self._requeue(channel)
                    self._kill(channel)
                    return
        if channel.ended:
            self._bury(channel)

    def _answer(self, channel: Channel, frame: Frame) -> None:
        job = channel.finish(frame.seconds)
        if frame.kind == Kind.REPLY:
            self._announced.discard(job.index)
            self._done.append(Reply(job.index, frame.payload, elapsed_s=frame.seconds))
        else:
            failure = Failure.MEMORY if frame.kind == Kind.MEMORY else Failure.ERROR
            self._fail(job, failure, frame.payload.decode(errors="replace"), frame.seconds)
        self._announce(channel)

    def _fail(self, job: Job, failure: Failure, detail: str, elapsed_s: float) -> None:
        self._announced.discard(job.index)
        self._done.append(Reply(job.index, None, failure, detail, elapsed_s))

    # -- deaths

    def _enforce(self) -> None:
        """Kill workers whose request is past its deadline, and get a spare ready before that."""
        now_s = time.monotonic()
        for channel in tuple(self._channels):
            since_s = channel.since_s
            if since_s is None:
                continue
            if not channel.ready:
                if now_s - since_s > START_TIMEOUT_S:
                    self._kill(channel)
                    raise WorkerError(f"a worker was not ready after {START_TIMEOUT_S:g} s; its factory hangs")
            elif now_s - since_s >= self._deadline_s:
                self._collect(channel)  # its reply may wait in the socket
                if channel in self._channels and channel.since_s == since_s:
                    self._overdue(channel, now_s - since_s)
            elif now_s - since_s >= self._spare_after_s:
                self._warm_spares()

    def _warm_spares(self) -> None:
        now_s = time.monotonic()
        at_risk = sum(now_s - (channel.since_s or now_s) >= self._risk_after_s for channel in self._channels)
        try:
            self._roster.warm_spares(max(1, at_risk), self._deadline_s)
        except WorkerError:
            return  # a spare is a comfort; if a worker is really needed and cannot be started, that raises

    def _overdue(self, channel: Channel, elapsed_s: float) -> None:
        job = channel.jobs.popleft()
        self._requeue(channel)
        code = self._kill(channel)
        failure, detail = Failure.DEADLINE, f"killed after {elapsed_s:.3g} s; the deadline is {self._deadline_s:g} s"
        if code is not None:  # dead all the time, but something that it started kept its socket open
            failure, detail = _verdict(code)
        self._fail(job, failure, detail, elapsed_s)

    def _bury(self, channel: Channel) -> None:
        """Find out why a worker died, and blame the request that it was working on, if any."""
        elapsed_s = time.monotonic() - (channel.since_s or time.monotonic())
        started = channel.ready and channel.since_s is not None
        job = channel.jobs.popleft() if started else None
        self._requeue(channel)
        self._forget(channel)
        code: int | None = None
        excuse: object = channel if channel.unread else None
        try:
            code = self._roster.destroy(self._tenant, channel, DEATH_PATIENCE_S)
            failure, detail = _verdict(code)
        except Lost as error:
            excuse = channel.owner
            failure, detail = Failure.CRASHED, f"the worker was lost ({error}), for the second time"
        if not channel.ready:
            self._count_failed_start(excuse or channel, detail)
        elif job is None:
            return
        elif excuse is not None and job.excused(excuse):  # the worker was dead before it began, or died with others
            self._pending.appendleft(job)
        else:
            if code == -signal.SIGALRM and elapsed_s >= self._deadline_s:
                failure = Failure.DEADLINE  # the backstop: our caller did not ask for replies for a long time
            self._fail(job, failure, detail, elapsed_s)

    def _count_failed_start(self, cause: object, detail: str) -> None:
        """Give up after some; workers that died with one zygote count once."""
        self._failed_starts.add(cause)
        if len(self._failed_starts) >= START_TRIES:
            raise WorkerError(
                f"{START_TRIES} workers in a row died while starting ({detail}); the factory must "
                f"return a function without ending its process, within the worker's memory"
            )

    def _requeue(self, channel: Channel) -> None:
        """Take back what a worker has not started."""
        self._pending.extendleft(reversed(channel.jobs))
        channel.jobs.clear()

    def _kill(self, channel: Channel) -> int | None:
        self._killed = True
        self._forget(channel)
        try:
            return self._roster.destroy(self._tenant, channel)
        except Lost:
            return None


def _verdict(code: int | None) -> tuple[Failure, str]:
    if code is None:
        return Failure.CRASHED, "the worker closed its socket without a reply"
    if code == EXIT_OUT_OF_MEMORY:
        return Failure.MEMORY, "the worker ran out of memory"
    return Failure.CRASHED, f"the worker {describe_exit(code)}"
