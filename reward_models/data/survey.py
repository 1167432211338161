"""A first pass over a whole file: what its first rows alone do not tell of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from reward_models.data.cells import is_given, whole_number
from reward_models.data.names import ALIASES, KNOWN_ASPECTS, MARGINS, OPTIONAL
from verifiers.io.batch import Batch
from verifiers.io.columns import getter
from verifiers.io.json_text import Unreadable, decode_row
from verifiers.io.values import Row

DETECT_ROWS = 64
"""The shape is found by so many first rows that can be read, and a column that begins later by so many that have it."""
MAX_NUMBERS = 64
"""Distinct numbers of a column that are kept; a column with more holds no votes."""


@dataclass(slots=True)
class Survey:
    """What a file's rows tell before any is read for good.

    Attributes:
        rows: The first ones that can be read.
        places: `file:line` of these.
        late: Rows behind them with optional columns that none of them has.
        numbers: Column that can hold votes -> the whole numbers in it, anywhere in the file.
    """

    rows: list[Row] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    late: list[Row] = field(default_factory=list)
    numbers: dict[str, set[int]] = field(default_factory=dict)


def survey(batches: Iterable[Batch], named: Sequence[str] = ()) -> Survey:
    """Look through a file.

    Args:
        batches: All of it.
        named: Columns that the user named: any of them can be optional, or hold votes.
    """
    found = Survey()
    optional = {name for each in OPTIONAL for name in ALIASES[each]} | {name for pair in MARGINS for name in pair}
    wanted = dict.fromkeys([*sorted(optional), *KNOWN_ASPECTS, *named], DETECT_ROWS)
    paths = [name for name in wanted if "." in name]
    voted = {*ALIASES["winner"], *named}
    for row, place in _readable(batches):
        for name in _held(row, voted, paths):
            _count(found.numbers.setdefault(name, set()), getter(name)(row))
        if len(found.rows) < DETECT_ROWS:
            found.rows.append(row)
            found.places.append(place)
            for name in _held(row, wanted.keys(), paths):
                del wanted[name]
        elif begun := _held(row, wanted.keys(), paths):
            found.late.append(row)
            for name in begun:
                wanted[name] -= 1
                if not wanted[name]:
                    del wanted[name]
    return found


def _readable(batches: Iterable[Batch]) -> Iterator[tuple[Row, str]]:
    for batch in batches:
        for index, line in enumerate(batch.lines):
            if index in batch.bad:
                continue
            try:
                yield decode_row(line), batch.place(index)
            except Unreadable:
                continue  # met again when the row is read, and then counted


def _held(row: Row, names: Set[str], paths: Sequence[str]) -> list[str]:
    """Return which of the columns a row has, null and empty ones left out."""
    held = [name for name in row.keys() & names if is_given(row[name])]
    return held + [path for path in paths if path in names and path not in row and is_given(getter(path)(row))]


def _count(numbers: set[int], cell: Any) -> None:
    """Add the whole numbers of a cell of votes, those written as text too."""
    for value in cell if isinstance(cell, list) else [cell]:
        if len(numbers) < MAX_NUMBERS and (number := whole_number(value)) is not None:
            numbers.add(number)
