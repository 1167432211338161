"""Find a reference's keywords in an answer: as the official checkers do, and rightly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from verifiers.catalog.ifeval.kinds import Unjudged
from verifiers.text import HAN, KANA, UNSPACED, normalise

KEPT = 4_096
"""Compiled patterns that are kept, so that each is made once for its group."""
MAX_OPTIONAL = 3
"""Most question marks in a regular expression of a reference that is run in the caller's process."""

_SPACED = rf"[^\W{HAN}{KANA}{UNSPACED}]"
_EDGE = re.compile(_SPACED)


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


@lru_cache(maxsize=KEPT)
def whole_word(keyword: str) -> re.Pattern[str]:
    """Return a pattern for a word or phrase as text, whatever the case, never inside a longer word.

    Scripts without spaces have no word ends, so there it is found anywhere.
    """
    keyword = normalise(keyword).strip()
    body = r"\s+".join(map(re.escape, keyword.split()))
    before = rf"(?<!{_SPACED})" if _EDGE.match(keyword[:1]) else ""
    after = rf"(?!{_SPACED})" if _EDGE.match(keyword[-1:]) else ""
    return re.compile(before + body + after, re.IGNORECASE)


def occurrences(keyword: str, text: str) -> int:
    """Count how often a word or phrase stands in a text."""
    return len(whole_word(keyword).findall(text))
