"""Opening files and unpacking gz and zst, in bounded memory."""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from verifiers.errors import InputError, MissingExtra, require
from verifiers.io.batch import ByteStream, CutOff

PACKED_BLOCK_BYTES = 64 * 1024
"""One read of a gz file."""
ZST_BLOCK_BYTES = 1024
"""One read of a zst file: small, because 4 bytes of it can unpack to 128 KiB."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZST_MAGIC = b"\x28\xb5\x2f\xfd"
_GZIP_WBITS = 31


class _Pipe:
    """Reads whatever has arrived, so that a slow producer's rows are scored at once."""

    def __init__(self, file: io.BufferedReader) -> None:
        self.read = file.read1


class _Gunzip:
    """Unpacks all members of a gz file; output of one read is bounded by its size."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self._unpacker = zlib.decompressobj(_GZIP_WBITS)
        self._packed = file.read(PACKED_BLOCK_BYTES)
        if self._packed and not self._packed.startswith(_GZIP_MAGIC):
            raise InputError(f"{name}: not a gz file (it starts with {self._packed[:4]!r})")

    def read(self, size: int, /) -> bytes:
        while True:
            if not self._packed:
                self._packed = self._file.read(PACKED_BLOCK_BYTES)
            if self._unpacker.eof and not self._next_member():
                return b""
            if not self._packed and not self._unpacker.eof:
                return self._last(size)
            try:
                out = self._unpacker.decompress(self._packed, size)
            except zlib.error as error:
                raise CutOff(f"the gz stream is damaged here ({error}); rows after it are missing") from error
            self._packed = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
            if out:
                return out

    def _next_member(self) -> bool:
        """Start the next member; zero padding after the last one is allowed."""
        self._packed = self._packed.lstrip(b"\0")
        if not self._packed:
            self._packed = self._file.read(PACKED_BLOCK_BYTES).lstrip(b"\0")
        if not self._packed:
            return False
        self._unpacker = zlib.decompressobj(_GZIP_WBITS)
        return True

    def _last(self, size: int) -> bytes:
        out = self._unpacker.decompress(b"", size)
        if not out and not self._unpacker.eof:
            raise CutOff("the gz stream is cut off here; rows after it are missing")
        return out


class _Unzst:
    """Unpacks all frames of a zst file."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        zstandard: Any = require("zstandard", "zst", "Reading .zst files")
        self._file, self._name = file, name
        self._error = zstandard.ZstdError
        self._new: Callable[[], Any] = zstandard.ZstdDecompressor().decompressobj
        self._unpacker = self._new()
        self._packed = file.read(ZST_BLOCK_BYTES)
        self._open = bool(self._packed)
        if self._packed and not self._packed.startswith(_ZST_MAGIC):
            raise InputError(f"{name}: not a zst file (it starts with {self._packed[:4]!r})")

    def read(self, _size: int, /) -> bytes:
        while True:
            packed = self._packed or self._file.read(ZST_BLOCK_BYTES)
            self._packed = b""
            if not packed:
                if self._open:
                    self._open = False
                    raise CutOff("the zst stream is cut off here; rows after it are missing")
                return b""
            if not self._open:
                self._unpacker, self._open = self._new(), True
            try:
                out: bytes = self._unpacker.decompress(packed)
            except self._error as error:
                self._open = False
                raise CutOff(f"the zst stream is damaged here ({error}); rows after it are missing") from error
            if self._unpacker.eof:
                self._open = False
                self._packed = self._unpacker.unused_data
            if out:
                return out


class _ArrowUnzst:
    """Unpacks zst with pyarrow, where the package zstandard is absent."""

    def __init__(self, file: BinaryIO, pyarrow: Any) -> None:
        self._stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(file, mode="r"), "zstd")

    def read(self, size: int, /) -> bytes:
        try:
            out: bytes = self._stream.read(size)
        except OSError as error:
            raise CutOff(f"the zst stream is cut off or damaged here ({error}); rows after it are missing") from error
        return out


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        InputError: If it cannot be opened.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error


def unpacked(file: BinaryIO, name: str) -> ByteStream:
    """Return the bytes of an open file, unpacked according to its name's end (`.gz`, `.zst`).

    Raises:
        InputError: If it is not of the kind that its name says.
        MissingExtra: If zst needs a package.
    """
    end = Path(name).suffix.lower()
    if end == ".gz":
        return _Gunzip(file, name)
    if end in (".zst", ".zstd"):
        return _open_zst(file, name)
    return file


def _open_zst(file: BinaryIO, name: str) -> ByteStream:
    try:
        return _Unzst(file, name)
    except MissingExtra as missing:
        try:
            return _ArrowUnzst(file, require("pyarrow", "parquet", "Reading .zst files"))
        except MissingExtra:
            raise missing from None


def stdin_stream() -> ByteStream:
    """Return standard input's bytes; gz and zst are recognised by their first bytes."""
    raw = sys.stdin.buffer
    if not isinstance(raw, io.BufferedReader):
        return raw
    start = raw.peek(len(_ZST_MAGIC))
    if start.startswith(_GZIP_MAGIC):
        return _Gunzip(raw, "-")
    return _open_zst(raw, "-") if start.startswith(_ZST_MAGIC) else _Pipe(raw)
