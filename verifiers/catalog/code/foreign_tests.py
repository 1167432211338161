"""Splits tests written in C++ or JavaScript into what the program is asked and what is expected of it.

A test such as MBCPP's `int main() { int x0 = f(2); if (!(compare(x0, 8))) throw ...; }`, or MBJSP's `var x0 = f(2);
var v0 = 8; if (!compare(x0, v0)) { throw ... }`, or `assert(f(2) == 8);`, becomes snippets, which run with the program
and tell values, and expected values. Those never come near the program: plain literals are read here, other expressions
are evaluated by a program of their own (`ForeignTests.expected_work`), in which the candidate has no part.

What cannot be split so (a comparison of its own, an expectation that calls the program, loops) is `NotSplit`, with why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.types import Snippet, Snippets
from verifiers.catalog.code import foreign_cpp, foreign_js
from verifiers.catalog.code.foreign_text import (
    NotSplit,
    Statement,
    Token,
    closing,
    source,
    split_at,
    statements,
    tokens_of,
    unwrapped,
)
from verifiers.catalog.code.foreign_values import same

MAX_TESTS = 2000
RESULT = "vh_value"
_EQUALITY = {"cpp": re.compile(r"return(\w+)==(\w+);"), "javascript": re.compile(r"return_\.isEqual\((\w+),(\w+)\);?")}
_DECLARED = {"javascript": ("var", "let", "const")}
_EQUAL_CALLS = ("compare", "isEqual", "deepEqual", "deepStrictEqual", "strictEqual", "equal")
_LODASH = (
    'if (typeof _ === "undefined") Object.defineProperty(globalThis, "_", '
    '{ configurable: true, get() { return require("lodash"); } });\n'
    'if (typeof compare === "undefined") globalThis.compare = (one, other) => globalThis._.isEqual(one, other);'
)
"""MBJSP's tests load lodash and define `compare`, and programs may use both; they are loaded only if one does."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An expected value that is no plain literal: what a trusted program runs to tell it."""

    snippet: Snippet


@dataclass(frozen=True, slots=True)
class ForeignTest:
    """One test.

    Attributes:
        snippet: What the program is asked.
        expected: Type-tagged JSON data, or `Unread`.
        shown: The comparison, for a human.
        expected_text: The expected value as the test writes it.
    """

    snippet: Snippet
    expected: Any
    shown: str
    expected_text: str


@dataclass(frozen=True, slots=True)
class ForeignTests:
    """All tests of one text.

    Attributes:
        language: `cpp` or `javascript`.
        tests: At least one.
        preamble: Declarations that the tests need, placed after the program.
    """

    language: str
    tests: tuple[ForeignTest, ...]
    preamble: str = ""

    @property
    def work(self) -> Snippets:
        """What is run with the program."""
        return Snippets(tuple(test.snippet for test in self.tests), self.preamble)

    @property
    def expected_work(self) -> Snippets | None:
        """What is run without it, for the expected values that are no literals, in their order; `None` = all are."""
        unread = tuple(test.expected.snippet for test in self.tests if isinstance(test.expected, Unread))
        return Snippets(unread, self.preamble) if unread else None

    @property
    def expected_program(self) -> str:
        """The trusted program for `expected_work`."""
        return "#include <bits/stdc++.h>\nusing namespace std;\n" if self.language == "cpp" else ""

    def is_same(self, expected: Any, claimed: bytes) -> bool:
        """Whether a program's value equals an expected one, by the language's own equality."""
        return same(expected, claimed, lodash=self.language == "javascript")


