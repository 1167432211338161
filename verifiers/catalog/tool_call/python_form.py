"""Read calls in Python's form, `[f(x=1), g.h(y=["a"])]`: literals only, nothing is evaluated, linear time."""

from __future__ import annotations

import math
import re
from typing import Any

from verifiers.catalog.tool_call.calls import MAX_CALLS, Call
from verifiers.json_values import MAX_DIGITS, Found, JsonFault, read_json

MAX_DEPTH = 50
"""Most brackets inside one another."""

_BLANK = re.compile(r"(?:[ \t\r\n\f]|\\\r?\n|#[^\n]*+)*+")
_BLANKS = frozenset(" \t\r\n\f\\#")
_NAME = re.compile(r"[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+")
_KEYWORD = re.compile(r"([^\W\d]\w*+)[ \t\r\n]*+=(?!=)")
_NUMBER = re.compile(
    r"[-+]?+(?:0[xX][0-9a-fA-F]++|0[oO][0-7]++|0[bB][01]++"
    r"|(?:\d++(?:_\d++)*+)?+(?P<dot>\.\d*+)?+(?P<exp>[eE][-+]?\d++)?+)(?![\w.])"
)
_OPENING = re.compile(r"""(?P<prefix>[rRuU]?)(?P<quote>\"\"\"|'''|"|')""")
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(\r?\n)|(.))", re.DOTALL)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "\\": "\\"}
_PLAIN_ESCAPES |= {"'": "'", '"': '"'}
_BODIES = {
    quote: re.compile(rf"(?:[^\\{quote[0]}]++|\\.|{quote[0]}(?!{quote[0]}{{2}}))*+" if len(quote) == 3
                      else rf"(?:[^\\{quote}\n]++|\\.)*+", re.DOTALL)
    for quote in ('"', "'", '"""', "'''")
}  # fmt: skip
_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}


class NotCalls(ValueError):
    """The text is not calls in Python's form; its text says why."""


