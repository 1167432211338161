"""Threads that wait for workers, and that never keep a broken-off run from ending."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeAlias, TypeVar

_Result = TypeVar("_Result")
_Work: TypeAlias = "tuple[Future[_Result], Callable[[], _Result]] | None"


class Threads(Generic[_Result]):
    """A few daemon threads.

    `ThreadPoolExecutor` will not do: the interpreter joins its threads at exit, so that after Ctrl-C it would wait for
    a sample's whole deadline.

    Args:
        count: How many; they start with the first work.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._queue: SimpleQueue[_Work[_Result]] = SimpleQueue()
        self._threads: list[Thread] = []
        self._closed = False

    def submit(self, work: Callable[[], _Result]) -> Future[_Result]:
        """Do work in one of the threads."""
        future: Future[_Result] = Future()
        self._queue.put((future, work))
        if len(self._threads) < self._count:
            thread = Thread(target=self._serve, name="verify-settle", daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """Let the threads end; work that has not begun is given up."""
        self._closed = True
        for _ in self._threads:
            self._queue.put(None)

    def _serve(self) -> None:
        while (item := self._queue.get()) is not None:
            future, work = item
            if self._closed:
                future.cancel()
                continue
            try:
                future.set_result(work())
            except BaseException as error:  # handed to whoever waits for the result
                future.set_exception(error)
