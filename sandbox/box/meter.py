"""What a run uses: read from the box's own control group where it has one, else summed up over /proc."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

CGROUP = "/sys/fs/cgroup"
MAX_IDLE_PROCESSES = 24
"""A control group that holds more than this while we start is not the box's own."""
_CPU, _MEMORY, _EVENTS, _PIDS = 0, 1, 2, 3
_V1 = ("cpuacct/cpuacct.usage", "memory/memory.stat", "memory/memory.oom_control", "pids/pids.current")
_V2 = ("cpu.stat", "memory.stat", "memory.events", "pids.current")


class Process(NamedTuple):
    """One line of /proc."""

    pid: int
    parent: int
    cpu_s: float
    resident_bytes: int
    state: str


class Group:
    """The control group that the box has to itself."""

    def __init__(self, name: str, fds: tuple[int, ...]) -> None:
        self.name = name
        self._fds = fds
        self._idle_bytes = self._memory()

    @classmethod
    def find(cls) -> Group | None:
        """Return the box's group; `None` if it has none, or it cannot be read."""
        for name, paths in (("cgroup1", _V1), ("cgroup2", _V2)):
            try:
                fds = tuple(os.open(os.path.join(CGROUP, path), os.O_RDONLY | os.O_CLOEXEC) for path in paths)
                group = cls(name, fds)
                if group.processes() <= MAX_IDLE_PROCESSES and group.oom_kills() >= 0:
                    return group
            except (OSError, ValueError, LookupError):  # no such hierarchy
                continue
        return None

    def _read(self, which: int) -> bytes:
        return os.pread(self._fds[which], 8192, 0)

    def cpu_s(self) -> float:
        """Return the CPU seconds that all in the box used so far."""
        text = self._read(_CPU)
        if self.name == "cgroup1":
            return int(text) / 1e9
        return int(_fields(text)[b"usage_usec"]) / 1e6

    def _memory(self) -> int:
        fields = _fields(self._read(_MEMORY))
        anonymous = fields[b"rss"] if self.name == "cgroup1" else fields[b"anon"]
        return int(anonymous) + int(fields.get(b"shmem", b"0"))

    def memory_bytes(self) -> int:
        """Return the memory that programs hold, without the box's own and without file cache."""
        return max(0, self._memory() - self._idle_bytes)

    def oom_kills(self) -> int:
        """Return how many processes the kernel killed so far because memory ended."""
        return int(_fields(self._read(_EVENTS))[b"oom_kill"])

    def processes(self) -> int:
        """Return how many processes and threads there are, the dead but unreaped included."""
        return int(self._read(_PIDS))


def _fields(text: bytes) -> dict[bytes, bytes]:
    return dict(line.split(None, 1) for line in text.splitlines() if b" " in line)


_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def descendants(own: set[int]) -> list[Process]:
    """Return all processes that descend from this one, but for `own`."""
    me = os.getpid()
    children: dict[int, list[Process]] = {}
    for process in _all():
        children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    queue = [me]
    while queue:
        for process in children.pop(queue.pop(), ()):
            queue.append(process.pid)
            if process.pid not in own:
                found.append(process)
    return found


def _all() -> list[Process]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    return [process for name in names if name.isdigit() for process in _one(name)]


def _one(name: str) -> list[Process]:
    try:
        with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
            text = file.read(2048)
    except OSError:  # ended meanwhile
        return []
    # The second field is a name in parentheses, which may hold spaces and parentheses.
    fields = text[text.rindex(b")") + 2 :].split()
    cpu_s = sum(map(int, fields[11:15])) / _TICK
    return [Process(int(name), int(fields[1]), cpu_s, int(fields[21]) * _PAGE, fields[0].decode())]


class Children:
    """Tells which processes are this one's children: as process 1, it gets every orphan."""

    def __init__(self) -> None:
        me = os.getpid()
        try:
            self._fd = os.open(f"/proc/{me}/task/{me}/children", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # a kernel built without it
            self._fd = -1

    def all_are(self, known: set[int]) -> bool:
        """Whether there are none but those; True where that cannot be told."""
        return self._fd < 0 or known.issuperset(map(int, os.pread(self._fd, 4096, 0).split()))


class LastPid:
    """Tells whether a process was started since it was last asked, without looking at any."""

    def __init__(self) -> None:
        try:
            self._fd = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._fd = -1

    def read(self) -> int:
        """Return the newest pid of this namespace; the negative time where that cannot be told."""
        if self._fd < 0:
            return -time.monotonic_ns()
        return int(os.pread(self._fd, 256, 0).split()[-1])
