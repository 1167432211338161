"""Values that cross the border between us and a program, as type-tagged JSON.

    null, true, text = JSON        int = JSON integer up to 2**63, else {"i": hex}    float = JSON number, {"f": "nan"}
    list = array                   {"t": [..]} tuple     {"s": [..]} set              {"fs": [..]} frozenset
    {"d": [[key, value], ..]} dict {"b": base64} bytes   {"ba": base64} bytearray     {"D": "1.50"} Decimal
    {"c": [re, im]} complex        {"q": [..]} deque     {"r": [a, b, step]} range    {"fr": [n, d]} Fraction
    {"dt": [type, iso]} datetime, date, time             {"o": type name} something that cannot be told
    {"o": [type name, [..]]} an iterator and its items

What comes from a program is hostile. It is read without making a set or a dict of it (chosen hashes would make that
quadratic): those become `Items` and `Pairs`, which `compare` holds against an expected value of ours.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

MAX_DEPTH = 100
"""Most containers inside one another."""
MAX_VALUE_BYTES = 32 * 1024 * 1024
"""Longest encoded value that is read."""
MAX_HEX_DIGITS = 4 * 1024 * 1024
MAX_NUMBER_CHARS = 20_000
"""Longest Decimal."""
MAX_FRACTION_BITS = 65_536
"""Longest numerator or denominator: reducing them takes quadratic time."""
_WIDE = 2**63


class ValueFault(ValueError):
    """Not an encoded value, or one beyond the limits; its text says why."""


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a set or frozenset, in the program's order, as claimed: some may be equal."""

    kind: type
    items: list[Any]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The keys and values of a dict, in the program's order, as claimed: some keys may be equal."""

    pairs: list[tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value of a type that cannot be told; equal to nothing.

    Attributes:
        type_name: Of its type.
        items: What iterating it gave, if it is an iterator or the view of a dict.
    """

    type_name: str
    items: list[Any] | None = None


def encode(value: object) -> Any:
    """Return a value of ours as type-tagged JSON data.

    Raises:
        ValueFault: If it, or something in it, has a type that cannot be told.
    """
    return _encode(value, 0)


def encode_call(args: list[Any] | tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Return the JSON text of `[args, kwargs]`.

    Raises:
        ValueFault: As of `encode`.
    """
    return json.dumps([[encode(arg) for arg in args], encode(kwargs)], allow_nan=False).encode()


def _encode(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if depth > MAX_DEPTH:
        raise ValueFault(f"a value nested deeper than {MAX_DEPTH}")
    if kind is int:
        return value if -_WIDE <= value < _WIDE else {"i": f"{value:x}"}
    if kind is float:
        return value if math.isfinite(value) else {"f": repr(value)}
    if kind is list:
        return [_encode(item, depth + 1) for item in value]
    tag = _SEQUENCES.get(kind)
    if tag:
        return {tag: [_encode(item, depth + 1) for item in value]}
    if kind is dict:
        return {"d": [[_encode(key, depth + 1), _encode(item, depth + 1)] for key, item in value.items()]}
    return _encode_rare(value, kind)


_SEQUENCES: Final[dict[type, str]] = {tuple: "t", set: "s", frozenset: "fs", deque: "q"}


def _encode_rare(value: Any, kind: type) -> Any:
    if kind is bytes or kind is bytearray:
        return {"b" if kind is bytes else "ba": base64.b64encode(value).decode()}
    if kind is complex:
        return {"c": [_encode(value.real, 0), _encode(value.imag, 0)]}
    if kind is Decimal:
        return {"D": str(value)}
    if kind is Fraction:
        return {"fr": [_encode(value.numerator, 0), _encode(value.denominator, 0)]}
    if kind is range:
        return {"r": [_encode(number, 0) for number in (value.start, value.stop, value.step)]}
    if kind in (datetime, date, time):
        return {"dt": [kind.__name__, value.isoformat()]}
    raise ValueFault(f"a value of type {kind.__name__} cannot be handed to a program")


def decode(data: bytes) -> Any:
    """Read what a program's process claims to be a value, in linear time.

    Returns:
        Builtin values, with `Items`, `Pairs` and `Opaque` in the places of sets, dicts and what cannot be told.

    Raises:
        ValueFault: If it is malformed or beyond the limits.
    """
    if len(data) > MAX_VALUE_BYTES:
        raise ValueFault(f"a value of {len(data):,} bytes; at most {MAX_VALUE_BYTES:,} are read")
    try:
        told = json.loads(data, object_pairs_hook=_tagged, parse_constant=_refuse_constant)
        return _decode(told, 0)
    except ValueFault:
        raise
    except RecursionError as error:
        raise ValueFault(f"a value nested deeper than {MAX_DEPTH}") from error
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise ValueFault(f"not an encoded value: {str(error)[:100]}") from error


@dataclass(frozen=True, slots=True)
class _Tagged:
    tag: str
    content: Any


def _tagged(pairs: list[tuple[str, Any]]) -> _Tagged:
    """Make a tagged value of an object's pairs, without hashing what a program chose."""
    if not 1 <= len(pairs) <= 2:
        raise ValueFault(f"an encoded value has one tag, not {len(pairs)}")
    return _Tagged(*pairs[0])


def _refuse_constant(name: str) -> Any:
    raise ValueFault(f"{name} is not JSON")


def _decode(told: Any, depth: int) -> Any:
    kind = type(told)
    if kind is list:
        if depth >= MAX_DEPTH:
            raise ValueFault(f"a value nested deeper than {MAX_DEPTH}")
        return [_decode(item, depth + 1) for item in told]
    if kind is not _Tagged:
        return told
    reader = _READERS.get(told.tag)
    if reader is None:
        raise ValueFault(f"an unknown tag {told.tag[:20]!r}")
    return reader(told.content, depth)


def _items(content: Any, depth: int) -> list[Any]:
    if type(content) is not list:
        raise ValueFault("a container without its items")
    items: list[Any] = _decode(content, depth)
    return items


def _pairs(content: Any, depth: int) -> Pairs:
    pairs = _items(content, depth)
    if not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        raise ValueFault("a dict is made of pairs")
    return Pairs([(key, value) for key, value in pairs])


def _wide_int(content: Any, _depth: int) -> int:
    if type(content) is not str or len(content) > MAX_HEX_DIGITS:
        raise ValueFault("not a hexadecimal number, or one too long")
    return int(content, 16)


def _odd_float(content: Any, _depth: int) -> float:
    if content not in ("nan", "inf", "-inf"):
        raise ValueFault("not nan or an infinity")
    return float(content)


def _bytes(content: Any, _depth: int) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error as error:
        raise ValueFault("not base64") from error


def _numbers(content: Any, depth: int, count: int, kinds: tuple[type, ...]) -> list[Any]:
    numbers = _items(content, depth)
    if len(numbers) != count or not all(type(number) in kinds for number in numbers):
        raise ValueFault("not the numbers that belong here")
    return numbers


def _decimal(content: Any, _depth: int) -> Decimal:
    if type(content) is not str or len(content) > MAX_NUMBER_CHARS:
        raise ValueFault("not a Decimal, or one too long")
    return Decimal(content)


def _fraction(content: Any, depth: int) -> Fraction:
    numbers = _numbers(content, depth, 2, (int,))
    if any(number.bit_length() > MAX_FRACTION_BITS for number in numbers):
        raise ValueFault("a fraction of numbers too long")
    return Fraction(*numbers)


def _moment(content: Any, depth: int) -> Any:
    name, text = _items(content, depth)
    return _MOMENTS[str(name)](text)


_MOMENTS: Final[dict[str, Callable[[str], Any]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
}


def _opaque(content: Any, depth: int) -> Opaque:
    if type(content) is list and len(content) == 2:
        return Opaque(str(content[0])[:100], _items(content[1], depth))
    return Opaque(content[:100] if type(content) is str else "?")


_READERS: Final[dict[str, Callable[[Any, int], Any]]] = {
    "t": lambda content, depth: tuple(_items(content, depth)),
    "s": lambda content, depth: Items(set, _items(content, depth)),
    "fs": lambda content, depth: Items(frozenset, _items(content, depth)),
    "q": lambda content, depth: deque(_items(content, depth)),
    "d": _pairs,
    "i": _wide_int,
    "f": _odd_float,
    "b": _bytes,
    "ba": lambda content, depth: bytearray(_bytes(content, depth)),
    "c": lambda content, depth: complex(*_numbers(content, depth, 2, (int, float))),
    "D": _decimal,
    "r": lambda content, depth: range(*_numbers(content, depth, 3, (int,))),
    "fr": _fraction,
    "dt": _moment,
    "h": _opaque,
    "o": _opaque,
}
