"""Start and stop worker processes: forked by a zygote (Linux), or each a fresh interpreter ("spawn", anywhere)."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Protocol

from verifiers.errors import WorkerError
from verifiers.workers.channel import Channel
from verifiers.workers.frames import Frame, Kind, encode, frames_of
from verifiers.workers.spec import WorkerSpec

START_TRIES = 3
"""How often a process may die while it is started."""
START_TIMEOUT_S = 120.0
"""How long a process may take to import and build what it needs."""
CONTROL_TIMEOUT_S = 30.0
"""How long a running zygote may take to obey."""
FORK_S = 0.005
"""About how long a worker takes until it is ready, if a running zygote forks it."""
SPAWN_S = 0.3
"""About how long a worker takes until it is ready, if it is a fresh interpreter that imports something like sympy."""
SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Libraries' thread pools would not survive a fork, and workers are the parallelism."""


class Lost(Exception):
    """The worker died with its zygote or its pool: nobody knows how, and it was not the request's fault."""


class Launcher(Protocol):
    """Starts and stops workers; safe from any thread.

    Attributes:
        start_s: About how long a worker takes until it is ready.
    """

    start_s: float

    def start(self) -> Channel:
        """Start a worker; it may not be ready yet.

        Raises:
            WorkerError: If none can be started.
        """

    def stop(self, channel: Channel, patience_s: float) -> int | None:
        """Kill a worker with all that it started, and close the channel.

        Returns:
            Its exit code (negative: the signal's number) if it died by itself within `patience_s`, else `None`.

        Raises:
            Lost: If it died with its zygote, or with the pool.
        """

    def close(self) -> None:
        """Kill everything that was started."""

    def abandon(self) -> None:
        """Forget everything without touching it: this process is a fork of the one that started it."""


