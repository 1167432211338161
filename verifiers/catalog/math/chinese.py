"""Mathematics said in Chinese words, rewritten as formulas: x大于等于3, 1或2, 2根号3, 正负5, x的平方.

Only words next to formulas are exchanged; a sentence stays a sentence. Denials and estimates (不是5, 约5, 可能) stay
too, so that they are refused.
"""

from __future__ import annotations

import re

_HAN = "\u3400-\u9fff"
_FORMULA = rf"[^\s{_HAN}]"
_NUMERAL = "零一二三四五六七八九十百千万亿两半负"
_LEFT = rf"(?<=[^\s{_HAN},;]|[{_NUMERAL}])\s*+"
_RIGHT = rf"\s*+(?={_FORMULA}|[{_NUMERAL}根派正])"

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\A(?:开区间|闭区间|区间|集合|解集|点|坐标)(?:为|是)?\s*+(?=[\[({\\])"), ""),
    (re.compile(rf"(?:大于(?:或)?等于|不小于|大于或者等于){_RIGHT}"), r"\\ge "),
    (re.compile(rf"(?:小于(?:或)?等于|不大于|小于或者等于|不超过){_RIGHT}"), r"\\le "),
    (re.compile(rf"不等于{_RIGHT}"), r"\\ne "),
    (re.compile(rf"大于{_RIGHT}"), "> "),
    (re.compile(rf"小于{_RIGHT}"), "< "),
    (re.compile(rf"(?<=[A-Za-z)])\s*+等于{_RIGHT}"), "= "),
    (re.compile(rf"正负{_RIGHT}"), r"\\pm "),
    (re.compile(r"(?:三次根号)\s*+(\d+(?:\.\d+)?|[a-z])"), r"\\sqrt[3]{\1}"),
    (re.compile(r"根号(?:下)?\s*+(\d+(?:\.\d+)?|[a-z])"), r"\\sqrt{\1}"),
    (re.compile(r"根号(?:下)?\s*+(?=[({\\])"), r"\\sqrt "),
    (re.compile(rf"(?<![{_HAN}])(?:派|圆周率)(?![{_HAN}])"), r"\\pi "),
    (re.compile(r"(?<=[\dA-Za-z)])的平方(?!根)"), "^2"),
    (re.compile(r"(?<=[\dA-Za-z)])的立方(?!根)"), "^3"),
    (re.compile(r"(?<=[\dA-Za-z)])的(\d{1,4}|[a-z])次方"), r"^{\1}"),
    (re.compile(rf"零下(?=\s*+[\d{_NUMERAL}])"), "-"),
    (re.compile(rf"(?<![{_HAN}])负(?=\s*+[\dA-Za-z\\])"), "-"),
    (re.compile(rf"{_LEFT}比{_RIGHT}"), ":"),
    (re.compile(rf"(?:(?<=[,;])\s*+|{_LEFT})(?:或者?是?){_RIGHT}"), r" \\text{or} "),
    (re.compile(rf"(?:(?<=[,;])\s*+|{_LEFT})(?:并且|而且|且){_RIGHT}"), r" \\text{and} "),
    (re.compile(rf"{_LEFT}(?:以及|和|与|及){_RIGHT}"), r" \\text{and} "),
)
_SHARED = re.compile(
    r"\A(?P<name>[A-Za-z]\w?)\s*+(?P<first>(?:<|>|\\[lg]e )[^<>\\]{1,40}?)\s*+"
    r"(?P<word>\\text\{(?:and|or)\})\s*+(?P<second>(?:<|>|\\[lg]e ).{1,40})\Z"
)
"""A name with two bounds, of which only the first repeats the name: x > 1 and < 3."""
_HAS_HAN = re.compile(rf"[{_HAN}]")


def from_chinese(text: str) -> str:
    """Rewrite Chinese words between formulas as mathematics; everything else is left as it is."""
    if not _HAS_HAN.search(text):
        return text
    for pattern, new in _RULES:
        text = pattern.sub(new, text)
    return _SHARED.sub(r"\g<name>\g<first> \g<word> \g<name>\g<second>", text)
