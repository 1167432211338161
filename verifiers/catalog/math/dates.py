"""Read times of day and dates, English and Chinese, and tell whether two of them agree.

Ask only where the reference looks like a time or a date: "4:30" is also a ratio, "May" a verb. The formats are strict
(two-digit minutes below 60, days that the month has), so that "2:3", "4:75" and "12/25" are never taken.

Times agree when they show the same clock; where one of them does not tell am from pm, the half of the day is free
(4:30 agrees with 4:30 p.m. and with 16:30, never with 4:31). Dates agree when month and day are the same and year and
weekday are not different; a date that reads both as month/day and day/month agrees only with the same two readings.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

from verifiers.catalog.math.words_zh import chinese_number

MAX_CHARACTERS = 60
"""Longer texts are neither times nor dates."""

_MONTHS = {
    name: month
    for month, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|"
        "november nov|december dec".split("|"),
        start=1,
    )
    for name in names.split()
}
_WEEKDAYS = {
    name: day
    for day, names in enumerate(
        "monday mon|tuesday tue tues|wednesday wed|thursday thu thur thurs|friday fri|saturday sat|sunday sun".split(
            "|"
        )
    )
    for name in names.split()
}
_CHINESE_WEEKDAYS = {
    name: day for day, names in enumerate(("一1", "二2", "三3", "四4", "五5", "六6", "日天7")) for name in names
}
_LEAP_YEAR = 2024
"""Stands for an unknown year: 29 February exists."""


class TimeOfDay(NamedTuple):
    """A clock time; `hour` is 0-23 if `half_known`, else 1-12 as written."""

    hour: int
    minute: int
    second: int
    half_known: bool


class CalendarDate(NamedTuple):
    """A date as far as it is given.

    `days` holds every (month, day) reading, with day 0 for a whole month; it is empty for a bare weekday.
    `weekday` counts from Monday = 0.
    """

    days: frozenset[tuple[int, int]]
    year: int | None
    weekday: int | None


_NIGHT_ENDS = 5
"""晚上1点 is 1 a.m., 晚上8点 is 8 p.m."""
_EVENING, _MORNING = "pm", "am"
_NAMED_TIMES = {
    "noon": TimeOfDay(12, 0, 0, True),
    "midday": TimeOfDay(12, 0, 0, True),
    "12 noon": TimeOfDay(12, 0, 0, True),
    "正午": TimeOfDay(12, 0, 0, True),
    "中午": TimeOfDay(12, 0, 0, True),
    "midnight": TimeOfDay(0, 0, 0, True),
    "12 midnight": TimeOfDay(0, 0, 0, True),
    "午夜": TimeOfDay(0, 0, 0, True),
}
_TIME = re.compile(
    r"""([0-9]{1,2}+)(?:[:：]([0-5][0-9])(?:[:：]([0-5][0-9]))?+)?+
    (\s*+o['’]?clock)?+
    \s*+(?:([ap])\.?\s?m\.?|(in\ the\ morning)|((?:in\ the\ (?:afternoon|evening)|at\ night))
        |(noon|midnight))?+""",
    re.VERBOSE,
)
_HALVES = {
    "凌晨": _MORNING, "清晨": _MORNING, "早上": _MORNING, "早晨": _MORNING, "上午": _MORNING, "中午": _EVENING,
    "下午": _EVENING, "傍晚": _EVENING, "晚上": _EVENING, "夜里": "", "夜晚": _EVENING, "": "",
}  # fmt: skip
_NUMERAL = "[0-9〇零一二两三四五六七八九十廿]"
_CHINESE_TIME = re.compile(
    rf"""(凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|夜晚)?+\s*+(?:
    ([0-9]{{1,2}}+)[:：]([0-5][0-9])(?:[:：]([0-5][0-9]))?+
    |({_NUMERAL}{{1,3}}+)\s*+[点點时時](?:钟|鐘|整)?+\s*+(?:(半)|([一三])刻|({_NUMERAL}{{1,3}}+)\s*+分?+)?+
        \s*+(?:({_NUMERAL}{{1,3}}+)\s*+秒)?+
    )""",
    re.VERBOSE,
)


def parse_time(text: str) -> TimeOfDay | None:
    """Return the time of day that the whole text names ("4:30 p.m.", "16:30", "noon", 下午4点30分), or `None`."""
    text = text.strip()
    if not text or len(text) > MAX_CHARACTERS:
        return None
    lower = text.lower()
    named = _NAMED_TIMES.get(lower.rstrip("."))
    if named is not None:
        return named
    return _english_time(lower) if lower.isascii() or "’" in text else _chinese_time(text)


def _english_time(text: str) -> TimeOfDay | None:
    match = _TIME.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        return None
    hour, minute, second, _, letter, morning, evening, twelve = match.groups()
    if twelve is not None and int(hour) != 12:
        return None
    evening = evening or twelve == "noon"
    morning = morning or twelve == "midnight"
    half = _EVENING if letter == "p" or evening else _MORNING if letter or morning else ""
    return _clock(int(hour), int(minute or 0), int(second or 0), half)


def _chinese_time(text: str) -> TimeOfDay | None:
    match = _CHINESE_TIME.fullmatch(text)
    if match is None:
        return None
    half, hour, minute, second, word_hour, half_past, quarter, word_minute, word_second = match.groups()
    parts = [_small(part) for part in (hour or word_hour, minute or word_minute or "0", second or word_second or "0")]
    if half_past or quarter:
        parts[1] = 30 if half_past else 15 if quarter == "一" else 45
    if half == "中午" and parts[0] is not None and parts[0] in (10, 11):
        half = "上午"
    if half in ("晚上", "夜里", "夜晚") and parts[0] is not None and parts[0] % 12 < _NIGHT_ENDS and parts[0] <= 12:
        half = "凌晨"
    if parts[0] is None or parts[1] is None or parts[2] is None:
        return None
    return _clock(parts[0], parts[1], parts[2], _HALVES[half or ""])


def _small(text: str) -> int | None:
    text = text.removeprefix("零") or text
    value = int(text) if text.isdecimal() and text.isascii() else chinese_number(text)
    return value if isinstance(value, int) else None


def _clock(hour: int, minute: int, second: int, half: str) -> TimeOfDay | None:
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
        return None
    if not half:
        known = not 1 <= hour <= 12
        return TimeOfDay(hour % 24 if known else hour, minute, second, known)
    if (hour > 12 and half == _MORNING) or hour == 24 or (hour == 0 and half == _EVENING):
        return None
    return TimeOfDay(hour if hour > 12 else hour % 12 + (12 if half == _EVENING else 0), minute, second, True)


def times_match(a: TimeOfDay, b: TimeOfDay) -> bool:
    """Return whether both can be the same time of day; an unknown half of the day matches either."""
    if a[1:3] != b[1:3]:
        return False
    if a.half_known and b.half_known:
        return a.hour == b.hour
    return a.hour % 12 == b.hour % 12


_DAY = r"([0-9]{1,2}+)(?:st|nd|rd|th)?+"
_YEAR = r"(?:\s*+,?+\s*+([0-9]{4}))?+"
_MONTH = r"([a-z]{3,9}+)\.?+"
_MONTH_DAY = re.compile(rf"{_MONTH}\s++(?:the\s)?+{_DAY}{_YEAR}")
_DAY_MONTH = re.compile(rf"(?:the\s++)?+{_DAY}\s++(?:of\s++)?+{_MONTH}{_YEAR}")
_MONTH_YEAR = re.compile(rf"{_MONTH}(?:\s*+,?+\s*+([0-9]{{4}}))?+")
_ISO = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2}+)\2([0-9]{1,2}+)")
_SLASHED = re.compile(r"([0-9]{1,2}+)([-/.])([0-9]{1,2}+)\2([0-9]{4})")
_CHINESE_DATE = re.compile(
    rf"(?:({_NUMERAL}{{2,4}}+)\s*+年)?+\s*+({_NUMERAL}{{1,3}}+)\s*+月\s*+(?:({_NUMERAL}{{1,3}}+)\s*+[日号號])?+"
)
_WEEKDAY_FIRST = re.compile(r"([a-z]{3,9}+)\.?+(?:\s*+,\s*+|\s++|$)")
_CHINESE_WEEKDAY = re.compile(r"[\s,，(（]*+(?:星期|周|礼拜|週)([一二三四五六日天1-7])[)）]?+$")


def parse_date(text: str) -> CalendarDate | None:
    """Return the date that the whole text names ("June 20, 2024", "2024-06-20", "Tuesday", 6月20日), or `None`.

    A weekday that the given year contradicts makes it no date.
    """
    text = text.strip().rstrip(".")
    if not text or len(text) > MAX_CHARACTERS:
        return None
    lower = text.lower()
    weekday = None
    first = _WEEKDAY_FIRST.match(lower)
    last = _CHINESE_WEEKDAY.search(lower) if not lower.isascii() else None
    if first is not None and first[1] in _WEEKDAYS:
        weekday, lower = _WEEKDAYS[first[1]], lower[first.end() :]
    elif last is not None:
        weekday, lower = _CHINESE_WEEKDAYS[last[1]], lower[: last.start()]
    if weekday is not None and not lower:
        return CalendarDate(frozenset(), None, weekday)
    found = _english_date(lower) or _numeric_date(lower) or _chinese_date(lower)
    if found is None or weekday is None:
        return found
    return found._replace(weekday=weekday) if _weekday_fits(found, weekday) else None


def _english_date(text: str) -> CalendarDate | None:
    match = _MONTH_DAY.fullmatch(text)
    if match is not None:
        return _checked(_MONTHS.get(match[1]), int(match[2]), match[3])
    match = _DAY_MONTH.fullmatch(text)
    if match is not None:
        return _checked(_MONTHS.get(match[2]), int(match[1]), match[3])
    match = _MONTH_YEAR.fullmatch(text)
    return None if match is None else _checked(_MONTHS.get(match[1]), None, match[2])


def _numeric_date(text: str) -> CalendarDate | None:
    match = _ISO.fullmatch(text)
    if match is not None:
        return _checked(int(match[3]), int(match[4]), match[1])
    match = _SLASHED.fullmatch(text)
    if match is None:
        return None
    one, other, year = int(match[1]), int(match[3]), match[4]
    readings = [found for found in (_checked(one, other, year), _checked(other, one, year)) if found is not None]
    if not readings:
        return None
    return readings[0]._replace(days=frozenset().union(*(found.days for found in readings)))


def _chinese_date(text: str) -> CalendarDate | None:
    match = _CHINESE_DATE.fullmatch(text)
    if match is None:
        return None
    year = None if match[1] is None else _small(match[1])
    day = None if match[3] is None else _small(match[3])
    if (match[1] is not None and year is None) or (match[3] is not None and day is None):
        return None
    return _checked(_small(match[2]), day, None if year is None else str(year))


def _checked(month: int | None, day: int | None, year_text: str | None) -> CalendarDate | None:
    """Make a date of parts that exist in the calendar; `day` is `None` for a whole month."""
    year = None if year_text is None else int(year_text)
    if month is None or not 1 <= month <= 12 or year == 0:
        return None
    if day is not None and not 1 <= day <= monthrange(_LEAP_YEAR if year is None else year, month)[1]:
        return None
    return CalendarDate(frozenset({(month, day or 0)}), year, None)


def _weekday_fits(found: CalendarDate, weekday: int) -> bool:
    if found.year is None:
        return True
    return any(day == 0 or date(found.year, month, day).weekday() == weekday for month, day in found.days)


def dates_match(a: CalendarDate, b: CalendarDate) -> bool:
    """Return whether both can be the same date: same days, and no contradiction in year or weekday."""
    return (
        a.days == b.days
        and (a.year is None or b.year is None or a.year == b.year)
        and (a.weekday is None or b.weekday is None or a.weekday == b.weekday)
    )
