"""Solution families over the integers: pi/4 + k pi and 5 pi/4 - n pi are the same set, k in Z and k in N are not.

A family is a base and a period; a union of families is brought to one period and compared by its residues.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from verifiers.catalog.math.context import Context
from verifiers.catalog.math.equal import real_value
from verifiers.catalog.math.rebuild import rebuilt
from verifiers.catalog.math.tree import Node, Num, Sym

MAX_RESIDUES = 48
"""Most values a period may be split into."""
_INDEXES = (0, 1, 2, 5, -3, 14, -100)
"""Integers at which an expression must lie on one line."""
_CLOSE = Fraction(1, 10**50)
Family = tuple[Fraction, Fraction]


def same_families(left: Sequence[Node], right: Sequence[Node], parameter: str, context: Context) -> bool | None:
    """Compare unions of families `base + period * k` over all integers k; `None` if one is not of that form."""
    sides: list[list[Family]] = []
    for nodes in (left, right):
        families = [_family(node, parameter, context) for node in nodes]
        if any(family is None for family in families):
            return None
        sides.append([family for family in families if family is not None])
    period = _common_period([length for side in sides for _, length in side])
    if period is None:
        return None
    context.rule = "values over the integers, modulo their period"
    first, second = (_residues(side, period) for side in sides)
    return _covers(first, second, period) and _covers(second, first, period)


def _family(node: Node, parameter: str, context: Context) -> Family | None:
    values: list[Fraction] = []
    for index in _INDEXES:
        value = real_value(_at(node, parameter, index), context)
        if value is None:
            return None
        values.append(value)
    step = values[1] - values[0]
    expected = [values[0] + index * step for index in _INDEXES]
    if step == 0 or not all(map(_near, values, expected)):
        return None
    return values[0], abs(step)


def _at(node: Node, parameter: str, index: int) -> Node:
    return rebuilt(node, lambda item: Num(index) if item == Sym(parameter) else None)


def _near(left: Fraction, right: Fraction) -> bool:
    return abs(left - right) <= _CLOSE * (1 + abs(left))


def _common_period(lengths: Sequence[Fraction]) -> Fraction | None:
    """Return the smallest common multiple of the periods; `None` if they have none with small factors."""
    multiple = 1
    for length in lengths:
        ratio = (length / lengths[0]).limit_denominator(MAX_RESIDUES)
        if not _near(ratio * lengths[0], length):
            return None
        multiple = math.lcm(multiple, ratio.numerator)
    return lengths[0] * multiple if multiple <= MAX_RESIDUES else None


def _residues(families: Sequence[Family], period: Fraction) -> list[Fraction]:
    return [base + length * step for base, length in families for step in range(round(period / length))]


def _covers(values: Sequence[Fraction], others: Sequence[Fraction], period: Fraction) -> bool:
    if len(values) * len(others) > MAX_RESIDUES**2:
        return False
    return all(any(_whole((value - other) / period) for other in others) for value in values)


def _whole(value: Fraction) -> bool:
    return abs(value - round(value)) <= _CLOSE * (1 + abs(value))
