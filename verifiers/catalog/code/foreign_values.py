"""Whether values of C++ and JavaScript programs are equal, as their languages see it.

Both sides are type-tagged JSON as the harnesses tell it (`sandbox/languages/harness`): one from the program, hostile;
the other from a literal in the test, or from a trusted run of the expected expression. Each is written in one canonical
way, in which equal values are equal texts: C++'s `==` on the test's declared type, lodash's `isEqual` for JavaScript.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MAX_VALUE_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 120
_EXACT = 2**53
"""Up to here integers and floats are told apart by nothing."""


class Unequal(ValueError):
    """A value that equals none, not even itself; its text says why."""


def same(expected: Any, claimed: bytes, lodash: bool) -> bool:
    """Whether a program's value is the expected one.

    Args:
        expected: Type-tagged JSON data of ours.
        claimed: JSON text that the program's process wrote.
        lodash: Whether values are equal as lodash has it (NaN equals NaN; in sets and maps, lists are equal in any
            order), or as in C++.
    """
    try:
        return canonical(expected, lodash) == canonical(read(claimed), lodash)
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


def canonical(value: Any, lodash: bool) -> str:
    """Write a value so that equal ones are equal texts.

    Raises:
        Unequal: If it equals nothing, or is nested too deep.
    """
    return _Writer(lodash).write(value, 0, False)


@dataclass(frozen=True, slots=True)
class _Writer:
    lodash: bool

    def write(self, value: Any, depth: int, loose: bool) -> str:
        """Write one value.

        Args:
            value: It.
            depth: Of what it lies in.
            loose: Whether it lies in a set or map of JavaScript, so that the order of lists does not count.
        """
        kind = type(value)
        if kind is str:
            return json.dumps(value)
        if kind is list:
            items = self._all(value, depth, loose)
            return f"[{','.join(sorted(items) if loose else items)}]"
        if kind is dict:
            return self._tagged(value, depth, loose)
        if kind is float and value.is_integer() and abs(value) <= _EXACT:
            return str(int(value))
        return f"{value:x}" if kind is int and abs(value) > _EXACT else repr(value)

    def _all(self, items: Any, depth: int, loose: bool) -> list[str]:
        if type(items) is not list or depth >= MAX_DEPTH:
            raise Unequal("not items, or nested too deep")
        return [self.write(item, depth + 1, loose) for item in items]

    def _tagged(self, value: dict[str, Any], depth: int, loose: bool) -> str:
        if len(value) != 1:
            raise Unequal("not a tagged value")
        ((tag, content),) = value.items()
        match tag:
            case "s":
                return f"s{{{','.join(sorted(self._all(content, depth, loose or self.lodash)))}}}"
            case "d":
                return f"d{{{','.join(sorted(self._pairs(content, depth, loose)))}}}"
            case "t" | "c":
                return f"{tag}({','.join(self._all(content, depth, loose))})"
            case "js":
                return self._javascript(content, depth, loose)
            case "i" if type(content) is str:
                return content
            case "b" if type(content) is str:
                return f"b{content!r}"
            case "f" if content != "nan" or self.lodash:
                return f"f{content!r}"
        raise Unequal(f"a value that equals none ({tag[:20]})")

    def _pairs(self, content: Any, depth: int, loose: bool) -> list[str]:
        if type(content) is not list or not all(type(pair) is list and len(pair) == 2 for pair in content):
            raise Unequal("a map is made of pairs")
        return [f"{self.write(key, depth + 1, loose)}:{self.write(item, depth + 1, loose)}" for key, item in content]

    def _javascript(self, content: Any, depth: int, loose: bool) -> str:
        if type(content) is not list or not content or type(content[0]) is not str:
            raise Unequal("not a tagged value")
        name, *inner = content
        if name == "Map" and len(inner) == 1:
            return f"Map{{{','.join(sorted(self._all(inner[0], depth, True)))}}}"
        return f"{name}({','.join(self._all(inner, depth, loose))})"
