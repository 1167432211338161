"""Score samples with a teacher: `score`, `ascore`, `score_groups`.

    score([("x = 42", "42"), ("41", "42")], "math")            pairs of completion and reference
    score(rows, "math", percent="strict")                      mappings; columns are found by their usual names
    score(samples, "./my_teacher.py", deadline_s=2.0)          samples; a teacher of one's own

Scorers are kept, so that many small calls cost little more than their work.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from verifiers.binding import AnyTeacher
from verifiers.engine import Scorer
from verifiers.errors import UsageError
from verifiers.judging import not_judged
from verifiers.loading import file_stamp
from verifiers.teacher import BaseTeacher, stamp_of
from verifiers.types import Json, Sample, Status, Verdict

__all__ = ["AnySample", "Scorer", "ascore", "score", "score_groups", "scorer_for"]

AnySample: TypeAlias = "Sample | Mapping[str, Any] | tuple[Any, Any]"
"""A sample, a mapping with the usual column names, or a pair (completion, reference)."""

MAX_SCORERS = 32
"""Most scorers kept; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A scorer that is kept.

    Attributes:
        scorer: It.
        given: What it was made from. It is kept too, so that no other object can get its id.
        file: Stamp of the teacher's file when it was made.
    """

    scorer: Scorer
    given: AnyTeacher
    file: int

    @property
    def is_fresh(self) -> bool:
        """Whether the teacher would be the same if it were built now. A teacher's object is what it is."""
        if isinstance(self.given, str) and file_stamp(self.given) != self.file:
            return False
        return isinstance(self.given, BaseTeacher) or stamp_of(self.scorer.teacher) == self.scorer.stamp


_scorers: dict[tuple[object, ...], _Kept] = {}
_lock = threading.Lock()


def score(
    samples: Iterable[AnySample],
    teacher: AnyTeacher = "math",
    *,
    options: Mapping[str, Json] | None = None,
    num_proc: int | None = None,
    deadline_s: float | None = None,
    **set_options: Json,
) -> list[Verdict]:
    """Judge samples.

    Args:
        samples: Samples, mappings, or pairs (completion, reference).
        teacher: A catalog id, file, dotted path, spec, teacher or plain function.
        options: Option values of the teacher.
        num_proc: Most worker processes; `None` = the number of CPUs.
        deadline_s: Wall-clock seconds for one sample in a worker; `None` = the teacher's own.
        **set_options: Option values as keywords; they win over `options`.

    Returns:
        Exactly one verdict a sample, in the same order; what cannot be judged has `reward=None` and a reason.

    Raises:
        UsageError: If the teacher, an option, or the kind of samples is not allowed.
    """
    scorer = scorer_for(teacher, {**(options or {}), **set_options}, num_proc, deadline_s)
    return scorer.score(_coerced(samples))


async def ascore(
    samples: Iterable[AnySample],
    teacher: AnyTeacher = "math",
    *,
    options: Mapping[str, Json] | None = None,
    num_proc: int | None = None,
    deadline_s: float | None = None,
    **set_options: Json,
) -> list[Verdict]:
    """Judge samples as `score` does, in a thread, so that the event loop goes on.

    A teacher with machinery of its own (`code`) needs no thread: any number of calls may be under way.

    When the task is cancelled, samples that have not begun are given up; one that has ends by its deadline.
    """
    import asyncio  # who calls this has loaded it; who does not is spared it

    scorer = scorer_for(teacher, {**(options or {}), **set_options}, num_proc, deadline_s)
    if scorer.has_lane:
        return await _awaited(scorer, _coerced(samples))
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(_score_until, scorer, _coerced(samples), given_up)
    except asyncio.CancelledError:
        given_up.set()
        raise


