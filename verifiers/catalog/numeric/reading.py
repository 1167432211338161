"""Read one stated quantity: its number, unit or label, percent sign, or range. Fails closed on several numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from verifiers.catalog.math.quantities import compound_quantity, split_quantity
from verifiers.catalog.math.units import Unit, parse_unit
from verifiers.catalog.math.words import number_words, percent_words
from verifiers.catalog.numeric.digits import NUMBER, Locale, digits_value

MAX_TEXT_CHARS = 400
"""Longer texts are no single quantity."""

_SIGN = r"(?:[-+−–－±]\s?)?+"
_CURRENCY = r"(?:(?:US|HK|CA|C|AU|A)?+[$＄]|[€£￡¥￥₹₩₽]|Rs\.?|(?:USD|EUR|GBP|CNY|RMB|JPY)(?=\s?\d))?+"
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "hundred": 2, "mn": 6, "bn": 9}
_ZH_SCALES = {"百": 2, "千": 3, "万": 4, "萬": 4, "十万": 5, "百万": 6, "千万": 7, "亿": 8, "億": 8, "万亿": 12}
_LEAD = re.compile(
    rf"(?P<sign>{_SIGN})(?P<money>{_CURRENCY})\s?(?P<sign2>{_SIGN})(?P<number>{NUMBER})"
    rf"(?:(?P<mixed>\s\d{{1,9}}\s?/\s?\d{{1,9}}(?![\d/]))|\s?/\s?(?P<below>\d[\d,]*+(?:\.\d++)?+)(?![/\d]))?+"
)
_SCALE = re.compile(
    r"\s?(?:(thousand|million|billion|trillion|hundred|mn|bn|k)(?![A-Za-z])|(万亿|[十百千]?[万萬]|[百千亿億]))", re.I
)
_PERCENT = re.compile(r"\s?(?:%|％|\\%|percent(?:age points?)?(?![A-Za-z])|per cent(?![A-Za-z])|pct\.?)", re.I)
_NUMBER = re.compile(NUMBER)
_OUT_OF = re.compile(
    r"\s?(?:points?\s)?(?:out of|of|／|分之)\s(?:a (?:possible |maximum (?:of )?)?)?(\d++)(?!\d|\.\d)", re.I
)
_RANGE_MARK = re.compile(rf"\s?(?:[-–—~～至到]|\bto\b|\band\b)\s?(?P<sign>{_SIGN})(?P<number>{NUMBER})", re.I)
_BETWEEN = re.compile(r"(?:between|from|in the range(?: of)?|介于|在)\s", re.I)
_APPROXIMATE = re.compile(
    r"(?:(?:is |was |of )?(?:approximately|approx\.?|about|around|roughly|nearly|circa|ca\.|exactly"
    r"|a total of|equal to|only)\s"
    r"|[~≈=:：]\s?|\\approx\s?|大约|约为?|共计?|等于|为)++",
    re.I,
)
_HEDGED = re.compile(
    r"(?<![A-Za-z])(?:or|maybe|perhaps|possibly|either|not|at least|at most|more than|less than|over|under|up to"
    r"|no more|unless|if"
    r"|versus|vs)(?![A-Za-z])|n['’]t\b|[<>≤≥≠?？]|±|至少|至多|超过|不到|大于|小于|或|不是|可能|也许",
    re.I,
)
_WEEKS_DAYS = re.compile(r"\A(\d{1,3})\s?(?:w|wk|wks)[\s,]{0,2}(\d{1,2})\s?d\Z", re.IGNORECASE)
_CLOCK = re.compile(r"(\d{1,2})[:：]00(?![:\d])\s?(?:(?:[ap]\.?m\.?|o['’]clock)(?![A-Za-z]))?", re.I)
_LATEX = (
    (re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|textit|operatorname)\s?\{([^{}]*+)\}"), r"\1"),
    (re.compile(r"\\[dtc]?frac\s?\{([^{}]*+)\}\s?\{([^{}]*+)\}"), r" \1/\2"),
    (re.compile(r"\\[,;:! ]|~|\\quad"), " "),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\^\s?\{?\\?(?:circ|degree)\}?"), "°"),
    (re.compile(r"\\([%$#&_])"), r"\1"),
)
_MATH_MARKS = re.compile(r"\\[()\[\]]|\$(?=[^\d\s]|\s*\Z)|(?<=[^\w\s])\$|\*\*|__|`")
_PAREN = re.compile(r"[（(\[][^()（）\[\]]{0,200}[)）\]]")
_LEADING = " \t\n,，;；!！\"'“‘*"
_TRAILING = " \t\n.。,，;；!！\"'”’*"


@dataclass(frozen=True, slots=True)
class Reading:
    """A quantity as stated.

    Attributes:
        value: Its number, in `unit`; the percent *number* if `percent`.
        unit: The unit, if it is one that can be converted.
        label: The words after the number that are no known unit.
        percent: Whether a percent sign or word followed.
        high: The upper end, if it is a range.
        out_of: b of "a out of b" and "a/b"; then `value` is a, and `fraction` is whether it was written a/b.
        fraction: See `out_of`.
        places: Decimal places shown; -1 = not written in decimals.
    """

    value: Fraction
    unit: Unit | None = None
    label: str = ""
    percent: bool = False
    high: Fraction | None = None
    out_of: Fraction | None = None
    fraction: bool = False
    places: int = -1


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a text is not one quantity."""

    reason: str


