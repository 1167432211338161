"""What compilers made, kept by hash for as long as there is room: a program that comes again is not compiled again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from sandbox.languages.language import File, Plan
from sandbox.types import MIB

MAX_BYTES = 256 * MIB
ENTRY_BYTES = 256
"""Counted for each program besides its files."""


class CompileCache:
    """Compiled files by program; the longest unused go first."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._files: OrderedDict[bytes, tuple[File, ...]] = OrderedDict()

    def ready(self, plan: Plan, image: str) -> Plan:
        """Return the plan, without its compile step if that was carried out before in the same image."""
        if plan.compile is None:
            return plan
        key = plan.compile_key(image)
        files = self._files.get(key)
        if files is None:
            return plan
        self._files.move_to_end(key)
        made = {file.name for file in files}
        return replace(plan, compile=None, files=(*(file for file in plan.files if file.name not in made), *files))

    def keep(self, plan: Plan, image: str, files: tuple[File, ...]) -> None:
        """Keep what came of a plan's compile step."""
        if plan.compile is None or not files:
            return
        key = plan.compile_key(image)
        size = _size(files)
        if key in self._files or size > self._max_bytes:
            return
        self._files[key] = files
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, dropped = self._files.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(files: tuple[File, ...]) -> int:
    return ENTRY_BYTES + sum(len(file.content) for file in files)
