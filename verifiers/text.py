r"""Words, sentences, paragraphs and lines of a text in any script, and its normalised form. Linear time.

A word is a run of letters, marks and digits, joined over inner apostrophes, hyphens, underscores, decimal points and
thousands commas (`don't`, `well-known`, `1,234.5`). Scripts that are written without spaces count by their units: each
Han character and each kana is a word, as is each Thai, Lao, Khmer or Myanmar base letter with its marks. Hangul is
written with spaces and counts by them.

A sentence ends at `.`, `!`, `?` or their like in other scripts, closing quotes included; not inside a number, after
common abbreviations and initials, or before a small letter. An empty line and a list item also end it.

Known limits: no dictionary, so Thai words are not found; an abbreviation at a sentence's end joins two sentences.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_MARKS = 30
"""Longest run of combining marks that is put in order as a whole, as in Unicode's stream-safe text."""

SPARSE = 16
"""A text counts as nearly ASCII if it has fewer non-ASCII bytes than one in so many characters."""
MAX_SENTENCES = 50_000
"""A text is cut into at most so many sentences; the rest is one."""

HAN = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters, for use inside a regex class."""
KANA = "\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
"""Japanese syllables, for use inside a regex class."""
UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u1000-\u102a\u103f\u1780-\u17b3"
)
"""Base letters of Thai, Lao, Myanmar and Khmer, for use inside a regex class."""

FULL_WIDTH = {code: code - 0xFF01 + 0x21 for code in range(0xFF01, 0xFF5F)}
"""Full-width forms -> ASCII, as `str.translate` takes them."""
_IGNORABLE = (
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
)
"""What Unicode calls default ignorable: zero-width characters, direction controls, variation selectors, fillers."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]++")
_HIGH_IGNORABLE = re.compile("[\U000e0000-\U000e0fff]++")
_BLANKS = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x2800, 0x3000)
_REPLACED = re.compile("[" + "".join(map(chr, (*FULL_WIDTH, *_BLANKS, *_IGNORABLE))) + "\U000e0000-\U000e0fff]")
"""What `visible` changes; most texts in other scripts hold none of it."""
_LONG_MARKS = re.compile(rf"[^\w\x00-\x7f]{{{MAX_MARKS + 2},}}+")

_UNSPACED_MARK = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3"
MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711-\u074a"
    "\u0900-\u0903\u093a-\u094f\u0951-\u0963\u0981-\u0983\u09bc-\u09cd\u09d7\u0a01-\u0a03\u0a3c-\u0a51"
    "\u0a81-\u0a83\u0abc-\u0acd\u0b01-\u0b03\u0b3c-\u0b57\u0b82\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c56"
    "\u0c81-\u0c83\u0cbc-\u0cd6\u0d00-\u0d03\u0d3b-\u0d4d\u0d57\u0d81-\u0d83\u0dca-\u0ddf\u0f71-\u0f84\u200c\u200d"
)
"""Combining marks of the world's scripts, for use inside a regex class."""
_LETTER = rf"[^\W_{HAN}{KANA}{UNSPACED}]"
_JOINED = rf"(?:(?:['’\-‑_]|(?<=\d)[.,](?=\d)|[{MARKS}]++)(?={_LETTER}|[{MARKS}])|[{MARKS}]++)"
_WORD = re.compile(rf"{_LETTER}++(?:{_JOINED}{_LETTER}*+)*+|[{HAN}{KANA}]|[{UNSPACED}][{_UNSPACED_MARK}]*+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]++(?:(?:['\-_]|(?<=[0-9])[.,](?=[0-9]))[A-Za-z0-9]++)*+")

_ASCII_KINDS = bytes(ord("a" if chr(code).isalnum() else "'" if chr(code) in "'-_" else " ") for code in range(128)) * 2
_NUMBER_KINDS = bytes(ord("0" if chr(code).isdigit() else "." if chr(code) in ".," else " ") for code in range(128)) * 2
_RUN_AFTER_JOINER = re.compile(rb"'(?<!a')(?=a)")
_NUMBER_JOINER = re.compile(rb"\.(?<=0\.)(?=0)")

