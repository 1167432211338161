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
_AFTER = rf"(?!_*{LETTER}|[{MARKS}]|\+\+|#(?!\w)|['’]t(?!\w))"


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
        self._patterns = [(key.split(" ", 1)[0], self._pattern(key), text) for key, text in self._texts.items()]

    def count(self, view: View) -> dict[str, int]:
        """Return how often each phrase occurs, 0 included."""
        whole = self._of(view)
        return {text: len(find.findall(whole)) if word in whole else 0 for word, find, text in self._patterns}

    def first(self, view: View, start: int = 0) -> Hit | None:
        """Return where the first phrase of the list that occurs does so, at or after an offset."""
        whole = self._of(view)
        for word, find, text in self._patterns:
            found = find.search(whole, start) if word in whole else None
            if found is not None:
                return Hit(text, *found.span())
        return None

    def _of(self, view: View) -> str:
        return view.folded if self._case == "ignore" else view.text

    def _key(self, text: str) -> str:
        text = " ".join(text.split())
        return fold(text) if self._case == "ignore" else text

    def _pattern(self, key: str) -> re.Pattern[str]:
        """Return the pattern of a phrase: its first word as a literal, which `re` finds fast, then its edges."""
        word, *more = map(re.escape, key.split(" "))
        rest = "".join(rf"\s++{each}" for each in more)
        if self._match == "substring":
            return re.compile(word + rest)
        return re.compile(f"{word}{self._before(key[0], word)}{rest}{self._after(key[-1])}")

    def _before(self, first: str, word: str) -> str:
        """Return what must not stand before the first word, as a look back over it."""
        if _WORD_EDGE.match(first):
            number = f"(?<![0-9][.,]{word})" if first.isdigit() else ""
            return f"(?<!{LETTER}{word})(?<!{LETTER}_{word})(?<![{MARKS}]{word}){number}"
        return "" if _FREE_EDGE.match(first) else f"(?<!{re.escape(first)}{word})"

    def _after(self, last: str) -> str:
        if _HANGUL.match(last) or _FREE_EDGE.match(last):
            return ""
        if last.isdigit():
            return _AFTER + r"(?![.,][0-9])"
        return _AFTER if _WORD_EDGE.match(last) else f"(?!{re.escape(last)})"
