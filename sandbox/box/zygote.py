"""The warm interpreter that is forked for each run. It holds nothing of any program: sources and inputs are memory
files that it passes on unread.

It speaks with the supervisor over descriptor 3. Request: `!I` and JSON `{"children": [plan, ...]}`, with all children's
descriptors attached in order. Replies: a `REPLY` record tagged READY once, at the start; then for each child one tagged
STARTED or REFUSED, and one tagged ENDED as it ends.
"""

from __future__ import annotations

import array
import gc
import importlib
import json
import os
import socket
import struct
import sys
from typing import Any, Dict, List, NoReturn, Optional  # noqa: UP035  (Python 3.9 runs this file too)

from . import child, programs, seccomp, spaces

SOCKET_FD = 3
REPLY = struct.Struct("!BBiddq")
"""Tag, index of the child, pid or wait status, CPU seconds of user and system, largest resident set in bytes."""
READY, STARTED, ENDED, REFUSED = 1, 2, 3, 4
LENGTH = struct.Struct("!I")
MAX_FDS = 32
SET_UP_FAILED = 125
TOKEN_MARK = b"box: this process could not be isolated: "
WARM = (
    "abc", "array", "bisect", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "heapq", "inspect", "io", "itertools", "json", "math", "numbers", "operator", "queue", "random", "re",
    "statistics", "string", "struct", "textwrap", "threading", "time", "traceback", "typing",
)  # fmt: skip
"""Modules that programs often import."""


def main(preload: List[str], protect: List[int], strict: bool) -> NoReturn:  # noqa: UP006
    """Serve until the supervisor closes the socket."""
    refuse = _warm_up(preload, protect, strict)
    sock = socket.socket(fileno=SOCKET_FD)
    sock.sendall(REPLY.pack(READY, 0, os.getpid(), 0.0, 0.0, _address_bytes()))
    while True:
        fds = array.array("i")
        request = _receive(sock, fds)
        if request is None:
            os._exit(0)
        _serve(sock, request["children"], list(fds), refuse)


def _warm_up(preload: List[str], protect: List[int], strict: bool) -> Optional[seccomp.Filter]:  # noqa: UP006, UP045
    for name in (*WARM, *preload):
        try:
            importlib.import_module(name)
        except ImportError:  # not in this image: the program will see for itself
            continue
    refuse = seccomp.Filter([os.getpid(), *protect] if protect else ()) if sys.platform == "linux" else None
    if refuse is not None:
        seccomp.prctl(child._PR_SET_DUMPABLE, 0)
        if not strict:  # forks inherit it, which costs nothing; a strict child must first make its namespaces
            refuse.install()
    package = __name__.rpartition(".")[0]
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        del sys.modules[name]  # a program may have modules of these names
    gc.collect()
    gc.disable()  # until a child enables it: a collection here would unshare its pages
    gc.freeze()
    return refuse if strict else None


def _address_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _receive(sock: socket.socket, fds: array.array[int]) -> Optional[Dict[str, Any]]:  # noqa: UP006, UP045
    data, ancillary, _, _ = sock.recvmsg(1 << 16, socket.CMSG_SPACE(MAX_FDS * fds.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    while data and (len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack_from(data)[0]):
        more = sock.recv(1 << 20)
        if not more:
            return None
        data += more
    request: Optional[Dict[str, Any]] = json.loads(data[LENGTH.size :]) if data else None  # noqa: UP006, UP045
    return request


def _serve(
    sock: socket.socket,
    plans: List[child.Plan],  # noqa: UP006
    fds: List[int],  # noqa: UP006
    refuse: Optional[seccomp.Filter],  # noqa: UP045
) -> None:
    """Fork the children of one request, and wait for all of them."""
    running: Dict[int, int] = {}  # noqa: UP006
    at = 0
    for index, plan in enumerate(plans):
        own = fds[at : at + plan["fds"]]
        at += plan["fds"]
        pid = _fork(plan)
        if pid == 0:
            sock.detach()
            _run(plan, own, refuse)
        running[pid] = index
        tag = STARTED if pid > 0 else REFUSED
        sock.sendall(REPLY.pack(tag, index, pid, 0.0, 0.0, 0))
    for fd in fds:
        os.close(fd)
    running.pop(-1, None)
    while running:
        pid, status, usage = os.wait4(-1, 0)
        if pid in running:
            usage_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            sock.sendall(REPLY.pack(ENDED, running.pop(pid), status, usage.ru_utime, usage.ru_stime, usage_bytes))


def _fork(plan: child.Plan) -> int:
    try:
        if plan["strict"]:
            spaces.prepare_fork()
        return os.fork()
    except OSError:  # processes or memory ended
        return -1


def _run(plan: child.Plan, fds: List[int], refuse: Optional[seccomp.Filter]) -> NoReturn:  # noqa: UP006, UP045
    try:
        gc.enable()
        try:
            child.become(plan, fds, refuse)
        except OSError as error:
            os.write(2, TOKEN_MARK + f"{plan.get('token', '')} {error}".encode())
            os._exit(SET_UP_FAILED)
        plan.pop("token", None)
        programs.run(plan)
    finally:  # nothing of the zygote's may ever go on in a child
        os._exit(1)
