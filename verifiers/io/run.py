"""Score files: read, judge, write in order, survive kills, sum up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from verifiers import __version__
from verifiers.engine import Scorer
from verifiers.errors import TooManyNotJudged, UsageError
from verifiers.io.batch import Batch
from verifiers.io.columns import Columns
from verifiers.io.config import OnColumns, OnProgress, RunConfig
from verifiers.io.pipeline import Pipeline
from verifiers.io.readback import RowReader
from verifiers.io.recorder import Recorder, mute_stdout
from verifiers.io.resume import prepare, recover, write_sidecar
from verifiers.io.rows import RAW, RowScorer
from verifiers.io.selection import Input, open_input, skip
from verifiers.io.sinks import is_plain, open_sink
from verifiers.io.summary import Summary, Tally
from verifiers.types import Json

PARALLEL_AFTER_S = 0.4
"""A run that has judged rows in this process for so long goes on in several; shorter ones never pay for them."""
PARALLEL_SHARE = 0.5
"""... unless more than this share of the rows goes to the engine's workers anyway."""


def score_file(
    config: RunConfig, on_progress: OnProgress | None = None, on_columns: OnColumns | None = None
) -> Summary:
    """Score the sources' rows and write them in order.

    Args:
        config: What to do.
        on_progress: Called a few times a second.
        on_columns: Called once, before the first row, with the columns chosen.

    Returns:
        The run's sums. If standard output is closed by its reader, the run ends quietly and `stopped` says so.

    Raises:
        InputError: If a file cannot be read or written.
        UsageError: If the settings do not fit the files.
        MissingExtra: If a format needs a package that is absent.
        WorkerError: If worker processes cannot be started.
    """
    found = open_input(config.sources, config.mapping, config.selection)
    _refuse_own_input(config, found)
    columns = found.columns or Columns("completion")
    engine = Scorer(config.teacher, options=config.options, num_proc=config.num_proc, deadline_s=config.deadline_s)
    if on_columns:
        on_columns(columns)
    tally = Tally()
    output = config.output if is_plain(config.output) else None
    facts = _facts(config, found, engine)
    if output is not None:
        prepare(output, facts, resume=config.resume, overwrite=config.overwrite)
        if config.resume:
            _recover(output, columns, tally)
    recorder = Recorder(open_sink(config.output, _header(columns)), tally, found.meter, on_progress)
    stopped = _score(config, found.batches, columns, engine, recorder, tally.rows)
    if output is not None:
        write_sidecar(output, {**facts, "finished": True})
    return recorder.summary(columns, config.output, stopped)


def check_not_judged(summary: Summary, allowed: float) -> None:
    """Refuse a run in which too many samples could not be judged.

    Args:
        summary: The run's.
        allowed: Between 0 and 1, both left out: a share of the samples; else a number.

    Raises:
        TooManyNotJudged: If there are more.
    """
    found = summary.share_not_judged if 0 < allowed < 1 else summary.not_judged
    if found > allowed:
        why = ", ".join(f"{status} {count}" for status, count in summary.statuses.items())
        most = f"{100 * allowed:g}%" if 0 < allowed < 1 else f"{allowed:g}"
        raise TooManyNotJudged(
            f"{summary.not_judged} of {summary.samples} samples ({summary.share_not_judged:.1%}) could not be judged; "
            f"at most {most} may be (--max-errors). By status: {why}. Their reasons are in the output's rows."
        )


def _refuse_own_input(config: RunConfig, found: Input) -> None:
    if not is_plain(config.output):
        return
    output = Path(str(config.output))
    for shard in found.shards:
        if shard.path and output.exists() and shard.path.samefile(output):
            raise UsageError(f"{output} is both input and output. Name another output.")


def _header(columns: Columns) -> tuple[str, ...]:
    """Return the columns of a csv output."""
    return tuple(dict.fromkeys((*columns.seen, *columns.written, RAW)))


def _recover(output: str, columns: Columns, tally: Tally) -> None:
    reader = RowReader(columns)
    recover(output, lambda line: tally.add(reader.read(line), f"{output}:{tally.rows + 1}"))


def _score(
    config: RunConfig, batches: Iterator[Batch], columns: Columns, engine: Scorer, recorder: Recorder, done: int
) -> str:
    """Score all but the rows that are done; return why the run ended early."""
    scorer = RowScorer(engine, columns, config.with_elapsed)
    pipeline = Pipeline(engine, scorer, max(2, config.num_proc), recorder.take)
    try:
        try:
            _feed(config, pipeline, scorer, columns, skip(batches, done))
            pipeline.drain(wait=True)
        finally:
            pipeline.close()
            recorder.close()
    except BrokenPipeError:
        mute_stdout()
        return "standard output was closed"
    return ""


def _feed(config: RunConfig, pipeline: Pipeline, scorer: RowScorer, columns: Columns, batches: Iterator[Batch]) -> None:
    slow = rows = 0
    began_s = time.monotonic()
    for slot in pipeline.score_here(batches):
        rows += len(slot.batch)
        slow += len(slot.slow)
        worth_it = time.monotonic() - began_s > PARALLEL_AFTER_S and slow < PARALLEL_SHARE * rows
        if worth_it and config.num_proc > 1:
            break
    else:
        return
    from verifiers.io.chunks import ChunkConfig, open_pool, score_in_workers  # processes: only long runs need them

    chunks = ChunkConfig(config.teacher, dict(config.options), columns, config.with_elapsed)
    with open_pool(chunks, config.num_proc) as pool:
        score_in_workers(pipeline, scorer, batches, pool)
        pipeline.drain(wait=True)


def _facts(config: RunConfig, found: Input, engine: Scorer) -> dict[str, Json]:
    """Return what must be equal for two runs to give the same output."""
    selection = config.selection
    inputs: list[Json] = [
        {"name": shard.name, "bytes": shard.path.stat().st_size if shard.path else None} for shard in found.shards
    ]
    return {
        "version": __version__,
        "teacher": config.teacher,
        "teacher_version": engine.teacher.version,
        "options": dict(config.options),
        "map": dict(config.mapping),
        "inputs": inputs,
        "limit": selection.limit,
        "seed": selection.seed,
        "shard": list(selection.shard) if selection.shard else None,
        "max_line_bytes": selection.max_line_bytes,
        "with_elapsed": config.with_elapsed,
        "finished": False,
    }
