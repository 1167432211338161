from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.math.words import MAX_CHARACTERS, number_words, percent_words

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()


def english(n: int, joiner: str = " ", hyphen: str = "-") -> str:
    """Spell 0 <= n < 10^12; `joiner` stands between hundreds and the rest (" " or " and ")."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + (hyphen + ONES[n % 10] if n % 10 else "")
    for size, name in ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if n >= size:
            high = f"{english(n // size, joiner, hyphen)} {name}"
            if n % size == 0:
                return high
            return high + (joiner if n % size < 100 else " ") + english(n % size, joiner, hyphen)
    raise AssertionError


def chinese(n: int) -> str:
    """Spell 0 <= n < 10^12 as a schoolbook does."""
    if n == 0:
        return "零"
    text, section = "", 0
    for power, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        section = n // power % 10**4
        if section and text and section < 1000:
            text = text.rstrip("零") + "零"
        if section:
            text += chinese_section(section) + name
    return text[1:] if text.startswith("一十") else text


def chinese_section(n: int) -> str:
    text = ""
    for power, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = n // power % 10
        if digit:
            text += "零一二三四五六七八九"[digit] + name
        elif text and n % power and not text.endswith("零"):
            text += "零"
    return text


spelled = st.one_of(st.integers(0, 10**9 - 1), st.integers(0, 2000), st.integers(0, 999).map(lambda n: n * 1000))


@given(spelled, st.sampled_from([" ", " and "]), st.sampled_from(["-", " "]), st.booleans())
def test_number_words_of_spelled_english_then_the_number(n: int, joiner: str, hyphen: str, upper: bool) -> None:
    text = english(n, joiner, hyphen)
    assert number_words(text.upper() if upper else text) == n
    assert number_words(f"minus {text}") == -n


@given(spelled)
def test_number_words_of_spelled_chinese_then_the_number(n: int) -> None:
    assert number_words(chinese(n)) == n
    assert number_words("负" + chinese(n)) == -n


@given(st.integers(1, 99), st.sampled_from([("thirds", 3), ("eighths", 8), ("twelfths", 12), ("fortieths", 40)]))
def test_number_words_of_ordinal_fraction_then_exact(top: int, below: tuple[str, int]) -> None:
    assert number_words(f"{english(top)} {below[0]}") == Fraction(top, below[1])
    assert number_words(f"{chinese(below[1])}分之{chinese(top)}") == Fraction(top, below[1])


@given(st.integers(0, 10**6), st.text("0123456789", min_size=1, max_size=9))
def test_number_words_of_spelled_decimal_then_exact(whole: int, digits: str) -> None:
    value = Fraction(f"{whole}.{digits}")
    assert number_words(f"{english(whole)} point {' '.join(ONES[int(d)] for d in digits)}") == value
    assert number_words(f"{chinese(whole)}点{''.join('零一二三四五六七八九'[int(d)] for d in digits)}") == value


ENGLISH = [
    ("three hundred sixty-four thousand", 364_000),
    ("one hundred and five", 105),
    ("a hundred", 100),
    ("A thousand", 1000),
    ("nineteen hundred", 1900),
    ("minus five", -5),
    ("negative one half", Fraction(-1, 2)),
    ("1.2 million", 1_200_000),
    ("3 thousand", 3000),
    ("1,200 million", 1_200_000_000),
    ("-3 million", -3_000_000),
    ("one million, two hundred thousand", 1_200_000),
    ("one sixth", Fraction(1, 6)),
    ("two-thirds", Fraction(2, 3)),
    ("two third", Fraction(2, 3)),
    ("three quarters", Fraction(3, 4)),
    ("3 quarters", Fraction(3, 4)),
    ("a half", Fraction(1, 2)),
    ("half", Fraction(1, 2)),
    ("half a million", 500_000),
    ("one and a half", Fraction(3, 2)),
    ("2 and a half", Fraction(5, 2)),
    ("two and three quarters", Fraction(11, 4)),
    ("two and a half million", 2_500_000),
    ("seven twenty-fifths", Fraction(7, 25)),
    ("one thirty-second", Fraction(1, 32)),
    ("three ten-thousandths", Fraction(3, 10_000)),
    ("one hundred twenty-five thousandths", Fraction(1, 8)),
    ("one over six", Fraction(1, 6)),
    ("two out of three", Fraction(2, 3)),
    ("a dozen", 12),
    ("half a dozen", 6),
    ("point five", Fraction(1, 2)),
    ("two point five million", 2_500_000),
    ("  Eight. ", 8),
]
CHINESE = [
    ("三分之一", Fraction(1, 3)),
    ("负三分之二", Fraction(-2, 3)),
    ("一又二分之一", Fraction(3, 2)),
    ("百分之五十", Fraction(1, 2)),
    ("两百", 200),
    ("一百五", 150),
    ("一百零五", 105),
    ("一万二", 12_000),
    ("一万二千", 12_000),
    ("三万亿", 3 * 10**12),
    ("百万", 10**6),
    ("3万", 30_000),
    ("-3万", -30_000),
    ("3 万", 30_000),
    ("1.5亿", 150_000_000),
    ("3万5千", 35_000),
    ("1亿2000万", 120_000_000),
    ("一点二万", 12_000),
    ("半", Fraction(1, 2)),
    ("一半", Fraction(1, 2)),
    ("两个半", Fraction(5, 2)),
    ("〇", 0),
    ("二〇二四", 2024),
    ("廿五", 25),
    ("壹仟贰佰叁拾肆", 1234),
    ("兩萬", 20_000),
]


@pytest.mark.parametrize(("text", "value"), [*ENGLISH, *CHINESE])
def test_number_words_of_known_form_then_exact_value(text: str, value: int | Fraction) -> None:
    found = number_words(text)
    assert found == value
    assert isinstance(found, int) == (Fraction(value).denominator == 1)


REFUSED = (
    "twenty and one|one and two|one or two|one two|one, two|twenty, one|twenty third|two hundredth|five hundred and|"
    "three hundred thousandths|one million and a half|one thousand two thousand|five-|-five|minus|a|an|the|dozen|"
    "hundred|not five|about five|five apples|one thousand zero|twenty zero|zero hundred|three point|point|"
    "one over zero|1.2.3 million|25|-7|1/2|x|and a half|1 2万|三五|十几|第三|五左右|万|一百零|三点|点五|负|"
    "一十百|零分之一|五分之|3万5|1亿200万万|twenty‑|one–two"
).split("|")


@pytest.mark.parametrize("text", [*REFUSED, "", " ", "one " * 40, "a hundred" * 40, "一" * (MAX_CHARACTERS + 1)])
def test_number_words_of_other_text_then_none(text: str) -> None:
    assert number_words(text) is None


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("fifty percent", 50),
        ("50 percent", 50),
        ("50percent", 50),
        ("50 per cent", 50),
        ("12.5 PCT", Fraction(25, 2)),
        ("-5 percent", -5),
        ("half a percent", Fraction(1, 2)),
        ("one and a half percent", Fraction(3, 2)),
        ("a percent", 1),
        ("百分之五十", 50),
        ("百分之12.5", Fraction(25, 2)),
        ("负百分之五", -5),
        ("百分之三点五", Fraction(7, 2)),
        ("五成", 50),
        ("三成半", 35),
    ],
)
def test_percent_words_of_known_form_then_percent_number(text: str, percent: int | Fraction) -> None:
    assert percent_words(text) == percent


@pytest.mark.parametrize(
    "text", ["percent", "agent", "50", "not", "百分之", "成", "分成", "x percent", "50 percent or 60"]
)
def test_percent_words_of_other_text_then_none(text: str) -> None:
    assert percent_words(text) is None


@given(spelled, st.sampled_from(["apples", "or", "x", "%", ")", "not", "hundredish", "个", "?"]), st.booleans())
def test_number_words_with_anything_left_over_then_none(n: int, extra: str, first: bool) -> None:
    for text in (english(n), chinese(n)):
        assert number_words(f"{extra} {text}" if first else f"{text} {extra}") is None


GLUE = "hundred thousand million and a half thirds point over minus dozen percent 分之 百分之 1.5 1,000"
PIECES = st.sampled_from([*GLUE.split(), *ONES, *TENS[2:], *"零一二三十百千万亿点半负又分之成-−.,0123 \n٣²"])


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES).map("".join)))
def test_words_of_hostile_text_then_number_or_none(text: str) -> None:
    for read in (number_words, percent_words):
        assert isinstance(read(text), int | Fraction | None)
