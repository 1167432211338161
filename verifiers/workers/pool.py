"""Killable worker processes: bytes in, bytes out, a deadline for each request.

    with WorkerPool("package.module:factory", config) as pool:
        for reply in pool.run(requests, deadline_s=5.0): ...

The factory is called once in each worker and returns the service (`bytes -> bytes`). Works from any thread, event
loop, notebook or actor, and in forks of the process that made the pool; the caller is never forked, its `__main__`
never imported.
"""

from __future__ import annotations

import atexit
import math
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Literal, Self, TypeAlias

from verifiers.errors import UsageError, WorkerError
from verifiers.workers.launch import Launcher, SpawnLauncher, ZygoteLauncher
from verifiers.workers.reply import Failure, Reply
from verifiers.workers.roster import Roster
from verifiers.workers.run import Run
from verifiers.workers.spec import WorkerSpec

__all__ = ["DEFAULT_MEMORY_BYTES", "Failure", "Reply", "WorkerPool", "shared_pool"]

StartMethod: TypeAlias = Literal["fork", "spawn"]

DEFAULT_MEMORY_BYTES = 2 << 30
"""Address space that the work in a worker may add to what the worker has loaded."""
MAX_DEADLINE_S = 30 * 86400.0
"""Longest deadline; timers of the operating system end somewhere."""


class WorkerPool:
    """Workers of one kind, started when first needed.

    Args:
        factory: `"package.module:function"`; called once in each worker with `config`; returns the service, which is
            called with each request. If it raises, every request is answered with `Failure.ERROR` and its text.
        config: Bytes for the factory.
        preload: Modules to import before the first fork, so that workers start fast.
        size: Most requests at work at a time.
        start_method: "fork" = a zygote process of our own forks the workers (Linux, the default there); "spawn" =
            each worker is a fresh interpreter (the default elsewhere).
        memory_bytes: Address space that the work may add to what the worker has loaded (Linux); `None` = unlimited.

    Raises:
        UsageError: If an argument is not allowed.
        WorkerError: If the platform has no such processes.
    """

    def __init__(
        self,
        factory: str,
        config: bytes = b"",
        *,
        preload: Sequence[str] = (),
        size: int = 1,
        start_method: StartMethod | None = None,
        memory_bytes: int | None = DEFAULT_MEMORY_BYTES,
    ) -> None:
        module, _, function = factory.partition(":")
        if not module or not function or module == "__main__":
            raise UsageError(f"a factory is 'importable.module:function', not {factory!r}")
        if size < 1:
            raise UsageError(f"a pool has at least 1 worker, not {size!r}")
        self._spec = WorkerSpec(factory, bytes(config), tuple(preload), memory_bytes)
        self._size = size
        self._start_method = _start_method(start_method)
        self._open()
        _POOLS.add(self)

    def run(
        self, requests: Iterable[bytes], deadline_s: float, *, on_start: Callable[[int], None] | None = None
    ) -> Iterator[Reply]:
        """Answer requests; usable from many threads at once, which share the workers fairly.

        Args:
            requests: Pulled lazily, a few ahead of the workers.
            deadline_s: Wall-clock seconds for each request, from the start of its work; a worker that needs longer is
                killed, and nobody else notices.
            on_start: Called with a request's index when its work starts.

        Returns:
            An iterator of one reply per request, as they are completed. If it is abandoned, work under way is killed.

        Raises:
            UsageError: If `deadline_s` is not allowed.
            WorkerError: (From the iterator) if workers cannot be started, or the pool is closed.
        """
        if not (math.isfinite(deadline_s) and 0 < deadline_s <= MAX_DEADLINE_S):
            raise UsageError(f"a deadline is above 0 and at most {MAX_DEADLINE_S:g} seconds, not {deadline_s!r}")
        if os.getpid() != self._pid:
            self._start_anew()
        return Run(self._roster, requests, deadline_s, on_start).replies()

    def close(self) -> None:
        """Kill all workers; runs under way in other threads end with a `WorkerError`."""
        if os.getpid() == self._pid:
            self._finalizer()  # runs once, here or at exit

    def __enter__(self) -> Self:
        """Return the pool itself; it is closed at the end of the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> None:
        launcher: Launcher = ZygoteLauncher(self._spec) if self._start_method == "fork" else SpawnLauncher(self._spec)
        self._pid = os.getpid()
        self._roster = Roster(launcher, self._size)
        self._finalizer = weakref.finalize(self, _close_in, self._pid, self._roster)

    def _start_anew(self) -> None:
        """After a fork of the caller: leave the workers to the parent and have our own."""
        was_open = self._finalizer.detach() is not None
        self._roster.abandon()
        self._open()
        if not was_open:
            self.close()


def _close_in(pid: int, roster: Roster) -> None:
    if os.getpid() == pid:
        roster.close()


def _start_method(wanted: str | None) -> StartMethod:
    if os.name != "posix":
        raise WorkerError("worker processes need Linux or macOS; on Windows run under WSL")
    linux = sys.platform.startswith("linux")
    if wanted is None:
        return "fork" if linux else "spawn"
    if wanted == "fork" and linux:
        return "fork"
    if wanted == "spawn":
        return "spawn"
    allowed = "'fork', 'spawn'" if linux else "'spawn'"
    raise UsageError(f"the start method must be one of {allowed} (or None) on this platform, not {wanted!r}")


_Key: TypeAlias = tuple[int, str, bytes, tuple[str, ...], int]
_POOLS: weakref.WeakSet[WorkerPool] = weakref.WeakSet()
_shared: dict[_Key, WorkerPool] = {}
_retired: weakref.WeakValueDictionary[_Key, WorkerPool] = weakref.WeakValueDictionary()
_shared_lock = threading.Lock()


def shared_pool(
    factory: str, config: bytes = b"", *, preload: Sequence[str] = (), size: int | None = None
) -> WorkerPool:
    """Return this process's pool for these arguments; it is made once and closed at exit.

    Args:
        factory: See `WorkerPool`.
        config: See `WorkerPool`.
        preload: See `WorkerPool`.
        size: See `WorkerPool`; `None` = the number of CPUs that this process may use.

    Raises:
        UsageError: If an argument is not allowed.
    """
    workers = _usable_cpus() if size is None else size
    key = (os.getpid(), factory, bytes(config), tuple(preload), workers)
    with _shared_lock:
        pool = _shared.get(key) or _retired.get(key)
        if pool is None:
            pool = _shared[key] = WorkerPool(factory, config, preload=preload, size=workers)
    return pool


def retire(pool: WorkerPool) -> None:
    """Let a shared pool end with the last one who holds it, rather than with the process: it is out of date."""
    with _shared_lock:
        for key in [key for key, each in _shared.items() if each is pool]:
            _retired[key] = _shared.pop(key)


def _usable_cpus() -> int:
    if sys.platform.startswith("linux"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _close_shared() -> None:
    """Close the shared pools at exit, before the interpreter takes modules apart."""
    for pool in _shared.values():
        pool.close()


def _after_fork_in_child() -> None:
    """Drop what belongs to the parent: open copies of its sockets would keep its workers alive after its death."""
    global _shared_lock
    _shared_lock = threading.Lock()
    _shared.clear()
    _retired.clear()
    for pool in tuple(_POOLS):
        pool._start_anew()


atexit.register(_close_shared)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork_in_child)
