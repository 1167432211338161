from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.math.dates import (
    MAX_CHARACTERS,
    CalendarDate,
    TimeOfDay,
    dates_match,
    parse_date,
    parse_time,
    times_match,
)

SAME_TIMES = [
    [
        "4:30 p.m.",
        "4:30 PM",
        "4:30p.m.",
        "4:30 P.M",
        "16:30",
        "16：30",
        "下午4点30分",
        "下午四点半",
        "下午4:30",
        "16时30分",
    ],
    ["noon", "12 noon", "12:00 noon", "12:00 p.m.", "12 pm", "正午", "中午12点"],
    ["midnight", "12:00 midnight", "12 am", "0:00", "24:00", "午夜", "晚上12点"],
    ["1:03 PM", "13:03", "下午一点零三分", "下午1点03分"],
    ["8 pm", "8 o'clock in the evening", "8 o’clock at night", "20:00", "晚上8点"],
    ["9:15 am", "9:15 in the morning", "09:15 a.m.", "上午九点一刻"],
    ["1 am", "凌晨1点", "晚上1点"],
]


@pytest.mark.parametrize("forms", SAME_TIMES, ids=lambda forms: forms[0])
def test_parse_time_of_equal_forms_then_the_same_known_time(forms: list[str]) -> None:
    times = [parse_time(form) for form in forms]
    assert None not in times
    assert len(set(times)) == 1
    assert times[0] is not None
    assert times[0].half_known


@pytest.mark.parametrize(("one", "other"), [(a[0], b[0]) for a, b in product(SAME_TIMES, repeat=2) if a is not b])
def test_times_match_of_different_known_times_then_false(one: str, other: str) -> None:
    a, b = parse_time(one), parse_time(other)
    assert a is not None
    assert b is not None
    assert not times_match(a, b)


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("4:30", "4:30 p.m.", True),
        ("4:30", "16:30", True),
        ("4:30", "4:30 am", True),
        ("4:30", "4:31 pm", False),
        ("12:00", "1:00", False),
        ("12:00", "noon", True),
        ("4 o'clock", "4:00", True),
        ("三点一刻", "3:15", True),
        ("3:05:20", "3:05", False),
        ("3:05:20", "3:05:20 pm", True),
        ("1:00", "11:00", False),
    ],
)
def test_times_match_with_unknown_half_then_either_half(one: str, other: str, agree: bool) -> None:
    a, b = parse_time(one), parse_time(other)
    assert a is not None
    assert b is not None
    assert times_match(a, b) is agree
    assert times_match(b, a) is agree


@pytest.mark.parametrize(
    "text",
    "|4|2:3|4:75|4:5|25:00|24:01|13:00 am|0:30 pm|25 pm|4:30 or 5:30|4:30 pm or|1:2:3|4:30:61|-4:30|4:30x|noon?|"
    "3:30 midnight|三|三点四十分五|二十五点|点|p.m.|o'clock|1:30 hours|٤:٣٠|4:30%".split("|"),
)
def test_parse_time_of_other_text_then_none(text: str) -> None:
    assert parse_time(text) is None


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_parse_time_of_written_clock_then_the_time(hour: int, minute: int, second: int) -> None:
    known = TimeOfDay(hour, minute, second, True)
    half = "p.m." if hour >= 12 else "a.m."
    assert parse_time(f"{(hour + 11) % 12 + 1}:{minute:02}:{second:02} {half}") == known
    plain = parse_time(f"{hour}:{minute:02}:{second:02}")
    assert plain is not None
    assert times_match(plain, known)


SAME_DATES = [
    ["June 20", "20 June", "June 20th", "the 20th of June", "Jun. 20", "JUNE 20.", "6月20日", "六月二十日", "6月20号"],
    ["June 20, 2024", "20 June 2024", "2024-06-20", "2024/6/20", "6/20/2024", "20/6/2024", "2024年6月20日"],
    ["Tuesday", "tuesday", "Tue.", "星期二", "周二", "礼拜二"],
    ["Sunday", "星期日", "周天", "Sun"],
    ["June 2024", "June, 2024", "2024年6月"],
    ["Thursday, June 20, 2024", "2024年6月20日 星期四", "Thu 20 June 2024"],
    ["6/7/2024", "06/07/2024", "7/6/2024"],
]


@pytest.mark.parametrize("forms", SAME_DATES, ids=lambda forms: forms[0])
def test_parse_date_of_equal_forms_then_the_same_date(forms: list[str]) -> None:
    dates = [parse_date(form) for form in forms]
    assert None not in dates
    assert len(set(dates)) == 1


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("June 20", "June 20, 2024", True),
        ("June 20, 2023", "June 20, 2024", False),
        ("June 20", "June 21", False),
        ("June 20", "July 20", False),
        ("June", "June 20", False),
        ("Tuesday", "Wednesday", False),
        ("Tuesday", "June 20", False),
        ("Thursday, June 20", "June 20, 2024", True),
        ("6/7/2024", "June 7, 2024", False),
        ("6/7/2024", "July 6, 2024", False),
        ("5/5/2024", "May 5, 2024", True),
    ],
)
def test_dates_match_of_partial_dates_then_only_without_contradiction(one: str, other: str, agree: bool) -> None:
    a, b = parse_date(one), parse_date(other)
    assert a is not None
    assert b is not None
    assert dates_match(a, b) is agree
    assert dates_match(b, a) is agree


@pytest.mark.parametrize(
    "text",
    "|12/25|1/2|6/20/24|June 31|June 0|Feb 29, 2023|13/13/2024|2024-13-01|Tuesday, June 20, 2024|Juno 20|not June 20|"
    "June 20 or 21|June 20, 0000|20|2024|周八|13月1日|6月31日|Tuesday or Friday|3-4|the".split("|"),
)
def test_parse_date_of_other_text_then_none(text: str) -> None:
    assert parse_date(text) is None


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_parse_date_of_written_date_then_the_date(day: date) -> None:
    expected = CalendarDate(frozenset({(day.month, day.day)}), day.year, None)
    month = "January February March April May June July August September October November December".split()[
        day.month - 1
    ]
    for text in (f"{month} {day.day}, {day.year:04}", day.isoformat(), f"{day.day} {month[:3]} {day.year:04}"):
        assert parse_date(text) == expected
    weekday = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()[day.weekday()]
    assert parse_date(f"{weekday}, {month} {day.day}, {day.year:04}") == expected._replace(weekday=day.weekday())
    if day.year > 1:
        other = (day - timedelta(days=1)).weekday()
        wrong = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()[other]
        assert parse_date(f"{wrong}, {month} {day.day}, {day.year:04}") is None


PIECES = st.sampled_from(
    [*"0123456789:：/-., 年月日点时分秒半周", "June", "am", "p.m.", "o'clock", "Tuesday", "20", "下午", "٤"]
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=20).map("".join)))
def test_dates_of_hostile_text_then_value_or_none(text: str) -> None:
    time, day = parse_time(text), parse_date(text)
    assert time is None or (0 <= time.hour < 24 and time.minute < 60 and time.second < 60)
    assert day is None or day.days or day.weekday is not None


def test_dates_of_long_text_then_none() -> None:
    assert parse_time("4:30 pm" + " " * MAX_CHARACTERS + "x") is None
    assert parse_date("June 20" + "0" * MAX_CHARACTERS) is None
