"""Which rows of the input a run scores: shards, a limit, a random sample; and a look at the first ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import BinaryIO

from verifiers.errors import InputError, UsageError
from verifiers.io.batch import BATCH_ROWS, MAX_LINE_BYTES, Batch
from verifiers.io.columns import Columns, find_columns
from verifiers.io.json_text import Unreadable, decode_row
from verifiers.io.sources import Shard, find_shards, read_shard
from verifiers.io.values import Row

DETECT_ROWS = 64
"""The columns are chosen by so many first rows."""
MAX_BAD_START = 4096
"""If none of so many first rows can be read, the file is not what it should be."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows to take.

    Attributes:
        limit: Most rows; `None` = all.
        seed: With a limit: a random sample of that size instead of the first rows, kept in file order (reservoir
            sampling: the whole input is read, the sample is held in memory).
        shard: (i, n): only the i-th of n parts, from 0. Parts are whole files if there are at least n, else rows by
            number modulo n.
        max_line_bytes: A longer line becomes a bad row.

    Raises:
        UsageError: If a number is out of range.
    """

    limit: int | None = None
    seed: int | None = None
    shard: tuple[int, int] | None = None
    max_line_bytes: int = MAX_LINE_BYTES

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.limit is not None and self.limit < 0:
            raise UsageError(f"a limit is 0 or more rows, not {self.limit}")
        if self.seed is not None and self.limit is None:
            raise UsageError("a seed draws a random sample, so it needs a limit: --limit 1000 --seed 0")
        if self.shard is not None and not 0 <= self.shard[0] < self.shard[1]:
            raise UsageError(f"shard {self.shard[0]} of {self.shard[1]} does not exist")
        if self.max_line_bytes < 1:
            raise UsageError(f"a line has at least 1 byte, not {self.max_line_bytes}")


def parse_shard(text: str) -> tuple[int, int]:
    """Return `"1/4"` (the first of four) as `(0, 4)`.

    Raises:
        UsageError: If it is not of that form.
    """
    part, slash, count = text.partition("/")
    if slash and part.isdecimal() and count.isdecimal() and 1 <= int(part) <= int(count):
        return int(part) - 1, int(count)
    raise UsageError(f"--shard {text!r}: write i/n with i from 1 to n, e.g. --shard 1/4 for the first of four")


@dataclass(slots=True)
class Meter:
    """How far the input has been read, in bytes of its files.

    Attributes:
        total_bytes: `None` = unknown (standard input, the hub).
    """

    total_bytes: int | None = None
    _done_bytes: int = 0
    _current: BinaryIO | None = field(default=None, repr=False)

    @property
    def done_bytes(self) -> int:
        """Bytes read so far."""
        return self._done_bytes + (self._current.tell() if self._current and not self._current.closed else 0)

    def enter(self, file: BinaryIO) -> None:
        """Begin a file."""
        self._current = file

    def leave(self, size_bytes: int) -> None:
        """End a shard."""
        self._done_bytes, self._current = self._done_bytes + size_bytes, None


@dataclass(slots=True)
class Input:
    """The rows of a run.

    Attributes:
        shards: The files that are read.
        batches: Their rows, after selection; can be iterated once.
        columns: Chosen by the first rows; `None` = there is no row that can be read.
        meter: How far `batches` has read.
    """

    shards: list[Shard]
    batches: Iterator[Batch]
    columns: Columns | None
    meter: Meter


def open_input(sources: Sequence[str], mapping: Mapping[str, str], selection: Selection) -> Input:
    """Find the files, read the first rows and choose the columns.

    Raises:
        InputError: If the input cannot be read or does not begin with rows.
        UsageError: If no column holds completions, or the mapping does not fit.
        MissingExtra: If a format needs a package that is absent.
    """
    shards = find_shards(sources)
    part = selection.shard
    by_file = part is not None and len(shards) >= part[1]
    if part is not None and by_file:
        shards = shards[part[0] :: part[1]]
    meter = Meter(_total_bytes(shards))
    batches: Iterator[Batch] = _read_all(shards, selection.max_line_bytes, meter)
    if part is not None and not by_file:
        batches = _every_nth(batches, *part)
    if selection.limit is not None and selection.seed is not None:
        batches = reservoir(batches, selection.limit, selection.seed)
    elif selection.limit is not None:
        batches = first(batches, selection.limit)
    columns, batches = _look(batches, mapping)
    return Input(shards, batches, columns, meter)


def _total_bytes(shards: Sequence[Shard]) -> int | None:
    if any(shard.path is None for shard in shards):
        return None
    return sum(shard.path.stat().st_size for shard in shards if shard.path)


def _read_all(shards: Sequence[Shard], max_line_bytes: int, meter: Meter) -> Iterator[Batch]:
    for shard in shards:
        yield from read_shard(shard, max_line_bytes, meter.enter)
        meter.leave(shard.path.stat().st_size if shard.path else 0)


def _every_nth(batches: Iterable[Batch], part: int, parts: int) -> Iterator[Batch]:
    row = 0
    for batch in batches:
        picked = batch.pick(list(range((part - row) % parts, len(batch), parts)))
        row += len(batch)
        if len(picked):
            yield picked


def first(batches: Iterable[Batch], limit: int) -> Iterator[Batch]:
    """Yield the first rows."""
    left = limit
    if not left:
        return
    for batch in batches:
        taken = batch if len(batch) <= left else batch.pick(list(range(left)))
        left -= len(taken)
        yield taken
        if not left:
            return


def skip(batches: Iterable[Batch], rows: int) -> Iterator[Batch]:
    """Yield all but the first rows."""
    left = rows
    for batch in batches:
        if left >= len(batch):
            left -= len(batch)
            continue
        yield batch.pick(list(range(left, len(batch)))) if left else batch
        left = 0


def reservoir(batches: Iterable[Batch], size: int, seed: int) -> Iterator[Batch]:
    """Yield a random sample of rows, in their order (algorithm R: every row is as likely)."""
    random = Random(seed)
    held: list[tuple[int, Batch]] = []
    row = 0
    for batch in batches:
        for index in range(len(batch)):
            slot = row if row < size else random.randrange(row + 1)
            if slot < size:
                entry = row, batch.pick([index])
                if slot < len(held):
                    held[slot] = entry
                else:
                    held.append(entry)
            row += 1
    held.sort(key=lambda entry: entry[0])
    yield from _joined(batch for _, batch in held)


def _joined(rows: Iterable[Batch]) -> Iterator[Batch]:
    """Join batches of one row each to full ones: a worker process gets a batch at a time."""
    joined = Batch("")
    for row in rows:
        if joined.source != row.source or len(joined) >= BATCH_ROWS:
            if len(joined):
                yield joined
            joined = Batch(row.source)
        joined.add(row.numbers[0], row.lines[0], row.bad.get(0, ""))
    if len(joined):
        yield joined


def _look(batches: Iterator[Batch], mapping: Mapping[str, str]) -> tuple[Columns | None, Iterator[Batch]]:
    """Choose the columns by the first rows; return also the rows that this has read, in front of the rest."""
    held: deque[Batch] = deque()
    rows: list[Row] = []
    seen, why = 0, ""
    for batch in batches:
        held.append(batch)
        for index, line in enumerate(batch.lines):
            seen += 1
            try:
                if index not in batch.bad and len(rows) < DETECT_ROWS:
                    rows.append(decode_row(line))
            except Unreadable as error:
                why = why or f"{batch.place(index)}: {error}"
        if len(rows) >= DETECT_ROWS:
            break
        if not rows and seen >= MAX_BAD_START:
            raise InputError(f"None of the first {seen} rows can be read. The first: {why or batch.bad}")
    columns = find_columns(rows, mapping) if any(rows) else None
    return columns, chain(_emptied(held), batches)


def _emptied(held: deque[Batch]) -> Iterator[Batch]:
    while held:
        yield held.popleft()
