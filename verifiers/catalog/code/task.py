"""What a reference is read into: a language, tests of one kind, and how outputs are judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from verifiers.catalog.code.compare import Rule
from verifiers.catalog.code.expect import Expect
from verifiers.catalog.code.foreign_tests import ForeignTest, ForeignTests


class BadReference(ValueError):
    """A reference that cannot be used; its text says why, and what is allowed."""


CheckerName: TypeAlias = Literal["tokens", "exact", "float", "unordered_lines"]


@dataclass(frozen=True, slots=True)
class CheckerProgram:
    """A checker of the reference's own: a program run with the arguments `input output expected`; status 0 = right."""

    language: str
    source: str


@dataclass(frozen=True, slots=True)
class Checker:
    """How a program's stdout is held against the expected one.

    Attributes:
        name: One of ours.
        atol, rtol: Tolerances of `float`.
        program: A checker program, in the place of ours.
    """

    name: CheckerName = "tokens"
    atol: float = 1e-6
    rtol: float = 1e-6
    program: CheckerProgram | None = None


@dataclass(frozen=True, slots=True)
class StdioTest:
    """One run of the program: what it reads, what it should write."""

    stdin: bytes
    expected: bytes


@dataclass(frozen=True, slots=True)
class CallTest:
    """One call of the program's function.

    Attributes:
        arguments: `[args, kwargs]`, encoded.
        expect: What it should return; `None` = what the reference's right solution returns.
        shown: The call, for a human.
    """

    arguments: bytes
    expect: Expect | None
    shown: str = ""


@dataclass(frozen=True, slots=True)
class CheckTest:
    """A statement of Python that the trusted grader runs."""

    source: str


@dataclass(frozen=True, slots=True)
class Trusted:
    """The right solution of a reference that has inputs but no outputs.

    Attributes:
        source: The program.
        rule: How the candidate's results are held against its results.
        oracle: A name of `evalplus.ORACLES` where the data set compares otherwise.
    """

    source: str
    rule: Rule
    oracle: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A reference that was read. Its tests are all of one kind.

    Attributes:
        shape: The name of the reference's shape.
        language: A name of `LANGUAGES`.
        tests: At least one.
        entry_point: The function that calls and checks are about.
        checker: For `StdioTest`.
        grader: For `CheckTest`: what runs before the checks.
        names: For `CheckTest`: names that reach into the program.
        write_back: For `CheckTest`: whether the program may change the arguments of its calls.
        prompt: Code that a completion may continue (HumanEval).
        trusted: For call tests without an expectation.
        foreign: For tests written in C++ or JavaScript: what they share.
        common_imports: Whether programs may take the usual imports of the data set's harness for granted.
        cpu_s, memory_bytes: Limits that the reference asks for; `None` = the options'.
        notes: What was left out or assumed, for a human.
    """

    shape: str
    language: str
    tests: tuple[StdioTest, ...] | tuple[CallTest, ...] | tuple[CheckTest, ...] | tuple[ForeignTest, ...]
    entry_point: str = ""
    checker: Checker = Checker()
    grader: str = ""
    names: tuple[str, ...] = ()
    write_back: bool = False
    prompt: str = ""
    trusted: Trusted | None = None
    foreign: ForeignTests | None = None
    common_imports: bool = False
    cpu_s: float | None = None
    memory_bytes: int | None = None
    notes: tuple[str, ...] = field(default=())
