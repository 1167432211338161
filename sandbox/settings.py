"""What can be chosen about the sandbox."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from sandbox.types import MIB, Limits

Mode = Literal["uid", "strict"]
MODES = ("uid", "strict")
AUTO = "auto"
UNSAFE_LOCAL = "unsafe_local"
MAX_SLOTS = 256


@dataclass(frozen=True, slots=True)
class Settings:
    """One configuration; equal ones share a pool.

    Attributes:
        backend: `auto` (docker if an engine answers, else bwrap), `docker`, `bwrap`, `unsafe_local`, or a third
            party's as `module:function`, which is called with these settings and returns a `sandbox.backend.Backend`.
        mode: `uid`: a user of its own for each program. `strict`: also fresh namespaces and file systems for each.
        slots: Programs that run at the same time; 0 = one for each CPU that this process may use.
        memory_bytes: Of one slot, for all that runs in it; programs' own limits must stay below.
        runtime: The engine's runtime, such as `runsc`; empty = the engine's default.
        image: An image of your own; empty = the one that `verify sandbox build` made.
        rootfs: A root folder of your own for bwrap; empty = the one that `verify sandbox build` made, else this
            machine's own `/usr`.
    """

    backend: str = AUTO
    mode: Mode = "uid"
    slots: int = 0
    memory_bytes: int = 1024 * MIB
    runtime: str = ""
    image: str = ""
    rootfs: str = ""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}; {self.mode!r} was given.")
        if not 0 <= self.slots <= MAX_SLOTS:
            raise ValueError(f"slots must be 0 to {MAX_SLOTS}; {self.slots} was given.")
        if self.memory_bytes < Limits().memory_bytes:
            raise ValueError(f"memory_bytes must be {Limits().memory_bytes} or more; {self.memory_bytes} was given.")

    @property
    def slot_count(self) -> int:
        """How many programs run at the same time."""
        return self.slots or usable_cpus()


def usable_cpus() -> int:
    """Return the CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
