"""math-verify as a second opinion (`--set backend=math_verify`, extra `math-verify`), for comparison only.

It parses with ANTLR and compares with sympy; it runs in a worker, killed at the deadline, with its own timeouts off.
"""

from __future__ import annotations

from verifiers.catalog.math.policy import Options
from verifiers.errors import MissingExtra, require
from verifiers.types import Sample, Status, Verdict, text_of


def judge_by_math_verify(sample: Sample, options: Options) -> Verdict:
    """Judge one sample by math-verify."""
    if not isinstance(sample.reference, (str, int, float)) or isinstance(sample.reference, bool):
        return Verdict(None, Status.BAD_REFERENCE, "math-verify needs one right answer as text or number")
    try:
        library = require("math_verify", "math-verify", "The backend math_verify")
    except MissingExtra as error:
        return Verdict(None, Status.UNAVAILABLE, str(error))
    reference = str(sample.reference)
    framed = reference if "$" in reference or "\\boxed" in reference else f"${reference}$"
    gold = library.parse(framed, parsing_timeout=None)
    if not gold:
        return Verdict(None, Status.BAD_REFERENCE, f"math-verify cannot read the reference {reference[:80]!r}")
    answer = library.parse(text_of(sample.completion), parsing_timeout=None)
    shown = str(answer[-1])[:200] if answer else None
    if not answer:
        return Verdict(0.0, Status.UNPARSABLE, "math-verify found no answer")
    if library.verify(gold, answer, timeout_seconds=None):
        return Verdict(1.0, Status.CORRECT, "math-verify: equal", shown)
    return Verdict(0.0, Status.INCORRECT, "math-verify: not equal", shown)
