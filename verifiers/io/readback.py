"""Reading our own output rows again: for the sums of a resumed run, and to judge anew what could not be judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from verifiers.io.columns import PREFIX, Columns
from verifiers.io.json_text import decode_row
from verifiers.io.rows import MAX_FAULT_CHARS, RowResult, SampleReader
from verifiers.io.values import BadRow, Row


class RowReader:
    """Turns output rows back into results.

    Args:
        columns: As they were for the input.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = replace(columns, rescored=True)
        self._samples = SampleReader(self._columns)

    def read(self, line: bytes) -> RowResult:
        """Return the result that an output row holds.

        Raises:
            Unreadable: If the row is no JSON object.
        """
        return self.result(line, decode_row(line))

    def fields(self, line: bytes) -> list[list[Any]]:
        """Return the values of `OUT_FIELDS` in an output row, those that it has, each a list over samples."""
        row = decode_row(line)
        return [_listed(row, name) for name in self._columns.written if name in row]

    def result(self, line: bytes, row: Row) -> RowResult:
        """Return the result that a decoded output row holds."""
        rewards, statuses, reasons, *_, elapsed_s = (_listed(row, name) for name in self._columns.written)
        seconds = [cell if isinstance(cell, int | float) else 0.0 for cell in elapsed_s]
        try:
            _, _, group = self._samples.read(row)
        except BadRow:
            group = 0
        faults = (
            (str(status), str(reason)[:MAX_FAULT_CHARS])
            for reward, status, reason in zip(rewards, statuses, reasons, strict=False)
            if reward is None
        )
        return RowResult(line, rewards, [str(status) for status in statuses], seconds, group, fault=next(faults, ()))


def _listed(row: Row, name: str) -> list[Any]:
    """Return a field of every sample of the row; a column that only this row's input had makes ours a prefixed one."""
    value = row.get(PREFIX + name, row.get(name))
    return value if isinstance(value, list) else [value]
