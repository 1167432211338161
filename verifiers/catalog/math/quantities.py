"""Split a quantity into its number, as text, and its unit: "5 cm", "$1,250", 50元, "fifty dollars", "6 feet 3 inches".

`split_quantity` is for one number with one unit; the number's text goes to the parser or to `number_words`.
`compound_quantity` adds up falling units of one dimension ("1 h 30 min", "5° 10′ 3″", 5元3角).
"""

from __future__ import annotations

import re
from fractions import Fraction

from verifiers.catalog.math.units import MAX_CHARACTERS, Unit, convert, is_ambiguous, parse_unit
from verifiers.catalog.math.words import number_words
from verifiers.catalog.math.words_zh import numeral

MAX_STARTS = 8
"""Places, counted from the end, at which a unit may start after an expression that is no plain number."""
MAX_SCALE_WORDS = 5
MAX_PIECES = 4
"""Units in one compound quantity."""

_CHINESE = "\u3400-\u9fff"
_UNIT_CHARACTERS = re.compile(rf"[A-Za-z{_CHINESE}$＄€£￡¥￥₹₩₽¢￠%℃℉㎡°º′″'\"ΩΩÅÅℓ]")
_NUMBER = re.compile(
    r"""[-+−]?+\s*+(?:[0-9]++(?:,[0-9]++)*+(?:\.[0-9]*+)?+|\.[0-9]++)
    (?:[eE][-+]?+[0-9]++)?+
    (?:\s++[0-9]++\s*+/\s*+[0-9]++|\s*+/\s*+[0-9]++)?+
    (?:\s*+[×*x·⋅]\s*+10\s*+(?:(?:\^|\*\*)\s*+\{?+[-+−]?+[0-9]++\}?+|[⁻⁺]?+[⁰¹²³⁴-⁹]++))?+
    """,
    re.VERBOSE,
)
_MONEY_FIRST = re.compile(r"([-+−]?+)\s*+((?:US|HK|CA|C|AU|A)?+[$＄]|[€£￡¥￥₹₩₽]|Rs\.?+(?=\s*+[0-9]))\s*+([-+−]?+)")
_SCALE_WORD = re.compile(
    r"\s*+(?:(?:hundred|thousand|million|billion|trillion|dozen|and|an?|half|quarters|quarter)(?![A-Za-z])|[万亿千百十半]|个半)",
    re.IGNORECASE,
)
_DESCRIPTION = re.compile(
    r"\s(?:long|wide|tall|high|deep|thick|old|away|apart|in (?:length|width|height|area|volume))\.?+$"
)
_START = re.compile(
    rf"(?<=[\s)}}\]0-9π√零一二三四五六七八九两十百千万亿半])(?=[A-Za-z{_CHINESE}$＄€£￡¥￥₹₩₽¢￠℃℉㎡°º′″'\"ΩΩÅµμℓ(])"
)
_WORD = re.compile(rf"(?<![\\A-Za-z])[A-Za-z]{{2,}}+|[{_CHINESE}]")
_OPEN_ENDS = frozenset(",;:=+-−*/(<>^_")
_SURE_END = re.compile(rf"[0-9)}}\]π.]$|[{_CHINESE}]$|[A-Za-z]{{2}}$")
"""What a number ends with before a unit that could be a variable: "2 m" is a quantity, "C, F, H" is a list."""
_MATH_WORDS = frozenset("pi sqrt cbrt root sin cos tan log ln exp approx circa".split())


