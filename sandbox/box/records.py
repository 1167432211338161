"""Length-prefixed records over a stream socket, blocking, with bounds: between the processes of one run."""

from __future__ import annotations

import os
import struct

LENGTH = struct.Struct("!I")
MAX_RECORD_BYTES = 256 * 1024 * 1024
READ_BYTES = 1 << 16


class RecordError(ValueError):
    """The other side announced a record beyond MAX_RECORD_BYTES."""


def send(fd: int, data: bytes) -> None:
    """Write one record.

    Raises:
        OSError: If the other side is gone.
    """
    data = LENGTH.pack(len(data)) + data
    sent = os.write(fd, data)
    while sent < len(data):
        sent += os.write(fd, memoryview(data)[sent:])


class Reader:
    """Reads records."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._left = b""

    def receive(self) -> bytes | None:
        """Return the next record; `None` at the end of the stream.

        Raises:
            RecordError: If it is too long.
        """
        data = self._left or os.read(self._fd, READ_BYTES)
        if len(data) < LENGTH.size:
            data = self._more(data, LENGTH.size)
            if len(data) < LENGTH.size:
                return None
        (length,) = LENGTH.unpack_from(data)
        if length > MAX_RECORD_BYTES:
            raise RecordError(f"a record of {length} bytes; at most {MAX_RECORD_BYTES}")
        end = LENGTH.size + length
        if len(data) < end:
            data = self._more(data, end)
            if len(data) < end:
                return None
        self._left = data[end:]
        return data[LENGTH.size : end]

    def _more(self, data: bytes, count: int) -> bytes:
        """Return `data` with more, so that it has `count` bytes or ends with the stream."""
        buffer = bytearray(data)
        while len(buffer) < count:
            data = os.read(self._fd, max(READ_BYTES, count - len(buffer)))
            if not data:
                break
            buffer += data
        return bytes(buffer)
