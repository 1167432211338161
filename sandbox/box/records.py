"""Length-prefixed records over a stream socket, blocking, with bounds: between the parts of one run."""

from __future__ import annotations

import os
import struct

LENGTH = struct.Struct("!I")
MAX_RECORD_BYTES = 256 * 1024 * 1024


class RecordError(ValueError):
    """The other side announced a record beyond MAX_RECORD_BYTES."""


def send(fd: int, data: bytes) -> None:
    """Write one record.

    Raises:
        OSError: If the other side is gone.
    """
    view = memoryview(LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(fd, view) :]


def receive(fd: int) -> bytes | None:
    """Read one record; `None` at the end of the stream.

    Raises:
        RecordError: If it is too long.
    """
    head = _exactly(fd, LENGTH.size)
    if head is None:
        return None
    (length,) = LENGTH.unpack(head)
    if length > MAX_RECORD_BYTES:
        raise RecordError(f"a record of {length} bytes; at most {MAX_RECORD_BYTES}")
    return _exactly(fd, length)


def _exactly(fd: int, count: int) -> bytes | None:
    data = os.read(fd, min(count, 1 << 20)) if count else b""
    if len(data) == count:
        return data
    buffer = bytearray(data)
    while data and len(buffer) < count:
        data = os.read(fd, min(count - len(buffer), 1 << 20))
        buffer += data
    return bytes(buffer) if len(buffer) == count else None
