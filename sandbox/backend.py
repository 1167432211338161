"""What a backend is: the one door through which untrusted programs are run.

Threat model. A program is written by an adversary who reads this file. It may try to
  - learn what is expected of it: so nothing that it must not know (expected values, other programs, other tests'
    inputs before their turn) is ever in its process, its working folder, or any process that it can look into;
  - forge what is reported of it: so its exit status, output and values are reported as *its* claims, and nothing that
    it writes is ever taken for a verdict;
  - outlive its run, or disturb the next one: so every process of a run is gone, and the working folder clean, before
    the next one starts, or else the slot is thrown away;
  - use up the machine: so CPU, memory, processes, files, inodes and output are limited together, not for each process;
  - reach the host, the network, the engine's socket or other containers: so it runs as nobody, without capabilities,
    without network, on a read-only file system, behind a list of forbidden system calls.
Not covered: bugs of the kernel, or of the container runtime (choose `--runtime runsc` or a virtual machine for those),
and side channels of shared hardware. The backend `unsafe_local` covers none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sandbox.types import Job, JobReport, Report

OnReport = Callable[[int, Report], bool]
"""Called with each run's index and report as soon as it is known; `False` = the verdict is settled, run no more."""


class Backend(Protocol):
    """Runs jobs. Made once, used by thousands of jobs at the same time, closed at the end.

    All methods belong to one event loop.
    """

    @property
    def name(self) -> str:
        """`docker`, `bwrap`, `unsafe_local`, or a third party's."""

    async def run(self, job: Job, on_report: OnReport | None = None) -> JobReport:
        """Carry out a job. It waits for a free slot; that time counts against no limit.

        Always returns, and never raises for what a program does: what we could not do is `failure` with outcome
        `infrastructure`, after retries.

        Raises:
            UnsupportedLanguage: If there is no such language here.
            SandboxUnavailable: If the backend cannot be started.
        """

    async def close(self) -> None:
        """End all programs, and leave nothing behind."""
