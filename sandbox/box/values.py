"""Values as type-tagged JSON, written so that a hostile object cannot lie about what it is made of.

    null, true, false, strings     as in JSON
    int          JSON integer within 64 bits, else {"i": "-0x1f…"}
    float        JSON number with a point or exponent, or {"f": "nan" | "inf" | "-inf"}
    list         [...]                          tuple        {"t": [...]}
    set          {"s": [...]}                   frozenset    {"fs": [...]}
    dict         {"d": [[key, value], ...]}     deque        {"q": [...]}
    bytes        {"b": base64}                  bytearray    {"ba": base64}
    complex      {"c": [re, im]}                range        {"r": [start, stop, step]}
    Decimal      {"D": "1.50"}                  Fraction     {"fr": [n, d]}
    datetime     {"dt": ["datetime" | "date" | "time", iso text]}
    {"h": n, "type": name}   an object of the other process (duets only)
    {"o": name}              an object that cannot be told; equal to nothing
    {"o": [name, [...]]}     an iterator or view, with its items; equal to nothing itself

Subclasses are written as the built-in type that they extend, by that type's own methods.
"""

from __future__ import annotations

import base64
import collections
import datetime
import decimal
import fractions
import itertools
import json
import types
from collections.abc import Callable, Iterable
from typing import Any

MAX_DEPTH = 100
MAX_NODES = 4_000_000
MAX_ITERATED = 100_000
"""Of an iterator that gives more, no items are told: it may have no end."""
_INT64 = 1 << 63
_ITERATED = frozenset({
    types.GeneratorType, map, filter, zip, enumerate, reversed,
    *map(type, ([].__iter__(), ().__iter__(), {}.__iter__(), set().__iter__(), range(0).__iter__(), [].__reversed__())),
    *map(type, ({}.keys(), {}.values(), {}.items())),
    itertools.accumulate, itertools.chain, itertools.combinations, itertools.dropwhile, itertools.islice,
    itertools.permutations, itertools.product, itertools.starmap, itertools.takewhile,
})  # fmt: skip
"""What tests make lists and sets of."""
_INF = float("inf")

Opaque = Callable[[Any], Any]
"""Gives the JSON of an object that has no encoding."""


class ValueTooLarge(ValueError):
    """A value nested or filled beyond what is told."""


class Encoder:
    """Turns one value into JSON-ready data."""

    def __init__(self, opaque: Opaque | None = None) -> None:
        self._opaque = opaque or _iterated
        self._depth = 0
        self._nodes = 0

    def encode(self, value: Any) -> Any:
        """Return `value` as JSON-ready data.

        Raises:
            ValueTooLarge: If it is nested deeper than MAX_DEPTH, as what contains itself is, or has too many parts.
        """
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return value if -_INT64 <= value < _INT64 else {"i": hex(value)}
        if kind is float:
            return value if -_INF < value < _INF else {"f": repr(value)}
        if self._depth >= MAX_DEPTH:
            raise ValueTooLarge(f"nested deeper than {MAX_DEPTH}, or contains itself")
        for base, write in _WRITERS:
            if issubclass(kind, base):
                return self._within(write, value)
        return self._opaque(value)

    def _within(self, write: Callable[[Encoder, Any], Any], value: Any) -> Any:
        self._depth += 1
        try:
            return write(self, value)
        finally:
            self._depth -= 1

    def items(self, values: Iterable[Any]) -> list[Any]:
        """Return the encodings of many values."""
        result = []
        for value in values:
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise ValueTooLarge(f"more than {MAX_NODES} parts")
            result.append(self.encode(value))
        return result


def _unknown(value: Any) -> Any:
    kind = type(value)
    if type.__getattribute__(kind, "__module__") == "numpy" and callable(getattr(value, "item", None)):
        scalar = value.item() if getattr(value, "ndim", None) == 0 else None
        if type(scalar) in (bool, int, float, complex, str, bytes):
            return Encoder().encode(scalar)
    return {"o": type_name(kind)}


def _iterated(value: Any) -> Any:
    """Return an object without an encoding, with what it gives where that is all that anyone does with it."""
    told = _unknown(value)
    if type(value) in _ITERATED:
        items = list(itertools.islice(value, MAX_ITERATED + 1))
        if len(items) <= MAX_ITERATED:
            return {"o": [type_name(type(value)), Encoder().items(items)]}
    return told


def type_name(kind: type) -> str:
    """Return a type's name, whatever its metaclass says."""
    return str.__str__(type.__dict__["__name__"].__get__(kind))[:200]


def _write_dict(encoder: Encoder, value: Any) -> Any:
    pairs = list(dict.items(value))
    return {"d": [encoder.items(pair) for pair in pairs]}