class ZygoteLauncher:
    """Workers forked by a zygote process, which is started when first needed and again if it dies."""

    start_s = FORK_S

    def __init__(self, spec: WorkerSpec) -> None:
        self._spec = spec
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> Channel:
        for _ in range(START_TRIES):
            try:
                return self._fork()
            except Lost as error:  # it was killed, perhaps long ago; the next try has a new one
                lost = error
        raise WorkerError(_advice(f"the zygote process died {START_TRIES} times ({lost})")) from lost

    def stop(self, channel: Channel, patience_s: float) -> int | None:
        channel.close()
        with self._lock:
            if channel.owner is not self._control:
                raise Lost("the zygote that forked it is gone")
            answer = self._call(encode(Kind.STOP, str(channel.pid).encode(), patience_s))
        return int(answer.payload) if answer.kind == Kind.READY and answer.payload else None

    def close(self) -> None:
        with self._lock:
            self._discard(grace_s=CONTROL_TIMEOUT_S)

    def abandon(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0  # it is not our child: never wait for it
        self._control = self._process = None
        self._lock = threading.Lock()

    def _fork(self) -> Channel:
        ours, theirs = socket.socketpair()
        try:
            with self._lock, theirs:
                control = self._control or self._boot()
                answer = self._call(encode(Kind.FORK), theirs)
            if answer.kind == Kind.ERROR:
                raise WorkerError(_advice(answer.payload.decode()))
        except BaseException:
            ours.close()
            raise
        return Channel(ours, int(answer.payload), control)

    def _boot(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _popen("zygote", theirs, stdin=subprocess.DEVNULL)
        self._control = ours
        try:
            self._call(encode(Kind.SETUP, self._spec.encode()), timeout_s=START_TIMEOUT_S)
        except Lost as error:
            raise WorkerError(_advice(f"the zygote process did not get ready ({error})")) from error
        return ours

    def _call(
        self, command: bytes, attached: socket.socket | None = None, timeout_s: float = CONTROL_TIMEOUT_S
    ) -> Frame:
        """Send one command and wait for its answer; on any trouble the zygote is given up."""
        control = self._control
        if control is None:
            raise Lost("it is gone")
        try:
            control.settimeout(timeout_s)
            if attached is None:
                control.sendall(command)
            else:
                socket.send_fds(control, [command], [attached.fileno()])
            answer = next(frames_of(control), None)
            if answer is None:
                raise ConnectionError("it closed its socket")
        except OSError as error:
            ending = self._discard()
            raise Lost(f"{type(error).__name__}: {error}; it {ending}") from error
        except BaseException:  # Ctrl-C between command and answer: the two would never match again
            self._discard()
            raise
        return answer

    def _discard(self, grace_s: float = 0.5) -> str:
        """Let the zygote go, by closing its socket and then by force; say how it ended."""
        control, process = self._control, self._process
        self._control = self._process = None
        if control is not None:
            control.close()
        return "was not running" if process is None else _end(process, grace_s)


class SpawnLauncher:
    """Each worker a fresh interpreter: slower to start, needs no fork."""

    start_s = SPAWN_S

    def __init__(self, spec: WorkerSpec) -> None:
        self._setup = encode(Kind.SETUP, spec.encode())
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._dying: list[subprocess.Popen[bytes]] = []

    def start(self) -> Channel:
        ours, theirs = socket.socketpair()
        with theirs:
            process = _popen("worker", theirs, stdin=subprocess.PIPE)
        channel = Channel(ours, process.pid, process)
        channel.write(self._setup)
        channel.flush()
        with self._lock:
            self._running[process.pid] = process
        return channel

    def stop(self, channel: Channel, patience_s: float) -> int | None:
        channel.close()
        with self._lock:
            process = self._running.pop(channel.pid, None)
            if process is None:
                raise Lost("the pool was closed")
            code = _wait(process, patience_s)
            _kill_group(process)
            self._dying = [other for other in (*self._dying, process) if other.poll() is None]
        return code

    def close(self) -> None:
        with self._lock:
            processes = [*self._running.values(), *self._dying]
            self._running.clear()
            self._dying.clear()
        for process in processes:
            _kill_group(process)
        for process in processes:
            _wait(process, CONTROL_TIMEOUT_S)

    def abandon(self) -> None:
        for process in (*self._running.values(), *self._dying):
            process.returncode = 0  # not our child: never wait for it
            if process.stdin is not None:
                process.stdin.close()
        self._running, self._dying = {}, []
        self._lock = threading.Lock()


def _popen(module: str, sock: socket.socket, stdin: int) -> subprocess.Popen[bytes]:
    """Start `verifiers.workers.<module>` in a fresh interpreter that imports what this one can, and no `__main__`."""
    if not sys.executable:
        raise WorkerError("worker processes need a Python interpreter, but sys.executable is empty; set it to its path")
    boot = f"import sys; sys.path[:] = sys.argv[2:]; from verifiers.workers.{module} import main; main()"
    path = [os.path.abspath(entry) for entry in sys.path if isinstance(entry, str)]
    # One hash seed for all: a verdict must not depend on which worker gave it.
    environment = {**dict.fromkeys(SINGLE_THREADED, "1"), **os.environ, "PYTHONHASHSEED": "0"}
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", boot, str(sock.fileno()), *path],
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            pass_fds=(sock.fileno(),),
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        raise WorkerError(_advice(f"cannot start {sys.executable!r}: {error}")) from error


def _advice(found: str) -> str:
    return (
        f"worker processes cannot be started: {found}. Its own message, if any, is on standard error. Check the limits "
        f"on processes and memory (ulimit -u, ulimit -v, the container's pids and memory) and that "
        f"{sys.executable} -c 'import verifiers' works"
    )


def _wait(process: subprocess.Popen[bytes], patience_s: float) -> int | None:
    """Return the exit code once the process has ended, `None` after so many seconds."""
    give_up_s = time.monotonic() + patience_s
    while process.poll() is None and time.monotonic() < give_up_s:
        time.sleep(0.001)
    return process.returncode


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], grace_s: float) -> str:
    """Wait for the process, kill it if need be, and say how it ended."""
    code = _wait(process, grace_s)
    if code is None:
        process.kill()
        process.wait()
        return "was killed"
    return describe_exit(code)


def describe_exit(code: int) -> str:
    """Return an exit code in words; negative codes are signals."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
