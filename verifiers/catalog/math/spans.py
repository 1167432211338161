"""Sets of real numbers as sorted tuples of disjoint spans with rational ends: union, intersection, complement."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

CLOSE = Fraction(1, 10**50)
"""Relative distance below which two ends are the same point."""
_ROUGHLY_CLOSE = 1e-9
"""Relative distance of doubles above which they are not, far above the doubles' own rounding."""
MAX_SPANS = 64
"""Most spans of an explicit set."""


class NotASet(ValueError):
    """The node is no explicit set of real numbers."""


@dataclass(frozen=True, slots=True)
class Span:
    """One interval or point; an end of `None` is infinite."""

    low: Fraction | None
    low_closed: bool
    high: Fraction | None
    high_closed: bool


RealSet = tuple[Span, ...]
ALL: RealSet = (Span(None, False, None, False),)


def same_end(a: Fraction | None, b: Fraction | None) -> bool:
    """Whether two ends are the same point, irrational ones to 50 digits."""
    if a is None or b is None:
        return a is b
    if a == b:
        return True
    if a.denominator == b.denominator == 1:
        return False
    return _roughly_same(a, b) and abs(a - b) <= CLOSE * (1 + abs(a))


def _roughly_same(a: Fraction, b: Fraction) -> bool:
    """Whether doubles do not tell two numbers apart, which is cheaper than fractions of 250 bits."""
    try:
        left = a.numerator / a.denominator
        return abs(left - b.numerator / b.denominator) <= _ROUGHLY_CLOSE * (1 + abs(left))
    except OverflowError:
        return True


def less(a: Fraction, b: Fraction) -> bool:
    """Whether a point lies before another."""
    return a < b and not same_end(a, b)


def span_of(low: Fraction | None, low_closed: bool, high: Fraction | None, high_closed: bool) -> RealSet:
    """Return the set between two ends, empty where they are the wrong way round."""
    if low is not None and high is not None:
        if same_end(low, high):
            return (Span(low, True, low, True),) if low_closed and high_closed else ()
        if low > high:
            return ()
    return (Span(low, low_closed, high, high_closed),)


def union(*sets: RealSet) -> RealSet:
    """Unite sets, merging spans that touch."""
    spans = sorted(
        (span for one in sets for span in one),
        key=lambda s: (s.low is not None, s.low or 0, not s.low_closed),
    )
    if len(spans) > MAX_SPANS:
        raise NotASet(f"more than {MAX_SPANS} intervals")
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if last is None or not _touches(last, span):
            merged.append(span)
            continue
        high, closed = last.high, last.high_closed
        if high is not None and (span.high is None or not less(span.high, high)):
            closed = (closed if same_end(high, span.high) else False) or span.high_closed
            high = span.high
        low_closed = last.low_closed or (span.low_closed and same_end(last.low, span.low))
        merged[-1] = Span(last.low, low_closed, high, closed)
    return tuple(merged)


def _touches(left: Span, right: Span) -> bool:
    if left.high is None or right.low is None:
        return True
    if same_end(left.high, right.low):
        return left.high_closed or right.low_closed
    return right.low < left.high


def complement(one: RealSet) -> RealSet:
    """Return the real numbers outside a set."""
    found: list[Span] = []
    low: Fraction | None = None
    closed = False
    for span in one:
        if span.low is not None:
            found.extend(span_of(low, closed, span.low, not span.low_closed))
        if span.high is None:
            return tuple(found)
        low, closed = span.high, not span.high_closed
    found.extend(span_of(low, closed, None, False))
    return tuple(found)


def intersection(*sets: RealSet) -> RealSet:
    """Intersect sets."""
    return complement(union(*(complement(one) for one in sets)))


def same_set(left: RealSet, right: RealSet) -> bool:
    """Whether two explicit sets are equal."""
    return len(left) == len(right) and all(
        same_end(a.low, b.low)
        and same_end(a.high, b.high)
        and a.low_closed == b.low_closed
        and a.high_closed == b.high_closed
        for a, b in zip(left, right, strict=True)
    )


def contains(one: RealSet, value: Fraction) -> bool:
    """Whether a point lies in a set."""
    for span in one:
        above = span.low is None or (span.low_closed if same_end(value, span.low) else value > span.low)
        below = span.high is None or (span.high_closed if same_end(value, span.high) else value < span.high)
        if above and below:
            return True
    return False
