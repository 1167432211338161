"""Run a program against a task in a sandbox, and judge what it gives. Nothing here waits for a program in a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sandbox.backend import OnReport
from sandbox.types import Calls, Duet, Job, JobReport, Limits, Outcome, Program, Report, Stdio
from verifiers.catalog.code.checkers import output_fault
from verifiers.catalog.code.foreign_judge import foreign_result
from verifiers.catalog.code.joining import callable_name
from verifiers.catalog.code.oracles import agrees, settled
from verifiers.catalog.code.results import LIMITS, PASS, WRONG, Credit, Result, failed_run, settle
from verifiers.catalog.code.show import last_line, show_text, show_value, telling_line
from verifiers.catalog.code.task import BadReference, CallTest, CheckerProgram, CheckTest, StdioTest, Task
from verifiers.catalog.code.values import ValueFault, decode
from verifiers.types import Status, Verdict

MAX_LIMIT_HITS = 3
"""With credit=fraction: after so many runs past a limit the rest is not run, and counts as not passed."""
MAX_LEFT_OUT = 0.1
"""Share of the inputs that a right solution may fail on; at least one. Those are not judged."""
_TESTS_FAULT = ("NameError", "ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError")
"""Errors of the grader's own code that no program can be the cause of."""


class Runs(Protocol):
    """The part of a sandbox's backend that is used here."""

    async def run(self, job: Job, on_report: OnReport | None = None) -> JobReport:
        """Carry out a job; see `sandbox.backend.Backend`."""


@dataclass(frozen=True, slots=True)
class How:
    """How programs are run and paid.

    Attributes:
        limits: Of each run, where the reference asks for no others.
        credit: Whether all tests decide together, or each has its share.
        max_memory_bytes: What a reference may ask for at most.
    """

    limits: Limits
    credit: Credit
    max_memory_bytes: int

    def limits_of(self, task: Task) -> Limits:
        """Return the limits of a task's runs."""
        limits = self.limits
        if task.cpu_s is not None:
            limits = replace(limits, cpu_s=task.cpu_s)
        if task.memory_bytes is not None:
            limits = replace(limits, memory_bytes=min(task.memory_bytes, self.max_memory_bytes))
        return limits


Judge = Callable[[int, Report], Result]


async def judge_program(
    backend: Runs, task: Task, language: str, source: str, how: How, expected: Sequence[object] = ()
) -> Verdict:
    """Run a program against all tests of a task, or as many as settle the verdict.

    Args:
        backend: Runs it.
        task: What is asked.
        language: The program's.
        source: The program.
        how: Its limits and what it is paid for.
        expected: For tests without an expectation: what the right solution returns, a value or why there is none.

    Raises:
        SandboxError: If it cannot be run here.
        BadReference: If running shows that the tests cannot be right.
    """
    tests = task.tests
    first = tests[0]
    program = Program(language, source)
    limits = how.limits_of(task)
    if isinstance(first, StdioTest):
        stdins = tuple(test.stdin for test in tests if isinstance(test, StdioTest))
        job = Job(program, Stdio(stdins), limits)
        if task.checker.program is not None:
            return await _with_checker(backend, job, task, task.checker.program, how)
        return await _run(backend, job, lambda run, report: _output(task, run, report), how)
    if isinstance(first, CallTest):
        task, expected = _usable(task, expected)
        arguments = tuple(test.arguments for test in task.tests if isinstance(test, CallTest))
        name = callable_name(source, task.entry_point) if language == "python" else task.entry_point
        job = Job(program, Calls(name, arguments), limits)
        return await _run(backend, job, lambda run, report: _returned(task, run, report, expected), how)
    if task.foreign is not None:
        foreign = task.foreign
        job = Job(program, foreign.work, limits)
        return await _run(backend, job, lambda run, report: foreign_result(foreign, run, report, expected), how)
    checks = tuple(test.source for test in tests if isinstance(test, CheckTest))
    job = Job(program, Duet(task.grader, checks, task.names, task.write_back), limits)
    return await _run(backend, job, _checked, how)


async def _run(backend: Runs, job: Job, judge: Judge, how: How) -> Verdict:
    results: dict[int, Result] = {}
    stop, total = _Stop(how.credit), _count(job)

    def on_report(run: int, report: Report) -> bool:
        if report.outcome is Outcome.INFRASTRUCTURE or run >= total:  # a program that answers more than it was asked
            return False
        results[run] = judge(run, report)
        return stop.goes_on(results[run])

    done = await backend.run(job, on_report)
    return _verdict(done, results, total, stop, how)


