r"""Cut English text into word tokens as `nltk.word_tokenize` does, without NLTK.

Per sentence: quotes, brackets and most punctuation stand alone, the last full stop is cut off, and contractions are cut
(`can't` = `ca` + `n't`, `cannot` = `can` + `not`, `it's` = `it` + `'s`).

Source: the Penn Treebank's tokenisation as refined in NLTK 3.9 (`NLTKWordTokenizer`).
"""

from __future__ import annotations

import re

from verifiers.catalog.ifeval import punkt

_BETWEEN = "\udfff"
"""Stands between sentences while all are cut at once: no text that could be encoded holds it."""
_ELSEWHERE = "\udffe"

_OPENING = re.compile(r"([«“‘„]|`{1,2})")
_START_QUOTE = re.compile(rf"(?<![^{_BETWEEN}])\"|(?<=[ (\[{{<])(?:\"|'')")
_LEADING_APOSTROPHE = re.compile(r"(?<!\w)'(?!(?i:re|ve|ll|m|t|s|d|n)\b)(?=\w)")
_LAST_STOP = re.compile(rf"(?<=[^.{_BETWEEN}])\.([\])}}>\"' »”’]*+)\s*+(?={_BETWEEN}|\Z)")
_MARK_BEFORE_TEXT = re.compile(rf"([:,])([^\d{_BETWEEN}])")
_LAST_MARK = re.compile(rf"([:,])(?={_BETWEEN}|\Z)")
_ALONE = re.compile(r"(\.{2,}|--|[;@#$%&?!*\]\[(){}<>\u2012-\u2015»”’])")
_CLITIC = re.compile(r"(?<=[^' ])('[sSmMdD]?) ")
_LONG_CLITIC = re.compile(r"(?<=[^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ")
_FUSED = re.compile(
    r"(?i)\b(?:(can)(not)|(d)('ye)|(gim)(me)|(gon)(na)|(got)(ta)|(lem)(me)|(more)('n)|(wan)(na)(?=\s))\b"
    r"| ('t)(is|was)\b"
)
_CAPITALISED = re.compile(r"[A-Z][a-z]+[.,;:!?]?")
_FUSED_WORDS = ("cannot", "d'ye", "gimme", "gonna", "gotta", "lemme", "more'n", "wanna", "'tis", "'twas")
_WORD_CHAR = re.compile(r"[^\W_]")

MAX_KEPT = 4_096
"""Sentences whose cut is kept: the texts that loose strictness tries share nearly all of theirs."""
MAX_KEPT_CHARS = 500
"""Longest sentence that is kept."""
_kept: dict[str, str] = {}


def tokens(text: str) -> list[str]:
    """Return the word tokens, punctuation included, sentence by sentence."""
    sentences = punkt.sentences(text.replace(_BETWEEN, _ELSEWHERE))
    found = {sentence: _kept.get(sentence, "") for sentence in sentences}
    if new := [sentence for sentence, cut in found.items() if not cut]:
        found.update(zip(new, _cut(_BETWEEN.join(new)).split(_BETWEEN), strict=True))
        if len(_kept) + len(new) > MAX_KEPT:
            _kept.clear()
        _kept.update((sentence, found[sentence]) for sentence in new[:MAX_KEPT] if len(sentence) <= MAX_KEPT_CHARS)
    return " ".join([found[sentence] for sentence in sentences]).split()


def count_capitals(text: str) -> int:
    """Count the tokens in capitals: only what stands between blanks and may hold one is cut."""
    pieces = [piece for piece in text.split() if not piece.islower() and not _CAPITALISED.fullmatch(piece)]
    return sum(map(str.isupper, _cut(" ".join(pieces)).split()))


def words(text: str) -> list[str]:
    """Return the tokens that hold a letter or digit."""
    return list(filter(holds_word, tokens(text)))


def holds_word(token: str) -> bool:
    """Whether a token holds a letter or digit."""
    return _WORD_CHAR.search(token) is not None


def _cut(text: str) -> str:
    """Put blanks between the tokens of sentences that `_BETWEEN` parts; the steps' order matters."""
    text = " ".join(_OPENING.split(text))
    if '"' in text or "'" in text:
        text = _START_QUOTE.sub(" `` ", text)
        text = _LEADING_APOSTROPHE.sub("' ", text)
    text = _LAST_STOP.sub(r" . \1 ", text)
    text = _MARK_BEFORE_TEXT.sub(r" \1 \2", text)
    text = _LAST_MARK.sub(r" \1", text).replace(_BETWEEN, f" {_BETWEEN} ")
    text = " ".join(_ALONE.split(text))
    if '"' in text or "'" in text:
        text = text.replace("''", " '' ").replace('"', " '' ")
        text = " " + " ".join(text.split()) + " "
        text = _LONG_CLITIC.sub(r" \1 ", _CLITIC.sub(r" \1 ", text))
    if _may_be_fused(text):
        text = _FUSED.sub(_parted, f" {text} ")
    return text


def _may_be_fused(text: str) -> bool:
    """Whether a fused word may be there, also with letters that only a regular expression takes for i or s."""
    lower = text.lower()
    if not lower.isascii():
        lower = lower.replace("i\u0307", "i").replace("\u0131", "i").replace("\u017f", "s")
    return any(word in lower for word in _FUSED_WORDS)


def _parted(match: re.Match[str]) -> str:
    first, second = (part for part in match.groups() if part)
    return f" {first} {second} "
