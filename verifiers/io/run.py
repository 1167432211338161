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
from verifiers.io.pipeline import Pipeline, Slot
from verifiers.io.readback import RowReader
from verifiers.io.recorder import Recorder, mute_stdout
from verifiers.io.resume import READS, prepare, recover, write_sidecar
from verifiers.io.rows import RAW, RowScorer
from verifiers.io.selection import Input, Meter, open_input, skip
from verifiers.io.sinks import is_plain, open_sink
from verifiers.io.sources import folder_that_reads, is_same_file
from verifiers.io.summary import Summary, Tally
from verifiers.types import Json

PARALLEL_AFTER_S = 0.4
"""A run of unknown length that has judged rows in this process for so long goes on in several."""
PARALLEL_WORTH_S = 0.4
"""A run that would judge rows in this process for so long yet goes on in several; shorter ones never pay for them."""
PARALLEL_SHARE = 0.5
"""... unless more than this share of the rows goes to the engine's workers anyway."""


def score_file(
    config: RunConfig,
    on_progress: OnProgress | None = None,
    on_columns: OnColumns | None = None,
    tally: Tally | None = None,
) -> Summary:
    """Score the sources' rows and write them in order.

    Args:
        config: What to do.
        on_progress: Called a few times a second.
        on_columns: Called once, before the first row, with the columns chosen.
        tally: Where rows are added up, for who merges several runs' sums.

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
    tally = tally or Tally()
    output = config.output if is_plain(config.output) else None
    facts = _facts(config, found, engine)
    if output is not None:
        prepare(output, facts, resume=config.resume, overwrite=config.overwrite)
        if config.resume:
            _recover(output, columns, tally)
    recorder = Recorder(open_sink(config.output, _header(columns)), tally, found.meter, on_progress)
    stopped = _score(config, found, columns, engine, recorder)
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
        if shard.path and is_same_file(shard.path, output):
            raise UsageError(f"{output} is both input and output. Name another output.")
    if folder := folder_that_reads(config.sources, output):
        raise UsageError(
            f"{output} would lie in the folder {folder} that is scored, so that the next run would read it as input. "
            "Name an output elsewhere, or name the folder's files instead of the folder."
        )


def _header(columns: Columns) -> tuple[str, ...]:
    """Return the columns of a csv output."""
    return tuple(dict.fromkeys((*columns.seen, *columns.written, RAW)))


def _recover(output: str, columns: Columns, tally: Tally) -> None:
    reader = RowReader(columns)
    recover(output, lambda line: tally.add(reader.read(line), f"{output}:{tally.rows + 1}"))


def _score(config: RunConfig, found: Input, columns: Columns, engine: Scorer, recorder: Recorder) -> str:
    """Score all but the rows that are done; return why the run ended early."""
    scorer = RowScorer(engine, columns, config.with_elapsed)
    pipeline = Pipeline(engine, scorer, max(2, config.num_proc), recorder.take)
    batches = skip(found.batches, recorder.resumed_rows)
    whole = False
    try:
        try:
            if _judge_here(pipeline, batches, _Outlook(config, found.meter, engine.has_lane)):
                _judge_in_workers(config, pipeline, scorer, batches, columns, engine)
            pipeline.drain(wait=True)
            whole = True
        finally:
            pipeline.close()
            recorder.close(whole)
    except BrokenPipeError:
        mute_stdout()
        return "standard output was closed"
    return ""


class _Outlook:
    """Tells, from the pace so far, whether a run is long enough for several processes.

    Args:
        config: Its limit bounds the rows.
        meter: How far the input has been read.
        has_lane: Whether the teacher has machinery of its own, which further processes would only start again.
    """

    def __init__(self, config: RunConfig, meter: Meter, has_lane: bool = False) -> None:
        self._can = config.num_proc > 1 and not has_lane
        self._limit = config.selection.limit
        self._meter = meter
        self._began_s = time.monotonic()
        self._began_bytes = meter.done_bytes
        self._rows = self._slow = 0

    def long(self, slot: Slot) -> bool:
        """Count a batch that was judged here; return whether the rest is worth more processes."""
        self._rows += len(slot.batch)
        self._slow += len(slot.slow)
        if not self._can or self._slow >= PARALLEL_SHARE * self._rows:
            return False
        spent_s = time.monotonic() - self._began_s
        shares = list(self._shares_left())
        # Blocks are read ahead, so a share is a guess; it only decides how soon the others begin.
        return min(shares) * spent_s > PARALLEL_WORTH_S if shares else spent_s > PARALLEL_AFTER_S

    def _shares_left(self) -> Iterator[float]:
        """Yield how many times as much as was done there is yet to do, by each bound that is known."""
        if self._limit is not None:
            yield max(0, self._limit - self._rows) / max(1, self._rows)
        total_bytes, done_bytes = self._meter.total_bytes, self._meter.done_bytes - self._began_bytes
        if total_bytes is not None and done_bytes > 0:
            yield (total_bytes - self._meter.done_bytes) / done_bytes


def _judge_here(pipeline: Pipeline, batches: Iterator[Batch], outlook: _Outlook) -> bool:
    """Judge batches in this process; return true as soon as the rest is worth more processes."""
    return any(outlook.long(slot) for slot in pipeline.score_here(batches))


def _judge_in_workers(
    config: RunConfig,
    pipeline: Pipeline,
    scorer: RowScorer,
    batches: Iterator[Batch],
    columns: Columns,
    engine: Scorer,
) -> None:
    """Start worker processes, judge on in this one meanwhile, and leave the rest to them."""
    from verifiers.io import chunks  # processes: only long runs need them

    with chunks.open_pool(config, columns, engine) as pool:
        ready = chunks.warm_up(pool)
        here = pipeline.score_here(batches)
        while not ready.is_set():
            if next(here, None) is None:
                return
        chunks.score_in_workers(pipeline, scorer, batches, pool)
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
        READS: list(engine.stamp.splitlines()),
        "map": dict(config.mapping),
        "inputs": inputs,
        "limit": selection.limit,
        "seed": selection.seed,
        "shard": list(selection.shard) if selection.shard else None,
        "max_line_bytes": selection.max_line_bytes,
        "with_elapsed": config.with_elapsed,
        "finished": False,
    }
