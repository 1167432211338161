from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.math.quantities import compound_quantity, split_quantity
from verifiers.catalog.math.units import (
    MAX_CHARACTERS,
    Unit,
    convert,
    is_ambiguous,
    is_label,
    parse_unit,
    same_dimension,
)


def unit(text: str) -> Unit:
    found = parse_unit(text)
    assert found is not None, text
    return found


SAME_UNITS = [
    "km|Km|KM|kilometers|kilometre|千米|公里",
    "m|meters|metre|米",
    "cm^2|cm²|cm2|cm^{2}|cm**2|square centimeters|sq cm|sq. cm.|centimeters squared|平方厘米",
    "ft^2|square feet|sq ft|sq. ft.|feet squared|square foot|ft2",
    "m^3|cubic meters|cu m|m³|立方米|meters cubed",
    "km/h|km per hour|kilometers per hour|km/hr|kmh|km h^{-1}|km·h^-1|千米/小时|千米每小时|kph",
    "m/s^2|m s^{-2}|m s⁻²|m/s/s|m·s^-2|meters per second squared|m per s^2|米/秒²",
    "mph|miles per hour|mi/h|mi/hr|英里每小时",
    "N|newtons|kg·m/s^2|kg m s^-2|kg*m/s²|牛顿|牛",
    "J|joules|N·m|N m|N.m|N*m|W·s|kg m^2/s^2|焦耳",
    "J/(kg·K)|J/kg/K|J kg^{-1} K^{-1}|J/kg·K|J/kg K|J per kg per K",
    "kWh|kwh|kilowatt-hours|kilowatt hours|kW·h|kW h|千瓦时",
    "°C|° C|ºC|℃|degrees Celsius|celsius|摄氏度",
    "°F|℉|degrees Fahrenheit|华氏度",
    "°|degrees|deg|degree|度",
    "$|US$|dollars|dollar|USD|usd|美元",
    "元|yuan|RMB|rmb|¥|￥|块|人民币",
    "μm|µm|um|micrometers|微米|microns",
    "Ω|ohms|Ω|V/A|欧姆",
    "hours|hr|hrs|h|hour.|小时|个小时",
    "min|mins|minutes|MIN|分钟",
    "L|l|liters|litre|升|dm^3",
    "mL|ml|milliliters|cm^3|cc|毫升",
    "lb|lbs|pounds|lbs.",
    "years|year|yr|年|岁|years old",
    "light-years|light years|ly|光年",
    "Hz|hertz|s^-1|1/s|s⁻¹|赫兹",
    "rad/s|radians per second|rad s^-1|弧度/秒",
    "eV|electron volts|electronvolts|电子伏特",
    "Pa|N/m^2|pascals|帕斯卡|J/m^3",
    "Wb|V s|T m^2",
    "F|C/V|farads",
    "units|square units|units^2|cubic units|sq. units",
    "$/hour|dollars per hour|$/h|dollars / hr",
    "mol/L|M|mol L^-1|molar",
    "lb-sec/ft|lb sec / ft|lb·s/ft",
]


@pytest.mark.parametrize("forms", SAME_UNITS, ids=lambda forms: forms.partition("|")[0])
def test_parse_unit_of_equal_forms_then_equal_units(forms: str) -> None:
    units = [unit(form) for form in forms.split("|")]
    assert all(a == b for a, b in pairwise(units))


def test_parse_unit_of_all_forms_then_different_lines_differ() -> None:
    units = [unit(forms.partition("|")[0]) for forms in SAME_UNITS]
    assert len(set(units)) == len(units)