class _Stop:
    """Tells when the verdict is settled."""

    def __init__(self, credit: Credit) -> None:
        self._credit = credit
        self._limit_hits = 0
        self.settled = False

    def goes_on(self, result: Result) -> bool:
        """Take a result; return whether more tests can change the verdict."""
        self._limit_hits += result.outcome in LIMITS
        over = self._limit_hits >= MAX_LIMIT_HITS if self._credit == "fraction" else not result.passed
        self.settled = self.settled or over
        return not self.settled


def _count(job: Job) -> int:
    work = job.work
    if isinstance(work, Stdio):
        return len(work.stdins)
    if isinstance(work, Calls):
        return len(work.arguments)
    return len(work.checks) if isinstance(work, Duet) else len(work.snippets)


def _verdict(done: JobReport, results: dict[int, Result], total: int, stop: _Stop, how: How) -> Verdict:
    failure = done.failure
    if failure is None:
        failure = next((run for run in done.runs if run.outcome is Outcome.INFRASTRUCTURE), None)
    if failure is not None and failure.outcome is Outcome.COMPILE_ERROR:
        return _not_compiled(failure, total)
    ordered = _until_settled(results, how.credit)
    if failure is None and not stop.settled and len(ordered) < total:
        failure = Report(Outcome.INFRASTRUCTURE, detail=f"{len(ordered)} of {total} runs were reported")
    if failure is not None and not stop.settled:
        return Verdict(None, Status.FAILED, f"the sandbox failed: {show_text(failure.detail)}")
    return settle(ordered, total, how.credit)


def _until_settled(results: dict[int, Result], credit: Credit) -> list[Result]:
    """Return the results in order, no further than where they settle it: which later runs came in is chance."""
    ordered: list[Result] = []
    stop = _Stop(credit)
    for run in range(len(results)):
        if run not in results:
            break
        ordered.append(results[run])
        if not stop.goes_on(results[run]):
            break
    return ordered


def _not_compiled(report: Report, total: int) -> Verdict:
    result = failed_run(report)
    part = result.part("compile")
    reason = f"does not compile: {result.seen or show_text(report.detail)}"
    return Verdict(0.0, Status.INCORRECT, reason, None, (part,), report.cpu_s)


def _output(task: Task, run: int, report: Report) -> Result:
    test = task.tests[run]
    assert isinstance(test, StdioTest)
    expected = show_text(test.expected)
    if report.outcome is not Outcome.OK:
        return failed_run(report, expected)
    fault = output_fault(task.checker, test.expected, report.stdout)
    return _held(report, fault, expected, show_text(report.stdout), report.stdout)


def _held(report: Report, fault: str, expected: str, seen: str, claim: bytes) -> Result:
    outcome = WRONG if fault else PASS
    return Result(outcome, fault, expected, seen, claim or b"-", report.cpu_s, report.memory_bytes)


def _returned(task: Task, run: int, report: Report, expected: Sequence[object]) -> Result:
    test = task.tests[run]
    assert isinstance(test, CallTest)
    if report.outcome is not Outcome.OK:
        wanted = test.expect.shown() if test.expect else ""
        return failed_run(report, f"{test.shown} -> {wanted}")
    if test.expect is None:
        return _like_trusted(task, test, report, expected[run])
    fault = test.expect.fault(report.value)
    return _held(report, f"{test.shown}: {fault}" if fault else "", test.expect.shown(), _seen(report), report.value)


def _seen(report: Report) -> str:
    try:
        return show_value(decode(report.value))
    except ValueFault:
        return show_text(report.value)


def _like_trusted(task: Task, test: CallTest, report: Report, expected: object) -> Result:
    assert task.trusted is not None
    try:
        seen = decode(report.value)
    except ValueFault as fault:
        return _held(report, f"{test.shown}: its result cannot be read: {fault}", "", "", report.value)
    held = agrees(task.trusted.oracle, test.arguments, expected, seen, task.trusted.rule)
    wanted, given = show_value(expected), show_value(seen)
    return _held(report, "" if held else f"{test.shown}: expected {wanted}, got {given}", wanted, given, report.value)


def _checked(_run: int, report: Report) -> Result:
    """Return the result of a grader's check.

    Raises:
        BadReference: If the check fails whatever the program is.
    """
    if report.outcome is Outcome.OK:
        return Result(PASS, "", "", "", b"", report.cpu_s, report.memory_bytes)
    if report.origin == "grader" and report.error.partition(":")[0] in _TESTS_FAULT:
        raise BadReference(f"the tests cannot be run: {show_text(report.error)}")
    if report.origin in ("check", "grader") and report.outcome is Outcome.RUNTIME_ERROR:
        return Result(WRONG, show_text(report.error), "", "", b"", report.cpu_s, report.memory_bytes)
    return failed_run(report)


