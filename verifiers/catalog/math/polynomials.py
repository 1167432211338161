"""Polynomials in one variable with rational coefficients, and their real roots to 70 digits.

Roots are separated by the roots of the derivative, between which a polynomial is monotone; each is bisected, then
refined by Newton's method. A polynomial is divided by its common factor with its derivative first, so that every root
is simple.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from verifiers.catalog.math.exact import NotExact, rational
from verifiers.catalog.math.steps import Steps
from verifiers.catalog.math.tree import Add, Div, Mul, Neg, Node, Num, Pow, Sym, free_symbols

MAX_DEGREE = 8
"""Highest degree whose roots are sought."""
MAX_BITS = 400
"""Largest coefficient, in bits, once all are integers."""
PRECISION = 240
"""Bits after the point of a refined root."""
_BISECTIONS = 24
_REFINEMENTS = 5
MAX_DENOMINATOR = 10_000
"""Largest denominator of a root that is recognised as rational."""
Poly = tuple[Fraction, ...]
"""Coefficients, lowest first, without zeros at the end; () is 0."""


class NotPolynomial(ValueError):
    """The node is no quotient of polynomials in the variable, or one of too high a degree."""


def quotient(node: Node, name: str, steps: Steps) -> tuple[Poly, Poly]:
    """Return (top, bottom) of a rational function of one variable, not reduced.

    Raises:
        NotPolynomial: If it is none, or a degree is past `MAX_DEGREE`.
    """
    steps.take(2)
    match node:
        case Num(value=value):
            return _trimmed((Fraction(value),)), _ONE
        case Sym(name=symbol) if symbol == name:
            return (Fraction(0), Fraction(1)), _ONE
        case Add(items=items):
            top, bottom = quotient(items[0], name, steps)
            for item in items[1:]:
                above, below = quotient(item, name, steps)
                if below == bottom:
                    top = plus(top, above)
                else:
                    top, bottom = plus(times(top, below), times(above, bottom)), times(bottom, below)
            return top, bottom
        case Mul(items=items):
            top, bottom = _ONE, _ONE
            for item in items:
                above, below = quotient(item, name, steps)
                top, bottom = times(top, above), times(bottom, below)
            return top, bottom
        case Div(top=over, bottom=under):
            (a, b), (c, d) = quotient(over, name, steps), quotient(under, name, steps)
            return times(a, d), times(b, c)
        case Neg(item=item):
            top, bottom = quotient(item, name, steps)
            return tuple(-value for value in top), bottom
        case Pow() if not free_symbols(node):
            return _trimmed((_constant(node, steps),)), _ONE
        case Pow(base=base, exponent=Num(value=int() as power)) if abs(power) <= MAX_DEGREE:
            top, bottom = quotient(base, name, steps)
            if power < 0:
                top, bottom = bottom, top
            found = _ONE, _ONE
            for _ in range(abs(power)):
                found = times(found[0], top), times(found[1], bottom)
            return found
    raise NotPolynomial(type(node).__name__)


def _constant(node: Node, steps: Steps) -> Fraction:
    try:
        return Fraction(rational(node, steps))
    except NotExact as error:
        raise NotPolynomial(str(error)) from error


def plus(left: Poly, right: Poly) -> Poly:
    """Add."""
    size = max(len(left), len(right))
    return _trimmed(
        tuple((left[i] if i < len(left) else 0) + (right[i] if i < len(right) else Fraction(0)) for i in range(size))
    )


def times(left: Poly, right: Poly) -> Poly:
    """Multiply.

    Raises:
        NotPolynomial: If the degree is past `MAX_DEGREE`.
    """
    if not left or not right:
        return ()
    if len(left) + len(right) - 2 > MAX_DEGREE:
        raise NotPolynomial("too high a degree")
    found = [Fraction(0)] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            found[i + j] += a * b
    return tuple(found)


def _trimmed(poly: Poly) -> Poly:
    size = len(poly)
    while size and poly[size - 1] == 0:
        size -= 1
    return poly[:size]


_ONE: Poly = (Fraction(1),)


def value_at(poly: Poly, at: Fraction) -> Fraction:
    """Return the value at a point."""
    total = Fraction(0)
    for coefficient in reversed(poly):
        total = total * at + coefficient
    return total


def _derivative(poly: Poly) -> Poly:
    return tuple(place * value for place, value in enumerate(poly))[1:]


def _divided(left: Poly, right: Poly) -> tuple[Poly, Poly]:
    """Return quotient and remainder."""
    rest, found = list(left), [Fraction(0)] * max(len(left) - len(right) + 1, 0)
    for place in range(len(found) - 1, -1, -1):
        factor = rest[place + len(right) - 1] / right[-1]
        found[place] = factor
        for index, value in enumerate(right):
            rest[place + index] -= factor * value
    return _trimmed(tuple(found)), _trimmed(tuple(rest))


def _square_free(poly: Poly) -> Poly:
    left, right = poly, _derivative(poly)
    while right:
        left, right = right, _divided(left, right)[1]
    return _divided(poly, left)[0] if len(left) > 1 else poly


def real_roots(poly: Poly, steps: Steps) -> list[Fraction]:
    """Return the real roots in order, each once; irrational ones to `PRECISION` bits."""
    return _simple_roots(_square_free(poly), steps) if len(poly) > 1 else []


def _simple_roots(poly: Poly, steps: Steps) -> list[Fraction]:
    if len(poly) < 2:
        return []
    if len(poly) == 2:
        return [-poly[0] / poly[1]]
    scale = math.lcm(*(value.denominator for value in poly))
    whole = [int(value * scale) for value in poly]
    if max(map(abs, whole)).bit_length() > MAX_BITS:
        raise NotPolynomial("too large coefficients")
    bound = 1 + max(abs(value / poly[-1]) for value in poly[:-1])
    steps.take(20 * len(poly) ** 2)
    ends = [-bound, *(turn for turn in real_roots(_derivative(poly), steps) if -bound < turn < bound), bound]
    found: list[Fraction] = []
    for low, high in itertools.pairwise(round(end * (1 << PRECISION)) for end in ends):
        below, above = _scaled(whole, low), _scaled(whole, high)
        if (below < 0) != (above < 0):
            found.append(_refined(whole, low, high, below < 0))
    return found


def _scaled(poly: Sequence[int], at: int) -> int:
    """Return p(at / 2^PRECISION), scaled by 2^(PRECISION * degree)."""
    total = shift = 0
    for coefficient in reversed(poly):
        total = total * at + (coefficient << shift)
        shift += PRECISION
    return total


def _refined(poly: Sequence[int], low: int, high: int, rising: bool) -> Fraction:
    """Return the root between two points, scaled by 2^PRECISION."""
    first, last = low, high
    while high - low > (1 << PRECISION - _BISECTIONS):
        middle = (low + high) >> 1
        if (_scaled(poly, middle) < 0) == rising:
            low = middle
        else:
            high = middle
    root = (low + high) >> 1
    slope = [place * value for place, value in enumerate(poly)][1:]
    for _ in range(_REFINEMENTS):
        steepness = _scaled(slope, root)
        if steepness == 0:
            break
        better = root - _scaled(poly, root) // steepness
        if not first <= better <= last:
            break
        root = better
    exact = Fraction(root, 1 << PRECISION)
    simple = exact.limit_denominator(MAX_DENOMINATOR)
    return simple if value_at(tuple(Fraction(value) for value in poly), simple) == 0 else exact
