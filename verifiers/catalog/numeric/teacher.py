"""Numbers and quantities: tolerances, limits, units with conversion, separators of several countries, Chinese numerals.

Accepts as reference: a number or text ("42", "5 kg", "25%", "10-12", "#### 18", "17 weeks, 4 days", "05/13/2023"), an
object `{value, lower, upper, tolerance, relative, unit, kind}` (each optional; a value or a limit is needed), or a list
of several acceptable ones. A reference that is a range, or has limits, accepts what lies within, ends included.
Reward 1.0 if the number that the completion states is right, else 0.0.

Finds the number in an answer tag, a box, `"answer"` in JSON, an answer phrase, a `####` line, a short completion
(find=final); or takes the last number, or the one after a label. Reads 1,234.5 / 1.234,5 / 1 234,5 / 1'234.5,
fractions, mixed numbers, 1.2e3, 1.2×10^3, percent, number words, 三万五千, 1.5亿, $5 million, 6 ft 3 in, "12 minutes".

Refuses: several numbers ("5, 10, 15"), hedges, ranges where one number is asked, calculations in an answer field
(working=refuse), units of another kind. Expressions are never evaluated.

Known limits: "1,234" is 1234 and "1.234" a decimal unless `locale` says otherwise; units outside the table (IU, mEq)
are labels and not compared.
"""

from __future__ import annotations

from typing import ClassVar

from verifiers.catalog._answers import Refused
from verifiers.catalog.math.dates import dates_match
from verifiers.catalog.numeric.cases import CASES
from verifiers.catalog.numeric.compare import judge_number
from verifiers.catalog.numeric.find import Stated, find_number
from verifiers.catalog.numeric.policy import PRESETS, Options
from verifiers.catalog.numeric.reading import Reading, Unread, read_quantity
from verifiers.catalog.numeric.reference import BadReference, Target, stated_date, targets_of
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Sample, Status, Verdict

__all__ = ["CASES", "NumericTeacher"]

SHOWN = 200
"""Longest answer that a verdict quotes, in characters."""


@teacher(version="1", options=Options, presets=PRESETS)
class NumericTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in bounded time."""
        return self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        """Find the number, read it, compare it with each acceptable answer."""
        try:
            targets = targets_of(sample, self.options)
        except BadReference as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        if self.options.find == "labelled" and not self.options.label.strip():
            return Verdict(None, Status.BAD_REFERENCE, "find=labelled needs the option `label`")
        found = find_number(sample.completion, self.options)
        if isinstance(found, Refused):
            status = Status.INCORRECT if found.spoiled else Status.UNPARSABLE
            return Verdict(0.0, status, found.reason)
        return self._against(targets, found)

    def _against(self, targets: list[Target], found: Stated) -> Verdict:
        working = self.options.working == "accept" or not found.in_field
        answer = read_quantity(found.text, self.options.locale, working=working)
        shown = found.text[:SHOWN]
        reason, status = "", Status.INCORRECT
        for target in targets:
            if target.date is not None:
                right, reason = self._same_date(target, found.text)
            elif isinstance(answer, Unread):
                right, reason, status = False, answer.reason, Status.UNPARSABLE
            else:
                right, reason = judge_number(target, answer, self.options)
            if right:
                return Verdict(1.0, Status.CORRECT, f"{found.rule}; {reason}", shown)
        return Verdict(0.0, status, f"{found.rule}; {reason}", shown)

    def _same_date(self, target: Target, text: str) -> tuple[bool, str]:
        date = stated_date(text, self.options.date_order)
        if date is None or target.date is None:
            return False, f"no date (date_order={self.options.date_order})"
        return dates_match(target.date, date), "date"

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return what was found, how it was read, and what decided."""
        found = find_number(sample.completion, self.options)
        if isinstance(found, Refused):
            return [("answer", f"none: {found.reason}")]
        answer = read_quantity(found.text, self.options.locale, working=not found.in_field)
        read = answer.reason if isinstance(answer, Unread) else _described(answer)
        verdict = self.judge(sample)
        decided = f"{verdict.status.value}: {verdict.reason}"
        return [("answer found", f"{found.text} (rule: {found.rule})"), ("read as", read), ("decided by", decided)]


def _described(answer: Reading) -> str:
    number = f"{answer.value}" + (f" to {answer.high}" if answer.high is not None else "")
    number += f" / {answer.out_of}" if answer.out_of is not None else ""
    return f"{number}{'%' if answer.percent else ''} {answer.unit.name if answer.unit else answer.label}".strip()
