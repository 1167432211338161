"""Find the query in a completion, and the outermost ORDER BY in a query. Text level only, linear time."""

from __future__ import annotations

import re
from typing import Literal

from verifiers.segment import Kind, final_span, last_answer_tag, segments

MAX_ANSWER_CHARS = 200_000
"""Longest answer, without its think part, in which a query is looked for."""

_FENCE_NAMES = frozenset({"sql", "sqlite", "sqlite3", "postgresql", "postgres", "mysql", ""})
_QUERY_START = re.compile(r"\s*+(?:--[^\n]*+\s*+)*+\(*+\s*+(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
_LINE_START = re.compile(r"(?m)^[ \t>*`]*+(?:SQL[ \t]*+:[ \t]*+)?+(?P<query>(?:SELECT|WITH|VALUES)\b)", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\n[ \t]*+\n|;|`")
_TOKEN = re.compile(
    r"--[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?+|'(?:[^']|'')*+'?+|\"(?:[^\"]|\"\")*+\"?+|`[^`]*+`?+|\[[^\]]*+\]?+"
    r"|(?P<open>\()|(?P<close>\))|(?P<order>\bORDER\s++BY\b)",
    re.IGNORECASE,
)

Several = Literal["last", "refuse"]


class NoQuery(ValueError):
    """The completion states no query; its text says why."""


class TooLong(NoQuery):
    """The answer is longer than is searched."""


def find_query(completion: str, several: Several) -> str:
    """Return the query of a completion: in its answer tag, its code fence, as the whole answer, or on lines of its own.

    Raises:
        NoQuery: If there is none, or several where that is refused.
        TooLong: If the answer is longer than is searched.
    """
    span = final_span(completion)
    if span is None:
        raise NoQuery("the think part is never closed")
    text = completion[span[0] : span[1]]
    if len(text) > MAX_ANSWER_CHARS:
        raise TooLong(f"the answer has {len(text):,} characters; a query is looked for in {MAX_ANSWER_CHARS:,}")
    tag = last_answer_tag(text)
    text = tag.inner(text) if tag else text
    found = [
        part.inner(text)
        for part in segments(text)
        if part.kind is Kind.CODE
        and part.closed
        and text[part.start + 3 : part.inner_start].strip().casefold() in _FENCE_NAMES
    ]
    found = [query for query in found if query.strip()] or _bare(text)
    if not found:
        raise NoQuery("no code fence, and no line that begins with SELECT, WITH or VALUES")
    if len(found) > 1 and several == "refuse":
        raise NoQuery(f"{len(found)} queries; exactly one is asked for")
    return found[-1].strip()


def _bare(text: str) -> list[str]:
    if _QUERY_START.match(text):
        return [text]
    found, at = [], 0
    while start := _LINE_START.search(text, at):
        end = _PARAGRAPH.search(text, start.end())
        at = end.start() if end else len(text)
        found.append(text[start.start("query") : at])
    return found


def is_ordered(query: str) -> bool:
    """Whether a query has an ORDER BY outside all brackets, texts and comments."""
    depth = 0
    for token in _TOKEN.finditer(query):
        depth += (token["open"] is not None) - (token["close"] is not None)
        if token["order"] and depth <= 0:
            return True
    return False


def depth_of(query: str) -> int:
    """Return how deeply a query's brackets lie inside one another."""
    depth = deepest = 0
    for token in _TOKEN.finditer(query):
        depth += (token["open"] is not None) - (token["close"] is not None)
        deepest = max(deepest, depth)
    return deepest
