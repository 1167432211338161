"""Read what a statement chooses: a letter, several letters, a letter with its text, or the text of an option."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from verifiers.catalog.choice.listed import MIN_TEXT_CHARS, Listed
from verifiers.catalog.choice.patterns import (
    CONNECTS,
    DENIED,
    LONE_LETTER,
    MARKER,
    OR,
    OR_MORE,
    PACKED,
    SENTENCE,
    SEPARATOR,
    SMALL,
    SPECIES,
    VERB_AFTER,
)

MAX_CLAUSE_CHARS = 400
"""A statement is read so far."""
MAX_LETTERS = 10


class Value(NamedTuple):
    """What was chosen: sorted letters, or the problem with it; `end` = the offset behind it."""

    letters: str
    end: int
    problem: str = ""


def value_at(text: str, at: int, listed: Listed) -> Value | None:
    """Read the choice that starts at an offset; `None` = none does."""
    line_end = text.find("\n", at, at + MAX_CLAUSE_CHARS)
    hi = line_end if line_end >= 0 else min(len(text), at + MAX_CLAUSE_CHARS)
    clause = text[at : clause_end(text, at, hi)]
    if (named := listed.named_by(clause)) is not None and len(clause.strip("().\"' ")) > 1:
        problem = "several options are offered" if _or_another(text, at, hi, listed, named) else ""
        return Value(named, at + len(clause), problem)
    if (packed := PACKED.match(text, at, hi)) is not None and _ascending(packed[1], listed):
        return Value(packed[1], packed.end())
    if (lone := LONE_LETTER.match(text, at, hi)) is not None and lone[1] in listed.letters:
        return _lettered(text, lone.start(1), lone.end(1), hi, listed)
    if (small := SMALL.match(text, at)) is not None:
        letter = (small[1] or small[2] or small[3]).upper()
        return Value(letter, small.end()) if letter in listed.letters else None
    return _by_text(text, at, hi, listed)


def clause_end(text: str, at: int, hi: int) -> int:
    """Return the offset of the sentence's end mark, or `hi`."""
    mark = SENTENCE.search(text, at, hi)
    return mark.start() if mark is not None else hi


def _ascending(letters: str, listed: Listed) -> bool:
    return all(a < b for a, b in pairwise(letters)) and set(letters) <= set(listed.letters)


def _or_another(text: str, at: int, hi: int, listed: Listed, letter: str) -> bool:
    """Whether an "or" is followed by the text of another option."""
    return any(listed.starting(text[more.end() : hi]) not in (None, letter) for more in OR.finditer(text, at, hi))


def _by_text(text: str, at: int, hi: int, listed: Listed) -> Value | None:
    letter = listed.starting(text[at:hi])
    if letter is None:
        return None
    clause = text[at : clause_end(text, at, hi)]
    offered = listed.within(clause, 1 if OR.search(clause) else MIN_TEXT_CHARS) - {letter}
    if _or_another(text, at, hi, listed, letter) or (offered and DENIED.search(text, at, hi) is None):
        return Value("", hi, "several options are offered")
    return Value(letter, hi)


def _lettered(text: str, start: int, end: int, hi: int, listed: Listed) -> Value | None:
    """Read a letter that may be an article or an initial, and what follows it."""
    letter = text[start]
    other = listed.starting(text[start:hi])
    if other is not None and len(listed.words[other]) > 1:  # "B cells", "C. difficile" are options' texts
        return _by_text(text, start, hi, listed)
    connected = CONNECTS.match(text, end)
    bracketed = text[end : end + 1] in ")）]}"
    rest = text[end:hi].lstrip(" )）]}.:：、,*-–—")
    own = listed.texts and listed.starting(rest) == letter
    if connected is None and not own and (letter in "AI" or not rest[:1].isupper()):
        return None
    if SPECIES.match(text, end) and not bracketed and not own and CONNECTS.match(text, end + 1) is None:
        return None
    named = listed.named_by(rest[: clause_end(rest, 0, len(rest))])
    if named is None and not own and text[end : end + 1] in ")）:：":
        named = listed.starting(rest)
    if named is not None and named != letter:
        return Value("", hi, f"the letter {letter} stands with the text of {named}")
    letters, at = _more_letters(text, letter, end, hi, listed.letters)
    problem = "several options are offered" if _offers_another(text, at, hi, letters) else ""
    return Value("".join(sorted(set(letters))), at, problem)


def _more_letters(text: str, letter: str, at: int, hi: int, allowed: str) -> tuple[str, int]:
    """Collect the letters listed with the first ("A, C and D"; "A) x, C) y")."""
    letters = letter
    at += text[at : at + 1] in ")）]}\"'”"
    for _ in range(MAX_LETTERS):
        separator = SEPARATOR.match(text, at, hi)
        nxt = LONE_LETTER.match(text, separator.end(), hi) if separator is not None else None
        if separator is None or nxt is None or nxt[1] not in allowed or CONNECTS.match(text, nxt.end()) is None:
            break
        comma = separator[0].strip()[:1] in (",", "，", ";")
        if comma and VERB_AFTER.match(text, nxt.end()) is not None:
            break
        letters, at = letters + nxt[1], nxt.end() + (text[nxt.end() : nxt.end() + 1] in ")）]}")
    denied = DENIED.search(text, at, hi)
    for marker in MARKER.finditer(text, at, hi):
        if (denied is not None and denied.start() < marker.start()) or VERB_AFTER.match(text, marker.end() - 1):
            break
        letters += marker[1] if marker[1] in allowed else ""
    return letters, at


def _offers_another(text: str, at: int, hi: int, letters: str) -> bool:
    more = OR_MORE.search(text, at, hi)
    return more is not None and more[1] not in letters and DENIED.search(text, at, more.start()) is None
