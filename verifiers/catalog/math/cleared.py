"""Equations with their denominators cleared: y = 1/x is the curve xy = 1, but x(x-1)/(x-1) = 0 is not x(x-1) = 0.

A rational function is a pair (top, bottom). Equations f = 0 and g = 0 are equal when their tops are proportional
and neither top shares a factor with its bottom, which is decided along one line through residues modulo a prime.
"""

from __future__ import annotations

from verifiers.catalog.math.exact import NotExact
from verifiers.catalog.math.residues import PRIMES, Residues
from verifiers.catalog.math.steps import Steps
from verifiers.catalog.math.tree import Add, Div, Mul, Neg, Node, Num, Pow, Sym, free_symbols

MAX_DEGREE = 16
"""Highest total degree that is interpolated."""
Pair = tuple[Node, Node]
_ONE = Num(1)
_PRIME = PRIMES[0]


def cleared(node: Node) -> Pair | None:
    """Return (top, bottom) of a rational expression; `None` if it has no denominator with a variable in it."""
    top, bottom = _pair(node)
    return (top, bottom) if free_symbols(bottom) else None


def _pair(node: Node) -> Pair:
    match node:
        case Add(items=items):
            top, bottom = _pair(items[0])
            for item in items[1:]:
                top, bottom = _sum((top, bottom), _pair(item))
            return top, bottom
        case Mul(items=items):
            pairs = [_pair(item) for item in items]
            return _product([top for top, _ in pairs]), _product([bottom for _, bottom in pairs])
        case Div(top=top, bottom=bottom):
            above, below = _pair(top), _pair(bottom)
            return _product([above[0], below[1]]), _product([above[1], below[0]])
        case Neg(item=item):
            top, bottom = _pair(item)
            return Neg(top), bottom
        case Pow(base=base, exponent=Num(value=int() as power)):
            top, bottom = _pair(base)
            if power < 0:
                top, bottom, power = bottom, top, -power
            return Pow(top, Num(power)), _ONE if bottom == _ONE else Pow(bottom, Num(power))
    return node, _ONE


def _sum(left: Pair, right: Pair) -> Pair:
    if left[1] == right[1]:
        return Add((left[0], right[0])), left[1]
    return Add((_product([left[0], right[1]]), _product([right[0], left[1]]))), _product([left[1], right[1]])


def _product(factors: list[Node]) -> Node:
    kept = [factor for factor in factors if factor != _ONE]
    return _ONE if not kept else kept[0] if len(kept) == 1 else Mul(tuple(kept))


class _Line(Residues):
    """Residues on a line: every variable moves with one parameter."""

    __slots__ = ("at",)

    def __init__(self, steps: Steps) -> None:
        super().__init__(steps)
        self.at = 0

    def point(self, name: str) -> int:
        """Return the variable's residue at the parameter `at`."""
        fixed = super().point(name)
        return (fixed + self.at * super().point(name + " slope")) % _PRIME


def coprime(pair: Pair, steps: Steps) -> bool:
    """Whether the top and the bottom, polynomials, have no factor in common.

    Raises:
        NotExact: If they are no polynomials of at most `MAX_DEGREE`.
    """
    left, right = (_along(node, steps) for node in pair)
    while right:
        left, right = right, _remainder(left, right)
    return len(left) == 1


def _degree(node: Node) -> int:
    match node:
        case Num():
            return 0
        case Sym():
            return 1
        case Add(items=items):
            return max(_degree(item) for item in items)
        case Mul(items=items):
            return sum(_degree(item) for item in items)
        case Neg(item=item):
            return _degree(item)
        case Pow(base=base, exponent=Num(value=int() as power)) if power >= 0:
            return _degree(base) * power
    raise NotExact("not a polynomial")


def _along(node: Node, steps: Steps) -> list[int]:
    """Return the coefficients, lowest first, of a polynomial restricted to the line."""
    degree = _degree(node)
    if degree > MAX_DEGREE:
        raise NotExact("too high a degree")
    line = _Line(steps)
    values: list[int] = []
    for at in range(degree + 1):
        line.at = at
        values.append(line.value(node))
    steps.take(degree * degree // 4)
    return _interpolated(values)


def _interpolated(values: list[int]) -> list[int]:
    """Return the polynomial through (0, values[0]), (1, values[1]) ... by Newton's divided differences."""
    differences = list(values)
    for order in range(1, len(values)):
        inverse = pow(order, -1, _PRIME)
        for place in range(len(values) - 1, order - 1, -1):
            differences[place] = (differences[place] - differences[place - 1]) * inverse % _PRIME
    found: list[int] = []
    for place in range(len(values) - 1, -1, -1):  # found * (t - place) + differences[place]
        shifted = [0, *found]
        for index, value in enumerate(found):
            shifted[index] = (shifted[index] - place * value) % _PRIME
        found = shifted or [0]
        found[0] = (found[0] + differences[place]) % _PRIME
    return _trimmed(found)


def _trimmed(poly: list[int]) -> list[int]:
    while poly and poly[-1] == 0:
        poly.pop()
    return poly


def _remainder(left: list[int], right: list[int]) -> list[int]:
    rest = list(left)
    inverse = pow(right[-1], -1, _PRIME)
    while len(rest) >= len(right):
        factor = rest[-1] * inverse % _PRIME
        offset = len(rest) - len(right)
        for place, value in enumerate(right):
            rest[offset + place] = (rest[offset + place] - factor * value) % _PRIME
        _trimmed(rest)
    return rest
