r"""Answers whose form is told by the whole text: 101 base 2, 5°30', 6'3", 9 (apples), A and C, reals except 2."""

from __future__ import annotations

import re
from fractions import Fraction

from verifiers.catalog.math.tree import Based, Const, NamedSet, Neg, Node, Num, Quantity, Seq, SetOp, Sym, Words
from verifiers.catalog.math.units import is_label, parse_unit

_BASES = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "sixteen": 16, "bin": 2, "binary": 2, "oct": 8, "octal": 8, "dec": 10, "decimal": 10, "hex": 16,
    "hexadecimal": 16,
}  # fmt: skip
_PREFIXED = {"b": 2, "o": 8, "x": 16}
_BASED = re.compile(
    r"(?:\\(?:text|mathrm)\s?\{)?\(?([0-9A-F]{1,300}(?:\.[0-9A-F]{1,300})?)\)?\}?\s*+"
    r"(?:_\s*+\{?\s*+\(?(?:\\(?:text|mathrm)\s?\{)?\s*+(?:base )?(\d{1,2}|[a-z]{2,11})\s*+\}?\)?\s*+\}?"
    r"|,?\s*+(?:\\text\s?\{)?\s*+\(?\s*+(?:in )?base[- ]?(\d{1,2}|[a-z]{2,11})\s*+\)?\}?)"
)
_PREFIX = re.compile(r"0([box])([0-9A-Fa-f]{1,300})")
_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"
_ANGLE = re.compile(
    rf"(-?)({_NUMBER})\s*+\^\s*+\{{?\s*+\\circ\s*+\}}?[\s~]*+(\d{{1,2}}(?:\.\d{{1,9}})?)\s*+'(?:[\s~]*+({_NUMBER})\s*+(?:''|\"))?"
)
_FEET = re.compile(rf"(\d{{1,9}})\s*+'\s*+({_NUMBER})\s*+(?:''|\")")
_LABELLED = re.compile(rf"(-?{_NUMBER}|-?\d{{1,3}}(?:,\d{{3}})+)\s*+\(([A-Za-z][A-Za-z /^0-9-]{{1,60}})\)")
_LETTER = r"(?:\(\s*+(?:\\text\s?\{)?([A-J])\}?\s*+\)|(?:\\text\s?\{)?([A-J])\}?[.)]?(?![A-Za-z]))"
_GAP = r"(?:\s*+(?:[,;&]|\\&|\\text\s?\{\s*+and\s*+\}|and\b|,\s*+and\b)\s*+)"
_LETTERS = re.compile(rf"\s*+{_LETTER}(?:{_GAP}{_LETTER}){{1,7}}\s*+")
_ONE_LETTER = re.compile(r"[A-J](?![A-Za-z])")
_EXCEPT = re.compile(
    r"(?:all |any |the set of all )?(?:real numbers?|reals) (?:\w )?"
    r"(?:except|other than|excluding|but not|but)(?: for)? (.{1,80})"
)
_INFINITIES: dict[str, Node] = {
    **dict.fromkeys(["infinity", "inf", "oo", "positive infinity", "plus infinity", "+infinity", "正无穷", "正无穷大"],
                    Const("inf")),
    **dict.fromkeys(["negative infinity", "minus infinity", "-infinity", "-inf", "-oo", "负无穷", "负无穷大"],
                    Neg(Const("inf"))),
}  # fmt: skip
_PHRASES = {
    **dict.fromkeys(["dne", "d.n.e", "does not exist", "the limit does not exist", "limit does not exist",
                     "it does not exist", "doesn't exist", "不存在"], "does not exist"),
    **dict.fromkeys(["undefined", "not defined", "undef", "is undefined", "it is undefined"], "undefined"),
    **dict.fromkeys(["infinitely many", "infinitely many solutions", "infinite solutions",
                     "infinite number of solutions",
                     "an infinite number of solutions", "there are infinitely many solutions", "无数个解", "无穷多解",
                     "无数解", "无穷多个解"], "infinitely many"),
}  # fmt: skip
_OPTION_NAME = re.compile(
    r"(?:option|choice|answer choice|选项|选择|选)\s*+[:.]?\s*+\(?\s*+([A-J])\s*+[).]?", re.IGNORECASE
)


def form_of(text: str) -> Node | None:
    """Read an answer by its whole form; `None` when it has none of these forms."""
    if text[-1:] in "'\")}°" or "base" in text or text[:1] == "0" or "_" in text:
        return _based(text) or _angle(text) or _labelled(text)
    return None


def phrase_of(lowered: str) -> Node | None:
    """Read a lowercase phrase that stands for an infinite value, or for one of the standard verdicts."""
    found = _INFINITIES.get(lowered)
    if found is not None:
        return found
    phrase = _PHRASES.get(lowered)
    return Words(phrase) if phrase is not None else None


def letters_of(text: str) -> Words | None:
    """Read several options, "A, C" or "(A) and (C)", as one word AC."""
    if _ONE_LETTER.search(text) is None or not _LETTERS.fullmatch(text):
        return None
    letters = _ONE_LETTER.findall(text)
    return Words("".join(sorted(letters))) if len(set(letters)) == len(letters) else None


def option_name(bare: str) -> Sym | None:
    """Read "Option B" or 选B as the letter."""
    match = _OPTION_NAME.fullmatch(bare)
    return Sym(match[1].upper()) if match else None


def excepted(lowered: str) -> str | None:
    """Return what "all real numbers except ..." leaves out."""
    match = _EXCEPT.fullmatch(lowered)
    return match[1] if match else None


def reals_without(left_out: tuple[Node, ...]) -> Node:
    """Build the reals without some numbers."""
    return SetOp("minus", (NamedSet("R"), Seq("{}", left_out)))


def _based(text: str) -> Node | None:
    match = _BASED.fullmatch(text)
    if match is None:
        prefixed = _PREFIX.fullmatch(text)
        return _digits(prefixed[2].upper(), _PREFIXED[prefixed[1]]) if prefixed else None
    name = match[2] or match[3]
    base = int(name) if name.isdigit() else _BASES.get(name, 0)
    if not any(map(str.isdigit, match[1])) and (base != 16 or len(match[1]) < 2):
        return None
    return _digits(match[1], base)


def _digits(digits: str, base: int) -> Node | None:
    plain = digits.replace(".", "")
    if not 2 <= base <= 16 or base == 10 or any(int(digit, 16) >= base for digit in plain):
        return None
    whole, point, decimals = digits.partition(".")
    return Based((whole.lstrip("0") or "0") + point + decimals, base)


def _angle(text: str) -> Node | None:
    if match := _ANGLE.fullmatch(text):
        value = Fraction(match[2]) + Fraction(match[3]) / 60 + Fraction(match[4] or 0) / 3600
        unit = "degree"
        value = -value if match[1] else value
    elif match := _FEET.fullmatch(text):
        value, unit = 12 * Fraction(match[1]) + Fraction(match[2]), "inches"
    else:
        return None
    return Quantity(Num(value.numerator if value.denominator == 1 else value), parse_unit(unit), unit)


def _labelled(text: str) -> Node | None:
    match = _LABELLED.fullmatch(text)
    if match is None:
        return None
    number, label = Fraction(match[1].replace(",", "")), match[2].lower().strip()
    unit = parse_unit(match[2].strip())
    if unit is None and not is_label(label):
        return None
    places = len(match[1].partition(".")[2]) or -1
    return Quantity(Num(number.numerator if number.denominator == 1 else number, places), unit, label)
