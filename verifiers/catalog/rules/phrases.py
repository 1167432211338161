"""Find words and phrases as whole words, in every script.

A phrase is literal text: nothing in it is a pattern. Any run of blanks in it matches any run of blanks. Its edges are
word edges: "cat" is not in "concatenate", "C" not in "C++", "5" not in "1.5" nor "2,500", "don" not in "don't". Edges
in Han, kana, Thai, Lao, Khmer and Myanmar need none, for these scripts have no spaces; a Hangul word may take endings.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from verifiers.catalog.rules.view import View, fold
from verifiers.text import HAN, KANA, MARKS, UNSPACED, normalise

MAX_PHRASE_WORDS = 50
"""Longest phrase."""

Match = Literal["word", "substring"]
Case = Literal["ignore", "keep"]

LETTER = rf"[^\W_{HAN}{KANA}{UNSPACED}]"
"""A letter or digit of a script that is written with spaces, for use in a regex."""
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_WORD_EDGE = re.compile(rf"{LETTER}|[{MARKS}]")
_FREE_EDGE = re.compile(rf"[{HAN}{KANA}{UNSPACED}]")
_ASCII_LETTER = "[A-Za-z0-9]"


class Hit(NamedTuple):
    """A phrase that was found, as written in the rules, and its offsets in the view's text."""

    phrase: str
    start: int
    end: int


class Phrases:
    """Literal phrases to look for.

    Args:
        texts: The phrases.
        match: As whole words, or anywhere.
        case: Whether letter case counts.

    Raises:
        ValueError: If one is blank or has too many words.
    """

    def __init__(self, texts: tuple[str, ...], match: Match = "word", case: Case = "ignore") -> None:
        self._case, self._match = case, match
        self._texts: dict[str, str] = {}
        for text in texts:
            key = self._key(normalise(text))
            if not key:
                raise ValueError(f"{text!r} has no visible character, so it cannot be looked for")
            if key.count(" ") >= MAX_PHRASE_WORDS:
                raise ValueError(f"a phrase may have {MAX_PHRASE_WORDS} words: {text[:60]!r}")
            self._texts.setdefault(key, text)
        self._words = [(key.split(" ", 1)[0], key, text) for key, text in self._texts.items()]
        self._patterns: dict[tuple[str, bool], re.Pattern[str]] = {}

    def count(self, view: View) -> dict[str, int]:
        """Return how often each phrase occurs, 0 included."""
        whole = self._of(view)
        counts = {}
        for word, key, text in self._words:
            counts[text] = len(self._pattern(key, whole).findall(whole)) if word in whole else 0
        return counts

    def first(self, view: View, start: int = 0) -> Hit | None:
        """Return where the first phrase of the list that occurs does so, at or after an offset."""
        whole = self._of(view)
        for word, key, text in self._words:
            found = self._pattern(key, whole).search(whole, start) if word in whole else None
            if found is not None:
                return Hit(text, *found.span())
        return None

    def _of(self, view: View) -> str:
        return view.folded if self._case == "ignore" else view.text

    def _key(self, text: str) -> str:
        text = " ".join(text.split())
        return fold(text) if self._case == "ignore" else text

    def _pattern(self, key: str, whole: str) -> re.Pattern[str]:
        """Return the pattern of a phrase for a text, made when first needed."""
        plain = whole.isascii()
        pattern = self._patterns.get((key, plain))
        if pattern is None:
            body = _literal(key) if self._match == "substring" else _bounded(key, plain)
            pattern = self._patterns[key, plain] = re.compile(body)
        return pattern


def _literal(key: str) -> str:
    return r"\s++".join(map(re.escape, key.split(" ")))


def _bounded(key: str, plain: bool) -> str:
    """Return a phrase's pattern: its first word as a literal, which `re` finds fast, then its edges.

    Args:
        key: The phrase, blanks as single spaces.
        plain: Whether the text is ASCII, for which the classes of letters are small and quickly compiled.
    """
    word, *more = map(re.escape, key.split(" "))
    letter, marks = (_ASCII_LETTER, "") if plain else (LETTER, MARKS)
    rest = "".join(rf"\s++{each}" for each in more)
    return f"{word}{_before(key[0], word, letter, marks)}{rest}{_after(key[-1], letter, marks)}"


def _before(first: str, word: str, letter: str, marks: str) -> str:
    """Return what must not stand before the first word, as a look back over it."""
    if not _WORD_EDGE.match(first):
        return "" if _FREE_EDGE.match(first) else f"(?<!{re.escape(first)}{word})"
    mark = f"(?<![{marks}]{word})" if marks else ""
    number = f"(?<![0-9][.,]{word})" if first.isdigit() else ""
    return f"(?<!{letter}{word})(?<!{letter}_{word}){mark}{number}"


def _after(last: str, letter: str, marks: str) -> str:
    """Return what must not follow the last word."""
    if _HANGUL.match(last) or _FREE_EDGE.match(last):
        return ""
    if not _WORD_EDGE.match(last):
        return f"(?!{re.escape(last)})"
    mark = f"[{marks}]|" if marks else ""
    number = r"(?![.,][0-9])" if last.isdigit() else ""
    return rf"(?!_*+{letter}|{mark}\+\+|#(?!\w)|['’]t(?!\w)){number}"