def score_groups(
    groups: Iterable[Iterable[AnySample]],
    teacher: AnyTeacher = "math",
    *,
    options: Mapping[str, Json] | None = None,
    num_proc: int | None = None,
    deadline_s: float | None = None,
    **set_options: Json,
) -> list[list[Verdict]]:
    """Judge groups of samples as `score` does, all groups at once.

    Returns:
        One list of verdicts for each group, in the same order.
    """
    rows_P = [list(_coerced(group)) for group in groups]  # noqa: N806 (an axis, see the design)
    scorer = scorer_for(teacher, {**(options or {}), **set_options}, num_proc, deadline_s)
    verdicts = iter(scorer.score(row for rows_G in rows_P for row in rows_G))
    return [list(islice(verdicts, len(rows_G))) for rows_G in rows_P]


def scorer_for(
    teacher: AnyTeacher, options: Mapping[str, Json], num_proc: int | None = None, deadline_s: float | None = None
) -> Scorer:
    """Return this process's scorer for these arguments; it is made once, and anew when what its teacher reads changes.

    Raises:
        UsageError: As of `Scorer`.
    """
    what = teacher if isinstance(teacher, str) else id(teacher)
    key = (what, repr(sorted(options.items())), num_proc, deadline_s)
    found = _scorers.get(key)
    if found is not None and found.is_fresh:
        return found.scorer
    file = file_stamp(teacher) if isinstance(teacher, str) else 0  # before it is read: what changes later is seen
    made = _Kept(Scorer(teacher, options=options, num_proc=num_proc, deadline_s=deadline_s), teacher, file)
    if found is not None:
        found.scorer.retire()
    with _lock:
        if _scorers.get(key) is found:  # else another thread was quicker
            _scorers.pop(key, None)
            while len(_scorers) >= MAX_SCORERS:
                del _scorers[next(iter(_scorers))]
        return _scorers.setdefault(key, made).scorer


def _score_until(scorer: Scorer, samples: Iterable[Sample | Verdict], given_up: threading.Event) -> list[Verdict]:
    verdicts = []
    for verdict in scorer.stream(samples):
        verdicts.append(verdict)
        if given_up.is_set():
            break
    return verdicts


async def _awaited(scorer: Scorer, samples: Iterable[Sample | Verdict]) -> list[Verdict]:
    """Judge samples on the scorer's lane, in the caller's event loop."""
    import asyncio

    from verifiers.lane import LANE_WINDOW

    verdicts: list[Verdict] = []
    window: deque[asyncio.Future[Verdict]] = deque()
    try:
        for sample in samples:
            if len(window) >= LANE_WINDOW:
                verdicts.append(await window.popleft())
            window.append(asyncio.wrap_future(scorer.begin(sample)))
        while window:
            verdicts.append(await window.popleft())
    finally:  # also when the task is cancelled
        for future in window:
            future.cancel()
    return verdicts


def _coerced(rows: Iterable[AnySample]) -> Iterator[Sample | Verdict]:
    """Yield samples; a mapping without a completion is a bad row, anything that is no row the caller's mistake."""
    if isinstance(rows, (str, bytes, Mapping, Sample)):
        raise UsageError(f"samples is a list of samples, not one {type(rows).__name__}; put it into a list")
    for row in rows:
        if isinstance(row, Sample):
            yield row
        elif isinstance(row, tuple) and len(row) == 2:
            yield Sample(row[0], "", row[1])
        elif isinstance(row, Mapping):
            yield _from_mapping(row)
        else:
            raise UsageError(
                f"a sample is a Sample, a mapping such as {{'completion': ..., 'reference': ...}} or a pair "
                f"(completion, reference), not {type(row).__name__}"
            )


def _from_mapping(row: Mapping[str, Any]) -> Sample | Verdict:
    from verifiers.io.rows import sample_from_mapping  # only needed for mappings

    try:
        return sample_from_mapping(row)
    except UsageError as error:
        return not_judged(Status.BAD_ROW, str(error))


def _renew_lock() -> None:
    """In a fork: another thread of the parent may have held the lock."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
