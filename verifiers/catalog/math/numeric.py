"""Numeric evaluation at fixed points: doubles refute cheaply, 75 and more digits confirm.

Every variable gets the same value on both sides. Nothing is chopped: two constants are equal when they agree to 60
digits *relative* to their size, and a value that seems to be zero is computed again at three times the precision,
where only a true zero keeps shrinking. What these digits could hide (pi + 1e-70, tanh 100) is counted in
`LongField.hidden`, and looked at with as many digits more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from threading import local
from typing import Any

from verifiers.catalog.math.doubles import FLOAT_TABLE, REAL_TABLE, NotNumeric, complete
from verifiers.catalog.math.exact import NotExact, based_value, determinant, rational
from verifiers.catalog.math.points import POINTS, Grid, indexed, point_of
from verifiers.catalog.math.steps import MAX_LOG10, MAX_LOOP, OutOfSteps, Steps
from verifiers.catalog.math.tree import (
    Add,
    Apply,
    Based,
    Big,
    Call,
    Const,
    Div,
    Matrix,
    Mul,
    Neg,
    Node,
    Num,
    Percent,
    Pow,
    Quantity,
    Sym,
)

LONG_BITS = 256
"""Working precision of a confirmation (77 digits, of which 60 must agree)."""
LONGER = 3
"""How many times longer a second look after cancellation is."""
MAX_GROWTH_LOG2 = 26
"""Largest argument of an exponential, as a binary exponent."""
MAX_ANGLE_LOG2 = 160
"""Largest argument of a trigonometric function, as a binary exponent."""
_CANCELLED = 1e-5
MAX_SPREAD_LOG2 = 60
"""Binary orders of magnitude by which terms may differ before more digits are asked for."""


class Field:
    """Arithmetic for one precision at one point; `value` walks the tree.

    Attributes:
        point: Which of the fixed points the variables stand at.
        cancelled: Whether a sum lost most of its digits on the way.
        ten: Whether a bare `log` is decimal.
    """

    def __init__(self, steps: Steps, point: int, ten: bool = False, grid: Grid = "near") -> None:
        self.steps = steps
        self.point = point
        self.ten = ten
        self.grid = grid
        self.cancelled = False
        self.bound: dict[str, int] = {}
        self.functions = self.function_table()

    pi: Any
    e: Any
    i: Any
    cost = 1

    def function_table(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by name."""
        raise NotImplementedError

    def number(self, value: int | Fraction) -> Any:
        """Return a rational as this field's number."""
        raise NotImplementedError

    def power(self, base: Any, exponent: Any) -> Any:
        """Return base ** exponent, refused by magnitude first."""
        raise NotImplementedError

    def value(self, node: Node) -> Any:
        """Return the node's value.

        Raises:
            NotNumeric: If it has none here.
            OutOfSteps: If the budget is used up or a magnitude is past its bound.
        """
        self.steps.take(self.cost)
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise NotNumeric(type(node).__name__)
        return handler(self, node)

    def variable(self, name: str) -> Any:
        """Return a variable's value at this point."""
        bound = self.bound.get(name)
        if bound is None and self.bound:
            name = indexed(name, self.bound)
        return self.number(point_of(name, self.point, self.grid) if bound is None else bound)


def _number(field: Field, node: Num) -> Any:
    return field.number(node.value)


def _symbol(field: Field, node: Sym) -> Any:
    if node.name == "...":
        raise NotNumeric("an ellipsis")
    return field.variable(node.name)


def _constant(field: Field, node: Const) -> Any:
    if node.name == "inf":
        raise NotNumeric("infinity")
    return getattr(field, node.name)


def _add(field: Field, node: Add) -> Any:
    if type(field) is LongField:
        return _weighed(field, [field.value(item) for item in node.items])
    total = field.value(node.items[0])
    largest = abs(total)
    for item in node.items[1:]:
        term = field.value(item)
        total = total + term
        largest = max(largest, abs(term))
    if abs(total) < largest * _CANCELLED:
        field.cancelled = True
    return total


def _weighed(field: LongField, terms: list[Any]) -> Any:
    total = sum(terms[1:], terms[0])
    field.weigh((*terms, total))
    return total


def _mul(field: Field, node: Mul) -> Any:
    total = field.value(node.items[0])
    for item in node.items[1:]:
        total = total * field.value(item)
    return total


def _div(field: Field, node: Div) -> Any:
    bottom = field.value(node.bottom)
    if bottom == 0:
        raise NotNumeric("division by zero")
    return field.value(node.top) / bottom


def _neg(field: Field, node: Neg) -> Any:
    return -field.value(node.item)


def _pow(field: Field, node: Pow) -> Any:
    exponent = field.value(node.exponent)
    if type(field) is LongField:
        field.level(exponent)
    if type(node.base) is Const and node.base.name == "e":
        return field.functions["exp"](exponent)
    base = field.value(node.base)
    if base == 0:
        if not _is_positive(exponent):
            raise NotNumeric("0 to a power that is not positive")
        return base
    return field.power(base, exponent)


def _is_positive(value: Any) -> bool:
    return not isinstance(value, complex) and not hasattr(value, "_mpc_") and value > 0


_DEAR = frozenset(["factorial", "binom"])
_SATURATING = frozenset(["tanh", "coth"])
"""Functions whose value is off its limit by the exponential of their argument."""


