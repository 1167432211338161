"""Cuts tests written in C++ or JavaScript into tokens and statements. One pass, no backtracking; nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_TEST_CHARS = 1_000_000
"""Longest test text that is read."""
_TOKEN = re.compile(
    r"""
      (?P<space>\s++|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?+)
    | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s"]{0,16}+)\(.*?\)(?P=mark)")
    | (?P<text>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'|`(?:[^`\\]|\\.)*+`)
    | (?P<number>(?:\d|\.\d)(?:[eEpP][+-]|[\w.]|'(?=\d))*+)
    | (?P<word>[A-Za-z_$][\w$]*+)
    | (?P<mark2>===|!==|==|!=|<=|>=|&&|\|\||->|=>|::|\+\+|--|\+=|-=|\*=|/=|.)
    """,
    re.X | re.S,
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}


class NotSplit(ValueError):
    """A test that cannot be split into calls and expected values; its text says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and where it is in the text.

    Attributes:
        kind: `word`, `number`, `text` (a string), `raw` (C++'s raw string) or `mark`.
    """

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, with what ends it.

    Attributes:
        code: Its text.
        tokens: Its tokens, without a last semicolon.
    """

    code: str
    tokens: tuple[Token, ...]

    @property
    def words(self) -> frozenset[str]:
        """The names in it."""
        return frozenset(token.text for token in self.tokens if token.kind == "word")


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a test, without spaces and comments.

    Raises:
        NotSplit: If it is too long.
    """
    if len(text) > MAX_TEST_CHARS:
        raise NotSplit(f"a test of {len(text):,} characters; at most {MAX_TEST_CHARS:,} are read")
    kinds = {"mark2": "mark"}
    return [
        Token(kinds.get(str(found.lastgroup), str(found.lastgroup)), found[0], found.start(), found.end())
        for found in _TOKEN.finditer(text)
        if found.lastgroup not in ("space", None)
    ]


def closing(tokens: Sequence[Token], at: int) -> int:
    """Return the place of the bracket that closes the one at `at`.

    Raises:
        NotSplit: If there is none.
    """
    open_: list[str] = []
    for place in range(at, len(tokens)):
        token = tokens[place]
        if token.kind != "mark":
            continue
        if token.text in _PAIRS:
            open_.append(_PAIRS[token.text])
        elif token.text in _PAIRS.values():
            if not open_ or open_.pop() != token.text:
                break
            if not open_:
                return place
    raise NotSplit("brackets that do not match")


def statements(text: str, tokens: Sequence[Token], by_line: bool = False) -> Iterator[Statement]:
    """Yield the statements of a body: up to a `;`, or to the `}` of a block that begins with a keyword or a function.

    Args:
        text: The text that the tokens are of.
        tokens: The body's.
        by_line: Whether a line's end may end a statement too, as in JavaScript.

    Raises:
        NotSplit: If brackets do not match.
    """
    at = 0
    while at < len(tokens):
        end, last = _statement_end(text if by_line else "", tokens, at)
        if end > at:
            yield Statement(text[tokens[at].start : tokens[last].end], tuple(tokens[at:end]))
        at = last + 1


def _statement_end(text: str, tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """Return the place after a statement's last token, and that of the token that ends it."""
    block = tokens[at].text in ("if", "for", "while", "function", "try", "do", "switch", "{")
    place = at
    while place < len(tokens):
        mark = tokens[place].text if tokens[place].kind == "mark" else ""
        if mark == ";":
            return place, place
        if text and place > at and _line_ends(text, tokens[place - 1], tokens[place]):
            return place, place - 1
        if mark in _PAIRS:
            place = closing(tokens, place)
            if mark == "{" and block and not _goes_on(tokens, place + 1):
                return place + 1, place
        place += 1
    return place, place - 1


def _line_ends(text: str, before: Token, after: Token) -> bool:
    """Whether JavaScript ends a statement between two tokens: they stand on two lines and do not belong together."""
    if after.kind == "mark" or after.text in ("instanceof", "in", "of", "else", "catch", "finally"):
        return False
    whole = before.kind != "mark" or before.text in (")", "]", "}")
    return whole and "\n" in text[before.end : after.start]


def _goes_on(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].text in ("else", "catch", "finally", "while")


def split_at(tokens: Sequence[Token], mark: str) -> list[tuple[Token, ...]]:
    """Split tokens at a mark that is in no brackets."""
    parts: list[tuple[Token, ...]] = []
    start = place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.kind == "mark" and token.text in _PAIRS:
            place = closing(tokens, place)
        elif token.kind == "mark" and token.text == mark:
            parts.append(tuple(tokens[start:place]))
            start = place + 1
        place += 1
    return [*parts, tuple(tokens[start:])]


def unwrapped(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Take off parentheses around the whole."""
    while len(tokens) > 1 and tokens[0].text == "(" and closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    return tuple(tokens)


def source(text: str, tokens: Sequence[Token]) -> str:
    """Return the text that tokens cover."""
    return text[tokens[0].start : tokens[-1].end] if tokens else ""
