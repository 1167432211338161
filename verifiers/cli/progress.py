"""The progress bar of a run: on a terminal, on stderr, or not at all."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from verifiers.cli.table import is_terminal

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from verifiers.io.config import OnProgress, Progress

BAR_AFTER_S = 0.5
"""A run that ends sooner needs no bar, and does not pay for importing one."""


@contextmanager
def progress_bar(wanted: bool) -> Iterator[OnProgress]:
    """Yield a function that shows how far a run is; it does nothing where no person watches stderr.

    Args:
        wanted: Whether a bar is wanted if there is a terminal.
    """
    if not (wanted and is_terminal(sys.stderr)):
        yield lambda progress: None
        return
    bar: Bar | None = None
    began_s = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal bar
        elapsed_s = time.monotonic() - began_s
        if bar is None and elapsed_s >= BAR_AFTER_S:
            bar = _started_bar()
        if bar is not None:
            text = _text(progress, elapsed_s)
            bar.update(bar.task_ids[0], completed=progress.done_bytes, total=progress.total_bytes, description=text)

    try:
        yield show
    finally:
        if bar is not None:
            bar.stop()


def _started_bar() -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    bar.add_task("", total=None)
    bar.start()
    return bar


def _text(progress: Progress, elapsed_s: float) -> str:
    not_judged = f", {progress.not_judged:,} not judged" if progress.not_judged else ""
    return f"{progress.rows:,} rows, {progress.rows / max(elapsed_s, 1e-3):,.0f}/s{not_judged}"
