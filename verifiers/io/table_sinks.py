"""Output as csv or parquet: written beside the target and renamed at the end, so never half there."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from verifiers.errors import InputError, require
from verifiers.io.json_text import decode_clean_row
from verifiers.io.values import Row

PARQUET_ROWS = 4096
"""Rows in one row group."""


def temporary(path: Path) -> Path:
    """Return the name under which a file is built up."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Say of which file an error of the system is."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from error


def replace_file(temp: Path, path: Path) -> None:
    """Rename a finished file into place, so that it survives a power cut.

    Raises:
        InputError: If that fails.
    """
    with _writing(path):
        with temp.open("rb") as file:
            os.fsync(file.fileno())
        temp.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class CsvSink:
    """Writes csv; cells that are not text are JSON.

    Args:
        path: The output.
        columns: The header: the input's columns and ours. A row with another column is refused.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path, self._temp = path, temporary(path)
        self._columns = list(columns)
        with _writing(path):
            self._file = self._temp.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file)
        self._writer.writerow(self._columns)

    def write(self, lines: Sequence[bytes]) -> None:
        """Take rows.

        Raises:
            InputError: If a row has a column that the header lacks, or the file cannot be written.
        """
        with _writing(self._path):
            for line in lines:
                self._writer.writerow(self._cells(decode_clean_row(line)))

    def _cells(self, row: Row) -> list[str]:
        extra = [name for name in row if name not in self._columns]
        if extra:
            raise InputError(
                f"{self._path}: a row has the column {extra[0]!r}, which the first rows lacked, so that the csv "
                "header lacks it too. Write .jsonl, whose rows may differ."
            )
        return [_cell(row.get(name)) for name in self._columns]

    def close(self, whole: bool = True) -> None:
        """Finish the file, or give it up.

        Raises:
            InputError: If it cannot be written.
        """
        try:
            with _writing(self._path):
                self._file.close()
            if whole:
                replace_file(self._temp, self._path)
        finally:
            self._temp.unlink(missing_ok=True)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class ParquetSink:
    """Writes parquet; the first rows decide the types."""

    def __init__(self, path: Path) -> None:
        self._arrow: Any = require("pyarrow", "parquet", "Writing parquet")
        self._parquet: Any = require("pyarrow.parquet", "parquet", "Writing parquet")
        self._path, self._temp = path, temporary(path)
        self._rows: list[dict[str, Any]] = []
        self._writer: Any = None

    def write(self, lines: Sequence[bytes]) -> None:
        """Take rows.

        Raises:
            InputError: If a row's types do not fit the first rows', or the file cannot be written.
        """
        for line in lines:
            self._rows.append(decode_clean_row(line))
            if len(self._rows) >= PARQUET_ROWS:
                self._end_group()

    def _end_group(self) -> None:
        rows, self._rows = self._rows, []
        try:
            schema = self._writer.schema if self._writer else None
            table = self._arrow.Table.from_pylist(rows, schema=schema)
            if self._writer is None:
                self._writer = self._parquet.ParquetWriter(self._temp, table.schema)
            self._writer.write_table(table)
        except (self._arrow.ArrowException, OSError) as error:
            raise InputError(f"{self._path}: rows do not fit a parquet table ({error}). Write .jsonl.") from error

    def close(self, whole: bool = True) -> None:
        """Finish the file, or give it up.

        Raises:
            InputError: If it cannot be written.
        """
        try:
            if whole and (self._rows or self._writer is None):
                self._end_group()
            if self._writer is not None:
                with _writing(self._path):
                    self._writer.close()
            if whole:
                replace_file(self._temp, self._path)
        finally:
            self._temp.unlink(missing_ok=True)
