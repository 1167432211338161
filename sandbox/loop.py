"""The one background thread with an event loop that all pools of this process live on.

Callers may be anywhere: in threads, in event loops of their own, in a fork of the process (which gets a loop of its
own, and never touches what its parent started).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
START_TIMEOUT_S = 30.0

_lock = threading.Lock()
_thread: _LoopThread | None = None
_inherited: list[object] = []
"""What a parent process left in us. Kept alive for ever: its finalizers would reach for the parent's descriptors."""
_at_fork: list[Callable[[], object]] = []


class _LoopThread:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grpo-sandbox", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S):
            raise RuntimeError(f"the sandbox's thread did not start within {START_TIMEOUT_S:.0f} s")

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._ready.set)
        self.loop.run_forever()

    @property
    def is_current(self) -> bool:
        return threading.current_thread() is self._thread


def _running() -> _LoopThread:
    global _thread
    with _lock:
        if _thread is None:
            _thread = _LoopThread()
        return _thread


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run a coroutine on the loop, from anywhere; the future may be waited for in any thread but the loop's own."""
    return asyncio.run_coroutine_threadsafe(work, _running().loop)


def wait(work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
    """Run a coroutine on the loop and wait for its result.

    Raises:
        RuntimeError: If called on the loop's own thread, which would wait for itself.
        TimeoutError: After `timeout_s` seconds.
    """
    if _thread is not None and _thread.is_current:
        work.close()
        raise RuntimeError("called from the sandbox's own thread (from `on_report`?): it would wait for itself")
    return submit(work).result(timeout_s)


def call_at_fork(forget: Callable[[], object]) -> None:
    """Have something called in every later fork of this process, where its own state is to be dropped untouched.

    What it returns is kept alive for ever.
    """
    _at_fork.append(forget)


def _forget() -> None:
    """Start from nothing in a fork: the thread did not come along, and all descriptors are the parent's."""
    global _thread, _lock
    _lock = threading.Lock()
    _inherited.append(_thread)
    _thread = None
    _inherited.extend([forget() for forget in _at_fork])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
