"""Whether two scalar expressions are equal: exact rationals, residues modulo primes, then numbers of 77 digits.

The tiers go from cheap to dear, and each one either decides or passes on. Nothing here depends on time or load.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from verifiers.catalog.math.doubles import NotNumeric
from verifiers.catalog.math.exact import NotExact, TooBig, rational
from verifiers.catalog.math.numeric import (
    LONG_BITS,
    LONGER,
    Field,
    FloatField,
    LongField,
    is_real,
)
from verifiers.catalog.math.points import FOLD_POINTS, POINTS, Grid
from verifiers.catalog.math.policy import Options
from verifiers.catalog.math.residues import Residues
from verifiers.catalog.math.steps import FAST_STEPS, OutOfSteps, Steps
from verifiers.catalog.math.sums import MIN_INSTANCES, bound_variables, instances
from verifiers.catalog.math.tree import (
    Big,
    Call,
    Const,
    Derivative,
    Div,
    Integral,
    Limit,
    Neg,
    Node,
    Num,
    Pow,
    children,
    free_symbols,
)

EXACT = "exact rational numbers"
"""The rule of two rationals."""
NOISE_BITS = 56
"""Last bits of a long value in which rounding may show: of 256, 200 (60 decimal digits) must agree."""
APART = 2.0**-100
"""Relative difference above which they are not, cancellation excluded."""
FLOAT_APART = 1e-8
"""Relative difference of doubles that refutes equality, cancellation excluded."""
SHORT_LITERAL_BITS = 150
"""Numbers of fewer bits (45 digits) cannot imitate an irrational value to the 60 digits that are compared."""
SPARE_BITS = 120
"""Bits of all coefficients together, below which none is a multiple of both primes (122 bits)."""
MAX_LONG_BITS = 1 << 16
"""Highest precision at which values are compared."""
WANTED_POINTS = 3
"""Points at which two functions must agree."""


class NeedsWorker(Exception):
    """Only sympy, in a worker process, can go on."""


@dataclass(slots=True)
class Context:
    """What one comparison carries along.

    Attributes:
        options: The policies.
        steps: The budget.
        rule: The rule that decided last, for the verdict's reason.
        match: `compare.match`, for the modules that compare parts of their own shapes.
        sympy: Whether this is the worker, where unevaluated operators may be resolved.
    """

    options: Options
    match: Callable[[Node, Node, Context], bool]
    steps: Steps = field(default_factory=lambda: Steps(FAST_STEPS))
    rule: str = ""
    sympy: bool = False


def scalars_equal(ref: Node, pred: Node, context: Context) -> bool:
    """Whether two scalars are equal; sets `context.rule`.

    Raises:
        NeedsWorker: If an integral, limit, derivative or infinite sum must be evaluated first.
        OutOfSteps: If the budget is used up.
    """
    if ref == pred:
        context.rule = "same expression"
        return True
    found = algebraically(ref, pred, context)
    return numerically(ref, pred, context) if found is None else found


def algebraically(ref: Node, pred: Node, context: Context) -> bool | None:
    """Compare as rationals, then as rational functions modulo primes; `None` if a side is neither."""
    found = _exactly(ref, pred, context)
    return _modulo(ref, pred, context) if found is None else found


def _exactly(ref: Node, pred: Node, context: Context) -> bool | None:
    try:
        left = rational(ref, context.steps)
        right = rational(pred, context.steps)
    except TooBig:
        return None
    except NotExact:
        return None
    context.rule = EXACT
    return left == right


def _modulo(ref: Node, pred: Node, context: Context) -> bool | None:
    try:
        for which in (0, 1):
            residues = Residues(context.steps, which)
            if residues.value(ref) != residues.value(pred):
                context.rule = "polynomials or rational functions modulo a prime"
                return False
    except (NotExact, ValueError) as error:
        if isinstance(error, OutOfSteps):
            raise
        return None
    context.rule = "polynomials or rational functions modulo two primes"
    return residues.size < SPARE_BITS or _alike(ref, pred, context)


def _alike(ref: Node, pred: Node, context: Context) -> bool:
    """Whether values agree that are equal modulo the primes: a multiple of both primes can be added on purpose."""
    try:
        differ = _at(ref, pred, 0, context, True, "near", False, confirm=True) is False
    except OutOfSteps:
        if context.steps.left < 0:
            raise
        return True  # too large to be evaluated; residues are all there is
    if differ:
        context.rule = "values differ at a fixed point"
    return not differ


_INTEGER_CALLS = frozenset(["factorial", "factorial2", "binom", "perm", "mod", "gcd", "lcm"])


_STEP_CALLS = frozenset(["floor", "ceil"])


def _traits(*nodes: Node) -> tuple[bool, Grid, bool, bool]:
    """Return (complex, which points to take, bare log, unevaluated) over both trees."""
    imaginary = integers = steps = bare_log = unevaluated = False
    stack = list(nodes)
    while stack:
        node = stack.pop()
        match node:
            case Const(name="i"):
                imaginary = True
            case Call(name=name, args=args):
                integers = integers or name in _INTEGER_CALLS
                steps = steps or name in _STEP_CALLS
                bare_log = bare_log or (name == "log" and len(args) == 1)
            case Pow(base=Num(value=value)) if value < 0:
                integers = True
            case Pow(base=Neg(item=Num())):
                integers = True
            case Integral() | Limit() | Derivative():
                unevaluated = True
            case Big(high=high, low=low):
                unevaluated = unevaluated or type(high) is Const or bool(free_symbols(high) | free_symbols(low))
        stack.extend(children(node))
    return imaginary, "integers" if integers else "wide" if steps else "near", bare_log, unevaluated


def numerically(ref: Node, pred: Node, context: Context) -> bool:
    """Compare by value at the fixed points; see `scalars_equal` for what is raised."""
    imaginary, grid, bare_log, unevaluated = _traits(ref, pred)
    if unevaluated:
        names = bound_variables(ref, pred)
        return _resolved(ref, pred, context) if names is None else _at_integers(ref, pred, names, context)
    if _agree(ref, pred, context, imaginary, grid, ten=False):
        return True
    if bare_log and _agree(ref, pred, context, imaginary, grid, ten=True):
        context.rule += ", log read as decimal"
        return True
    return False


def _at_integers(ref: Node, pred: Node, names: set[str], context: Context) -> bool:
    """Compare sums with variables in their bounds at as many integers as a part of the budget allows."""
    kept = context.steps.left // 3
    for place, (left, right) in enumerate(instances(ref, pred, names)):
        if place >= MIN_INSTANCES and context.steps.left < kept:
            break
        if not scalars_equal(left, right, context):
            context.rule = f"sums with different values at integers; {context.rule}"
            return False
    context.rule = "sums and products of equal value at fixed integers"
    return True


def _resolved(ref: Node, pred: Node, context: Context) -> bool:
    if not context.sympy:
        raise NeedsWorker
    from verifiers.catalog.math.sympy_tier import resolve  # only ever in a worker

    left, right = resolve(ref), resolve(pred)
    if any(_traits(side)[3] for side in (left, right)):
        context.rule = "sympy could not evaluate an operator"
        return left == right
    equal = scalars_equal(left, right, context)
    context.rule = f"sympy evaluated an operator; {context.rule}"
    return equal


def _agree(ref: Node, pred: Node, context: Context, imaginary: bool, grid: Grid, ten: bool) -> bool:
    """Compare at the fixed points; functions must agree wherever both are real."""
    symbols = free_symbols(ref) | free_symbols(pred)
    folded = bool(symbols) and grid == "near" and (_folds(ref) or _folds(pred))
    points = POINTS + FOLD_POINTS if folded else POINTS if symbols else 1
    nested = bool(symbols) and (_nested_powers(ref) or _nested_powers(pred))
    wanted = points if folded or nested else WANTED_POINTS if symbols else 1
    complex_too = imaginary or not symbols or nested
    agreed = 0
    skipped: list[int] = []
    for point in range(points):
        try:
            verdict = _at(ref, pred, point, context, complex_too, grid, ten, confirm=agreed == 0)
        except OutOfSteps:
            if point < POINTS or context.steps.left < 0:
                raise
            verdict = None  # too large a value at a point that lies far out
        if verdict is False:
            context.rule = "values differ at a fixed point" if symbols else "values differ"
            return False
        if verdict is None:
            skipped.append(point)
            continue
        agreed += 1
        if agreed >= wanted:
            break
    if not agreed:  # nowhere real on both sides: compare principal complex values
        for point in skipped[:WANTED_POINTS]:
            verdict = _at(ref, pred, point, context, True, grid, ten, confirm=agreed == 0)
            if verdict is False:
                break
            agreed += verdict is True
        else:
            verdict = agreed > 0
        if not verdict:
            context.rule = "values differ" if skipped and verdict is False else "no value could be computed"
            return False
    context.rule = "60 digits at fixed points" if symbols else "60 digits"
    return True


_FOLDS = frozenset(["abs", "sqrt", "root", "max", "min", "sgn", "arg", "conj"])


def _folds(node: Node) -> bool:
    """Whether an absolute value or a root of a variable makes a function that is not one formula everywhere."""
    match node:
        case Call(name=name) if name in _FOLDS:
            return bool(free_symbols(node))
        case Pow(base=base, exponent=Num(value=Fraction()) | Div()):
            return bool(free_symbols(base))
    return any(_folds(child) for child in children(node))


def _nested_powers(node: Node) -> bool:
    """Whether a power with a variable in its exponent is raised again: (a^b)^c is not a^(bc) for negative a."""
    match node:
        case Pow(base=Pow(base=base, exponent=inner)) if free_symbols(base) and free_symbols(inner):
            return True
    return any(_nested_powers(child) for child in children(node))


def _at(
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


def _doubles(ref: Node, pred: Node, field_: Field, complex_too: bool) -> bool | str | None:
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
    if apart > FLOAT_APART * size:
        return False if not field_.cancelled and size > 1e-250 else _LOOK_CLOSER
    return True if apart <= 1e-12 * size and not field_.cancelled and size > 1e-250 else _LOOK_CLOSER


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
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if type(node) is Num:
            longest = max(longest, node.value.numerator.bit_length(), node.value.denominator.bit_length())
        stack.extend(children(node))
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


def real_value(node: Node, context: Context) -> Fraction | None:
    """Return a real constant as a rational: itself, or its 256-bit approximation; `None` if it is not one."""
    try:
        return Fraction(rational(node, context.steps))
    except NotExact:
        pass
    try:
        value = LongField(context.steps, 0).value(node)
        if not is_real(value):
            return None
        sign, mantissa, exponent, _ = value.real._mpf_
        if abs(exponent) > 5_000:
            return None
        number = Fraction(mantissa) * (Fraction(2) ** exponent)
        return Fraction(-number if sign else number)
    except OutOfSteps:
        raise
    except (NotNumeric, ArithmeticError, ValueError, TypeError, AttributeError):
        return None
