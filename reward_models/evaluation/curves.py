"""Monotone maps from a score to something with a meaning: fitted by isotonic regression or a logistic curve.

Both end as knots with straight lines between them, so that one small table in the card says all.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_POINTS = 100
"""Data are first averaged in this many bins of equal weight, which bounds both noise and work."""
MIN_IN_POINT = 10
"""Fewest observations that are averaged, where there are enough."""
LOGISTIC_KNOTS = 41
LOGISTIC_REACH = 1.5
"""A logistic curve is tabulated this far beyond the data, as a share of their range."""
NEWTON_STEPS = 50
RIDGE = 1e-3
"""Keeps the slope finite where the data are separable; in units of one observation."""
LAPSES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""Shares of pairs that are a coin's toss however far the scores are apart: humans disagree among themselves."""
SLOPES = tuple(2 ** (power / 4) for power in range(-28, 25))
"""Slopes tried, in units of one standard deviation of the differences."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A monotone map.

    Attributes:
        x_K: Knots, strictly increasing.
        y_K: Values there; between knots the line, outside them the end's value.
    """

    x_K: tuple[float, ...]
    y_K: tuple[float, ...]

    def __call__(self, x: float) -> float:
        """Return the value at x."""
        place = bisect_right(self.x_K, x)
        if place == 0 or place == len(self.x_K):
            return self.y_K[max(place - 1, 0)]
        left, right = self.x_K[place - 1], self.x_K[place]
        share = (x - left) / (right - left)
        return self.y_K[place - 1] * (1 - share) + self.y_K[place] * share


@dataclass(frozen=True, slots=True)
class Point:
    """Several observations, averaged: mean x, mean y, and their weight."""

    x: float
    y: float
    weight: float


Fit = Callable[[Sequence[Point]], Curve]


def average(x_N: Sequence[float], y_N: Sequence[float], weight_N: Sequence[float]) -> list[Point]:
    """Sort by x and average neighbours into at most `MAX_POINTS` points; equal x are never parted."""
    rows = sorted(zip(x_N, y_N, weight_N, strict=True))
    size = max(MIN_IN_POINT, math.ceil(len(rows) / MAX_POINTS))
    points, start = [], 0
    while start < len(rows):
        end = min(start + size, len(rows))
        while end < len(rows) and rows[end][0] == rows[end - 1][0]:
            end += 1
        points.append(_mean(rows[start:end]))
        start = end
    return points


def _mean(rows: Sequence[tuple[float, float, float]]) -> Point:
    weight = math.fsum(w for _, _, w in rows)
    return Point(math.fsum(x * w for x, _, w in rows) / weight, math.fsum(y * w for _, y, w in rows) / weight, weight)


def isotonic(points: Sequence[Point]) -> Curve:
    """Fit the best non-decreasing steps (pool adjacent violators) and join their middles."""
    blocks: list[Point] = []
    for point in points:
        blocks.append(point)
        while len(blocks) > 1 and blocks[-2].y >= blocks[-1].y:
            blocks.append(_join(blocks.pop(), blocks.pop()))
    return _curve([(block.x, block.y) for block in blocks])


def _join(a: Point, b: Point) -> Point:
    weight = a.weight + b.weight
    return Point((a.x * a.weight + b.x * b.weight) / weight, (a.y * a.weight + b.y * b.weight) / weight, weight)


def _curve(knots: Sequence[tuple[float, float]]) -> Curve:
    """Make a curve of knots in order; of knots that rounding made equal the last one stays."""
    unique = dict(knots)
    return Curve(tuple(unique), tuple(unique.values()))