def tidy(text: str) -> str:
    r"""Remove LaTeX and Markdown around numbers: `$\frac{1}{2}\text{ kg}$` becomes `1/2 kg`."""
    if "\\" in text or "{" in text or "~" in text:
        for pattern, plain in _LATEX:
            text = pattern.sub(plain, text)
    return " ".join(_MATH_MARKS.sub("", text).split()).rstrip(_TRAILING).lstrip(_LEADING)


def read_quantity(text: str, locale: Locale = "auto", *, working: bool = False) -> Reading | Unread:
    """Read the one quantity that a text states.

    Args:
        text: An answer, at most `MAX_TEXT_CHARS`.
        locale: See `digits_value`.
        working: Whether a calculation may stand before the result ("3 + 4 = 7").
    """
    if len(text) > MAX_TEXT_CHARS:
        return Unread(f"an answer of more than {MAX_TEXT_CHARS} characters is no single quantity")
    plain = tidy(text)
    plain = _APPROXIMATE.sub("", plain, count=1) if _APPROXIMATE.match(plain) else plain
    if not plain:
        return Unread("there is no number")
    return _whole(plain, locale) or _sentence(plain, locale, working)


def _whole(text: str, locale: Locale) -> Reading | None:
    """Read a text that is nothing but a quantity, perhaps with a remark in parentheses."""
    bare = _PAREN.sub(" ", text).strip().rstrip(_TRAILING) if text[0] not in "([（" else text.strip("()（）[] ")
    bare = bare.replace("'", "") if ", " in bare and bare.startswith("'") else bare
    remark = text[len(bare) :] if text.startswith(bare) else ""
    if not bare or (remark and _HEDGED.search(remark)):
        return None
    if (clock := _CLOCK.fullmatch(bare)) is not None:
        return Reading(Fraction(int(clock[1])), label="o'clock")
    bare = _WEEKS_DAYS.sub(r"\1 weeks \2 days", bare)
    if (compound := compound_quantity(bare.replace("'", ""))) is not None:
        return Reading(compound[0], compound[1])
    return _leading(bare, locale) or _in_words(bare)


def _in_words(text: str) -> Reading | None:
    if (percent := percent_words(text)) is not None:
        return Reading(Fraction(percent), percent=True)
    if (number := number_words(text)) is not None:
        return Reading(Fraction(number))
    split = split_quantity(text)
    number = number_words(split[0]) if split is not None else None
    if split is not None and number is not None:
        return Reading(Fraction(number), split[1])
    return None


def _leading(text: str, locale: Locale) -> Reading | None:
    """Read a number at the start and give a meaning to all that follows it."""
    lead = _LEAD.match(text)
    if lead is None:
        return None
    reading = _number(lead, locale)
    if reading is None:
        return None
    at = lead.end()
    if not reading.fraction and (scale := _SCALE.match(text, at)):
        power = _SCALES[scale[1].lower()] if scale[1] else _zh_power(scale[2])
        reading, at = replace(reading, value=reading.value * 10**power, places=-1), scale.end()
        if text[at : at + 1].isdecimal():  # 3万5千
            return None
    if (sign := _PERCENT.match(text, at)) is not None:
        reading, at = replace(reading, percent=True), sign.end()
    if (high := _RANGE_MARK.match(text, at)) is not None:
        return _range(reading, high, text, locale)
    if (of := _OUT_OF.match(text, at)) is not None:
        reading, at = replace(reading, out_of=Fraction(int(of[1]))), of.end()
    return _with_rest(reading, text[at:].strip(_TRAILING), lead["money"])


def _zh_power(name: str) -> int:
    return _ZH_SCALES[name.replace("萬", "万").replace("億", "亿")]


