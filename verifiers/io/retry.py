"""Judging anew the samples of an output that could not be judged, and only those."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from verifiers.engine import Scorer
from verifiers.errors import InputError, UsageError
from verifiers.io.batch import Batch
from verifiers.io.columns import Columns
from verifiers.io.config import OnProgress, RunConfig
from verifiers.io.json_text import Unreadable, decode_row
from verifiers.io.pipeline import Pipeline, Slot
from verifiers.io.readback import RowReader
from verifiers.io.recorder import Recorder
from verifiers.io.resume import check_reads, differences, read_sidecar, sidecar_of
from verifiers.io.rows import OpenRow, RowResult, RowScorer
from verifiers.io.selection import Input, Selection, open_input
from verifiers.io.sinks import RESUMABLE, ending, open_sink
from verifiers.io.summary import Summary, Tally
from verifiers.io.table_sinks import replace_file
from verifiers.types import Status

OUTPUT_LINE_FACTOR = 4
"""An output line may be so many times longer than an input line: it also holds the verdict."""


def retry_file(config: RunConfig, on_progress: OnProgress | None = None) -> Summary:
    """Judge anew what has no reward in an earlier output; replace the file at once when all is done.

    Every other row stays byte for byte, as do rows that are no samples (`bad_row`) and, within a group, verdicts that
    have a reward.

    Args:
        config: Of the earlier run; `sources` and `selection` are not used, the deadline may be another.
        on_progress: Called a few times a second.

    Returns:
        The sums over all rows of the file.

    Raises:
        UsageError: If the output is missing, unfinished, of another teacher, or not lines of ours.
        InputError: If it cannot be read or written.
    """
    output = config.output
    if output is None or output == "-":
        raise UsageError("--retry-errors needs the output file of an earlier run: -o scored.jsonl")
    found, columns = _open_output(output, config)
    engine = Scorer(config.teacher, options=config.options, num_proc=config.num_proc, deadline_s=config.deadline_s)
    _check_teacher(output, config, engine)
    path = Path(output)
    temp = path.with_name(f".{os.getpid()}.retry.{path.name}")
    recorder = Recorder(open_sink(str(temp)), Tally(), found.meter, on_progress)
    scorer = RowScorer(engine, columns, with_elapsed=columns.written[-1] in columns.seen)
    pipeline = Pipeline(engine, scorer, max(2, config.num_proc), recorder.take)
    retry = _Retry(pipeline, scorer, RowReader(columns))
    whole = False
    try:
        try:
            for batch in found.batches:
                pipeline.take(retry.slot(batch))
            pipeline.drain(wait=True)
            whole = True
        finally:
            pipeline.close()
            recorder.close(whole)
        replace_file(temp, path)
    finally:
        temp.unlink(missing_ok=True)
    return recorder.summary(columns, output)


def _open_output(output: str, config: RunConfig) -> tuple[Input, Columns]:
    if ending(output) not in RESUMABLE:
        raise UsageError(f"{output}: --retry-errors works for {', '.join(RESUMABLE)}.")
    if not Path(output).is_file():
        raise UsageError(f"{output} does not exist, so there is nothing to retry. Score without --retry-errors first.")
    longest = config.selection.max_line_bytes * OUTPUT_LINE_FACTOR
    found = open_input([output], config.mapping, Selection(max_line_bytes=longest))
    columns = found.columns
    if columns is None or not columns.rescored:
        raise UsageError(f"{output}: the first rows carry no verdicts (reward, status, reason). Is it an output?")
    return found, columns


def _check_teacher(output: str, config: RunConfig, engine: Scorer) -> None:
    """Refuse to mix verdicts of different runs; without a sidecar the user must know."""
    facts = read_sidecar(output)
    if facts is None:
        return
    if not facts.get("finished"):
        raise UsageError(f"{output} is unfinished. Finish it with --resume, then retry.")
    now = {"teacher": config.teacher, "options": dict(config.options)}
    what = differences({name: facts.get(name) for name in now}, now)
    if what:
        raise UsageError(f"{output} was scored by other settings: {what}. Use the same.")
    check_reads(output, sidecar_of(output), facts, engine.stamp.splitlines())


class _Retry:
    """Decides for every row of the output what is judged anew."""

    def __init__(self, pipeline: Pipeline, scorer: RowScorer, reader: RowReader) -> None:
        self._pipeline, self._scorer, self._reader = pipeline, scorer, reader

    def slot(self, batch: Batch) -> Slot:
        """Return a batch with the results that stay, and the others on their way."""
        slot = Slot(batch, [])
        for index, line in enumerate(batch.lines):
            old = self._read(batch, index, line)
            open_again = [reward is None and status != Status.BAD_ROW for reward, status in _pairs(old)]
            if not any(open_again):
                slot.results.append(old)
                continue
            new = self._scorer.score(batch.pick([index]))[0]
            if new is None:
                slot.slow[index] = self._pipeline.submit(partial(self._settled, batch, index, old))
            slot.results.append(None if new is None else self._merged(batch, index, old, new))
        return slot

    def _read(self, batch: Batch, index: int, line: bytes) -> RowResult:
        if index in batch.bad:
            raise InputError(f"{batch.place(index)}: {batch.bad[index]}; the file is left as it is.")
        try:
            return self._reader.read(line)
        except Unreadable as error:
            raise InputError(f"{batch.place(index)}: {error}; the file is left as it is.") from error

    def _settled(self, batch: Batch, index: int, old: RowResult) -> RowResult:
        return self._merged(batch, index, old, self._pipeline.settle(batch, index))

    def _merged(self, batch: Batch, index: int, old: RowResult, new: RowResult) -> RowResult:
        """Return the new result, with the old verdicts of a group's samples that had a reward."""
        if new.statuses == [Status.BAD_ROW] or len(new.rewards) != len(old.rewards):
            return old
        opened = self._scorer.open(batch, index)
        if len(new.rewards) == 1 or not isinstance(opened, OpenRow):
            return new
        keep = [reward is not None for reward in old.rewards]
        fields = [
            _mixed(keep, before, after)
            for before, after in zip(self._reader.fields(old.line), self._reader.fields(new.line), strict=True)
        ]
        line = self._scorer.splice(opened.line, opened.row, fields)
        return self._reader.result(line, decode_row(line))


def _pairs(result: RowResult) -> zip[tuple[float | None, str]]:
    return zip(result.rewards, result.statuses, strict=True)


def _mixed(keep: Sequence[bool], before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    return [old if kept else new for kept, old, new in zip(keep, before, after, strict=True)]