INCH, POUND, G = Fraction(254, 10_000), Fraction(45359237, 10**8), Fraction(980665, 100_000)
FACTORS = [
    ("acre", 4840 * (36 * INCH) ** 2),
    ("gallon", 231 * INCH**3),
    ("quart", 231 * INCH**3 / 4),
    ("pint", 231 * INCH**3 / 8),
    ("cup", 231 * INCH**3 / 16),
    ("fl oz", 231 * INCH**3 / 128),
    ("tbsp", 231 * INCH**3 / 256),
    ("tsp", 231 * INCH**3 / 768),
    ("lbf", POUND * G),
    ("psi", POUND * G / INCH**2),
    ("horsepower", 550 * 12 * INCH * POUND * G),
    ("stone", 14 * POUND),
    ("ton", 2000 * POUND),
    ("oz", POUND / 16),
    ("mile", 5280 * 12 * INCH),
    ("mph", 5280 * 12 * INCH / 3600),
    ("knot", Fraction(1852, 3600)),
    ("torr", Fraction(101325, 760)),
    ("mmHg", Fraction("133.322387415")),
    ("BTU", Fraction("1055.05585262")),
    ("kcal", Fraction(4184)),
    ("MeV", Fraction("1.602176634e-13")),
    ("亩", Fraction(2000, 3)),
    ("light year", Fraction(299792458 * 365 * 86400) + 299792458 * 86400 // 4),
    ("斤", Fraction(1, 2)),
    ("mW", Fraction(1, 1000)),
    ("MW", Fraction(10**6)),
    ("Mm", Fraction(10**6)),
    ("nm", Fraction(1, 10**9)),
    ("cents", Fraction(1, 100)),
    ("角", Fraction(1, 10)),
    ("GB", Fraction(8 * 10**9)),
    ("Mb", Fraction(10**6)),
]


@pytest.mark.parametrize(("text", "factor"), FACTORS)
def test_parse_unit_of_derived_unit_then_factor_by_definition(text: str, factor: Fraction) -> None:
    assert unit(text).factor == factor


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (5, "km", "m", 5000),
        (75, "inches", "ft", Fraction(25, 4)),
        (100, "°C", "°F", 212),
        (-40, "°F", "°C", -40),
        (0, "°C", "K", Fraction("273.15")),
        (36, "km/h", "m/s", 10),
        (2, "weeks", "days", 14),
        (250, "cents", "$", Fraction(5, 2)),
        (2, "years", "decades", Fraction(1, 5)),
        (1, "m^3", "L", 1000),
        (3, "平方米", "cm^2", 30000),
        (180, "°", "arcmin", 10800),
        (1, "J/°C", "J/K", 1),
    ],
)
def test_convert_of_known_pair_then_exact(value: int, source: str, target: str, expected: int | Fraction) -> None:
    assert convert(value, unit(source), unit(target)) == expected


@pytest.mark.parametrize(
    "pair",
    "km|kg,$|€,元|$,month|day,year|week,°|rad,m|m^2,N m|Pa,°C|°,bit|m,units|m,$/hour|$,¥|yen,pc|ly".split(","),
)
def test_same_dimension_of_unrelated_units_then_false(pair: str) -> None:
    one, other = pair.split("|")
    assert not same_dimension(unit(one), unit(other))
    with pytest.raises(ValueError, match="cannot be converted"):
        convert(1, unit(one), unit(other))


NOT_UNITS = (
    "|x|y|apples|people|not|5|m^|m^99|m^0|(m|m)|m(|()|m/|/m|per hour|m·|·m|m//s|m +s|m,s|km or m|square|squared|^2|"
    "m^2^2^2|%|percent|pi|2 m|m2s|1|1/|mkm|MM|((((m))))|m\x00|不米|每|米每|平方|°X|kg=5|m\\s"
).split("|")


@pytest.mark.parametrize("text", [*NOT_UNITS, "m" * (MAX_CHARACTERS + 1), "m " * 99, "m^9" * 30])
def test_parse_unit_of_other_text_then_none(text: str) -> None:
    assert parse_unit(text) is None


NAMES = [form for forms in SAME_UNITS for form in forms.split("|")]
ATOMS = st.sampled_from(
    ["m", "km", "cm", "in", "s", "min", "h", "kg", "lb", "J", "eV", "°C", "°F", "K", "$", "cents", "元", "角", "L"]
)
values = st.fractions(max_denominator=10**6)


