"""Read numbers written in words, English and (through `words_zh`) Chinese.

Accepts cardinals below 10^18 ("three hundred sixty-four thousand", "a hundred and five", "1.2 million", "two dozen"),
fractions ("one sixth", "two-thirds", "one and a half", "seven twenty-fifths", "one over six"), decimals ("three point
one four"), signs ("minus five"). The whole text must be used up.

Refuses what has two readings: "twenty and one" (a list), "twenty third" (an ordinal), "three hundred thousandths",
"one million and a half", digit by digit ("one two three"). Plain digits ("42") are the parser's, not ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

from verifiers.catalog.math.words_zh import ENDS, MAX_CHARACTERS, STARTS, Number, chinese_number, numeral

_SMALL = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
} | {"fourty": 40}
_SCALES = {
    word: 1000**power for power, word in enumerate("thousand million billion trillion quadrillion".split(), start=1)
}
_MULTIPLIERS = {"hundred", "dozen", *_SCALES}
_POINT_DIGITS = {word: value for word, value in _SMALL.items() if value < 10} | {"oh": 0, "o": 0}
_ONES_ORDINALS = {
    word: value
    for value, word in enumerate("first second third fourth fifth sixth seventh eighth ninth".split(), start=1)
}
_DENOMINATORS = (
    {word: value for word, value in _ONES_ORDINALS.items() if value > 2}
    | {word + "th": value for word, value in _SMALL.items() if value == 10 or value > 12}
    | {"eleventh": 11, "twelfth": 12, "half": 2, "quarter": 4, "hundredth": 100}
    | {word[:-1] + "ieth": value for word, value in _TENS.items()}
    | {word + "th": value for word, value in _SCALES.items()}
)
_ARTICLES = ("a", "an")
_MINUS = ("minus", "negative")
_FIRST_WORDS = frozenset({*_SMALL, *_TENS, *_ARTICLES, *_MINUS, "half", "point"})
_LAST_LETTERS = frozenset("dDnNfFrRsShH")

_HYPHEN = re.compile(r"(?<=[a-z0-9])[-\u2010\u2011](?=[a-z])")
_FIRST = re.compile(r"[a-zA-Z]++")
_SIGNED = ("-", "−", "－", "+")


def number_words(text: str) -> Number | None:
    """Return the number that the whole text spells, or `None`.

    Args:
        text: At most `MAX_CHARACTERS` characters; case, hyphens and a final full stop do not matter.

    Returns:
        An `int` where the value is whole, else a `Fraction`. 百分之五十 gives 1/2 (ask `percent_words` first).
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        return None
    head = _FIRST.match(text)
    if head is not None:
        return _english(text) if head[0].lower() in _FIRST_WORDS else None
    if text[0] in STARTS:
        return chinese_number(text)
    if text[-1] in ENDS and (text[0].isdecimal() or text[0] in _SIGNED[:3]):
        return chinese_number(text)
    if text[-1] in _LAST_LETTERS and (text[0] in _SIGNED or text[0].isdecimal()):
        return _english(text)
    return None


_PERCENT_ENDS = ("percent", "per cent", "pct", "pct.")


