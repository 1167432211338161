"""`verify score --engine ray`: each input file, or each part of one file, is a task of a Ray cluster.

The output is a folder with one file for each part, in the input's order, and a manifest. A part is written under a
name of its own, forced to the disk and renamed when it is whole; so a worker may be killed at any time, its part is
done again, and every row is there once. Nodes need the same file system and the same packages.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from grpo_bridge.ray_pool import cause_of, connected
from verifiers import __version__
from verifiers.engine import Scorer
from verifiers.errors import InputError, UsageError, VerifyError, WorkerError
from verifiers.io.columns import Columns
from verifiers.io.config import OnColumns, OnProgress, Progress, RunConfig
from verifiers.io.readback import RowReader
from verifiers.io.resume import READS, check_reads, differences, sidecar_of
from verifiers.io.run import score_file
from verifiers.io.sources import STDIN, find_shards
from verifiers.io.summary import Summary, Tally
from verifiers.types import Json

MANIFEST = "manifest.json"
UNFINISHED = ".unfinished"
"""The folder of parts that are being written."""
MAX_RETRIES = 5
"""How often Ray does a part again whose worker died."""


class Done(msgspec.Struct):
    """A part that is whole.

    Attributes:
        file: Its name in the output's folder.
        source: What was scored.
        rows, size_bytes: How much it holds.
        columns: Which column was taken for what.
    """

    file: str
    source: str
    rows: int
    size_bytes: int
    columns: Columns


class Manifest(msgspec.Struct):
    """What an output's folder holds: the run's settings and the parts that are whole."""

    facts: dict[str, Any]
    parts: dict[str, Done]


@dataclass(frozen=True)
class Part:
    """What one task does."""

    file: str
    source: str
    config: RunConfig


def engine(config: RunConfig, parts: int | None, on_progress: OnProgress | None, on_columns: OnColumns) -> Summary:
    """Score the sources' rows on the cluster.

    Args:
        config: What to do; `output` is a folder.
        parts: Into how many parts rows are cut where there are fewer files; `None` = the cluster's CPUs.
        on_progress: Called when a part is whole.
        on_columns: Called once, with the columns of the first part.

    Returns:
        The sums over the rows that lie in the folder.

    Raises:
        UsageError, InputError: As of `verify score`.
        WorkerError: If a part's workers died too often; `--resume` goes on.
        MissingExtra: If Ray is not installed.
    """
    start_s = time.monotonic()
    _refuse(config)
    ray = connected()
    folder = Path(str(config.output)).resolve()
    work = _parts(config, folder, parts or max(1, int(ray.cluster_resources().get("CPU", 1))))
    manifest = _open(folder, _facts(config, work), config)
    resumed = sum(done.rows for done in manifest.parts.values())
    tallies = {part.file: _tally(folder, done) for part in work if (done := manifest.parts.get(part.file))}
    try:
        tally = _run(ray, work, folder, manifest, tallies, on_progress)
    finally:
        shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    first = manifest.parts[work[0].file]
    on_columns(first.columns)
    wall_s = time.monotonic() - start_s
    return tally.summary(
        resumed_rows=resumed,
        columns=first.columns.describe(),
        output=str(config.output),
        wall_s=wall_s,
        rows_per_s=(tally.rows - resumed) / wall_s if wall_s else 0.0,
    )


def _refuse(config: RunConfig) -> None:
    if config.output in (None, STDIN) or Path(str(config.output)).is_file():
        raise UsageError("--engine ray writes one file for each part: name a folder with -o scored/")
    if config.selection.limit is not None or config.selection.shard is not None:
        raise UsageError("--engine ray scores whole files; leave out --limit and --shard")
    if STDIN in config.sources:
        raise UsageError("--engine ray reads files that all nodes see, not standard input")


def _parts(config: RunConfig, folder: Path, count: int) -> list[Part]:
    """Return what there is to do: a part for each file, or for each n-th row where there are too few files."""
    shards = find_shards(config.sources)
    if any(shard.path is not None and shard.path.resolve().parent == folder for shard in shards):
        raise UsageError(f"{folder} is both input and output. Name another folder with -o.")
    cuts = -(-count // len(shards))
    return [
        Part(
            f"part-{number * cuts + cut:05d}.jsonl",
            shard.name if cuts == 1 else f"{shard.name} ({cut + 1}/{cuts})",
            replace(
                config,
                sources=[str(shard.path.resolve()) if shard.path else shard.name],
                num_proc=1,
                resume=False,
                selection=replace(config.selection, shard=(cut, cuts) if cuts > 1 else None),
            ),
        )
        for number, shard in enumerate(shards)
        for cut in range(cuts)
    ]


def _facts(config: RunConfig, work: list[Part]) -> dict[str, Json]:
    """Return what must be equal for a run to go on with another's folder."""
    scorer = Scorer(config.teacher, options=config.options)
    return {
        "version": __version__,
        "teacher": config.teacher,
        "teacher_version": scorer.teacher.version,
        "options": dict(config.options),
        READS: list(scorer.stamp.splitlines()),
        "map": dict(config.mapping),
        "with_elapsed": config.with_elapsed,
        "parts": {part.file: part.source for part in work},
    }


