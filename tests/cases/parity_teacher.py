"""Whether a number is even or odd: a teacher for tests of the command line.

Accepts a number in digits; a completion that is the word `slow` keeps a worker busy.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from verifiers.teacher import BaseTeacher, accept, adversarial, reject, teacher, unscorable
from verifiers.types import Part, Sample, Status, Verdict, text_of


@dataclass(frozen=True)
class Options:
    """How parity is judged.

    Attributes:
        zero: What 0 counts as.
    """

    zero: Literal["even", "odd"] = "even"


@teacher(version="1", options=Options)
class Parity(BaseTeacher):
    """Judge by the last digit."""

    deadline_s = 5.0

    def __init__(self, options: Options) -> None:
        self._zero = options.zero

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge at once whatever is not slow."""
        text = text_of(sample.completion).strip()
        if text == "slow":
            return None
        if sample.reference not in ("even", "odd"):
            return Verdict(None, Status.BAD_REFERENCE, "the reference is 'even' or 'odd'")
        if not (text.isascii() and text.isdigit()):
            return Verdict(0.0, Status.UNPARSABLE, f"no number in {text[:40]!s}")
        found = self._zero if text == "0" else ("odd" if int(text[-1]) % 2 else "even")
        right = found == sample.reference
        parts = (Part("digit", float(right), f"the last digit is {text[-1]}"),)
        return Verdict(float(right), Status.CORRECT if right else Status.INCORRECT, f"{text} is {found}", text, parts)

    def judge(self, sample: Sample) -> Verdict:
        """Sleep over what is slow."""
        quick = self.quick(sample)
        if quick is not None:
            return quick
        time.sleep(60)
        return Verdict(0.0, Status.UNPARSABLE, "slow")

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return what was read."""
        return [("text read", text_of(sample.completion).strip())]


CASES = [
    accept("4", reference="even"),
    reject("3", reference="even"),
    adversarial("4 or 3", reference="even"),
    unscorable("4"),
]
