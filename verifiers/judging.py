"""Ask a teacher for a verdict and take no harm: whatever it raises or returns becomes a verdict.

Used on both sides: in the caller's process for `quick`, in a worker for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifiers.errors import MissingExtra
from verifiers.teacher import Teacher, as_verdict
from verifiers.types import Sample, Status, Verdict

MAX_SHOWN_CHARS = 200
"""Longest piece of a wrong return value that a reason shows."""


def not_judged(status: Status, reason: str, elapsed_s: float = 0.0) -> Verdict:
    """Return a verdict without a reward."""
    return Verdict(None, status, reason, elapsed_s=elapsed_s)


def from_error(error: Exception, doing: str) -> Verdict:
    """Return the verdict for an exception of a teacher: `failed`, or `unavailable` where an extra is missing."""
    if isinstance(error, MissingExtra):
        return not_judged(Status.UNAVAILABLE, str(error))
    from verifiers.workers.worker import describe  # only when something failed: it is not light

    return not_judged(Status.FAILED, f"the teacher raised in {doing}: {describe(error)}")


def checked(value: object, elapsed_s: float) -> Verdict:
    """Return what a teacher answered as a sound verdict with its time.

    Args:
        value: Should be a `Verdict`; numbers and bools are understood, everything else is the teacher's failure.
        elapsed_s: CPU seconds that the work took.
    """
    try:
        verdict = value if type(value) is Verdict else as_verdict(value)  # type: ignore[arg-type]
        reward = verdict.reward
        # Building it anew checks it anew: a third party's teacher may have put anything in.
        return Verdict(
            reward if reward is None or type(reward) is float else float(reward),
            verdict.status if type(verdict.status) is Status else Status(verdict.status),
            verdict.reason if type(verdict.reason) is str else str(verdict.reason),
            verdict.answer if verdict.answer is None or type(verdict.answer) is str else str(verdict.answer),
            verdict.parts if type(verdict.parts) is tuple else tuple(verdict.parts),
            elapsed_s,
        )
    except (TypeError, ValueError) as error:
        return not_judged(Status.FAILED, f"the teacher returned no sound verdict: {error}", elapsed_s)


def judge_batch(teacher: Teacher, samples: Sequence[Sample]) -> list[Verdict]:
    """Return exactly one sound verdict a sample.

    Raises:
        MemoryError: If there is not enough; a worker reports it as such.
    """
    try:
        answers: object = teacher.score(samples)
    except MemoryError:
        raise
    except Exception as error:  # a teacher may raise anything; the verdict tells what
        return [from_error(error, "score()")] * len(samples)
    if isinstance(answers, (list, tuple)) and len(answers) == len(samples):
        return [checked(answer, getattr(answer, "elapsed_s", 0.0)) for answer in answers]
    found = f"{len(answers)} verdicts" if isinstance(answers, (list, tuple)) else repr(answers)[:MAX_SHOWN_CHARS]
    return [not_judged(Status.FAILED, f"the teacher returned {found} for {len(samples)} sample(s)")] * len(samples)
