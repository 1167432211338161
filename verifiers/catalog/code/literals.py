"""Values that a test's source spells out: literals, and the simple arithmetic and constructors around them.

Only trusted source (a reference's tests) is read here, within bounds all the same: a test is data from a file.
"""

from __future__ import annotations

import ast
import math
import operator
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

MAX_ITEMS = 2_000_000
"""Longest sequence that arithmetic (`[0] * 1000`) or `range` may make."""
MAX_BITS = 100_000
"""Longest whole number that arithmetic may make."""


class NotLiteral(ValueError):
    """An expression that does more than spell out a value."""


def literal(node: ast.expr) -> Any:
    """Return the value of an expression made of literals.

    Raises:
        NotLiteral: If it is not.
    """
    try:
        return _READERS[type(node)](node)
    except (KeyError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise NotLiteral(f"{type(node).__name__}: {error}") from error


def _constant(node: ast.Constant) -> Any:
    if node.value is Ellipsis:
        raise NotLiteral("...")
    return node.value


def _items(nodes: list[ast.expr]) -> list[Any]:
    items: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            items += literal(node.value)
        else:
            items.append(literal(node))
    return items


def _dict(node: ast.Dict) -> dict[Any, Any]:
    if any(key is None for key in node.keys):
        raise NotLiteral("** in a dict")
    return {literal(key): literal(value) for key, value in zip(node.keys, node.values, strict=True) if key}


def _unary(node: ast.UnaryOp) -> Any:
    value = literal(node.operand)
    if isinstance(node.op, ast.Not):
        return not value
    if isinstance(node.op, ast.USub):
        return -value
    return +value if isinstance(node.op, ast.UAdd) else ~value


_ARITHMETIC: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def _binary(node: ast.BinOp) -> Any:
    left, right = literal(node.left), literal(node.right)
    if isinstance(node.op, ast.Mod) and isinstance(left, str | bytes):
        raise NotLiteral("formatting")
    if isinstance(node.op, ast.Pow) and _bits(left) * abs(right) > MAX_BITS:
        raise NotLiteral("too large a power")
    if isinstance(node.op, ast.Mult) and _product_size(left, right) > MAX_ITEMS:
        raise NotLiteral("too long a product")
    return _ARITHMETIC[type(node.op)](left, right)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 64


def _product_size(left: Any, right: Any) -> int:
    """Return how long a product is: in items of a sequence, or in words of a whole number."""
    lengths = [len(each) for each in (left, right) if hasattr(each, "__len__")]
    if lengths:
        counts = [abs(each) for each in (left, right) if isinstance(each, int)]
        return lengths[0] * (counts[0] if counts else 1)
    return sum(1 + each.bit_length() // 32 for each in (left, right) if isinstance(each, int))


def _range(*args: Any) -> range:
    made = range(*args)
    if len(made) > MAX_ITEMS:
        raise NotLiteral("too long a range")
    return made


_MAKERS: Final[dict[str, Callable[..., Any]]] = {
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "tuple": tuple,
    "list": list,
    "sorted": sorted,
    "float": float,
    "int": int,
    "str": str,
    "bool": bool,
    "complex": complex,
    "bytes": bytes,
    "bytearray": bytearray,
    "abs": abs,
    "len": len,
    "round": round,
    "range": _range,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "deque": deque,
}


def _call(node: ast.Call) -> Any:
    if not isinstance(node.func, ast.Name) or any(key.arg is None for key in node.keywords):
        raise NotLiteral("a call")
    args = _items(node.args)
    named = {str(key.arg): literal(key.value) for key in node.keywords}
    if node.func.id in ("bytes", "bytearray") and args and isinstance(args[0], int) and args[0] > MAX_ITEMS:
        raise NotLiteral("too many bytes")
    return _MAKERS[node.func.id](*args, **named)


_CONSTANTS: Final[dict[str, float]] = {"inf": math.inf, "nan": math.nan, "pi": math.pi, "e": math.e, "tau": math.tau}


def _attribute(node: ast.Attribute) -> Any:
    if isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr in _CONSTANTS:
        return _CONSTANTS[node.attr]
    raise NotLiteral("an attribute")


_READERS: Final[dict[type, Callable[[Any], Any]]] = {
    ast.Constant: _constant,
    ast.List: lambda node: _items(node.elts),
    ast.Tuple: lambda node: tuple(_items(node.elts)),
    ast.Set: lambda node: set(_items(node.elts)),
    ast.Dict: _dict,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Call: _call,
    ast.Attribute: _attribute,
}
