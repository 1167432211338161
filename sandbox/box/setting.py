"""Where and as what the box runs: found out once, at its start."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
from typing import NamedTuple

MODES = ("uid", "strict", "single", "local")
TOOLS = ("python3", "gcc", "g++", "cc", "c++", "node", "tsc", "java", "javac", "go", "rustc", "bash", "ruby", "php")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin"
WORK, JOB = "work", "job"
WORK_MODE, JOB_MODE = 0o777, 0o755
UIDS_IN_A_BOX = 1_000
"""Users that runs take turns with."""
_MAPPED_TO_REMAP = 65_536


class Setting(NamedTuple):
    """The box's constants."""

    mode: str
    """`uid`: each run is another user; `strict`: and has namespaces of its own; `single`: all are one user, and this
    process is number 1 of its own process namespace; `local`: no isolation."""
    root: str
    work: str
    job: str
    scratch: tuple[str, ...]
    uids: range | None
    env: dict[str, str]

    @property
    def strict(self) -> bool:
        """Whether each run has its own namespaces."""
        return self.mode == "strict"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the box's options."""
    options = argparse.ArgumentParser(prog="box", description="Runs untrusted programs as frames tell.")
    options.add_argument("--mode", choices=("auto", *MODES), default="auto")
    options.add_argument("--root", default="/box", help="the folder that is the box's own")
    options.add_argument("--scratch", action="append", default=[], help="another folder that programs may write to")
    options.add_argument("--in", dest="source", default="", help="read frames from this FIFO instead of stdin")
    options.add_argument("--out", dest="target", default="", help="write frames to this FIFO instead of stdout")
    options.add_argument("--socket", default="", help="speak frames over this unix socket, which the host listens at")
    return options


def find(mode: str, root: str, scratch: list[str]) -> Setting:
    """Make the folders, and find out what can be had here.

    Raises:
        ValueError: If the mode asked for cannot be had.
        OSError: If the folders cannot be made.
    """
    first, may_switch = os.getpid() == 1, _may_switch_users()
    found = ("uid" if may_switch else "single") if first else "local"
    mode = found if mode == "auto" else mode
    if mode != "local" and not first:
        raise ValueError(f"mode {mode!r} needs to be process 1 of its own process namespace; this is {os.getpid()}")
    if mode in ("uid", "strict") and not may_switch:
        raise ValueError(f"mode {mode!r} needs root with CAP_SETUID, CAP_SETGID and CAP_KILL")
    root = os.path.realpath(root)
    work, job = os.path.join(root, WORK), os.path.join(root, JOB)
    make_folders(work, job)
    os.chdir(root)
    switching = mode in ("uid", "strict")
    return Setting(mode, root, work, job, tuple(scratch), _uids() if switching else None, _environment(work, job, mode))


def make_folders(work: str, job: str) -> None:
    """Make the two folders of the box, with the rights that programs are to have."""
    for path, mode in ((work, WORK_MODE), (job, JOB_MODE)):
        os.makedirs(path, mode, exist_ok=True)
        if os.stat(path).st_mode & 0o7777 != mode:
            os.chmod(path, mode)


def _may_switch_users() -> bool:
    """Return whether we hold CAP_KILL, CAP_SETGID and CAP_SETUID."""
    try:
        with open("/proc/self/status", "rb") as file:
            line = next(line for line in file if line.startswith(b"CapEff:"))
    except (OSError, StopIteration):
        return False
    return os.getuid() == 0 and int(line.split()[1], 16) & 0b11100000 == 0b11100000


def _uids() -> range:
    """Return users that no other box on this machine is likely to use: the kernel counts processes by user."""
    with open("/proc/self/uid_map", "rb") as file:
        mapped = max(int(line.split()[2]) for line in file)
    ceiling = 2_000_000_000 if mapped > _MAPPED_TO_REMAP else mapped - UIDS_IN_A_BOX
    start = random.SystemRandom().randrange(20_000, ceiling) if ceiling > 20_000 else max(1, ceiling)
    return range(start, start + UIDS_IN_A_BOX)


def _environment(work: str, job: str, mode: str) -> dict[str, str]:
    path = os.environ.get("PATH", PATH) if mode == "local" else os.environ.get("BOX_PATH", PATH)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        "PATH": path, "HOME": work, "TMPDIR": work, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC",
        "USER": "nobody",
        "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "BOX_JOB": job, "BOX_WORK": work, **threads,
    }  # fmt: skip


def tools(path: str) -> dict[str, str]:
    """Return the compilers and interpreters that are here."""
    found = {name: shutil.which(name, path=path) for name in TOOLS}
    return {"python": sys.executable, **{name: place for name, place in found.items() if place}}
