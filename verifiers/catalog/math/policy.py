"""The math teacher's policies: where toolkits and datasets disagree, the choice is written down and can be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from verifiers.types import Json


@dataclass(frozen=True)
class Options:
    """Options of the math teacher.

    Attributes:
        backend: Who compares: our own tiers, or math-verify as a second opinion (extra `math-verify`).
        extract: How the final answer is found: strict (boxes, tags, stated answers), boxed (boxes only), lenient
            (also the last number or formula when nothing was stated).
        boxes: Adjacent boxes are one answer of several values (join); or their last one may also stand alone (last), as
            in the labels of MATH. `last` pays a second guess in a second box: not for training.
        percent: 25% against 25 and 0.25: either one, the number (25), the value (0.25), or only a percentage (strict).
        rounding: exact; places (a decimal that is the reference rounded to the reference's own places, or the
            reference's rounding of it); relative (within `tolerance`).
        tolerance: Relative tolerance of rounding=relative.
        order: Bare lists such as "1, 2" are compared free of order, or strict.
        units: optional (compared when both sides have one), required (the answer must have the reference's), ignore.
        case: Letter case of words: ignored in words but kept in single letters (words), always kept (keep), ignored.
        unreduced: Fractions that could be reduced, unsimplified sums and the like: accept, or reject (the answer must
            be as simple as the reference).
        names: Whether `x = 5` answers the reference `5` and the other way round: optional, or required.
    """

    backend: Literal["native", "math_verify"] = "native"
    extract: Literal["strict", "boxed", "lenient"] = "strict"
    boxes: Literal["join", "last"] = "join"
    percent: Literal["either", "number", "value", "strict"] = "either"
    rounding: Literal["exact", "places", "relative"] = "exact"
    tolerance: float = 1e-3
    order: Literal["free", "strict"] = "free"
    units: Literal["optional", "required", "ignore"] = "optional"
    case: Literal["words", "keep", "ignore"] = "words"
    unreduced: Literal["accept", "reject"] = "accept"
    names: Literal["optional", "required"] = "optional"


PRESETS: Mapping[str, Mapping[str, Json]] = {
    "default": {},
    "gsm8k": {"units": "ignore", "percent": "number"},
    "math": {"boxes": "last"},
    "aime": {"units": "ignore", "percent": "number"},
    "olympiad": {},
    "gaokao": {},
    "minerva": {"rounding": "relative", "tolerance": 0.01},
    "theoremqa": {"rounding": "relative", "tolerance": 0.01},
    "college_math": {},
    "exact_form": {"unreduced": "reject", "units": "required", "names": "required"},
}
"""Named sets of policies. gsm8k and aime ask for bare integers; MATH's references are its solutions' last box;
TheoremQA and minerva grade decimals within 1 %."""
