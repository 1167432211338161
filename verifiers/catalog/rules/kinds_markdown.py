"""Kinds about Markdown: markdown, sections."""

from __future__ import annotations

import re
from itertools import islice
from typing import Literal

from verifiers.catalog.rules.kinds_words import AT_LEAST_ONE, listed
from verifiers.catalog.rules.phrases import Case
from verifiers.catalog.rules.reading import Bounds, Strings
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View, cut, fold

MAX_INLINE_CHARS = 500
"""Longest bold, italic, code or link text."""
LINE_START_CHARS = 80
"""More than what marks a list item, quote or heading, its indentation and its first letter."""
MAX_ELEMENTS = 10_000
"""Elements of one sort are counted up to here."""

Element = Literal[
    "heading", "bullet", "numbered", "checkbox", "quote", "code", "inline_code", "bold", "italic", "link", "image",
    "table", "rule", "any",
]  # fmt: skip

_N = MAX_INLINE_CHARS
_DASHES = r":?-{3,}+:?[ \t]*+"
_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]++([^\n]*)", re.MULTILINE)
_HEADING_MARK = re.compile(r"^ {0,3}(#{1,6})[ \t]++[^\s]", re.MULTILINE)
_PATTERNS = {
    "bullet": re.compile(r"^[ \t]{0,12}[-*+•][ \t]++(?!\[[ xX]\])\S", re.MULTILINE),
    "numbered": re.compile(r"^[ \t]{0,12}\d{1,4}[.)、][ \t]*+\S", re.MULTILINE),
    "checkbox": re.compile(r"^[ \t]{0,12}[-*+][ \t]++\[[ xX]\][ \t]", re.MULTILINE),
    "quote": re.compile(r"^ {0,3}>[^\n]*(?:\n {0,3}>[^\n]*)*+", re.MULTILINE),
    "inline_code": re.compile(rf"(?<!`)`[^`\n]{{1,{_N}}}+`(?!`)"),
    "bold": re.compile(
        rf"\*\*(?<!\*\*\*)(?=[^\s*])[^*\n]{{1,{_N}}}+\*\*(?!\*)"
        rf"|__(?<![\w_]__)(?=[^\s_])[^_\n]{{1,{_N}}}+__(?![\w_])"
    ),
    "italic": re.compile(
        rf"\*(?<![*\w]\*)(?=[^\s*])[^*\n]{{1,{_N}}}+\*(?![*\w])|_(?<![\w_]_)(?=[^\s_])[^_\n]{{1,{_N}}}+_(?![\w_])"
    ),
    "link": re.compile(rf"(?<!!)\[[^\[\]\n]{{1,{_N}}}+\]\([^()\s]{{1,{_N}}}+\)"),
    "image": re.compile(rf"!\[[^\[\]\n]{{0,{_N}}}+\]\([^()\s]{{1,{_N}}}+\)"),
    "table": re.compile(
        rf"^[ \t]*+\|?[ \t]*+{_DASHES}(?:\|[ \t]*+{_DASHES})++\|?[ \t]*+$|^[ \t]*+\|[ \t]*+{_DASHES}\|[ \t]*+$",
        re.MULTILINE,
    ),
    "rule": re.compile(r"^ {0,3}(?:-[ \t]*+){3,}+$|^ {0,3}(?:\*[ \t]*+){3,}+$|^ {0,3}(?:_[ \t]*+){3,}+$", re.MULTILINE),
}  # fmt: skip
_AT_LINE_START = frozenset(("heading", "bullet", "numbered", "checkbox", "quote"))
_NAMES = ("heading", "code", *_PATTERNS)
_NEEDED = {
    "heading": "#", "bullet": "-*+•", "numbered": ".)、", "checkbox": "[", "quote": ">", "inline_code": "`",
    "bold": "*_", "italic": "*_", "link": "[", "image": "!", "table": "|", "rule": "-*_",
}  # fmt: skip
"""Element -> characters of which it needs one: what spares most searches."""


def without_code(text: str) -> tuple[str, list[str]]:
    """Return the text with fenced code blanked out, and the fences' first lines; an open fence runs to the end."""
    if "```" not in text and "~~~" not in text:
        return text, []
    kept, heads, at, opened = [], [], 0, ""
    for fence in _FENCE.finditer(text):
        if not opened:
            kept.append(text[at : fence.start()])
            opened = fence[1]
            end = text.find("\n", fence.end())
            heads.append(text[fence.end() : end if end >= 0 else len(text)].strip()[:40].lower())
        elif fence[1] == opened:
            opened, at = "", fence.end()
    return "".join([*kept, "" if opened else text[at:]]), heads


