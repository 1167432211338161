"""The end of a run's pipe: writes rows, adds them up, reports progress."""

from __future__ import annotations

import os
import resource
import sys
import time

from verifiers.io.batch import Batch
from verifiers.io.columns import Columns
from verifiers.io.config import OnProgress, Progress
from verifiers.io.rows import RowResult
from verifiers.io.selection import Meter
from verifiers.io.sinks import Sink
from verifiers.io.summary import Summary, Tally

PROGRESS_S = 0.1
"""Seconds between two calls of `on_progress`."""


class Recorder:
    """Takes finished rows in order.

    Args:
        sink: Where rows go.
        tally: May hold the rows of earlier runs.
        meter: Of the input.
        on_progress: Called a few times a second.

    Attributes:
        resumed_rows: The rows of earlier runs.
    """

    def __init__(self, sink: Sink, tally: Tally, meter: Meter, on_progress: OnProgress | None) -> None:
        self._sink, self._tally, self._meter, self._on_progress = sink, tally, meter, on_progress
        self.resumed_rows = tally.rows
        self._started_s = self._shown_s = time.monotonic()
        self._started_cpu_s = _cpu_s()

    def take(self, batch: Batch, results: list[RowResult]) -> None:
        """Write and count the rows of a batch."""
        self._sink.write([result.line for result in results])
        add = self._tally.add
        for index, result in enumerate(results):
            add(result, batch.place(index))
        now_s = time.monotonic()
        if self._on_progress and now_s - self._shown_s >= PROGRESS_S:
            self._shown_s = now_s
            self._on_progress(self._progress())

    def close(self, whole: bool) -> None:
        """Write what is held back.

        Args:
            whole: All rows came; false = the run was broken off.
        """
        self._sink.close(whole)

    def _progress(self) -> Progress:
        return Progress(self._tally.rows, self._tally.not_judged, self._meter.done_bytes, self._meter.total_bytes)

    def summary(self, columns: Columns, output: str | None, stopped: str = "") -> Summary:
        """Return the sums; ends the run.

        Args:
            columns: The columns chosen.
            output: Where the rows went.
            stopped: Why the run ended early.
        """
        if self._on_progress:
            self._on_progress(self._progress())
        wall_s = time.monotonic() - self._started_s
        rows = self._tally.rows - self.resumed_rows
        return self._tally.summary(
            resumed_rows=self.resumed_rows,
            columns=columns.describe(),
            output=output,
            wall_s=wall_s,
            cpu_s=_cpu_s() - self._started_cpu_s,
            rows_per_s=rows / wall_s if wall_s else 0.0,
            stopped=stopped,
        )


def _cpu_s() -> float:
    """Return CPU seconds of this process and of its children that have ended."""
    uses = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def mute_stdout() -> None:
    """Send what is still held for a closed standard output nowhere, so that the interpreter ends without an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
