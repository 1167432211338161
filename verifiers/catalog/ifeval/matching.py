"""Find a reference's keywords in an answer: as the official checkers do, and rightly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from verifiers.catalog.ifeval.answer import Answer
from verifiers.catalog.ifeval.kinds import Unjudged
from verifiers.text import HAN, KANA, UNSPACED, normalise

KEPT = 4_096
"""Compiled patterns that are kept, so that each is made once for its group."""
MAX_OPTIONAL = 3
"""Most question marks in a regular expression of a reference that is run in the caller's process."""

_SPACED = re.compile(rf"[^\W{HAN}{KANA}{UNSPACED}]")
_WORD_CHAR = re.compile(r"\w")
_PLAIN = re.compile(r"[A-Za-z0-9 '\-]+")


@lru_cache(maxsize=KEPT)
def official(pattern: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """Compile a text of the reference as the official checkers do: as a regular expression.

    Raises:
        Unjudged: If it is none; the official checker raises too.
    """
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise Unjudged(
            f"the official checker takes {pattern!r:.80} for a regular expression, and it is none ({error}); "
            "mode=robust takes it as text"
        ) from error


def is_bounded(patterns: Sequence[str]) -> bool:
    """Whether searching for the texts as regular expressions takes linear time at most."""
    return not any(each.count("?") > MAX_OPTIONAL or not {"*", "+", "{"}.isdisjoint(each) for each in patterns)


def official_count(pattern: str, answer: Answer) -> int:
    """Count the matches of a regular expression, whatever the case; for plain words without running it."""
    if is_plain(pattern, answer):
        return answer.lower.count(pattern.lower())
    return len(official(pattern).findall(answer.text))


def is_plain(pattern: str, answer: Answer) -> bool:
    """Whether a regular expression means itself, and letters have no third form in the answer."""
    return _PLAIN.fullmatch(pattern) is not None and not answer.odd_cases


def official_word(pattern: str, answer: Answer) -> bool:
    r"""Whether a regular expression matches between `\b`; plain words are looked up without running it."""
    if not (is_plain(pattern, answer) and pattern[0].isalnum() and pattern[-1].isalnum()):
        return official(rf"\b{pattern}\b").search(answer.text) is not None
    word, text = pattern.lower(), answer.lower
    start = text.find(word)
    while start >= 0:
        if not (start and _WORD_CHAR.match(text, start - 1)) and not _WORD_CHAR.match(text, start + len(word)):
            return True
        start = text.find(word, start + 1)
    return False


@lru_cache(maxsize=KEPT)
def _whole_word(keyword: str) -> tuple[str, bool, bool, re.Pattern[str] | None]:
    """Return a keyword in small letters, whether a letter may not stand before and after it, and a phrase's pattern."""
    parts = normalise(keyword).lower().split()
    before, after = bool(parts and _SPACED.match(parts[0][0])), bool(parts and _SPACED.match(parts[-1][-1]))
    phrase = re.compile(r"\s+".join(map(re.escape, parts))) if len(parts) > 1 else None
    return (parts[0] if parts else keyword), before, after, phrase


def occurrences(keyword: str, answer: Answer) -> int:
    """Count how often a word or phrase stands in an answer as text, whatever the case, never inside a longer word.

    Scripts without spaces have no word ends, so there it is found anywhere.
    """
    first, before, after, phrase = _whole_word(keyword)
    text, count = answer.lower, 0
    start = text.find(first)
    while start >= 0:
        found = phrase.match(text, start) if phrase else None
        end = found.end() if found else start + len(first)
        inside = (before and start > 0 and _SPACED.match(text, start - 1)) or (after and _SPACED.match(text, end))
        counts = not inside and (found is not None or phrase is None)
        count += counts
        start = text.find(first, end if counts else start + 1)
    return count