_CLOSERS = "\"'”’»)\\]}〉》」』】）］*_"
_ABBREVIATIONS = (
    *("[A-Z]", "Mr|Dr|Ms|Sr|Jr|St|Mt|Lt|vs|Co|No|Eq|Ch|pp|cf", "Mrs|Gen|Col|Rev|Hon|Gov|etc|Inc|Ltd|Nos|Fig|Sec|Vol"),
    *(r"e\.g|i\.e|a\.m|p\.m|U\.S|U\.K", "Prof|Capt|Corp", r"Ph\.D", "approx"),
)
"""Words whose full stop ends no sentence; those of one alternation have one length."""
_NO_END = "".join(rf"(?<!\b(?:{words})\.)" for words in _ABBREVIATIONS)
_NO_NUMBERING = r"(?<!^\d\.)(?<!^[ \d]\d\.)(?<!^ [ \d]\d\.)(?<!^  [ \d]\d\.)"
_WIDE_STOPS = "。！？｡।॥۔؟։።။។"
_STOPPED = rf"[{_CLOSERS}]*+(?=\s++[^a-z]|\s*+\Z)"
_END = re.compile(  # one class of characters first, since that is what `re` searches for fast
    rf"([.!?…\n{_WIDE_STOPS}]"
    rf"(?:(?<=[^\s.]\.)(?!\w)(?:\.++[!?…]*+|[!?…]++|{_NO_END}{_NO_NUMBERING}){_STOPPED}"
    rf"|(?<=[!?…])[.!?…]*+{_STOPPED}"
    rf"|(?<=[{_WIDE_STOPS}])[{_WIDE_STOPS}.!?…]*+[{_CLOSERS}]*+"
    r"|(?<=\n)(?=[ \t]*+(?:\n|(?:[-*+•]|\d{1,3}[.)]|#{1,6})[ \t]))))",
    re.MULTILINE,
)
_PARAGRAPH_BREAK = re.compile(r"(?:\n[ \t\f\v]*+(?=\n))++\n*+")
_HAS_WORD = re.compile(r"[^\W_]")


@lru_cache(maxsize=1)
def _plain_table() -> list[int | None]:
    """Return what each character of the first plane becomes: a list, since it is faster than a dict that misses."""
    table: list[int | None] = list(range(0x10000))
    for code, narrow in FULL_WIDTH.items():
        table[code] = narrow
    for code in _BLANKS:
        table[code] = ord(" ")
    for code in _IGNORABLE:
        table[code] = None
    return table


def visible(text: str) -> str:
    """Return the text with full-width forms as ASCII, every blank as a space, and without invisible characters."""
    if text.isascii() or _REPLACED.search(text) is None:
        return text
    extra_bytes = len(text.encode("utf-8", "surrogatepass")) - len(text)
    if extra_bytes < len(text) // SPARSE:  # to go through the few runs is faster than through all characters
        return _NOT_ASCII.sub(lambda run: _visible(run[0]), text)
    return _visible(text)


def _visible(text: str) -> str:
    text = text.translate(_plain_table())
    return text if text.isascii() else _HIGH_IGNORABLE.sub("", text)


def normalise(text: str) -> str:
    """Return the text as `visible` does, composed to NFC and with every line break as a newline."""
    if not text.isascii():
        text = _composed(visible(text))
    return with_newlines(text)


def _composed(text: str) -> str:
    """Compose to NFC; long runs of marks piece by piece, since to order them takes quadratic time."""
    if unicodedata.is_normalized("NFC", text):  # says no to unordered marks without putting them in order
        return text
    pieces, at = [], 0
    for run in _LONG_MARKS.finditer(text):
        for end in range(run.start() + MAX_MARKS, run.end(), MAX_MARKS):
            pieces.append(unicodedata.normalize("NFC", text[at:end]))
            at = end
    pieces.append(unicodedata.normalize("NFC", text[at:]))
    return "".join(pieces)


def with_newlines(text: str) -> str:
    """Return the text with every kind of line break as a newline."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        for odd in ("\u2028", "\u2029", "\x85"):
            text = text.replace(odd, "\n")
    return text


def words(text: str) -> list[str]:
    """Return the words as written, in order; see the module's docstring for what a word is."""
    return (_ASCII_WORD if text.isascii() else _WORD).findall(text)


def count_words(text: str) -> int:
    """Return how many words `words` finds, three times as fast where the text is ASCII."""
    if not text.isascii():
        return len(_WORD.findall(text))
    code = text.encode()
    kinds = code.translate(_ASCII_KINDS)
    runs = kinds.startswith(b"a") + kinds.count(b" a") + len(_RUN_AFTER_JOINER.findall(kinds))
    numbers = code.translate(_NUMBER_KINDS)
    return runs - len(_NUMBER_JOINER.findall(numbers)) if b"0.0" in numbers else runs


def sentences(text: str) -> list[str]:
    """Return the sentences without surrounding blanks; those after the first `MAX_SENTENCES` are one."""
    pieces = _END.split(text, maxsplit=MAX_SENTENCES)
    pieces.append("")
    whole = [(body + end).strip() for body, end in zip(pieces[::2], pieces[1::2], strict=True)]
    return [sentence for sentence in whole if sentence[:1].isalnum() or _HAS_WORD.search(sentence)]


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs: what empty lines separate, without surrounding blanks."""
    return [piece for raw in _PARAGRAPH_BREAK.split(with_newlines(text)) if (piece := raw.strip())]


def lines(text: str) -> list[str]:
    """Return the lines without their ends, empty ones included; a newline at the very end starts no further line."""
    found = with_newlines(text).split("\n")
    return found if found[-1] else found[:-1]
