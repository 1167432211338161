"""Rewards for trainers that have no word for "not judged": what stands in for a reward that is missing.

A sample that was not judged gets the mean of its group's judged rewards, so that its advantage is exactly 0. Where
nothing of its group is known, the mean of what was judged lately stands in: the same for all of that group, which then
teaches nothing. Where nothing was ever judged there is no honest number: that is an error, never a 0.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from grpo_bridge.errors import RewardError
from verifiers.forks import renewed_in_forks

MAX_GROUPS = 16_384
"""Groups remembered; the one that was silent longest goes first."""
LATELY = 1000.0
"""About so many rewards make the mean of what was judged lately."""


@dataclass(slots=True)
class _Group:
    total: float = 0.0
    judged: int = 0
    seen: int = 0

    @property
    def mean(self) -> float | None:
        return self.total / self.judged if self.judged else None


@dataclass(eq=False)
class StandIns:
    """The means of groups and of all, as far as this process has seen them. Safe in threads.

    Attributes:
        group_size: Samples of a group; when so many were seen, the next one begins a new group of that name (another
            epoch). `None` = a name is one group for ever.
    """

    group_size: int | None = None
    _groups: OrderedDict[Hashable, _Group] = field(default_factory=OrderedDict)
    _total: float = 0.0
    _weight: float = 0.0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        """Be ready for forks."""
        renewed_in_forks(self)

    def renew(self) -> None:
        """Take a new lock: what was seen of the groups so far is still true in a fork."""
        self._changed = threading.Condition()

    def note(self, key: Hashable, reward: float | None) -> _Group:
        """Remember a sample of a group; `None` = it was not judged. Returns the group, for `mean`."""
        with self._changed:
            group = self._groups.get(key)
            if group is None or (self.group_size is not None and group.seen >= self.group_size):
                group = self._groups[key] = _Group()
            self._groups.move_to_end(key)
            if len(self._groups) > MAX_GROUPS:
                self._groups.popitem(last=False)
            group.seen += 1
            if reward is not None:
                group.total += reward
                group.judged += 1
                keep = 1 - 1 / LATELY
                self._total, self._weight = self._total * keep + reward, self._weight * keep + 1
            self._changed.notify_all()
            return group

    def is_whole(self, group: _Group) -> bool:
        """Whether all samples of a group were seen; without `group_size`, whether one was judged."""
        return group.judged > 0 if self.group_size is None else group.seen >= self.group_size

    def wait(self, group: _Group, patience_s: float) -> None:
        """Wait until `is_whole`, or for `patience_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_whole(group), max(0.0, patience_s))

    def mean(self, group: _Group) -> float:
        """Return what stands in for a missing reward of a group.

        Raises:
            RewardError: If nothing was ever judged.
        """
        with self._changed:
            mean = group.mean
            if mean is None and self._weight:
                mean = self._total / self._weight
        if mean is None:
            raise RewardError(
                "nothing was judged yet, so that no reward can stand in for the one that is missing: see the warning "
                "above for the cause (a teacher that is unavailable, references that cannot be read, ...)"
            )
        return mean

    def fill(self, keys: Sequence[Hashable], rewards: Sequence[float | None]) -> list[float]:
        """Return a number for each sample of a batch that holds whole groups.

        Raises:
            RewardError: As of `mean`.
        """
        groups: dict[Hashable, _Group] = {}
        for key, reward in zip(keys, rewards, strict=True):
            groups.setdefault(key, _Group())
            if reward is not None:
                groups[key].total += reward
                groups[key].judged += 1
                self.note(_ALL, reward)
        return [self.mean(groups[key]) if reward is None else reward for key, reward in zip(keys, rewards, strict=True)]

    def __getstate__(self) -> dict[str, object]:
        return {"group_size": self.group_size}

    def __setstate__(self, state: dict[str, int | None]) -> None:
        self.__init__(state["group_size"])  # type: ignore[misc]  # the memory stays where it was made


_ALL = object()
"""The name under which `fill` notes what it saw: only the mean of all is kept of it."""
