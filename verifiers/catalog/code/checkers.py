"""Hold a program's stdout against the expected one. Total, linear in what is expected and seen, on bytes.

tokens            the same words in the same order; white space does not matter
exact             the same bytes, but for one line end at the very end
float             as tokens; a word that is a number may differ by `abs` or by `rel` of the expected one, unless both
are whole numbers: those are equal or not, however long
unordered_lines   the same lines in any order, each as often; blank lines and white space in lines do not matter
"""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import zip_longest

from verifiers.catalog.code.show import show_text
from verifiers.catalog.code.task import Checker

MAX_FLOAT_CHARS = 400
"""Longest word that is read as a number with a point; whole numbers may have any length."""
SPARE_LINES = 1_000
"""Blank lines that `unordered_lines` passes over, besides as many as lines are expected."""

_WHOLE = re.compile(rb"[+-]?[0-9]++")
_NUMBER = re.compile(rb"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]{1,4}+)?")


def output_fault(checker: Checker, expected: bytes, seen: bytes) -> str:
    """Return why an output is not the expected one; empty = it is.

    Args:
        checker: Which of the checkers, and its tolerances; not a checker program.
        expected: The right output.
        seen: The program's.
    """
    if expected == seen:
        return ""
    if checker.name == "exact":
        return "" if _one_end(expected) == _one_end(seen) else _first_difference(expected, seen)
    if checker.name == "unordered_lines":
        return _lines_fault(expected, seen)
    return _words_fault(checker, expected, seen)


def _one_end(text: bytes) -> bytes:
    return text.removesuffix(b"\r\n" if text.endswith(b"\r\n") else b"\n")


def _first_difference(expected: bytes, seen: bytes) -> str:
    short = min(len(expected), len(seen))
    at = next((i for i in range(0, short, 4096) if expected[i : i + 4096] != seen[i : i + 4096]), short)
    at = next((i for i in range(at, min(at + 4096, short)) if expected[i] != seen[i]), short)
    return f"the output differs at byte {at}: expected {_here(expected, at)}, got {_here(seen, at)}"


def _here(text: bytes, at: int) -> str:
    return f"'{show_text(text[at : at + 20])}'" if at < len(text) else "the end"


def _words_fault(checker: Checker, expected: bytes, seen: bytes) -> str:
    wanted = expected.split()
    # No more words than are expected are made of an output that may be all words.
    words = seen.split(None, len(wanted))
    if len(words) <= len(wanted) and words == wanted:
        return ""
    if len(words) > len(wanted):
        more = show_text(words[-1], 40)
        return f"more words than the {len(wanted)} expected: '{more}'"
    for number, (want, word) in enumerate(zip_longest(wanted, words), 1):
        if word is None:
            return f"{len(words)} words, and {len(wanted)} are expected"
        if want != word and not (checker.name == "float" and _near(want, word, checker)):
            return f"word {number} is '{show_text(word, 60)}', expected '{show_text(want, 60)}'"
    return ""


def _near(want: bytes, word: bytes, checker: Checker) -> bool:
    """Whether two words are numbers that are near enough."""
    if _WHOLE.fullmatch(want) and _WHOLE.fullmatch(word):
        return _whole(want) == _whole(word)
    if max(len(want), len(word)) > MAX_FLOAT_CHARS or not (_NUMBER.fullmatch(want) and _NUMBER.fullmatch(word)):
        return False
    expected, seen = float(want), float(word)
    if not math.isfinite(expected) or not math.isfinite(seen):
        return False
    return abs(seen - expected) <= max(checker.atol, checker.rtol * abs(expected))


def _whole(word: bytes) -> tuple[bool, bytes]:
    """Return a whole number's sign and digits: exact for any length, where `int` takes quadratic time."""
    digits = word.lstrip(b"+-").lstrip(b"0")
    return word.startswith(b"-") and bool(digits), digits


def _lines_fault(expected: bytes, seen: bytes) -> str:
    wanted = _lines(expected)
    ends = seen.count(b"\n")
    if ends > 2 * len(wanted) + SPARE_LINES:
        return f"{ends:,} lines, and {len(wanted):,} are expected"
    found = _lines(seen)
    if len(found) != len(wanted):
        return f"{len(found):,} lines, and {len(wanted):,} are expected"
    missing = Counter(wanted) - Counter(found)
    return f"the line '{show_text(next(iter(missing)), 60)}' is missing" if missing else ""


def _lines(text: bytes) -> list[bytes]:
    return [b" ".join(line.split()) for line in text.split(b"\n") if line.strip()]