def _write_datetime(_: Encoder, value: Any) -> Any:
    for kind in (datetime.datetime, datetime.date, datetime.time):
        if issubclass(type(value), kind):
            return {"dt": [kind.__name__, kind.isoformat(value)]}
    raise TypeError(f"{type_name(type(value))} is no date or time")


def _write_float(_: Encoder, value: Any) -> Any:
    number = float.__float__(value)
    return number if -_INF < number < _INF else {"f": float.__repr__(number)}


def _write_int(_: Encoder, value: Any) -> Any:
    number = int.__index__(value)
    return number if -_INT64 <= number < _INT64 else {"i": hex(number)}


_WRITERS: tuple[tuple[Any, Callable[[Encoder, Any], Any]], ...] = (
    (list, lambda e, v: e.items(list.__iter__(v))),
    (tuple, lambda e, v: {"t": e.items(tuple.__iter__(v))}),
    (dict, _write_dict),
    (str, lambda e, v: str.__str__(v)),
    (int, _write_int),
    (float, _write_float),
    (set, lambda e, v: {"s": e.items(set.__iter__(v))}),
    (frozenset, lambda e, v: {"fs": e.items(frozenset.__iter__(v))}),
    (bytes, lambda e, v: {"b": base64.b64encode(bytes.__getitem__(v, slice(None))).decode()}),
    (bytearray, lambda e, v: {"ba": base64.b64encode(bytearray.__getitem__(v, slice(None))).decode()}),
    (complex, lambda e, v: {"c": [_write_float(e, complex.real.__get__(v)), _write_float(e, complex.imag.__get__(v))]}),
    (collections.deque, lambda e, v: {"q": e.items(collections.deque.__iter__(v))}),
    (range, lambda e, v: {"r": e.items((v.start, v.stop, v.step))}),
    (decimal.Decimal, lambda e, v: {"D": decimal.Decimal.__str__(v)}),
    (fractions.Fraction, lambda e, v: {"fr": e.items((v._numerator, v._denominator))}),
    ((datetime.date, datetime.time), _write_datetime),
)


_write = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def dumps(value: Any, opaque: Opaque | None = None) -> bytes:
    """Return a value as type-tagged JSON text.

    Raises:
        ValueTooLarge: See `Encoder.encode`.
    """
    return _write(Encoder(opaque).encode(value)).encode()


def loads(text: bytes, objects: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """Return the value that type-tagged JSON text stands for.

    Args:
        text: Hostile text.
        objects: Gives the value of `{"h": …}` and `{"o": …}`; without it they are refused.

    Raises:
        ValueError: If the text is not such JSON.
    """
    try:
        return decode(json.loads(text), objects)
    except (RecursionError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
        raise ValueError(f"not a value's text: {type(error).__name__}: {error}") from error


def decode(data: Any, objects: Callable[[dict[str, Any]], Any] | None = None, depth: int = 0) -> Any:
    """Return the value of parsed type-tagged JSON. Raises as `loads`, and plain TypeErrors for odd shapes."""
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
    kind = type(data)
    if kind is list:
        return [decode(item, objects, depth + 1) for item in data]
    if kind is not dict:
        return data
    tag = next(iter(data), "")
    if tag in ("h", "o", "g"):
        if objects is None:
            raise ValueError(f"no objects are expected here: {tag!r}")
        return objects(data)
    if tag in _READERS and len(data) == 1:
        return _READERS[tag](decode(data[tag], objects, depth + 1))
    if tag in _SCALARS and len(data) == 1:
        return _SCALARS[tag](data[tag])
    raise ValueError(f"unknown tag {tag!r:.60}")


def _moment(pair: Any) -> Any:
    kinds: dict[str, Any] = {"datetime": datetime.datetime, "date": datetime.date, "time": datetime.time}
    return kinds[pair[0]].fromisoformat(pair[1])


def _range(parts: Any) -> Any:
    start, stop, step = parts
    return range(start, stop, step)


def _fraction(parts: Any) -> Any:
    numerator, denominator = parts
    return fractions.Fraction(numerator, denominator)


def _complex(parts: Any) -> Any:
    real, imag = parts
    return complex(real, imag)


# What is made of decoded items, and what is made of plain text.
_READERS: dict[str, Callable[[Any], Any]] = {
    "t": tuple, "s": set, "fs": frozenset, "d": dict, "q": collections.deque, "r": _range, "fr": _fraction,
    "c": _complex,
}  # fmt: skip
_SCALARS: dict[str, Callable[[Any], Any]] = {
    "i": lambda text: int(text, 16), "f": float, "b": base64.b64decode,
    "ba": lambda text: bytearray(base64.b64decode(text)), "D": decimal.Decimal, "dt": _moment,
}  # fmt: skip
