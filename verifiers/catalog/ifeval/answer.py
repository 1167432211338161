"""One text under check, and what several instructions want to know of it: worked out once, on first use."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TypeAlias

from verifiers import text as scripts
from verifiers.catalog.ifeval import punkt, treebank

_MARKS = (("’", "'"), ("‘", " "), ("“", " "), ("”", " "), ("—", " "), ("–", " "), ("…", " "), ("•", " "))
"""Marks of English text that is otherwise ASCII, and what they are for counting words."""

_BLANKED = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}
_WORD_RUN = re.compile(r"\w+")
_ODD_CASES = re.compile("[\u0130\u0131\u017f]")


def _spaced(text: str) -> str:
    """Return the text with English typographic marks as ASCII, without new word ends."""
    if not text.isascii():
        for mark, plain in _MARKS:
            text = text.replace(mark, plain)
    return text


Count: TypeAlias = Callable[[str], int]


class Answer:
    """A text and its views.

    Attributes:
        text: As it is judged: in mode robust it was normalised.
        robust: Whether the right verdict is wanted, rather than the official one.
    """

    def __init__(self, text: str, robust: bool, kept: dict[tuple[Count, str], int] | None = None) -> None:
        self.text = text
        self.robust = robust
        self._kept = kept  # what was counted in the paragraphs of texts that share most of them

    def total(self, count: Count) -> int:
        """Count something that never reaches over an empty line: the sum over the paragraphs."""
        kept = self._kept
        if kept is None:
            return count(self.text)
        found = 0
        for paragraph in self.text.split("\n\n"):
            key = (count, paragraph)
            if key not in kept:
                kept[key] = count(paragraph)
            found += kept[key]
        return found

    @cached_property
    def lower(self) -> str:
        """The text in small letters."""
        return self.text.lower()

    @cached_property
    def words(self) -> list[str]:
        """The words as a reader counts them, in any script."""
        return words_of(self.text)

    @cached_property
    def word_count(self) -> int:
        """How many words there are, as a reader counts them."""
        return self.total(_count_words)

    @cached_property
    def word_runs(self) -> int:
        r"""How many runs of `\w` there are: the words as the official checkers count them."""
        text = _spaced(self.text)
        return len(text.translate(_BLANKED).split()) if text.isascii() else len(_WORD_RUN.findall(text))

    @cached_property
    def odd_cases(self) -> bool:
        """Whether there are letters that a regular expression takes for i and s, and `str.lower` does not."""
        return not self.text.isascii() and _ODD_CASES.search(self.text) is not None

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences as the official checkers' tokeniser cuts them."""
        return punkt.sentences(self.text)

    @cached_property
    def tokens(self) -> list[str]:
        """The word tokens as the official checkers' tokeniser cuts them."""
        return treebank.tokens(self.text)


def words_of(text: str) -> list[str]:
    """Return the words of a text as a reader counts them, in any script."""
    return scripts.words(_spaced(text))  # ASCII is read twice as fast


def _count_words(text: str) -> int:
    return scripts.count_words(_spaced(text))


def normalised(text: str) -> str:
    """Return the text normalised; English with typographic marks has nothing to normalise but its line breaks."""
    rest = text
    if not text.isascii():
        for mark, _ in _MARKS:
            rest = rest.replace(mark, "")
    return scripts.with_newlines(text) if rest.isascii() else scripts.normalise(text)


def loosened(text: str) -> list[str]:
    """Return the other texts that loose strictness also tries: without asterisks, first line, last line, or several.

    Those that are blank, or equal to the text or to one before, are left out.
    """
    second, last = text.find("\n") + 1, max(0, text.rfind("\n"))
    cut = [text[second:].strip() if second else "", text[:last].strip(), text[second:last].strip()]
    tried = [text.replace("*", ""), *cut, *(each.replace("*", "") for each in cut)] if "*" in text else cut
    found = [text]
    for each in tried:  # to compare is faster than to hash: mostly the lengths differ
        if each not in found and each.strip():
            found.append(each)
    return found[1:]
