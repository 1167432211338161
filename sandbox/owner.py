"""Who a sandbox belongs to, in words that survive its death: so that the next start can end what it left."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from functools import cache
from pathlib import Path

from sandbox.loop import call_at_fork

PRODUCT = "grpo-teachers.sandbox"
OWNER = f"{PRODUCT}.owner"
SPACE = f"{PRODUCT}.space"
"""Labels of containers."""
_FOLDERS = f"grpo-sandbox-{os.getuid() if hasattr(os, 'getuid') else 0}"


@cache
def space() -> str:
    """Return the space in which process ids mean what they mean here: this start of this machine, this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}-{os.readlink('/proc/self/ns/pid')}"
    except OSError:  # no Linux
        return f"{uuid.getnode():x}"


@cache
def me() -> str:
    """Return this process' name: its id, and when it was started."""
    return f"{os.getpid()}-{_started(os.getpid())}"


call_at_fork(me.cache_clear)


def is_dead(owner: str, where: str) -> bool:
    """Whether that owner is certainly gone: it was a process of our own space, and is no more."""
    pid, _, started = owner.partition("-")
    return where == space() and pid.isdigit() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Return when a process was started; empty if there is none. Another process of that id has another time."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        return "0" if _answers(pid) else ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def own_folder() -> Path:
    """Make and return the folder for what this process shares with its boxes; only its user may look into it."""
    folder = _all_folders() / _own_name()
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def leave_folder() -> None:
    """Remove the folder of this process, if nothing is shared any more."""
    with contextlib.suppress(OSError):  # there is none, or another launcher of ours still uses it
        (_all_folders() / _own_name()).rmdir()


def _own_name() -> str:
    return f"{me()}@{space().replace('/', '_')}"


def reap_folders() -> None:
    """Remove the folders of owners that are dead."""
    for folder in _all_folders().iterdir():
        owner, _, where = folder.name.partition("@")
        if is_dead(owner, where):
            shutil.rmtree(folder, ignore_errors=True)


def _all_folders() -> Path:
    """Make and return the folder of all owners of this user.

    Raises:
        PermissionError: If somebody else has made one of that name.
    """
    folder = Path(tempfile.gettempdir()) / _FOLDERS
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and folder.lstat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user; remove it, or set TMPDIR to a folder of your own")
    return folder
