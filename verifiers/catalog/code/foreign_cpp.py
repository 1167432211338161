"""Reads literals of C++, each for the type that it is given to. What is no plain literal is left to a compiler."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from verifiers.catalog.code.foreign_text import Token, closing, split_at, unwrapped
from verifiers.catalog.code.foreign_values import canonical

MAX_DEPTH = 60
_INTEGER = re.compile(
    r"(?P<digits>0[xX][0-9a-fA-F']++|0[bB][01']++|[0-9][0-9']*+)(?P<suffix>(?i:ull|ul|uz|u|llu|ll|lu|l|z)?+)"
)
_FLOAT = re.compile(r"(?P<digits>(?:[0-9]++\.?+[0-9]*+|\.[0-9]++)(?:[eE][+-]?+[0-9]++)?+)(?P<suffix>[fFlL]?+)")
_ESCAPES: Final = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "v": 11, "a": 7, "\\": 92, '"': 34, "'": 39, "?": 63}
_ESCAPE = re.compile(rb"""\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))""", re.S)
_INTEGERS: Final = {
    "int": (32, True),
    "signed": (32, True),
    "long": (64, True),
    "long long": (64, True),
    "long long int": (64, True),
    "long int": (64, True),
    "short": (16, True),
    "unsigned": (32, False),
    "unsigned int": (32, False),
    "unsigned long": (64, False),
    "unsigned long long": (64, False),
    "size_t": (64, False),
    "int32_t": (32, True),
    "int64_t": (64, True),
    "uint32_t": (32, False),
    "uint64_t": (64, False),
}
_FLOATS: Final = ("double", "float")
_LISTS: Final = ("vector", "list", "deque")
_SETS: Final = ("set", "unordered_set")
_MAPS: Final = ("map", "unordered_map")
_TUPLES: Final = ("pair", "tuple")


class NoLiteral(ValueError):
    """Something that only a compiler can tell the value of."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its name without `std::` and `const`, and its arguments."""

    name: str
    inner: tuple[Type, ...] = ()


def type_of(tokens: Sequence[Token]) -> Type:
    """Read a type.

    Raises:
        NoLiteral: If it is none that values are read for.
    """
    made, rest = _type(tokens, 0)
    if rest:
        raise NoLiteral("not a type")
    return made


def _type(tokens: Sequence[Token], depth: int) -> tuple[Type, Sequence[Token]]:
    if depth > MAX_DEPTH:
        raise NoLiteral("a type nested too deep")
    words: list[str] = []
    at = 0
    while at < len(tokens) and (tokens[at].kind == "word" or tokens[at].text == "::"):
        if tokens[at].text not in ("const", "std", "::"):
            words.append(tokens[at].text)
        at += 1
    if not words:
        raise NoLiteral("no type")
    inner: list[Type] = []
    rest = tokens[at:]
    if rest and rest[0].text == "<":
        while rest and rest[0].text in ("<", ","):
            one, rest = _type(rest[1:], depth + 1)
            inner.append(one)
        if not rest or rest[0].text != ">":
            raise NoLiteral("a type that does not end")
        rest = rest[1:]
    return Type(" ".join(words), tuple(inner)), rest


def value_of(tokens: Sequence[Token], type_: Type | None, depth: int = 0) -> Any:
    """Read a literal as type-tagged JSON data.

    Args:
        tokens: The expression.
        type_: What it initialises; `None` = it must say its type itself.
        depth: Of brackets around it.

    Raises:
        NoLiteral: If it is no literal, or none of that type.
    """
    tokens = unwrapped(tokens)
    if depth > MAX_DEPTH or not tokens:
        raise NoLiteral("nested too deep, or empty")
    body = _braces(tokens)
    if body is None and tokens[0].kind == "word" and tokens[-1].text in ("}", ")"):
        type_, body, tokens = _constructed(tokens, type_)
    if type_ is None:
        type_ = _own_type(tokens)
    if type_.inner:
        if body is None:
            raise NoLiteral("not a list of values")
        return _container(type_, body, depth)
    if body is not None:
        raise NoLiteral("braces around a single value")
    return _scalar(tokens, type_.name)


def _braces(tokens: Sequence[Token]) -> list[tuple[Token, ...]] | None:
    """Return the items of `{...}`; `None` = it is none."""
    if tokens[0].text != "{" or closing(tokens, 0) != len(tokens) - 1:
        return None
    items = split_at(tokens[1:-1], ",")
    return items if items[-1] else items[:-1]


def _constructed(
    tokens: Sequence[Token], wanted: Type | None
) -> tuple[Type, list[tuple[Token, ...]] | None, Sequence[Token]]:
    """Read `vector<int>{...}`, `string("...")`; return the type, and the items or the one value."""
    type_, rest = _type(tokens, 0)
    if (wanted is not None and wanted != type_) or not rest or closing(rest, 0) != len(rest) - 1:
        raise NoLiteral("an expression")
    inside = rest[1:-1]
    if type_.inner:
        if rest[0].text == "{":
            return type_, _braces(rest), rest
        if not inside:
            return type_, [], rest
        body = _braces(inside)
        if body is None:
            raise NoLiteral("a constructor's call")
        return type_, body, rest
    if not inside or split_at(inside, ",") != [tuple(inside)]:
        raise NoLiteral("a constructor's call")
    return type_, None, inside


