"""Read typed values out of nodes, collecting every mistake; and the same types as JSON Schema and in words.

A rule's fields are those of a frozen dataclass. Types: `str`, `int`, `float`, `bool`, `Strings` (one text or a list),
`Literal[...]`, `Bounds`, `Data`, and `X | None`.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias, Union, cast

from verifiers.catalog.rules.marks import Node, Problem
from verifiers.types import Json

MAX_TEXT_CHARS = 10_000
"""Longest text of a rule; a similarity may compare with longer ones."""
MAX_TEXTS = 500
"""Most texts in one list."""

Strings: TypeAlias = tuple[str, ...]
Data: TypeAlias = object
"""Any JSON data: how a rule's dataclass spells the type, for the recursive `Json` cannot be looked up by name."""
_LARGEST = 1e15


@dataclass(frozen=True)
class Bounds:
    """How many are allowed: `min` to `max`, both included; `None` = open.

    Written as a number (exactly so many), `2..5`, `2..`, `..5`, or `{min: 2, max: 5}`.
    """

    min: float | None = None
    max: float | None = None

    def __post_init__(self) -> None:
        """Refuse what nothing can meet."""
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {shown(self.min)} is above max {shown(self.max)}")

    def hold(self, value: float) -> bool:
        """Whether the value lies within."""
        return (self.min is None or value >= self.min) and (self.max is None or value <= self.max)

    def always(self, low: float = 0.0) -> bool:
        """Whether every value from `low` on lies within."""
        return (self.min is None or self.min <= low) and self.max is None

    def __str__(self) -> str:
        if self.min == self.max and self.min is not None:
            return f"exactly {shown(self.min)}"
        if self.max is None:
            return f"at least {shown(self.min or 0)}"
        return f"at most {shown(self.max)}" if self.min is None else f"{shown(self.min)} to {shown(self.max)}"


def shown(value: float) -> str:
    """Return a number without noise."""
    return str(int(value)) if value == int(value) and abs(value) < _LARGEST else repr(value)


class Reader:
    """Collects the mistakes of one document."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, problem: Problem) -> None:
        self.problems.append(problem)

    def value(self, node: Node, wanted: Any) -> Any:
        """Return the node's value as a type; notes a mistake and returns `None` where it does not fit."""
        try:
            return convert(node, wanted)
        except ValueError as error:
            self.add(node.problem(str(error)))
            return None

    def known_keys(self, node: Node, allowed: Sequence[str], what: str) -> None:
        """Note every key of a mapping that is not allowed."""
        for key in node.value:
            if key not in allowed:
                self.add(
                    node.key_problem(key, f"{what} has no {key!r}.{close(key, allowed)} Allowed: {', '.join(allowed)}.")
                )

    def fields(self, node: Node, kind: type[Any], what: str, short: str = "") -> Any:
        """Make an instance of a dataclass from a mapping, or from the value of its `short` field alone."""
        names = field_types(kind)
        given: Mapping[str, Node]
        before = len(self.problems)
        if isinstance(node.value, dict) and (not short or not _is_raw(names[short]) or set(node.value) & set(names)):
            self.known_keys(node, tuple(names), what)
            given = {name: each for name, each in node.value.items() if name in names}
        elif short and node.value is not None:
            given = {short: node}
        elif node.value is None:
            given = {}
        else:
            self.add(node.problem(f"{what} takes a mapping ({', '.join(names)}), not {node.what}"))
            return None
        unknown = len(self.problems) > before
        values = {name: self.value(each, names[name]) for name, each in given.items()}
        missing = [name for name in required(kind) if name not in given]
        if missing and not unknown:  # else a slip in a key's name says it
            self.add(node.problem(f"{what} needs {' and '.join(map(repr, missing))}"))
        if len(self.problems) > before:
            return None
        try:
            return kind(**values)
        except ValueError as error:
            self.add(node.problem(str(error)))
            return None


def close(given: str, known: Sequence[str]) -> str:
    """Return " Did you mean 'x'?" or nothing."""
    found = difflib.get_close_matches(given.casefold().replace("-", "_"), known, n=1, cutoff=0.55)
    return f" Did you mean {found[0]!r}?" if found else ""


def field_types(kind: type[Any]) -> dict[str, Any]:
    """Return the fields that a user may set, with their types."""
    return _field_types(cast(Hashable, kind))


@lru_cache(maxsize=256)
def _field_types(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.init}


def required(kind: type[Any]) -> tuple[str, ...]:
    """Return the fields without a default."""
    none = dataclasses.MISSING
    return tuple(f.name for f in dataclasses.fields(kind) if f.init and f.default is none and f.default_factory is none)


def _is_raw(wanted: Any) -> bool:
    return wanted is Data or wanted is Bounds


def convert(node: Node, wanted: Any) -> Any:
    """Return the node's value as the type `wanted`.

    Raises:
        ValueError: If it does not fit; the text says what is allowed.
    """
    if wanted is Data:
        return node.data()
    origin = typing.get_origin(wanted)
    if wanted == Strings:
        return _strings(node)
    if origin in (Union, types.UnionType):
        arms = [arm for arm in typing.get_args(wanted) if arm is not type(None)]
        return None if node.value is None else convert(node, arms[0])
    if origin is Literal:
        return _choice(node, typing.get_args(wanted))
    return _SCALARS[wanted](node)


