"""Read files of ratings of any known shape: `read_rated`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from reward_models.data.columns import RatedColumns, find_columns, unknown_aspect
from reward_models.data.gather import Gatherer
from reward_models.data.labels import check_weights
from reward_models.data.prepared import prepared_facts, prepared_parts, told_beside
from reward_models.data.rated import BadRow, Counts, RatedData, Shape, scale_of
from reward_models.data.rows import Facts, RowReader
from reward_models.data.survey import survey
from reward_models.types import RatedPrompt
from verifiers.errors import InputError, UsageError
from verifiers.io import values
from verifiers.io.batch import Batch
from verifiers.io.json_text import Unreadable, decode_clean_row, decode_row
from verifiers.io.sources import Shard, find_shards, read_shard
from verifiers.io.values import Row

MAX_BAD_KEPT = 1000
"""Bad rows whose places and reasons are kept; all are counted."""
MAX_BAD_SHOWN = 5
_SCALED = (Shape.RATINGS, Shape.SCORED, Shape.THUMBS)
"""Shapes whose numbers are of different scales."""

OnBad = Literal["skip", "refuse"]


def read_rated(
    paths: Sequence[str | Path],
    *,
    map: Mapping[str, str] | None = None,
    aspects: Mapping[str, float] | None = None,
    scale: tuple[float, float] | None = None,
    reference: bool = False,
    on_bad: OnBad = "skip",
) -> RatedData:
    """Read ratings, pairs, votes, rankings, thumbs or scores.

    Args:
        paths: Files (.jsonl, .json, .csv, .parquet, also packed), folders (of files, of a saved data set, of
            `verify rm prepare`), `-`, or `hf:org/name[:split]`. Each file has a shape of its own.
        map: `{column: field}` where the names are not known ones.
        aspects: Aspect -> its weight in an answer's stars: columns of numbers, or keys of an object in `rating`.
            Keys that are not named, and the columns of known data sets, weigh as in `KNOWN_ASPECTS`, others 1.
        scale: Lowest and highest rating that there can be; others make a bad row. Not given: as the rows say.
        reference: Put each row's reference into its prompt, for teachers that see it too.
        on_bad: Leave bad rows out, or refuse the data.

    Returns:
        Equal prompts merged, in order of first appearance.

    Raises:
        InputError: If a file cannot be read, holds no usable row, or holds a bad row and `on_bad` is "refuse".
        UsageError: If a file's shape is not known, files of different scales are mixed, or an aspect weighs less than
            0, or all weigh 0.
    """
    check_weights(aspects or {})
    reader = _Reader(map or {}, aspects or {}, scale, reference)
    for shard in find_shards([part for path in paths for part in prepared_parts(str(path)) or [str(path)]]):
        reader.read(shard)
    return reader.finish(on_bad)


class _Reader:
    """Reads one file after the other into one gathering."""

    def __init__(
        self,
        mapping: Mapping[str, str],
        aspects: Mapping[str, float],
        scale: tuple[float, float] | None,
        reference: bool,
    ) -> None:
        self._mapping, self._aspects, self._scale, self._reference = mapping, aspects, scale, reference
        self._counts = Counts()
        self._gatherer = Gatherer(self._counts)
        self._bad: list[BadRow] = []
        self._found: list[RatedColumns] = []
        self._ends: set[tuple[float, float]] = {scale} if scale else set()
        self._sources: list[str] = []
        self._columns: list[str] = []
        self._totals: dict[str, float | None] = {}

    def read(self, shard: Shard) -> None:
        """Read one file."""
        self._sources.append(shard.name)
        # A pipe can be read once only; a file is read again rather than held.
        held = None if shard.path is not None and shard.path.is_file() else list(read_shard(shard))
        told = survey(read_shard(shard) if held is None else held, (*self._mapping, *self._aspects))
        batches = read_shard(shard) if held is None else held
        if not told.rows:
            self._take(batches, prepared_facts)  # all are bad
            return
        columns = find_columns(told, self._mapping, tuple(self._aspects))
        self._columns += [name for row in (*told.rows, *told.late) for name in row]
        self._found.append(columns)
        self._check_scales()
        if columns.shape is Shape.PREPARED:
            self._take_manifest(shard)
        facts_of = None if columns.shape is Shape.PREPARED else RowReader(columns, self._reference, self._totals).read
        self._take(batches, facts_of or prepared_facts)

    def _take_manifest(self, shard: Shard) -> None:
        aspects, ends = told_beside(shard.path)
        self._gatherer.aspects |= aspects
        if ends is not None and self._scale is None:
            self._ends.add(ends)

    def _take(self, batches: Iterable[Batch], facts_of: Any) -> None:
        for batch in batches:
            for index in range(len(batch)):
                self._row(batch, index, facts_of)

    def _row(self, batch: Batch, index: int, facts_of: Any) -> None:
        self._counts.rows += 1
        place = batch.place(index)
        try:
            facts = self._facts(batch, index, facts_of)
        except (Unreadable, values.BadRow) as error:
            self._counts.bad += 1
            if len(self._bad) < MAX_BAD_KEPT:
                self._bad.append(BadRow(place, str(error)))
            return
        self._gatherer.add(facts, place)

    def _facts(self, batch: Batch, index: int, facts_of: Any) -> Facts:
        if index in batch.bad:
            raise Unreadable(batch.bad[index])
        line = batch.lines[index]
        row = decode_clean_row(line)
        if repeated := _key_twice(line, row):
            raise Unreadable(f"the key {repeated!r} stands twice in the row, and only one of its values can be meant")
        facts: Facts = facts_of(row)
        ends = self._scale or facts.scale
        if ends is not None:
            self._ends.add(ends)
            _check_ends(facts, ends)
        if b"\\ud" in line.lower() and _has_half_pair(line):
            self._counts.repaired += 1
        return facts

    def _check_scales(self) -> None:
        shapes = {columns.shape for columns in self._found} & set(_SCALED)
        if len(shapes) > 1:
            raise UsageError(
                f"the files hold {' and '.join(sorted(shapes))}, whose numbers have different scales. Train on one "
                "kind, or write both with the same scale and columns (response, rating)."
            )

    def finish(self, on_bad: OnBad) -> RatedData:
        """Return all that was read.

        Raises:
            InputError: If that is nothing, or there are bad rows and they are refused.
        """
        counts = self._counts
        if counts.bad and on_bad == "refuse":
            raise InputError(f"{counts.bad:,} of {counts.rows:,} rows are bad rows: {self._shown_bad()}")
        aspects = {**self._gatherer.aspects, **self._aspects}
        check_weights(aspects)  # a prepared file's own too
        prompts = self._gatherer.prompts(aspects)
        if not prompts:
            first = f" The first: {self._shown_bad()}" if self._bad else ""
            raise InputError(f"{', '.join(self._sources)}: none of {counts.rows:,} rows can be used.{first}")
        self._check_aspects(prompts)
        ends = (min(low for low, _ in self._ends), max(high for _, high in self._ends)) if self._ends else None
        notes = [note for columns in self._found for note in columns.notes]
        if len(self._ends) > 1:
            notes.append(f"the rows declare {len(self._ends)} different scales; all are taken as one, {ends}")
        if self._gatherer.aspects.keys() - self._aspects.keys():
            weights = ", ".join(f"{name} {weight:g}" for name, weight in aspects.items())
            notes.append(f"answers not rated as a whole get the mean of their aspects, {weights}; set by --aspect")
        return RatedData(
            prompts=prompts,
            shape=" + ".join(dict.fromkeys(columns.shape.value for columns in self._found)),
            columns=self._found[0].described(),
            counts=counts,
            scale=scale_of((r.stars for p in prompts for a in p.answers for r in a.ratings), ends),
            declared=ends is not None,
            aspects=aspects if self._gatherer.aspects else {},
            bad=tuple(self._bad),
            votes=self._gatherer.votes(),
            notes=tuple(dict.fromkeys(notes)),
        )

    def _check_aspects(self, prompts: Sequence[RatedPrompt]) -> None:
        """Refuse an aspect that no rating is of (comparisons alone need none), and aspects that all weigh 0."""
        rated = self._gatherer.aspects
        if any(answer.ratings for each in prompts for answer in each.answers):
            for name in self._aspects.keys() - rated.keys():
                raise unknown_aspect(name, list(rated), list(dict.fromkeys(self._columns)))
        if rated and not any(answer.stars is not None for each in prompts for answer in each.answers):
            given = " ".join(f"--aspect {name}=0" for name in rated)
            raise UsageError(f"{given}: no aspect is left to make stars of. Give one of them a weight above 0")

    def _shown_bad(self) -> str:
        shown = "; ".join(f"{each.where}: {each.reason}" for each in self._bad[:MAX_BAD_SHOWN])
        left = self._counts.bad - MAX_BAD_SHOWN
        return f"{shown}; and {left:,} more" if left > 0 else shown


def _check_ends(facts: Facts, ends: tuple[float, float]) -> None:
    for _, ratings in facts.answers:
        for rating in ratings:
            if not ends[0] <= rating.stars <= ends[1]:
                raise values.BadRow(f"the rating {rating.stars:g} lies outside its scale, {ends[0]:g} to {ends[1]:g}")


def _key_twice(line: bytes, row: Row) -> str:
    """Return a key that the row's own object has twice; empty = there is none.

    A quoted name that the text has only once cannot be a key twice, which spares all but few rows the second reading.
    """
    if not any(line.count(b'"%s"' % name.encode("utf-8", "replace")) > 1 for name in row):
        return ""
    outermost: list[list[tuple[str, Any]]] = []
    json.loads(line.decode("utf-8", "replace"), object_pairs_hook=lambda pairs: outermost.append(pairs))
    names = [name for name, _ in outermost[-1]]
    return next((name for name in names if names.count(name) > 1), "")


def _has_half_pair(line: bytes) -> bool:
    """Whether the row's texts hold half of a surrogate pair."""
    return decode_row(line) != decode_clean_row(line)
