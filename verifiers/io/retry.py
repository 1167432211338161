"""Judging anew the rows of an output that could not be judged, and only those."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from verifiers.errors import InputError, UsageError
from verifiers.io.batch import Batch
from verifiers.io.columns import Columns
from verifiers.io.readback import RowReader
from verifiers.io.rows import RowResult, Unreadable, decode_row, encode_json, without_fields
from verifiers.io.selection import Selection, open_input
from verifiers.io.sinks import RESUMABLE, ending, open_sink
from verifiers.io.table_sinks import replace_file, temporary
from verifiers.io.values import Row
from verifiers.types import Status

OUTPUT_LINE_FACTOR = 4
"""An output line may be so many times longer than an input line: it also holds the verdict."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the output that stays as it is, or of which some samples do."""

    result: RowResult
    row: Row


def open_output(output: str, mapping: dict[str, str], max_line_bytes: int) -> tuple[Iterator[Batch], Columns]:
    """Open an earlier output for a retry.

    Raises:
        UsageError: If it is missing, not in lines, or not an output of ours.
        InputError: If it cannot be read.
    """
    if ending(output) not in RESUMABLE:
        raise UsageError(f"{output}: --retry-errors works for {', '.join(RESUMABLE)}.")
    if not Path(output).is_file():
        raise UsageError(f"{output} does not exist, so there is nothing to retry. Score without --retry-errors first.")
    found = open_input([output], mapping, Selection(max_line_bytes=max_line_bytes * OUTPUT_LINE_FACTOR))
    if found.columns is None or not found.columns.rescored:
        raise UsageError(f"{output}: the first rows carry no verdicts (reward, status, reason). Is it an output?")
    return found.batches, found.columns
