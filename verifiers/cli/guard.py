"""Rows on a terminal: JSON lines that cannot drive it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, BinaryIO

from verifiers.cli.table import is_terminal
from verifiers.cli.text import json_safe


class _Guard(io.BufferedIOBase):
    """Passes whole JSON lines on; control characters that JSON allows unescaped (C1, overrides) become escapes."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self._out.write(json_safe(data.decode("utf-8", "replace")).encode("utf-8", "replace"))
        return len(data)

    def flush(self) -> None:
        self._out.flush()

    def fileno(self) -> int:
        return self._out.fileno()


@contextmanager
def guarded_stdout() -> Iterator[None]:
    """Escape what is written to `sys.stdout.buffer` if it is a terminal; files and pipes get the bytes as they are."""
    if not is_terminal(sys.stdout):
        yield
        return
    guard: Any = _Guard(sys.stdout.buffer)
    with redirect_stdout(io.TextIOWrapper(guard, encoding="utf-8", write_through=True)):
        yield