def _choice(node: Node, allowed: Sequence[Any]) -> Any:
    by_text = {str(each): each for each in allowed}
    text = node.text.strip().lower().replace("-", "_")
    if text not in by_text:
        names = ", ".join(by_text)
        raise ValueError(f"{node.what} is not allowed.{close(text, list(by_text))} Allowed: {names}.")
    return by_text[text]


def _str(node: Node) -> str:
    if isinstance(node.value, (dict, list)) or node.value is None:
        raise ValueError(f"a text is needed here, not {node.what}")
    if len(node.text) > MAX_TEXT_CHARS:
        raise ValueError(f"a text may have {MAX_TEXT_CHARS:,} characters; this has {len(node.text):,}")
    return node.text  # as written: `no`, `1.0` and `2024-01-05` mean these very characters


def _strings(node: Node) -> Strings:
    nodes = node.value if isinstance(node.value, list) else [node]
    if not nodes or len(nodes) > MAX_TEXTS:
        raise ValueError(f"one text or a list of 1 to {MAX_TEXTS} texts is needed, not {len(nodes)}")
    return tuple(_str(each) for each in nodes)


def _bool(node: Node) -> bool:
    if isinstance(node.value, bool):
        return node.value
    raise ValueError(f"true or false is needed here, not {node.what}")


def _float(node: Node) -> float:
    number = node.value
    if isinstance(number, (int, float)) and not isinstance(number, bool) and -_LARGEST <= number <= _LARGEST:
        return float(number)
    raise ValueError(f"a number is needed here, not {node.what}")


def _int(node: Node) -> int:
    number = _float(node)
    if number != int(number):
        raise ValueError(f"a whole number is needed here, not {node.what}")
    return int(number)


_RANGE = re.compile(r"(-?[0-9]{1,15}(?:\.[0-9]{1,9})?)?\s*\.\.\s*(-?[0-9]{1,15}(?:\.[0-9]{1,9})?)?")


def _bounds(node: Node) -> Bounds:
    if isinstance(node.value, dict):
        unknown = [key for key in node.value if key not in ("min", "max")]
        if unknown or not node.value:
            raise ValueError(f"bounds are a number, '2..5', or a mapping of min and max; not {unknown or 'empty'}")
        return Bounds(**{key: _float(each) for key, each in node.value.items()})
    if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        number = _float(node)
        return Bounds(number, number)
    match = _RANGE.fullmatch(node.text.strip()) if not isinstance(node.value, list) else None
    if match is None or not any(match.groups()):
        raise ValueError(f"bounds are a number, '2..5', '2..', '..5' or {{min: 2, max: 5}}, not {node.what}")
    low, high = (None if text is None else float(text) for text in match.groups())
    return Bounds(low, high)


_SCALARS: dict[Any, Callable[[Node], Any]] = {str: _str, bool: _bool, int: _int, float: _float, Bounds: _bounds}

_NUMBER_SCHEMA: dict[str, Json] = {"type": "number"}
_SCALAR_TEXT: dict[str, Json] = {"type": ["string", "number", "boolean"]}
_BOUNDS_SCHEMA: dict[str, Json] = {
    "anyOf": [
        _NUMBER_SCHEMA,
        {"type": "string", "pattern": r"^\s*-?[0-9.]*\s*\.\.\s*-?[0-9.]*\s*$"},
        {
            "type": "object",
            "properties": {"min": _NUMBER_SCHEMA, "max": _NUMBER_SCHEMA},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ]
}


def schema_of(wanted: Any) -> dict[str, Json]:
    """Return a type as JSON Schema."""
    if wanted is Data:
        return {}
    if wanted == Strings:
        return {"anyOf": [_SCALAR_TEXT, {"type": "array", "items": _SCALAR_TEXT, "minItems": 1, "maxItems": MAX_TEXTS}]}
    origin = typing.get_origin(wanted)
    if origin in (Union, types.UnionType):
        arms = [arm for arm in typing.get_args(wanted) if arm is not type(None)]
        return {"anyOf": [schema_of(arms[0]), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(typing.get_args(wanted))}
    table: dict[Any, dict[str, Json]] = {
        str: _SCALAR_TEXT,
        bool: {"type": "boolean"},
        int: {"type": "integer"},
        float: _NUMBER_SCHEMA,
        Bounds: _BOUNDS_SCHEMA,
    }
    return table[wanted]


def words_of(wanted: Any) -> str:
    """Return a type in words, for the documents."""
    if wanted is Data:
        return "any data"
    if wanted == Strings:
        return "text or list of texts"
    origin = typing.get_origin(wanted)
    if origin in (Union, types.UnionType):
        return words_of(next(arm for arm in typing.get_args(wanted) if arm is not type(None)))
    if origin is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(wanted)))
    names = {str: "text", bool: "true or false", int: "whole number", float: "number", Bounds: "bounds"}
    return names[wanted]
