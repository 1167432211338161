"""Read numbers written in Chinese: 三分之一, 一万二千, 3万5千, 1.5亿, 三点一四, 负五, 一又二分之一, 壹佰贰拾.

Colloquial short forms are read as speakers mean them (一百五 = 150, 一万二 = 12000; with 零 it is 一百零五 = 105).
Two digits without a unit (三五 can mean "three to five"), ordinals (第三) and estimates (十几, 五左右) are refused.
"""

from __future__ import annotations

import re
from fractions import Fraction

MAX_CHARACTERS = 200
"""Longer texts are no number words."""

Number = int | Fraction

_SIMPLE = str.maketrans(
    "〇壹贰貳叁參肆伍陆陸柒捌玖两兩拾佰仟萬億點負－−",
    "零一二二三三四五六六七八九二二十百千万亿点负负负",
) | {ord("廿"): "二十", ord("卅"): "三十"}
_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_BIG = {"": 1, "万": 10**4, "亿": 10**8, "万亿": 10**12}

_TOKENS = re.compile(r"[0-9][0-9,]*+(?:\.[0-9]++)?+|.", re.DOTALL)
_NUMERAL = re.compile(r"(?:[0-9]{1,3}+(?:,[0-9]{3})++|[0-9]++)(?:\.[0-9]++)?+")
_SPLIT_DIGITS = re.compile(r"[0-9.]\s++[0-9.]")

STARTS = frozenset("零一二三四五六七八九十百千半负廿卅〇壹贰貳叁參肆伍陆陸柒捌玖两兩拾佰仟負")
"""Every Chinese character that such a number can start with."""
ENDS = frozenset("零一二三四五六七八九十百千万亿半廿卅〇壹贰貳叁參肆伍陆陸柒捌玖两兩拾佰仟萬億")
"""Every Chinese character that such a number can end with."""


def chinese_number(text: str) -> Number | None:
    """Return the number that the whole text spells in Chinese characters, or in digits with 十 百 千 万 亿.

    百分之五十 is the fraction 1/2 here; `percent_words` in `words` keeps the percent number.
    """
    if len(text) > MAX_CHARACTERS or _SPLIT_DIGITS.search(text):
        return None
    plain = "".join(text.translate(_SIMPLE).split())
    sign = -1 if plain.startswith(("负", "-")) else 1
    value = _unsigned(plain[1:] if sign < 0 else plain)
    return None if value is None else _shorten(sign * value)


def numeral(text: str) -> Number | None:
    """Return the value of plain digits with an optional decimal part and thousands separators."""
    if not _NUMERAL.fullmatch(text):
        return None
    return _shorten(Fraction(text.replace(",", "")))


def _shorten(value: Number) -> Number:
    return value.numerator if value.denominator == 1 else value


def _unsigned(text: str) -> Number | None:
    if text in ("半", "一半"):
        return Fraction(1, 2)
    if text.endswith("个半"):
        whole = _decimal(text[:-2])
        return None if whole is None or whole.denominator != 1 else whole + Fraction(1, 2)
    whole_text, mixed, rest = text.rpartition("又")
    below, fraction, above = rest.partition("分之")
    if not fraction:
        return None if mixed else _decimal(rest)
    part = _ratio(below, above)
    if part is None or not mixed:
        return part
    whole = _decimal(whole_text)
    return None if whole is None or whole.denominator != 1 or not 0 < part < 1 else whole + part


def _ratio(below: str, above: str) -> Fraction | None:
    sign = -1 if above.startswith("负") else 1
    denominator, numerator = _decimal(below), _decimal(above[1:] if sign < 0 else above)
    if denominator is None or numerator is None or denominator == 0:
        return None
    return Fraction(sign * numerator) / denominator


def _decimal(text: str) -> Number | None:
    whole_text, point, tail = text.partition("点")
    if not point:
        return _cardinal(text) if text else None
    digits = tail.rstrip("万亿")
    scale = _BIG.get(tail[len(digits) :])
    whole = _cardinal(whole_text) if whole_text else None
    if scale is None or whole is None or whole.denominator != 1 or not digits or any(d not in _DIGITS for d in digits):
        return None
    value = int("".join(str(_DIGITS[digit]) for digit in digits))
    return scale * (whole + Fraction(value, 10 ** len(digits)))


def _cardinal(text: str) -> Number | None:
    """Read an integer; only digits before a unit may have a decimal part (1.5亿)."""
    positional = _positional(text)
    if positional is not None:
        return positional
    for name in ("亿", "万"):
        high, unit, low = text.rpartition(name)
        if unit:
            return _join(high, low, _BIG[name])
    return _section(text)


def _positional(text: str) -> int | None:
    if any(char not in _DIGITS for char in text) or (len(text) == 2 and (text[0] == "零" or "零" not in text)):
        return None
    return int("".join(str(_DIGITS[char]) for char in text))


def _join(high_text: str, low_text: str, unit: int) -> Number | None:
    if "亿" in high_text or (unit == _BIG["万"] and "万" in high_text):
        return None
    high = (_cardinal(high_text) if unit == _BIG["亿"] else _section(high_text)) if high_text else None
    if not high:
        return None
    if not low_text:
        return high * unit
    if low_text in _DIGITS:
        low: Number | None = _DIGITS[low_text] * unit // 10
    else:
        rest = low_text.removeprefix("零")
        low = _cardinal(rest) if rest else None
    if low is None or high.denominator != 1 or low.denominator != 1 or not 0 < low < unit:
        return None
    if low_text.isascii() and len(low_text.replace(",", "")) != len(str(unit)) - 1:
        return None
    return high * unit + low


def _section(text: str) -> Number | None:
    """Read what stands before 万 or 亿, or at the end: units in falling order, 零 where one is left out."""
    total: Number = 0
    pending: Number | None = None
    limit, after_zero = 10**4, False
    for token in _TOKENS.findall(text):
        if token in _UNITS:
            unit = _UNITS[token]
            if unit >= limit or (pending is None and total != 0 and unit != 10):
                return None
            total, limit = total + (1 if pending is None else pending) * unit, unit
            pending, after_zero = None, False
        elif token == "零":
            if pending is not None or total == 0 or after_zero:
                return None
            after_zero = True
        else:
            value = _DIGITS.get(token) if token in _DIGITS else numeral(token)
            if value is None or pending is not None or (total != 0 and value not in range(1, 10)):
                return None
            pending = value
    if pending is None:
        return None if after_zero or total == 0 else total
    if total == 0 or limit == 10 or after_zero:
        return total + pending
    return total + pending * limit // 10 if text[-1] in _DIGITS else None