def line_starts(text: str) -> str:
    """Return the text with its lines cut short, if they are long: some elements show at a line's start."""
    if text.count("\n") * LINE_START_CHARS > len(text):
        return text
    return "\n".join(line[:LINE_START_CHARS] for line in text.split("\n"))


def _first(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    return list(islice(pattern.finditer(text), MAX_ELEMENTS))


@kind(
    "markdown",
    group="markdown",
    example=("markdown: heading", "markdown: {element: bullet, count: 3..7}", "markdown: {element: any, count: 0}"),
)
class Markdown(Rule):
    """How many headings, list items, tables and the like there are, outside fenced code.

    Attributes:
        element: heading, bullet, numbered, checkbox, quote, code (fenced), inline_code, bold, italic, link,
            image, table, rule; any = all of these together.
        count: How many are allowed; 0 forbids the element.
        level: Of headings: only those of this level, 1 to 6.
        language: Of code: only fences that name this language.
    """

    element: Element
    count: Bounds = AT_LEAST_ONE
    level: int | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        if max(self.count.min or 0, self.count.max or 0) > MAX_ELEMENTS:
            raise ValueError(f"elements are counted up to {MAX_ELEMENTS:,}; count asks for more")
        if self.level is not None and (self.element != "heading" or not 1 <= self.level <= 6):
            raise ValueError(f"level is 1 to 6 and for headings only, not {self.level} for {self.element}")
        if self.language is not None and self.element != "code":
            raise ValueError(f"language is for element: code, not {self.element}")

    def expected(self) -> str:
        extra = f" of level {self.level}" if self.level else f" in {self.language}" if self.language else ""
        return f"{self.count} {self.element}{extra}"

    def always(self) -> bool | None:
        return True if self.count.always() else None

    def check(self, view: View) -> Outcome:
        names = _NAMES if self.element == "any" else (self.element,)
        prose, fences = without_code(view.text)
        starts = line_starts(prose)
        count = 0
        for name in names:
            count += self._count(name, starts if name in _AT_LINE_START else prose, fences)
            if self.count.max is not None and count > self.count.max:
                break
        return Outcome(float(self.count.hold(count)), count, "" if self.count.hold(count) else f"{count} found")

    def _count(self, name: str, prose: str, fences: list[str]) -> int:
        if name == "code":
            return len(fences) if self.language is None else fences.count(self.language.lower())
        if not any(char in prose for char in _NEEDED[name]):
            return 0
        if name == "heading":
            marks = _first(_HEADING_MARK, prose)
            return len(marks) if self.level is None else sum(len(mark[1]) == self.level for mark in marks)
        return len(_first(_PATTERNS[name], prose))


@kind("sections", group="markdown", example="sections: [Summary, Findings, Limits]")
class Sections(Rule):
    """The Markdown headings with these titles are there, in this order, each with some text under it.

    Attributes:
        titles: The titles, without `#`; numbering before a title and a colon after it are passed over.
        only: Whether other headings are refused.
        filled: Whether a section needs a text of its own.
        case: Whether letter case counts: ignore, keep.
    """

    titles: Strings
    only: bool = False
    filled: bool = True
    case: Case = "ignore"

    def expected(self) -> str:
        return f"{'only ' if self.only else ''}the sections {listed(self.titles)}"

    def check(self, view: View) -> Outcome:
        prose, _ = without_code(view.text)
        found = [(self._form(match[2]), match.start(), match.end()) for match in _first(_HEADING, prose)]
        names = [name for name, _, _ in found]
        at, used = 0, []
        for title in self.titles:
            wanted = self._form(title)
            if wanted not in names[at:]:
                return Outcome(
                    0.0,
                    [cut(name) for name in names[:20]],
                    f"no section {title!r} {'after the others' if at else 'found'}",
                )
            at = names.index(wanted, at) + 1
            used.append(at - 1)
        if self.only and len(used) < len(names):
            return Outcome(0.0, [cut(name) for name in names[:20]], "there are other headings")
        for index in used if self.filled else ():
            end = found[index + 1][1] if index + 1 < len(found) else len(prose)
            if not any(char.isalnum() for char in prose[found[index][2] : end][:2000]) and "```" not in view.text:
                return Outcome(0.0, names[index], f"the section {names[index]!r} is empty")
        return Outcome(1.0, [cut(name) for name in names[:20]])

    def _form(self, title: str) -> str:
        title = " ".join(re.sub(r"^[\dIVX]{1,4}[.)][ \t]+", "", title[:200].strip()).split()).strip(" :#*_")
        return fold(title) if self.case == "ignore" else title