def split_quantity(text: str) -> tuple[str, Unit] | None:
    """Return the number's text and the unit that follows it (or the currency sign before it), or `None`.

    Args:
        text: Plain text of at most `MAX_CHARACTERS`.

    Returns:
        "5 cm" gives ("5", cm); "$5 million" ("5 million", USD); "$5/hour" ("5", USD/hour); "half an hour"
        ("half", hour); "2√3 cm" ("2√3", cm). Whether "3 m" means metres is the caller's to decide (`is_ambiguous`).
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS or not _UNIT_CHARACTERS.search(text):
        return None
    money = _MONEY_FIRST.match(text)
    if money is not None:
        return _split_money(text, money)
    if text[0] == "每":
        return _split_rate(text)
    text = _DESCRIPTION.sub("", text)
    number = _NUMBER.match(text)
    if number is not None:
        found = _with_scale_words(text, number.end())
        if found is not None:
            return found
    return _split_at_end(text)


def _with_scale_words(text: str, at: int, currency: str = "") -> tuple[str, Unit] | None:
    """Read the unit from `at` on, or after a few words that belong to the number ("million", 万, "and a half")."""
    for _ in range(MAX_SCALE_WORDS):
        unit = parse_unit(currency + text[at:])
        if unit is not None:
            return text[:at].strip(), unit
        word = _SCALE_WORD.match(text, at)
        if word is None:
            return None
        at = word.end()
    return None


def _split_money(text: str, money: re.Match[str]) -> tuple[str, Unit] | None:
    sign, currency, second_sign = money.groups()
    unit = parse_unit(currency)
    rest = text[money.end() :]
    if unit is None or not rest or (sign and second_sign):
        return None
    sign += second_sign
    if currency in rest:
        return None
    number = _NUMBER.match(rest)
    if number is None or not _UNIT_CHARACTERS.search(rest, number.end()):
        return sign + rest, unit
    found = _with_scale_words(rest, number.end(), currency)
    if found is not None and _is_rate(found[1], unit):
        return sign + found[0], found[1]
    again = split_quantity(rest)
    if again is not None and (again[1].dims == unit.dims or (currency[-1] in "$＄" and _is_dollar(again[1]))):
        return sign + again[0], again[1]
    return None


def _is_rate(unit: Unit, currency: Unit) -> bool:
    """Return whether it is the currency itself, or the currency per something ("$ per hour", not "$ EUR")."""
    base = currency.dims[0]
    return base in unit.dims and all(power < 0 for name, power in unit.dims if name != base[0])


def _is_dollar(unit: Unit) -> bool:
    return unit.dims in {((code, 1),) for code in ("USD", "CAD", "AUD", "HKD")}


def _split_rate(text: str) -> tuple[str, Unit] | None:
    """Read 每小时60千米 as 60 千米/小时."""
    digit = re.search(r"[-−0-9]", text)
    below = parse_unit(text[1 : digit.start()]) if digit is not None else None
    above = split_quantity(text[digit.start() :]) if digit is not None else None
    if below is None or above is None:
        return None
    number, unit = above
    joined = unit.times(below.power(-1))
    return number, Unit(joined.dims, joined.factor, name=f"{unit.name}/{below.name}")


def _split_at_end(text: str) -> tuple[str, Unit] | None:
    starts = [match.start() for match in _START.finditer(text)][-MAX_STARTS:]
    for start in starts:
        unit = parse_unit(text[start:])
        if unit is None:
            continue
        number = text[:start].strip()
        for article in (" a", " an"):
            number = number.removesuffix(article)
        number = "1" if number.lower() in ("a", "an") else number
        doubtful = is_ambiguous(unit.name) and (", " in number or not _SURE_END.search(number))
        return (number, unit) if _is_number_text(number) and not doubtful else None
    return None


def _is_number_text(text: str) -> bool:
    """Return whether the text can be an expression: no words but those of mathematics, or number words throughout."""
    words = _WORD.findall(text)
    return (text[-1:] not in _OPEN_ENDS and all(word in _MATH_WORDS for word in words)) or number_words(
        text
    ) is not None


_PIECE = re.compile(
    rf"([0-9][0-9,]*+(?:\.[0-9]++)?+)\s*+((?:[A-Za-z]++\.?+|[{_CHINESE}]++|[°º′″'\"$￥¥]))[\s,，]*+(?:and\s++)?+"
)
_FEN = parse_unit("分钱")
_ANGLE_MARKS = {"′": "arcmin", "'": "arcmin", "″": "arcsec", '"': "arcsec", "分": "arcmin", "秒": "arcsec"}


def compound_quantity(text: str) -> tuple[Fraction, Unit] | None:
    """Add up two to four pieces in falling units of one dimension; the value is in the first unit.

    "6 feet 3 inches" gives (25/4, feet), "1 hour and 30 minutes" (3/2, hour), 5元3角 (53/10, 元).
    """
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS or not text[0].isdecimal():
        return None
    text = _DESCRIPTION.sub("", text)
    pieces: list[tuple[Fraction, Unit]] = []
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        unit = _piece_unit(match[2], pieces[0][1] if pieces else None) if match is not None else None
        value = numeral(match[1]) if match is not None else None
        if match is None or unit is None or value is None or len(pieces) == MAX_PIECES:
            return None
        if pieces and not _falls(pieces[-1][1], unit):
            return None
        pieces.append((Fraction(value), unit))
        at = match.end()
    if len(pieces) < 2:
        return None
    first = pieces[0][1]
    return sum((convert(value, unit, first) for value, unit in pieces), Fraction(0)), first


def _piece_unit(text: str, first: Unit | None) -> Unit | None:
    """Read a piece's unit; ′ and ″ are arc minutes and seconds after °, else feet and inches; 分 is money after 元."""
    if first is not None and text == "分" and first.dims == (("CNY", 1),):
        return _FEN
    if first is not None and first.dims == (("degree", 1),):
        return parse_unit(_ANGLE_MARKS.get(text, text))
    return parse_unit(text)


def _falls(before: Unit, after: Unit) -> bool:
    return before.dims == after.dims and after.factor < before.factor and not before.offset
