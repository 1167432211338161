"""Kinds about values in prose: number, quantity, date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Literal, NamedTuple

from verifiers.catalog.math.dates import parse_date
from verifiers.catalog.math.quantities import split_quantity
from verifiers.catalog.math.units import Unit, convert, parse_unit, same_dimension
from verifiers.catalog.rules.phrases import LETTER
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View, cut

MAX_SEARCHED_CHARS = 50_000
"""Values are looked for in so many characters: the last ones for `which: last`, else the first ones."""
MAX_VALUES = 500
"""Most values that are read from one text."""
MAX_DIGITS = 40
"""Numbers with more digits are none."""
MAX_UNIT_CHARS = 24

Which = Literal["last", "first", "any", "all"]

_NUMBER = re.compile(
    rf"(?<!{LETTER})(?<!\.)"
    r"(?P<sign>[-+\u2212])?(?P<digits>[0-9]{1,3}(?:,[0-9]{3})++(?![0-9])|[0-9]++)(?P<rest>\.[0-9]++)?+"
    r"(?P<power>[eE][-+]?[0-9]{1,3}(?![0-9]))?+(?:[ ]?(?P<percent>%|\u2030))?+"
    r"(?:[ ]?(?P<scale>万|亿|thousand|million|billion|trillion))?+"
)
_SCALES = {"万": 4, "亿": 8, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}


class Found(NamedTuple):
    """A number in a text.

    Attributes:
        value: What it is.
        percent: Whether a percent sign follows.
        start, end: Offsets in the view's text.
    """

    value: Fraction
    percent: bool
    start: int
    end: int


def numbers(view: View, which: Which) -> list[Found]:
    """Return the numbers of a text, in order, within `MAX_SEARCHED_CHARS` and `MAX_VALUES`."""
    found = []
    for match in _matches(_NUMBER, view.text, which):
        number = _value(match)
        if number is not None:
            found.append(Found(number, match["percent"] is not None, *match.span()))
    return found


def _matches(pattern: re.Pattern[str], text: str, which: Which) -> list[re.Match[str]]:
    start = max(0, len(text) - MAX_SEARCHED_CHARS) if which == "last" else 0
    matches = []
    for match in pattern.finditer(text, start, start + MAX_SEARCHED_CHARS):
        matches.append(match)
        if which != "last" and len(matches) > MAX_VALUES:
            break
    return matches[-MAX_VALUES:]


def _value(match: re.Match[str]) -> Fraction | None:
    digits = match["digits"].replace(",", "")
    if len(digits) + len(match["rest"] or "") > MAX_DIGITS:
        return None
    number = Fraction(f"{digits}{match['rest'] or ''}{match['power'] or ''}")
    if match["scale"]:
        number *= 10 ** _SCALES[match["scale"]]
    return -number if match["sign"] in ("-", "\u2212") else number


def _picked(count: int, which: Which) -> Iterator[int]:
    if count:
        yield from (count - 1,) if which == "last" else (0,) if which == "first" else range(count)


def _settled(hits: list[bool], which: Which) -> bool:
    return bool(hits) and (any(hits) if which == "any" else all(hits))


def exact(value: float | str) -> Fraction:
    """Return a rule's number as it was written."""
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value.replace(",", ""))


class _Target(NamedTuple):
    """What a number must be."""

    value: Fraction | None
    low: Fraction | None
    high: Fraction | None
    slack: Fraction

    def holds(self, number: Fraction) -> bool:
        if self.value is not None and abs(number - self.value) > self.slack:
            return False
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)


