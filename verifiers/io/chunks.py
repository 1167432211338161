"""Whole batches of rows judged in worker processes, for inputs that keep more than one core busy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from typing import Any

import msgspec

from verifiers.engine import Scorer
from verifiers.errors import WorkerError
from verifiers.io.batch import Batch
from verifiers.io.columns import Columns
from verifiers.io.config import RunConfig
from verifiers.io.pipeline import Pipeline, Slot
from verifiers.io.rows import OpenRow, RowResult, RowScorer
from verifiers.judging import not_judged
from verifiers.stamps import check_unchanged
from verifiers.types import Status
from verifiers.workers.pool import Failure, WorkerPool

CHUNK_DEADLINE_S = 20.0
"""Wall-clock seconds for a batch, whose rows are all judged in bounds; a worker that needs longer is stuck."""

_STATUS = {Failure.DEADLINE: Status.DEADLINE_EXCEEDED}


class ChunkConfig(msgspec.Struct):
    """What a worker needs to judge batches.

    Attributes:
        teacher: Where to find it: an id, a file or a dotted path.
        options: The teacher's options.
        columns: Where rows keep what.
        with_elapsed: Write `elapsed_s`.
        stamp: What the teacher read besides its options when the run began.
    """

    teacher: str
    options: dict[str, Any]
    columns: Columns
    with_elapsed: bool
    stamp: str = ""


_decode_config = msgspec.msgpack.Decoder(ChunkConfig).decode
_decode_batch = msgspec.msgpack.Decoder(Batch).decode
_decode_results = msgspec.msgpack.Decoder(list[RowResult | None]).decode
_encode = msgspec.msgpack.Encoder().encode


def service(config: bytes) -> Callable[[bytes], bytes]:
    """Return the worker's service: a batch in, its results out. Called in the worker."""
    wanted = _decode_config(config)
    engine = Scorer(wanted.teacher, options=wanted.options)
    check_unchanged(wanted.stamp, engine.stamp, engine.teacher.name)
    scorer = RowScorer(engine, wanted.columns, wanted.with_elapsed)
    return lambda request: _encode(scorer.score(_decode_batch(request)))


def open_pool(config: RunConfig, columns: Columns, engine: Scorer) -> WorkerPool:
    """Return a pool of workers that judge batches as this process's engine does; they start when first needed."""
    told = ChunkConfig(config.teacher, dict(config.options), columns, config.with_elapsed, engine.stamp)
    home = type(engine.teacher).__module__  # imported once for all workers; without what the teacher itself preloads
    own = (home,) if home.startswith("verifiers.catalog.") else ()
    return WorkerPool(f"{__name__}:{service.__name__}", _encode(told), preload=(__name__, *own), size=config.num_proc)


def warm_up(pool: WorkerPool) -> Event:
    """Start the workers on the side; the event is set once they answer, and never where they cannot be started."""
    ready = Event()
    Thread(target=_warm, args=(pool, ready), name="verify-warm", daemon=True).start()
    return ready


def _warm(pool: WorkerPool, ready: Event) -> None:
    with suppress(WorkerError):
        if all(reply.payload is not None for reply in pool.run([_encode(Batch(""))], CHUNK_DEADLINE_S)):
            ready.set()


def score_in_workers(pipeline: Pipeline, scorer: RowScorer, batches: Iterable[Batch], pool: WorkerPool) -> None:
    """Judge batches in workers; a batch whose worker dies is judged again row by row.

    Where workers cannot be started, everything is judged in this process: slower, with the same result.
    """
    waiting: dict[int, Slot] = {}
    try:
        _score_all(pipeline, scorer, batches, pool, waiting)
    except WorkerError:
        for slot in waiting.values():
            slot.results = scorer.score(slot.batch)
            pipeline.fill(slot)
        for _ in pipeline.score_here(batches):
            pass


def _score_all(
    pipeline: Pipeline, scorer: RowScorer, batches: Iterable[Batch], pool: WorkerPool, waiting: dict[int, Slot]
) -> None:
    """Judge batches in workers; `waiting` holds those that are with them."""

    def requests() -> Iterator[bytes]:
        for number, batch in enumerate(batches):
            pipeline.make_room()
            waiting[number] = slot = Slot(batch, [])
            pipeline.place(slot)
            yield _encode(batch)

    for reply in pool.run(requests(), CHUNK_DEADLINE_S):
        slot = waiting.pop(reply.index)
        if reply.payload is None:
            slot.results = [None] * len(slot.batch)
            for index in range(len(slot.batch)):
                slot.slow[index] = pipeline.submit(partial(_score_alone, pipeline, scorer, pool, slot.batch, index))
        else:
            slot.results = _decode_results(reply.payload)
        pipeline.fill(slot)
        pipeline.drain()


def _score_alone(pipeline: Pipeline, scorer: RowScorer, pool: WorkerPool, batch: Batch, index: int) -> RowResult:
    """Judge one row of a batch whose worker died: only the row that is to blame fails."""
    try:
        (reply,) = pool.run([_encode(batch.pick([index]))], CHUNK_DEADLINE_S)
    except WorkerError as error:  # not judged in this process instead: it may be the row that killed the worker
        verdict = not_judged(Status.UNAVAILABLE, f"the worker of its batch died, and then: {error}")
    else:
        if reply.payload is not None:
            return _decode_results(reply.payload)[0] or pipeline.settle(batch, index)
        status = _STATUS.get(reply.failure, Status.FAILED) if reply.failure else Status.FAILED
        verdict = not_judged(status, f"the worker failed on this row: {reply.detail}", reply.elapsed_s)
    opened = scorer.open(batch, index)
    if not isinstance(opened, OpenRow):
        return opened
    return scorer.close(opened, [verdict] * len(opened.samples), at_once=False)
