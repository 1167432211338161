"""The kind `regex`: RE2 by default, which is linear; Python's own engine on request, in a worker that can be killed."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import islice
from typing import Any, Literal

from verifiers.catalog.rules.kinds_words import AT_LEAST_ONE
from verifiers.catalog.rules.reading import Bounds
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View, cut
from verifiers.errors import require
from verifiers.types import Json

MAX_PATTERN_CHARS = 2_000
MAX_REGEX_MEMORY_BYTES = 8 * 2**20
"""What RE2 may use for a pattern; beyond it the pattern is refused."""
MAX_MATCHES = 1_000
"""Matches are counted up to here: each takes RE2's binding microseconds."""

_LOOK = re.compile(r"\(\?(?:[=!]|<[=!]|>|\()|\\[1-9]|\(\?P=|[*+?}]\+")
"""What RE2 cannot: lookaround, atomic groups, conditions, backreferences, possessive quantifiers."""
_PITFALLS = (
    (re.compile(r"(?<!\\)\[[^\]]*A-z"), "[A-z] also takes [ \\ ] ^ _ and `; write [A-Za-z]"),
    (re.compile(r"[a-z0-9]\.(?:com|org|net|io|pdf|py|json)\b"), "an unescaped dot takes any character; write \\."),
)
_EMPTY_ARM = re.compile(r"\|\||^\||(?<!\\)\|$|\(\||(?<!\\)\|\)")
_ANCHORED_ARM = re.compile(r"^\^[^()\[\]]*(?<!\\)\|[^()\[\]]*$|^[^()\[\]]*(?<!\\)\|[^()\[\]]*\$$")
_NESTED = re.compile(r"\((?:\?:)?[^()]*[+*]\)[+*]|\((?:\?:)?[^()]*[+*]\)\{\d*,\}")


@kind(
    "regex",
    group="patterns",
    example=(r"regex: '\d{3}-\d{4}'", r"regex: {pattern: '(\d+) apples', how: full, ignore_case: true}"),
)
class Regex(Rule):
    """A regular expression matches. RE2 syntax: linear time, without lookaround and backreferences.

    Attributes:
        pattern: The expression.
        how: search (anywhere), full (the whole text but for blanks at its ends), start.
        count: How often it must match, with how: search.
        ignore_case: Whether letter case is passed over.
        multiline: Whether ^ and $ also match at line ends.
        dotall: Whether a dot takes newlines.
        engine: re2; or python, which knows lookaround but may take exponential time, and so runs in a worker that
            is killed at the deadline (the sample is then not judged).
    """

    pattern: str
    how: Literal["search", "full", "start"] = "search"
    count: Bounds = AT_LEAST_ONE
    ignore_case: bool = False
    multiline: bool = True
    dotall: bool = False
    engine: Literal["re2", "python"] = "re2"

    def __post_init__(self) -> None:
        if not self.pattern or len(self.pattern) > MAX_PATTERN_CHARS:
            raise ValueError(f"a pattern has 1 to {MAX_PATTERN_CHARS:,} characters, not {len(self.pattern):,}")
        if self.how != "search" and self.count != AT_LEAST_ONE:
            raise ValueError(f"count is for how: search; how: {self.how} matches once")
        if max(self.count.min or 0, self.count.max or 0) > MAX_MATCHES:
            raise ValueError(f"matches are counted up to {MAX_MATCHES:,}; count asks for more")

    @property
    def slow(self) -> bool:
        return self.engine == "python"

    def prepare(self) -> None:
        self._compiled  # noqa: B018 (compiled when first read)

    @cached_property
    def _compiled(self) -> Any:
        flags = [letter for letter, on in (("i", self.ignore_case), ("m", self.multiline), ("s", self.dotall)) if on]
        pattern = f"(?{''.join(flags)}){self.pattern}" if flags else self.pattern
        if self.engine == "python":
            try:
                return re.compile(pattern)
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"not a regular expression: {error}") from error
        re2: Any = require("re2", "rules", "The rule kind regex")
        options = re2.Options()
        options.log_errors = False
        options.max_mem = MAX_REGEX_MEMORY_BYTES
        try:
            return re2.compile(pattern, options)
        except re2.error as error:
            said = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
            hint = " RE2 has no lookaround and no backreferences; add engine: python." if _LOOK.search(pattern) else ""
            raise ValueError(f"not a regular expression: {said}.{hint}") from error

    def expected(self) -> str:
        times = "" if self.count == AT_LEAST_ONE else f", {self.count} times"
        return (
            f"a match of {cut(self.pattern)!r}{times}"
            if self.how == "search"
            else f"{self.how} match of {cut(self.pattern)!r}"
        )

    def always(self) -> bool | None:
        if self.how == "search" and self.count.always():
            return True
        empty = self._compiled.search("") is not None and not re.search(r"[\^$]|\\[AzZbB]|\(\?[=!<]", self.pattern)
        return True if self.how == "search" and self.count.always(low=1) and empty else None

    def pitfalls(self) -> list[str]:
        said = [text for pattern, text in _PITFALLS if pattern.search(self.pattern)]
        if _EMPTY_ARM.search(self.pattern):
            said.append("an empty alternative (|) matches everything")
        if _ANCHORED_ARM.search(self.pattern):
            said.append("^ and $ bind to one alternative only; write ^(?:a|b)$")
        if self.pattern.startswith(".*") or (self.pattern.endswith(".*") and self.how == "search"):
            said.append("a leading or trailing .* changes nothing in a search")
        if self.engine == "python" and _NESTED.search(self.pattern):
            said.append("nested repetition such as (a+)+ may take exponential time; rewrite it, or use engine: re2")
        if self.engine == "python" and not _LOOK.search(self.pattern):
            said.append("nothing here needs engine: python; re2 is linear and runs without a worker")
        return said

    def check(self, view: View) -> Outcome:
        text = view.text
        if self.how != "search":
            bare = text.strip()
            found = self._compiled.fullmatch(bare) if self.how == "full" else self._compiled.match(text.lstrip())
            lead = len(text) - len(text.lstrip())
            span = None if found is None else (lead + found.start(), lead + found.end())
            return Outcome(
                float(found is not None), cut(found[0]) if found else None, "" if found else "no match", span
            )
        wanted = int(max(self.count.min or 0, (self.count.max or 0) + 1))
        matches = list(islice(self._compiled.finditer(text), wanted))
        count = len(matches)
        first = matches[0] if matches else None
        reason = "" if self.count.hold(count) else f"{count or 'no'}{' or more' if count == wanted > 1 else ''} matches"
        observed: Json = {"first": cut(first[0]), "count": count} if first else 0
        return Outcome(float(self.count.hold(count)), observed, reason, first.span() if first else None)
