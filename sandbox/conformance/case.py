"""One thing that a backend must do: programs, and what must come of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.types import Job, JobReport, Limits, Outcome, Program, Report, Stdio, Work

SHORT = Limits(cpu_s=1.0)
"""Enough for any honest program of the suite."""
Judge = Callable[[JobReport], str]
"""Returns what is wrong with a report; empty = nothing."""


@dataclass(frozen=True)
class Case:
    """One thing that a backend must do.

    Attributes:
        name: What it is, in a few words.
        job: What is run.
        judge: What must come of it.
        walls: Whether only a backend with walls can do it (`unsafe_local` has none).
    """

    name: str
    job: Job
    judge: Judge
    walls: bool = False


@dataclass(frozen=True)
class Finding:
    """What came of a case.

    Attributes:
        name: The case.
        problem: What is wrong; empty = nothing.
        skipped: Why it does not apply here; empty = it does.
    """

    name: str
    problem: str = ""
    skipped: str = ""


def program(source: str, stdin: bytes = b"", limits: Limits = SHORT, language: str = "python") -> Job:
    """Return the job of one program with one stdin."""
    return Job(Program(language, source), Stdio((stdin,)), limits)


def work(source: str, what: Work, limits: Limits = SHORT) -> Job:
    """Return the job of a Python program with other work."""
    return Job(Program("python", source), what, limits)


def says(text: bytes) -> Judge:
    """Judge that the program ends well and writes this to stdout, white space at the end aside."""

    def judge(report: JobReport) -> str:
        return only(report, Outcome.OK) or _differs(report.runs[0].stdout.rstrip(), text)

    return judge


def ends(*outcomes: Outcome) -> Judge:
    """Judge that its only run ends in one of these ways."""
    return lambda report: only(report, *outcomes)


def only(report: JobReport, *outcomes: Outcome) -> str:
    """Say what is wrong if a report has not one run of these outcomes."""
    if report.failure is not None:
        return "" if report.failure.outcome in outcomes else f"failed: {shown(report.failure)}"
    if len(report.runs) != 1:
        return f"1 run was expected, {len(report.runs)} reported"
    run = report.runs[0]
    return "" if run.outcome in outcomes else f"{' or '.join(outcomes)} was expected: {shown(run)}"


def shown(run: Report) -> str:
    """Say in one line how a run ended."""
    words = [run.outcome.value, run.detail, run.error, _cut(run.stdout), _cut(run.stderr)]
    return "; ".join(word for word in words if word)


def _differs(found: bytes, expected: bytes) -> str:
    return "" if found == expected else f"{_cut(expected)} was expected, {_cut(found)} came"


def _cut(data: bytes) -> str:
    text = data if len(data) <= 200 else data[:60] + b" ... " + data[-140:]
    return repr(text) if text else ""
