"""Empty a folder in which a hostile program did as it liked; lay files into it."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Container, Iterable

MAX_CLEANING_S = 5.0
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def empty(path: str, keep: Container[str] = ()) -> bool:
    """Remove all that is in a folder, but for some names; no process may be at work in it.

    Nothing here recurses, builds long paths or holds more than two descriptors: folders inside folders are first moved
    up to the top, so depth does not matter.

    Returns:
        Whether it is empty now.
    """
    deadline = time.monotonic() + MAX_CLEANING_S
    try:
        top = os.open(path, _OPEN)
    except OSError:
        return False
    try:
        while time.monotonic() < deadline:
            names = [name for name in os.listdir(top) if name not in keep]
            if not names:
                return True
            failed = [name for name in names if not _remove(top, name)]
            if failed:
                return False
        return False
    except OSError:
        return False
    finally:
        os.close(top)


def _remove(top: int, name: str) -> bool:
    """Remove one entry; of a folder, hoist its folders to the top, where they are met later."""
    try:
        if not stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
            os.unlink(name, dir_fd=top)
            return True
        _open_up(top, name)
        folder = os.open(name, _OPEN, dir_fd=top)
    except OSError:
        return False
    try:
        for inner in os.listdir(folder):
            if stat.S_ISDIR(os.lstat(inner, dir_fd=folder).st_mode):
                _open_up(folder, inner)
                os.rename(inner, _fresh_name(), src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
        os.rmdir(name, dir_fd=top)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


_names = 0


def _fresh_name() -> str:
    global _names
    _names += 1
    return f".box-{_names}-{time.monotonic_ns()}"


def _open_up(parent: int, name: str) -> None:
    """Give the owner all rights; who is not the owner may have the power to do without."""
    with contextlib.suppress(PermissionError):
        os.chmod(name, 0o700, dir_fd=parent)


def fingerprint(root: str) -> dict[str, tuple[int, int, int]]:
    """Return what tells whether anything below a folder was changed: no program can set back the time of a change."""
    seen: dict[str, tuple[int, int, int]] = {}
    for folder, folders, files in os.walk(root):
        for name in (".", *folders, *files):
            path = os.path.join(folder, name)
            status = os.lstat(path)
            seen[path] = (status.st_ino, status.st_ctime_ns, status.st_mode)
    return seen


def lay(root: str, files: Iterable[tuple[str, bytes, bool]]) -> None:
    """Write files below a clean folder that no process is at work in.

    Args:
        root: The folder.
        files: Relative name, content, whether it can be executed.

    Raises:
        ValueError: If a name would lead elsewhere.
        OSError: If there is no room.
    """
    for name, content, executable in files:
        parts = name.split("/")
        if not name or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise ValueError(f"a file named {name!r}; a relative path without `.` and `..` is allowed")
        if len(parts) > 1:
            _make_folders(root, parts[:-1])
        path = os.path.join(root, name)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o777 if executable else 0o666)
        with os.fdopen(fd, "wb") as file:
            file.write(content)


def _make_folders(root: str, parts: Iterable[str]) -> None:
    path = root
    for part in parts:
        path = os.path.join(path, part)
        os.makedirs(path, 0o777, exist_ok=True)