@dataclass(slots=True)
class _Splitter:
    """What was read of a test so far.

    Attributes:
        text: The test.
        language: `cpp` or `javascript`.
        entry_point: The program's function.
        before: Statements since the last check, and all declarations before it.
        tests: Those found.
    """

    text: str
    language: str
    entry_point: str
    before: list[Statement] = field(default_factory=list)
    new: list[Statement] = field(default_factory=list)
    tests: list[ForeignTest] = field(default_factory=list)

    def take(self, statement: Statement) -> None:
        """Take one statement of the body."""
        if statement.tokens[0].text == "return" and len(statement.tokens) <= 2:
            return
        checked = _comparison(statement)
        if checked is None:
            if statement.tokens[0].text in ("for", "while", "do", "try", "switch", "throw"):
                raise NotSplit(f"a statement that is neither a call nor a comparison: {statement.code[:80]!r}")
            self.new.append(statement)
            return
        if len(self.tests) >= MAX_TESTS:
            raise NotSplit(f"more than {MAX_TESTS} comparisons")
        self.tests.append(self._test(*checked))
        self.before += self.new
        self.new = []

    def _test(self, asked: tuple[Token, ...], expected: tuple[Token, ...]) -> ForeignTest:
        asked, expected = unwrapped(asked), unwrapped(expected)
        shown = f"{source(self.text, asked)} == {source(self.text, expected)}"
        type_ = self._declared_type(asked)
        named = self._declaration_of(expected)
        if named is not None:
            self.new = [statement for statement in self.new if statement is not named]
            expected = _initial(named)
            shown = f"{source(self.text, asked)} == {source(self.text, expected)}"
        if not asked or not expected:
            raise NotSplit("a comparison with nothing")
        needed = self._needed(asked, self.new)
        snippet = self._snippet(needed, asked, None)
        value = self._expected(expected, type_)
        call = next((_initial(one) for one in self.new if len(asked) == 1 and asked[0].text in _names(one)), asked)
        shown = f"{source(self.text, call)} == {source(self.text, expected)}"
        return ForeignTest(snippet, value, shown, source(self.text, expected))

    def _snippet(self, code: Sequence[Statement], result: tuple[Token, ...], type_: str | None) -> Snippet:
        lines = [f"{statement.code.rstrip(';')};" for statement in code]
        if len(result) == 1 and result[0].kind == "word" and type_ is None:
            return Snippet("\n".join(lines), result[0].text)
        declare = type_ or ("auto" if self.language == "cpp" else "const")
        lines.append(f"{declare} {RESULT} = {source(self.text, result)};")
        return Snippet("\n".join(lines), RESULT)

    def _needed(self, asked: Iterable[Token], always: Sequence[Statement]) -> list[Statement]:
        """Return `always`, with the earlier declarations that they and the question refer to."""
        words = {token.text for token in asked}.union(*(statement.words for statement in always))
        kept: list[Statement] = []
        for statement in reversed(self.before):
            if _names(statement) & words:
                kept.append(statement)
                words |= statement.words
        return [*reversed(kept), *always]

    def _expected(self, tokens: tuple[Token, ...], type_: tuple[Token, ...] | None) -> Any:
        try:
            if self.language == "javascript":
                return foreign_js.value_of(tokens)
            return foreign_cpp.value_of(tokens, foreign_cpp.type_of(type_) if type_ else None)
        except (foreign_js.NoLiteral, foreign_cpp.NoLiteral):
            return Unread(self._trusted(tokens, type_))

    def _trusted(self, tokens: tuple[Token, ...], type_: tuple[Token, ...] | None) -> Snippet:
        code: list[Statement] = []
        words = {token.text for token in tokens}
        for statement in reversed([*self.before, *self.new]):
            if _names(statement) & words:
                code.append(statement)
                words |= statement.words
        if self.entry_point and self.entry_point.split(".")[-1] in words:
            raise NotSplit(f"an expected value that the program itself computes: {source(self.text, tokens)[:80]!r}")
        if type_ and any(token.text == "auto" for token in type_):
            type_ = None
        if tokens[0].text == "{" and type_ is None and self.language == "cpp":
            raise NotSplit(f"an expected value without a type: {source(self.text, tokens)[:80]!r}")
        return self._snippet(code[::-1], tokens, source(self.text, type_) if type_ else None)

    def _declaration_of(self, tokens: tuple[Token, ...]) -> Statement | None:
        """Return the statement, since the last check, that declares the variable which `tokens` are."""
        if len(tokens) != 1 or tokens[0].kind != "word":
            return None
        found = [statement for statement in self.new if tokens[0].text in statement.words]
        return found[0] if len(found) == 1 and _names(found[0]) == {tokens[0].text} else None

    def _declared_type(self, asked: tuple[Token, ...]) -> tuple[Token, ...] | None:
        if self.language != "cpp" or len(asked) != 1:
            return None
        for statement in reversed([*self.before, *self.new]):
            if asked[0].text in _names(statement):
                head = split_at(statement.tokens, "=")[0]
                return head[:-1]
        return None


def split(language: str, text: str, entry_point: str = "") -> ForeignTests:
    """Split a test.

    Args:
        language: `cpp` or `javascript` (TypeScript's plain tests are JavaScript).
        text: The test's own code, without the program.
        entry_point: The program's function, if known.

    Raises:
        NotSplit: If it cannot be split; the text says why.
    """
    tokens = tokens_of(text)
    if language == "cpp":
        preamble, body = _cpp_main(text, tokens)
    else:
        preamble, body = _js_body(text, tokens)
    splitter = _Splitter(text, "cpp" if language == "cpp" else "javascript", entry_point)
    for statement in body:
        splitter.take(statement)
    if not splitter.tests:
        raise NotSplit("no comparison of a result with an expected value")
    return ForeignTests(splitter.language, tuple(splitter.tests), preamble)


def _comparison(statement: Statement) -> tuple[tuple[Token, ...], tuple[Token, ...]] | None:
    """Return what is compared with what, if the statement fails where two values differ; else `None`."""
    tokens = statement.tokens
    if tokens[0].text == "if" and len(tokens) > 2:
        end = closing(tokens, 1)
        if not {"throw", "abort", "exit", "assert"} & {token.text for token in tokens[end:]}:
            return None
        return _denied(tokens[2:end])
    called = [token.text for token in tokens[:3]]
    if called[:2] == ["assert", "("] or called[:3] in (["console", ".", "assert"], ["assert", ".", "ok"]):
        return _affirmed(tokens[next(i for i, token in enumerate(tokens) if token.text == "(") :])
    if called[:2] == ["assert", "."] and called[2:] and called[2] in _EQUAL_CALLS and tokens[3].text == "(":
        return _arguments(tokens[3:])
    return None


