"""Read a unit of measure ("km/h", "m s^{-1}", "square feet", "kg·m²/s²", 平方厘米, "$") and convert between units.

The table is `unit_table`. A unit is a product of base units with an exact factor, so that "60 miles per hour" and
"mph" are equal and 5 km is not 5 m. Every currency is a base of its own ($5 is not €5); so are months, years, degrees
and radians (pi/180 is irrational: whoever compares an angle in degrees with one in radians multiplies by pi). Counting
nouns ("apples", 个) are labels without a dimension, see `is_label`.

Symbols keep their case (mW, MW); names do not ("Km", "CM", "Hours"). A slash holds for all that follows it
("J/kg K" is J/(kg K)). Single letters are units here, although they are variables elsewhere: see `is_ambiguous`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

from verifiers.catalog.math.unit_table import (
    CHINESE_PREFIXES,
    OFFSET_UNITS,
    OFFSETS,
    PREFIX_CLASSES,
    SYMBOL_PREFIXES,
    TABLE,
    WORD_PREFIXES,
)

MAX_CHARACTERS = 200
"""Longer texts are no units."""
MAX_TOKENS = 24
"""Words, signs and exponents in one unit."""
MAX_EXPONENT = 9
MAX_PARENTHESES = 3
CACHED_UNITS = 4096
"""Texts whose reading (or failure) is remembered."""

Dims = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of measure.

    Attributes:
        dims: (base unit, exponent) pairs, sorted, without zero exponents; `()` for a plain count ("units").
        factor: How many base units one of it is; a value in base units is `value * factor + offset`.
        offset: Nonzero only for a bare °C or °F, in kelvins.
        name: The text it was read from; not part of equality.
    """

    dims: Dims
    factor: Fraction
    offset: Fraction = Fraction(0)
    name: str = field(default="", compare=False)

    def power(self, exponent: int) -> Unit:
        """Return this unit to an integer power, without offset."""
        dims = tuple((base, power * exponent) for base, power in self.dims if exponent)
        return Unit(dims, self.factor**exponent)

    def times(self, other: Unit) -> Unit:
        """Return the product of two units, without offset."""
        powers = dict(self.dims)
        for base, power in other.dims:
            powers[base] = powers.get(base, 0) + power
        return Unit(_sorted_dims(powers), self.factor * other.factor)


def _sorted_dims(powers: Mapping[str, int]) -> Dims:
    return tuple(sorted((base, power) for base, power in powers.items() if power))


def same_dimension(a: Unit, b: Unit) -> bool:
    """Return whether values in `a` can be converted to `b`."""
    return a.dims == b.dims


def convert(value: Fraction | int, a: Unit, b: Unit) -> Fraction:
    """Return the value in `b` of `value` in `a`, exactly.

    Raises:
        ValueError: If the dimensions differ.
    """
    if a.dims != b.dims:
        raise ValueError(f"{a.name or a.dims} cannot be converted to {b.name or b.dims}; ask same_dimension first")
    return (value * a.factor + a.offset - b.offset) / b.factor


ONE = Unit((), Fraction(1), name="1")


def _read_dims(text: str) -> Dims:
    powers = {}
    for item in text.split():
        base, _, power = item.partition("^")
        powers[base] = int(power or 1)
    return _sorted_dims(powers)


_Entry = tuple[Unit, str]
"""A unit and the symbol prefixes it takes."""


def _load_table() -> tuple[dict[str, _Entry], dict[str, _Entry]]:
    names: dict[str, _Entry] = {}
    symbols: dict[str, _Entry] = {}
    for line in TABLE.strip().splitlines():
        factor, dims, words, signs, prefixes = (part.strip() for part in line.split("|"))
        entry = (Unit(_read_dims(dims), Fraction(factor)), PREFIX_CLASSES[prefixes])
        symbols |= dict.fromkeys(signs.split(), entry)
        for word in words.split():
            plain = word.rstrip("~")
            names |= {plain: entry, plain + "s": entry} if plain != word else {plain: entry}
    for factor, words in OFFSET_UNITS.items():
        entry = (Unit((("K", 1),), Fraction(factor), Fraction(OFFSETS[factor])), "")
        names |= {word.lower(): entry for word in words.split()}
    return names, symbols


