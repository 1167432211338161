"""Boxes without walls: programs run as this very user, see this machine's files and reach its network.

For programs that you wrote or read yourself, on a machine that has neither an engine nor bubblewrap. Time and memory
are limited, nothing else is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

from sandbox import box
from sandbox.launcher import Started
from sandbox.process import ProcessLauncher

WARNING = (
    "unsafe_local runs programs as you, with all your files and your network in reach. A model's program can read your "
    "keys, delete your data, and cheat. Use docker or bwrap for anything that you have not read."
)


class UnsafeSandboxWarning(UserWarning):
    """Programs are run without isolation."""


@cache
def warn_once() -> None:
    """Warn, once in a process."""
    warnings.warn(WARNING, UnsafeSandboxWarning, stacklevel=2)


class LocalLauncher(ProcessLauncher):
    """A `sandbox.launcher.Launcher` of plain child processes."""

    name = "unsafe_local"

    def __init__(self) -> None:
        super().__init__()
        self._folders: dict[str, Path] = {}
        self._next = Path()

    async def prepare(self) -> None:
        """Warn; see `Launcher`."""
        warn_once()

    def command(self) -> list[str]:
        """Return the command of a box."""
        words = [sys.executable, "-I", "-B", str(Path(box.__file__).parent)]
        return [*words, "--mode", "local", "--root", str(self._next)]

    async def start(self) -> Started:
        """Start a box in a folder of its own; see `Launcher`."""
        self._next = Path(tempfile.mkdtemp(prefix="grpo-sandbox-local-"))
        started = await super().start()
        self._folders[started.handle] = self._next
        return started

    async def end(self, handle: str) -> str:
        """Kill a box and remove its folder; see `Launcher`."""
        how = await super().end(handle)
        folder = self._folders.pop(handle, None)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        return how
