"""From the sandbox's report on one run to the result of one test, and from all results to a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sandbox.types import MIB, Outcome, Report
from verifiers.catalog.code.show import SHOWN_CHARS, show_text, telling_line
from verifiers.types import Part, Status, Verdict

PASS, WRONG = "pass", "wrong_answer"
LIMITS: Final = frozenset({Outcome.TIME_LIMIT, Outcome.MEMORY_LIMIT, Outcome.OUTPUT_LIMIT})
COMMON_SHARE = 0.5
COMMON_TESTS = 4
"""Where one answer is right in so many of at least so many tests, a program must pass more than those."""

Credit = Literal["all", "fraction"]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one test.

    Attributes:
        outcome: `pass`, `wrong_answer`, or a value of `sandbox.types.Outcome`.
        reason: One line for a human.
        expected, seen: Cut and escaped, where they tell something.
        claim: What the program answered, whole: equal ones are the same answer.
        cpu_s, memory_bytes: What the run took.
    """

    outcome: str
    reason: str = ""
    expected: str = ""
    seen: str = ""
    claim: bytes = b""
    cpu_s: float = 0.0
    memory_bytes: int = 0

    @property
    def passed(self) -> bool:
        """Whether the test is passed."""
        return self.outcome == PASS

    def part(self, name: str) -> Part:
        """Return the part of a verdict that tells it."""
        details: dict[str, str | float] = {"outcome": self.outcome}
        if not self.passed and self.expected:
            details["expected"] = self.expected
        if not self.passed and (self.seen or self.expected):
            details["seen"] = self.seen
        details["cpu_s"] = round(self.cpu_s, 4)
        if self.memory_bytes:
            details["memory_mb"] = round(self.memory_bytes / MIB, 1)
        return Part(name, 1.0 if self.passed else 0.0, self.reason or self.outcome, details=details)


_WORDS: Final = {
    Outcome.TIME_LIMIT: "ran past its time limit",
    Outcome.MEMORY_LIMIT: "ran past its memory limit",
    Outcome.OUTPUT_LIMIT: "wrote more than it may",
    Outcome.COMPILE_ERROR: "does not compile",
}


def failed_run(report: Report, expected: str = "") -> Result:
    """Return the result of a run that did not end well."""
    why = _WORDS.get(report.outcome) or _how_it_ended(report)
    seen = report.error or telling_line(report.stderr)
    if report.outcome in LIMITS or report.outcome is Outcome.COMPILE_ERROR:
        why += f": {show_text(seen)}" if seen and report.outcome is Outcome.COMPILE_ERROR else ""
    return Result(report.outcome.value, why, expected, show_text(seen), b"", report.cpu_s, report.memory_bytes)


def _how_it_ended(report: Report) -> str:
    told = show_text(report.error) or telling_line(report.stderr)
    if report.signal is not None:
        return f"killed by signal {report.signal}"
    if told:
        return told
    return f"ended with status {report.exit_code}" if report.exit_code else "ended without an answer"


def settle(results: Sequence[Result], total: int, credit: Credit, names: Sequence[str] = ()) -> Verdict:
    """Return the verdict on all results.

    Args:
        results: Of the tests that were run, in order.
        total: How many tests there are; those that were not run count as not passed.
        credit: Whether all tests decide together, or each has its share.
        names: Of the tests; empty = by number.
    """
    told = names or [f"test {number}" for number in range(1, len(results) + 1)]
    parts = tuple(result.part(name) for name, result in zip(told, results, strict=False))
    elapsed_s = sum(result.cpu_s for result in results)
    passed = sum(result.passed for result in results)
    if passed == total:
        reason = "passes the test" if total == 1 else f"passes all {total} tests"
        return Verdict(1.0, Status.CORRECT, reason, None, parts, elapsed_s)
    first = next(at for at, result in enumerate(results) if not result.passed)
    why = f"{told[first]} of {total}: {results[first].outcome}: {results[first].reason}"
    if credit == "fraction" and passed:
        guess = _guessed(results, total)
        if not guess:
            reason = f"passes {passed} of {total} tests; {why}"
            return Verdict(passed / total, Status.PARTIAL, reason, None, parts, elapsed_s)
        why = f"passes {passed} of {total} tests, {guess}; {why}"
    limited = results[first].outcome in LIMITS
    return Verdict(0.0, Status.LIMIT_EXCEEDED if limited else Status.INCORRECT, why, None, parts, elapsed_s)


def _guessed(results: Sequence[Result], total: int) -> str:
    """Return why passed tests earn nothing: they are what a guess would pass; empty = they are more."""
    wanted = Counter(result.expected for result in results if result.expected)
    if len(wanted) < 2:
        return ""
    claims = [b" ".join(result.claim.split()) for result in results if result.claim]
    if len(set(claims)) == 1 and len(claims) > 1:
        return "with the same answer to all"
    right = [
        result.expected if len(result.expected) < SHOWN_CHARS else result.claim for result in results if result.passed
    ]
    if len(right) > 1 and len(set(right)) == 1:
        return "only such as one answer to all would"
    share = max(wanted.values()) / total
    passed = sum(result.passed for result in results)
    if total >= COMMON_TESTS and share >= COMMON_SHARE and passed <= max(wanted.values()):
        return "no more than the most frequent answer alone would"
    return ""
