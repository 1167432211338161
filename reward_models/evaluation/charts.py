"""The report's charts as inline SVG: no scripts, no files, colours from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from reward_models.evaluation.best_of_n import BestOfN
from reward_models.evaluation.distributions import Box, Histogram
from reward_models.evaluation.reliability import Bin

WIDTH = 480
HEIGHT = 300
ROW_HEIGHT = 34
MAX_LABEL = 30
TICKS = 5
LABEL_HEIGHT = 14.0


@dataclass(frozen=True, slots=True)
class DotRow:
    """A line of a dot chart: a value with its interval. `kind` is a CSS class: model, other, baseline, human."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: str = "baseline"


@dataclass(slots=True)
class Plot:
    """A drawing area with linear axes.

    Attributes:
        x_ends, y_ends: What the axes run over.
        width, height: Of the whole picture.
        left, right, top, bottom: Margins.
    """

    x_ends: tuple[float, float]
    y_ends: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = 58
    right: int = 16
    top: int = 12
    bottom: int = 44
    parts: list[str] = field(default_factory=list)

    def x(self, value: float) -> float:
        """Return the place of a value from the left."""
        return self.left + _share(value, self.x_ends) * (self.width - self.left - self.right)

    def y(self, value: float) -> float:
        """Return the place of a value from the top."""
        return self.height - self.bottom - _share(value, self.y_ends) * (self.height - self.top - self.bottom)

    def line(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Draw a line through values."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{kind}" points="{path}"/>')

    def dot(self, x: float, y: float, kind: str, radius: float = 4, title: str = "") -> None:
        """Draw a dot, with a text that shows under the mouse."""
        self.parts.append(
            f'<circle class="{kind}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:.1f}">'
            f"{_title(title)}</circle>"
        )

    def bar(self, x: tuple[float, float], y: tuple[float, float], kind: str, title: str = "") -> None:
        """Draw a rectangle between values."""
        left, right = sorted(map(self.x, x))
        top, bottom = sorted(map(self.y, y))
        self.parts.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 0.5):.1f}" '
            f'height="{max(bottom - top, 0.5):.1f}">{_title(title)}</rect>'
        )

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> None:
        """Write at a place in pixels."""
        self.parts.append(f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>')

    def x_axis(self, title: str, ticks: Sequence[tuple[float, str]] = ()) -> None:
        """Draw ticks, their labels and the title below."""
        floor = self.height - self.bottom
        for value, words in ticks or _ticks(self.x_ends):
            self.line([(value, self.y_ends[0]), (value, self.y_ends[1])], "grid")
            self.text(self.x(value), floor + 16, words, "tick")
        self.text((self.left + self.width - self.right) / 2, self.height - 6, title, "axis")

    def y_axis(self, title: str, ticks: Sequence[tuple[float, str]] = ()) -> None:
        """Draw ticks, their labels and the title on the left."""
        for value, words in ticks or _ticks(self.y_ends):
            self.line([(self.x_ends[0], value), (self.x_ends[1], value)], "grid")
            self.text(self.left - 6, self.y(value) + 4, words, "tick", "end")
        middle = (self.top + self.height - self.bottom) / 2
        self.parts.append(
            f'<text class="axis" transform="translate(13 {middle:.0f}) rotate(-90)" text-anchor="middle">'
            f"{escape(title)}</text>"
        )

    def svg(self, label: str, kind: str = "chart") -> str:
        """Return the picture."""
        inner = "".join(self.parts)
        return (
            f'<svg class="{kind}" viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(label)}">'
            f"{inner}</svg>"
        )


def dots(rows: Sequence[DotRow], title: str, marks: Sequence[tuple[float, str]] = (), share: bool = True) -> str:
    """Draw values with intervals, one a line, all on one axis; marks are vertical lines."""
    values = [v for row in rows for v in (row.value, row.low, row.high) if v is not None] + [v for v, _ in marks]
    ends = _padded(min(values), max(values))
    height = ROW_HEIGHT * len(rows) + 74
    plot = Plot(ends, (0, len(rows)), width=760, height=height, left=220, right=74, top=26, bottom=46)
    plot.x_axis(title, [(tick, _share_text(tick) if share else words) for tick, words in _ticks(ends)])
    for value, words in marks:
        plot.line([(value, 0), (value, len(rows))], "mark")
        plot.text(plot.x(value), 16, words, "tick")
    for place, row in enumerate(rows):
        middle = len(rows) - place - 0.5
        if row.low is not None and row.high is not None:
            plot.line([(row.low, middle), (row.high, middle)], f"whisker {row.kind}")
        words = _share_text(row.value, 1) if share else f"{row.value:.3f}"
        plot.dot(row.value, middle, row.kind, 6, f"{row.name}: {words}")
        plot.text(210, plot.y(middle) + 4, _short(row.name), f"name {row.kind}", "end")
        plot.text(plot.width - 64, plot.y(middle) + 4, words, f"value {row.kind}", "start")
    return f'<div class="scroll">{plot.svg(title, "dots")}</div>'


def reliability_chart(bins_B: Sequence[Bin], x_title: str, y_title: str) -> str:
    """Draw what came true over what was predicted; the diagonal is perfect."""
    values = [value for b in bins_B for value in (b.predicted, b.observed)]
    ends = _padded(min(values), max(values))
    plot = Plot(ends, ends)
    plot.x_axis(x_title)
    plot.y_axis(y_title)
    plot.line([(ends[0], ends[0]), (ends[1], ends[1])], "mark")
    plot.line([(b.predicted, b.observed) for b in bins_B], "curve model")
    for b in bins_B:
        plot.dot(b.predicted, b.observed, "model", 4.5, f"{b.count:,}: said {b.predicted:.3g}, was {b.observed:.3g}")
    return plot.svg(f"{y_title} over {x_title}")


def histogram_chart(histogram: Histogram) -> str:
    """Draw differences of scores; what lies left of 0 is wrong."""
    edges, counts = histogram.edges, histogram.counts
    plot = Plot((edges[0], edges[-1]), (0, max(counts) * 1.05))
    plot.x_axis("score of the answer humans prefer, minus score of the other")
    plot.y_axis("pairs")
    for start, end, count in zip(edges, edges[1:], counts, strict=False):
        kind = "wrong" if end <= 1e-12 else "model"
        plot.bar((start, end), (0, count), f"bar {kind}", f"{start:.2f} to {end:.2f}: {count:,}")
    plot.line([(0, 0), (0, plot.y_ends[1])], "mark")
    return plot.svg("Histogram of score differences")


def box_chart(boxes: Sequence[Box]) -> str:
    """Draw the spread of scores at each level of stars."""
    low, high = min(box.quantiles[0] for box in boxes), max(box.quantiles[-1] for box in boxes)
    plot = Plot((-0.5, len(boxes) - 0.5), _padded(low, high))
    plot.x_axis("stars given by humans", [(place, _stars(box.stars)) for place, box in enumerate(boxes)])
    plot.y_axis("score")
    for place, box in enumerate(boxes):
        bottom, lower, middle, upper, top = box.quantiles
        plot.line([(place, bottom), (place, top)], "whisker model")
        plot.bar((place - 0.28, place + 0.28), (lower, upper), "box model", f"{box.count:,} answers")
        plot.line([(place - 0.28, middle), (place + 0.28, middle)], "median")
    return plot.svg("Scores by stars")


def best_of_n_chart(curve: BestOfN) -> str:
    """Draw the stars of the picked answer over n."""
    values = [*curve.model_K, *curve.oracle_K, curve.random]
    places = range(len(curve.n_K))
    plot = Plot((0, max(len(curve.n_K) - 1, 1)), _padded(min(values), max(values)), right=64)
    plot.x_axis("answers to choose from", [(place, str(n)) for place, n in enumerate(curve.n_K)])
    plot.y_axis("mean stars of the chosen one")
    ends: list[tuple[float, str, str]] = []
    for values_K, kind, name in (
        (curve.oracle_K, "human", "humans"),
        (curve.model_K, "model", "model"),
        ([curve.random] * len(curve.n_K), "baseline", "random"),
    ):
        plot.line(zip(places, values_K, strict=True), f"curve {kind}")
        for place, value in zip(places, values_K, strict=True):
            plot.dot(place, value, kind, 3.5, f"{name}, best of {curve.n_K[place]}: {value:.2f} stars")
        ends.append((plot.y(values_K[-1]), name, kind))
    floor = 0.0
    for height, name, kind in sorted(ends):
        floor = max(height, floor + LABEL_HEIGHT)
        plot.text(plot.width - 58, floor + 4, name, f"value {kind}", "start")
    return plot.svg("Stars by best of n")


def _share(value: float, ends: tuple[float, float]) -> float:
    low, high = ends
    return max(0.0, min(1.0, (value - low) / (high - low))) if high > low else 0.5


def _padded(low: float, high: float) -> tuple[float, float]:
    pad = 0.06 * (high - low) or abs(low) * 0.1 or 1.0
    return low - pad, high + pad


def _ticks(ends: tuple[float, float]) -> list[tuple[float, str]]:
    """Return about five round numbers within the ends, and their texts."""
    low, high = ends
    rough = (high - low) / TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (step / power == 2.5))
    return [(place * step, f"{place * step:,.{digits}f}") for place in range(first, last + 1)]


def _share_text(value: float, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f} %"


def _stars(stars: float) -> str:
    return f"{stars:.1f}".removesuffix(".0")


def _short(name: str) -> str:
    return name if len(name) <= MAX_LABEL else f"…{name[-MAX_LABEL + 1 :]}"


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>" if text else ""
