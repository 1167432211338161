"""Decide whether a quantity that was read is right: units, percent, limits, tolerances, rounding."""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.units import convert, same_dimension
from verifiers.catalog.numeric.policy import Options
from verifiers.catalog.numeric.reading import Reading
from verifiers.catalog.numeric.reference import Target, exact_value

_SHOWN_WHOLE = 10**15
_SHOWN_FLOAT = 10**300


def judge_number(target: Target, answer: Reading, options: Options) -> tuple[bool, str]:
    """Return whether the answer is right, and which rule decided."""
    if target.integer and answer.out_of is not None:
        wide = answer.value.denominator == 1 and 0 <= answer.value <= answer.out_of
        return (wide and _within(target, answer.value)), "points out of a maximum"
    if answer.out_of is not None and not answer.fraction:
        return _any(
            target,
            (exact_value(answer), answer.value / answer.out_of if answer.out_of else answer.value),
            options,
            answer,
        )
    values = _in_unit(target, answer, options)
    if isinstance(values, str):
        return False, values
    if answer.high is not None:
        return _ranges(target, answer, options)
    return _any(target, values, options, answer)


def _in_unit(target: Target, answer: Reading, options: Options) -> tuple[Fraction, ...] | str:
    """Return the readings of the answer's value in the target's unit, or why there is none."""
    value = exact_value(answer)
    if options.units == "ignore":
        return _percents(target, answer, value, options)
    wanted, unit = target.unit, answer.unit
    if wanted is None or not wanted.dims:
        return _percents(target, answer, value, options)
    if unit is None or not unit.dims:
        if options.units == "required":
            return f"the unit {wanted.name!r} is missing (units=required)"
        return "a percentage for a quantity with a unit" if answer.percent else (value,)
    if not same_dimension(wanted, unit):
        return f"units of different kind: {unit.name!r} for {wanted.name!r}"
    return (convert(value, unit, wanted),)


def _percents(target: Target, answer: Reading, value: Fraction, options: Options) -> tuple[Fraction, ...] | str:
    """Return the values that 25% may stand for, beside a reference that is, or is not, a percentage."""
    expected = target.reading is not None and target.reading.percent
    if answer.percent == expected:
        return (value,)
    if options.percent == "strict":
        return "a percentage against a number (percent=strict)"
    as_value = value / 100 if answer.percent else value * 100
    return {"number": (value,), "value": (as_value,)}.get(options.percent, (value, as_value))


def _any(target: Target, values: tuple[Fraction, ...], options: Options, answer: Reading) -> tuple[bool, str]:
    for value in values:
        if _within(target, value):
            return True, _rule(target, value)
        if options.rounding == "places" and _rounds(target, value, answer.places, options.places):
            return True, f"rounded to {answer.places} places"
    return False, f"{_shown(values[0])} is not {target.shown}" + (
        "" if target.lower is None else ", nor within its limits"
    )


def _within(target: Target, value: Fraction) -> bool:
    reading = target.reading
    if target.lower is not None or target.upper is not None:
        above = target.lower is None or value >= target.lower
        if above and (target.upper is None or value <= target.upper):
            return True
        return reading is not None and value == exact_value(reading)
    if reading is None:
        return False
    wanted = exact_value(reading)
    if target.integer:
        return value == wanted
    slack = max(target.absolute, target.relative * abs(wanted))
    if reading.high is not None:
        return wanted - slack <= value <= reading.high + slack
    return abs(value - wanted) <= slack


def _rule(target: Target, value: Fraction) -> str:
    if target.reading is not None and value == exact_value(target.reading):
        return "equal"
    return "within its limits" if target.lower is not None or target.upper is not None else "within tolerance"


def _rounds(target: Target, value: Fraction, shown: int, fewest: int) -> bool:
    """Whether the value is the reference rounded (half away or half even) to the places it shows."""
    if target.reading is None or shown < max(fewest, 0):
        return False
    return bool(abs(value - exact_value(target.reading)) * 2 * 10**shown <= 1)


def _ranges(target: Target, answer: Reading, options: Options) -> tuple[bool, str]:
    """A range only answers a range, end by end."""
    reading = target.reading
    ends = None
    if reading is not None and reading.high is not None:
        ends = (reading.value, reading.high)
    elif reading is None and target.lower is not None and target.upper is not None:
        ends = (target.lower, target.upper)
    if ends is None or answer.high is None:
        return False, "a range is stated where one number is asked"
    pairs = []
    for value in (answer.value, answer.high):
        found = _in_unit(target, Reading(value, answer.unit, percent=answer.percent), options)
        if isinstance(found, str):
            return False, found
        pairs.append(found)
    slack = max(target.absolute, target.relative * abs(ends[1]))
    same: bool = any(
        abs(low - ends[0]) <= slack and abs(high - ends[1]) <= slack for low, high in zip(*pairs, strict=True)
    )
    return same, "range against range"


def _shown(value: Fraction) -> str:
    if value.denominator == 1 and abs(value) < _SHOWN_WHOLE:
        return str(value)
    return f"{value.numerator / value.denominator:g}" if abs(value) < _SHOWN_FLOAT else "a huge number"
