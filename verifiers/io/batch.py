"""Raw rows on their way from a reader to the scorer, and how a stream of bytes is cut into them.

Everything is JSON text, one object a row, undecoded: readers of other formats encode to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from verifiers.errors import InputError

MAX_LINE_BYTES = 16 * 1024 * 1024
"""A longer line becomes a bad row; it is never held in memory."""
HEAD_BYTES = 1024
"""How much of an over-long line is kept for its bad row."""
BLOCK_BYTES = 256 * 1024
"""One read."""
BATCH_ROWS = 1024
"""Most rows in one batch, and so in one request to a worker process."""

_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")


class ByteStream(Protocol):
    """What a line reader needs: up to `size` bytes, `b""` at the end."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""


@dataclass(slots=True)
class Batch:
    """Some consecutive rows of one source.

    Attributes:
        source: Name for places: a row's place is `source:number`.
        numbers: Line numbers (text) or row numbers (tables), from 1; blank lines are counted but not handed on.
        lines: One JSON text a row, without the line end.
        bad: Why a row cannot be read, by index into `lines`; its line then holds only the beginning.
    """

    source: str
    numbers: list[int] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    bad: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def place(self, index: int) -> str:
        """Return `source:number` of a row."""
        return f"{self.source}:{self.numbers[index]}"

    def add(self, number: int, line: bytes, bad: str = "") -> None:
        """Append a row."""
        if bad:
            self.bad[len(self.lines)] = bad
        self.numbers.append(number)
        self.lines.append(line)

    def pick(self, indices: list[int]) -> Batch:
        """Return a batch of only these rows."""
        bad = {new: self.bad[old] for new, old in enumerate(indices) if old in self.bad}
        return Batch(self.source, [self.numbers[i] for i in indices], [self.lines[i] for i in indices], bad)

    @property
    def size_bytes(self) -> int:
        """Bytes of all lines."""
        return sum(map(len, self.lines))


class LineCutter:
    """Cuts blocks of bytes into lines in bounded memory.

    Args:
        max_line_bytes: Longer lines are cut to `HEAD_BYTES` and marked.
    """

    def __init__(self, max_line_bytes: int) -> None:
        self._max = max_line_bytes
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._overlong = False

    def feed(self, block: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield (line without its line feed, whether it was too long) for every line that ends in `block`."""
        lines = block.split(b"\n")
        rest = lines.pop()
        if lines and self._held:
            self._hold(lines[0])
            yield self._take()
            del lines[0]
        for line in lines:
            yield (line, False) if len(line) <= self._max else (line[:HEAD_BYTES], True)
        self._hold(rest)

    def finish(self) -> Iterator[tuple[bytes, bool]]:
        """Yield the last line if it had no line end."""
        if self._held:
            yield self._take()

    def _hold(self, piece: bytes) -> None:
        if not piece:
            return
        self._held_bytes += len(piece)
        if not self._overlong:
            self._held.append(piece)
        if self._held_bytes > self._max and not self._overlong:
            self._overlong = True
            self._held = [b"".join(self._held)[:HEAD_BYTES]]

    def _take(self) -> tuple[bytes, bool]:
        taken = b"".join(self._held), self._overlong
        self._held, self._held_bytes, self._overlong = [], 0, False
        return taken


class CutOff(Exception):
    """A compressed stream ends too early or is damaged; the rows before it are good."""


def cut_blocks(stream: ByteStream, source: str, max_line_bytes: int) -> Iterator[list[tuple[bytes, bool]]]:
    """Yield the (line, whether it was too long) that end in each block read, so that a slow pipe's rows go on at once.

    Raises:
        CutOff: After the last line of a damaged stream.
        InputError: If the text is UTF-16.
    """
    cutter = LineCutter(max_line_bytes)
    damage: CutOff | None = None
    first = True
    while True:
        try:
            block = stream.read(BLOCK_BYTES)
        except CutOff as error:
            block, damage = b"", error
        if first and block.startswith(_WIDE_BOMS):
            raise InputError(f"{source}: the file is UTF-16. Text must be UTF-8: convert it with `iconv -t UTF-8`.")
        lines = list(cutter.feed(block) if block else cutter.finish())
        if first and lines:
            lines[0] = lines[0][0].removeprefix(_BOM), lines[0][1]
            first = False
        yield lines
        if damage:
            raise damage
        if not block:
            return


def read_lines(stream: ByteStream, source: str, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[Batch]:
    """Cut a stream into batches of its lines; blank ones are counted and left out.

    Args:
        stream: Where bytes come from; short reads are fine (pipes).
        source: Its name in places.
        max_line_bytes: A longer line becomes a bad row.

    Raises:
        InputError: If the text is UTF-16.
    """
    number = 0
    try:
        for lines in cut_blocks(stream, source, max_line_bytes):
            batch = Batch(source)
            for line, overlong in lines:
                number += 1
                line = line.strip()
                if line:
                    batch.add(number, line, overlong_reason(max_line_bytes) if overlong else "")
                if len(batch) >= BATCH_ROWS:
                    yield batch
                    batch = Batch(source)
            if len(batch):
                yield batch
    except CutOff as error:
        batch = Batch(source)
        batch.add(number + 1, b"", str(error))
        yield batch


def overlong_reason(max_line_bytes: int) -> str:
    """Say why a line was not read."""
    return f"the line is longer than {max_line_bytes} bytes"
