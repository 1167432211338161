"""The contract that every teacher must hold, as a suite: `verify check TEACHER`, and the tests over the catalog.

Rules, each a function below: described, options, case kinds, cases, quick, batches, determinism, reads, references,
hostile, canaries, behaviour. The teacher only runs in killable workers, so that a bad one harms nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from verifiers.binding import bind
from verifiers.errors import OptionError, UsageError
from verifiers.findings import Finding, case_kinds, described, finding, options_sound
from verifiers.hostile import HOSTILE, canaries
from verifiers.judging import not_judged
from verifiers.probe import FIELDS, SERVICE, Mode, question, read_answer
from verifiers.registry import find
from verifiers.teacher import BaseTeacher, Case, TeacherSpec
from verifiers.types import Json, Sample, Status, Verdict
from verifiers.workers.pool import WorkerPool

REWARD_TOLERANCE = 1e-9
HOSTILE_REFERENCES = 2
"""Against how many references of accept cases each hostile completion is tried."""
MAX_QUICK_S = 1.0
"""CPU seconds that `quick` may take at most for anything; sound ones need milliseconds."""
SHOWN_CHARS = 80
MEASURED = frozenset({"cpu_s", "wall_s", "memory_mb"})
"""Details of parts that are measured, and may differ between two runs."""

_OURS = {Status.FAILED, Status.DEADLINE_EXCEEDED, Status.BAD_ROW}
"""Statuses that a sound sample must never get from a sound teacher."""


@dataclass
class _Suite:
    """A teacher under check, and how to ask it."""

    spec: TeacherSpec
    pool: WorkerPool
    deadline_s: float
    notes: list[str] = field(default_factory=list)
    slowest_quick_s: float = 0.0

    def ask(
        self, mode: Mode, batches: Sequence[Sequence[Sample]], options: Mapping[str, Json] | None = None
    ) -> list[list[Verdict | None]]:
        """Ask for each batch in a request of its own; failures become verdicts."""
        config = bind(self.spec, options).config
        answers: list[list[Verdict | None]] = [[] for _ in batches]
        # A batch has its samples' deadlines together; single samples are the rule.
        deadline_s = self.deadline_s * max(1, *map(len, batches), 0)
        requests = [question(mode, config, batch) for batch in batches]
        for reply in self.pool.run(requests, deadline_s):
            if mode == "quick":
                self.slowest_quick_s = max(self.slowest_quick_s, reply.elapsed_s)
            if reply.payload is not None:
                answers[reply.index], notes = read_answer(reply.payload)
                self.notes += notes
                continue
            late = reply.failure == "deadline"
            status = Status.DEADLINE_EXCEEDED if late else Status.FAILED
            reason = f"no answer within {deadline_s:g} s" if late else f"{reply.failure}: {reply.detail}"
            answers[reply.index] = [not_judged(status, reason)] * max(1, len(batches[reply.index]))
        return answers

    def each(
        self, mode: Mode, samples: Sequence[Sample], options: Mapping[str, Json] | None = None
    ) -> list[Verdict | None]:
        """Ask for each sample alone."""
        return [answer[0] for answer in self.ask(mode, [[sample] for sample in samples], options)]

    def judged(self, samples: Sequence[Sample], options: Mapping[str, Json] | None = None) -> list[Verdict]:
        """Ask for each sample alone, by `score`."""
        return [each or not_judged(Status.FAILED, "no verdict") for each in self.each("score", samples, options)]

    def samples(self, *kinds: str) -> list[Sample]:
        """Return the samples of the cases of some kinds that need no options."""
        return [case.sample for case in self.spec.cases if not case.options and (not kinds or case.kind in kinds)]


def check(teacher: str | TeacherSpec, *, deadline_s: float | None = None) -> list[Finding]:
    """Run the suite on a teacher.

    Args:
        teacher: Its name, file, dotted path or spec.
        deadline_s: Wall-clock seconds for one sample; `None` = the teacher's own.

    Returns:
        At least one finding for each rule. Rules that need a teacher that can be built are left out where it cannot.

    Raises:
        UsageError: If there is no such teacher, or it cannot be imported by a worker.
        WorkerError: If worker processes cannot be started.
    """
    spec = find(teacher) if isinstance(teacher, str) else teacher
    findings = [*described(spec), *options_sound(spec), *case_kinds(spec)]
    try:
        binding = bind(spec)
    except OptionError:
        return findings  # said by the rule `options`
    if not binding.config:
        raise UsageError(f"{spec.name} must be in a file or module to be checked; pass its path")
    own: float = getattr(binding.teacher, "deadline_s", BaseTeacher.deadline_s)
    with WorkerPool(SERVICE, size=2) as pool:
        suite = _Suite(spec, pool, deadline_s or own)
        for rule in (_cases, _quick, _batches, _determinism, _reads, _references, _hostile, _canaries, _behaviour):
            findings += rule(suite)
    return findings


def _by_options(cases: Sequence[Case]) -> list[tuple[Mapping[str, Json], list[Case]]]:
    groups: dict[str, tuple[Mapping[str, Json], list[Case]]] = {}
    for case in cases:
        groups.setdefault(repr(sorted(case.options.items())), (case.options, []))[1].append(case)
    return list(groups.values())


def _cases(suite: _Suite) -> Iterator[Finding]:
    bad: list[str] = []
    absent: dict[str, int] = {}
    for options, cases in _by_options(suite.spec.cases):
        try:
            verdicts = suite.judged([case.sample for case in cases], options)
        except OptionError as error:
            bad.append(str(error))
            continue
        for case, verdict in zip(cases, verdicts, strict=True):
            if verdict.status is Status.UNAVAILABLE and case.kind != "unscorable":
                absent[verdict.reason] = absent.get(verdict.reason, 0) + 1
            elif text := _case_fault(case, verdict):
                bad.append(text)
    lacking = [f"{count} cases: {reason}" for reason, count in absent.items()]
    yield finding("extras", lacking, "all that the cases need is installed", "Install what is named, and check again.")
    todo = "Correct the teacher, or the case; run `verify explain` on it to see why."
    yield finding("cases", bad, f"all {len(suite.spec.cases)} as expected", todo)


def _case_fault(case: Case, verdict: Verdict) -> str:
    usual = {"accept": 1.0, "unscorable": None}.get(case.kind, 0.0)
    expected = usual if case.reward is None else case.reward
    got = verdict.reward
    same = got is expected or (got is not None and expected is not None and abs(got - expected) <= REWARD_TOLERANCE)
    if same and verdict.status not in _OURS:
        return ""
    return f"{case.kind} {_shown(case.sample)}: expected {expected}, got {_brief(verdict)}"


def _quick(suite: _Suite) -> Iterator[Finding]:
    bad, answered, asked = [], 0, 0
    for options, cases in _by_options(suite.spec.cases):
        samples = [case.sample for case in cases]
        try:
            quick, full = suite.each("quick", samples, options), suite.judged(samples, options)
        except OptionError:
            continue  # said by the rule `cases`
        asked += len(samples)
        for sample, fast, slow in zip(samples, quick, full, strict=True):
            answered += fast is not None
            if fast is not None and not _same(fast, slow):
                bad.append(f"{_shown(sample)}: quick {_brief(fast)}, judge {_brief(slow)}")
    todo = "quick() must return what judge() returns, or None."
    yield finding("quick", bad, f"answers {answered} of {asked} cases, each as judge() does", todo)


def _batches(suite: _Suite) -> Iterator[Finding]:
    samples = suite.samples()
    alone = suite.judged(samples)
    forward, backward, none = suite.ask("score", [samples, samples[::-1], []])
    bad = []
    if none:
        bad.append(f"score([]) gave {len(none)} verdict(s)")
    for how, batch in (("in one batch", forward), ("in a reversed batch", backward[::-1])):
        if len(batch) != len(samples):
            bad.append(f"{how}: {len(batch)} verdicts for {len(samples)} samples")
            continue
        bad += [
            f"{_shown(sample)}: alone {_brief(one)}, {how} {_brief(other)}"
            for sample, one, other in zip(samples, alone, batch, strict=True)
            if not _same(one, other)
        ]
    todo = "score() must judge each sample by itself: one verdict each, in the same order, whatever its neighbours."
    yield finding("batches", bad, "batch = one by one, in any order", todo)


def _determinism(suite: _Suite) -> Iterator[Finding]:
    samples = suite.samples()
    first = suite.judged(samples)
    with WorkerPool(SERVICE, size=1) as fresh:
        again = _Suite(suite.spec, fresh, suite.deadline_s).judged(samples)
    bad = [
        f"{_shown(sample)}: first {_brief(one)}, then {_brief(other)}"
        for sample, one, other in zip(samples, first, again, strict=True)
        if not _same(one, other)
    ]
    todo = "Remove what changes between runs: random numbers without a seed, the clock, state kept between samples."
    yield finding("determinism", bad, "two runs in two processes agree", todo)


def _reads(suite: _Suite) -> Iterator[Finding]:
    reads = tuple(getattr(bind(suite.spec).teacher, "reads", BaseTeacher.reads))
    noise: dict[str, Json] = {"completion": "noise", "prompt": "noise", "reference": "noise", "meta": {"noise": 1}}
    other = {name: noise[name] for name in FIELDS if name not in reads}
    bad = [f"reads names {name!r}, which a sample has not" for name in reads if name not in (*FIELDS, "group")]
    samples = suite.samples()
    if other and not bad:
        changed = [replace(sample, **other) for sample in samples]  # type: ignore[arg-type]
        pairs = zip(samples, suite.judged(samples), suite.judged(changed), strict=True)
        bad += [f"{_shown(sample)}: the verdict depends on more" for sample, a, b in pairs if not _same(a, b)]
    todo = "Name in `reads` every field of Sample that can change a verdict."
    yield finding("reads", bad, f"{', '.join(reads)} decide", todo)


def _references(suite: _Suite) -> Iterator[Finding]:
    samples = [replace(sample, reference=None) for sample in suite.samples("accept") if sample.reference is not None]
    verdicts = zip(samples, suite.judged(samples), strict=True)
    bad = [f"{_shown(sample)}: {_brief(verdict)}" for sample, verdict in verdicts if _is_paid(verdict)]
    todo = "Without its reference nothing can be right: return Verdict(None, Status.BAD_REFERENCE, ...)."
    yield finding("references", bad, "no full marks without the reference", todo)


def _against(suite: _Suite, texts: Mapping[str, str]) -> list[tuple[str, Sample]]:
    accepted = suite.samples("accept")
    known = {sample.completion for sample in accepted if isinstance(sample.completion, str)}
    models = accepted[:HOSTILE_REFERENCES] or [Sample("", reference="1")]
    return [
        (name, replace(model, completion=text)) for model in models for name, text in texts.items() if text not in known
    ]


def _hostile(suite: _Suite) -> Iterator[Finding]:
    named = _against(suite, HOSTILE)
    samples = [sample for _, sample in named]
    faults = []
    modes: tuple[Mode, ...] = ("score", "quick")
    for mode in modes:
        for (name, _), verdict in zip(named, suite.each(mode, samples), strict=True):
            if verdict is not None and (_is_paid(verdict) or verdict.status in _OURS):
                faults.append(f"{name} ({mode}): {_brief(verdict)}")
    if suite.slowest_quick_s > MAX_QUICK_S:
        faults.append(f"quick() needed {suite.slowest_quick_s:.1f} s of CPU; it blocks the caller's process")
    todo = (
        "Pay only what holds a right answer, and raise nothing. Bound the work by named limits (characters, depth, "
        "digits) and judge what exceeds them limit_exceeded or 0."
    )
    yield finding("hostile", faults, f"{len(HOSTILE)} completions: none paid, none raised, none was late", todo)


def _canaries(suite: _Suite) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="verify-canary-") as folder:
        texts = canaries(f"{folder}/canary")
        named = _against(suite, texts)
        samples = [sample for _, sample in named]
        swapped = [replace(sample, completion="1", reference=text) for text in texts.values() for sample in samples[:1]]
        verdicts = [*suite.judged(samples), *(each for each in suite.each("quick", samples) if each)]
        suite.judged(swapped)
        ran = [path.name for path in Path(folder).iterdir()]
    bad = [f"a completion or reference was run: it made the file {name}" for name in ran]
    bad += [f"paid: {_brief(verdict)}" for verdict in verdicts if _is_paid(verdict)]
    bad += [_brief(verdict) for verdict in verdicts if verdict.status in _OURS]
    todo = "Never evaluate a completion (no eval, exec, sympify, parse_expr, pickle, shell), nor pay for a payload."
    yield finding("canaries", bad, f"{len(texts)} payloads: none ran", todo)


def _behaviour(suite: _Suite) -> Iterator[Finding]:
    todo = "A teacher only returns verdicts: it leaves samples as they are, prints nothing, keeps details JSON."
    yield finding("behaviour", list(dict.fromkeys(suite.notes)), "changes no sample, prints nothing", todo)


def _is_paid(verdict: Verdict) -> bool:
    return verdict.reward is not None and verdict.reward >= 1.0 - REWARD_TOLERANCE


def _same(one: Verdict, other: Verdict | None) -> bool:
    return other is not None and _unmeasured(one) == _unmeasured(other)


def _unmeasured(verdict: Verdict) -> Verdict:
    """Return a verdict without what it tells of time and memory, which differ between runs."""
    parts = tuple(
        replace(part, details={name: value for name, value in part.details.items() if name not in MEASURED})
        for part in verdict.parts
    )
    return replace(verdict, elapsed_s=0.0, parts=parts)


def _shown(sample: Sample) -> str:
    return f"{_cut(repr(sample.completion))} against {_cut(repr(sample.reference))}"


def _brief(verdict: Verdict | None) -> str:
    if verdict is None:
        return "nothing"
    return f"{verdict.reward} {verdict.status.value} ({_cut(verdict.reason)})"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "..."
