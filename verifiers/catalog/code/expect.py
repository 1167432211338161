"""What a call of the program is expected to give, and whether what it claims to have given is that."""

from __future__ import annotations

import math
import operator
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from verifiers.catalog.code.compare import PYTHON, Rule, same, same_items, truth
from verifiers.catalog.code.show import show_value
from verifiers.catalog.code.values import Items, Opaque, Pairs, ValueFault, decode

MAX_RANGE = 1_000_000
"""Longest range that is listed."""
_REAL = (bool, int, float)


class View(StrEnum):
    """What an assert makes of the call's result before it compares."""

    SAME = ""
    SET = "set"
    FROZENSET = "frozenset"
    SORTED = "sorted"
    LIST = "list"
    TUPLE = "tuple"
    LEN = "len"
    ROUND = "round"
    APART = "abs"
    """Its distance from `number`."""
    CLOSE = "isclose"
    """`math.isclose` with the expected value; compared with True."""
    TRUTH = "bool"


class ViewError(ValueError):
    """The program's result has no such view, where Python would raise."""


@dataclass(frozen=True, slots=True)
class Expect:
    """One expectation.

    Attributes:
        value: A builtin value of ours.
        op: How the (view of the) result must compare with it: ==, !=, is, is not, <, <=, >, >=.
        view: What is made of the result first.
        number: Of the views `ROUND` (digits; `None` = none were given), `APART` and `CLOSE` (the other number).
        tolerance: rel_tol and abs_tol of `CLOSE`.
        rule: How equality is meant.
    """

    value: Any
    op: str = "=="
    view: View = View.SAME
    number: Any = None
    tolerance: tuple[float, float] = (1e-9, 0.0)
    rule: Rule = PYTHON

    def fault(self, encoded: bytes) -> str:
        """Return why a claimed result is not what is expected; empty = it is.

        Args:
            encoded: What the program's process wrote as its result.
        """
        try:
            seen = decode(encoded)
        except ValueFault as fault:
            return f"its result cannot be read: {fault}"
        try:
            held = self._holds(seen)
        except ViewError as error:
            return str(error)
        except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
            return f"{self.view.value or 'comparing'}: {error}"[:200]
        return "" if held else f"expected {self.shown()}, got {show_value(seen)}"

    def shown(self) -> str:
        """Return the expectation for a human."""
        text = show_value(self.value)
        told = "" if self.op == "==" else f"{self.op} "
        if self.view is View.CLOSE:
            return f"about {show_value(self.number)}"
        if self.view is View.APART:
            return f"a number whose distance from {show_value(self.number)} is {self.op} {text}"
        return f"{told}{text}" + (f" as {self.view.value}" if self.view is not View.SAME else "")

    def _holds(self, seen: Any) -> bool:
        if self.op in ("==", "!="):
            return self._equal(seen) is (self.op == "==")
        if self.op in ("is", "is not"):
            alike = type(seen) is type(self.value) and same(self.value, seen, self.rule)
            return alike is (self.op == "is")
        found = _viewed(self, seen)
        if type(found) not in _REAL:
            raise ViewError(f"{show_value(seen)} cannot be ordered")
        return bool(_ORDER[self.op](found, self.value))

    def _equal(self, seen: Any) -> bool:
        if self.view is View.SAME:
            return same(self.value, seen, self.rule)
        if self.view in (View.SET, View.FROZENSET):
            return same_items(self.value, _listed(seen))
        if self.view is View.SORTED:
            items = _listed(seen)
            # As many as expected, or else no sorting: its length is the program's choice.
            return len(items) == len(self.value) and same(self.value, sorted(items), self.rule)
        return same(self.value, _viewed(self, seen), self.rule)


_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _viewed(expect: Expect, seen: Any) -> Any:
    view = expect.view
    if view is View.SAME:
        return seen
    if view is View.TRUTH:
        return truth(seen)
    if view is View.LEN:
        if type(seen) is Opaque:
            raise ViewError(f"a {seen.type_name} has no length that can be told")
        return len(_listed(seen))
    if view is View.LIST or view is View.TUPLE:
        items = _listed(seen)
        return items if view is View.LIST else tuple(items)
    if type(seen) not in _REAL:
        raise ViewError(f"{show_value(seen)} is no number")
    if view is View.ROUND:
        return round(seen) if expect.number is None else round(seen, expect.number)
    if view is View.APART:
        return abs(seen - expect.number)
    rel_tol, abs_tol = expect.tolerance
    return math.isclose(seen, expect.number, rel_tol=rel_tol, abs_tol=abs_tol)


def _listed(seen: Any) -> list[Any]:
    """Return the items that iterating a decoded value would give."""
    kind = type(seen)
    if kind is list:
        return seen  # type: ignore[no-any-return]
    if kind is Items:
        return seen.items  # type: ignore[no-any-return]
    if kind is Pairs:
        return [key for key, _ in seen.pairs]
    if kind is range and len(seen) > MAX_RANGE:
        raise ViewError(f"a range of more than {MAX_RANGE:,} numbers")
    if kind in (tuple, str, bytes, bytearray, deque, range):
        return list(seen)
    if kind is Opaque and seen.items is not None:
        return seen.items  # type: ignore[no-any-return]
    if kind is Opaque:
        raise ViewError(f"its result is a {seen.type_name}, whose items cannot be told")
    raise ViewError(f"{show_value(seen)} has no items")
