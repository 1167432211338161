"""Long numbers: mpmath's binary floating point with unlimited exponents, bounded by magnitude before it computes.

What the working precision could hide (pi + 1e-70, tanh 100) is counted in `LongField.hidden`, and looked at with as
many digits more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from threading import local
from typing import Any

from verifiers.catalog.math.doubles import NotNumeric, complete
from verifiers.catalog.math.numeric import Field
from verifiers.catalog.math.points import Grid
from verifiers.catalog.math.steps import MAX_LOG10, OutOfSteps, Steps

LONG_BITS = 256
"""Working precision of a confirmation (77 digits, of which 60 must agree)."""
LONGER = 3
"""How many times longer a second look after cancellation is."""
MAX_GROWTH_LOG2 = 26
"""Largest argument of an exponential, as a binary exponent."""
MAX_ANGLE_LOG2 = 160
"""Largest argument of a trigonometric function, as a binary exponent."""
MAX_SPREAD_LOG2 = 60
"""Binary orders of magnitude by which terms may differ before more digits are asked for."""
_NO_PARTS = (0, 0, 0, 0)
_contexts = local()


def warm_up() -> None:
    """Load mpmath now, so that no verdict has to wait for it."""
    _context(LONG_BITS)


def _context(bits: int) -> tuple[Any, dict[str, Any]]:
    """Return this thread's own mpmath context and its functions, so that the user's `mpmath.mp` is never touched."""
    known: dict[int, tuple[Any, dict[str, Any]]] = getattr(_contexts, "known", None) or {}
    if bits not in known:
        from mpmath.ctx_mp import MPContext  # not at import: `verify list` and the like never need it

        mp = MPContext()
        mp.prec = bits
        known[bits] = (mp, _long_table(mp))
        _contexts.known = known
    return known[bits]


class LongField(Field):
    """Numbers of one precision.

    Attributes:
        hidden: Bits beyond the working precision in which a difference may hide.
    """

    __slots__ = ("_table", "e", "hidden", "i", "mp", "pi")
    cost = 2
    weighs = True

    def __init__(self, steps: Steps, point: int, bits: int = LONG_BITS, ten: bool = False, grid: Grid = "near") -> None:
        self.mp, self._table = _context(bits)
        self.pi, self.e, self.i = self._table["pi"], self._table["e"], self.mp.j
        self.hidden = 0
        super().__init__(steps, point, ten, grid)

    def weigh(self, terms: Sequence[Any]) -> None:
        sizes = [self._log2(term) for term in terms if term]
        spread = max(sizes) - min(sizes) if sizes else 0
        if spread > MAX_SPREAD_LOG2:
            self.hidden += 2 * spread

    def level(self, *values: Any) -> None:
        for value in values:
            if value and (size := abs(self._log2(value))) > MAX_SPREAD_LOG2:
                self.hidden += 2 * size

    def _log2(self, value: Any) -> Any:
        """Return a value's binary order of magnitude; a finite real one's is in its parts."""
        _, mantissa, exponent, bits = getattr(value, "_mpf_", _NO_PARTS)
        return exponent + bits if mantissa else self.mp.mag(value)

    def total(self, terms: Sequence[Any]) -> Any:
        total = sum(terms[1:], terms[0])
        self.weigh((*terms, total))
        return total

    def number(self, value: int | Fraction) -> Any:
        if isinstance(value, int):
            return self.mp.mpf(value)
        return self.mp.mpf(value.numerator) / value.denominator

    def power(self, base: Any, exponent: Any) -> Any:
        return _long_power(self.mp, base, exponent)

    def function_table(self) -> dict[str, Callable[..., Any]]:
        return self._table


def _long_power(mp: Any, base: Any, exponent: Any) -> Any:
    size = abs(mp.mag(base)) if base else 0
    if abs(exponent) * (size + 1) > MAX_LOG10 * 3.33:
        raise OutOfSteps("a power past the bound on magnitudes")
    return base**exponent


def _bounded(mp: Any, log2: int, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap a function so that arguments past 2^log2 are refused."""

    def inner(value: Any) -> Any:
        if value and mp.mag(value) > log2:
            raise OutOfSteps("an argument past the bound on magnitudes")
        return function(value)

    return inner


def _long_table(mp: Any) -> dict[str, Any]:
    """Return the functions of one mpmath context by name, with its constants pi and e."""

    def logarithm(value: Any) -> Any:
        if value == 0:
            raise NotNumeric("the logarithm of 0")
        return mp.log(value)

    def root(value: Any, index: Any) -> Any:
        if index == 0:
            raise NotNumeric("a root of index 0")
        if not hasattr(value, "_mpc_") and value < 0 and index % 2 == 1:
            return -((-value) ** (1 / index))
        return _long_power(mp, value, 1 / index)

    def factorial(value: Any) -> Any:
        if hasattr(value, "_mpc_") or value > 4_000_000 or value < -1000:
            raise OutOfSteps("a factorial past the bound on magnitudes")
        if mp.isint(value) and value < 0:
            raise NotNumeric("a pole")
        return mp.gamma(value + 1)

    table: dict[str, Any] = {
        "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan, "arcsinh": mp.asinh, "arccosh": mp.acosh,
        "arctanh": mp.atanh, "sqrt": mp.sqrt, "floor": mp.floor, "ceil": mp.ceil, "arg": mp.arg,
        "Re": mp.re, "Im": mp.im,
        "conj": mp.conj, "ln": logarithm, "root": root, "exp": _bounded(mp, MAX_GROWTH_LOG2, mp.exp),
        "factorial": factorial,
        "binom": lambda top, bottom: factorial(top) / (factorial(bottom) * factorial(top - bottom)),
    }  # fmt: skip
    table.update({name: _bounded(mp, MAX_ANGLE_LOG2, getattr(mp, name)) for name in ("sin", "cos", "tan")})
    table.update({name: _bounded(mp, MAX_GROWTH_LOG2, getattr(mp, name)) for name in ("sinh", "cosh", "tanh")})
    table["pi"], table["e"] = +mp.pi, +mp.e
    return complete(table, table["pi"] / 2)
