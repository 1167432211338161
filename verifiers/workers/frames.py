"""How processes talk: length-prefixed binary frames over stream sockets, in both directions.

A frame is a header (payload length, kind, seconds) and the payload's bytes. Nothing is ever unpickled.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

HEADER = struct.Struct("<IBd")
MAX_FRAME_BYTES = 64 << 20
"""Largest payload of a request or a reply."""
RECV_BYTES = 64 << 10
"""One read. Below malloc's mmap threshold, so that a read costs no page faults."""


class Kind(IntEnum):
    """What a frame is."""

    REQUEST = 0
    """To a worker; seconds = the request's deadline."""
    READY = 1
    """From a worker or zygote, once: it has loaded everything."""
    REPLY = 2
    """From a worker; seconds = CPU seconds of the work."""
    ERROR = 3
    """From a worker or zygote; the payload is the error's text."""
    MEMORY = 4
    """From a worker that ran out of memory; the payload is text."""
    SETUP = 5
    """To a fresh process: a `WorkerSpec`."""
    FORK = 6
    """To the zygote, with a socket attached: make a worker; answered with its pid."""
    STOP = 7
    """To the zygote: kill the worker whose pid is the payload; seconds = how long it may take to die by itself."""


class Frame(NamedTuple):
    """One message."""

    kind: int
    seconds: float
    payload: bytes


class FrameError(ConnectionError):
    """The peer sent what is not a frame."""


def encode(kind: Kind, payload: bytes = b"", seconds: float = 0.0) -> bytes:
    """Return the frame's bytes."""
    return HEADER.pack(len(payload), kind, seconds) + payload


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take the next bytes of the stream and return the frames that they complete.

        Raises:
            FrameError: If a payload would be larger than `MAX_FRAME_BYTES`.
        """
        buffer = self._buffer
        buffer += chunk
        frames: list[Frame] = []
        at = 0
        with memoryview(buffer) as view:
            while len(buffer) - at >= HEADER.size:
                length, kind, seconds = HEADER.unpack_from(view, at)
                if length > MAX_FRAME_BYTES:
                    raise FrameError(f"a frame of {length} bytes; at most {MAX_FRAME_BYTES} are allowed")
                end = at + HEADER.size + length
                if len(buffer) < end:
                    break
                frames.append(Frame(kind, seconds, bytes(view[at + HEADER.size : end])))
                at = end
        if at:
            del buffer[:at]
        return frames


def frames_of(sock: socket.socket) -> Iterator[Frame]:
    """Yield the frames that arrive on a blocking socket, until its other end is closed."""
    reader = FrameReader()
    while chunk := sock.recv(RECV_BYTES):
        yield from reader.feed(chunk)
