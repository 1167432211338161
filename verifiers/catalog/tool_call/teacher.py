"""Function calls against the wanted ones: names, arguments and their types exact, no call too many or too few.

Reads calls as chat messages (`tool_calls`), Hermes and Qwen tags, Llama-3 (python tag, `parameters`, `<function=...>`),
Mistral, JSON (OpenAI's and plain), and Python's form (`[f(x=1)]`, literals only, never evaluated).

Accepts as reference: a list of calls `[{"name", "arguments"}]` (or OpenAI's, or Python's form as text), BFCL's
`ground_truth` `[{name: {argument: [accepted values]}}]` in which `""` marks an argument that may be left out, or
`{"calls": ..., "functions": schemas}`. Schemas may also stand in the sample's meta (`functions`, `tools`), their
parameters as a JSON Schema or bare (as xLAM has them). `[]` = no call is right.

Refuses: calls nobody wanted, arguments twice or unknown, `1` for `true` or `"1"`, `1.5` for an integer, near texts.

Known limits: at most 64 calls; nested calls and expressions as arguments are not read. Differences from BFCL's checker
(bfcl_eval, commit 6ea5797) are deliberate: digits, signs and operators of texts count, objects inside objects are
compared value by value, parallel calls are paired as well as possible instead of greedily, `null` may stand for an
argument that may be left out, and whole numbers may stand for floats in lists too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from verifiers.catalog.tool_call.calls import MAX_CALLS
from verifiers.catalog.tool_call.cases import CASES
from verifiers.catalog.tool_call.match import Matched, match_calls, shown
from verifiers.catalog.tool_call.read import Form, Reading, read_calls
from verifiers.catalog.tool_call.reference import BadReference, Reference, Wanted, read_reference
from verifiers.catalog.tool_call.values import Comparer
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Part, Sample, Status, Verdict

__all__ = ["CASES", "ToolCallTeacher"]

SHOWN = 200
"""Longest list of calls that a verdict quotes, in characters."""


@dataclass(frozen=True)
class Options:
    """Options of the tool_call teacher.

    Attributes:
        form: The only form that is read: openai (messages or JSON), hermes (also Qwen), llama3, python, json; auto =
            whichever is there.
        order: Whether calls are compared free of order (parallel calls), or strict.
        strings: How texts are compared: exact, loose (case, spaces and punctuation between words do not count), auto =
            loose against lists of accepted values (BFCL), else exact.
        prose: Whether text beside the calls is allowed, or refused.
        scoring: all = 1 or 0; fraction = the share of right calls among those wanted or made, whichever are more.
    """

    form: Form = "auto"
    order: Literal["free", "strict"] = "free"
    strings: Literal["auto", "exact", "loose"] = "auto"
    prose: Literal["allow", "refuse"] = "allow"
    scoring: Literal["all", "fraction"] = "all"


@teacher(version="1", options=Options)
class ToolCallTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge: all work is bounded by the named limits."""
        return self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        """Read both sides, pair the calls."""
        try:
            reference = read_reference(sample)
        except BadReference as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        reading = read_calls(sample.completion, self.options.form, reference.functions, reference.names)
        if reading.limit or len(reading.calls) > MAX_CALLS:
            reason = reading.limit or f"{len(reading.calls)} calls; at most {MAX_CALLS} are read"
            return Verdict(0.0, Status.LIMIT_EXCEEDED, reason)
        if not reading.calls and reference.calls:
            return Verdict(0.0, Status.UNPARSABLE, reading.form, parts=_parts(reference.calls, reading, None))
        if reading.outside and reading.calls and self.options.prose == "refuse":
            return Verdict(0.0, Status.INCORRECT, "there is text beside the calls", _shown(reading))
        return self._compared(reference, reading)

    def _compared(self, reference: Reference, reading: Reading) -> Verdict:
        auto = any(call.listed for call in reference.calls)
        loosely = self.options.strings == "loose" or (self.options.strings == "auto" and auto)
        matched = match_calls(
            reference.calls, reading.calls, reference.functions, Comparer(loosely), self.options.order == "strict"
        )
        reward = self._reward(len(matched.pairs), len(reference.calls), len(reading.calls))
        status = Status.CORRECT if reward == 1.0 else Status.INCORRECT if reward == 0.0 else Status.PARTIAL
        reason = f"{reading.form}; {_reason(reference, reading, matched)}"
        return Verdict(reward, status, reason, _shown(reading), _parts(reference.calls, reading, matched))

    def _reward(self, right: int, wanted: int, given: int) -> float:
        most = max(wanted, given)
        if right == most:
            return 1.0
        return right / most if self.options.scoring == "fraction" else 0.0

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return what was read on both sides and what became of each call."""
        try:
            reference = read_reference(sample)
        except BadReference as error:
            return [("reference", str(error))]
        reading = read_calls(sample.completion, self.options.form, reference.functions, reference.names)
        verdict = self.judge(sample)
        steps = [("wanted", f"{call.name} {dict(call.arguments)}"[:SHOWN]) for call in reference.calls]
        steps += [("found", f"{call.name} {dict(call.arguments)} {call.fault}"[:SHOWN]) for call in reading.calls]
        return [*steps, *((part.name, part.reason) for part in verdict.parts), ("decided by", verdict.reason)]


def _shown(reading: Reading) -> str:
    texts = []
    for call in reading.calls:
        arguments = ", ".join(f"{name}={shown(value)}" for name, value in list(call.arguments.items())[:10])
        texts.append(f"{call.name}({arguments})")
    return "; ".join(texts)[:SHOWN]


def _reason(reference: Reference, reading: Reading, matched: Matched) -> str:
    if matched.faults:
        at, fault = next(iter(matched.faults.items()))
        return f"call {at + 1}: {fault}"
    if matched.extra:
        call = reading.calls[matched.extra[0]]
        return f"a call too many: {call.name or call.fault}"
    return (
        f"{len(matched.pairs)} of {len(reference.calls)} calls are right" if reference.calls else "no call, as wanted"
    )


def _parts(wanted: tuple[Wanted, ...], reading: Reading, matched: Matched | None) -> tuple[Part, ...]:
    """Return a part for each wanted call, and one for each call that is not wanted."""
    parts = []
    for i, call in enumerate(wanted):
        right = matched is not None and i in matched.pairs
        fault = matched.faults.get(i, "") if matched else "no call was found"
        parts.append(Part(f"call {i + 1}: {call.name}", float(right), "right" if right else fault))
    for number, j in enumerate(matched.extra if matched else (), 1):
        extra = reading.calls[j]
        reason = extra.fault or f"{extra.name} is no right call"
        parts.append(Part(f"extra call {number}: {extra.name[:SHOWN]}", 0.0, reason, weight=0.0))
    return tuple(parts)