def _open(folder: Path, facts: dict[str, Json], config: RunConfig) -> Manifest:
    """Make the output's folder ready, and return which parts it holds.

    Raises:
        UsageError: If it holds another run, or anything and neither `--resume` nor `--overwrite` is given.
        InputError: If it cannot be written.
    """
    path = folder / MANIFEST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        old = msgspec.json.decode(path.read_bytes(), type=Manifest) if path.exists() else None
        if old is not None and config.resume:
            _check_same_run(folder, old, facts)
            kept = {name: done for name, done in old.parts.items() if _is_whole(folder, done)}
            return Manifest(old.facts, kept)
        if any(folder.iterdir()) and not config.overwrite:
            raise UsageError(
                f"{folder} is not empty. Go on with --resume, replace it with --overwrite, or name another."
            )
        for stale in folder.glob("part-*.jsonl"):
            stale.unlink()
        path.unlink(missing_ok=True)
    except (OSError, msgspec.MsgspecError) as error:
        raise InputError(f"{folder}: cannot be used ({error})") from error
    return Manifest(dict(facts), {})


def _check_same_run(folder: Path, old: Manifest, facts: dict[str, Json]) -> None:
    new = msgspec.json.decode(msgspec.json.encode(facts))
    what = differences({**old.facts, READS: None}, {**new, READS: None})
    if what:
        raise UsageError(f"{folder} is of another run: {what}. Use the same settings, or --overwrite.")
    check_reads(str(folder), folder / MANIFEST, old.facts, new[READS])


def _is_whole(folder: Path, done: Done) -> bool:
    path = folder / done.file
    return path.is_file() and path.stat().st_size == done.size_bytes


def _run(
    ray: Any,
    work: list[Part],
    folder: Path,
    manifest: Manifest,
    tallies: dict[str, Tally],
    on_progress: OnProgress | None,
) -> Tally:
    """Do the parts without a tally; the manifest says after each which are whole. Return the sums of all."""
    total, waiting = Tally(), deque(part.file for part in work)
    (folder / UNFINISHED).mkdir(exist_ok=True)
    remote = ray.remote(num_cpus=1, max_retries=MAX_RETRIES, scheduling_strategy="SPREAD")(score_part)
    flying = {remote.remote(part, str(folder)): part for part in work if part.file not in tallies}
    lost: list[str] = []
    while flying:
        (ready,), _ = ray.wait(list(flying), num_returns=1)
        part = flying.pop(ready)
        try:
            done, tallies[part.file] = ray.get(ready)
        except VerifyError:  # of the files or settings: the same on every node
            for reference in flying:
                ray.cancel(reference, force=True)
            raise
        except ray.exceptions.RayError as error:
            lost.append(f"{part.source}: {cause_of(error)}")
            continue
        manifest.parts[part.file] = done
        while waiting and waiting[0] in tallies:  # in order, and at once: a tally may be large
            total.merge(tallies.pop(waiting.popleft()))
        _write(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        if on_progress:
            rows = sum(each.rows for each in manifest.parts.values())
            on_progress(Progress(rows, 0, len(manifest.parts), len(manifest.parts) + len(flying)))
    if lost:
        raise WorkerError(f"{len(lost)} of {len(work)} parts were lost; go on with --resume. The first: {lost[0]}")
    for file in waiting:
        total.merge(tallies.pop(file))
    return total


def score_part(part: Part, folder: str) -> tuple[Done, Tally]:
    """Score one part and add its rows up: the task.

    A copy whose worker was only thought dead does no harm: it writes the same rows.
    """
    temp = Path(folder, UNFINISHED, f"{uuid.uuid4().hex}.jsonl")
    columns: list[Columns] = []
    tally = Tally()
    score_file(replace(part.config, output=str(temp)), None, columns.append, tally)  # forces the file to the disk
    size_bytes = temp.stat().st_size
    final = Path(folder, part.file)
    temp.replace(final)
    sidecar_of(str(temp)).unlink(missing_ok=True)
    _sync(final.parent)
    return Done(part.file, part.source, tally.rows, size_bytes, columns[0]), tally


def _write(path: Path, data: bytes) -> None:
    temp = path.with_suffix(".tmp")
    with temp.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temp.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tally(folder: Path, done: Done) -> Tally:
    """Add up the rows of a part that an earlier run wrote."""
    tally, reader = Tally(), RowReader(done.columns)
    for number, line in enumerate(_lines(folder / done.file), 1):
        tally.add(reader.read(line), f"{done.file}:{number}")
    return tally


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")
