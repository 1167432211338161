r"""Cut English text into sentences with the verdicts of NLTK's Punkt model, without NLTK and without its model.

A sentence may end at `.`, `!` or `?` before white space or certain punctuation. It does, unless the word before is a
known abbreviation, an initial, a number or an ellipsis, and the word after does not look like a sentence's start. How
words look in newspaper text (what Punkt learned from the Wall Street Journal) is approximated by short lists.

Source: Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary Detection", as `nltk.sent_tokenize` 3.9.
Known limit: the model's 20,000 orthographic contexts are replaced by `ORDINARY`; they only matter for a capitalised
word after an abbreviation, an ellipsis or an initial.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice, pairwise

from verifiers.catalog.ifeval.english import ABBREVIATIONS, AFTER_NUMBER, ALSO_NAMES, ORDINARY, STARTERS

_NON_WORD = r"[)\";}\]*:@'({\[?!‘’“”«»]"
_CONTEXT = re.compile(rf"[.?!](?:(?={_NON_WORD})|(?=\s+(\S)))")
_MULTI = r"(?:-{2,}|\.{2,}|(?:\.\s){2,}\.)"
_ENDS = rf"(?=\s|\Z|{_NON_WORD}|{_MULTI}|,(?=\Z|\s|{_NON_WORD}|{_MULTI}))"
_TOKEN = re.compile(rf"{_MULTI}|(?=[^(\"`{{\[:;&#*@)}}\]\-,])\S(?:(?!{_ENDS})\S)*+|\S")
_CLOSERS = re.compile(r"[\"')\]}‘’“”«»]++(?:\s+|(?=--)|$)", re.MULTILINE)
_NUMBER = re.compile(r"-?[.,]?\d[\d,.-]*\.?\Z")
_SPACES = "\n\t\r\x0b\x0c"
_SPACE = re.compile(r"\s")
MAX_STOPS = 5_000
"""What follows so many possible ends is one sentence."""
MAX_CONTEXT = 200
"""Most characters of the word before a possible end, and of the one after, that are looked at."""

KEPT_CONTEXTS = 8_192
"""Surroundings of a stop whose verdict is kept: a text's variants share nearly all of theirs."""


def sentences(text: str) -> list[str]:
    """Return the sentences, without the white space between them; linear time."""
    return [text[start:end] for start, end in spans(text)]


def count(text: str) -> int:
    """Return how many sentences there are."""
    if not _CONTEXT.search(text):
        return 0 if not text or text.isspace() else 1
    return sum(1 for _ in spans(text))


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of each sentence."""
    start = 0
    for end, following in _breaks(text):
        # Closing quotes and brackets after the stop belong to the sentence that it ends.
        closers = _CLOSERS.match(text, following)
        if closers:
            end, following = following + len(closers[0].rstrip()), closers.end()
        if start < end:
            yield start, end
        start = max(start, following)
    end = len(text.rstrip())
    if start < end:
        yield start, end


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    """Yield (offset after the stop, offset where the next sentence starts) of each boundary."""
    word_start = word_end = 0
    pending: re.Match[str] | None = None
    spaces = [" ", *(each for each in _SPACES if each in text)]
    for stop in islice(_CONTEXT.finditer(text), MAX_STOPS):
        start = _word_start(text, spaces, word_start, word_end, stop.start())
        # Stops within one word, as in "acting!!!", count once: at the last of them.
        if pending is not None and word_end <= start and _is_break(text, word_start, pending):
            yield pending.end(), pending.start(1) if pending[1] else pending.end()
        pending, word_start, word_end = stop, start, stop.start()
    if pending is not None and _is_break(text, word_start, pending):
        yield pending.end(), pending.start(1) if pending[1] else pending.end()


def _word_start(text: str, spaces: list[str], previous_start: int, previous_end: int, end: int) -> int:
    """Return where the word that ends before `end` starts; the previous word's start if nothing parts them."""
    space = max([text.rfind(each, previous_end, end) for each in spaces])
    # NLTK takes white space at the very place of the previous stop for none.
    return space + 1 if space > previous_end else previous_start


def _is_break(text: str, start: int, stop: re.Match[str]) -> bool:
    word = text[start : stop.start()]
    if stop[1] and word.isalpha() and word.isascii():
        if text[stop.start()] != ".":
            return True
        if len(word) > 1 and word.lower() not in ABBREVIATIONS:
            return True
    return _has_break(text[max(start, stop.start() - MAX_CONTEXT) : _context_end(text, stop)])


def _context_end(text: str, stop: re.Match[str]) -> int:
    if not stop[1]:
        return stop.end() + 1
    space = _SPACE.search(text, stop.start(1), stop.start(1) + MAX_CONTEXT)
    return space.start() if space else min(len(text), stop.start(1) + MAX_CONTEXT)


@lru_cache(maxsize=KEPT_CONTEXTS)
def _has_break(context: str) -> bool:
    """Whether a sentence ends at some token of the context but the last."""
    tokens = _TOKEN.findall(context)
    return any(_ends(token, following) for token, following in pairwise(tokens))


def _ends(token: str, following: str) -> bool:
    """Whether a sentence ends at a token, by its own form and by the look of the token after it."""
    if token in ("?", "!"):
        return True
    if not token.endswith("."):
        return False
    ellipsis = token.startswith("..") and token.strip(".") == ""
    bare = token[:-1].lower()
    if token == ".":
        abbreviation = False
    else:
        abbreviation = not token.endswith("..") and (bare in ABBREVIATIONS or bare.rpartition("-")[2] in ABBREVIATIONS)
    own = not ellipsis and not abbreviation and (token == "." or not token.endswith(".."))
    number = _NUMBER.match(token) is not None
    following_kind = _kind_of(following)
    if number and following_kind in AFTER_NUMBER:
        return False
    initial = len(token) == 2 and token[0].isalpha()
    looks = _looks_like_start(following, following_kind)
    if (
        (abbreviation or ellipsis)
        and not initial
        and (looks or (following[0].isupper() and following_kind in STARTERS))
    ):
        return True
    if (initial or number) and looks is False:
        return False
    if initial and looks is None and following[0].isupper() and following_kind not in ALSO_NAMES:
        return False
    return own


def _kind_of(token: str) -> str:
    lower = token.lower()
    if _NUMBER.match(lower):
        return "##number##"
    return lower[:-1] if len(lower) > 1 and lower.endswith(".") and not lower.endswith("..") else lower


def _looks_like_start(token: str, kind: str) -> bool | None:
    """Return what Punkt's orthographic heuristic says; `None` = cannot tell."""
    if token in (";", ":", ",", ".", "!", "?"):
        return False
    if token[0].isupper() and kind in ORDINARY:
        return True
    if token[0].islower():
        return False
    return None