def _own_type(tokens: Sequence[Token]) -> Type:
    first = tokens[-1]
    if first.kind == "text":
        return Type("char" if first.text[0] == "'" else "string")
    if first.text in ("true", "false"):
        return Type("bool")
    if first.kind == "number":
        return Type("long long" if _INTEGER.fullmatch(first.text) else "double")
    raise NoLiteral("a value of unknown type")


def _container(type_: Type, items: list[tuple[Token, ...]], depth: int) -> Any:
    def read(item: Sequence[Token], inner: Type) -> Any:
        return value_of(item, inner, depth + 1)

    first = type_.inner[0]
    if type_.name in _LISTS and len(type_.inner) == 1:
        return [read(item, first) for item in items]
    if type_.name in _SETS and len(type_.inner) == 1:
        return {"s": _unique([read(item, first) for item in items], lambda item: item)}
    if type_.name in _MAPS and len(type_.inner) == 2:
        pairs = [_braces(item) or [] for item in items]
        if any(len(pair) != 2 for pair in pairs):
            raise NoLiteral("a map is made of pairs")
        told = [[read(key, first), read(value, type_.inner[1])] for key, value in pairs]
        return {"d": _unique(told, lambda pair: pair[0])}
    if type_.name in _TUPLES and len(items) == len(type_.inner):
        return {"t": [read(item, inner) for item, inner in zip(items, type_.inner, strict=True)]}
    raise NoLiteral(f"a {type_.name}")


def _unique(items: list[Any], key: Callable[[Any], Any]) -> list[Any]:
    """Keep the first of equal keys, as `insert` does."""
    kept: dict[str, Any] = {}
    for item in items:
        kept.setdefault(canonical(key(item), lodash=True), item)
    return list(kept.values())


def _scalar(tokens: Sequence[Token], name: str) -> Any:
    if name in ("string", "char"):
        return _text(tokens, name)
    if name == "bool":
        if len(tokens) == 1 and tokens[0].text in ("true", "false"):
            return tokens[0].text == "true"
        raise NoLiteral("not a bool")
    sign = -1 if tokens[0].text == "-" else 1
    digits = tokens[1:] if tokens[0].text in ("-", "+") else tokens
    if len(digits) != 1 or digits[0].kind != "number":
        raise NoLiteral("not a number")
    if name in _INTEGERS:
        return _integer(sign, digits[0].text, *_INTEGERS[name])
    if name in _FLOATS:
        return _float(sign, digits[0].text, name == "float")
    raise NoLiteral(f"a {name}")


def _integer(sign: int, text: str, bits: int, signed: bool) -> Any:
    found = _INTEGER.fullmatch(text)
    if not found:
        raise NoLiteral("not an integer")
    digits = found["digits"].replace("'", "")
    octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
    try:
        value = sign * int(digits, 8 if octal else 0)
    except ValueError as error:
        raise NoLiteral("not an integer") from error
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    if not low <= value < high:
        raise NoLiteral("an integer that its type cannot hold")
    return value if value < 2**63 else {"i": f"{value:x}"}


def _float(sign: int, text: str, single: bool) -> float:
    found = _FLOAT.fullmatch(text)
    is_octal = len(text) > 1 and text[0] == "0" and text.isdigit()
    if not found or found["suffix"] in ("l", "L") or is_octal:
        raise NoLiteral("not a float")
    value = sign * float(found["digits"])
    if not math.isfinite(value):
        raise NoLiteral("a float that its type cannot hold")
    if single or found["suffix"]:
        try:
            (value,) = struct.unpack("f", struct.pack("f", value))
        except OverflowError as error:
            raise NoLiteral("a float that its type cannot hold") from error
    return value


def _text(tokens: Sequence[Token], name: str) -> str:
    quote = '"' if name == "string" else "'"
    if not all(token.kind == "text" and token.text[0] == quote for token in tokens):
        raise NoLiteral("not a string")
    data = b"".join(_ESCAPE.sub(_unescaped, token.text[1:-1].encode()) for token in tokens)
    if b"\0" in data or (name == "char" and len(data) != 1):
        raise NoLiteral("a string with a NUL, or a character of several bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise NoLiteral("not UTF-8") from error


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1] or found[2]:
        number = int(found[1], 16) if found[1] else int(found[2], 8)
        if number > 255:
            raise NoLiteral("an escape beyond a byte")
        return bytes([number])
    letter = found[3].decode("latin-1")
    if letter not in _ESCAPES:
        raise NoLiteral("an escape that only a compiler reads")
    return bytes([_ESCAPES[letter]])