@kind(
    "number",
    group="values",
    example=("number: 42", "number: {value: 3.14, tolerance: 0.01}", "number: {min: 1, max: 10, which: all}"),
)
class Number(Rule):
    """A number in the text has this value, or lies within bounds. Reads 1,234.5, 2e-3, 25%, 3 million, 1.5万.

    Attributes:
        value: The value it must have.
        min: The least allowed.
        max: The most allowed.
        tolerance: How far from `value` it may be.
        relative: The same as a share of `value`.
        which: The last number of the text, the first, any of them, or all of them.
        percent: Whether 25% means 25 (number) or 0.25 (value).
    """

    value: float | None = None
    min: float | None = None
    max: float | None = None
    tolerance: float = 0.0
    relative: float = 0.0
    which: Which = "last"
    percent: Literal["number", "value"] = "number"

    def __post_init__(self) -> None:
        if self.value is None and self.min is None and self.max is None:
            raise ValueError("give value, or min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.tolerance < 0 or self.relative < 0:
            raise ValueError("tolerance and relative are 0 or more")

    @cached_property
    def _target(self) -> _Target:
        ends = [None if end is None else exact(end) for end in (self.value, self.min, self.max)]
        slack = max(exact(self.tolerance), abs(ends[0] or Fraction(0)) * exact(self.relative))
        return _Target(ends[0], ends[1], ends[2], slack)

    def expected(self) -> str:
        said = [] if self.value is None else [f"{self.value:.12g}"]
        said += [] if self.min is None else [f"at least {self.min:.12g}"]
        said += [] if self.max is None else [f"at most {self.max:.12g}"]
        return f"{self.which} number {' and '.join(said)}"

    def always(self) -> bool | None:
        outside = self.value is not None and not self._target._replace(value=None).holds(exact(self.value))
        return False if outside and not self._target.slack else None

    def check(self, view: View) -> Outcome:
        found = numbers(view, self.which)
        picked = [found[index] for index in _picked(len(found), self.which)]
        shrink = Fraction(1, 100) if self.percent == "value" else Fraction(1)
        hits = [self._target.holds(each.value * shrink if each.percent else each.value) for each in picked]
        if not picked:
            return Outcome(0.0, None, "no number found")
        shown = picked[
            hits.index(True) if True in hits and self.which == "any" else hits.index(False) if False in hits else 0
        ]
        return Outcome(
            float(_settled(hits, self.which)), view.text[shown.start : shown.end], "", (shown.start, shown.end)
        )


@kind(
    "quantity",
    group="values",
    example=(
        "quantity: 5 km",
        "quantity: {value: 500 mg, relative: 0.05}",
        "quantity: {unit: mL/min, min: 60, max: 120}",
    ),
)
class Quantity(Rule):
    """A number with a unit in the text equals this quantity; other units of the same dimension are converted.

    Attributes:
        value: The quantity, e.g. `5 km`.
        unit: With min and max: their unit, e.g. `mL/min`.
        min: The least allowed, in `unit`.
        max: The most allowed, in `unit`.
        relative: How far from `value` it may be, as a share of it.
        which: The last quantity of this dimension in the text, the first, any of them, or all of them.
        same_unit: Whether it must be in the very unit of the rule.
    """

    value: str | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    relative: float = 0.0
    which: Which = "last"
    same_unit: bool = False

    def __post_init__(self) -> None:
        if (self.value is None) == (self.unit is None):
            raise ValueError("give either value (5 km), or unit with min or max")
        if self.unit is not None and self.min is None and self.max is None:
            raise ValueError("unit needs min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        if self.relative < 0:
            raise ValueError("relative is 0 or more")
        self._target  # noqa: B018 (reads the unit, or raises)

    @cached_property
    def _target(self) -> tuple[_Target, Unit]:
        if self.value is None:
            unit = parse_unit(self.unit or "")
            if unit is None or not unit.dims:
                raise ValueError(f"{self.unit!r} is no unit that is known, e.g. km, mg/dL, kg/m^2")
            ends = [None if end is None else exact(end) for end in (self.min, self.max)]
            return _Target(None, ends[0], ends[1], Fraction(0)), unit
        parts = split_quantity(self.value)
        match = None if parts is None else _NUMBER.fullmatch(parts[0].strip())
        number = None if match is None else _value(match)
        if parts is None or number is None or not parts[1].dims:
            raise ValueError(f"{self.value!r} is no number with a unit that is known, e.g. 5 km, 1.5 mg/dL")
        return _Target(number, None, None, abs(number) * exact(self.relative)), parts[1]

    def expected(self) -> str:
        if self.value is not None:
            return f"{self.which} quantity {self.value}"
        low = "" if self.min is None else f" at least {self.min:g}"
        return f"{self.which} quantity{low}{'' if self.max is None else f' at most {self.max:g}'} {self.unit}"

    def check(self, view: View) -> Outcome:
        target, unit = self._target
        found = [each for each in quantities(view, self.which) if same_dimension(each[1], unit)]
        picked = [found[index] for index in _picked(len(found), self.which)]
        if not picked:
            return Outcome(0.0, None, f"no quantity that can be converted to {unit.name} found")
        hits = []
        for number, other, _, _ in picked:
            same = (other.factor, other.offset) == (unit.factor, unit.offset)
            hits.append(target.holds(convert(number, other, unit)) and (same or not self.same_unit))
        index = hits.index(True) if True in hits and self.which == "any" else hits.index(False) if False in hits else 0
        start, end = picked[index][2:]
        return Outcome(float(_settled(hits, self.which)), view.text[start:end], "", (start, end))


_AFTER_NUMBER = re.compile(
    rf"[ \t]?[A-Za-z\u00b0\u00b5\u03bc\u2103\u2109%\u3400-\u9fff/·^0-9²³\u2212-]{{1,{MAX_UNIT_CHARS}}}"
    r"(?: [a-z]{1,12})?"
)
_MONEY = "$€£¥￥₹₩"


def quantities(view: View, which: Which) -> Iterator[tuple[Fraction, Unit, int, int]]:
    """Yield the numbers that a unit follows (or a currency sign precedes), with offsets."""
    text = view.text
    for each in numbers(view, which):
        if each.percent:
            continue
        money = text[each.start - 1] if each.start else ""
        unit = parse_unit(money) if money and money in _MONEY else None
        if unit is not None:
            yield each.value, unit, each.start - 1, each.end
            continue
        after = _AFTER_NUMBER.match(text, each.end)
        if after is None:
            continue
        for end in _ends(after[0]):
            unit = parse_unit(after[0][:end].strip())
            if unit is not None and unit.dims:
                yield each.value, unit, each.start, each.end + end
                break


def _ends(text: str) -> Iterator[int]:
    """Yield where a unit may end, longest first: at the end of the text, of a word, or of a Chinese character."""
    for end in range(len(text), 0, -1):
        last, after = text[end - 1], text[end : end + 1]
        if last not in " \t-" and not (last.isascii() and last.isalpha() and after.isascii() and after.isalpha()):
            yield end


_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DATE = re.compile(
    rf"(?<![0-9/-])(?:[0-9]{{4}}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-][0-9]{{4}}"
    rf"|[0-9]{{4}} ?年 ?[0-9]{{1,2}} ?月 ?[0-9]{{1,2}} ?[日号]"
    rf"|(?i:{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH},? [0-9]{{4}}))(?![0-9/-])"
)
_ISO = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if _ISO.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"a date is written as 2024-05-31, not {text!r}")


@kind(
    "date", group="values", example=("date: 2024-05-31", "date: {after: 2024-01-01, before: 2024-12-31, format: iso}")
)
class Date(Rule):
    """A full date in the text is this one, or lies within bounds. Reads ISO, 5/31/2024, May 31, 2024, 2024年5月31日.

    A date such as 5/6/2024 counts as both its readings.

    Attributes:
        value: The date it must be, as 2024-05-31.
        after: The first one allowed.
        before: The last one allowed.
        format: any; iso = only dates written as 2024-05-31 are found.
        which: The last date of the text, the first, any of them, or all of them.
    """

    value: str | None = None
    after: str | None = None
    before: str | None = None
    format: Literal["any", "iso"] = "any"
    which: Which = "last"

    def __post_init__(self) -> None:
        low, high = _iso(self.after), _iso(self.before)
        _iso(self.value)
        if low is not None and high is not None and low > high:
            raise ValueError(f"after {self.after} is later than before {self.before}")

    def expected(self) -> str:
        said = [
            f"{word} {text}" for word, text in (("", self.value), ("from", self.after), ("to", self.before)) if text
        ]
        return f"{self.which} date {' '.join(said).strip() or 'in any form'}".replace("  ", " ")

    def check(self, view: View) -> Outcome:
        found = []
        for match in _matches(_ISO if self.format == "iso" else _DATE, view.text, self.which):
            readings = _days(match[0])
            if readings:
                found.append((readings, match.span()))
        picked = [found[index] for index in _picked(len(found), self.which)]
        if not picked:
            return Outcome(0.0, None, "no full date found")
        hits = [any(map(self._holds, readings)) for readings, _ in picked]
        index = hits.index(True) if True in hits and self.which == "any" else hits.index(False) if False in hits else 0
        span = picked[index][1]
        return Outcome(float(_settled(hits, self.which)), cut(view.text[slice(*span)]), "", span)

    def _holds(self, day: date) -> bool:
        value, low, high = _iso(self.value), _iso(self.after), _iso(self.before)
        return (value is None or day == value) and (low is None or day >= low) and (high is None or day <= high)


def _days(text: str) -> list[date]:
    """Return the readings of a date's text; none if there is no such day."""
    bare = re.sub(r"(?<=[0-9])(?:st|nd|rd|th)|\bof\b ?", "", text.replace("年 ", "年").replace(" ", " "))
    found = parse_date(bare) or parse_date(bare.replace("/", "-").replace(".", "-"))
    if found is None or found.year is None:
        return []
    return [date(found.year, month, day) for month, day in sorted(found.days) if day]
