"""The warm interpreter that is forked for each run.

It holds nothing of any program: sources and inputs are memory files that it passes on unread. Each module that it
loads, and each page that it touches between forks, costs every run some microseconds.

It speaks with the supervisor over descriptor 3. Request: `!I` and the marshalled list of the children's plans, with all
children's descriptors attached in order.

Replies: a `REPLY` record tagged READY once, at the start; then for each child one tagged
STARTED or REFUSED, and one tagged ENDED as it ends.
"""

from __future__ import annotations

import _socket
import gc
import importlib
import marshal
import os
import struct
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from . import child, programs, seccomp, spaces

SOCKET_FD = 3
REPLY = struct.Struct("!BBiddq")
"""Tag, index of the child, pid or wait status, CPU seconds of user and system, largest resident set in bytes."""
READY, STARTED, ENDED, REFUSED = 1, 2, 3, 4
LENGTH = struct.Struct("!I")
MAX_FDS = 32
FD_BYTES = struct.calcsize("i")
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
WARM = (
    "abc", "bisect", "collections", "copy", "datetime", "decimal", "enum", "fractions", "functools", "heapq", "io",
    "itertools", "json", "math", "operator", "random", "re", "string", "struct", "threading", "time", "typing",
)  # fmt: skip
"""Modules that programs often import."""
RANDOM_SEED = 0

Hooks = list[dict[str, Any]]


def main(
    preload: list[str],
    protect: list[int],
    strict: bool,
    switch_users: bool,
    folder: str,
) -> NoReturn:
    """Serve until the supervisor closes the socket.

    Args:
        preload: Modules to have beside WARM.
        protect: Processes that no program may signal, where all are one user's.
        strict: Whether each child has namespaces of its own.
        switch_users: Whether each child is a user of its own.
        folder: Where children work.
    """
    child.inherit(switch_users, folder)
    refuse, hooks = _warm_up(preload, protect, strict)
    sock = _socket.socket(fileno=SOCKET_FD)
    sock.sendall(REPLY.pack(READY, 0, os.getpid(), 0.0, 0.0, _address_bytes()))
    while True:
        plans, fds = _receive(sock)
        _serve(sock, plans, fds, lambda plan, own: _run(plan, own, refuse, hooks))


def _warm_up(preload: list[str], protect: list[int], strict: bool) -> tuple[seccomp.Filter | None, Hooks]:
    hooks = _import((*WARM, *preload))
    sys.modules["random"].seed(RANDOM_SEED)
    refuse = (
        seccomp.Filter([os.getpid(), *protect] if protect else (), not protect) if sys.platform == "linux" else None
    )
    if refuse is not None and not strict:  # forks inherit it; a strict child must first make its namespaces
        refuse.install()
    package = __name__.rpartition(".")[0]
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        del sys.modules[name]  # a program may have modules of these names
    gc.collect()
    gc.disable()  # until a child enables it: a collection here would unshare its pages
    gc.freeze()
    return (refuse if strict else None), hooks


def _import(names: Iterable[str]) -> Hooks:
    """Import what is here; return the hooks that this would have run in every fork of ours.

    They cost more than all else that a fork does. A child registers them for forks of its own: nothing that they reset
    (locks of threads, the random state) is in use in the zygote.
    """
    hooks: Hooks = []
    register = os.register_at_fork
    os.register_at_fork = lambda **hook: hooks.append(hook)
    try:
        for name in names:
            try:
                importlib.import_module(name)
            except ImportError:  # not in this image: the program will see for itself
                continue
    finally:
        os.register_at_fork = register
    return hooks


def _address_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _receive(sock: _socket.socket) -> tuple[list[child.Plan], list[int]]:
    """Return the next request; ends this process when there will be none."""
    data, ancillary, _, _ = sock.recvmsg(1 << 16, _socket.CMSG_SPACE(MAX_FDS * FD_BYTES))
    fds: list[int] = []
    for _, _, content in ancillary:  # nothing but SCM_RIGHTS is ever sent
        fds += struct.unpack(f"={len(content) // FD_BYTES}i", content[: len(content) // FD_BYTES * FD_BYTES])
    while len(data) < LENGTH.size or len(data) < LENGTH.size + LENGTH.unpack_from(data)[0]:
        more = sock.recv(1 << 20)
        if not more:
            os._exit(0)
        data += more
    return marshal.loads(memoryview(data)[LENGTH.size :]), fds


def _serve(
    sock: _socket.socket,
    plans: list[child.Plan],
    fds: list[int],
    run: Callable[[child.Plan, list[int]], None],
) -> None:
    """Fork the children of one request, and wait for all of them."""
    running: dict[int, int] = {}
    at = 0
    for index, plan in enumerate(plans):
        pid = _fork(plan)
        if pid == 0:
            sock.detach()
            run(plan, fds[at : at + plan["fds"]])
        at += plan["fds"]
        running[pid] = index
        sock.sendall(REPLY.pack(STARTED if pid > 0 else REFUSED, index, pid, 0.0, 0.0, 0))
    for fd in fds:
        os.close(fd)
    running.pop(-1, None)
    while running:
        pid, status, usage = os.wait4(-1, 0)
        if pid in running:
            resident_bytes = usage.ru_maxrss * RSS_UNIT
            sock.sendall(REPLY.pack(ENDED, running.pop(pid), status, usage.ru_utime, usage.ru_stime, resident_bytes))


def _fork(plan: child.Plan) -> int:
    try:
        if plan["strict"]:
            spaces.prepare_fork()
        return os.fork()
    except OSError:  # processes or memory ended
        return -1


def _run(
    plan: child.Plan,
    fds: list[int],
    refuse: seccomp.Filter | None,
    hooks: Hooks,
) -> NoReturn:
    """Be the child."""
    try:
        gc.enable()
        for hook in hooks:
            os.register_at_fork(**hook)
        try:
            child.become(plan, fds, refuse)
        except OSError as error:
            child.give_up(plan, str(error))
        programs.run(plan)
    finally:  # nothing of the zygote's may ever go on in a child
        os._exit(1)
