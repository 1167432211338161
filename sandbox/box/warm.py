"""The supervisor's handles of its zygotes."""

from __future__ import annotations

import json
import marshal
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from . import zygote
from .setting import Setting

START_TIMEOUT_S = 60.0
SEND_BUFFER_BYTES = 1 << 20
FOLDER = os.path.dirname(os.path.abspath(__file__))


class Reply(NamedTuple):
    """One record of a zygote's."""

    tag: int
    child: int
    value: int
    cpu_s: float
    resident_bytes: int


class ZygoteLost(RuntimeError):
    """The zygote is gone, or does not answer."""


class Zygote:
    """A warm interpreter."""

    def __init__(self, preload: Sequence[str], setting: Setting) -> None:
        """Start one and wait until it is ready.

        Raises:
            ZygoteLost: If it does not come up; with what it said.
        """
        self._buffer = b""
        self.sock, theirs = socket.socketpair()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        streams = [memory_file(name) for name in ("stdin", "stdout", "stderr")]
        options = {
            "preload": list(preload), "protect": [os.getpid()] if setting.mode == "single" else [],
            "strict": setting.strict, "switch_users": setting.uids is not None, "folder": setting.work,
        }  # fmt: skip
        actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((*streams, theirs.fileno()))]
        argv = [sys.executable, "-s", "-B", FOLDER, "--zygote", json.dumps(options)]
        self.pid = os.posix_spawn(sys.executable, argv, setting.env, file_actions=actions, setsigmask=())
        theirs.close()
        try:
            self.address_bytes = self._await_ready(streams[2])
        finally:
            for fd in streams:
                os.close(fd)

    def _await_ready(self, stderr: int) -> int:
        self.sock.settimeout(START_TIMEOUT_S)
        try:
            first = self.replies()
        except (OSError, ZygoteLost) as error:
            said = os.pread(stderr, 2000, 0).decode("utf-8", "replace")
            raise ZygoteLost(f"the warm interpreter did not start: {error} {said[-500:]}") from error
        finally:
            self.sock.settimeout(None)
        return first[0].resident_bytes

    def ask(self, plans: list[dict[str, Any]], fds: Sequence[int]) -> None:
        """Have processes forked. `fds` are those of all plans, in order.

        Raises:
            ZygoteLost: If it is gone.
        """
        text = marshal.dumps(plans)
        data = zygote.LENGTH.pack(len(text)) + text
        try:
            sent = socket.send_fds(self.sock, [data], list(fds))
            self.sock.sendall(data[sent:])
        except OSError as error:
            raise ZygoteLost(f"the warm interpreter is gone: {error}") from error

    def replies(self) -> list[Reply]:
        """Read what it has said; waits for something.

        Raises:
            ZygoteLost: If it is gone.
        """
        data = self.sock.recv(4096)
        if not data:
            raise ZygoteLost("the warm interpreter ended")
        self._buffer += data
        whole = len(self._buffer) // zygote.REPLY.size * zygote.REPLY.size
        records = zygote.REPLY.iter_unpack(self._buffer[:whole])
        self._buffer = self._buffer[whole:]
        return [Reply(tag, child, value, user + system, size) for tag, child, value, user, system, size in records]

    def close(self) -> None:
        """End it."""
        self.sock.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):  # dead and reaped
            pass

    def answers(self, timeout_s: float) -> bool:
        """Return whether something can be read within a time."""
        return bool(select.select([self.sock], [], [], timeout_s)[0])


def memory_file(name: str, content: bytes = b"") -> int:
    """Return a descriptor of a new file in memory, at its start."""
    fd = os.memfd_create(name) if hasattr(os, "memfd_create") else _unlinked_file()
    if content:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _unlinked_file() -> int:
    import tempfile  # only where there are no memory files

    fd, path = tempfile.mkstemp()
    os.unlink(path)
    return fd
