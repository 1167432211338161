"""Dates and times as answers."""

from __future__ import annotations

import re

from verifiers.catalog.math.dates import CalendarDate, TimeOfDay, dates_match, parse_date, parse_time, times_match
from verifiers.catalog.math.read import words_of

Moment = TimeOfDay | CalendarDate

_MAYBE = re.compile(r"\d\s*:\s*\d\d|[AaPp]\.?\s?[Mm]\.?\b|[A-Za-z]{3}|\d{4}-\d|noon|midnight|o'clock|[月日点时周期]")
_NUMERIC = re.compile(r"[\d/-]+\Z")
_DIGITS = re.compile(r"[\d:\s]+\Z")


def moment_of(text: str) -> Moment | None:
    """Return the time or date that a whole text states, if it states one."""
    if len(text) > 60 or "^" in text or not _MAYBE.search(text):
        return None
    bare = words_of(text)
    if "\\" in bare:
        return None
    return parse_time(bare) or parse_date(bare)


def same_moment(ref: Moment | None, ref_text: str, pred_text: str) -> bool | None:
    """Whether two answers are the same moment; `None` unless both are moments of one kind.

    A date in digits is never read as a difference: 2024-01-15 is not 2008.

    Bare `7:32` may be a ratio, so two of them must show the same digits.
    """
    if ref is None:
        return None
    pred = moment_of(pred_text)
    if pred is None and isinstance(ref, CalendarDate) and _NUMERIC.match(ref_text):
        return False
    if isinstance(ref, TimeOfDay) and isinstance(pred, TimeOfDay):
        if _DIGITS.match(ref_text) and _DIGITS.match(pred_text):
            return ref[:3] == pred[:3]
        return times_match(ref, pred)
    if isinstance(ref, CalendarDate) and isinstance(pred, CalendarDate):
        return dates_match(ref, pred)
    return None
