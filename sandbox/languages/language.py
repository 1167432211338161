"""What a language is (`Language`), and what a job becomes for a box (`Plan`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

from sandbox.errors import UnsupportedWork
from sandbox.types import MIB, Calls, Duet, Limits, Program, Snippets, Stdio, Work

JOB = "@JOB@"
"""Stands for the job's folder in commands and environments, see `sandbox.box.frames`."""
TOOL_MISSING = 97
"""Status of a compile step that found its compiler missing: the image's fault, not the program's."""

COMPILE_LIMITS = Limits(
    cpu_s=20.0, memory_bytes=896 * MIB, processes=32, output_bytes=1 * MIB, file_bytes=256 * MIB, open_files=256
)
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "UV_THREADPOOL_SIZE": "1",
    "GOMAXPROCS": "1",
    "RAYON_NUM_THREADS": "1",
}
"""A program is measured by the CPU seconds of all its threads: more of them than the slot has cores only cost."""
ENVIRONMENT = {"TZ": "UTC", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0", **SINGLE_THREADED}


@dataclass(frozen=True, slots=True)
class File:
    """A file of a job.

    Attributes:
        name: Its name in the folder.
        content: Its bytes.
        place: `job`: the job's folder, which the program cannot write to. `work`: the working folder of each run.
        executable: Whether it may be run.
    """

    name: str
    content: bytes
    place: Literal["job", "work"] = "job"
    executable: bool = False


@dataclass(frozen=True, slots=True)
class CompileStep:
    """What makes a program runnable, once for all its runs.

    Attributes:
        argv: The command; its working folder is the job's.
        env: Further variables.
        limits: Its own limits.
        address_space: Whether the memory limit also bounds each process' address space.
        keep: Patterns of the files that it makes.
    """

    argv: tuple[str, ...]
    keep: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = COMPILE_LIMITS
    address_space: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What a box is told to do.

    Attributes:
        language: Its name.
        work: The runs; `Snippets` have become `Calls` here.
        argv: The command of each run; empty = `source` is run by the box's own warm Python.
        source: Python source for that.
        preload: Modules that the warm Python should have.
        files: What is laid into the job's folder before compiling.
        env: Variables of compiler and runs.
        address_space: Whether the memory limit also bounds the address space of each process.
        compile: The step before; `None` = there is none.
        tools: Commands that the image must have.
    """

    language: str
    work: Stdio | Calls | Duet
    argv: tuple[str, ...] = ()
    source: bytes = b""
    preload: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    env: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)
    address_space: bool = True
    compile: CompileStep | None = None
    tools: tuple[str, ...] = ()

    def compile_key(self, image: str) -> bytes:
        """Return what tells this compilation from all others: language, command, files, and the image it runs in."""
        told = hashlib.blake2b(digest_size=20)
        step = self.compile
        assert step is not None, "only a program that is compiled has a key"
        words = [image, self.language, *step.argv, *(f"{key}={value}" for key, value in sorted(step.env.items()))]
        for part in [word.encode() for word in words] + [
            part for file in self.files for part in (file.name.encode(), file.place.encode(), file.content)
        ]:
            told.update(len(part).to_bytes(8, "big"))
            told.update(part)
        return told.digest()


Planner: TypeAlias = Callable[[Program, Work, Limits], Plan]


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        name: Its name.
        aliases: Other names by which models and datasets call it, in lower case.
        plan: Makes a job's plan; raises `UnsupportedWork` for work that the language has no way for.
        calls: Whether it can do `Calls`.
        snippets: Whether it can do `Snippets`.
        memory_signs: What its runtime writes to stderr when memory ran out: such a run is a `memory_limit`.
        missing: What to do if the image lacks it.
    """

    name: str
    plan: Planner
    aliases: tuple[str, ...] = ()
    calls: bool = False
    snippets: bool = False
    memory_signs: tuple[bytes, ...] = ()
    missing: str = "build an image that has it: `verify sandbox build`"


@cache
def harness(name: str) -> str:
    """Return the text of one of our own files that run next to a program."""
    return (Path(__file__).parent / "harness" / name).read_text(encoding="utf-8")


def own_files(program: Program) -> tuple[File, ...]:
    """Return the program's further files, for the working folder of each run."""
    return tuple(File(name, content, "work") for name, content in program.files.items())


def positional(language: str, arguments: bytes) -> int:
    """Return the number of arguments of a call for a language without named ones.

    Args:
        language: Its name, for the error.
        arguments: JSON text of `[args, kwargs]`; ours, so well-formed.

    Raises:
        UnsupportedWork: If there are named ones.
    """
    args, kwargs = json.loads(arguments)
    if kwargs not in ({}, {"d": []}):
        raise UnsupportedWork(f"{language} has no named arguments, and `kwargs` were given; give all in `args`.")
    return len(args)


def refuse(language: str, work: Work) -> UnsupportedWork:
    """Return the error for work that a language has no way for."""
    what = {Calls: "call tests", Snippets: "tests in the language itself", Duet: "a Python grader"}[type(work)]
    return UnsupportedWork(
        f"{what} were given for a {language} program; that language is judged by stdin and stdout only. "
        'Use tests of the form {"stdin": ..., "stdout": ...}.'
    )
