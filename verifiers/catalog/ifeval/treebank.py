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


def tokens(text: str) -> list[str]:
    """Return the word tokens, punctuation included, sentence by sentence."""
    return _cut(_BETWEEN.join(punkt.sentences(text.replace(_BETWEEN, _ELSEWHERE))))


def count_capitals(text: str) -> int:
    """Count the tokens in capitals: only what stands between blanks and may hold one is cut."""
    pieces = [piece for piece in text.split() if not piece.islower() and not _CAPITALISED.fullmatch(piece)]
    return sum(map(str.isupper, _cut(" ".join(pieces))))


def words(text: str) -> list[str]:
    """Return the tokens that hold a letter or digit."""
    return only_words(tokens(text))


def only_words(tokens: list[str]) -> list[str]:
    """Return those of the tokens that hold a letter or digit."""
    return list(filter(_WORD_CHAR.search, tokens))


def _cut(text: str) -> list[str]:
    """Cut sentences that `_BETWEEN` parts; the steps' order matters."""
    text = " ".join(_OPENING.split(text))
    if '"' in text or "'" in text:
        text = _START_QUOTE.sub(" `` ", text)
        text = _LEADING_APOSTROPHE.sub("' ", text)
    text = _LAST_STOP.sub(r" . \1 ", text)
    text = _MARK_BEFORE_TEXT.sub(r" \1 \2", text)
    text = _LAST_MARK.sub(r" \1", text).replace(_BETWEEN, " ")
    text = " ".join(_ALONE.split(text))
    if '"' in text or "'" in text:
        text = text.replace("''", " '' ").replace('"', " '' ")
        text = " " + " ".join(text.split()) + " "
        text = _LONG_CLITIC.sub(r" \1 ", _CLITIC.sub(r" \1 ", text))
    if _may_be_fused(text):
        text = _FUSED.sub(_parted, f" {text} ")
    return text.split()


def _may_be_fused(text: str) -> bool:
    """Whether a fused word may be there, also with letters that only a regular expression takes for i or s."""
    lower = text.lower()
    if not lower.isascii():
        lower = lower.replace("i\u0307", "i").replace("\u0131", "i").replace("\u017f", "s")
    return any(word in lower for word in _FUSED_WORDS)


def _parted(match: re.Match[str]) -> str:
    first, second = (part for part in match.groups() if part)
    return f" {first} {second} "
