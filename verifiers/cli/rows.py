"""Samples of files, for the commands that look at rows rather than write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from verifiers.errors import InputError, UsageError

if TYPE_CHECKING:
    from verifiers.io.batch import Batch
    from verifiers.io.columns import Columns
    from verifiers.io.values import Row
    from verifiers.types import Sample


class Place(NamedTuple):
    """A sample and where it stands.

    Attributes:
        name: `file:line`, with `#n` behind it where the row holds several completions.
        row: The row's own columns.
        sample: `None` = the row is not a sample.
        problem: Why it is not.
    """

    name: str
    row: Row
    sample: Sample | None
    problem: str = ""


def parse_map(texts: Sequence[str]) -> dict[str, str]:
    """Return `("response=completion",)` as a mapping.

    Raises:
        UsageError: If one is not `COLUMN=FIELD`.
    """
    pairs = [text.partition("=") for text in texts]
    for text, (left, equals, right) in zip(texts, pairs, strict=True):
        if not (left and equals and right):
            raise UsageError(f"--map {text!r}: write COLUMN=FIELD, e.g. --map response=completion")
    return {left: right for left, _, right in pairs}


def refuse_own_input(output: str, sources: Sequence[str]) -> None:
    """Keep an output from replacing what it is made from.

    Raises:
        InputError: If a source is not there.
        UsageError: If the output is one of the sources' files.
    """
    from verifiers.io.sources import find_shards, is_same_file

    if output != "-" and any(shard.path and is_same_file(shard.path, output) for shard in find_shards(sources)):
        raise UsageError(f"{output} is both input and output; name another output")


def read_places(
    sources: Sequence[str], mapping: Mapping[str, str], limit: int | None = None
) -> tuple[Columns, Iterator[Place]]:
    """Return the columns chosen for the sources, and all their samples in order.

    Args:
        sources: As of `verify score`.
        mapping: The user's choice of columns.
        limit: Most rows.

    Raises:
        InputError: If a source cannot be read or holds no row.
        UsageError: If no column holds completions.
    """
    from verifiers.io.selection import Selection, open_input

    found = open_input(sources, mapping, Selection(limit))
    if found.columns is None:
        raise InputError(f"{', '.join(sources)}: there is no row that is a JSON object")
    return found.columns, _places(found.batches, found.columns)


def find_place(text: str, mapping: Mapping[str, str], nth: int | None) -> Place:
    """Return the sample at `FILE:LINE`.

    Args:
        text: The place as `verify score` prints it, or as `verify compare` does: with `#n` for the n-th completion.
        mapping: Columns by the user's choice.
        nth: Which completion of the row, from 1; `None` = the one that `text` names, or the only one.

    Raises:
        UsageError: If the text names no line, or the row holds several completions and none is chosen.
        InputError: If there is no such line, or it is not a sample.
    """
    source, line, named = _split_place(text)
    if not source or not line.isdecimal() or not (named or "1").isdecimal():
        raise UsageError(f"{text!r}: name the row as FILE:LINE, e.g. answers.jsonl:7")
    _, places = read_places([source], mapping)
    found: list[Place] = []
    for place in places:
        if _split_place(place.name)[1] == line:
            found.append(place)
        elif found:
            break
    return _chosen(found, text, int(named) if nth is None and named else nth)


def _split_place(name: str) -> tuple[str, str, str]:
    """Split `file:line#n` into its parts; the file's own name may hold both marks."""
    source, _, place = name.rpartition(":")
    line, _, nth = place.partition("#")
    return source, line, nth


def _chosen(found: Sequence[Place], text: str, nth: int | None) -> Place:
    if not found:
        raise InputError(f"{text}: there is no such row (lines count from 1; rows of tables do too)")
    if nth is None and len(found) > 1:
        raise UsageError(f"{text} holds {len(found)} completions; choose one: {text}#1 to {text}#{len(found)}")
    if nth is not None and not 1 <= nth <= len(found):
        raise UsageError(f"there is no completion {nth}: {text} holds {len(found)} completions, counted from 1")
    return found[(nth or 1) - 1]


def _decoded(batch: Batch) -> Iterator[tuple[Row | None, str]]:
    """Yield every row, or `None` and why it cannot be read."""
    from verifiers.io.json_text import Unreadable, decode_row

    for index, line in enumerate(batch.lines):
        if index in batch.bad:
            yield None, batch.bad[index]
            continue
        try:
            yield decode_row(line), ""
        except Unreadable as error:
            yield None, str(error)


def _places(batches: Iterator[Batch], columns: Columns) -> Iterator[Place]:
    from verifiers.io.rows import SampleReader
    from verifiers.io.values import BadRow

    reader = SampleReader(columns)
    for batch in batches:
        for index, (row, problem) in enumerate(_decoded(batch)):
            name = batch.place(index)
            if row is None:
                yield Place(name, {}, None, problem)
                continue
            if columns.rescored:
                row = {column: cell for column, cell in row.items() if column not in columns.written}
            try:
                samples, _, _ = reader.read(row)
            except BadRow as error:
                yield Place(name, row, None, str(error))
                continue
            for number, sample in enumerate(samples, 1):
                at = f"{name}#{number}" if len(samples) > 1 else name
                if sample.completion is None:  # null in a group
                    yield Place(at, row, None, "the completion is null")
                else:
                    yield Place(at, row, sample)
