"""Whether values of C++ and JavaScript programs are equal, as their languages see it.

Both sides are type-tagged JSON as the harnesses tell it (`sandbox/languages/harness`): one from the program, hostile;
the other from a literal in the test, or from a trusted run of the expected expression. Each is written in one canonical
way, in which equal values are equal texts: C++'s `==` on the test's declared type, lodash's `isEqual` for JavaScript.
"""

from __future__ import annotations

import json
from typing import Any

MAX_VALUE_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 120
_EXACT = 2**53
"""Up to here integers and floats are told apart by nothing."""


class Unequal(ValueError):
    """A value that equals none, not even itself; its text says why."""


def same(expected: Any, claimed: bytes, nan_is_nan: bool) -> bool:
    """Whether a program's value is the expected one.

    Args:
        expected: Type-tagged JSON data of ours.
        claimed: JSON text that the program's process wrote.
        nan_is_nan: Whether NaN equals NaN, as in lodash; in C++ it equals nothing.
    """
    try:
        return canonical(expected, nan_is_nan) == canonical(read(claimed), nan_is_nan)
    except Unequal:
        return False


def read(claimed: bytes) -> Any:
    """Read what a program's process wrote as a value.

    Raises:
        Unequal: If it is no JSON, or too large.
    """
    if len(claimed) > MAX_VALUE_BYTES:
        raise Unequal(f"a value of {len(claimed):,} bytes")
    try:
        return json.loads(claimed)
    except (ValueError, RecursionError) as error:
        raise Unequal("not a value") from error


def canonical(value: Any, nan_is_nan: bool, depth: int = 0) -> str:
    """Write a value so that equal ones are equal texts.

    Raises:
        Unequal: If it equals nothing, or is nested too deep.
    """
    kind = type(value)
    if kind is str:
        return json.dumps(value)
    if kind is list:
        return "[" + ",".join(_all(value, nan_is_nan, depth)) + "]"
    if kind is dict:
        return _tagged(value, nan_is_nan, depth)
    if kind is float and value.is_integer() and abs(value) <= _EXACT:
        return str(int(value))
    return repr(value) if kind is not int else f"{value:x}" if abs(value) > _EXACT else str(value)


def _all(items: Any, nan_is_nan: bool, depth: int) -> list[str]:
    if type(items) is not list or depth >= MAX_DEPTH:
        raise Unequal("not items, or nested too deep")
    return [canonical(item, nan_is_nan, depth + 1) for item in items]


def _tagged(value: dict[str, Any], nan_is_nan: bool, depth: int) -> str:
    if len(value) != 1:
        raise Unequal("not a tagged value")
    ((tag, content),) = value.items()
    match tag:
        case "s" | "d":
            return f"{tag}{{{','.join(sorted(_all(content, nan_is_nan, depth)))}}}"
        case "t" | "c":
            return f"{tag}({','.join(_all(content, nan_is_nan, depth))})"
        case "js":
            return _javascript(content, nan_is_nan, depth)
        case "i" if type(content) is str:
            return content
        case "b" if type(content) is str:
            return f"b{content!r}"
        case "f" if content != "nan" or nan_is_nan:
            return f"f{content!r}"
    raise Unequal(f"a value that equals none ({tag[:20]})")


def _javascript(content: Any, nan_is_nan: bool, depth: int) -> str:
    if type(content) is not list or not content or type(content[0]) is not str:
        raise Unequal("not a tagged value")
    name, *inner = content
    if name == "Map" and len(inner) == 1:
        return f"Map{{{','.join(sorted(_all(inner[0], nan_is_nan, depth)))}}}"
    return f"{name}({','.join(_all(inner, nan_is_nan, depth))})"