async def _with_checker(backend: Runs, job: Job, task: Task, checker: CheckerProgram, how: How) -> Verdict:
    """Run all tests, then the checker program on each output, one after another until the verdict is settled."""
    stop = _Stop(how.credit)
    outputs: dict[int, Report] = {}

    def on_report(run: int, report: Report) -> bool:
        outputs[run] = report
        return report.outcome is Outcome.OK or how.credit == "fraction"

    done = await backend.run(job, on_report)
    if done.failure is not None:
        return _verdict(done, {}, _count(job), stop, how)
    results: dict[int, Result] = {}
    for run in sorted(outputs):
        results[run] = await _asked(backend, task, checker, run, outputs[run], how)
        if not stop.goes_on(results[run]):
            break
    return _verdict(done, results, _count(job), stop, how)


async def _asked(backend: Runs, task: Task, checker: CheckerProgram, run: int, report: Report, how: How) -> Result:
    """Ask the checker program about one output.

    Raises:
        BadReference: If the checker does not compile, or does not end by itself, whatever it is given.
        Infrastructure: If the sandbox failed.
    """
    test = task.tests[run]
    assert isinstance(test, StdioTest)
    expected, seen = show_text(test.expected), show_text(report.stdout)
    if report.outcome is not Outcome.OK:
        return failed_run(report, expected)
    said = await _said_of(backend, checker, test, report.stdout, how)
    if said.exit_code is None:
        # An output may be made to do that to it; then it has a word on the expected one.
        if (await _said_of(backend, checker, test, test.expected, how)).exit_code is None:
            raise BadReference(f"the checker program did not end by itself: {said.outcome.value}")
        return _held(report, f"the checker did not end by itself: {said.outcome.value}", expected, seen, report.stdout)
    fault = (
        "" if said.exit_code == 0 else f"the checker refuses it: {last_line(said.stderr or said.stdout) or 'no word'}"
    )
    return _held(report, fault, expected, seen, report.stdout)


async def _said_of(backend: Runs, checker: CheckerProgram, test: StdioTest, output: bytes, how: How) -> Report:
    files = {"input": test.stdin, "output": output, "expected": test.expected}
    program = Program(checker.language, checker.source, files)
    done = await backend.run(Job(program, Stdio((b"",), tuple(files)), how.limits))
    for told in (done.failure, *done.runs):
        if told is not None and told.outcome is Outcome.INFRASTRUCTURE:
            raise Infrastructure(told.detail)
    if done.failure is not None or not done.runs:
        detail = telling_line(done.failure.stderr) or done.failure.detail if done.failure else "no report"
        raise BadReference(f"the checker program cannot be run: {show_text(detail)}")
    return done.runs[0]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A test that cannot be judged, as the right solution gives nothing to compare with."""

    reason: str


def _usable(task: Task, expected: Sequence[object]) -> tuple[Task, Sequence[object]]:
    """Return a task without the tests that are left out."""
    if not any(isinstance(each, LeftOut) for each in expected):
        return task, expected
    kept = [at for at, each in enumerate(expected) if not isinstance(each, LeftOut)]
    tests = tuple(test for test in (task.tests[at] for at in kept) if isinstance(test, CallTest))
    return replace(task, tests=tests), [expected[at] for at in kept]


async def trusted_results(backend: Runs, task: Task, how: How) -> list[object]:
    """Return what a task's right solution returns for each test, `LeftOut` for a few that it cannot do.

    Raises:
        BadReference: If it fails on more than a few, or returns what cannot be told.
        SandboxError: If it cannot be run here.
    """
    assert task.trusted is not None
    arguments = tuple(test.arguments for test in task.tests if isinstance(test, CallTest))
    job = Job(Program("python", task.trusted.source), Calls(task.entry_point, arguments), how.limits_of(task))
    done = await backend.run(job)
    if done.failure is not None and done.failure.outcome is Outcome.INFRASTRUCTURE:
        raise Infrastructure(done.failure.detail)
    results = [_trusted_result(task, test, report) for test, report in zip(task.tests, done.runs, strict=False)]
    lost = [each for each in results if isinstance(each, LeftOut)]
    if len(results) != len(task.tests):
        raise BadReference("the right solution could not be run on all inputs")
    if len(lost) > max(1, MAX_LEFT_OUT * len(results)) or len(lost) == len(results):
        raise BadReference(f"the right solution fails on {len(lost)} of {len(results)} inputs: {lost[0].reason}")
    return results


def _trusted_result(task: Task, test: object, report: Report) -> object:
    assert isinstance(test, CallTest)
    assert task.trusted is not None
    if report.outcome is not Outcome.OK:
        return LeftOut(f"{test.shown}: {failed_run(report).reason}")
    try:
        value = decode(report.value)
        return value if task.trusted.oracle == "not none" else settled(value)
    except (ValueFault, ValueError, TypeError) as fault:
        return LeftOut(f"{test.shown}: {fault}")


class Infrastructure(RuntimeError):
    """The sandbox failed while it ran a right solution, or a checker."""
