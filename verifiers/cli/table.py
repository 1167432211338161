"""Aligned tables and name-value lists, coloured on a terminal and plain anywhere else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

import click

from verifiers.cli.text import clip, escape, pad, width, wrap

GAP = "  "
MAX_CELLS = 60
"""A column never takes more terminal cells than this, but for the last one."""
MIN_LAST_CELLS = 24
MAX_VALUE_CHARS = 4000
"""A value in a list of pairs is shown up to here: model text may hold megabytes."""
PLAIN_CELLS = 160
"""How wide the last column may grow where there is no terminal to fit."""

COLOURS = {
    "correct": "green",
    "ok": "green",
    "pass": "green",
    "incorrect": "red",
    "fix": "red",
    "fail": "red",
    "broken": "red",
    "partial": "yellow",
    "unparsable": "red",
    "limit_exceeded": "red",
    "warn": "yellow",
    "bad_reference": "magenta",
    "bad_row": "magenta",
    "deadline_exceeded": "magenta",
    "unavailable": "magenta",
    "failed": "magenta",
}
"""Words that a cell shows in colour when the cell is nothing else."""


def is_terminal(stream: TextIO) -> bool:
    """Whether a person watches the stream."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def is_coloured(stream: TextIO) -> bool:
    """Whether the stream takes colours: a terminal that is not dumb, and `NO_COLOR` is not set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def line_cells(stream: TextIO) -> int:
    """Return how many cells a line may take: the terminal's, or a generous width for files and pipes."""
    return shutil.get_terminal_size((100, 24)).columns if is_terminal(stream) else PLAIN_CELLS


def paint(text: str, stream: TextIO, **style: object) -> str:
    """Return the text styled for a stream that takes colours, else unchanged."""
    return click.style(text, **style) if is_coloured(stream) else text  # type: ignore[arg-type]


def write(text: str = "", stream: TextIO | None = None) -> None:
    """Print a line to the stream (stdout unless given) exactly as it is."""
    target = stream or sys.stdout
    target.write(text + "\n")


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], stream: TextIO | None = None, indent: int = 0
) -> None:
    """Print rows under a header, numbers aligned right, everything escaped, the last column cut to the line.

    Args:
        header: The columns' names.
        rows: As many cells each; `None` prints as `-`.
        stream: Where to; stdout unless given.
        indent: Spaces before every line.
    """
    target = stream or sys.stdout
    table = [list(row) for row in rows]
    right = [bool(table) and all(isinstance(row[i], int | float | None) for row in table) for i in range(len(header))]
    texts = [[clip(cell_text(cell), PLAIN_CELLS) for cell in row] for row in table]
    widths = _widths([list(header), *texts], line_cells(target) - indent)
    margin = " " * indent
    write(margin + paint(_line(header, widths, right), target, bold=True), target)
    for row in texts:
        write(margin + _line(row, widths, right, target), target)


def _widths(rows: Sequence[Sequence[str]], total: int) -> list[int]:
    natural = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    widths = [min(cells, MAX_CELLS) for cells in natural[:-1]]
    room = total - sum(widths) - len(GAP) * len(widths)
    while widths and room < min(natural[-1], MIN_LAST_CELLS) and max(widths) > MIN_LAST_CELLS:
        widths[widths.index(max(widths))] -= 1  # take from the widest, so that a line fits a narrow terminal
        room += 1
    return [*widths, max(min(natural[-1], room), 1)]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], stream: TextIO | None = None) -> str:
    parts = []
    for cell, cells_wide, to_right in zip(cells, widths, right, strict=True):
        text = pad(clip(cell, cells_wide), cells_wide, to_right)
        colour = COLOURS.get(cell) if stream is not None else None
        parts.append(paint(text, stream, fg=colour) if stream is not None and colour else text)
    return GAP.join(parts).rstrip()


def print_pairs(pairs: Iterable[tuple[str, object]], stream: TextIO | None = None, indent: int = 0) -> None:
    """Print names and values in two columns, long values wrapped under themselves."""
    target = stream or sys.stdout
    shown = [(escape(name), cell_text(value)) for name, value in pairs]
    left = max((width(name) for name, _ in shown), default=0)
    room = max(line_cells(target) - indent - left - len(GAP), MIN_LAST_CELLS)
    for name, value in shown:
        first, *more = [piece for line in _shorten(value).split("\n") for piece in wrap(escape(line), room)]
        colour = COLOURS.get(value)
        start = paint(pad(name, left), target, bold=True)
        write(" " * indent + start + GAP + (paint(first, target, fg=colour) if colour else first), target)
        for line in more:
            write(" " * (indent + left) + GAP + line, target)


def print_findings(findings: Sequence[tuple[str, str, str, str]], stream: TextIO | None = None) -> None:
    """Print (level, name, what was found, what to do) one below the other; what to do only where it is not empty."""
    target = stream or sys.stdout
    levels = max((len(level) for level, _, _, _ in findings), default=0)
    names = max((width(name) for _, name, _, _ in findings), default=0)
    start = levels + len(GAP) + names + len(GAP)
    room = max(line_cells(target) - start, MIN_LAST_CELLS)
    for level, name, found, advice in findings:
        first, *more = wrap(escape(_shorten(found)), room)
        write(GAP.join((paint(level.ljust(levels), target, fg=COLOURS.get(level)), pad(name, names), first)), target)
        if advice:
            more += wrap(f"-> {escape(advice)}", room)
        for line in more:
            write(" " * start + line, target)


def _shorten(text: str) -> str:
    """Keep the start and the end of a long text: answers stand at the end."""
    if len(text) <= MAX_VALUE_CHARS:
        return text
    half = MAX_VALUE_CHARS // 2
    return f"{text[:half]} … ({len(text) - 2 * half:,} characters left out) … {text[-half:]}"


def cell_text(value: object) -> str:
    """Return how a value is shown: `-` for `None`, numbers without noise."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
