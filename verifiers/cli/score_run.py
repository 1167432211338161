"""What `verify score` does: settings from arguments, the run, the report, the gates."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf, isnan
from pathlib import Path
from tempfile import TemporaryDirectory

from verifiers.cli.engines import check_engine, load_engine
from verifiers.cli.exits import EXIT_BROKEN_PIPE, EXIT_GATE, Interrupted
from verifiers.cli.guard import guarded_stdout
from verifiers.cli.progress import progress_bar
from verifiers.cli.rows import parse_map
from verifiers.cli.summary import print_first_rows, print_summary
from verifiers.cli.table import is_terminal, write
from verifiers.cli.task import Task, find_task
from verifiers.cli.text import escape
from verifiers.errors import InputError, UsageError
from verifiers.io.columns import OUT_FIELDS, Columns
from verifiers.io.config import OnColumns, Progress, RunConfig
from verifiers.io.json_text import decode_row
from verifiers.io.run import check_not_judged, score_file
from verifiers.io.selection import Selection, parse_shard
from verifiers.io.sinks import RESUMABLE
from verifiers.io.sources import is_same_file
from verifiers.io.summary import Summary

STDIO = "-"
FIRST_ROWS = 10
"""Rows shown on a terminal when no output is named."""
DRY_ROWS = 5
"""Rows that a dry run scores, unless `--limit` says otherwise."""


@dataclass(frozen=True)
class ScoreArguments:
    """The options of `verify score` as click hands them over; see there."""

    files: tuple[str, ...]
    task: str | None
    sets: tuple[str, ...]
    config: str | None
    output: str | None
    maps: tuple[str, ...]
    group_by: str | None
    limit: int | None
    seed: int | None
    shard: str | None
    num_proc: int | None
    deadline: float | None
    engine: str | None
    parts: int | None
    resume: bool
    retry_errors: bool
    overwrite: bool
    max_errors: str | None
    fail_under: float | None
    summary_file: str | None
    no_elapsed: bool
    dry_run: bool
    quiet: bool

    @property
    def shows_table(self) -> bool:
        """Whether the first rows are shown as a table instead of all rows as JSON lines."""
        return self.dry_run or (self.output is None and is_terminal(sys.stdout))


def run_score(given: ScoreArguments) -> int:
    """Score and report.

    Returns:
        The exit code: 0, `EXIT_GATE`, or `EXIT_BROKEN_PIPE`.

    Raises:
        UsageError, InputError, MissingExtra, WorkerError: As of `score_file` and of the arguments.
        TooManyNotJudged: If there are more than `--max-errors`.
        Interrupted: On Ctrl-C.
    """
    allowed = parse_max_errors(given.max_errors) if given.max_errors is not None else inf
    task = find_task(given.task, given.sets, given.config)
    config = _config(given, task)
    if given.summary_file:
        _check_summary_file(given.summary_file, config)
    summary = _run_and_show(given, config) if given.shows_table else _run(given, config)
    if summary.stopped and config.output == STDIO:
        return EXIT_BROKEN_PIPE
    if not given.quiet:
        print_summary(summary, sys.stdout if given.shows_table else sys.stderr)
    if given.summary_file:
        _write_summary(summary, given.summary_file)
    check_not_judged(summary, allowed)
    return _gate(summary, given.fail_under)


def _check_summary_file(path: str, config: RunConfig) -> None:
    """Refuse before the run what would spoil rows, or fail after it."""
    if path == STDIO:
        if config.output == STDIO:
            raise UsageError("--summary - and the rows would both go to standard output. Name a file for one of them.")
        return
    used = [name for name in (*config.sources, config.output) if name not in (None, STDIO)]
    if any(is_same_file(path, str(name)) for name in used):
        raise UsageError(f"--summary {path} is also input or output. Name another file.")
    if not Path(path).parent.is_dir():
        raise InputError(f"{path}: there is no folder {Path(path).parent}. Make it, or name another file.")


def parse_max_errors(text: str) -> float:
    """Return `"5"` as 5 and `"5%"` as the share 0.05.

    Raises:
        UsageError: If it is neither a whole number nor a percentage from 0 to 100.
    """
    number = text.strip().removesuffix("%").strip()
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    is_share = text.strip().endswith("%")
    if not 0 <= value < inf or (is_share and value > 100) or (not is_share and value != int(value)):
        raise UsageError(f"--max-errors {text!r}: write a number of completions (10) or a share of them (0.5%)")
    if is_share:
        return inf if value == 100 else value / 100
    return value


def _config(given: ScoreArguments, task: Task) -> RunConfig:
    unfit = {"--dry-run": given.dry_run, "--retry-errors": given.retry_errors}
    check_engine(given.engine, given.parts, given.output, unfit)
    sources = given.files or (STDIO,)
    if given.retry_errors and (given.dry_run or given.output in (None, STDIO)):
        raise UsageError("--retry-errors needs the output file of an earlier run: -o scored.jsonl")
    narrowing = {"--limit": given.limit, "--seed": given.seed, "--shard": given.shard, "--resume": given.resume or None}
    unused = [name for name, value in narrowing.items() if value is not None]
    if given.retry_errors and unused:
        raise UsageError(f"--retry-errors judges every row that could not be judged; leave out {', '.join(unused)}")
    if given.fail_under is not None and isnan(given.fail_under):
        raise UsageError("--fail-under nan: write a mean reward, such as 0.5")
    if not given.files and is_terminal(sys.stdin) and not given.retry_errors:
        raise UsageError(f"Name the files to score: verify score --task {task.name} answers.jsonl (or pipe rows in)")
    mapping = parse_map(given.maps)
    if given.group_by:
        mapping[given.group_by] = "group"
    return RunConfig(
        teacher=task.name,
        sources=sources,
        output=None if given.shows_table else (given.output or STDIO),
        options=task.values,
        mapping=mapping,
        selection=_selection(given),
        num_proc=given.num_proc or _cpus(),
        deadline_s=given.deadline,
        resume=given.resume,
        overwrite=given.overwrite,
        with_elapsed=not given.no_elapsed,
    )


def _selection(given: ScoreArguments) -> Selection:
    limit = DRY_ROWS if given.dry_run and given.limit is None else given.limit
    return Selection(limit, given.seed, parse_shard(given.shard) if given.shard else None)


def _cpus() -> int:
    """Return how many CPUs this process may use, which in a container are fewer than the machine's."""
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _run(given: ScoreArguments, config: RunConfig, on_columns: OnColumns | None = None) -> Summary:
    last = Progress(0, 0, 0, None)
    # A bar and rows on one terminal would overwrite each other.
    with progress_bar(not given.quiet and not (config.output == STDIO and is_terminal(sys.stdout))) as show:

        def note_progress(progress: Progress) -> None:
            nonlocal last
            last = progress
            show(progress)

        def note_columns(columns: Columns) -> None:
            if on_columns is not None:
                on_columns(columns)
            if not given.quiet:
                _print_columns(columns)

        try:
            if given.retry_errors:
                from verifiers.io.retry import retry_file  # rarely needed

                return retry_file(config, note_progress)
            if given.engine:
                return load_engine(given.engine)(config, given.parts, note_progress, note_columns)
            with guarded_stdout():
                return score_file(config, note_progress, note_columns)
        except KeyboardInterrupt as error:
            raise Interrupted(_how_to_go_on(config.output, last.rows, given.retry_errors)) from error


