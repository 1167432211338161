"""Options and presets of the numeric teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from verifiers.types import Json


@dataclass(frozen=True)
class Options:
    """Options of the numeric teacher. What a reference object says itself (`tolerance`, `unit`, ...) counts more.

    Attributes:
        find: Which number counts: the stated answer (final), the last number of the completion (last_number), or the
            one after `label` (labelled).
        label: The label of find=labelled, e.g. "Total"; its last occurrence counts. Plain text, case ignored.
        relative: Relative tolerance, as a share of the reference (0.05 = 5 %).
        absolute: Absolute tolerance, in the reference's unit.
        rounding: exact, or places (also right: the reference rounded to the places that the answer shows, at least
            `places`).
        places: Fewest decimal places of rounding=places.
        kind: What a reference is: auto (date or number, by its look), decimal, integer (exact; "3/9" and "3 out of 9"
            are 3 points), date.
        percent: 25% against 25 and 0.25: either one, the number (25), the value (0.25), or only a percentage (strict).
        units: optional (compared when both sides have one), required (the answer must have the reference's), ignore.
        locale: Which mark is decimal: auto (1,234 groups; 22,38 is decimal; 1.234 is decimal), point, or comma.
        working: A calculation in an answer field ("3 + 4 = 7"): refuse, or accept its last side.
        date_order: How 05/07/2023 is read: mdy, dmy, or either.
        lower_column: Column of `meta` with the lowest accepted value; empty = none.
        upper_column: Column of `meta` with the highest accepted value; empty = none.
        kind_column: Column of `meta` that names the kind; empty = none.
    """

    find: Literal["final", "last_number", "labelled"] = "final"
    label: str = ""
    relative: float = 0.0
    absolute: float = 0.0
    rounding: Literal["exact", "places"] = "exact"
    places: int = 2
    kind: Literal["auto", "decimal", "integer", "date"] = "auto"
    percent: Literal["either", "number", "value", "strict"] = "either"
    units: Literal["optional", "required", "ignore"] = "optional"
    locale: Literal["auto", "point", "comma"] = "auto"
    working: Literal["refuse", "accept"] = "refuse"
    date_order: Literal["mdy", "dmy", "either"] = "mdy"
    lower_column: str = ""
    upper_column: str = ""
    kind_column: str = ""


PRESETS: Mapping[str, Mapping[str, Json]] = {
    "default": {},
    "gsm8k": {"percent": "number", "units": "ignore"},
    "medcalc": {
        "relative": 0.05,
        "absolute": 0.005,
        "lower_column": "Lower Limit",
        "upper_column": "Upper Limit",
        "kind_column": "Output Type",
    },
}
"""medcalc: MedCalc-Bench's own rules (within 5 % for equations, exact for scores and dates), read from its columns."""
