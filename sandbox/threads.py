"""A few threads for calls that block, which still work while the interpreter shuts down.

The standard library's executors refuse work by then, which is when boxes are to be ended.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[..., Any], tuple[Any, ...]]


class Threads:
    """Daemon threads that take calls from the loop."""

    def __init__(self, count: int, name: str) -> None:
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._count = count
        self._begun: set[asyncio.Future[Any]] = set()
        for number in range(count):
            threading.Thread(target=self._serve, name=f"{name}-{number}", daemon=True).start()

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Make a call in one of the threads and return what it returns. Who is cancelled does not end the call."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._begun.add(future)
        future.add_done_callback(self._ended)
        self._work.put((loop, future, function, args))
        return await asyncio.shield(future)

    def _ended(self, future: asyncio.Future[Any]) -> None:
        self._begun.discard(future)
        if not future.cancelled():
            future.exception()  # seen: whoever waited may have been cancelled

    async def idle(self, timeout_s: float) -> None:
        """Wait until the calls that were made have ended, also those that nobody waits for any more."""
        if self._begun:
            await asyncio.wait(set(self._begun), timeout=timeout_s)

    def close(self) -> None:
        """Have the threads end after what they have begun."""
        for _ in range(self._count):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            loop, future, function, args = work
            try:
                result = function(*args)
            except BaseException as error:  # handed over to whoever waits
                loop.call_soon_threadsafe(_fail, future, error)
            else:
                loop.call_soon_threadsafe(_succeed, future, result)
            del work, future


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
