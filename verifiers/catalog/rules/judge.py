"""Judge a completion by a document: every rule once, each with a part that says what was expected and what observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from verifiers.catalog.rules.combine import COMBINATORS, FULL, Scored
from verifiers.catalog.rules.conditions import Absent
from verifiers.catalog.rules.document import Document, Entry
from verifiers.catalog.rules.table import Outcome, Rule
from verifiers.catalog.rules.view import View, Views
from verifiers.types import Json, Part, Sample, Status, Verdict, text_of

MAX_COMPLETION_CHARS = 16 * 2**20
"""Longer completions are `limit_exceeded`."""
MAX_REASONS = 3
"""Failed rules that the verdict's own reason names; the parts name all."""
STEP = "step"
"""The key of meta that holds the training step."""


class _Result(NamedTuple):
    """What a rule or combinator came to.

    Attributes:
        reward: `None` = it does not apply to this row.
        hollow: Whether it failed for want of any text.
    """

    reward: float | None
    hollow: bool = False


@dataclass
class _Run:
    """One sample under judgement."""

    document: Document
    sample: Sample
    views: Views
    step: float | None
    parts: list[Part]
    critical: str = ""

    def entry(self, entry: Entry) -> _Result:
        """Judge an entry and note its parts, its own before those below it."""
        at = len(self.parts)
        shut = next((each for each in entry.when if not each.holds(self.sample.meta)), None)
        if shut is not None:
            self.parts.append(
                Part(entry.name, None, f"does not apply: {shut} does not hold", 0.0, {"kind": entry.kind})
            )
            return _Result(None)
        if entry.children:
            result, part = self._combined(entry)
        else:
            result, part = self._leaf(entry)
        if entry.name:
            self.parts.insert(at, part)
        if entry.critical and result.reward is not None and result.reward < FULL and not self.critical:
            self.critical = f"the critical rule {entry.name!r} failed"
        return result

    def _combined(self, entry: Entry) -> tuple[_Result, Part]:
        results = [(child, self.entry(child)) for child in entry.children]
        scored = [
            Scored(result.reward, self._weight(child), child.points, child.branch)
            for child, result in results
            if result.reward is not None
        ]
        details: dict[str, Json] = {"kind": entry.kind}
        if not scored:
            return _Result(None), Part(entry.name, None, "none of its rules applies", 0.0, details)
        hollow = all(result.hollow for _, result in results if result.reward is not None)
        reward = COMBINATORS[entry.kind].combine(scored, entry.settings)
        if hollow and entry.kind == "not":
            reward = 0.0
        held = sum(each.reward >= FULL for each in scored)
        reason = f"{held} of {len(scored)} hold"
        return _Result(reward, hollow), Part(entry.name, reward, reason, self._weight(entry), details)

    def _leaf(self, entry: Entry) -> tuple[_Result, Part]:
        view = self.views[entry.part or self.document.part]
        rule = entry.rule or self.document.rule_for(entry, self.sample)
        empty = view.missing or ("the text holds no letter, digit or symbol" if view.hollow else "")
        hollow = bool(view.missing) or (bool(empty) and not self.document.judge_empty)
        outcome = Outcome(0.0, None, empty) if hollow else rule.check(view)
        details = _details(entry, rule, outcome, view)
        reason = "holds"
        if outcome.reward < FULL:
            reason = f"{outcome.reason or _observed(outcome)}; expected {rule.told}"
        part = Part(entry.name, outcome.reward, reason, self._weight(entry), details)
        return _Result(outcome.reward, hollow), part

    def _weight(self, entry: Entry) -> float:
        if entry.weight.fixed:
            return entry.weight.points[0][1]
        if self.step is None:
            raise Absent(
                f"the weight of {entry.name!r} changes with meta.{STEP}, which this row has not; add it, or set the "
                "option step"
            )
        return entry.weight.at(self.step)


def _observed(outcome: Outcome) -> str:
    return "nothing found" if outcome.observed is None else f"observed {outcome.observed!r}"


def _details(entry: Entry, rule: Rule, outcome: Outcome, view: View) -> dict[str, Json]:
    details: dict[str, Json] = {"kind": entry.kind, "expected": rule.told}
    if outcome.observed is not None:
        details["observed"] = outcome.observed
    span = None
    if outcome.span is not None:
        span = view.span(*outcome.span)
    if span is not None:
        details["span"] = list(span)
    if entry.part:
        details["in"] = entry.part
    return details


def judge(document: Document, sample: Sample, step: float | None = None) -> Verdict:
    """Judge one sample.

    Args:
        document: The rules.
        sample: What is judged.
        step: The training step where the row's meta has none.

    Raises:
        RulesError: If a value that the rules take from the row does not fit.
        MissingExtra: If a rule made of the row's values needs a package that is not installed.
    """
    completion = text_of(sample.completion)
    if len(completion) > MAX_COMPLETION_CHARS:
        reason = f"{len(completion):,} characters; at most {MAX_COMPLETION_CHARS:,} are judged"
        return Verdict(0.0, Status.LIMIT_EXCEEDED, reason)
    run = _Run(document, sample, Views(completion), _step(sample, step), [])
    try:
        reward = run.entry(document.root).reward
    except Absent as error:
        return Verdict(None, Status.BAD_REFERENCE, str(error))
    if reward is None:
        return Verdict(None, Status.BAD_REFERENCE, "no rule applies to this row", parts=tuple(run.parts))
    return _verdict(run, reward)


def _step(sample: Sample, default: float | None) -> float | None:
    step = sample.meta.get(STEP)
    return step if isinstance(step, (int, float)) and not isinstance(step, bool) else default


def _verdict(run: _Run, reward: float) -> Verdict:
    parts = tuple(run.parts)
    view = run.views[run.document.part]
    if view.missing or (view.hollow and not run.document.judge_empty):
        return Verdict(0.0, Status.UNPARSABLE, view.missing or "the text holds no letter, digit or symbol", parts=parts)
    if run.critical:
        return Verdict(0.0, Status.INCORRECT, run.critical, parts=parts)
    reward = 1.0 if reward >= FULL else max(0.0, reward)
    status = Status.CORRECT if reward == 1.0 else Status.INCORRECT if reward == 0.0 else Status.PARTIAL
    return Verdict(reward, status, _summary(run.document.root, parts), parts=parts)


def _summary(root: Entry, parts: tuple[Part, ...]) -> str:
    """Return which of the rules at the top failed, and why."""
    names = {child.name for child in root.children}
    judged = [part for part in parts if part.name in names and part.reward is not None]
    failed = [part for part in judged if part.reward is not None and part.reward < FULL]
    if not failed:
        return f"all {len(judged)} rules hold" if len(judged) > 1 else "the rule holds"
    said = "; ".join(f"{part.name}: {part.reason}" for part in failed[:MAX_REASONS])
    more = f"; and {len(failed) - MAX_REASONS} more" if len(failed) > MAX_REASONS else ""
    return f"{len(failed)} of {len(judged)} rules failed: {said}{more}"
