"""What is run (`Program` in a `Job`), under which `Limits`, and what came of it (`Report`, `JobReport`).

Standard library only. All values are immutable and picklable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

MIB = 1024 * 1024


class Outcome(StrEnum):
    """How one run of a program ended. None of them says whether its output is right."""

    OK = "ok"
    """It ended by itself with status 0, within its limits. Says nothing more."""
    RUNTIME_ERROR = "runtime_error"
    """It ended with another status or by a signal."""
    TIME_LIMIT = "time_limit"
    """It used up its CPU seconds, or sat still until the wall-clock backstop."""
    MEMORY_LIMIT = "memory_limit"
    """It asked for more memory than it may have."""
    OUTPUT_LIMIT = "output_limit"
    """It wrote more to stdout and stderr than it may."""
    COMPILE_ERROR = "compile_error"
    """Its source was refused by the compiler, or compiling it ran past its limits."""
    INFRASTRUCTURE = "infrastructure"
    """We failed: the sandbox is gone or broken. Never the program's fault, reported after retries."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. CPU seconds decide; the wall clock is only the backstop for what sleeps.

    Attributes:
        cpu_s: CPU seconds of the program and all its children together.
        memory_bytes: Memory of the program and all its children together.
        processes: Processes and threads at the same time.
        output_bytes: Bytes of stdout and of stderr, each.
        file_bytes: Size of the largest file, and of all files in the box together.
        stack_bytes: Stack of the main thread.
        open_files: Descriptors at the same time.
    """

    cpu_s: float = 6.0
    memory_bytes: int = 512 * MIB
    processes: int = 32
    output_bytes: int = 16 * MIB
    file_bytes: int = 64 * MIB
    stack_bytes: int = 64 * MIB
    open_files: int = 128

    @property
    def wall_s(self) -> float:
        """Wall-clock seconds after which a run is killed whatever its CPU use."""
        return 3.0 * self.cpu_s + 1.0


@dataclass(frozen=True, slots=True)
class Program:
    """An untrusted program.

    Attributes:
        language: A name of `sandbox.languages`.
        source: Its main file.
        files: Further files of the working folder, by relative name.
    """

    language: str
    source: str
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stdio:
    """Runs of the whole program, one for each stdin; each in a fresh process and a clean working folder."""

    stdins: tuple[bytes, ...]
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one function of the program. Expected values stay with the caller.

    Attributes:
        entry_point: The function's name; a dotted one names a method (`Solution().twoSum` is `Solution.twoSum`).
        arguments: For each call, JSON text (see `sandbox.values`) of `[args, kwargs]`.
    """

    entry_point: str
    arguments: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Duet:
    """A trusted grader in a process of its own, whose names that it does not define itself reach into the program.

    Attributes:
        grader: Python source: what the tests need, ending in the statements of `checks`' order being run one by one.
        checks: Python statements (each an assert, or a block of them) run after `grader`, each reported as one run.
        names: Names that are proxies of the program's own.
        write_back: Whether what the program does to lists, dicts and sets that it is given is done to the grader's.
    """

    grader: str
    checks: tuple[str, ...]
    names: tuple[str, ...]
    write_back: bool = False


@dataclass(frozen=True, slots=True)
class Snippet:
    """Statements in the program's own language, after which a variable holds what is told."""

    code: str
    result: str


@dataclass(frozen=True, slots=True)
class Snippets:
    """Snippets run one after another in the program's process and scope, for tests that come as text of its language.

    Attributes:
        snippets: Each is one run, and reports `value`.
        preamble: Declarations that they need, placed after the program.
    """

    snippets: tuple[Snippet, ...]
    preamble: str = ""


Work: TypeAlias = Stdio | Calls | Duet | Snippets


@dataclass(frozen=True, slots=True)
class Job:
    """One program and all that is to be run of it; it is compiled once.

    Attributes:
        program: What is run.
        work: How, and how often.
        limits: Of each run.
        stop_early: End with the first run whose outcome is not ok; later runs have no report.
    """

    program: Program
    work: Work
    limits: Limits = Limits()
    stop_early: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one run.

    Attributes:
        outcome: How it ended.
        stdout, stderr: What it wrote, cut at `Limits.output_bytes`. stderr may be cut shorter.
        value: For `Calls` and `Snippets`: JSON text that the program's process wrote as the result. Hostile, undecoded.
        error: For a failed `Calls` or `Duet` run: the exception's type and text, if one was seen.
        origin: Whose exception it was: `program`; for a `Duet` also `check` (an assert failed) or `grader` (its own
            code raised something else: perhaps a bad reference).
        exit_code: Its exit status; `None` if it was killed.
        signal: The signal that ended it; `None` if it ended by itself.
        cpu_s, wall_s: Seconds it took.
        memory_bytes: Most memory it held, as far as it was measured.
        detail: One line for a human.
    """

    outcome: Outcome
    stdout: bytes = b""
    stderr: bytes = b""
    value: bytes = b""
    error: str = ""
    origin: str = ""
    exit_code: int | None = None
    signal: int | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    memory_bytes: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JobReport:
    """What came of a job.

    Attributes:
        runs: One report for each run that took place, in order. A program that does not compile has none.
        compiled: The report of the compiler; `None` for languages without one, or where the program came from the
            cache.
        failure: Why the job could not be carried out, if it could not: the outcome is then `infrastructure`, or
            `compile_error`.
    """

    runs: tuple[Report, ...] = ()
    compiled: Report | None = None
    failure: Report | None = None
