"""Where a relation between rational functions of one variable, absolute values included, holds on the real line.

Its truth can only change at roots: of numerators and denominators under every choice of signs for the absolute values,
and of the absolute values' insides. It is asked at each of these points and once between neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

from verifiers.catalog.math.polynomials import NotPolynomial, quotient, real_roots
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.steps import Steps
from verifiers.catalog.math.tree import Call, Neg, Node, children, free_symbols

MAX_BARS = 2
"""Most absolute values of the variable in one relation."""
_SAME_POINT = Fraction(1, 10**50)


def turning_points(difference: Node, name: str, steps: Steps) -> tuple[list[Fraction], list[Fraction]]:
    """Return (points where the difference may change its sign, those of them where it has no value), in order.

    Raises:
        NotPolynomial: If it is no rational function, or of too high a degree.
    """
    bars = _bars(difference, name)
    if len(bars) > MAX_BARS:
        raise NotPolynomial(f"more than {MAX_BARS} absolute values")
    found: list[Fraction] = []
    poles: list[Fraction] = []
    for inside in bars:
        top, bottom = quotient(inside, name, steps)
        found += real_roots(top, steps)
        poles += real_roots(bottom, steps)
    for signs in itertools.product((False, True), repeat=len(bars)):
        table = {id(bar): minus for bar, minus in zip(bars, signs, strict=True)}
        top, bottom = quotient(_opened(difference, table), name, steps)
        found += real_roots(top, steps)
        poles += real_roots(bottom, steps)
    return _distinct([*found, *poles]), _distinct(poles)


def _bars(node: Node, name: str) -> list[Node]:
    """Return the insides of the absolute values that hold the variable."""
    if type(node) is Call and node.name == "abs" and name in free_symbols(node):
        if _bars(node.args[0], name):
            raise NotPolynomial("an absolute value in another")
        return [node.args[0]]
    return [inside for child in children(node) for inside in _bars(child, name)]


def _opened(node: Node, minus: dict[int, bool]) -> Node:
    """Replace the absolute values by their insides, signs as chosen."""

    def change(item: Node) -> Node | None:
        if type(item) is not Call or item.name != "abs" or id(item.args[0]) not in minus:
            return None
        return Neg(item.args[0]) if minus[id(item.args[0])] else item.args[0]

    return rebuilt(node, change)


def _distinct(points: list[Fraction]) -> list[Fraction]:
    kept: list[Fraction] = []
    for point in sorted(points):
        if not kept or point - kept[-1] > _SAME_POINT * (1 + abs(point)):
            kept.append(point)
    return kept


Cell = tuple[Fraction | None, bool, Fraction | None, bool]
"""(low, low closed, high, high closed), `None` for infinite."""


def cells(points: list[Fraction], true_at: Callable[[Fraction], bool], poles: list[Fraction]) -> list[Cell]:
    """Return where a relation is true, asked at the points and once between neighbours."""
    found: list[Cell] = []
    ends: list[Fraction | None] = [None, *points, None]
    for low, high in itertools.pairwise(ends):
        if low is not None and low not in poles and true_at(low):
            found.append((low, True, low, True))
        if true_at(_between(low, high)):
            found.append((low, False, high, False))
    return found


def _between(low: Fraction | None, high: Fraction | None) -> Fraction:
    if low is None:
        return Fraction(0) if high is None else Fraction(high.__floor__() - 1)
    return Fraction(low.__ceil__() + 1) if high is None else (low + high) / 2
