"""Boxes that are child processes of ours, which speak frames over a pair of sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import tempfile
from abc import ABC, abstractmethod
from typing import IO

from sandbox.errors import SandboxError
from sandbox.launcher import Started
from sandbox.threads import Threads

BUFFER_BYTES = 1024 * 1024
LOG_BYTES = 2000
THREADS = 2
END_TIMEOUT_S = 10.0


class ProcessLauncher(ABC):
    """The common part of such launchers; see `sandbox.launcher.Launcher`."""

    name = "process"

    def __init__(self) -> None:
        self._threads = Threads(THREADS, f"grpo-sandbox-{self.name}")
        self._numbers = itertools.count(1)
        self._running: dict[str, tuple[subprocess.Popen[bytes], IO[bytes]]] = {}

    @property
    def image(self) -> str:
        """See `Launcher`."""
        return self.name

    async def prepare(self) -> None:  # noqa: B027 (most have nothing to do)
        """See `Launcher`; there is nothing to find out."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that starts a box."""

    async def start(self) -> Started:
        """Start a box; see `Launcher`.

        On the loop's own thread, which lives as long as we do: a box may be told to die with the thread that began it.
        """
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as undo:
            undo.callback(ours.close)
            log = undo.enter_context(tempfile.TemporaryFile())
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            try:
                process = subprocess.Popen(
                    self.command(),
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=log.fileno(),
                    start_new_session=True,
                    cwd="/",
                )
            except OSError as error:
                raise SandboxError(f"a box cannot be started: {error}") from error
            undo.pop_all()  # the log is closed when the box is ended
        handle = f"{process.pid}-{next(self._numbers)}"
        self._running[handle] = (process, log)
        line = ours.detach()
        return Started(handle, line, line)

    async def died(self, handle: str) -> str:
        """Say how a box died; see `Launcher`."""
        process, log = self._running[handle]
        return self._how(process, log) if process.poll() is not None else ""

    async def end(self, handle: str) -> str:
        """Kill a box with all that runs in it; see `Launcher`."""
        entry = self._running.pop(handle, None)
        if entry is None:
            return ""
        process, log = entry
        was_dead = process.poll() is not None
        await self._threads.call(_kill, process)
        with log:
            how = self._how(process, log)
        return how if was_dead else ""

    async def close(self) -> None:
        """End all boxes; see `Launcher`."""
        await asyncio.gather(*(self.end(handle) for handle in list(self._running)))
        self._threads.close()

    @staticmethod
    def _how(process: subprocess.Popen[bytes], log: IO[bytes]) -> str:
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - LOG_BYTES))
        words = log.read().decode(errors="replace").strip()
        return f"it ended with status {process.returncode}{': ' if words else ''}{words}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with its session's group, and wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(END_TIMEOUT_S)
