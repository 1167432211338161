"""Judge tests written in C++ or JavaScript: what the program told, against what is expected of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sandbox.types import Job, JobReport, Limits, Outcome, Program, Report
from verifiers.catalog.code.foreign_tests import ForeignTest, ForeignTests, Unread
from verifiers.catalog.code.foreign_values import Unequal, read
from verifiers.catalog.code.results import PASS, WRONG, Result, failed_run
from verifiers.catalog.code.show import show_text, telling_line
from verifiers.catalog.code.task import BadReference


class Untold(RuntimeError):
    """The expected values could not be had, for reasons of our own."""


async def expected_values(
    run: Callable[[Job], Awaitable[JobReport]], foreign: ForeignTests, limits: Limits
) -> list[object]:
    """Return what each test expects; what is no literal is evaluated by a trusted program of its own.

    Args:
        run: Runs a job.
        foreign: The tests.
        limits: Of each evaluation.

    Raises:
        BadReference: If an expected value cannot be evaluated.
        Untold: If the sandbox failed.
    """
    work = foreign.expected_work
    if work is None:
        return [test.expected for test in foreign.tests]
    done = await run(Job(Program(foreign.language, foreign.expected_program), work, limits))
    failure = done.failure or next((one for one in done.runs if one.outcome is Outcome.INFRASTRUCTURE), None)
    if failure is not None and failure.outcome is Outcome.INFRASTRUCTURE:
        raise Untold(failure.detail)
    if failure is not None:
        raise BadReference(f"the expected values do not compile: {show_text(telling_line(failure.stderr))}")
    told = iter(done.runs)
    return [
        _evaluated(next(told, None), test) if isinstance(test.expected, Unread) else test.expected
        for test in foreign.tests
    ]


def _evaluated(report: Report | None, test: ForeignTest) -> Any:
    try:
        if report is not None and report.outcome is Outcome.OK:
            return read(report.value)
        why = (report.error or report.outcome.value) if report else "no report"
    except Unequal as error:
        why = str(error)
    raise BadReference(f"the expected value {show_text(test.expected_text)} cannot be evaluated: {show_text(why)}")


def foreign_result(foreign: ForeignTests, run: int, report: Report, expected: Sequence[object]) -> Result:
    """Return the result of one test."""
    test = foreign.tests[run]
    wanted, seen = show_text(test.expected_text), show_text(report.value)
    if report.outcome is not Outcome.OK or not report.value:
        return failed_run(report, show_text(test.shown))
    right = foreign.is_same(expected[run], report.value)
    reason = "" if right else f"{show_text(test.shown)}: got {seen}"
    return Result(PASS if right else WRONG, reason, wanted, seen, report.value, report.cpu_s, report.memory_bytes)
