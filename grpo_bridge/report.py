"""A training report as one HTML file: charts in SVG, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from math import floor, log10
from pathlib import Path

History = Sequence[Mapping[str, float]]
"""One mapping a log entry: `step`, and numbers by name."""

WIDTH, HEIGHT = 420, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 26
MAX_LINES = 6
"""Most lines in a chart."""
MAX_POINTS = 600
"""Most points of a line."""
SAME = 1e-9
"""Numbers that differ by this share of their size are drawn as equal: the rest is rounding."""
LEAST, MOST = 1e-100, 1e100
"""Smaller numbers are drawn as 0, and larger ones not at all: their differences are no numbers any more."""
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, which the colour-blind can tell apart."""
DASHES = ("", "6 3", "2 3", "8 3 2 3", "1 2", "10 4")


@dataclass(frozen=True)
class Panel:
    """A chart: the numbers whose names end so.

    Attributes:
        title: Above it, with the unit.
        endings: Of the names.
        within: Its range, where it is known.
    """

    title: str
    endings: tuple[str, ...]
    within: tuple[float, float] | None = None


PANELS = (
    Panel("Reward (mean)", ("reward", "/mean")),
    Panel("Reward (standard deviation)", ("reward_std", "/std")),
    Panel("Judged (share)", ("/valid",), (0, 1)),
    Panel("pass@k", ("/pass@1", "/pass@2", "/pass@4", "/pass@8", "/pass@16"), (0, 1)),
    Panel("Groups that teach nothing (share)", ("/zero_variance_all_right", "/zero_variance_all_wrong"), (0, 1)),
    Panel("Length of completions (tokens)", ("completions/mean_length", "completions/max_length")),
    Panel("Correlation of reward and length", ("/length_correlation",), (-1, 1)),
    Panel("KL from the start (nats a token)", ("kl", "kl_probe")),
    Panel("Audits", ("audit/held_out", "audit/human_agreement")),
    Panel("Scoring (CPU seconds a sample)", ("/seconds_p50", "/seconds_p95")),
    Panel("Killed at the deadline (samples a call)", ("/timeouts",)),
)
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:24px;max-width:920px;color:#1a1a1a;background:#fff}
h1{font-size:22px;margin:0 0 4px}h2{font-size:15px;margin:0 0 4px;font-weight:600}
.charts{display:flex;flex-wrap:wrap;gap:20px 28px;margin-top:20px}figure{margin:0;width:420px}
figcaption{font-size:12px;color:#444}
.alarm{border-left:4px solid #d55e00;background:#fdf1e7;padding:8px 12px;margin:8px 0}
.fine{border-left:4px solid #009e73;background:#eaf6f1;padding:8px 12px;margin:8px 0}
svg{display:block;width:100%;height:auto}text{font:11px system-ui,sans-serif;fill:#555}
b i{display:inline-block;width:14px;height:3px;vertical-align:middle;margin-right:4px}
b{font-weight:400;margin-right:12px;white-space:nowrap}
"""


@dataclass
class Report:
    """What the report shows.

    Attributes:
        title: Its heading.
        history: See `History`.
        alarms: What is wrong: name -> sentence with the step.
    """

    title: str
    history: list[dict[str, float]] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)

    def html(self) -> str:
        """Return the page."""
        steps = (
            f"{len(self.history)} log entries, to step {self.history[-1]['step']:g}; across: the optimizer's steps"
            if self.history
            else "no steps"
        )
        boxes = [f'<p class="alarm">{escape(text)}</p>' for text in self.alarms.values()]
        charts = "".join(chart for panel in PANELS if (chart := _figure(panel, self.history)))
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(self.title)}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style><h1>{escape(self.title)}</h1>'
            f"<p>{steps}</p>{''.join(boxes) or '<p class=fine>No audit has found anything.</p>'}"
            f'<div class="charts">{charts}</div></html>\n'
        )

    def write(self, path: Path) -> None:
        """Write the page, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        partial.write_text(self.html(), encoding="utf-8")
        partial.replace(path)


def _figure(panel: Panel, history: History) -> str:
    names = [name for name in _names(history) if any(_ends(name, ending) for ending in panel.endings)][:MAX_LINES]
    lines: dict[str, list[tuple[float, float]]] = {}
    for name in names:
        line = _thinned(_points(history, name))
        if line and line not in lines.values():  # a trainer with one reward function logs it twice
            lines[name] = line
    if not lines:
        return ""
    steps = (history[0]["step"], history[-1]["step"])
    keys = "".join(
        f'<b><i style="background:{color}"></i>{escape(name)} {line[-1][1]:.4g}</b>'
        for (name, line), color in zip(lines.items(), COLORS, strict=False)
    )
    return (
        f"<figure><h2>{escape(panel.title)}</h2>{svg(list(lines.values()), panel.title, panel.within, steps)}"
        f"<figcaption>{keys}</figcaption></figure>"
    )


def svg(
    lines: Sequence[Sequence[tuple[float, float]]],
    label: str,
    within: tuple[float, float] | None = None,
    across: tuple[float, float] = (0.0, 0.0),
) -> str:
    """Return a line chart.

    Args:
        lines: At least one line of at least one point (x, y), all finite.
        label: What a reader of screens is told.
        within: The range of y; `None` = that of the points.
        across: A range of x that is shown in any case.
    """
    xs = [*across, *(x for line in lines for x, _ in line)]
    ys = [y for line in lines for _, y in line]
    (x0, x1), (y0, y1) = _range(xs), within or _range(ys)
    ticks_x, ticks_y = ticks(x0, x1), ticks(y0, y1)

    def at_x(x: float) -> float:
        return _LEFT + (x - x0) / (x1 - x0) * (WIDTH - _LEFT - _RIGHT)

    def at_y(y: float) -> float:
        return HEIGHT - _BOTTOM - (y - y0) / (y1 - y0) * (HEIGHT - _TOP - _BOTTOM)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">']
    for tick in ticks_y:
        y = at_y(tick)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in ticks_x:
        parts.append(f'<text x="{at_x(tick):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{tick:g}</text>')
    for line, color, dash in zip(lines, COLORS, DASHES, strict=False):
        parts.append(_drawn([(at_x(x), at_y(y)) for x, y in line], color, dash))
    return "".join([*parts, "</svg>"])


def _drawn(places: Sequence[tuple[float, float]], color: str, dash: str) -> str:
    if len(places) == 1:
        (x, y), *_ = places
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>'
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    style = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="1.8"{style}/>'


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return round numbers from `low` to `high`."""
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = -floor(-low / step * (1 + 1e-12) + 1e-9) if low else 0
    return [round(n * step, 12) for n in range(first, floor(high / step + 1e-9) + 1)]


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    size = max(abs(low), abs(high))
    if size < LEAST:
        return 0.0, 1.0
    return (low, high) if high - low > SAME * size else (high - size / 2, high + size / 2)


def _names(history: History) -> list[str]:
    return list(dict.fromkeys(name for entry in history for name in entry))


def _ends(name: str, ending: str) -> bool:
    return name.endswith(ending) if ending.startswith("/") else name == ending


def _points(history: History, name: str) -> list[tuple[float, float]]:
    return [(e["step"], e[name]) for e in history if name in e and abs(e[name]) <= MOST]  # nor NaN


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most `MAX_POINTS`: means of neighbours, so that no spike is picked by chance."""
    size = -(-len(points) // MAX_POINTS)
    if size <= 1:
        return points
    chunks = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in c) / len(c), sum(y for _, y in c) / len(c)) for c in chunks]
