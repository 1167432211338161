"""Whether two scalar expressions are equal: exact rationals, residues modulo primes, then numbers of 77 digits.

The tiers go from cheap to dear, and each one either decides or passes on. Nothing here depends on time or load.
"""

from __future__ import annotations

from fractions import Fraction

from verifiers.catalog.math.agreement import agree_at
from verifiers.catalog.math.context import Context, NeedsWorker
from verifiers.catalog.math.doubles import NotNumeric, is_real
from verifiers.catalog.math.exact import NotExact, TooBig, rational
from verifiers.catalog.math.longs import LongField
from verifiers.catalog.math.points import FOLD_POINTS, POINTS
from verifiers.catalog.math.residues import Residues
from verifiers.catalog.math.steps import OutOfSteps
from verifiers.catalog.math.sums import MIN_INSTANCES, bound_variables, instances
from verifiers.catalog.math.traits import Traits, traits_of
from verifiers.catalog.math.tree import Node

EXACT = "exact rational numbers"
"""The rule of two rationals."""
SPARE_BITS = 120
"""Bits of all coefficients together, below which none is a multiple of both primes (122 bits)."""
WANTED_POINTS = 3
"""Points at which two functions must agree."""


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
        differ = agree_at(ref, pred, 0, context, True, "near", False, confirm=True) is False
    except OutOfSteps:
        if context.steps.left < 0:
            raise
        return True  # too large to be evaluated; residues are all there is
    if differ:
        context.rule = "values differ at a fixed point"
    return not differ


def numerically(ref: Node, pred: Node, context: Context) -> bool:
    """Compare by value at the fixed points; see `scalars_equal` for what is raised."""
    traits = traits_of(ref, pred)
    if traits.unevaluated:
        names = bound_variables(ref, pred)
        return _resolved(ref, pred, context) if names is None else _at_integers(ref, pred, names, context)
    if _agree(ref, pred, context, traits, ten=False):
        return True
    if traits.bare_log and _agree(ref, pred, context, traits, ten=True):
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
    if traits_of(left, right).unevaluated:
        context.rule = "sympy could not evaluate an operator"
        return left == right
    equal = scalars_equal(left, right, context)
    context.rule = f"sympy evaluated an operator; {context.rule}"
    return equal


def _agree(ref: Node, pred: Node, context: Context, traits: Traits, ten: bool) -> bool:
    """Compare at the fixed points; functions must agree wherever both are real."""
    symbols, grid = traits.symbols, traits.grid
    points = POINTS + FOLD_POINTS if traits.folded else POINTS if symbols else 1
    wanted = points if traits.folded or traits.nested else WANTED_POINTS if symbols else 1
    complex_too = traits.imaginary or not symbols or traits.nested
    agreed = 0
    skipped: list[int] = []
    for point in range(points):
        try:
            verdict = agree_at(ref, pred, point, context, complex_too, grid, ten, confirm=agreed == 0)
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
            verdict = agree_at(ref, pred, point, context, True, grid, ten, confirm=agreed == 0)
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
        signed = -mantissa if sign else mantissa
        return Fraction(signed << exponent) if exponent >= 0 else Fraction(signed, 1 << -exponent)
    except OutOfSteps:
        raise
    except (NotNumeric, ArithmeticError, ValueError, TypeError, AttributeError):
        return None