def logistic(points: Sequence[Point], low: float, high: float) -> Curve:
    """Fit low + (high - low) x sigmoid(a x + b) by Newton's method (Platt 1999; a fractional logit for stars).

    Where the best slope is negative, the best curve that does not fall is the mean.
    """
    middle, spread = _mean_and_spread(points)
    slope = intercept = 0.0
    for _ in range(NEWTON_STEPS):
        g_a, g_b, h_aa, h_ab, h_bb = RIDGE * slope, RIDGE * intercept, RIDGE, 0.0, RIDGE
        for point in points:
            x = (point.x - middle) / spread
            p = sigmoid(slope * x + intercept)
            error = point.weight * (p - (point.y - low) / (high - low))
            curvature = point.weight * p * (1 - p)
            g_a, g_b = g_a + error * x, g_b + error
            h_aa, h_ab, h_bb = h_aa + curvature * x * x, h_ab + curvature * x, h_bb + curvature
        step_a, step_b = _solve(h_aa, h_ab, h_bb, g_a, g_b)
        slope, intercept = slope - step_a, intercept - step_b
        if abs(step_a) + abs(step_b) < 1e-9:
            break
    start, end = points[0].x, points[-1].x
    if slope <= 0:
        mean = math.fsum(p.weight * p.y for p in points) / math.fsum(p.weight for p in points)
        return _tabulate(lambda x: mean, start, end)
    return _tabulate(
        lambda x: low + (high - low) * sigmoid(slope * (x - middle) / spread + intercept),
        start - (LOGISTIC_REACH - 1) * (end - start),
        end + (LOGISTIC_REACH - 1) * (end - start),
    )


def _solve(h_aa: float, h_ab: float, h_bb: float, g_a: float, g_b: float) -> tuple[float, float]:
    """Return the Newton step, shortened where a far step would overshoot."""
    determinant = h_aa * h_bb - h_ab * h_ab
    step_a, step_b = (h_bb * g_a - h_ab * g_b) / determinant, (h_aa * g_b - h_ab * g_a) / determinant
    shrink = min(1.0, 2.0 / max(abs(step_a), abs(step_b), 1e-300))
    return step_a * shrink, step_b * shrink


def symmetric_logistic(points: Sequence[Point]) -> Curve:
    """Fit P(agree) = lapse / 2 + (1 - lapse) x sigmoid(a d) to differences d >= 0, by grid search on the log loss."""
    spread = math.sqrt(sum(p.weight * p.x * p.x for p in points) / sum(p.weight for p in points)) or 1.0
    candidates = [(lapse, slope / spread) for lapse in LAPSES for slope in SLOPES]
    lapse, slope = min(candidates, key=lambda pair: sum(_loss(p, lapsing(p.x, *pair)) for p in points))
    return _tabulate(lambda d: lapsing(d, lapse, slope), 0.0, LOGISTIC_REACH * points[-1].x)


def lapsing(difference: float, lapse: float, slope: float) -> float:
    """Return P(the higher score is right)."""
    return lapse / 2 + (1 - lapse) * sigmoid(slope * difference)


def symmetric_isotonic(points: Sequence[Point]) -> Curve:
    """Fit P(agree) to differences d >= 0: non-decreasing, 0.5 at 0, never below it."""
    fitted = isotonic(points)
    rows = [(x, max(0.5, y)) for x, y in zip(fitted.x_K, fitted.y_K, strict=True) if x > 0]
    return _curve([(0.0, 0.5), *rows])


def log_loss(curve: Curve, points: Sequence[Point]) -> float:
    """Return the summed log loss of a curve of probabilities."""
    return sum(_loss(point, curve(point.x)) for point in points)


def squared_error(curve: Curve, points: Sequence[Point]) -> float:
    """Return the summed squared error of a curve."""
    return sum(point.weight * (curve(point.x) - point.y) ** 2 for point in points)


def _loss(point: Point, p: float) -> float:
    p = min(max(p, 1e-6), 1 - 1e-6)
    return -point.weight * (point.y * math.log(p) + (1 - point.y) * math.log(1 - p))


def sigmoid(x: float) -> float:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return 0.5 * (1 + math.tanh(x / 2))


def _mean_and_spread(points: Sequence[Point]) -> tuple[float, float]:
    total = sum(p.weight for p in points)
    mean = sum(p.weight * p.x for p in points) / total
    return mean, math.sqrt(sum(p.weight * (p.x - mean) ** 2 for p in points) / total) or 1.0


def _tabulate(function: Callable[[float], float], start: float, end: float) -> Curve:
    steps = LOGISTIC_KNOTS - 1
    xs = [start + (end - start) * step / steps for step in range(LOGISTIC_KNOTS)]
    return _curve([(x, function(x)) for x in xs])
