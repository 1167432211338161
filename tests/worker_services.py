"""Services that the worker tests run; imported in worker processes through the tests' `sys.path`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

Service = Callable[[bytes], bytes]

ESCAPE = """
import os, time
if os.fork():
    os._exit(0)
os.setsid()
print(os.getpid(), flush=True)
time.sleep(600)
"""


def echo(config: bytes) -> Service:
    return lambda request: config + request


def sleep(config: bytes) -> Service:
    """Sleep as many seconds as the request says; tell the parent's pid if it asks for that."""

    def service(request: bytes) -> bytes:
        if request == b"parent":
            return str(os.getppid()).encode()
        time.sleep(float(request))
        return request

    return service


def misbehave(config: bytes) -> Service:
    """Do what the request names; anything else is echoed."""
    deeds: dict[bytes, Callable[[], object]] = {
        b"exit": lambda: os._exit(3),
        b"segv": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        b"raise": lambda: {}["no such key"],
        b"sys.exit": lambda: sys.exit("left"),
        b"interrupt": _interrupt,
        b"memory": lambda: bytearray(1 << 40),
        b"grow": _grow,
        b"loop": _loop,
        b"bigint": lambda: 9 ** (9**9),
        b"print": lambda: print("noise on standard output", flush=True),
        b"huge": lambda: None,
        b"not bytes": lambda: None,
        b"kill zygote": lambda: os.kill(os.getppid(), signal.SIGKILL) or time.sleep(60),
    }

    def service(request: bytes) -> bytes:
        if request in deeds:
            deeds[request]()
        if request == b"not bytes":
            return "text"  # type: ignore[return-value]
        return bytes(65 << 20) if request == b"huge" else request

    return service


def leave_children(config: bytes) -> Service:
    """Start two children, one of which leaves the process group; write their pids to the file; hang."""

    def service(request: bytes) -> bytes:
        inside = subprocess.Popen(["sleep", "600"])
        process = subprocess.Popen([sys.executable, "-c", ESCAPE], stdout=subprocess.PIPE)
        assert process.stdout is not None
        escaped = int(process.stdout.readline())
        write_whole(Path(request.decode()), f"{inside.pid} {escaped}")
        time.sleep(600)
        return b""

    return service


def pid(config: bytes) -> Service:
    """Answer with the worker's pid, its parent's, and how often this factory was called in it."""
    _calls.append(1)
    return lambda request: f"{os.getpid()} {os.getppid()} {len(_calls)}".encode()


def pid_then_sleep(config: bytes) -> Service:
    """Write the worker's and its parent's pid to the file that the request names, then hang; echo other requests."""

    def service(request: bytes) -> bytes:
        if request.startswith(b"/"):
            write_whole(Path(request.decode()), f"{os.getpid()} {os.getppid()}")
            time.sleep(600)
        return request

    return service


def write_whole(path: Path, text: str) -> None:
    """Write a file so that nobody sees half of it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)


def fail(config: bytes) -> Service:
    raise LookupError("the factory has no such thing as " + config.decode())


def hang_once(config: bytes) -> Service:
    """Hang while the service is built, unless the file exists; make the file."""
    marker = Path(config.decode())
    if not marker.exists():
        marker.touch()
        time.sleep(600)
    return lambda request: request


def die(config: bytes) -> Service:
    os._exit(9)


_calls: list[int] = []


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _grow() -> None:
    chunks = []
    while True:
        chunks.append(bytearray(16 << 20))


def _loop() -> None:
    while True:
        pass
