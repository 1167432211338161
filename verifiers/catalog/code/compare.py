"""Whether a value that a program claims equals an expected one: Python's `==` on builtin values, in linear time.

Led by the expected value, which is ours: a set or dict of the program's is never built (see `values`). Types count as
in Python: `1 == True == 1.0`, but a list is no tuple. Two policies for expected values that are data, not Python:
  - `JSON`: what JSON cannot say is not held against a program: a list stands for a tuple too, a text key for the
    number, bool or null that JSON writes so.
  - NaN equals NaN where the expected value is data; in an assert it equals nothing, as in Python.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from verifiers.catalog.code.values import Items, Opaque, Pairs

MAX_KEY_ITEMS = 64
"""Most items of a frozenset that is itself an item or a key: only such small ones are built."""
MAX_KEY_DEPTH = 20

_NUMBERS = (int, float, complex, bool, Decimal, Fraction)


@dataclass(frozen=True, slots=True)
class Rule:
    """How values are compared.

    Attributes:
        json: The expected value is JSON data.
        nan: NaN equals NaN.
        atol, rtol: Tolerances of floats: `|seen - expected| <= atol + rtol * |expected|`; 0 = equality.
    """

    json: bool = False
    nan: bool = False
    atol: float = 0.0
    rtol: float = 0.0

    def near(self, expected: float, seen: Any) -> bool:
        """Whether a number is near enough to an expected float."""
        try:
            apart = abs(float(seen) - expected)
        except (OverflowError, ValueError):
            return False
        return math.isfinite(apart) and apart <= self.atol + self.rtol * abs(expected)


PYTHON = Rule()
JSON = Rule(json=True, nan=True)


def same(expected: Any, seen: Any, rule: Rule = PYTHON) -> bool:
    """Whether they are equal under a rule.

    Args:
        expected: A builtin value of ours.
        seen: What `values.decode` returned.
        rule: How equality is meant.
    """
    kind = type(expected)
    if kind is list or kind is tuple or kind is deque:
        like = type(seen) is kind or (rule.json and kind is list and type(seen) is tuple)
        return like and len(seen) == len(expected) and all(map(same, expected, seen, [rule] * len(expected)))
    if kind is dict:
        return type(seen) is Pairs and _same_dict(expected, seen.pairs, rule)
    if kind is set or kind is frozenset:
        return type(seen) is Items and len(seen.items) == len(expected) and same_items(expected, seen.items)
    return _same_scalar(expected, seen, rule)


def _same_scalar(expected: Any, seen: Any, rule: Rule) -> bool:
    if type(seen) in (list, tuple, deque, Items, Pairs, Opaque):
        return False
    if type(expected) is float and type(seen) in _NUMBERS:
        if rule.nan and expected != expected:
            return bool(seen != seen)
        if (rule.atol or rule.rtol) and type(seen) in (int, float, Decimal, Fraction) and math.isfinite(expected):
            return rule.near(expected, seen)
    return bool(expected == seen)


def same_items(expected: Any, seen: list[Any]) -> bool:
    """Whether `set(expected) == set(seen)`."""
    try:
        places = {item: at for at, item in enumerate(dict.fromkeys(expected))}
    except TypeError:
        return False
    hit = bytearray(len(places))
    for item in seen:
        at = _find(places, item)
        if at is None:
            return False
        hit[at] = 1
    return all(hit)


def _same_dict(expected: dict[Any, Any], seen: list[tuple[Any, Any]], rule: Rule) -> bool:
    if len(seen) != len(expected):
        return False
    values = list(expected.values())
    places = {key: at for at, key in enumerate(expected)}
    hit = bytearray(len(places))
    for key, value in seen:
        at = _find(places, key)
        if at is None and rule.json:
            at = places.get(json_key(key))
        if at is None or not same(values[at], value, rule):
            return False
        hit[at] = 1
    return all(hit)


def json_key(key: Any) -> str | None:
    """Return the text that JSON has for a key that is no text; `None` = it has none."""
    if key is None or type(key) is bool:
        return {None: "null", True: "true", False: "false"}[key]
    if type(key) is float or (type(key) is int and key.bit_length() < 1024):
        return repr(key)
    return None


def _find(places: dict[Any, int], claimed: Any) -> int | None:
    try:
        return places.get(hashable(claimed))
    except (TypeError, ValueError):  # Decimal('sNaN') has no hash either
        return None


def hashable(value: Any, depth: int = 0) -> Hashable:
    """Return a decoded value as what a set could hold.

    Raises:
        TypeError: If Python could not hash it, or it is larger than is built.
    """
    kind = type(value)
    if depth > MAX_KEY_DEPTH or kind in (list, deque, Pairs, Opaque, bytearray):
        raise TypeError(f"{kind.__name__} is not hashable, or nested too deep")
    if kind is tuple:
        return tuple(hashable(item, depth + 1) for item in value)
    if kind is Items:
        if value.kind is not frozenset or len(value.items) > MAX_KEY_ITEMS:
            raise TypeError("a set is not hashable; a frozenset of so many items is not built")
        return frozenset(hashable(item, depth + 1) for item in value.items)
    return value  # type: ignore[no-any-return]


def truth(seen: Any) -> bool:
    """Return the truth of a decoded value; what cannot be told is true, as objects are."""
    if type(seen) is Items:
        return bool(seen.items)
    if type(seen) is Pairs:
        return bool(seen.pairs)
    return type(seen) is Opaque or bool(seen)