@given(values, ATOMS, ATOMS)
def test_convert_there_and_back_then_unchanged(value: Fraction, source: str, target: str) -> None:
    a, b = unit(source), unit(target)
    assert same_dimension(a, b) == same_dimension(b, a)
    if same_dimension(a, b):
        assert convert(convert(value, a, b), b, a) == value


@given(values, st.sampled_from(["m km in mi ly nm", "s min h day week", "°C °F K", "J eV kWh cal N·m", "L m^3 gal cc"]))
def test_convert_through_a_third_unit_then_unchanged(value: Fraction, family: str) -> None:
    first, *others = [unit(text) for text in family.split()]
    for one in others:
        for other in others:
            assert convert(convert(value, first, one), one, other) == convert(value, first, other)


@given(ATOMS, ATOMS, st.integers(1, 4))
def test_parse_unit_of_composed_text_then_product(one: str, other: str, power: int) -> None:
    a, b = unit(one), unit(other)
    for text in (f"{one}·{other}^{power}", f"{one} {other}^{{{power}}}", f"{one}*{other}**{power}"):
        found = unit(text)
        assert (found.dims, found.factor) == ((p := a.times(b.power(power))).dims, p.factor)
    for text in (f"{one}/{other}^{power}", f"{one} per {other}^{power}", f"{one} {other}^-{power}"):
        found = unit(text)
        assert (found.dims, found.factor) == ((p := a.times(b.power(-power))).dims, p.factor)


@pytest.mark.parametrize(
    ("text", "number", "name"),
    [
        ("$1,250", "1,250", "$"),
        ("1250 dollars", "1250", "dollars"),
        ("50元", "50", "元"),
        ("€5", "5", "€"),
        ("-$5", "-5", "$"),
        ("$-5", "-5", "$"),
        ("5$", "5", "$"),
        ("$5 million", "5 million", "$"),
        ("$5 USD", "5", "$"),
        ("$5/hour", "5", "$/hour"),
        ("$ 5 per hour", "5", "$/hour"),
        ("Rs. 50", "50", "₹"),
        ("5 cm", "5", "cm"),
        ("22.1cm^{2}", "22.1", "cm^2"),
        ("12 square feet", "12", "ft^2"),
        ("3 m/s", "3", "m/s"),
        ("60 miles per hour", "60", "mph"),
        ("25°C", "25", "°C"),
        ("- 5 °C", "- 5", "°C"),
        ("5 kg·m^2/s^2", "5", "J"),
        ("3 1/2 inches", "3 1/2", "in"),
        ("1/2 mile", "1/2", "mile"),
        ("5×10^{-3} m", "5×10^{-3}", "m"),
        ("5e3 m", "5e3", "m"),
        ("5eV", "5", "eV"),
        ("2√3 cm", "2√3", "cm"),
        (r"\frac{3}{4}\pi inches", r"\frac{3}{4}\pi", "in"),
        ("x = 5 cm", "x = 5", "cm"),
        ("fifty dollars", "fifty", "$"),
        ("two and a half hours", "two and a half", "h"),
        ("2 and a half hours", "2 and a half", "h"),
        ("half an hour", "half", "h"),
        ("an hour", "1", "h"),
        ("1.5 meters wide", "1.5", "m"),
        ("12 years old", "12", "year"),
        ("5万元", "5万", "元"),
        ("5千米", "5", "km"),
        ("三千米", "三", "km"),
        ("一百五十元", "一百五十", "元"),
        ("2个半小时", "2个半", "h"),
        ("每小时60千米", "60", "km/h"),
    ],
)
def test_split_quantity_of_known_form_then_number_and_unit(text: str, number: str, name: str) -> None:
    found = split_quantity(text)
    assert found == (number, unit(name))


