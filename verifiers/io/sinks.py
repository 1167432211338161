"""Where output rows go: files that survive a kill, and standard output.

A file is only ever appended to, in order. Packed files are cut into members (gz) or frames (zst) by what they hold,
never by time, so that a resumed file is byte-equal to one written in one go.
"""

from __future__ import annotations

import os
import stat
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from verifiers.errors import InputError, UsageError, require

BUFFER_BYTES = 256 * 1024
"""Rows held back before they are written."""
FLUSH_S = 1.0
"""Rows wait no longer than this while rows arrive."""
SYNC_S = 5.0
"""The file is forced to the disk this often."""
MEMBER_BYTES = 1024 * 1024
"""Unpacked bytes in one gz member or zst frame: at most this much is done again after a kill."""

_GZIP_WBITS = 31
_GZIP_LEVEL = 6
RESUMABLE = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz", ".jsonl.zst", ".ndjson.zst")


class Sink(Protocol):
    """Takes output rows in order."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Take rows, without line ends."""

    def close(self, whole: bool = True) -> None:
        """Write what is held back.

        Args:
            whole: All rows were written; false = the run was broken off. Lines that are there stay; a file that is
                renamed into place at its end is given up, so that it replaces nothing.
        """


class NullSink:
    """Writes nothing."""

    def write(self, lines: Sequence[bytes]) -> None:
        """Drop the rows."""

    def close(self, whole: bool = True) -> None:
        """Do nothing."""


class LineSink:
    """Appends lines to a file.

    Args:
        file: Open for writing; closed with the sink unless it is standard output.
        name: For messages.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._on_disk = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        self._flushed_s = self._synced_s = time.monotonic()

    def write(self, lines: Sequence[bytes]) -> None:
        """Take rows.

        Raises:
            InputError: If the disk is full or the file cannot be written.
            BrokenPipeError: If nobody reads standard output any more.
        """
        if not lines:
            return
        text = b"\n".join(lines) + b"\n"
        self._held.append(text)
        self._held_bytes += len(text)
        if self._held_bytes >= BUFFER_BYTES or time.monotonic() - self._flushed_s >= FLUSH_S:
            self._flush()

    def _flush(self) -> None:
        data, self._held, self._held_bytes = b"".join(self._held), [], 0
        self._put(data)
        self._flushed_s = time.monotonic()
        if self._flushed_s - self._synced_s >= SYNC_S:
            self._sync()

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise InputError(
                f"{self._name}: cannot be written ({error.strerror or error}). "
                "What was written is kept; make room and go on with --resume."
            ) from error

    def _sync(self) -> None:
        if self._on_disk:
            os.fsync(self._file.fileno())
        self._synced_s = time.monotonic()

    def close(self, whole: bool = True) -> None:
        """Write what is held back, to the disk.

        Raises:
            InputError: If that fails.
        """
        try:
            self._flush()
            self._finish()
            self._sync()
        finally:
            if self._file is not sys.stdout.buffer:
                self._file.close()

    def _finish(self) -> None:
        """Write what ends the file."""


class PackedSink(LineSink):
    """Appends lines in gz members or zst frames."""

    def __init__(self, file: BinaryIO, name: str, kind: str) -> None:
        super().__init__(file, name)
        self._pack = _gzip_member if kind == ".gz" else _zst_packer()
        self._member: list[bytes] = []
        self._member_bytes = 0
        self._put_raw = super()._put

    def write(self, lines: Sequence[bytes]) -> None:
        """Take rows.

        Raises:
            InputError: If the disk is full or the file cannot be written.
        """
        for line in lines:
            self._member.append(line + b"\n")
            self._member_bytes += len(line) + 1
            if self._member_bytes >= MEMBER_BYTES:
                self._end_member()

    def _end_member(self) -> None:
        data, self._member, self._member_bytes = b"".join(self._member), [], 0
        if data:
            self._put(self._pack(data))
            if time.monotonic() - self._synced_s >= SYNC_S:
                self._sync()

    def _finish(self) -> None:
        self._end_member()


def _gzip_member(data: bytes) -> bytes:
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WBITS)
    return packer.compress(data) + packer.flush()


def _zst_packer() -> Any:
    zstandard: Any = require("zstandard", "zst", "Writing .zst files")
    return zstandard.ZstdCompressor(write_checksum=True).compress


def ending(path: str) -> str:
    """Return the end of an output's name that decides its format, such as `.jsonl.gz`.

    Raises:
        UsageError: If the format is not known.
    """
    name = Path(path).name.lower()
    known = (*RESUMABLE, ".csv", ".parquet")
    for end in known:
        if name.endswith(end):
            return end
    raise UsageError(f"{path}: unknown output format. The name must end in {', '.join(known)}.")


def is_plain(path: str | None) -> bool:
    """Tell whether an output is a file on a disk (or will be), not a stream or a device such as `/dev/null`."""
    return path not in (None, "-") and not (Path(str(path)).exists() and not Path(str(path)).is_file())


def open_append(path: Path) -> BinaryIO:
    """Open an output file for appending, unbuffered.

    Raises:
        InputError: If it cannot be opened.
    """
    try:
        return path.open("ab", buffering=0)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}).") from error


def open_sink(path: str | None, columns: Sequence[str] = ()) -> Sink:
    """Return the sink of an output's name: `-` = standard output, `None` = nowhere.

    Args:
        path: Rows are appended if the file exists.
        columns: The header of a csv file.

    Raises:
        UsageError: If the format is not known.
        InputError: If it cannot be written.
        MissingExtra: If the format needs a package.
    """
    if path is None:
        return NullSink()
    if path == "-":
        return LineSink(sys.stdout.buffer, "standard output")
    if not is_plain(path):
        return LineSink(open_append(Path(path)), path)
    end = ending(path)
    if end in (".csv", ".parquet"):
        from verifiers.io.table_sinks import CsvSink, ParquetSink  # rarely needed

        return CsvSink(Path(path), columns) if end == ".csv" else ParquetSink(Path(path))
    file = open_append(Path(path))
    kind = Path(end).suffix
    return PackedSink(file, path, kind) if kind in (".gz", ".zst") else LineSink(file, path)