def parse_calls(text: str) -> list[Call]:
    """Read a text that is a call, several, or a list of calls, and nothing else.

    Raises:
        NotCalls: If it is not, is nested too deeply, or holds more than literals.
    """
    return _Parser(text).calls()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip()

    def calls(self) -> list[Call]:
        listed = self._take("[")
        found: list[Call] = []
        while not self._done() and not (listed and self._peek() == "]"):
            if len(found) >= MAX_CALLS:
                raise NotCalls(f"more than {MAX_CALLS} calls")
            found.append(self._call())
            if not (self._take(",") or (not listed and self._take(";"))) and listed:
                break
        if listed and not self._take("]"):
            raise self._wrong("']'")
        if not self._done():
            raise self._wrong("the end")
        return found

    def _call(self) -> Call:
        name = _NAME.match(self._text, self._at)
        if name is None:
            raise self._wrong("a function's name")
        self._move(name.end())
        if not self._take("("):
            raise self._wrong("'('")
        positional: list[Any] = []
        arguments: dict[str, Any] = {}
        while not self._take(")"):
            self._argument(positional, arguments)
            if not self._take(",") and self._peek() != ")":
                raise self._wrong("',' or ')'")
        return Call(name[0], arguments, positional=tuple(positional))

    def _argument(self, positional: list[Any], arguments: dict[str, Any]) -> None:
        keyword = _KEYWORD.match(self._text, self._at)
        if keyword is None:
            if arguments:
                raise self._wrong("a named argument")
            positional.append(self._value(1))
            return
        if keyword[1] in arguments:
            raise NotCalls(f"the argument {keyword[1][:80]!r} is given twice")
        self._move(keyword.end())
        arguments[keyword[1]] = self._value(1)

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotCalls(f"nested deeper than {MAX_DEPTH}")
        head = self._peek()
        if depth == 1 and head in ("[", "{") and (found := self._json()):
            return found.value
        if head in ("[", "("):
            return self._items(")" if head == "(" else "]", depth)
        if head == "{":
            return self._dict(depth)
        if head.isdigit():
            return self._number()
        if opening := _OPENING.match(self._text, self._at):
            return self._string(opening)
        word = _NAME.match(self._text, self._at)
        if word and word[0] in _WORDS:
            self._move(word.end())
            return _WORDS[word[0]]
        return self._number()

    def _json(self) -> Found | None:
        """Read a list or dict that is JSON as well, much faster; escapes differ between the two."""
        try:
            found = read_json(self._text, self._at)
        except JsonFault:
            return None
        if self._text.find("\\", found.start, found.end) >= 0:
            return None
        self._move(found.end)
        return found

    def _items(self, closing: str, depth: int) -> Any:
        self._move(self._at + 1)
        items: list[Any] = []
        comma = True
        while not self._take(closing):
            if not comma:
                raise self._wrong(f"',' or {closing!r}")
            items.append(self._value(depth + 1))
            comma = self._take(",")
        grouped = closing == ")" and len(items) == 1 and not comma
        return items[0] if grouped else items

    def _dict(self, depth: int) -> dict[str, Any]:
        self._move(self._at + 1)
        made: dict[str, Any] = {}
        comma = True
        while not self._take("}"):
            if not comma:
                raise self._wrong("',' or '}'")
            key = self._value(depth + 1)
            if not isinstance(key, str) or key in made:
                raise NotCalls("a dict's keys are texts, each once")
            if not self._take(":"):
                raise self._wrong("':'")
            made[key] = self._value(depth + 1)
            comma = self._take(",")
        return made

    def _string(self, opening: re.Match[str] | None) -> str:
        pieces = []
        while opening:  # literals side by side are one
            quote = opening["quote"]
            body = _BODIES[quote].match(self._text, opening.end())
            end = body.end() if body else opening.end()
            if not self._text.startswith(quote, end):
                raise NotCalls("a text that is never closed")
            raw = self._text[opening.end() : end]
            pieces.append(raw if opening["prefix"] in ("r", "R") and opening["prefix"] else _ESCAPE.sub(_escaped, raw))
            self._move(end + len(quote))
            opening = _OPENING.match(self._text, self._at)
        return "".join(pieces)

    def _number(self) -> int | float:
        number = _NUMBER.match(self._text, self._at)
        if number is None or not any(map(str.isdigit, number[0])):
            raise self._wrong("a literal")
        if len(number[0]) > MAX_DIGITS:
            raise NotCalls(f"a number has more than {MAX_DIGITS} characters")
        try:
            value = float(number[0]) if number["dot"] or number["exp"] else int(number[0], 0)
        except ValueError as error:
            raise self._wrong("a number") from error
        if isinstance(value, float) and math.isinf(value):
            raise NotCalls("a number beyond the range of a double")
        self._move(number.end())
        return value

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, mark: str) -> bool:
        if self._peek() != mark:
            return False
        self._move(self._at + 1)
        return True

    def _move(self, to: int) -> None:
        self._at = to
        self._skip()

    def _skip(self) -> None:
        if self._text[self._at : self._at + 1] not in _BLANKS:
            return
        blank = _BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at

    def _done(self) -> bool:
        return self._at >= len(self._text)

    def _wrong(self, wanted: str) -> NotCalls:
        return NotCalls(
            f"{wanted} expected at character {self._at + 1}, found {self._text[self._at : self._at + 20]!r}"
        )


def _escaped(match: re.Match[str]) -> str:
    octal, two, four, eight, line, other = match.groups()
    if line:
        return ""
    if other:
        if other == "N":
            raise NotCalls(r"\N{...} is not read")
        return _PLAIN_ESCAPES.get(other, "\\" + other)
    code = int(octal, 8) if octal else int(two or four or eight, 16)
    if code > 0x10FFFF:
        raise NotCalls("an escape beyond Unicode")
    return chr(code)
