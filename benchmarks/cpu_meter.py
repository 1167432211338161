"""CPU seconds of all that has to do with running programs: this process, its children, the engine and containers.

Linux only. As root each is read where the kernel adds it up (cgroup), else from /proc.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sandbox.owner import OWNER

ENGINE = ("dockerd", "containerd")
HELPER = "containerd-shim"
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
ACCOUNTS = Path("/sys/fs/cgroup/cpuacct")
ENGINE_GROUP = ACCOUNTS / "grpo-bench-engine"
"""The account that the engine is in while all that it does is added up; it changes nothing but the sums."""
NANO = 1e-9


class Meter:
    """Adds up CPU seconds between `start` and `stop`."""

    def __init__(self) -> None:
        self._own = _own_group()
        self._containers: list[str] | None = []
        self._before: dict[int, float] = {}
        self._before_s = 0.0

    def start(self, containers: list[str] | None) -> None:
        """Begin.

        Args:
            containers: Ids of those that count; empty = neither they nor the engine do; `None` = all of this machine's
                engine, also those that come and go.
        """
        self._containers = containers
        self._before, self._before_s = self._engine(), self._rest()

    def stop(self) -> float:
        """Return the CPU seconds since `start`; what helpers used that have ended in between is lost."""
        engine = sum(used - self._before.get(pid, 0.0) for pid, used in self._engine().items())
        return self._rest() - self._before_s + engine

    def _rest(self) -> float:
        own = _usage(self._own) if self._own else _tree(os.getpid())
        return own + _containers(self._containers)

    def _engine(self) -> dict[int, float]:
        """Return the seconds of the engine's processes, and of those containers' helpers."""
        if self._containers == []:
            return {}
        if self._containers is None and ENGINE_GROUP.exists():
            return {0: _usage(ENGINE_GROUP)}
        ours = self._containers
        return {
            pid: _of(fields)
            for name, pid, fields in _processes()
            if name in ENGINE or (name.startswith(HELPER) and (ours is None or _helps(pid, ours)))
        }


@contextlib.contextmanager
def engine_account() -> Iterator[None]:
    """Have the kernel add up the engine's CPU, also of helpers that come and go, for as long as this lasts."""
    moved = [pid for name, pid, _ in _processes() if name in ENGINE]
    try:
        with contextlib.suppress(OSError):
            ENGINE_GROUP.mkdir(exist_ok=True)
            for pid in moved:
                (ENGINE_GROUP / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        with contextlib.suppress(OSError):
            for pid in (ENGINE_GROUP / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    (ACCOUNTS / "cgroup.procs").write_text(pid)
            ENGINE_GROUP.rmdir()


def _helps(pid: int, containers: list[str]) -> bool:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        return any(container in command for container in containers)
    return False


def containers_of(owner: str) -> list[str]:
    """Return the ids of the sandbox's containers whose owner (`sandbox.owner.me`) has a name that begins so."""
    command = ["docker", "ps", "--no-trunc", "--format", f'{{{{.ID}}}} {{{{.Label "{OWNER}"}}}}']
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line.split() for line in done.stdout.splitlines()]
    return [line[0] for line in lines if len(line) == 2 and line[1].startswith(owner)]


def container_seconds(ids: list[str]) -> float:
    """Return the CPU seconds of containers that are still there."""
    return _containers(ids)


@cache
def _own_group() -> Path | None:
    """Move this process into an account of its own, where that can be done, until it ends."""
    group = ACCOUNTS / f"grpo-bench-{os.getpid()}"
    with contextlib.suppress(OSError):
        group.mkdir()
        (group / "cgroup.procs").write_text(str(os.getpid()))
        atexit.register(_leave, group)
        return group
    return None


def _leave(group: Path) -> None:
    with contextlib.suppress(OSError):
        for pid in (group / "cgroup.procs").read_text().split():
            (ACCOUNTS / "cgroup.procs").write_text(pid)
        group.rmdir()


def _usage(group: Path) -> float:
    return int((group / "cpuacct.usage").read_text()) * NANO


def _containers(ids: list[str] | None) -> float:
    parent = ACCOUNTS / "docker"
    if ids is None:
        with contextlib.suppress(OSError):
            return _usage(parent)
        return 0.0
    total = 0.0
    for container in ids:
        with contextlib.suppress(OSError):
            total += _usage(parent / container)
        with contextlib.suppress(OSError, StopIteration):
            stat = Path(f"/sys/fs/cgroup/system.slice/docker-{container}.scope/cpu.stat").read_text()
            total += next(int(line.split()[1]) for line in stat.splitlines() if line.startswith("usage_usec")) / 1e6
    return total


def _tree(root: int) -> float:
    """Return the seconds of a process, its living descendants, and all that these have waited for."""
    found = {pid: (parent, _of(fields)) for pid, (parent, fields) in _by_pid().items()}
    wanted, total = {root}, 0.0
    grew = True
    while grew:
        grew = False
        for pid, (parent, _) in found.items():
            if parent in wanted and pid not in wanted:
                wanted.add(pid)
                grew = True
    for pid in wanted & found.keys():
        total += found[pid][1]
    return total


def _by_pid() -> dict[int, tuple[int, list[str]]]:
    return {pid: (int(fields[1]), fields) for _, pid, fields in _processes()}


def _processes() -> Iterator[tuple[str, int, list[str]]]:
    """Yield name, pid and the fields from the state on of every process."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            head, _, tail = (entry / "stat").read_text().rpartition(")")
            yield head.partition("(")[2], int(entry.name), tail.split()


def _of(fields: list[str]) -> float:
    """Return user, system, and children's user and system time, in seconds."""
    return sum(int(value) for value in fields[11:15]) / TICKS