def _call(field: Field, node: Call) -> Any:
    function = field.functions.get(node.name)
    if function is None:
        raise NotNumeric(node.name)
    values = [field.value(arg) for arg in node.args]
    if type(field) is LongField:
        field.level(*values)
        if node.name in _SATURATING:
            field.level(field.functions["exp"](2 * values[0]))
    if node.name == "log" and len(values) == 1:
        return field.functions["ln"](values[0]) / (field.functions["ln"](field.number(10)) if field.ten else 1)
    field.steps.take(field.cost * (60 if node.name in _DEAR else 12))
    found = function(*values)
    if not 1e-5 < abs(found) < 1e9:
        field.cancelled = True  # beside a zero or a pole: sin(pi) is not 1.2e-16
    return found


def _apply(field: Field, node: Apply) -> Any:
    total = field.number(point_of("function " + node.name, 5))
    for place, arg in enumerate(node.args):
        total = total * field.functions["sin"](field.value(arg) + 1 + place) + field.functions["cos"](total)
    return total


def _percent(field: Field, node: Percent) -> Any:
    return field.value(node.item) / 100


def _quantity(field: Field, node: Quantity) -> Any:
    if node.unit is not None and node.text in DEGREES:
        return field.value(node.item) * field.pi / 180
    raise NotNumeric("a unit")


DEGREES = frozenset(["°", "degree", "degrees", "度", "deg"])
"""Texts of the unit that counts as pi/180 inside an expression."""


def _based(field: Field, node: Based) -> Any:
    return field.number(based_value(node))


def _matrix(field: Field, node: Matrix) -> Any:
    if not node.det:
        raise NotNumeric("a matrix")
    try:
        return determinant([[field.value(item) for item in row] for row in node.rows])
    except NotExact as error:
        raise NotNumeric(str(error)) from error


def _big(field: Field, node: Big) -> Any:
    try:
        low, high = (rational(end, field.steps, field.bound) for end in (node.low, node.high))
    except NotExact as error:
        raise NotNumeric(str(error)) from error
    if not isinstance(low, int) or not isinstance(high, int):
        raise NotNumeric("bounds that are not integers")
    if high - low > MAX_LOOP:
        raise OutOfSteps(f"a sum or product of more than {MAX_LOOP} terms")
    saved = field.bound
    total = field.number(0 if node.kind == "sum" else 1)
    values: list[Any] = []
    for index in range(low, high + 1):
        field.bound = {**saved, node.index: index}
        value = field.value(node.body)
        values.append(value)
        total = total + value if node.kind == "sum" else total * value
    field.bound = saved
    if type(field) is LongField and node.kind == "sum":
        field.weigh(values)
    return total


_HANDLERS: dict[type, Callable[[Field, Any], Any]] = {
    Num: _number, Sym: _symbol, Const: _constant, Add: _add, Mul: _mul, Div: _div, Neg: _neg, Pow: _pow, Call: _call,
    Apply: _apply, Percent: _percent, Quantity: _quantity, Based: _based, Big: _big, Matrix: _matrix,
}  # fmt: skip


class FloatField(Field):
    """Doubles: an overflow or a pole means "look with more digits", never a verdict."""

    pi, e, i = math.pi, math.e, 1j

    def function_table(self) -> dict[str, Callable[..., Any]]:
        return FLOAT_TABLE if self.point < POINTS else REAL_TABLE

    def number(self, value: int | Fraction) -> Any:
        return float(value)

    def power(self, base: Any, exponent: Any) -> Any:
        value = base**exponent
        if self.point >= POINTS and isinstance(value, complex) and not isinstance(base, complex):
            raise NotNumeric("a root of a negative number")
        return value


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
    """Binary floating point with unlimited exponents, from mpmath.

    Attributes:
        hidden: Bits beyond the working precision in which a difference may hide.
    """

    cost = 2

    def __init__(self, steps: Steps, point: int, bits: int = LONG_BITS, ten: bool = False, grid: Grid = "near") -> None:
        self.mp, self._table = _context(bits)
        self.pi, self.e, self.i = self._table["pi"], self._table["e"], self.mp.j
        self.hidden = 0
        super().__init__(steps, point, ten, grid)

    def weigh(self, terms: Sequence[Any]) -> None:
        """Note how far apart the terms of a sum are, and its value."""
        sizes = [self.mp.mag(term) for term in terms if term]
        spread = max(sizes) - min(sizes) if sizes else 0
        if spread > MAX_SPREAD_LOG2:
            self.hidden += 2 * spread

    def level(self, *values: Any) -> None:
        """Note the arguments of a function, of which it may show less than they hold: cos(1e-40) is nearly 1."""
        self.hidden += sum(
            2 * abs(size) for size in map(self.mp.mag, filter(None, values)) if abs(size) > MAX_SPREAD_LOG2
        )

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


def is_real(value: Any) -> bool:
    """Whether a value of either field is real and finite (rounding noise in the imaginary part set aside)."""
    if isinstance(value, complex):
        return abs(value.imag) <= 1e-9 * abs(value.real) and math.isfinite(value.real)
    if isinstance(value, (int, float)):
        return math.isfinite(value)
    imag = value.imag
    return bool(abs(imag) <= abs(value.real) * 2.0**-200) if imag else True
