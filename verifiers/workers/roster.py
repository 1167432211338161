"""Who has which worker: leases shared fairly between the runs (threads) that use one pool at a time."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from math import ceil

from verifiers.errors import WorkerError
from verifiers.workers.channel import Channel
from verifiers.workers.frames import Kind
from verifiers.workers.launch import Launcher, Lost

PATIENCE_S = 0.25
"""A run whose caller has not asked for its next reply for so long is asleep; others may have workers in its stead."""
MAX_SPARES = 2
"""Most idle workers kept above the pool's size by a pool of one; a pool of n may keep n + 1. All its workers may be
killed at once, and one of them again soon after; none of that need wait for a start."""


@dataclass(eq=False, slots=True)
class Tenant:
    """One run.

    Attributes:
        held: How many workers it has.
        paused_s: Since when its caller has not asked for the next reply (monotonic clock); `None` = it works.
    """

    held: int = 0
    paused_s: float | None = None

    def asleep(self, now_s: float) -> bool:
        """Whether it holds its workers for nothing."""
        return self.paused_s is not None and now_s - self.paused_s >= PATIENCE_S


class Roster:
    """The pool's workers: leased to runs, or idle."""

    def __init__(self, launcher: Launcher, size: int) -> None:
        self._launcher = launcher
        self._size = size
        self._spares = 1
        self._changed = threading.Condition()
        self._idle: list[Channel] = []
        self._leased: set[Channel] = set()
        self._tenants: set[Tenant] = set()
        self._queue: deque[Tenant] = deque()
        self._closed = False

    def join(self) -> Tenant:
        """Begin a run."""
        tenant = Tenant()
        with self._changed:
            self._check_open()
            self._tenants.add(tenant)
        return tenant

    def leave(self, tenant: Tenant) -> None:
        """End a run; it must have given back its workers."""
        with self._changed:
            self._tenants.discard(tenant)

    def crowded(self) -> bool:
        """Whether a run waits for a worker."""
        return bool(self._queue)

    def share(self) -> int:
        """How many workers each run may keep while others wait."""
        return max(1, self._size // max(1, len(self._tenants)))

    def acquire(self, tenant: Tenant, *, wait: bool) -> Channel | None:
        """Lease a worker, which may not be ready yet; `None` if there is none and `wait` is false.

        Raises:
            WorkerError: If workers cannot be started, or the pool is closed.
        """
        with self._changed:
            if not wait:
                return self._take(tenant) if not self._queue and self._has_room() else None
            self._queue.append(tenant)
            try:
                while not (self._queue[0] is tenant and self._has_room()):
                    self._check_open()
                    self._changed.wait(PATIENCE_S)
                return self._take(tenant)
            finally:
                self._queue.remove(tenant)
                self._changed.notify_all()

    def release(self, tenant: Tenant, channel: Channel) -> None:
        """Give back a worker that has nothing under way."""
        with self._changed:
            self._hand_in(tenant, channel)
            if not self._closed:
                self._idle.append(channel)
            surplus = self._idle[: max(0, len(self._idle) - max(0, self._size - len(self._leased)) - self._spares)]
            del self._idle[: len(surplus)]
            for old in surplus:
                self._stop(old)

    def destroy(self, tenant: Tenant, channel: Channel, patience_s: float = 0.0) -> int | None:
        """Kill a leased worker; see `Launcher.stop`."""
        with self._changed:
            self._hand_in(tenant, channel)
        return self._launcher.stop(channel, patience_s)

    @property
    def start_s(self) -> float:
        """About how long a worker takes until it is ready."""
        return self._launcher.start_s

    def warm_spares(self, at_risk: int, deadline_s: float) -> None:
        """See to it that idle workers stand by.

        Args:
            at_risk: How many workers may be killed soon.
            deadline_s: After how long each; the shorter than a start, the more kills there are in the time of one.
        """
        one = ceil(2 * self.start_s / deadline_s)  # twice: where workers are killed, the machine is busy
        wanted = min(at_risk * one, self._size + MAX_SPARES - 1)
        if len(self._idle) >= wanted:  # read without the lock: this is asked often, and a late answer does no harm
            return
        with self._changed:
            self._spares = max(self._spares, wanted)
            while len(self._idle) < wanted and not self._closed:
                self._idle.append(self._launcher.start())

    def close(self) -> None:
        """Kill all workers; runs under way end with a `WorkerError`."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for channel in idle:
            channel.close()
        self._launcher.close()

    def abandon(self) -> None:
        """Close our copies of the sockets, in a fork of the process that owns the workers."""
        for channel in (*self._idle, *self._leased):
            channel.close()
        self._launcher.abandon()

    def _hand_in(self, tenant: Tenant, channel: Channel) -> None:
        self._leased.discard(channel)
        tenant.held -= 1
        self._changed.notify_all()

    def _has_room(self) -> bool:
        now_s = time.monotonic()
        asleep = sum(tenant.held for tenant in self._tenants if tenant.asleep(now_s))
        return len(self._leased) - asleep < self._size

    def _take(self, tenant: Tenant) -> Channel:
        self._check_open()
        channel = self._pick_idle() or self._launcher.start()
        self._leased.add(channel)
        tenant.held += 1
        return channel

    def _pick_idle(self) -> Channel | None:
        """Take a living idle worker off the list, a ready one if possible."""
        for channel in tuple(self._idle):
            for frame in (*channel.receive(), *channel.receive()):  # twice: an end may follow the last bytes
                if frame.kind == Kind.READY:
                    channel.mark_ready()
            if channel.ended:
                self._idle.remove(channel)
                self._stop(channel)
        chosen = next((channel for channel in self._idle if channel.ready), self._idle[0] if self._idle else None)
        if chosen is not None:
            self._idle.remove(chosen)
        return chosen

    def _stop(self, channel: Channel) -> None:
        try:
            self._launcher.stop(channel, 0.0)
        except Lost:
            return  # dead already

    def _check_open(self) -> None:
        if self._closed:
            raise WorkerError("this WorkerPool is closed; make a new one")
