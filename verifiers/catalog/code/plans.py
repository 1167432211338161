"""Tasks that were read from references, remembered: the samples of a group share one."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

from verifiers.catalog.code.reference import read_task
from verifiers.catalog.code.task import BadReference, Task
from verifiers.types import Sample

MAX_TASKS = 256
"""Most tasks remembered."""
TOO_DEEP = "the reference is nested too deep to be read"
MAX_CHARS = 64 * 1024 * 1024
"""Characters of all their references."""


class PlanCache:
    """Remembers the tasks of references. Safe to use from many threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[Task | BadReference, int]] = OrderedDict()
        self._chars = 0
        self._lock = threading.Lock()

    def task_of(self, sample: Sample) -> Task:
        """Return a sample's task.

        Raises:
            BadReference: If its reference cannot be used.
        """
        try:
            key = (_key(sample.reference), _key(sample.meta), _key(sample.prompt))
        except RecursionError as error:
            raise BadReference(TOO_DEEP) from error
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
        found = known[0] if known else self._read(sample, key)
        if isinstance(found, BadReference):
            raise BadReference(str(found))
        return found

    def _read(self, sample: Sample, key: Hashable) -> Task | BadReference:
        found: Task | BadReference
        try:
            found = read_task(sample)
        except BadReference as error:
            found = error
        except RecursionError:
            found = BadReference(TOO_DEEP)
        size = _chars(key)
        with self._lock:
            if key not in self._known:
                self._known[key] = found, size
                self._chars += size
            while self._known and (len(self._known) > MAX_TASKS or self._chars > MAX_CHARS):
                self._chars -= self._known.popitem(last=False)[1][1]
        return found


def _key(value: Any) -> Hashable:
    """Return what is equal for equal data: texts as they are, as copies of long ones cost time."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Mapping) and all(isinstance(each, str) for pair in value.items() for each in pair):
        return tuple(value.items())
    return repr(value)


def _chars(key: Any) -> int:
    return sum(map(_chars, key)) if isinstance(key, tuple) else len(key or "")
