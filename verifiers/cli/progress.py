"""The progress bar of a run: on a terminal, on stderr, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from verifiers.cli.table import is_terminal

if TYPE_CHECKING:
    from verifiers.io.config import Progress


@contextmanager
def progress_bar(wanted: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows how far a run is; it does nothing where no person watches stderr.

    Args:
        wanted: Whether a bar is wanted if there is a terminal.
    """
    if not (wanted and is_terminal(sys.stderr)):
        yield lambda progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def show(progress: Progress) -> None:
            not_judged = f", {progress.not_judged:,} not judged" if progress.not_judged else ""
            speed = f", {progress.rows / elapsed:,.0f}/s" if (elapsed := bar.tasks[0].elapsed) else ""
            text = f"{progress.rows:,} rows{speed}{not_judged}"
            bar.update(task, completed=progress.done_bytes, total=progress.total_bytes, description=text)

        yield show