def _denied(tokens: Sequence[Token]) -> tuple[tuple[Token, ...], tuple[Token, ...]] | None:
    tokens = unwrapped(tokens)
    if tokens and tokens[0].text == "!":
        return _affirmed(tokens[1:])
    for mark in ("!=", "!=="):
        parts = split_at(tokens, mark)
        if len(parts) == 2:
            return parts[0], parts[1]
    return None


def _affirmed(tokens: Sequence[Token]) -> tuple[tuple[Token, ...], tuple[Token, ...]] | None:
    first = split_at(tokens[1:-1], ",")[0] if tokens and tokens[0].text == "(" else tokens
    tokens = unwrapped(first)
    if not tokens:
        return None
    if any(len(split_at(tokens, mark)) > 1 for mark in ("&&", "||")):
        return None
    for mark in ("===", "=="):
        parts = split_at(tokens, mark)
        if len(parts) == 2:
            return parts[0], parts[1]
    opened = next((place for place, token in enumerate(tokens) if token.text == "("), 0)
    if opened and tokens[opened - 1].text in _EQUAL_CALLS and closing(tokens, opened) == len(tokens) - 1:
        return _arguments(tokens[opened:])
    return None


def _arguments(tokens: Sequence[Token]) -> tuple[tuple[Token, ...], tuple[Token, ...]] | None:
    parts = split_at(tokens[1 : closing(tokens, 0)], ",")
    return (parts[0], parts[1]) if len(parts) >= 2 else None


def _names(statement: Statement) -> set[str]:
    """Return the name that a statement declares or assigns."""
    head = split_at(statement.tokens, "=")
    if len(head) < 2 or not head[0]:
        return set()
    return {head[0][-1].text} if head[0][-1].kind == "word" else set()


def _initial(statement: Statement) -> tuple[Token, ...]:
    head = split_at(statement.tokens, "=")
    return tuple(statement.tokens[len(head[0]) + 1 :])


def _cpp_main(text: str, tokens: Sequence[Token]) -> tuple[str, Iterator[Statement]]:
    """Return what comes before `main`, without what we do ourselves, and the statements of `main`."""
    for place in range(len(tokens) - 2):
        if tokens[place].text == "int" and tokens[place + 1].text == "main" and tokens[place + 2].text == "(":
            opened = closing(tokens, place + 2) + 1
            end = closing(tokens, opened)
            preamble = _without_compare(text[: tokens[place].start], "cpp")
            return preamble, statements(text, tokens[opened + 1 : end])
    raise NotSplit("no `int main()`")


def _js_body(text: str, tokens: Sequence[Token]) -> tuple[str, Iterator[Statement]]:
    """Return lodash, if the test loads it, and the statements."""
    kept = [statement for statement in statements(text, tokens, by_line=True) if not _is_ours(statement)]
    loads = any("lodash" in token.text for token in tokens if token.kind == "text")
    return _LODASH if loads else "", iter(kept)


def _is_ours(statement: Statement) -> bool:
    """Whether a statement of the test loads the comparison, or is it."""
    words = [token.text for token in statement.tokens]
    if words[:2] == ["function", "compare"]:
        _check_equality(statement.tokens, "javascript")
        return True
    return "require" in words and any(
        token.text[1:-1] in ("lodash", "assert", "node:assert") for token in statement.tokens
    )


def _without_compare(preamble: str, language: str) -> str:
    tokens = tokens_of(preamble)
    for place in range(len(tokens) - 2):
        if [token.text for token in tokens[place : place + 3]] == ["bool", "compare", "("]:
            opened = closing(tokens, place + 2) + 1
            end = closing(tokens, opened)
            _check_equality(tokens[opened : end + 1], language)
            start = place
            if start and tokens[start - 1].text == ">":
                start = next(i for i in range(start, -1, -1) if tokens[i].text == "template")
            preamble = preamble[: tokens[start].start] + preamble[tokens[end].end :]
            break
    return preamble.strip()


def _check_equality(tokens: Sequence[Token], language: str) -> None:
    """Make sure that a test's own `compare` is plain equality.

    Raises:
        NotSplit: If it is something else, which only the test itself could judge.
    """
    opened = next(place for place, token in enumerate(tokens) if token.text == "{")
    body = "".join(token.text for token in tokens[opened + 1 : closing(tokens, opened)])
    found = _EQUALITY[language].fullmatch(body)
    if not found or found[1] == found[2]:
        raise NotSplit(f"a comparison of its own: {body[:80]!r}")
