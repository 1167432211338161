"""Read a numeric reference: a number, a text, `{value, lower, upper, tolerance, relative, unit, kind}`, or a range."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

from verifiers.catalog.math.dates import CalendarDate, parse_date
from verifiers.catalog.math.units import Unit, parse_unit
from verifiers.catalog.numeric.policy import Options
from verifiers.catalog.numeric.reading import Reading, Unread, read_quantity
from verifiers.types import Json, Sample

KEYS = frozenset("value lower upper tolerance absolute relative unit kind".split())
MAX_REFERENCES = 64
"""Most acceptable answers of one reference."""

MAX_DATE_CHARS = 200
"""A date is looked for in so much of an answer."""

_DENIED = re.compile(r"(?<![A-Za-z])(?:not|or|maybe|before|after)(?![A-Za-z])|n['’]t|[不或前后]", re.IGNORECASE)
_SLASHED = re.compile(r"\s*(\d{1,2})\s?[/.-]\s?(\d{1,2})\s?[/.-]\s?(\d{4})\s*")
_DATE_LIKE = re.compile(r"\s*(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}[/-]\d{1,2}[/-]\d{1,2}|\d{4}年.*)\s*")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DATE_IN_TEXT = re.compile(
    r"(?<![\d/.-])(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}[/-]\d{1,2}[/-]\d{1,2})(?![\d/-])|\d{4}年\d{1,2}月\d{1,2}日"
    rf"|(?<![A-Za-z]){_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|(?<!\d)\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? \d{{4}}",
    re.IGNORECASE,
)
_HASH = re.compile(r"####\s*([^\n]*)")
_LENGTHS = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


class BadReference(ValueError):
    """The reference cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """What counts as right.

    Attributes:
        reading: The right quantity; `None` = only the limits count.
        lower, upper: Accepted limits, in the reading's unit.
        absolute, relative: Tolerances.
        integer: Whether the value is a count or score, compared exactly.
        unit: The unit that values are compared in.
        date: The right date, instead of a quantity.
        shown: The reference in one line.
    """

    reading: Reading | None
    lower: Fraction | None = None
    upper: Fraction | None = None
    absolute: Fraction = Fraction(0)
    relative: Fraction = Fraction(0)
    integer: bool = False
    unit: Unit | None = None
    date: CalendarDate | None = None
    shown: str = ""


def targets_of(sample: Sample, options: Options) -> list[Target]:
    """Return the acceptable answers of a sample.

    Raises:
        BadReference: If there is none, or one cannot be read.
    """
    reference = sample.reference
    if isinstance(reference, Sequence) and not isinstance(reference, str):
        if not 0 < len(reference) <= MAX_REFERENCES:
            raise BadReference(f"a list of references has 1 to {MAX_REFERENCES} answers, not {len(reference)}")
        return [_target(item, sample.meta, options) for item in reference]
    return [_target(reference, sample.meta, options)]


def _target(reference: Json, meta: Mapping[str, Json], options: Options) -> Target:
    given: dict[str, Json] = dict(reference) if isinstance(reference, Mapping) else {"value": reference}
    if unknown := given.keys() - KEYS:
        raise BadReference(f"a reference has no key {sorted(unknown)[0]!r}; it has {', '.join(sorted(KEYS))}")
    columns = {"lower": options.lower_column, "upper": options.upper_column, "kind": options.kind_column}
    for key, column in columns.items():
        if column and key not in given and meta.get(column) not in (None, ""):
            given[key] = meta[column]
    kind = str(given.get("kind") or options.kind).lower()
    if kind not in ("auto", "decimal", "integer", "date"):
        raise BadReference(f"the kind of a reference is auto, decimal, integer or date, not {kind!r}")
    value = given.get("value")
    if kind == "date" or (kind == "auto" and isinstance(value, str) and _DATE_LIKE.fullmatch(value)):
        date = date_of(str(value), options.date_order)
        if date is None:
            raise BadReference(f"the reference {value!r} is no date (date_order={options.date_order})")
        return Target(None, date=date, shown=str(value))
    return _quantity(given, kind, options)


def _quantity(given: Mapping[str, Json], kind: str, options: Options) -> Target:
    lower, upper = _limit(given, "lower", options), _limit(given, "upper", options)
    value = given.get("value")
    reading = None if value is None else _read(value, options)
    if reading is None and lower is None and upper is None:
        raise BadReference("there is no reference: a right number is needed")
    if lower is not None and upper is not None and lower > upper:
        raise BadReference(f"the lower limit {float(lower):g} is above the upper limit {float(upper):g}")
    unit_text = given.get("unit")
    unit = reading.unit if reading is not None else None
    if isinstance(unit_text, str) and unit_text.strip():
        unit = parse_unit(unit_text.strip()) or unit
    absolute = given.get("tolerance", given.get("absolute", options.absolute))
    return Target(
        reading,
        lower,
        upper,
        _tolerance(absolute),
        _tolerance(given.get("relative", options.relative)),
        kind == "integer",
        unit,
        shown=str(value if value is not None else f"{given.get('lower')} to {given.get('upper')}")[:80],
    )


def _read(value: Json, options: Options) -> Reading:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise BadReference(f"a reference is a number or text, not {type(value).__name__}")
    if isinstance(value, float) and not isfinite(value):
        raise BadReference(f"a reference is a finite number, not {value}")
    if not isinstance(value, str):
        return Reading(Fraction(str(value)), places=0 if isinstance(value, int) else -1)
    marks = _HASH.findall(value)
    reading = read_quantity(marks[-1] if marks else value, options.locale)
    if isinstance(reading, Unread):
        raise BadReference(f"the reference {value[:80]!r} cannot be read: {reading.reason}")
    return reading


def _limit(given: Mapping[str, Json], key: str, options: Options) -> Fraction | None:
    value = given.get(key)
    return None if value is None or value == "" else exact_value(_read(value, options))


def exact_value(reading: Reading) -> Fraction:
    """Return the number that a reading states, fractions worked out."""
    return reading.value / reading.out_of if reading.out_of and reading.fraction else reading.value


def _tolerance(value: Json) -> Fraction:
    try:
        found = Fraction(str(value))
    except ValueError:
        raise BadReference(f"a tolerance is a number, not {value!r}") from None
    if found < 0:
        raise BadReference(f"a tolerance is not negative, as {value!r} is")
    return found


def stated_date(text: str, order: str) -> CalendarDate | None:
    """Return the only date in an answer, with words around it or not."""
    if (whole := date_of(text, order)) is not None:
        return whole
    found = _DATE_IN_TEXT.findall(text[:MAX_DATE_CHARS])
    return date_of(found[0], order) if len(found) == 1 and not _DENIED.search(text[:MAX_DATE_CHARS]) else None


def date_of(text: str, order: str) -> CalendarDate | None:
    """Return the date that a text states; `order` decides how 05/07/2023 is read."""
    text = text.strip().strip("\"'.()").strip()
    slashed = _SLASHED.fullmatch(text)
    if slashed is None or order == "either":
        return parse_date(text)
    first, second, year = (int(part) for part in slashed.groups())
    month, day = (first, second) if order == "mdy" else (second, first)
    if month not in _LENGTHS or not 1 <= day <= _LENGTHS[month]:
        return None
    return CalendarDate(frozenset([(month, day)]), year, None)
