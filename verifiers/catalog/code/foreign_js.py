"""Reads literals of JavaScript. What is no plain literal is left to Node."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from verifiers.catalog.code.foreign_text import Token, closing, split_at, unwrapped
from verifiers.catalog.code.foreign_values import canonical

MAX_DEPTH = 60
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*+)?+(?:\.[0-9]*+)?+(?:[eE][+-]?+[0-9]++)?+")
_BIG = re.compile(r"(0|[1-9][0-9]*+)n")
_RADIX = re.compile(r"0[xX][0-9a-fA-F]{1,13}|0[bB][01]{1,52}|0[oO][0-7]{1,17}")
_KEY = re.compile(r"0|[1-9][0-9]{0,14}+")
_ESCAPE = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(0)(?![0-9])|([^0-9uxc]))", re.S
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\n": ""}
_WORDS: Final[dict[str, Any]] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": {"js": ["undefined"]},
    "NaN": {"f": "nan"},
    "Infinity": {"f": "inf"},
}


class NoLiteral(ValueError):
    """Something that only Node can tell the value of."""


def value_of(tokens: Sequence[Token], depth: int = 0) -> Any:
    """Read a literal as type-tagged JSON data.

    Args:
        tokens: The expression.
        depth: Of brackets around it.

    Raises:
        NoLiteral: If it is none.
    """
    tokens = unwrapped(tokens)
    if not tokens or depth > MAX_DEPTH:
        raise NoLiteral("nested too deep, or empty")
    first = tokens[0]
    if first.text in ("-", "+") and len(tokens) > 1:
        return _signed(value_of(tokens[1:], depth + 1), first.text)
    if first.text in ("[", "{") and closing(tokens, 0) == len(tokens) - 1:
        items = split_at(tokens[1:-1], ",")
        items = items if items[-1] else items[:-1]
        return [value_of(item, depth + 1) for item in items] if first.text == "[" else _record(items, depth)
    if first.text == "new":
        return _made(tokens, depth)
    if len(tokens) > 1:
        raise NoLiteral("an expression")
    if first.kind == "text":
        return text_of(first.text)
    if first.kind == "number":
        return _number(first.text)
    if first.text in _WORDS:
        return _WORDS[first.text]
    raise NoLiteral("a name")


def _signed(value: Any, sign: str) -> Any:
    if value == {"f": "inf"}:
        return {"f": "-inf"} if sign == "-" else value
    if type(value) not in (int, float):
        raise NoLiteral("a sign before what is no number")
    return -value if sign == "-" else value


def _number(text: str) -> Any:
    text = text.replace("_", "")
    big = _BIG.fullmatch(text)
    if big:
        return {"js": ["BigInt", big[1]]}
    if _RADIX.fullmatch(text):
        return float(int(text, 0))
    if not _NUMBER.fullmatch(text) or text == ".":
        raise NoLiteral("not a number")
    return float(text)


def text_of(literal: str) -> str:
    """Return the text of a string literal.

    Raises:
        NoLiteral: If it holds an expression, or an escape that is not known.
    """
    inside = literal[1:-1]
    if literal[0] == "`" and "${" in inside:
        raise NoLiteral("a template")
    made = _ESCAPE.sub(_unescaped, inside)
    if "\\" in _ESCAPE.sub("", inside):
        raise NoLiteral("an escape that only Node reads")
    return made.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code:
        number = int(code, 16)
        if number > 0x10FFFF:
            raise NoLiteral("no such character")
        return chr(number)
    return "\0" if found[4] else _ESCAPES.get(found[5], found[5])


def _record(items: list[tuple[Token, ...]], depth: int) -> Any:
    told: dict[str, Any] = {}
    for item in items:
        if len(item) < 3 or item[1].text != ":":
            raise NoLiteral("a property that is no `name: value`")
        key = item[0].text
        if item[0].kind == "text":
            key = text_of(key)
        elif item[0].kind == "number" and not _KEY.fullmatch(key):
            raise NoLiteral("a number as a name")
        elif item[0].kind == "mark":
            raise NoLiteral("a computed name")
        if key == "__proto__":
            raise NoLiteral("a prototype")
        told[key] = value_of(item[2:], depth + 1)
    return {"d": [[key, value] for key, value in told.items()]}


def _made(tokens: Sequence[Token], depth: int) -> Any:
    """Read `new Set([...])` and `new Map([...])`."""
    if len(tokens) < 4 or tokens[2].text != "(" or closing(tokens, 2) != len(tokens) - 1:
        raise NoLiteral("an expression")
    items = value_of(tokens[3:-1], depth + 1) if len(tokens) > 4 else []
    if type(items) is not list:
        raise NoLiteral("not a list of items")
    if tokens[1].text == "Set":
        return {"s": _unique(items, list(items))}
    if tokens[1].text == "Map" and all(type(item) is list and len(item) == 2 for item in items):
        return {"js": ["Map", _unique(items, [item[0] for item in items])]}
    raise NoLiteral("an object of a class")


def _unique(items: list[Any], keys: list[Any]) -> list[Any]:
    """Keep the last value of equal keys; only plain values are ever equal there."""
    if any(type(key) in (list, dict) for key in keys):
        if len(keys) > 1 and any(type(key) is dict and "d" not in key and "s" not in key for key in keys):
            raise NoLiteral("keys that only Node compares")
        plain = [canonical(key, True) for key in keys if type(key) not in (list, dict)]
        if len(set(plain)) != len(plain):
            raise NoLiteral("keys that only Node compares")
        return items
    return list({canonical(key, True): item for key, item in zip(keys, items, strict=True)}.values())
