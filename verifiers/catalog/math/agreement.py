"""Two values at one fixed point: doubles refute, long numbers confirm, and longer ones where digits could hide."""

from __future__ import annotations

import math
from typing import Any

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.doubles import NotNumeric, is_real
from verifiers.catalog.math.longs import LONG_BITS, LONGER, LongField
from verifiers.catalog.math.numeric import FloatField
from verifiers.catalog.math.points import Grid
from verifiers.catalog.math.steps import OutOfSteps
from verifiers.catalog.math.tree import Node, Num, walk

NOISE_BITS = 56
"""Last bits of a long value in which rounding may show: of 256, 200 (60 decimal digits) must agree."""
APART = 2.0**-100
"""Relative difference above which they are not, cancellation excluded."""
FLOAT_APART = 1e-8
"""Relative difference of doubles that refutes equality, cancellation excluded."""
FLOAT_ALIKE = 1e-12
"""Relative difference of doubles below which they agree, cancellation excluded."""
FLOAT_TINY = 1e-250
"""Size below which doubles decide nothing."""
SHORT_LITERAL_BITS = 150
"""Numbers of fewer bits (45 digits) cannot imitate an irrational value to the 60 digits that are compared."""
MAX_LONG_BITS = 1 << 16
"""Highest precision at which values are compared."""


def agree_at(
    ref: Node, pred: Node, point: int, context: Context, complex_too: bool, grid: Grid, ten: bool, confirm: bool
) -> bool | None:
    """Compare at one point: True, False, or None where it says nothing."""
    quick = _doubles(ref, pred, FloatField(context.steps, point, ten, grid), complex_too)
    if quick is False or (quick is True and not confirm):
        return quick
    if quick is None:
        return None
    return _long(ref, pred, point, context, complex_too, grid, ten)


_LOOK_CLOSER = "look closer"


def _doubles(ref: Node, pred: Node, field_: FloatField, complex_too: bool) -> bool | str | None:
    try:
        left, right = field_.value(ref), field_.value(pred)
        if not complex_too and not (is_real(left) and is_real(right)):
            return None
        size = max(abs(left), abs(right))
        apart = abs(left - right)
    except NotNumeric:
        return None
    except OutOfSteps:
        raise
    except (OverflowError, ZeroDivisionError, ValueError, TypeError):
        return _LOOK_CLOSER
    if not math.isfinite(size) or not math.isfinite(apart):
        return _LOOK_CLOSER
    if field_.cancelled or size <= FLOAT_TINY:
        return _LOOK_CLOSER
    if apart > FLOAT_APART * size:
        return False
    return True if apart <= FLOAT_ALIKE * size else _LOOK_CLOSER


def _long(
    ref: Node,
    pred: Node,
    point: int,
    context: Context,
    complex_too: bool,
    grid: Grid,
    ten: bool,
    bits: int = LONG_BITS,
) -> bool | None:
    """Compare long values; what looks equal is looked at again where digits past these could tell them apart."""

    def field_of(precision: int) -> LongField:
        return LongField(context.steps, point, precision, ten=ten, grid=grid)

    field_ = field_of(bits)
    first = _long_values(ref, pred, field_)
    if first is None:
        return None
    left, right = first
    if not complex_too and not (is_real(left) and is_real(right)):
        return None
    same = _same_digits(left, right, bits, field_)
    if same is None:
        second = _long_values(ref, pred, field_of(LONGER * bits))
        if second is None:
            return None
        same = _same_or_zero(first, second, bits, field_)
    if not same or bits > LONG_BITS or not (wanted := _wanted_bits(ref, pred, field_.hidden)):
        return same
    context.steps.take(wanted // 64)
    return _long(ref, pred, point, context, complex_too, grid, ten, wanted) is True


def _same_digits(left: Any, right: Any, bits: int, field_: LongField) -> bool | None:
    """Whether two values agree to all digits but the last; `None` near zero and in between."""
    size, apart = max(abs(left), abs(right)), abs(left - right)
    if size == 0:
        return True
    if size > 2.0**-60:
        if apart <= field_.mp.ldexp(size, NOISE_BITS - bits):
            return True
        if apart > size * APART:
            return False
    return None


def _same_or_zero(first: tuple[Any, Any], second: tuple[Any, Any], bits: int, field_: LongField) -> bool:
    """Whether values agree at the longer precision, or both shrink with it: then both are zero."""
    size, apart = max(map(abs, first)), abs(first[0] - first[1])
    size2, apart2 = max(map(abs, second)), abs(second[0] - second[1])
    if size2 == 0 or size2 < size * 2.0**-120:
        return True
    agree = NOISE_BITS - bits
    ldexp = field_.mp.ldexp
    return bool(apart2 <= ldexp(size2, 2 * agree) or (apart2 <= ldexp(size2, agree) and apart2 < apart * 2.0**-120))


def _wanted_bits(ref: Node, pred: Node, hidden: int) -> int:
    """Return the precision that could tell apart what is written (62 digits of pi are not pi); 0 if this one does.

    Raises:
        OutOfSteps: If it is past the bound.
    """
    written = _literal_bits(ref, pred)
    more = hidden + (2 * written if written >= SHORT_LITERAL_BITS else 0)
    wanted = 1 << (more + LONG_BITS).bit_length() if more else 0  # a power of 2: contexts are kept by precision
    if wanted > MAX_LONG_BITS:
        raise OutOfSteps("values that differ in digits past the bound on precision, if at all")
    return wanted


def _literal_bits(*nodes: Node) -> int:
    """Return the size of the longest number that is written in the trees."""
    longest = 0
    for node in walk(*nodes):
        if type(node) is Num:
            value = node.value
            longest = max(longest, value.numerator.bit_length(), value.denominator.bit_length())
    return longest


def _long_values(ref: Node, pred: Node, field_: LongField) -> tuple[Any, Any] | None:
    try:
        return field_.value(ref), field_.value(pred)
    except (NotNumeric, ZeroDivisionError):
        return None
    except OutOfSteps:
        raise
    except (OverflowError, ValueError, TypeError):
        return None
