"""Judge a sample with members that have machinery of their own (`submit`): no thread or process waits for those.

The members are asked as `combine` asks them. What they say at once is known at once; when one has to be waited for,
the question is put again, from what is known by then, as soon as its verdict is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import cache
from typing import TypeAlias

from verifiers.compose.combine import combine
from verifiers.compose.plan import Plan
from verifiers.judging import checked, from_error, not_judged
from verifiers.types import Status, Verdict

MAX_WAITING = 16
"""Threads that wait for workers, for members that need one."""

Begin: TypeAlias = "Callable[[], Verdict | Future[Verdict]]"
"""Begins to ask one member."""


def fly(plan: Plan, members: Sequence[Begin]) -> Future[Verdict]:
    """Ask the members that are needed; return the future of the whole's verdict.

    Args:
        plan: Who, and how they make one reward.
        members: How each member is begun, by its number.
    """
    flight = _Flight(plan, members)
    flight.go_on()
    return flight.whole


class _Flight:
    """One sample on its way."""

    def __init__(self, plan: Plan, members: Sequence[Begin]) -> None:
        self.whole: Future[Verdict] = Future()
        self._plan, self._members = plan, members
        self._known: dict[int, Verdict] = {}
        self._awaited: tuple[int, Future[Verdict]] | None = None
        self.whole.add_done_callback(self._on_end)

    def go_on(self) -> None:
        """Put the question; end, or wait for the member that is missing."""
        self._awaited = None
        try:
            verdict = combine(self._plan, self._ask)
        except Exception as error:  # a member may raise anything; the verdict tells what
            verdict = from_error(error, "submit()")
        if verdict is not None:
            if self.whole.set_running_or_notify_cancel():
                self.whole.set_result(verdict)
        elif self._awaited is not None:
            index, future = self._awaited
            future.add_done_callback(lambda done: self._on_member(index, done))

    def _ask(self, index: int) -> Verdict | None:
        if index not in self._known:
            begun = self._members[index]()
            if not isinstance(begun, Verdict):
                self._awaited = index, begun
                return None
            self._known[index] = begun
        return self._known[index]

    def _on_member(self, index: int, done: Future[Verdict]) -> None:
        self._known[index] = _result(done)
        if not self.whole.cancelled():
            self.go_on()

    def _on_end(self, whole: Future[Verdict]) -> None:
        if whole.cancelled() and self._awaited is not None:
            self._awaited[1].cancel()


def _result(future: Future[Verdict]) -> Verdict:
    try:
        answer = future.result()
    except CancelledError:
        return not_judged(Status.FAILED, "given up")
    except Exception as error:  # as above
        return from_error(error, "submit()")
    return checked(answer, getattr(answer, "elapsed_s", 0.0))


@cache
def waiting_threads() -> ThreadPoolExecutor:
    """Return the few threads that wait for workers."""
    return ThreadPoolExecutor(MAX_WAITING, "verify-compose")