def _number(lead: re.Match[str], locale: Locale) -> Reading | None:
    value = digits_value(lead["number"], locale)
    if value is None or (lead["sign"] and lead["sign2"]):
        return None
    sign = (lead["sign"] + lead["sign2"]).strip()
    if sign == "±":
        return None
    places = _places(lead["number"], value)
    negative = -1 if sign and sign != "+" else 1
    if lead["mixed"]:
        top, _, below = lead["mixed"].partition("/")
        if not int(below) or value.denominator != 1:
            return None
        return Reading(negative * (value + Fraction(int(top), int(below))))
    if lead["below"]:
        below_value = digits_value(lead["below"], locale)
        if not below_value:
            return None
        return Reading(negative * value, out_of=below_value, fraction=True)
    return Reading(negative * value, places=places)


def _places(token: str, value: Fraction) -> int:
    """Return how many decimals are shown; 0 for a whole number."""
    if any(mark in token for mark in "eE×x*·⋅\\"):
        return -1
    if value.denominator == 1 and not re.search(r"[.,]0+\Z", token):
        return 0
    return len(token) - 1 - max(token.rfind("."), token.rfind(","), token.rfind("٫"))


def _range(low: Reading, high: re.Match[str], text: str, locale: Locale) -> Reading | None:
    top = digits_value(high["number"], locale)
    if top is None or low.fraction:
        return None
    top = -top if high["sign"].strip() not in ("", "+") else top
    rest = _with_rest(Reading(top), _PERCENT.sub("", text[high.end() :], count=1).strip(_TRAILING), "")
    if rest is None or top < low.value:
        return None
    percent = low.percent or _PERCENT.match(text, high.end()) is not None
    return replace(low, high=top, unit=rest.unit, label=rest.label, percent=percent)


def _with_rest(reading: Reading, rest: str, money: str) -> Reading | None:
    """Give a meaning to what follows the number: a unit, or a label without numbers."""
    if not rest:
        return replace(reading, unit=parse_unit(money)) if money else reading
    joined = f"{money}{rest}" if money and rest[0] == "/" else rest
    unit = parse_unit(joined)
    if unit is not None:
        return replace(reading, unit=unit)
    label = re.sub(r"\b1\.73|\b10\s?[\^*]|(?<=[A-Za-zµμ])[23](?!\d)", "", rest)
    if (
        _HEDGED.search(label)
        or _NUMBER.search(label)
        or re.match(r"[-+*/×÷=^]\s?(?!1\.73)[\w(]?\d|[*×÷=^+]|[A-Za-z_]*\(", rest)
    ):
        return None
    if len(rest) <= 2 and rest.isascii() and rest.isalpha() and rest.lower() in _VARIABLES:
        return None
    if re.search(r"[-+*=^]\s?\d|\s[-+*/=]\s", rest):
        return None
    return replace(reading, label=rest, unit=_first_unit(rest) or (parse_unit(money) if money else None))


_VARIABLES = frozenset("x y z n a b i e pi".split())


def _first_unit(rest: str) -> Unit | None:
    """Return the unit that starts a label and goes on in words ("kg of rice", "years old")."""
    words = rest.split()
    for count in (3, 2, 1):
        unit = parse_unit(" ".join(words[:count])) if len(words) > count else None
        if unit is not None and words[count].lower() in _AFTER_UNIT:
            return unit
    return None


_AFTER_UNIT = frozenset("of old per long wide tall high in from each a away total more less left remaining".split())


def _sentence(text: str, locale: Locale, working: bool) -> Reading | Unread:
    """Read "x = 5", "Total: 5 kg", "5 apples are left": one number, or the last side of a calculation."""
    for mark in ("=", "≈", "\\approx", ":", "："):
        left, found, right = text.rpartition(mark)
        if not found or not right.strip() or (mark == ":" and left[-1:].isdecimal() and right[:1].isdecimal()):
            continue
        if _NUMBER.search(left) and not working:
            return Unread("the answer is a calculation, not one number")
        reading = _whole(right.strip(), locale)
        if reading is not None and not _HEDGED.search(left.replace("?", "")):
            return reading
    if between := _BETWEEN.match(text):
        reading = _whole(text[between.end() :], locale)
        return reading if reading is not None and reading.high is not None else Unread("the range cannot be read")
    numbers = list(_NUMBER.finditer(_PAREN.sub(lambda hit: " " * len(hit[0]), text)))
    if len(numbers) != 1:
        return Unread("there is no number" if not numbers else "several numbers are stated")
    return _only_number(text, numbers[0], locale)


def _only_number(text: str, number: re.Match[str], locale: Locale) -> Reading | Unread:
    start = number.start()
    while start and text[start - 1] in "-−–+$€£¥￥":
        start -= 1
    before = text[:start]
    if _HEDGED.search(text) or (before[-1:].isalnum() and before[-1:].isascii()) or before[-1:] in "*/^_(×÷+":
        return Unread("the number is hedged, or part of a formula")
    return _leading(text[start:], locale) or Unread("the number is part of something that cannot be read")
