"""Read JSON out of untrusted text: strict, bounded, in linear time.

RFC 8259, with its loose ends made policies: an object with the same key twice, `NaN` and `Infinity` are faults unless
allowed. Numbers beyond a double's range and texts beyond the limits below are never read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from verifiers.types import Json

MAX_JSON_CHARS = 200_000
"""Longest text that is searched for JSON."""
MAX_JSON_DEPTH = 100
"""Most containers inside one another."""
MAX_DIGITS = 1_000
"""Most digits of a whole number."""
MAX_FOUND = 16
"""Most JSON values that are looked for in one text."""
MAX_TRIES = 2_000
"""Most brackets in prose at which JSON is tried."""

_START = re.compile(r'\{\s*+["}]|\[\s*+["\[{\]0-9tfn-]')
_BLANK = re.compile(r"[ \t\r\n]*+")


class JsonFault(ValueError):
    """Text that is not JSON as asked for; its text says why.

    Attributes:
        limit: Whether it ran past a limit, instead of being wrong.
        whole: Whether the text is JSON but for a policy (a key twice, NaN).
        end: Offset where the value ends (`whole`) or the mistake is.
    """

    def __init__(self, reason: str, *, limit: bool = False, whole: bool = False, end: int = 0) -> None:
        super().__init__(reason)
        self.limit, self.whole, self.end = limit, whole, end


@dataclass(frozen=True, slots=True)
class Policy:
    """What strict JSON leaves open.

    Attributes:
        last_key_wins: Whether an object may have the same key twice.
        constants: Whether `NaN` and `Infinity` are read.
    """

    last_key_wins: bool = False
    constants: bool = False


STRICT = Policy()


class Found(NamedTuple):
    """A JSON value in a text, and its offsets."""

    value: Json
    start: int
    end: int


class _Reader:
    """One reading of one value: notes faults of policy so that the value's end is still found."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.fault = ""
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_int=self._int,
            parse_float=self._float,
        )

    def read(self, text: str, start: int) -> tuple[Any, int]:
        """Return the value at `start` and its end.

        Raises:
            JsonFault: If there is none.
        """
        try:
            value, end = self._decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            raise JsonFault(f"{error.msg} at line {error.lineno}, column {error.colno}", end=error.pos) from error
        except StopIteration as error:
            raise JsonFault("no JSON value", end=start) from error
        except RecursionError as error:
            raise _too_deep() from error
        return value, end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs) and not self._policy.last_key_wins:
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            self.fault = self.fault or f"the key {twice[:80]!r} stands twice in one object"
        return made

    def _constant(self, name: str) -> float:
        if not self._policy.constants:
            self.fault = self.fault or f"{name} is not JSON"
        return float(name)

    def _int(self, digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise JsonFault(f"a number has more than {MAX_DIGITS} digits", limit=True)
        return int(digits)

    def _float(self, digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            raise JsonFault(f"the number {digits[:40]} is beyond the range of a double", limit=True)
        return number


def _too_deep() -> JsonFault:
    return JsonFault(f"the JSON is nested deeper than {MAX_JSON_DEPTH}", limit=True)


def read_json(text: str, start: int = 0, policy: Policy = STRICT) -> Found:
    """Read one JSON value that starts at `start`; text after it is left alone.

    Raises:
        JsonFault: If there is none, or it breaks a policy or a limit.
    """
    reader = _Reader(policy)
    value, end = reader.read(text, start)
    if end - start > MAX_JSON_CHARS:
        raise JsonFault(f"the JSON is longer than {MAX_JSON_CHARS:,} characters", limit=True)
    if text.count("[", start, end) + text.count("{", start, end) > MAX_JSON_DEPTH and is_deep(value):
        raise _too_deep()
    if reader.fault:
        raise JsonFault(reader.fault, whole=True, end=end)
    return Found(value, start, end)


def parse_json(text: str, policy: Policy = STRICT) -> Json:
    """Read a text that is one JSON value and nothing else but white space.

    Raises:
        JsonFault: If it is not.
    """
    if len(text) > MAX_JSON_CHARS:
        raise JsonFault(f"{len(text):,} characters; at most {MAX_JSON_CHARS:,} are read", limit=True)
    found = read_json(text, skip_blank(text, 0), policy)
    rest = skip_blank(text, found.end)
    if rest < len(text):
        raise JsonFault(f"text after the JSON value: {text[rest : rest + 40]!r}", end=rest)
    return found.value


def find_json(text: str, policy: Policy = STRICT) -> list[Found]:
    """Find the objects and arrays that stand in prose, outermost ones only, in order.

    Arrays without text or objects in them (`[1]` is often a footnote) count only where nothing else is found. What
    breaks off or is malformed is passed over up to its first mistake.

    Raises:
        JsonFault: If a value breaks a policy or a limit, or there are more brackets than are tried.
    """
    found: list[Found] = []
    at = 0
    for _ in range(MAX_TRIES):
        start = _START.search(text, at)
        if start is None or len(found) > MAX_FOUND:
            telling = [each for each in found if not _is_footnote(each.value)]
            return telling or found
        try:
            found.append(read_json(text, start.start(), policy))
            at = found[-1].end
        except JsonFault as fault:
            if fault.limit or fault.whole:
                raise
            at = max(start.start() + 1, fault.end)
    raise JsonFault(f"more than {MAX_TRIES:,} brackets that begin no JSON value", limit=True)


def skip_blank(text: str, at: int) -> int:
    """Return the offset of the first character from `at` on that is not JSON's white space."""
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _is_footnote(value: Json) -> bool:
    return isinstance(value, list) and not any(isinstance(each, (str, dict, list)) for each in value)


def is_deep(value: Json, limit: int = MAX_JSON_DEPTH) -> bool:
    """Whether containers lie more than `limit` inside one another."""
    level: list[Any] = [value] if isinstance(value, (list, dict)) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            item
            for each in level
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, (list, dict))
        ]
    return bool(level)


def plain(value: Json) -> Any:
    """Return a JSON value as dicts, lists and scalars, whatever mappings and sequences it is made of."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def pointer(path: Sequence[str | int]) -> str:
    """Return a JSON pointer (RFC 6901); the whole value is the empty one."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