_NAMES, _SYMBOLS = _load_table()
_LONGEST_CHINESE = max(len(name) for name in _NAMES if not name.isascii() and "°" not in name)
_MOST_WORDS = 3
_PREFIX_WORD = re.compile("(" + "|".join(WORD_PREFIXES) + ")[-_]?+")

_POWERS_BEFORE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3, "平方": 2, "立方": 3}
_POWERS_AFTER = {"squared": 2, "cubed": 3, "cube": 3}
_PER = frozenset({"/", "÷", "per", "每"})
_TIMES = frozenset("*·⋅×•∙・.-‐‑")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺−", "0123456789-+-")

_CHINESE = "\u3400-\u9fff"
_TOKEN = re.compile(
    rf"""\s*+(?:
    (?P<sign>(?:US|HK|CA|C|AU|A)?+[$＄]|[€£￡¥￥₹₩₽¢￠%℃℉㎡°º′'″"](?:(?<=[°º])\s?+[CF](?![A-Za-z]))?+)
    |(?P<power>(?:\^|\*\*)\s*+(?:\{{\s*+[-−+]?+\s*+[0-9]{{1,2}}+\s*+\}}|\(\s*+[-−+]?+[0-9]{{1,2}}+\s*+\)|[-−+]?+[0-9]{{1,2}}+)
        |[⁻⁺]?+[⁰¹²³⁴-⁹]{{1,2}}+
        |(?<=[A-Za-z])[-−]?+[0-9](?![0-9A-Za-z]))
    |(?P<word>[A-Za-zΩΩμµÅÅℓö]++|[{_CHINESE}]++)
    |(?P<stop>\.(?=\s|$|[/)]))
    |(?P<mark>[/÷*·⋅×•∙・.()‐‑-]|1(?=\s*+(?:/|per)))
    )""",
    re.VERBOSE,
)


def parse_unit(text: str) -> Unit | None:
    """Return the unit that the whole text names, or `None`.

    Args:
        text: Plain text, at most `MAX_CHARACTERS`; `{}` only around exponents.
    """
    if not text or len(text) > MAX_CHARACTERS:
        return None
    return _cached_unit(text.strip())


@lru_cache(maxsize=CACHED_UNITS)
def _cached_unit(text: str) -> Unit | None:
    tokens = _tokens(text)
    if not tokens:
        return None
    if len(tokens) == 1:
        return _named(tokens[0], text)
    whole = _atom_at(tokens, 0)
    if whole is not None and whole[1] == len(tokens):
        return replace(whole[0], name=text)
    read = _product(tokens, 0, 0)
    return replace(read[0], name=text) if read is not None and read[1] == len(tokens) else None


def _named(word: str, text: str) -> Unit | None:
    unit = _atom(word)
    return None if unit is None else replace(unit, name=text)


def _tokens(text: str) -> list[str] | None:
    """Cut into words, signs, marks and exponents ("^-2"), or `None` if anything else occurs."""
    tokens: list[str] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(tokens) > MAX_TOKENS:
            return None
        at = match.end()
        kind = match.lastgroup
        if kind == "power":
            digits = match["power"].translate(_SUPERSCRIPTS).strip("^*{}() \t\n").replace(" ", "")
            tokens.append("^" + digits)
        elif kind == "word" and not match["word"].isascii() and match["word"][0] >= "\u3400":
            words = _cut_chinese(match["word"])
            if words is None:
                return None
            tokens += words
        elif kind != "stop":
            tokens.append("".join(match[0].split()))
    return tokens


