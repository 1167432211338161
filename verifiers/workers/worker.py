"""Inside a worker process: build the service, then answer one request after another.

A worker is disposable: it may be killed at any time, keeps nothing on disk, and leaves with `os._exit`. It stands in
a process group of its own, so that whatever the work starts is killed with it.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from verifiers.workers.frames import MAX_FRAME_BYTES, Frame, Kind, encode, frames_of
from verifiers.workers.spec import EXIT_OUT_OF_MEMORY, WorkerSpec

Service: TypeAlias = Callable[[bytes], bytes]

MAX_DETAIL_CHARS = 4000
"""Longest error text that is sent back."""
BACKSTOP_S = 5.0
"""How far past its deadline the kernel ends a worker that nobody killed (its caller was stopped or died)."""


def describe(error: BaseException) -> str:
    """Return the error's type, text and place in one bounded string."""
    try:
        text = str(error)[:MAX_DETAIL_CHARS]
    except Exception as second:
        text = f"(its text cannot be shown: {type(second).__name__})"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" [{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}]" if trace is not None else ""
    return f"{type(error).__name__}: {text}{place}"


def preload(spec: WorkerSpec) -> str | None:
    """Import what the spec names and the factory's module; return the error's text if one cannot be imported."""
    for name in (*spec.preload, spec.factory.partition(":")[0]):
        try:
            import_module(name)
        except BaseException as error:  # even SystemExit at import must become an answer, not a dead zygote
            return f"cannot import {name!r}: {describe(error)}"
    return None


def build_service(spec: WorkerSpec) -> Service:
    """Call the factory.

    Raises:
        TypeError: If what it returns cannot be called. Whatever else the factory raises passes through.
    """
    module, _, path = spec.factory.partition(":")
    factory: object = import_module(module)
    for name in path.split("."):
        factory = getattr(factory, name)
    if not callable(factory):
        raise TypeError(f"the factory {spec.factory!r} is a {type(factory).__name__}, not a function")
    service = factory(spec.config)
    if not callable(service):
        raise TypeError(f"the factory {spec.factory!r} returned a {type(service).__name__}, not a function of bytes")
    return service  # type: ignore[no-any-return]


def serve(sock: socket.socket, requests: Iterator[Frame], spec: WorkerSpec, problem: str | None) -> None:
    """Answer requests until the caller closes the socket.

    Args:
        sock: Blocking; replies go there.
        requests: The frames that arrive on `sock`.
        spec: What to build.
        problem: Why it cannot be built, if that is already known; every request is then answered with it.
    """
    _silence(2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    service: Service | None = None
    if problem is None:
        try:
            service = build_service(spec)
        except BaseException as error:  # the caller gets the text with every request; a restart would not help
            problem = f"the factory {spec.factory!r} raised {describe(error)}"
    _limit_memory(spec.memory_bytes)
    sock.sendall(encode(Kind.READY))
    for request in requests:
        if service is None:
            sock.sendall(encode(Kind.ERROR, (problem or "").encode()))
            continue
        # The pool kills at the deadline; the kernel's timer (default action, no handler) is for when there is no pool.
        signal.setitimer(signal.ITIMER_REAL, request.seconds + BACKSTOP_S)
        kind, cpu_s, payload = _answer(service, request.payload)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sock.sendall(encode(kind, payload, cpu_s))


def _answer(service: Service, request: bytes) -> tuple[Kind, float, bytes]:
    started_s = time.process_time()
    try:
        payload = service(request)
        kind = Kind.REPLY
        if not isinstance(payload, bytes):
            raise TypeError(f"the service returned a {type(payload).__name__}, not bytes")
        if len(payload) > MAX_FRAME_BYTES:
            raise ValueError(f"the service's reply has {len(payload)} bytes; at most {MAX_FRAME_BYTES} are allowed")
    except MemoryError:
        kind, payload = Kind.MEMORY, b"MemoryError: the work needs more memory than a worker may have"
    except BaseException as error:  # sys.exit() in the work is the work's error too
        kind, payload = Kind.ERROR, describe(error).encode(errors="replace")
    return kind, time.process_time() - started_s, payload


def run_to_exit(sock: socket.socket, requests: Iterator[Frame], spec: WorkerSpec, problem: str | None) -> None:
    """Serve, then end the process without running anybody's exit handlers. Never returns."""
    code = 1
    try:
        serve(sock, requests, spec, problem)
        code = 0
    except MemoryError:
        code = EXIT_OUT_OF_MEMORY
    except OSError:  # the caller is gone: nobody is left to tell
        code = 0
    finally:
        os._exit(code)


def _silence(fd: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, fd)
    os.close(null)


def _limit_memory(memory_bytes: int | None) -> None:
    """Allow the work so much address space on top of what is mapped now; no-op where the platform cannot."""
    if memory_bytes is None or not sys.platform.startswith("linux"):
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + memory_bytes
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _die_with_caller() -> None:
    """Kill this process group when the caller closes our standard input, which it holds open while it lives."""
    lifeline = os.dup(0)
    _silence(0)

    def watch() -> None:
        while os.read(lifeline, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Be a worker that was started as a process of its own: `argv[1]` is the socket's descriptor."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sock = socket.socket(fileno=int(sys.argv[1]))
    del sys.argv[1:]
    _die_with_caller()
    requests = frames_of(sock)
    first = next(requests, None)
    if first is None:
        os._exit(0)
    spec = WorkerSpec.decode(first.payload)
    run_to_exit(sock, requests, spec, preload(spec))