def _run_and_show(given: ScoreArguments, config: RunConfig) -> Summary:
    """Score into a file of our own and print its first rows."""
    names: tuple[str, ...] = OUT_FIELDS

    def keep_names(columns: Columns) -> None:
        nonlocal names
        names = columns.written

    with TemporaryDirectory(prefix="verify-") as folder:
        output = str(Path(folder, "rows.jsonl"))
        summary = _run(given, replace(config, output=output), keep_names)
        with open(output, "rb") as file:
            rows = [decode_row(line) for _, line in zip(range(FIRST_ROWS), file, strict=False)]
    print_first_rows(rows, names, sys.stdout)
    if summary.rows > len(rows):
        write(f"... {summary.rows - len(rows):,} more; write them with -o scored.jsonl")
    write()
    return replace(summary, output=None)


def _print_columns(columns: Columns) -> None:
    if columns.seen:
        write(f"columns: {escape(columns.describe())}", sys.stderr)
    for note in columns.notes():
        write(f"note: {escape(note)}", sys.stderr)


def _how_to_go_on(output: str | None, rows: int, is_retry: bool) -> str:
    text = f"Interrupted after at least {rows:,} rows."  # progress is told a few times a second
    if is_retry:
        return f"{text} {output} is as it was before; run the same command again."
    if output and (output.endswith(RESUMABLE) or Path(output).is_dir()):
        return f"{text} Go on with the same command and --resume: what {output} holds is kept."
    return text


def _write_summary(summary: Summary, path: str) -> None:
    text = json.dumps(summary.to_json(), indent=2, ensure_ascii=False) + "\n"
    if path == STDIO:
        sys.stdout.write(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: the summary cannot be written ({error.strerror or error})") from error


def _gate(summary: Summary, fail_under: float | None) -> int:
    if fail_under is None or (summary.mean_reward is not None and summary.mean_reward >= fail_under):
        return 0
    mean = "none (nothing could be judged)" if summary.mean_reward is None else f"{summary.mean_reward:.6g}"
    write(f"The mean reward is {mean}; --fail-under asks for {fail_under:g}.", sys.stderr)
    return EXIT_GATE
