"""Whether a file can be written, found out before the work rather than after it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verifiers.errors import InputError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say which file it is that cannot be written.

    Raises:
        InputError: In place of the system's own error.
    """
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}); name another output") from error


def check_file(path: Path) -> None:
    """Refuse a file that cannot be written; what was made to find out is removed.

    Raises:
        InputError: If it cannot.
    """
    made: list[Path] = []
    try:
        with writing(path):
            made = [folder for folder in path.parents if not folder.exists()]
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                with tempfile.TemporaryFile(dir=path.parent):
                    pass
            elif not os.access(path, os.W_OK):  # not opened: it may be a pipe that waits for a reader
                raise InputError(f"{path} may not be written; name another output")
    finally:
        for folder in made:
            if folder.is_dir():
                folder.rmdir()
