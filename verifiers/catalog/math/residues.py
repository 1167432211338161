"""Evaluation modulo a large prime, with every variable at a fixed residue.

Equal residues at fixed points mean equal rational functions except with probability below degree / 2^61 (Schwartz 1980,
Zippel 1979); unequal residues prove that they differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

from verifiers.catalog.math.exact import NotExact, Rational, based_value, call, determinant, natural, rational
from verifiers.catalog.math.points import indexed
from verifiers.catalog.math.steps import MAX_LOOP, OutOfSteps, Steps
from verifiers.catalog.math.tree import (
    Add,
    Apply,
    Based,
    Big,
    Call,
    Div,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Sym,
)

PRIMES = ((1 << 61) - 1, (1 << 61) - 31)
"""Two primes: the Mersenne prime 2^61 - 1, and the largest prime below it."""
MAX_FACTORIAL = 20_000
"""Largest argument of a factorial that is multiplied out modulo a prime."""


class Residues:
    """Evaluates modulo one prime. One instance serves one comparison, so that both sides meet the same points.

    Attributes:
        size: Bits of all constants met so far, an upper bound of those of any coefficient.
    """

    __slots__ = ("_bound", "_prime", "_salt", "_steps", "size")

    def __init__(self, steps: Steps, which: int = 0, salt: int = 0) -> None:
        self._prime = PRIMES[which]
        self._steps = steps
        self._salt = salt
        self._bound: dict[str, int] = {}
        self.size = 0

    def point(self, name: str) -> int:
        """Return the fixed residue of a variable."""
        seed = crc32(name.encode("utf-8", "replace"), self._salt)
        return (seed * 0x9E3779B97F4A7C15 + 0x1234567 * seed * seed + 977) % self._prime

    def value(self, node: Node) -> int:
        """Return the node's residue.

        Raises:
            NotExact: If it is no rational function of its variables.
        """
        steps = self._steps
        steps.left -= 1
        if steps.left < 0:
            steps.take(0)
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise NotExact(type(node).__name__)
        return handler(self, node)

    def _num(self, node: Num) -> int:
        return self._fraction(node.value)

    def _sym(self, node: Sym) -> int:
        bound = self._bound.get(node.name)
        if bound is not None:
            return bound % self._prime
        return self.point(indexed(node.name, self._bound) if self._bound else node.name)

    def _add(self, node: Add) -> int:
        total = 0
        for item in node.items:
            total += self.value(item)
        return total % self._prime

    def _mul(self, node: Mul) -> int:
        total = 1
        for item in node.items:
            total = total * self.value(item) % self._prime
        return total

    def _div(self, node: Div) -> int:
        return self.value(node.top) * self._inverse(self.value(node.bottom)) % self._prime

    def _neg(self, node: Neg) -> int:
        return -self.value(node.item) % self._prime

    def _percent(self, node: Percent) -> int:
        return self.value(node.item) * self._inverse(100) % self._prime

    def _based(self, node: Based) -> int:
        return self._fraction(based_value(node))

    def _fraction(self, value: Rational) -> int:
        if isinstance(value, int):
            self.size += value.bit_length()
            return value % self._prime
        self.size += value.numerator.bit_length() + value.denominator.bit_length()
        return value.numerator * self._inverse(value.denominator % self._prime) % self._prime

    def _inverse(self, value: int) -> int:
        if value == 0:
            raise NotExact("division by zero")
        return pow(value, -1, self._prime)

    def _power(self, node: Pow) -> int:
        exponent = rational(node.exponent, self._steps, self._bound)
        if not isinstance(exponent, int):
            raise NotExact("a root")
        before = self.size
        base = self.value(node.base)
        self.size += (self.size - before) * (abs(exponent) - 1) + exponent.bit_length() if exponent else 0
        if base == 0 and exponent <= 0:
            raise NotExact("0 to a power that is not positive")
        return pow(base, exponent, self._prime) if exponent >= 0 else pow(self._inverse(base), -exponent, self._prime)

    def _call(self, node: Call) -> int:
        if node.name == "factorial":
            number = natural(rational(node.args[0], self._steps, self._bound), MAX_FACTORIAL)
            self._steps.take(number // 20)
            self.size += number * number.bit_length()
            total = 1
            for factor in range(2, number + 1):
                total = total * factor % self._prime
            return total
        if node.name == "binom" and isinstance(node.args[1], Num) and isinstance(node.args[1].value, int):
            return self._choose(self.value(node.args[0]), natural(node.args[1].value, 200))
        return self._fraction(call(node, self._steps, self._bound))

    def _choose(self, top: int, bottom: int) -> int:
        total = 1
        for index in range(bottom):
            total = total * (top - index) * self._inverse(index + 1) % self._prime
        return total

    def _apply(self, node: Apply) -> int:
        total = self.point("function " + node.name)
        for place, arg in enumerate(node.args):
            inner = self.value(arg)
            total = (total * (inner + 7 + place) + inner * inner * inner + place) % self._prime
        return total

    def _big(self, node: Big) -> int:
        low, high = (rational(end, self._steps, self._bound) for end in (node.low, node.high))
        if not isinstance(low, int) or not isinstance(high, int):
            raise NotExact("bounds that are not integers")
        if high - low > MAX_LOOP:
            raise OutOfSteps(f"a sum or product of more than {MAX_LOOP} terms")
        total = 0 if node.kind == "sum" else 1
        saved = self._bound
        for index in range(low, high + 1):
            self._bound = {**saved, node.index: index}
            value = self.value(node.body)
            total = (total + value if node.kind == "sum" else total * value) % self._prime
        self._bound = saved
        return total

    def _matrix(self, node: Matrix) -> int:
        if not node.det:
            raise NotExact("a matrix")
        rows = determinant([[self.value(item) for item in row] for row in node.rows])
        return int(rows) % self._prime


_HANDLERS: dict[type, Callable[[Residues, Any], int]] = {
    Num: Residues._num, Sym: Residues._sym, Add: Residues._add, Mul: Residues._mul, Div: Residues._div,
    Neg: Residues._neg, Pow: Residues._power, Percent: Residues._percent, Based: Residues._based, Call: Residues._call,
    Apply: Residues._apply, Big: Residues._big, Matrix: Residues._matrix,
}  # fmt: skip
