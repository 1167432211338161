"""The entry points for which EvalPlus compares otherwise than by equality (evalplus/eval, v0.3.1)."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

from verifiers.catalog.code.compare import Rule, same, same_items
from verifiers.catalog.code.values import Items, Opaque, Pairs, decode

_SET = "set"
_GIVEN = "not none"
_ROOT = "root"

ORACLES: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "similar_elements",
            "find_char_long",
            "common_in_nested_lists",
            "extract_singly",
            "larg_nnum",
            "intersection_array",
            "find_dissimilar",
            "Diff",
        ),
        _SET,
    ),
    **dict.fromkeys(("check_str", "text_match_three", "text_starta_endb"), _GIVEN),
    "find_zero": _ROOT,
}
"""Entry point -> how: as sets; only whether there is a result (or True); whether it is a root of the polynomial."""


def oracle_for(entry_point: str) -> str:
    """Return the name of the oracle of an entry point; empty = equality."""
    return ORACLES.get(entry_point, "")


def agrees(oracle: str, arguments: bytes, expected: Any, seen: Any, rule: Rule) -> bool:
    """Whether a candidate's result is as good as the right solution's; what cannot even be compared is not.

    Args:
        oracle: As `oracle_for` returns it.
        arguments: Of the call, encoded.
        expected: The right solution's result, `settled`.
        seen: The candidate's, decoded.
        rule: How equality is meant.
    """
    try:
        return _agrees(oracle, arguments, expected, seen, rule)
    except (ArithmeticError, TypeError, ValueError):  # Decimal('sNaN') raises when it is compared
        return False


def _agrees(oracle: str, arguments: bytes, expected: Any, seen: Any, rule: Rule) -> bool:
    if oracle == _GIVEN:
        told = seen if isinstance(seen, bool) else seen is not None
        return bool(told == (expected if isinstance(expected, bool) else expected is not None))
    if oracle == _ROOT:
        return _is_root(arguments, seen, rule)
    if oracle == _SET and isinstance(expected, list | tuple | set | frozenset):
        items = seen.items if isinstance(seen, Items) else seen
        return isinstance(items, list | tuple) and same_items(expected, list(items))
    return same(expected, seen, rule)


def _is_root(arguments: bytes, seen: Any, rule: Rule) -> bool:
    (coefficients, *_), _kwargs = decode(arguments)
    if type(seen) not in (int, float):
        return False
    try:
        value = sum(factor * math.pow(seen, power) for power, factor in enumerate(coefficients))
        return bool(abs(value) <= rule.atol)
    except (OverflowError, ValueError):
        return False


def settled(value: Any) -> Any:
    """Return a decoded value of the right solution's, which is trusted, as a builtin one.

    Raises:
        ValueError: If it holds something that cannot be told.
    """
    if isinstance(value, Opaque):
        raise ValueError(f"it returns a {value.type_name}, which cannot be told from others")
    if isinstance(value, Items):
        return value.kind(settled(item) for item in value.items)
    if isinstance(value, Pairs):
        return {settled(key): settled(item) for key, item in value.pairs}
    if type(value) in (list, tuple, deque):
        return type(value)(settled(item) for item in value)
    return value
