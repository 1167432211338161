"""Remember verdicts of equal work, in bounded memory, from any thread, without locks."""

from __future__ import annotations

from typing import TypeAlias

from verifiers.types import Verdict

Key: TypeAlias = "tuple[str | bytes | None, ...]"

MAX_ENTRIES = 2048
"""In one of the two generations."""
MAX_CHARS = 2**21
"""Characters of all keys in one generation (a character takes 1 to 4 bytes)."""


class Memo:
    """A least-recently-used cache in two generations: a hit in the old one moves to the young one.

    Each step is a single operation on a dict, so that threads need no lock; at worst two of them judge the same work.
    """

    def __init__(self) -> None:
        self._young: dict[Key, Verdict] = {}
        self._old: dict[Key, Verdict] = {}
        self._chars = 0

    def get(self, key: Key) -> Verdict | None:
        """Return the remembered verdict."""
        verdict = self._young.get(key)
        if verdict is None:
            verdict = self._old.get(key)
            if verdict is not None:
                self.put(key, verdict)
        return verdict

    def put(self, key: Key, verdict: Verdict) -> None:
        """Remember a verdict; keys that are large themselves are not worth their memory."""
        chars = 0
        for part in key:
            if part is not None:
                chars += len(part)
        if chars > MAX_CHARS // 64:
            return
        self._chars += chars
        if len(self._young) >= MAX_ENTRIES or self._chars > MAX_CHARS:
            self._old, self._young, self._chars = self._young, {}, chars
        self._young[key] = verdict
