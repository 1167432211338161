"""What a fork must not go on with: locks that a thread of the parent held, queues without threads, open connections."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Renewable(Protocol):
    """Something whose inner state belongs to one process."""

    def renew(self) -> None:
        """Begin anew; the old state's locks may be held for ever."""


_live: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renewed_in_forks(thing: Renewable) -> None:
    """Call `thing.renew()` in each fork, before any thread there can use it."""
    _live.add(thing)


def _renew_all() -> None:
    for thing in list(_live):
        thing.renew()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_renew_all)
