"""Read digits with separators as several countries write them: 1,234.5 / 1.234,5 / 1 234,5 / 1'234 / 12,34,567.

Where a number is found in a text and what it is worth; no signs, units or words.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction
from typing import Literal, TypeAlias

MAX_DIGITS = 400
"""Longer numbers are not read."""
MAX_POWER = 400
"""Largest power of ten that is read."""

Locale: TypeAlias = Literal["auto", "point", "comma"]

NUMBER = (
    r"(?:\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}){1,8}+(?!\d)(?:[.,]\d++)?+"
    r"|\d++(?:[.,'’_٫٬]\d++)*+|(?<![\d.,])\.\d++)"
    r"(?:[eE][-+−]?\d{1,6}(?![\dA-Za-z])|\s?(?:[×x*·⋅]|\\times|\\cdot)\s?10\s?(?:\^|\*\*)\s?[({]?[-+−]?\d{1,6}[)}]?"
    r"|\s?[×x]\s?10[⁻⁺]?[⁰¹²³⁴-⁹]{1,4})?+"
)
"""A number without sign; use it with `re`, whose `\\d` knows the digits of every script."""
_MANTISSA = re.compile(r"[\d.,'’_٫٬ \u00a0\u2009\u202f]++(?=[eE]|\s?(?:[×x*·⋅\\])|\Z)")
_POWER = re.compile(r"[-+−]?\d++(?=[)}]?\Z)|[⁻⁺]?[⁰¹²³⁴-⁹]++\Z")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")
_GROUPERS = "'’_٬ \u00a0\u2009\u202f"
_EN_GROUPS = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")
_DE_GROUPS = re.compile(r"\d{1,3}(?:\.\d{3})+")


def digits_value(token: str, locale: Locale = "auto") -> Fraction | None:
    """Return the value of a text that `NUMBER` matched as a whole, or `None` if its separators make no sense.

    Args:
        token: The digits.
        locale: Which mark is decimal. `auto`: the last one where both occur; a comma before exactly three digits
            groups, any other lone comma is decimal; a lone point is decimal.
    """
    mantissa = _MANTISSA.match(token)
    if mantissa is None or len(token) > MAX_DIGITS:
        return None
    value = _plain(_ascii(mantissa[0].strip()), locale)
    if value is None or mantissa.end() == len(token):
        return value
    power = _POWER.search(token, mantissa.end())
    if power is None:
        return None
    exponent = int(_ascii(power[0].translate(_SUPERSCRIPTS)))
    return value * Fraction(10) ** exponent if abs(exponent) <= MAX_POWER else None


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char, char)) for char in text).replace("٫", ".").replace("٬", "'")


def _plain(text: str, locale: Locale) -> Fraction | None:
    for mark in _GROUPERS:
        if mark in text:
            if not _grouped(text, mark):
                return None
            text = text.replace(mark, "")
    if locale == "auto":
        locale = _guess(text)
    group, point = (",", ".") if locale == "point" else (".", ",")
    whole, mark, decimals = text.partition(point)
    if point in decimals or group in decimals:
        return None
    if group in whole and not (_EN_GROUPS if group == "," else _DE_GROUPS).fullmatch(whole):
        return None
    return Fraction(f"{whole.replace(group, '') or '0'}.{decimals or '0'}")


def _grouped(text: str, mark: str) -> bool:
    """Whether `mark` stands before groups of three digits only, up to the decimal mark."""
    pieces = re.split(r"[.,]", text.rpartition(mark)[0] + mark + text.rpartition(mark)[2])
    whole = pieces[0].split(mark)
    return mark not in "".join(pieces[1:]) and len(whole[0]) <= 3 and all(len(piece) == 3 for piece in whole[1:])


def _guess(text: str) -> Locale:
    comma, point = text.rfind(","), text.rfind(".")
    if comma >= 0 and point >= 0:
        return "point" if point > comma else "comma"
    if comma >= 0:
        return "point" if _EN_GROUPS.fullmatch(text) and not text.startswith("0") else "comma"
    return "comma" if text.count(".") > 1 else "point"
