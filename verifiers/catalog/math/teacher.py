r"""Math answers against a reference answer, by meaning: LaTeX, plain text, Unicode, English and Chinese.

Accepts as reference: one right answer (plain, LaTeX, `#### 42`, `\boxed{}`, a worked solution that ends in one), or a
list of several acceptable answers. Reward 1.0 if the completion's final answer means the same, else 0.0.

Refuses: hedged answers, lists that hold the reference among others, false chains (`4=5`), abandoned boxes, cut-off
completions. An unreadable reference is `bad_reference`, never 0.

Known limits: equality of functions is decided at fixed points with 60 digits and modulo two 61-bit primes (error below
1e-15); variables are taken as real; integrals, limits and derivatives left in an answer go to sympy in a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from verifiers.catalog.math.cases import CASES
from verifiers.catalog.math.compare import match
from verifiers.catalog.math.context import Context, NeedsWorker
from verifiers.catalog.math.extract import Found, NotFound, clean_reference, find_answer
from verifiers.catalog.math.longs import warm_up
from verifiers.catalog.math.moments import Moment, moment_of, same_moment
from verifiers.catalog.math.policy import PRESETS, Options
from verifiers.catalog.math.read import Answer, Unread, flat, read
from verifiers.catalog.math.show import show
from verifiers.catalog.math.steps import FAST_STEPS, OutOfSteps, Steps
from verifiers.catalog.math.tree import Num
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Json, Sample, Status, Verdict, text_of

__all__ = ["CASES", "MathTeacher"]

ZERO = Num(0)
MAX_REFERENCES = 64
"""Most acceptable answers of one reference."""
CACHED_REFERENCES = 4_096
"""References whose reading is kept, so that each is parsed once for its group."""
KNOWN_PAIRS = 8_192
"""Decided pairs of reference and answer that are kept."""
SLACK = 40
"""Most characters of layout by which a completion that repeats its reference may differ in length."""
SHOWN = 200
"""Longest answer that a verdict quotes, in characters."""


@dataclass(slots=True)
class Reference:
    """A reference that was read: its tree, its text without layout, the date or time that it states."""

    answer: Answer
    flat: str
    moment: Moment | None


@lru_cache(maxsize=CACHED_REFERENCES)
def _reference(text: str) -> Reference | Unread:
    """Read one reference, once."""
    cleaned = clean_reference(text)
    answer = read(cleaned)
    return answer if isinstance(answer, Unread) else Reference(answer, flat(cleaned), moment_of(answer.text))


def _texts(reference: Json) -> list[str] | str:
    """Return the acceptable answers of a reference, or what is wrong with it."""
    if isinstance(reference, str):
        return [reference]
    if isinstance(reference, bool) or reference is None:
        return "there is no reference: a right answer is needed as text or number"
    if isinstance(reference, (int, float)):
        return [repr(reference)]
    if isinstance(reference, Sequence):
        if not reference or len(reference) > MAX_REFERENCES:
            return f"a list of references has 1 to {MAX_REFERENCES} answers, not {len(reference)}"
        texts = [_texts(item) for item in reference]
        return [text for item in texts if not isinstance(item, str) for text in item] or str(texts[0])
    return f"a reference is a right answer as text or number, or a list of them, not {type(reference).__name__}"


@teacher(version="1", options=Options, presets=PRESETS)
class MathTeacher(BaseTeacher):
    """See the module's docstring."""

    deadline_s: ClassVar[float] = 10.0
    preload: ClassVar[tuple[str, ...]] = ("sympy", "verifiers.catalog.math.sympy_tier")
    reads: ClassVar[tuple[str, ...]] = ("completion", "reference")

    def __init__(self, options: Options) -> None:
        self.options = options
        warm_up()
        self._known: dict[tuple[str, str], tuple[Status, str]] = {}

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge in bounded time; `None` when sympy is needed."""
        if self.options.backend != "native":
            return None
        return self._judge(sample, worker=False)

    def judge(self, sample: Sample) -> Verdict:
        """Judge with sympy at hand (in a worker)."""
        if self.options.backend == "math_verify":
            from verifiers.catalog.math.second_opinion import judge_by_math_verify  # an extra

            return judge_by_math_verify(sample, self.options)
        found = self._judge(sample, worker=True)
        return found or Verdict(0.0, Status.LIMIT_EXCEEDED, "the answer holds an operator that cannot be evaluated")

    def _judge(self, sample: Sample, worker: bool) -> Verdict | None:
        texts = _texts(sample.reference)
        if isinstance(texts, str):
            return Verdict(None, Status.BAD_REFERENCE, texts)
        references: list[Reference] = []
        for text in texts:
            reference = _reference(text)
            if isinstance(reference, Unread):
                reason = f"the reference {text[:80]!r} cannot be read: {reference.reason}"
                return Verdict(None, Status.BAD_REFERENCE, reason)
            references.append(reference)
        completion = text_of(sample.completion)
        found = find_answer(completion, self.options.extract)
        if isinstance(found, NotFound):
            if _repeats(completion, references):
                return Verdict(1.0, Status.CORRECT, "the completion is the reference", completion[:SHOWN])
            status = Status.UNPARSABLE if found.status == "unparsable" else Status.INCORRECT
            return Verdict(0.0, status, found.reason)
        verdict = self._compared(references, found, completion, worker)
        if found.last and self.options.boxes == "last" and verdict is not None and verdict.reward == 0.0:
            alone = Found(found.last, "last of adjacent boxes", found.start, found.end)
            return self._compared(references, alone, completion, worker)
        return verdict

    def _compared(self, references: list[Reference], found: Found, completion: str, worker: bool) -> Verdict | None:
        shown = found.text[:SHOWN]
        short = flat(found.text)
        for reference in references:
            if reference.flat == short:
                return Verdict(1.0, Status.CORRECT, f"{found.rule}; same text", shown)
        if found.rule not in _SURE and _repeats(completion, references):
            return Verdict(1.0, Status.CORRECT, "the completion is the reference", completion[:SHOWN])
        answer = read(found.text)
        if isinstance(answer, Unread):
            status = Status.LIMIT_EXCEEDED if answer.limit else Status.UNPARSABLE
            return Verdict(0.0, status, f"{found.rule}; {answer.reason}", shown)
        verdict: Verdict | None = None
        for reference in references:
            decided = self._decided(reference, answer, worker)
            if decided is None:
                return None
            status, rule = decided
            if status is Status.BAD_REFERENCE:
                return Verdict(
                    None, status, f"the reference {reference.answer.text[:80]!r} cannot be evaluated: {rule}"
                )
            if status is Status.CORRECT:
                return Verdict(1.0, status, f"{found.rule}; equal by {rule}", shown)
            told = "not equal: " if status is Status.INCORRECT else ""
            verdict = Verdict(0.0, status, f"{found.rule}; {told}{rule}", shown)
        return verdict

    def _decided(self, reference: Reference, answer: Answer, worker: bool) -> tuple[Status, str] | None:
        """Compare once per pair of texts: the completions of a group often end in the same answer."""
        key = (reference.answer.text, answer.text)
        decided = self._known.get(key)
        if decided is None:
            decided = self._against(reference, answer, worker)
            if decided is not None:
                if len(self._known) >= KNOWN_PAIRS:
                    self._known.clear()
                self._known[key] = decided
        return decided

    def _against(self, reference: Reference, answer: Answer, worker: bool) -> tuple[Status, str] | None:
        """Return the status and the rule that decided; `None` if only sympy can."""
        context = Context(self.options, match, Steps(FAST_STEPS), "", worker)
        try:
            if reference.moment is not None:
                moment = same_moment(reference.moment, reference.answer.text, answer.text)
                if moment is not None:
                    return (Status.CORRECT if moment else Status.INCORRECT), "date or time"
            if _same_decimal(reference.answer, answer):
                return Status.CORRECT, "decimal comma"
            options = bool(reference.answer.letter and answer.letter)  # then the letter decides, not the text alone
            for left in (reference.answer.node, *(() if options else reference.answer.others)):
                for right in (answer.node, *(() if options else answer.others)):
                    if match(left, right, context):
                        return Status.CORRECT, context.rule
        except OutOfSteps as error:
            return (Status.LIMIT_EXCEEDED if self._evaluable(reference) else Status.BAD_REFERENCE), str(error)
        except NeedsWorker:
            return None
        except RecursionError:
            return Status.LIMIT_EXCEEDED, "the answer is nested too deeply"
        return Status.INCORRECT, context.rule

    def _evaluable(self, reference: Reference) -> bool:
        """Whether the reference by itself stays within the bounds, so that the answer is to blame."""
        try:
            match(reference.answer.node, ZERO, Context(self.options, match))
        except OutOfSteps:
            return False
        except NeedsWorker:
            return True
        return True

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return what was extracted, how both sides were read, and which rule decided."""
        steps: list[tuple[str, str]] = []
        texts = _texts(sample.reference)
        for text in [] if isinstance(texts, str) else texts:
            steps.append(("reference", text))
            known = _reference(text)
            steps.append(("reference read as", known.reason if isinstance(known, Unread) else show(known.answer.node)))
        found = find_answer(text_of(sample.completion), self.options.extract)
        if isinstance(found, NotFound):
            return [*steps, ("answer", f"none: {found.reason}")]
        read_as = read(found.text)
        steps.append(("answer found", f"{found.text}   (rule: {found.rule}, characters {found.start}-{found.end})"))
        steps.append(("answer read as", read_as.reason if isinstance(read_as, Unread) else show(read_as.node)))
        verdict = self.quick(sample)
        decided = "a worker with sympy must decide" if verdict is None else f"{verdict.status.value}: {verdict.reason}"
        return [*steps, ("decided by", decided)]


_SURE = frozenset(["last box", "adjacent boxes", "last of adjacent boxes", "answer tag", "whole completion"])
"""Extraction rules after which the completion is not compared as a whole with the reference."""


def _repeats(completion: str, references: list[Reference]) -> bool:
    """Whether a completion is nothing but a reference, word for word."""
    for reference in references:
        if abs(len(completion) - len(reference.answer.text)) <= SLACK and flat(completion.strip()) == reference.flat:
            return True
    return False


def _same_decimal(reference: Answer, answer: Answer) -> bool:
    """Whether one side's lone comma is a decimal comma that makes it the very decimal of the other side."""
    return (reference.decimal is not None and reference.decimal in (answer.node, answer.decimal)) or (
        answer.decimal is not None and answer.decimal == reference.node
    )
