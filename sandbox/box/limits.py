"""Limits of one run: handed to the kernel for each process, and watched over all of them together."""

from __future__ import annotations

import math
import os
import resource
import time
from collections.abc import Sequence
from typing import Any

from . import child, meter

THREAD_STACK_BYTES = 8 * 1024 * 1024
FIRST_LOOK_S, LAST_LOOK_S = 0.01, 0.1
SHORT_S = 0.005
"""Without a control group, CPU time of less than this is not worth a look at /proc."""
NEAR_LIMIT = 0.85
"""A process that crashed this near to its memory limit was out of memory."""
MAX_FILES = 32_768
"""Where the box's file systems do not limit their number themselves."""
UNBOUNDED_FILES = 1 << 17
"""A file system with room for more files than this was not given a limit."""
FILES = "runtime_error"
TIME, MEMORY, OUTPUT = "time_limit", "memory_limit", "output_limit"


def for_kernel(
    limits: dict[str, Any],
    address_bytes: int | None,
    processes: int | None,
    cpu_s: float,
) -> list[tuple[int, int, int]]:
    """Return the limits of each process, as (number, soft, hard).

    Args:
        limits: As a job's frame tells them.
        address_bytes: What a process has mapped before it does anything; `None` = do not bound its address space.
        processes: How many of the box's own count as the same user's; `None` = do not bound their number.
        cpu_s: CPU seconds: the second line of defence.
    """
    bounds = {
        "cpu_s": math.ceil(cpu_s) + 1,
        "file_bytes": max(limits["file_bytes"], limits["output_bytes"] + 1),
        "stack_bytes": limits["stack_bytes"],
        "open_files": limits["open_files"],
    }
    if processes is not None:
        bounds["processes"] = limits["processes"] + processes
    if address_bytes is not None:
        threads = limits["processes"] * THREAD_STACK_BYTES
        bounds["address_bytes"] = limits["memory_bytes"] + address_bytes + limits["stack_bytes"] + threads
    return [_within_ours(child.LIMIT_NUMBERS[name], value) for name, value in bounds.items()]


def _within_ours(number: int, value: int) -> tuple[int, int, int]:
    # A program that ignores the CPU limit's first signal is killed a second later.
    hard = value + 1 if number == resource.RLIMIT_CPU else value
    if number == resource.RLIMIT_STACK:  # recursive programs ask for more of it: that is memory, which is bounded
        hard = resource.RLIM_INFINITY
    ceiling = resource.getrlimit(number)[1]
    if ceiling != resource.RLIM_INFINITY:
        value, hard = min(value, ceiling), ceiling if hard == resource.RLIM_INFINITY else min(hard, ceiling)
    return number, value, hard


class Watch:
    """What one run uses of its limits."""

    def __init__(self, limits: dict[str, Any], usage: Usage, outputs: tuple[int, ...]) -> None:
        self.limits, self._usage, self._outputs = limits, usage, outputs
        self.peak_bytes = 0
        self.start()

    def start(self, living: bool = False) -> None:
        """Count from here on: a new call has its time to itself.

        Args:
            living: Whether processes of this run exist already, which have used some.
        """
        self._cpu_at = self._usage.seen_cpu_s(living)
        self._began = time.monotonic()
        self._look_s, self._due = FIRST_LOOK_S, 0.0

    @property
    def wall_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all processes since the start."""
        return max(0.0, self._usage.cpu_s() - self._cpu_at)

    def spent_s(self) -> float:
        """Return the CPU seconds since the start of processes that may be alive; of a short time, that time."""
        if self._usage.group is None and self.wall_s < SHORT_S:
            return self.wall_s
        return max(0.0, self._usage.look()[0] - self._cpu_at)

    def next_look_s(self) -> float:
        """Return how long to wait until limits should be looked at."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + self._look_s
            self._look_s = min(LAST_LOOK_S, self._look_s * 2)
        wait: float = min(self._due - now, self.limits["wall_s"] - self.wall_s)
        return max(0.001, wait)

    @property
    def overdue(self) -> bool:
        """Whether it is time to look."""
        now = time.monotonic()
        return now >= self._due or now - self._began >= self.limits["wall_s"]

    def exceeded(self) -> tuple[str, str]:
        """Return which limit has been passed, as an outcome and in words; two empty texts if none."""
        limits = self.limits
        cpu_s, memory_bytes = self._usage.look()
        cpu_s -= self._cpu_at
        self.peak_bytes = max(self.peak_bytes, memory_bytes)
        if cpu_s > limits["cpu_s"]:
            return TIME, f"used {cpu_s:.2f} of {limits['cpu_s']:g} CPU seconds"
        if self.wall_s > limits["wall_s"]:
            return TIME, f"still there after {limits['wall_s']:g} s, having used {cpu_s:.2f} CPU seconds"
        if memory_bytes > limits["memory_bytes"]:
            return MEMORY, f"held {memory_bytes} of {limits['memory_bytes']} bytes"
        if self._usage.oom_happened():
            return MEMORY, "the kernel ended a process because memory was used up"
        if self._usage.files() > MAX_FILES:
            return FILES, f"made more than {MAX_FILES} files"
        return self.too_much_output()

    def too_much_output(self) -> tuple[str, str]:
        """Return the same for what was written so far."""
        for fd in self._outputs:
            size = os.fstat(fd).st_size
            if size > self.limits["output_bytes"]:
                return OUTPUT, f"wrote over {self.limits['output_bytes']} bytes"
        return "", ""


class Usage:
    """What all programs in the box use, by the box's control group or by /proc."""

    def __init__(self, group: meter.Group | None, own: set[int], folders: Sequence[str]) -> None:
        self.group, self._own = group, own
        self._folders = [path for path in folders if os.statvfs(path).f_files > UNBOUNDED_FILES]
        self.reaped_cpu_s = 0.0
        """CPU seconds of orphans that the supervisor has buried."""
        self.idle_resident_bytes = 0
        """What each fork shares with its zygote."""
        self._seen_s = 0.0
        self._oom_kills = 0
        self.settle()

    def cpu_s(self) -> float:
        """Return CPU seconds since some fixed time."""
        if self.group is not None:
            return self.group.cpu_s() - time.process_time()
        return self.reaped_cpu_s

    def oom_happened(self) -> bool:
        """Return whether the kernel has ended a process because memory was used up, since the last call of `settle`."""
        return self.group is not None and self.group.oom_kills() > self._oom_kills

    def settle(self) -> None:
        """What happened so far is accounted for."""
        if self.group is not None:
            self._oom_kills = self.group.oom_kills()

    def files(self) -> int:
        """Return how many files there are in the box, where nothing else limits that."""
        return sum(status.f_files - status.f_ffree for status in map(os.statvfs, self._folders))

    def seen_cpu_s(self, living: bool) -> float:
        """Return CPU seconds as `cpu_s` does, those of living processes included as far as they were looked at."""
        return max(self.reaped_cpu_s, self._seen_s) if living and self.group is None else self.cpu_s()

    def look(self) -> tuple[float, int]:
        """Return CPU seconds as `cpu_s` does, those of living processes included, and bytes of memory held."""
        if self.group is not None:
            return self.cpu_s(), self.group.memory_bytes()
        living: list[meter.Process] = meter.descendants(self._own)
        shared = self.idle_resident_bytes
        memory = sum(max(0, process.resident_bytes - shared) for process in living)
        self._seen_s = self.reaped_cpu_s + sum(process.cpu_s for process in living)
        return self._seen_s, memory
