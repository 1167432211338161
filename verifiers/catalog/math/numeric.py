"""Numeric evaluation at fixed points: doubles refute cheaply, 75 and more digits confirm.

Every variable gets the same value on both sides. Nothing is chopped: two constants are equal when they agree to 60
digits *relative* to their size, and a value that seems to be zero is computed again at three times the precision,
where only a true zero keeps shrinking. Doubles are here, the longer numbers in `longs.py`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from verifiers.catalog.math.doubles import FLOAT_TABLE, REAL_TABLE, NotNumeric
from verifiers.catalog.math.exact import NotExact, based_value, determinant, rational
from verifiers.catalog.math.points import POINTS, Grid, float_point, indexed, point_of
from verifiers.catalog.math.steps import MAX_LOOP, OutOfSteps, Steps
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

_CANCELLED = 1e-5


class Field(ABC):
    """Arithmetic for one precision at one point; `value` walks the tree.

    Attributes:
        point: Which of the fixed points the variables stand at.
        cancelled: Whether a sum lost most of its digits on the way.
        ten: Whether a bare `log` is decimal.
        cost: Steps that a node takes.
        weighs: Whether what the precision could hide is noted: see `level`.
    """

    __slots__ = ("bound", "cancelled", "functions", "grid", "point", "steps", "ten")
    pi: Any
    e: Any
    i: Any
    cost: ClassVar[int] = 1
    weighs: ClassVar[bool] = False

    def __init__(self, steps: Steps, point: int, ten: bool = False, grid: Grid = "near") -> None:
        self.steps = steps
        self.point = point
        self.ten = ten
        self.grid = grid
        self.cancelled = False
        self.bound: dict[str, int] = {}
        self.functions = self.function_table()

    @abstractmethod
    def function_table(self) -> Mapping[str, Callable[..., Any]]:
        """Return the functions by name."""

    @abstractmethod
    def number(self, value: int | Fraction) -> Any:
        """Return a rational as this field's number."""

    @abstractmethod
    def power(self, base: Any, exponent: Any) -> Any:
        """Return base ** exponent, refused by magnitude first."""

    @abstractmethod
    def total(self, terms: Sequence[Any]) -> Any:
        """Return a sum, and note what was lost in it."""

    @abstractmethod
    def level(self, *values: Any) -> None:
        """Note the arguments of a function, of which it may show less than they hold: cos(1e-40) is nearly 1."""

    @abstractmethod
    def weigh(self, terms: Sequence[Any]) -> None:
        """Note how far apart the terms of a sum are."""

    def value(self, node: Node) -> Any:
        """Return the node's value.

        Raises:
            NotNumeric: If it has none here.
            OutOfSteps: If the budget is used up or a magnitude is past its bound.
        """
        steps = self.steps
        steps.left -= self.cost
        if steps.left < 0:
            steps.take(0)
        if type(node) is Num:
            return self.number(node.value)
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


def _symbol(field: Field, node: Sym) -> Any:
    if node.name == "...":
        raise NotNumeric("an ellipsis")
    return field.variable(node.name)


def _constant(field: Field, node: Const) -> Any:
    if node.name == "inf":
        raise NotNumeric("infinity")
    return getattr(field, node.name)


def _add(field: Field, node: Add) -> Any:
    return field.total([field.value(item) for item in node.items])


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
    if field.weighs:
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
    if field.weighs:
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
    if node.kind == "sum":
        field.weigh(values)
    return total


_HANDLERS: dict[type, Callable[[Field, Any], Any]] = {
    Sym: _symbol, Const: _constant, Add: _add, Mul: _mul, Div: _div, Neg: _neg, Pow: _pow, Call: _call,
    Apply: _apply, Percent: _percent, Quantity: _quantity, Based: _based, Big: _big, Matrix: _matrix,
}  # fmt: skip


class FloatField(Field):
    """Doubles: an overflow or a pole means "look with more digits", never a verdict."""

    __slots__ = ()
    pi, e, i = math.pi, math.e, 1j

    def function_table(self) -> Mapping[str, Callable[..., Any]]:
        return FLOAT_TABLE if self.point < POINTS else REAL_TABLE

    def number(self, value: int | Fraction) -> Any:
        return float(value) if type(value) is int else value.numerator / value.denominator

    def variable(self, name: str) -> Any:
        return super().variable(name) if self.bound else float_point(name, self.point, self.grid)

    def power(self, base: Any, exponent: Any) -> Any:
        value = base**exponent
        if self.point >= POINTS and isinstance(value, complex) and not isinstance(base, complex):
            raise NotNumeric("a root of a negative number")
        return value

    def total(self, terms: Sequence[Any]) -> Any:
        total = terms[0]
        largest = abs(total)
        for term in terms[1:]:
            total = total + term
            largest = max(largest, abs(term))
        if abs(total) < largest * _CANCELLED:
            self.cancelled = True
        return total

    def level(self, *values: Any) -> None:
        """Do nothing: what looks equal in doubles is looked at again with long numbers."""

    def weigh(self, terms: Sequence[Any]) -> None:
        """Do nothing; see `level`."""
