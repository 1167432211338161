"""The lane of teachers with machinery of their own: thousands of samples under way, and no thread or process for each.

A teacher's `submit` begins a sample and gives a future. Equal samples fly together. Should the machinery fall silent,
everything that is under way is given up after a last deadline, so that nothing waits for ever.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import TypeAlias

from verifiers.judging import checked, from_error, not_judged
from verifiers.memo import Key
from verifiers.types import Sample, Status, Verdict

LANE_WINDOW = 2048
"""Most samples that one call of the engine has under way."""
_LOOK_S = 1.0
"""How often the watcher looks, at most."""

Submit: TypeAlias = "Callable[[Sample], Future[Verdict] | None]"


class Lane:
    """Begins samples; each caller waits for a future of its own. Safe to use from many threads, and in a fork.

    Args:
        submit: The teacher's.
        deadline_s: Seconds in which at least one of the samples under way must end, or else all are given up.
        remember: Called with the key and the verdict of each sample that ends, in any thread.
        recall: Gives the remembered verdict of a key.
        repeated: Called with each sample that joins an equal one, once that has ended.
    """

    def __init__(
        self,
        submit: Submit,
        deadline_s: float,
        remember: Callable[[Key, Verdict], None],
        recall: Callable[[Key], Verdict | None],
        repeated: Callable[[Sample], None] = lambda sample: None,
    ) -> None:
        self._submit, self._deadline_s = submit, deadline_s
        self._remember, self._recall, self._repeated = remember, recall, repeated
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._flying: dict[Key, _Flight] = {}
        self._moved_s = time.monotonic()
        self._watching = False

    def begin(self, key: Key, sample: Sample) -> Future[Verdict]:
        """Begin a sample, or join an equal one that is under way. Never raises; the future always gets a verdict.

        Cancelling the future gives the sample up, unless somebody else waits for an equal one.
        """
        if self._pid != os.getpid():
            self._reset()  # a fork: what was under way is the parent's
        with self._lock:
            flight = self._flying.get(key)
            waiter = flight.join() if flight else None
            known = None if waiter else self._recall(key)
        if waiter is not None:
            waiter.add_done_callback(lambda future: None if future.cancelled() else self._repeated(sample))
            return waiter
        if known is not None:
            self._repeated(sample)
            return done(known)
        return self._start(key, sample)

    def _start(self, key: Key, sample: Sample) -> Future[Verdict]:
        try:
            inner = self._submit(sample)
            if inner is None:
                return done(not_judged(Status.FAILED, "the teacher's submit() returned None"))
        except Exception as error:  # a teacher may raise anything; the verdict tells what
            return done(from_error(error, "submit()"))
        flight = _Flight(inner)
        waiter = flight.join()
        assert waiter is not None
        with self._lock:
            if not self._flying:
                self._moved_s = time.monotonic()
            self._flying[key] = flight
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="verify-lane", daemon=True).start()
        inner.add_done_callback(lambda future: self._land(key, flight, _verdict_of(future)))
        return waiter

    def _land(self, key: Key, flight: _Flight, verdict: Verdict) -> None:
        self._remember(key, verdict)  # first: an equal sample must find it there or here
        with self._lock:
            self._moved_s = time.monotonic()
            if self._flying.get(key) is flight:
                del self._flying[key]
            waiters = flight.land()
        for waiter in waiters:
            if waiter.set_running_or_notify_cancel():
                waiter.set_result(verdict)

    def _watch(self) -> None:
        """Give everything up once nothing has ended for too long."""
        while True:
            time.sleep(min(_LOOK_S, self._deadline_s / 2))
            with self._lock:
                if not self._flying:
                    self._watching = False
                    return
                if time.monotonic() - self._moved_s < self._deadline_s:
                    continue
                stuck = list(self._flying.items())
            reason = f"nothing was judged for {self._deadline_s:g} s; allow more with deadline_s (--deadline)"
            for key, flight in stuck:
                self._land(key, flight, not_judged(Status.DEADLINE_EXCEEDED, reason))
                flight.inner.cancel()


class _Flight:
    """One sample under way, and who waits for it. `join` and `land` are called with the lane's lock held."""

    def __init__(self, inner: Future[Verdict]) -> None:
        self.inner = inner
        self._waiters: list[Future[Verdict]] = []
        self._landed = False

    def join(self) -> Future[Verdict] | None:
        """Return a future for one more caller; `None` = it has ended, or was given up."""
        if self._landed or self.inner.cancelled():
            return None
        waiter: Future[Verdict] = Future()
        self._waiters.append(waiter)
        waiter.add_done_callback(self._on_cancel)
        return waiter

    def land(self) -> list[Future[Verdict]]:
        """Return who waits, once."""
        waiters = [] if self._landed else self._waiters
        self._landed = True
        return waiters

    def _on_cancel(self, waiter: Future[Verdict]) -> None:
        if waiter.cancelled() and all(each.cancelled() for each in self._waiters):
            self.inner.cancel()


def _verdict_of(future: Future[Verdict]) -> Verdict:
    """Return the sound verdict of a future that is done."""
    try:
        answer = future.result()
    except CancelledError:
        return not_judged(Status.FAILED, "given up")
    except Exception as error:  # a teacher may raise anything; the verdict tells what
        return from_error(error, "submit()")
    return checked(answer, getattr(answer, "elapsed_s", 0.0))


def done(verdict: Verdict) -> Future[Verdict]:
    """Return a future that has its verdict."""
    future: Future[Verdict] = Future()
    future.set_result(verdict)
    return future