@pytest.mark.parametrize(
    "text",
    "|42|x^2+1|cm|$|$$|7 people|not 5 cm|5 or 6 cm|about 5 cm|3 apples and 2 cm|6 feet 3 inches|$5$|$5 EUR|10%|"
    "$5 apples|5 cm or 6|-$-5|C, F, H|15 n, 20 d|x m|x = m|5, cm|5 cm 3|每小时".split("|"),
)
def test_split_quantity_of_other_text_then_none(text: str) -> None:
    assert split_quantity(text) is None


@pytest.mark.parametrize(
    ("text", "value", "name"),
    [
        ("6 feet 3 inches", Fraction(25, 4), "ft"),
        ("6 ft. 3 in.", Fraction(25, 4), "ft"),
        ("6 feet, 3 inches tall", Fraction(25, 4), "ft"),
        ("5'10\"", Fraction(35, 6), "ft"),
        ("5° 30′ 36″", Fraction(551, 100), "°"),
        ("1 hour and 30 minutes", Fraction(3, 2), "h"),
        ("1 h 30 min", Fraction(3, 2), "h"),
        ("2小时30分", Fraction(5, 2), "h"),
        ("5元3角2分", Fraction(133, 25), "元"),
        ("5 dollars and 30 cents", Fraction(53, 10), "$"),
        ("5 lb 8 oz", Fraction(11, 2), "lb"),
    ],
)
def test_compound_quantity_of_falling_units_then_sum_in_the_first(text: str, value: Fraction, name: str) -> None:
    assert compound_quantity(text) == (value, unit(name))


@pytest.mark.parametrize(
    "text",
    "|5 cm|3 inches 6 feet|5 kg 3 m|5 m 3|5 m 3 m|6 feet or 3 inches|5°C 3 K|1 day 1 h 1 min 1 s 1 ms|x".split("|"),
)
def test_compound_quantity_of_other_text_then_none(text: str) -> None:
    assert compound_quantity(text) is None


@pytest.mark.parametrize("text", "apples|people|ways.|units|pieces of pie|men|个|名学生|个苹果".split("|"))
def test_is_label_of_counting_noun_then_true(text: str) -> None:
    assert is_label(text)


@pytest.mark.parametrize(
    "text",
    "|not apples|or so|about|x|ab|abc|xyz|million|percent|five|negative|pi|cm|hours|元|个或者|apples or pears|"
    "apples, pears|Apples|one two three four five|per hour|a|less than|不|个左右".split("|"),
)
def test_is_label_of_unit_hedge_or_value_then_false(text: str) -> None:
    assert not is_label(text)


@pytest.mark.parametrize("text", "m|s|A|m/s|m^2|in|pm|ms|s^-1|s⁻¹|分|块".split("|"))
def test_is_ambiguous_of_variables_and_words_then_true(text: str) -> None:
    assert is_ambiguous(text)


@pytest.mark.parametrize("text", "cm|km/h|kg|meters|°C|$|元|Ω|mL|5".split("|"))
def test_is_ambiguous_of_plain_units_then_false(text: str) -> None:
    assert not is_ambiguous(text)


PIECES = st.sampled_from(
    [*NAMES, *"^-/·*(){}. 0123456789,$°′″'千平方每万半个", "per", "and", "a half", "million", "x10^", "٣"]
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join), st.lists(PIECES).map(" ".join)))
def test_units_of_hostile_text_then_value_or_none(text: str) -> None:
    assert isinstance(parse_unit(text), Unit | None)
    for found in (split_quantity(text), compound_quantity(text)):
        assert found is None or isinstance(found[1], Unit)
    assert is_label(text) in (True, False)
    assert is_ambiguous(text) in (True, False)


@given(st.sampled_from(NAMES), st.sampled_from([" x", " or km", "?", " =", "\\", " not", "^", "/", ")"]))
def test_parse_unit_with_anything_left_over_then_none(name: str, extra: str) -> None:
    assert parse_unit(name + extra) is None
