"""Exact evaluation as a rational number. Bounded: integers past `MAX_BITS` raise `TooBig`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from verifiers.catalog.math.steps import MAX_BITS, MAX_LOOP, OutOfSteps, Steps
from verifiers.catalog.math.tree import (
    Add,
    Based,
    Big,
    Call,
    Div,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Sym,
)

MAX_DETERMINANT = 6
"""Largest dimension of a determinant that is multiplied out."""

Rational = int | Fraction


class NotExact(ValueError):
    """The node has no exact value in this domain (a surd, a function, a variable)."""


class TooBig(NotExact):
    """The value is an exact rational, but too large to write down."""


def rational(node: Node, steps: Steps, bound: Mapping[str, int] | None = None) -> Rational:
    """Return the node's exact rational value.

    Raises:
        NotExact: If it is irrational, symbolic or undefined. `TooBig` if merely too large.
        OutOfSteps: If the budget is used up.
    """
    steps.left -= 1
    if steps.left < 0:
        steps.take(0)
    if type(node) is Num:
        return node.value
    handler = _RATIONAL.get(type(node))
    if handler is None:
        raise NotExact(type(node).__name__)
    return handler(node, steps, bound or _EMPTY)


_EMPTY: Mapping[str, int] = {}


def _bits(value: Rational) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _sized(value: Rational) -> Rational:
    if _bits(value) > MAX_BITS:
        raise TooBig("too large to write down")
    return value


def _add(node: Add, steps: Steps, bound: Mapping[str, int]) -> Rational:
    total: Rational = 0
    for item in node.items:
        total += rational(item, steps, bound)
    return _sized(total)


def _mul(node: Mul, steps: Steps, bound: Mapping[str, int]) -> Rational:
    total: Rational = 1
    for item in node.items:
        total *= rational(item, steps, bound)
    return _sized(total)


def _div(node: Div, steps: Steps, bound: Mapping[str, int]) -> Rational:
    bottom = rational(node.bottom, steps, bound)
    if bottom == 0:
        raise NotExact("division by zero")
    top = rational(node.top, steps, bound)
    if type(top) is int and type(bottom) is int:
        return Fraction(top, bottom) if top % bottom else top // bottom
    return _whole(Fraction(top) / bottom)


def _whole(value: Fraction) -> Rational:
    return value.numerator if value.denominator == 1 else value


def _neg(node: Neg, steps: Steps, bound: Mapping[str, int]) -> Rational:
    return -rational(node.item, steps, bound)


def _pow(node: Pow, steps: Steps, bound: Mapping[str, int]) -> Rational:
    exponent = rational(node.exponent, steps, bound)
    base = rational(node.base, steps, bound)
    if isinstance(exponent, Fraction):
        if exponent.denominator > 64 or base < 0:
            raise NotExact("a root")
        return power(perfect_root(base, exponent.denominator), exponent.numerator)
    return power(base, exponent)


def power(base: Rational, exponent: int) -> Rational:
    """Return base ** exponent, refused by size before it is computed."""
    if base == 0:
        if exponent <= 0:
            raise NotExact("0 to a power that is not positive")
        return 0
    if base in (1, -1):
        return base if exponent % 2 else 1
    if _bits(base) * abs(exponent) > MAX_BITS:
        raise TooBig("too large to write down")
    if exponent >= 0:
        return base**exponent
    return _whole(Fraction(1) / Fraction(base) ** -exponent)


def perfect_root(value: Rational, index: int) -> Rational:
    """Return the exact root of a non-negative rational.

    Raises:
        NotExact: If it is irrational.
    """
    if value < 0:
        raise NotExact("a root of a negative number")
    top, bottom = integer_root(value.numerator, index), integer_root(value.denominator, index)
    if top**index != value.numerator or bottom**index != value.denominator:
        raise NotExact("an irrational root")
    return top if bottom == 1 else Fraction(top, bottom)


def integer_root(value: int, index: int) -> int:
    """Return the floor of a non-negative integer's root."""
    if index == 2:
        return math.isqrt(value)
    if value < 2:
        return value
    guess = 1 << -(-value.bit_length() // index)
    while True:
        better = ((index - 1) * guess + value // guess ** (index - 1)) // index
        if better >= guess:
            return guess
        guess = better


def call(node: Call, steps: Steps, bound: Mapping[str, int]) -> Rational:
    """Return the exact value of a function's call."""
    function = _FUNCTIONS.get(node.name)
    if function is None:
        raise NotExact(node.name)
    values = [rational(arg, steps, bound) for arg in node.args]
    return function(values, steps)


def _sqrt(values: list[Rational], steps: Steps) -> Rational:
    return perfect_root(values[0], 2)


def _root(values: list[Rational], steps: Steps) -> Rational:
    value, index = values
    if not isinstance(index, int) or not 1 <= index <= 64:
        raise NotExact("an odd index")
    if value < 0 and index % 2:
        return -perfect_root(-value, index)
    return perfect_root(value, index)


def natural(value: Rational, limit: int) -> int:
    """Return a natural number that is at most `limit`."""
    if not isinstance(value, int) or value < 0:
        raise NotExact("not a natural number")
    if value > limit:
        raise TooBig("too large to write down")
    return value


def _factorial(values: list[Rational], steps: Steps) -> Rational:
    number = natural(values[0], 3_000)
    steps.take(number // 20)
    return math.factorial(number)


def _factorial2(values: list[Rational], steps: Steps) -> Rational:
    number = natural(values[0], 2_000)
    steps.take(number // 4)
    return math.prod(range(number, 0, -2))


def _binom(values: list[Rational], steps: Steps) -> Rational:
    top, bottom = natural(values[0], 10**9), natural(values[1], 10**9)
    if bottom > top:
        return 0
    if min(bottom, top - bottom) * max(top, 2).bit_length() > MAX_BITS:
        raise TooBig("too large to write down")
    steps.take(min(bottom, top - bottom) // 10)
    return math.comb(top, bottom)


def _perm(values: list[Rational], steps: Steps) -> Rational:
    top, bottom = natural(values[0], 10**9), natural(values[1], 10**9)
    if bottom * max(top, 2).bit_length() > MAX_BITS:
        raise TooBig("too large to write down")
    return math.perm(top, bottom)


def _floor(values: list[Rational], steps: Steps) -> Rational:
    return math.floor(values[0])


def _ceil(values: list[Rational], steps: Steps) -> Rational:
    return math.ceil(values[0])


def _abs(values: list[Rational], steps: Steps) -> Rational:
    value = values[0]
    return -value if value < 0 else value


def _sgn(values: list[Rational], steps: Steps) -> Rational:
    return (values[0] > 0) - (values[0] < 0)


def _mod(values: list[Rational], steps: Steps) -> Rational:
    if values[1] == 0:
        raise NotExact("a remainder by zero")
    return values[0] % values[1]


def _integers(values: list[Rational]) -> list[int]:
    if not all(isinstance(value, int) for value in values):
        raise NotExact("not integers")
    return [int(value) for value in values]


def _gcd(values: list[Rational], steps: Steps) -> Rational:
    return math.gcd(*_integers(values))


def _lcm(values: list[Rational], steps: Steps) -> Rational:
    return math.lcm(*_integers(values))


def _max(values: list[Rational], steps: Steps) -> Rational:
    return max(values)


def _min(values: list[Rational], steps: Steps) -> Rational:
    return min(values)


def _log(values: list[Rational], steps: Steps) -> Rational:
    """Return log_b(a) where it is a small integer; a = b^k is checked exactly."""
    if len(values) != 2:
        if values[0] == 1:
            return 0
        raise NotExact("a logarithm")
    value, base = Fraction(values[0]), Fraction(values[1])
    if value <= 0 or base <= 0 or base == 1:
        raise NotExact("a logarithm outside its domain")
    estimate = (math.log(value.numerator) - math.log(value.denominator)) / (
        math.log(base.numerator) - math.log(base.denominator)
    )
    if abs(estimate) < 10_000 and power(_whole(base), round(estimate)) == value:
        return round(estimate)
    raise NotExact("an irrational logarithm")


_FUNCTIONS: dict[str, Callable[[list[Rational], Steps], Rational]] = {
    "sqrt": _sqrt, "root": _root, "factorial": _factorial, "factorial2": _factorial2, "binom": _binom, "perm": _perm,
    "floor": _floor, "ceil": _ceil, "abs": _abs, "sgn": _sgn, "mod": _mod, "gcd": _gcd, "lcm": _lcm, "max": _max,
    "min": _min,
    "log": _log,
}  # fmt: skip


def _symbol(node: Sym, steps: Steps, bound: Mapping[str, int]) -> Rational:
    value = bound.get(node.name)
    if value is None:
        raise NotExact("a variable")
    return value


def _percent(node: Percent, steps: Steps, bound: Mapping[str, int]) -> Rational:
    return _whole(Fraction(rational(node.item, steps, bound)) / 100)


def based_value(node: Based) -> Rational:
    """Return the value of digits in a base."""
    whole, _, decimals = node.digits.partition(".")
    return _whole(Fraction(int(whole + decimals, node.base), node.base ** len(decimals)))


def _based(node: Based, steps: Steps, bound: Mapping[str, int]) -> Rational:
    return based_value(node)


def _big(node: Big, steps: Steps, bound: Mapping[str, int]) -> Rational:
    low, high = rational(node.low, steps, bound), rational(node.high, steps, bound)
    if not isinstance(low, int) or not isinstance(high, int):
        raise NotExact("bounds that are not integers")
    if high - low > MAX_LOOP:
        raise OutOfSteps(f"a sum or product of more than {MAX_LOOP} terms")
    total: Rational = 0 if node.kind == "sum" else 1
    for index in range(low, high + 1):
        value = rational(node.body, steps, {**bound, node.index: index})
        total = _sized(total + value if node.kind == "sum" else total * value)
    return total


_RATIONAL: dict[type, Callable[..., Rational]] = {
    Add: _add, Mul: _mul, Div: _div, Neg: _neg, Pow: _pow, Call: call, Sym: _symbol, Percent: _percent,
    Based: _based, Big: _big,
}  # fmt: skip


def determinant(rows: list[list[Any]]) -> Any:
    """Return the determinant of a square of numbers of any field, by minors.

    Raises:
        NotExact: If it is no square of at most `MAX_DETERMINANT` rows.
    """
    if len(rows) > MAX_DETERMINANT or any(len(row) != len(rows) for row in rows):
        raise NotExact("not a square of numbers that is multiplied out")
    if len(rows) == 1:
        return rows[0][0]
    total: Any = 0
    for place, item in enumerate(rows[0]):
        minor = item * determinant([row[:place] + row[place + 1 :] for row in rows[1:]])
        total = total - minor if place % 2 else total + minor
    return total