def _cut_chinese(text: str) -> list[str] | None:
    """Cut 千米每平方秒 into 千米 每 平方 秒, the longest name first."""
    tokens = []
    at = 0
    while at < len(text):
        if text[at] == "每":
            tokens.append("每")
            at += 1
            continue
        power = text[at : at + 2]
        ends = range(min(len(text), at + _LONGEST_CHINESE), at, -1)
        end = next((end for end in ends if _atom(text[at:end]) is not None), None)
        if power in _POWERS_BEFORE:
            end = at + 2
        if end is None:
            return None
        tokens.append(text[at:end])
        at = end
    return tokens


_Read = tuple[Unit, int]
"""What was read, and the index of the next token."""


def _product(tokens: list[str], at: int, depth: int) -> _Read | None:
    result, below, first = ONE, False, True
    while at < len(tokens) and tokens[at] != ")":
        token = tokens[at].lower()
        divide = token in _PER
        if divide or (token in _TIMES and not first):
            below = below or divide
            at += 1
        factor = _factor(tokens, at, depth)
        if factor is None or (divide and first):
            return None
        unit, exponent, at = factor
        if divide or (below and exponent > 0):
            exponent = -exponent
        result, first = result.times(unit.power(exponent)), False
    return None if first else (result, at)


def _factor(tokens: list[str], at: int, depth: int) -> tuple[Unit, int, int] | None:
    """Read one factor, as (unit, exponent, next index)."""
    if at >= len(tokens):
        return None
    exponent = _POWERS_BEFORE.get(tokens[at].lower(), 0)
    at += exponent > 0
    read = _group(tokens, at, depth) if at < len(tokens) and tokens[at] == "(" else _atom_at(tokens, at)
    if read is None:
        return None
    unit, at = read
    after = _exponent(tokens[at]) if at < len(tokens) else None
    if after is not None:
        at += 1
        exponent = after * (exponent or 1)
    elif not exponent:
        exponent = 1
    return (unit, exponent, at) if 0 < abs(exponent) <= MAX_EXPONENT else None


def _group(tokens: list[str], at: int, depth: int) -> _Read | None:
    inner = _product(tokens, at + 1, depth + 1) if depth < MAX_PARENTHESES else None
    if inner is None or inner[1] >= len(tokens) or tokens[inner[1]] != ")":
        return None
    return inner[0], inner[1] + 1


def _exponent(token: str) -> int | None:
    if token[0] == "^" and token[1:].lstrip("+-"):
        return int(token[1:])
    return _POWERS_AFTER.get(token.lower())


def _atom_at(tokens: list[str], at: int) -> _Read | None:
    """Read the unit name that starts here, of several words if such a name exists ("light years", "fl. oz")."""
    if at >= len(tokens):
        return None
    if tokens[at] == "1" and at + 1 < len(tokens) and tokens[at + 1] in _PER:
        return ONE, at + 1
    for count in range(min(_MOST_WORDS, len(tokens) - at), 1, -1):
        words = tokens[at : at + count]
        entry = _NAMES.get("_".join(word for word in words if word != "-").lower())
        if entry is not None and words[-1] != "-":
            return entry[0], at + count
    unit = _atom(tokens[at])
    return None if unit is None else (unit, at + 1)


def _atom(word: str) -> Unit | None:
    """Look one word up: symbol, prefix and symbol, name, prefix and name."""
    entry = _SYMBOLS.get(word)
    if entry is not None:
        return entry[0]
    base = _SYMBOLS.get(word[1:])
    if base is not None and word[0] in base[1]:
        return _scaled(base[0], SYMBOL_PREFIXES[word[0]])
    lower = word.lower()
    entry = _NAMES.get(lower)
    if entry is not None:
        return entry[0]
    if word[0] in CHINESE_PREFIXES:
        base = _NAMES.get(word[1:])
        return _scaled(base[0], CHINESE_PREFIXES[word[0]]) if base is not None and base[1] else None
    prefix = _PREFIX_WORD.match(lower)
    base = _NAMES.get(lower[prefix.end() :]) if prefix is not None else None
    if prefix is None or base is None or not base[1]:
        return None
    return _scaled(base[0], WORD_PREFIXES[prefix[1]])


