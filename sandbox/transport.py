"""A stream of frames to and from one box, over any pair of descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sandbox.box.frames import Decoder, FrameError, encode
from sandbox.loop import call_at_fork

READ_BYTES = 256 * 1024
WRITE_BUFFERS = 64
"""Frames given to the system at once."""
STREAM_HEAD = struct.Struct("!BxxxI")
STDOUT = 1
"""The stream's number in what the engine's `attach` sends."""
STDERR_KEPT_BYTES = 2000

Header = dict[str, Any]
_open: dict[int, Channel] = {}
"""Channels by descriptor: a fork of this process must not keep a box alive by holding its end of a pipe."""


class Channel:
    """Frames both ways. All methods belong to the loop's thread.

    Attributes:
        stderr: The end of what the box wrote outside of frames, where the transport carries that.
    """

    def __init__(
        self,
        read_fd: int,
        write_fd: int,
        on_frame: Callable[[Header, list[bytes]], None],
        on_end: Callable[[str], None],
        multiplexed: bool = False,
    ) -> None:
        """Take over two descriptors (they may be the same one), and close them at the end.

        Args:
            read_fd: Where frames come from.
            write_fd: Where frames go.
            on_frame: Called with each frame's header and blobs.
            on_end: Called once, with the reason, when the other side is gone; not after `close`.
            multiplexed: Whether frames come wrapped in the engine's `attach` format.
        """
        self._loop = asyncio.get_running_loop()
        self._read_fd, self._write_fd = read_fd, write_fd
        self._on_frame, self._on_end = on_frame, on_end
        self._decoder = Decoder()
        self._unwrap = _Unwrapper() if multiplexed else None
        self._out: deque[memoryview] = deque()
        self._flushing = False
        self._closed = False
        for descriptor in {read_fd, write_fd}:
            os.set_blocking(descriptor, False)
            _open[descriptor] = self
        self._loop.add_reader(read_fd, self._read)

    @property
    def stderr(self) -> str:
        return self._unwrap.stderr.decode(errors="replace") if self._unwrap else ""

    def send(self, header: Header, blobs: Sequence[bytes] = ()) -> None:
        """Queue a frame; all frames of one turn of the loop are written together."""
        if self._closed:
            return
        self._out.append(memoryview(encode(header, blobs)))
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Stop, without another word to anybody."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._read_fd)
        self._loop.remove_writer(self._write_fd)
        for descriptor in {self._read_fd, self._write_fd}:
            _open.pop(descriptor, None)
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._out.clear()

    def _end(self, reason: str) -> None:
        if not self._closed:
            self.close()
            self._on_end(reason)

    def _read(self) -> None:
        try:
            data = os.read(self._read_fd, READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._end(f"reading from the box failed: {error}")
            return
        if not data:
            self._end("the box is gone")
            return
        try:
            for part in self._unwrap.feed(data) if self._unwrap else (data,):
                for header, blobs in self._decoder.feed(part):
                    self._on_frame(header, blobs)
                    if self._closed:
                        return
        except FrameError as error:
            self._end(f"the box spoke no frames: {error}")

    def _flush(self) -> None:
        """Write what can be written now, and come back when there is room for the rest."""
        if self._closed:
            return
        try:
            while self._out:
                written = os.writev(self._write_fd, list(_first(self._out, WRITE_BUFFERS)))
                self._drop(written)
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._write_fd, self._flush)
            return
        except OSError as error:
            self._end(f"the box is gone: {error}")
            return
        self._loop.remove_writer(self._write_fd)
        self._flushing = False

    def _drop(self, written: int) -> None:
        while written:
            first = self._out[0]
            if written < len(first):
                self._out[0] = first[written:]
                return
            written -= len(first)
            self._out.popleft()


class _Unwrapper:
    """Takes the engine's `attach` stream apart into what the box wrote to stdout and to stderr."""

    def __init__(self) -> None:
        self.stderr = b""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what was written to stdout."""
        self._buffer += data
        while len(self._buffer) >= STREAM_HEAD.size:
            stream, length = STREAM_HEAD.unpack_from(self._buffer)
            end = STREAM_HEAD.size + length
            if len(self._buffer) < end:
                return
            part = bytes(self._buffer[STREAM_HEAD.size : end])
            del self._buffer[:end]
            if stream == STDOUT:
                yield part
            else:
                self.stderr = (self.stderr + part)[-STDERR_KEPT_BYTES:]


def _first(items: deque[memoryview], count: int) -> Iterator[memoryview]:
    for _, item in zip(range(count), items, strict=False):
        yield item


def _forget_in_fork() -> list[Channel]:
    """Close a parent's descriptors in its fork, so that boxes see their end when the parent is gone."""
    channels = list(_open.values())
    for descriptor in _open:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _open.clear()
    return channels


call_at_fork(_forget_in_fork)
