"""The fixed points at which variables stand when two functions are compared by value."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Literal
from zlib import crc32

Grid = Literal["near", "integers", "wide"]
"""Where variables stand: near 0 and 1, at small integers (factorials), or far apart (floors)."""

_RANGES = ((0.15, 0.9), (1.2, 2.9), (-0.9, -0.15), (3.1, 9.7), (-6.3, -1.3), (0.4, 5.0))
POINTS = len(_RANGES)
"""Number of fixed points where all variables lie in one range."""
_SCALES = (0.3, 2.0, 11.0, 47.0, 160.0)
_PARTS = (1 << 31) - 1
"""Denominator of every point: a large prime, so that no period such as that of sin(1024 pi x) meets all points."""
FOLD_POINTS = 2 * len(_SCALES)
"""Number of further points, for absolute values and roots: signs mixed so that any two letters differ once each way."""


@lru_cache(maxsize=4096)
def point_of(name: str, point: int, grid: Grid = "near") -> Fraction:
    """Return the fixed value of a variable at a point."""
    seed = crc32(f"{point}:{name}".encode("utf-8", "replace")) / 0xFFFFFFFF
    if grid == "integers":
        return Fraction(2 + int(seed * 11) + point)
    if grid == "wide":
        return _fraction((1 if point % 3 else -1) * (200 + seed * 40_000))
    if point >= POINTS:
        place, mirrored = (point - POINTS) % len(_SCALES), point - POINTS >= len(_SCALES)
        code = ord(name) if len(name) == 1 else crc32(name.encode("utf-8", "replace"))
        sign = -1 if (code >> place & 1) != mirrored else 1
        return _fraction(sign * _SCALES[place] * (1 + seed))
    low, high = _RANGES[point]
    return _fraction(low + (high - low) * seed)


@lru_cache(maxsize=4096)
def float_point(name: str, point: int, grid: Grid = "near") -> float:
    """Return `point_of` as a double."""
    return float(point_of(name, point, grid))


def _fraction(value: float) -> Fraction:
    return Fraction(round(value * _PARTS), _PARTS)


def indexed(name: str, bound: Mapping[str, int]) -> str:
    """Return the name of a term such as a_i with its index put in: a_3."""
    base, _, index = name.partition("_")
    return f"{base}_{bound[index]}" if index in bound else name