def _scaled(unit: Unit, power: int) -> Unit:
    return Unit(unit.dims, unit.factor * Fraction(10) ** power)


_LETTERS = re.compile("[A-Za-z]++")
_DOUBTFUL = frozenset(
    "in mg ms as am pm pt mi mo ha bar rad second seconds won stone cup cups turn turns degree mole moles yard "
    "pound pounds ton tons "
    "分 块 两 角 毛 度 时 日 月 年 节 里 转 牛 卡 安 法 开".split()
)
_NEVER_DOUBTFUL = frozenset("$°℃℉")


def is_ambiguous(unit_text: str) -> bool:
    """Return whether the text could as well be variables ("m", "m/s", "A"), a time ("pm") or a common word (分, 块)."""
    text = unit_text.strip().lower()
    if text in _DOUBTFUL:
        return True
    if not _NEVER_DOUBTFUL.isdisjoint(text) or any(char.isalpha() and not char.isascii() for char in text):
        return False
    runs = _LETTERS.findall(text)
    return bool(runs) and all(len(run) == 1 for run in runs)


_LABEL = re.compile(r"[a-z]{2,30}+(?:[ -][a-z]{2,30}+){0,3}+\.?+")
_CHINESE_LABEL = re.compile(
    "[盏首封幅盆罐筐捆串滴杯桶碗篮包堆群束轮局场期届季章篇段句个人只名位本张条棵头辆件支枝朵颗粒台次种组户页题票瓶盒箱袋份层间座家所匹双对道枚排行列点面边岁步块项把副套班队架艘扇株根]"
    f"[{_CHINESE}]{{0,6}}+"
)
_NOT_LABELS = frozenset(
    "not no non none nor or and to but if when unless except about around approximately approx roughly nearly almost "
    "maybe perhaps possibly probably likely at least most more less than over under above below between from up down "
    "plus minus times divided by negative positive per percent pct hundred thousand million billion trillion dozen "
    "dozens half halves third thirds quarter quarters double triple twice pi sqrt root sin cos tan log ln exp mod "
    "modulo infinity infinite undefined never neither either is are was be equals equal wrong incorrect false true "
    "instead rather only other others different unknown cannot square squared cube cubed cubic factorial choose "
    "degrees degree "
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety".split()
)
_SHORT_WORDS = frozenset({"of", "on", "in", "by"})
_VOWELS = frozenset("aeiouy")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_NOT_IN_CHINESE_LABELS = frozenset("不非没无未或约至左右以上下余多几零一二三四五六七八九十百千万亿半错")


def is_label(text: str) -> bool:
    """Return whether the text after a number only says what was counted ("apples", "square tiles", 个苹果).

    One to four lowercase words that could be English ("ab" and "xyz" are products of variables), or a Chinese measure
    word and up to six characters. Words that change the value, hedge or deny are refused, and so is anything that is a
    unit with a dimension.
    """
    text = text.strip()
    if _LABEL.fullmatch(text):
        words = text.rstrip(".").replace("-", " ").split()
        if not _NOT_LABELS.isdisjoint(words) or not all(_could_be_english(word) for word in words):
            return False
    elif not _CHINESE_LABEL.fullmatch(text) or not _NOT_IN_CHINESE_LABELS.isdisjoint(text):
        return False
    unit = parse_unit(text)
    return unit is None or not unit.dims


def _could_be_english(word: str) -> bool:
    if len(word) < 3:
        return word in _SHORT_WORDS
    return not _VOWELS.isdisjoint(word) and word not in _ALPHABET