def percent_words(text: str) -> Number | None:
    """Return the percent *number* that the whole text spells: 50 for "fifty percent", "50 pct", 百分之五十, 五成.

    The sign `%` is the parser's, not ours.
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        return None
    if text[-1] in "tT.":
        lower = text.lower()
        end = next((end for end in _PERCENT_ENDS if lower.endswith(end)), None)
        return None if end is None else _counted(lower[: -len(end)].rstrip(" -"))
    if text[-1] == "成" or text.endswith("成半"):
        tenths = chinese_number(text.partition("成")[0])
        whole = tenths is not None and tenths.denominator == 1 and 0 < tenths <= 10
        return 10 * int(tenths) + (5 if text[-1] == "半" else 0) if whole and tenths is not None else None
    sign, hundredths, rest = text.partition("百分之")
    if not hundredths or sign not in ("", "负", "負", "-", "−"):
        return None
    value = _counted(rest)
    return None if value is None else -value if sign else value


def _counted(text: str) -> Number | None:
    """Read the number before "percent": digits, or words; "half a percent" and "a percent" too."""
    sign, digits = (-1, text[1:].lstrip()) if text.startswith(("-", "−", "－")) else (1, text)
    value = numeral(digits)
    if value is not None:
        return sign * value
    if text in _ARTICLES:
        return 1
    return number_words(text.removesuffix(" a"))


def _english(text: str) -> Number | None:
    sign = 1
    if text[0] in _SIGNED:
        sign, text = 1 if text[0] == "+" else -1, text[1:].lstrip()
        if not text[:1].isdecimal():
            return None
    lower = text.lower()
    if lower.endswith(".") and lower[-2:-1].isalpha():
        lower = lower[:-1]
    words = [_without_comma(word) for word in _HYPHEN.sub(" ", lower).split()]
    if words and words[0] in _MINUS:
        sign, words = -1, words[1:]
    value = _unsigned(words)
    if value is None:
        return None
    value *= sign
    return value.numerator if value.denominator == 1 else value


def _without_comma(word: str) -> str:
    """Drop the comma of "one million, two hundred thousand"; after anything smaller it separates a list."""
    return word[:-1] if word.endswith(",") and word[:-1] in _SCALES else word


def _unsigned(words: Sequence[str]) -> Number | None:
    if not words:
        return None
    if words[0] == "half":
        return _half(words[1:])
    if "point" in words:
        return _scaled(words, _decimal)
    for middle in (("over",), ("out", "of")):
        if middle[0] in words:
            return _over(words, middle)
    value = _cardinal(words)
    return _scaled(words, _mixed) if value is None else value


def _half(rest: Sequence[str]) -> Number | None:
    """Read "half", "half a million", "half a dozen"."""
    if not rest:
        return Fraction(1, 2)
    one = _cardinal(rest if rest[0] in _ARTICLES else ["a", *rest])
    return None if one is None else Fraction(one) / 2


def _scaled(words: Sequence[str], read: Callable[[Sequence[str]], Number | None]) -> Number | None:
    """Multiply what `read` finds by the scale word at the end, if there is one ("two and a half million")."""
    scale = _SCALES.get(words[-1])
    value = read(words if scale is None else words[:-1])
    return value if scale is None or value is None else value * scale


def _decimal(words: Sequence[str]) -> Number | None:
    point = words.index("point")
    digits = [_POINT_DIGITS.get(word) for word in words[point + 1 :]]
    whole = _cardinal(words[:point]) if point else 0
    if whole is None or whole.denominator != 1 or not digits or None in digits:
        return None
    return whole + Fraction(int("".join(map(str, digits))), 10 ** len(digits))


def _over(words: Sequence[str], middle: Sequence[str]) -> Fraction | None:
    at = words.index(middle[0])
    if tuple(words[at : at + len(middle)]) != tuple(middle):
        return None
    above, below = _cardinal(words[:at]), _cardinal(words[at + len(middle) :])
    return None if above is None or not below else Fraction(above) / below


def _mixed(words: Sequence[str]) -> Number | None:
    """Read a fraction, or "two and three quarters"; "one million and a half" could be 1 500 000, so it is refused."""
    if "and" not in words:
        return _fraction(words)
    at = len(words) - 1 - words[::-1].index("and")
    whole, part = _cardinal(words[:at]), _fraction(words[at + 1 :])
    if whole is None or part is None:
        return _fraction(words)
    if whole.denominator != 1 or not 0 < part < 1 or words[at - 1] in _SCALES or words[at - 1] == "dozen":
        return None
    return whole + part


def _fraction(words: Sequence[str]) -> Fraction | None:
    if len(words) < 2:
        return None
    last = "half" if words[-1] == "halves" else words[-1].removesuffix("s")
    plural = last != words[-1]
    cut, below, most = len(words) - 1, _DENOMINATORS.get(last), 10**18
    tens = _TENS.get(words[-2]) if len(words) > 2 else None
    if tens is not None and last in _ONES_ORDINALS:
        cut, below, most = cut - 1, tens + _ONES_ORDINALS[last], 100
    elif below == 1000 and words[-2] == "ten" and len(words) > 2:
        cut, below = cut - 1, 10**4
    top_words = words[:cut]
    if below is None or top_words[-1] in _MULTIPLIERS:
        return None
    top = 1 if tuple(top_words) in (("a",), ("an",)) else _cardinal(top_words)
    # "two third" is a slip for 2/3, but "twenty third" and "two hundredth" are ordinals.
    most = most if plural else 20 if below <= 10 else 2
    return Fraction(top, below) if isinstance(top, int) and top < most else None


def _cardinal(words: Sequence[str]) -> Number | None:
    """Read groups below 1000 with scale words in falling order; the last scale may be a fraction ("1.2 million")."""
    ended = [*words, ""]
    total: Number = 0
    at, limit, after_and = 0, 10**18, False
    while True:
        group = _group(ended, at)
        if group is None:
            return None
        value, at = group
        scale = _SCALES.get(ended[at])
        if scale is None:
            break
        if value == 0 or scale >= limit or after_and or (total and value >= 1000):
            return None
        total, limit, at = total + value * scale, scale, at + 1
        if at == len(words):
            return total
        if total.denominator != 1:
            return None
        after_and = ended[at] == "and"
        at += after_and
    if ended[at] in ("dozen", "dozens") and total == 0:
        value, at = value * 12, at + 1
    if at != len(words) or (total and not 0 < value < (100 if after_and else 1000)):
        return None
    return total + value


def _group(words: Sequence[str], at: int) -> tuple[Number, int] | None:
    """Read one group from `words[at]` on, as (value, next index): below 1000, "nineteen hundred", or digits."""
    if words[at] in _ARTICLES:
        first: tuple[Number, int] | None = (1, at + 1) if words[at + 1] in _MULTIPLIERS else None
    else:
        first = _below_hundred(words, at)
    if first is None:
        value = numeral(words[at])
        first = None if value is None else (value, at + 1)
    if first is None or words[first[1]] != "hundred":
        return first
    if not 0 < first[0] < 100:
        return None
    hundreds, at = first[0] * 100, first[1] + 1
    rest = _below_hundred(words, at + (words[at] == "and"))
    return (hundreds + rest[0], rest[1]) if rest is not None and rest[0] > 0 else (hundreds, at)


def _below_hundred(words: Sequence[str], at: int) -> tuple[int, int] | None:
    word = words[at]
    if word in _SMALL:
        return _SMALL[word], at + 1
    if word not in _TENS:
        return None
    ones = _SMALL.get(words[at + 1], 0)
    return (_TENS[word] + ones, at + 2) if 0 < ones < 10 else (_TENS[word], at + 1)
