"""The zygote: a single-threaded process of our own that has everything imported and forks workers on command (Linux).

It is started as a fresh interpreter, so the caller is never forked and its `__main__` never imported. It talks on one
control socket, one command at a time. When the caller dies, the socket closes, and the zygote kills all workers and
leaves; when the zygote dies, the kernel kills its workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from verifiers.workers.frames import RECV_BYTES, Frame, FrameReader, Kind, encode, frames_of
from verifiers.workers.spec import WorkerSpec
from verifiers.workers.worker import preload, run_to_exit

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
REAP_EVERY_S = 0.2
"""How often killed workers are looked after while no command comes."""
STRAY_ROUNDS = 16
"""How many generations of orphans are killed at a time."""


class Zygote:
    """Forks, kills and reaps workers.

    A worker is not reaped before the pool asked to stop it: until then its pid cannot belong to anybody else.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._pid = os.getpid()
        self._workers: set[int] = set()
        self._dying: set[int] = set()

    def run(self) -> None:
        """Load everything, then obey until the caller is gone."""
        # Orphans of killed workers (double forks) become our children, so that we can find and kill them.
        self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        reader = FrameReader()
        first = next(self._commands(reader), None)
        if first is None:
            return
        self._spec = WorkerSpec.decode(first[0].payload)
        gc.disable()
        self._problem = preload(self._spec)
        gc.collect()
        gc.freeze()
        try:
            self._control.sendall(encode(Kind.READY))
            for frame, fds in self._commands(reader):
                answer = self._fork(fds[0]) if frame.kind == Kind.FORK else self._stop(frame)
                self._control.sendall(answer)
                self._reap()
        except ConnectionError:
            pass  # the caller is gone in the middle of a command
        finally:
            if os.getpid() == self._pid:
                self._kill_all()

    def _commands(self, reader: FrameReader) -> Iterator[tuple[Frame, list[int]]]:
        while True:
            self._control.settimeout(REAP_EVERY_S if self._dying else None)
            try:
                chunk, fds, _, _ = socket.recv_fds(self._control, RECV_BYTES, 1)
            except TimeoutError:
                self._reap()
                continue
            if not chunk:
                return
            self._control.settimeout(None)
            for frame in reader.feed(chunk):
                yield frame, fds

    def _fork(self, fd: int) -> bytes:
        try:
            pid = os.fork()
        except OSError as error:
            os.close(fd)
            return encode(Kind.ERROR, f"fork failed: {error}".encode())
        if pid == 0:
            self._become_worker(fd)
        os.close(fd)
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        self._workers.add(pid)
        return encode(Kind.READY, str(pid).encode())

    def _become_worker(self, fd: int) -> None:
        """Turn this freshly forked process into a worker. Never returns."""
        try:
            self._control.close()
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == self._pid:
                os.setpgid(0, 0)
                gc.enable()
                sock = socket.socket(fileno=fd)
                run_to_exit(sock, frames_of(sock), self._spec, self._problem)
        finally:
            os._exit(1)

    def _stop(self, frame: Frame) -> bytes:
        """Kill a worker and its process group; answer with its exit code if it had died by itself."""
        pid = int(frame.payload)
        if pid not in self._workers:
            return encode(Kind.ERROR, f"no worker has the pid {pid}".encode())
        code = _exit_code(pid, frame.seconds)
        self._workers.remove(pid)
        self._dying.add(pid)
        _kill_group(pid)
        return encode(Kind.READY, b"" if code is None else str(code).encode())

    def _reap(self) -> None:
        reaped = {pid for pid in self._dying if os.waitpid(pid, os.WNOHANG)[0] == pid}
        self._dying -= reaped
        if reaped:
            self._kill_strays()

    def _kill_strays(self) -> None:
        """Kill children that are not workers: what a dead worker left behind outside its process group."""
        children = Path(f"/proc/self/task/{self._pid}/children")
        for _ in range(STRAY_ROUNDS):
            if not children.exists():
                return
            strays = {int(pid) for pid in children.read_text().split()} - self._workers - self._dying
            if not strays:
                return
            for pid in strays:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _kill_all(self) -> None:
        for pid in self._workers:
            _kill_group(pid)
        for pid in self._workers | self._dying:
            os.waitpid(pid, 0)
        self._workers.clear()
        self._dying.clear()
        self._kill_strays()


def _exit_code(pid: int, patience_s: float) -> int | None:
    """Return a child's exit code (negative: the signal's number) without reaping it; `None` if it still lives."""
    give_up_s = time.monotonic() + patience_s
    while True:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is not None:
            return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
        if time.monotonic() >= give_up_s:
            return None
        time.sleep(0.0005)


def _kill_group(pid: int) -> None:
    # The group is there even if only a zombie is left in it; the plain kill is for a child that had no time to form it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Be a zygote: `argv[1]` is the control socket's descriptor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=int(sys.argv[1]))
    del sys.argv[1:]
    Zygote(control).run()
    os._exit(0)
