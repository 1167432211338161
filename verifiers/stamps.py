"""Stamps: short text that changes when a folder changes, for teachers that read more than their options (`stamp`).

Small files count by what they hold, so that a copy of them has the same stamp; large ones, such as weights, by size and
time of change, so that nobody has to read them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

from verifiers.errors import UsageError

MAX_READ_BYTES = 2**20
"""A larger file counts by its size and time of change."""
CACHED_FILES = 256
MISSING = "missing"
"""In place of the digest of what cannot be read."""


def stamp_line(name: str, folders: Sequence[Path], endings: Collection[str]) -> str:
    """Return a line of a teacher's stamp: a name, and a digest of the files in folders, theirs below left out.

    Args:
        name: What the user calls it.
        folders: Where the files lie.
        endings: Of the files that count, e.g. `.json`.
    """
    try:
        files = [entry for folder in folders for entry in sorted(_entries(folder, endings))]
        digest = hashlib.blake2b("\n".join(files).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    except OSError:  # gone, or being replaced right now
        digest = MISSING
    return f"{name} {digest}"


def file_line(path: str) -> str:
    """Return a line of a teacher's stamp for a file that it reads."""
    try:
        return f"{path} {_state(path, os.stat(path))}"
    except OSError:
        return f"{path} {MISSING}"


def _entries(folder: Path, endings: Collection[str]) -> list[str]:
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if os.path.splitext(entry.name)[1] in endings and entry.is_file()]
    return [f"{entry.name}\0{_state(entry.path, entry.stat())}" for entry in found]


def _state(path: str, stat: os.stat_result) -> str:
    if stat.st_size > MAX_READ_BYTES:
        return f"{stat.st_size} {stat.st_mtime_ns}"
    return _content(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=CACHED_FILES)
def _content(path: str, *_identity: int) -> str:
    """Return a digest of what a file holds; it is read again when anything about it is new."""
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()


def changed(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Return the names of what differs between two stamps' lines, each once."""
    lines = sorted({*before} ^ {*now})
    return list(dict.fromkeys(line.rpartition(" ")[0] or line for line in lines))


def check_unchanged(before: str, now: str, who: str) -> None:
    """Refuse to go on, in a process that began later, with other files than the first process had.

    Raises:
        UsageError: If the stamps differ.
    """
    if before != now:
        what = ", ".join(changed(before.splitlines(), now.splitlines()))
        raise UsageError(f"{who}: {what} changed while it was in use, so that verdicts would be mixed; score anew")
