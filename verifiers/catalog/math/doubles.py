"""The named functions on doubles, and what both precisions derive from a few of them."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any


class NotNumeric(ValueError):
    """The node has no numeric value here (an unevaluated operator, a set, a point outside the domain)."""


def is_real(value: Any) -> bool:
    """Whether a value of either field is real and finite (rounding noise in the imaginary part set aside)."""
    if isinstance(value, complex):
        return abs(value.imag) <= 1e-9 * abs(value.real) and math.isfinite(value.real)
    if isinstance(value, (int, float)):
        return math.isfinite(value)
    imag = value.imag
    return bool(abs(imag) <= abs(value.real) * 2.0**-200) if imag else True


def _either(real: Callable[[float], float], general: Callable[[complex], complex]) -> Callable[[Any], Any]:
    def function(value: Any) -> Any:
        if isinstance(value, complex):
            return general(value)
        try:
            return real(value)
        except ValueError:
            return general(value)

    return function


def _reciprocal(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def inverse(value: Any) -> Any:
        found = function(value)
        if found == 0:
            raise NotNumeric("a pole")
        return 1 / found

    return inverse


def _of_reciprocal(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def inner(value: Any) -> Any:
        if value == 0:
            raise NotNumeric("a pole")
        return function(1 / value)

    return inner


def complete(table: dict[str, Callable[..., Any]], half_pi: Any) -> dict[str, Callable[..., Any]]:
    """Add the functions that follow from others."""
    for name, base in (
        ("cot", "tan"),
        ("sec", "cos"),
        ("csc", "sin"),
        ("coth", "tanh"),
        ("sech", "cosh"),
        ("csch", "sinh"),
    ):
        table[name] = _reciprocal(table[base])
    table["arcsec"], table["arccsc"] = _of_reciprocal(table["arccos"]), _of_reciprocal(table["arcsin"])
    arctan = table["arctan"]
    table["arcsech"], table["arccsch"] = _of_reciprocal(table["arccosh"]), _of_reciprocal(table["arcsinh"])
    table["arccoth"] = _of_reciprocal(table["arctanh"])
    table["arccot"] = lambda value: half_pi - arctan(value)
    ln = table["ln"]

    def log(value: Any, base: Any) -> Any:
        bottom = ln(base)
        if bottom == 0:
            raise NotNumeric("a logarithm to base 1")
        return ln(value) / bottom

    table["log"] = log
    table["factorial2"] = _double_factorial
    table["abs"] = abs
    table["max"], table["min"] = _real_only(max), _real_only(min)
    table["sgn"] = lambda value: (value > 0) - (value < 0)
    table["mod"] = lambda value, divisor: value - divisor * table["floor"](value / divisor)
    return table


def _real_only(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*values: Any) -> Any:
        if any(isinstance(value, complex) or hasattr(value, "_mpc_") for value in values):
            raise NotNumeric("an order among complex numbers")
        return function(*values)

    return inner


def _double_factorial(value: Any) -> Any:
    number = int(value.real)
    if number != value or not -1 <= number <= 300:
        raise NotNumeric("a double factorial past its bound, or of no integer")
    return math.prod(range(number, 0, -2))


def _float_root(value: Any, index: Any) -> Any:
    if not isinstance(value, complex) and not isinstance(index, complex) and value < 0 and index % 2 == 1:
        return -((-value) ** (1 / index))
    return value ** (1 / index) if index else math.nan


def _float_ln(value: Any) -> Any:
    if value == 0:
        raise NotNumeric("the logarithm of 0")
    return cmath.log(value) if isinstance(value, complex) or value < 0 else math.log(value)


def _float_gamma(value: Any) -> Any:
    if isinstance(value, complex):
        raise NotNumeric("a factorial of a complex number")
    return math.gamma(value + 1)


def _float_binom(top: Any, bottom: Any) -> Any:
    return _float_gamma(top) / (_float_gamma(bottom) * _float_gamma(top - bottom))


FLOAT_TABLE = complete(
    {
        "sin": _either(math.sin, cmath.sin), "cos": _either(math.cos, cmath.cos), "tan": _either(math.tan, cmath.tan),
        "arcsin": _either(math.asin, cmath.asin), "arccos": _either(math.acos, cmath.acos),
        "arctan": _either(math.atan, cmath.atan),
        "sinh": _either(math.sinh, cmath.sinh), "cosh": _either(math.cosh, cmath.cosh),
        "tanh": _either(math.tanh, cmath.tanh),
        "arcsinh": _either(math.asinh, cmath.asinh), "arccosh": _either(math.acosh, cmath.acosh),
        "arctanh": _either(math.atanh, cmath.atanh), "ln": _float_ln, "exp": _either(math.exp, cmath.exp),
        "sqrt": _either(math.sqrt, cmath.sqrt), "root": _float_root, "floor": math.floor, "ceil": math.ceil,
        "factorial": _float_gamma, "binom": _float_binom, "arg": cmath.phase, "Re": lambda z: z.real,
        "Im": lambda z: z.imag,
        "conj": lambda z: z.conjugate(),
    },
    math.pi / 2,
)  # fmt: skip


def _stays_real(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*values: Any) -> Any:
        found = function(*values)
        if isinstance(found, complex) and not any(isinstance(value, complex) for value in values):
            raise NotNumeric("no real value")
        return found

    return inner


REAL_TABLE = {
    name: _stays_real(function) if name in ("sqrt", "root", "ln", "log", "arcsin", "arccos", "arccosh") else function
    for name, function in FLOAT_TABLE.items()
}
"""For points of mixed signs: sqrt(k/m) sqrt(m/k) is 1 where it is real at all."""
