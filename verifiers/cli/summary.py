"""How a run's summary and its first rows look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from verifiers.cli.table import cell_text, print_pairs, print_table, write
from verifiers.types import Status

if TYPE_CHECKING:
    from verifiers.io.summary import Summary

SLOW_S = 0.01
"""Rows that took less CPU are not worth a line."""
RIGHT_OR_WRONG = {Status.CORRECT, Status.INCORRECT, Status.UNPARSABLE, Status.LIMIT_EXCEEDED}
"""A teacher that gives none of these (a reward model) calls nothing right: a pass@k of 0 would mislead."""


def print_summary(summary: Summary, stream: TextIO) -> None:
    """Print a run's summary for a person."""
    if not summary.rows:
        write("Nothing was scored: the input holds no rows.", stream)
        return
    rows = [(status, count, f"{count / summary.samples:.1%}") for status, count in summary.statuses.items()]
    print_table(("status", "samples", "share"), rows, stream)
    write(stream=stream)
    print_pairs(_pairs(summary), stream)
    if set(summary.statuses) == {Status.BAD_ROW}:
        write("\nNot one row could be read as a sample; the column reason says why. Is this the right file?", stream)


def _pairs(summary: Summary) -> Iterator[tuple[str, str]]:
    yield "mean reward", _mean(summary)
    if summary.not_judged:
        share = f"{summary.share_not_judged:.2%}"
        yield "not judged", f"{summary.not_judged:,} of {summary.samples:,} ({share}): their reward is null, not 0"
        yield from (("  e.g.", f"{status}: {why}") for status, why in summary.first_not_judged.items())
    if len(summary.pass_at_k) > 1 and not set(summary.statuses).isdisjoint(RIGHT_OR_WRONG):
        yield "pass@k", "  ".join(f"@{k} {value:.3f}" for k, value in summary.pass_at_k.items())
    if summary.groups:
        yield "groups", _groups(summary)
    slow = [row for row in summary.slowest if row.elapsed_s >= SLOW_S]
    if slow:
        yield "slowest", ", ".join(f"{row.place} ({row.elapsed_s:.2f} s)" for row in slow)
    yield "time", f"{summary.wall_s:.2f} s, CPU {summary.cpu_s:.2f} s, {summary.rows_per_s:,.0f} rows/s"
    yield "rows", _rows(summary)
    if summary.stopped:
        yield "stopped", summary.stopped


def _mean(summary: Summary) -> str:
    if summary.mean_reward is None:
        return "none: nothing could be judged"
    return f"{summary.mean_reward:.4f} over {summary.judged:,} judged"


def _groups(summary: Summary) -> str:
    flat = summary.groups_all_right + summary.groups_all_wrong + summary.groups_all_equal
    counts = [
        f"{count:,} all {kind}"
        for kind, count in (
            ("right", summary.groups_all_right),
            ("wrong", summary.groups_all_wrong),
            ("equal", summary.groups_all_equal),
        )
        if count
    ]
    about = f"{summary.groups:,} of two or more"
    if counts:
        about += f"; {', '.join(counts)}: {flat / summary.groups:.1%} teach nothing"
    return about if summary.groups_complete else about + " (more prompts than can be kept open: an estimate)"


def _rows(summary: Summary) -> str:
    text = f"{summary.rows:,}"
    if summary.samples != summary.rows:
        text += f" with {summary.samples:,} completions"
    if summary.resumed_rows:
        text += f", {summary.resumed_rows:,} of them from an earlier run"
    if summary.duplicates:
        kind = "completion" if summary.duplicates == 1 else "completions"
        text += f", {summary.duplicates:,} {kind} not judged again: equal to others"
    return f"{text} -> {summary.output}" if summary.output not in (None, "-") else text


def print_first_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str], stream: TextIO) -> None:
    """Print output rows as a table: what was found and why, not the whole row.

    Args:
        rows: Output rows.
        names: Under which names reward, status, reason, answer ... were written.
        stream: Where to.
    """
    reward, status, reason, answer, *_ = names
    shown = (reward, status, answer, reason)
    table = [(number, *(_shown(row.get(name)) for name in shown)) for number, row in enumerate(rows, 1)]
    print_table(("row", "reward", "status", "answer", "reason"), table, stream)


def _shown(value: object) -> object:
    """Return what a cell shows; a group's list becomes one text."""
    return ", ".join(cell_text(item) for item in value) if isinstance(value, list) else value
