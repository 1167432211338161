"""Rewards for trainers whose contract has no word for "not judged": never a failure turned into 0.

A sample that was not judged gets the mean of its group's judged rewards, so that its advantage is 0. OpenRLHF and slime
send each sample of a group by itself, so the server remembers the groups of the last prompts. Where nothing of the
group is known yet, the trainer is told to ask again (both do, more often than `MAX_REFUSALS`); after that, the mean of
what was judged lately stands in, the same for the whole group, which then teaches nothing. A server that has judged
nothing at all goes on refusing: there is a mistake to mend.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

MAX_GROUPS = 65_536
"""Prompts remembered."""
MAX_REFUSALS = 3
"""How often a sample is refused before a stand-in is given; OpenRLHF asks 5 times, slime 10 times."""
LATELY = 1000.0
"""About so many rewards make the mean of what was judged lately."""


@dataclass(slots=True)
class _Group:
    total: float = 0.0
    count: int = 0
    stand_in: float | None = None


class Imputer:
    """Remembers groups, of all requests. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: OrderedDict[int, _Group] = OrderedDict()
        self._refusals: OrderedDict[int, int] = OrderedDict()
        self._total = self._weight = 0.0

    def fill(
        self, rewards: Sequence[float | None], groups: Sequence[Hashable], samples: Sequence[Hashable]
    ) -> list[float] | None:
        """Return a number for each sample; `None` = the trainer must ask again.

        Args:
            rewards: `None` = not judged.
            groups: What the samples of a group share.
            samples: What names a sample, so that it is known when it comes again.
        """
        with self._lock:
            for group, reward in zip(groups, rewards, strict=True):
                if reward is not None:
                    self._note(self._group(group), reward)
            filled = [
                self._stand_in(self._group(group), sample) if reward is None else reward
                for group, reward, sample in zip(groups, rewards, samples, strict=True)
            ]
        return None if None in filled else [value for value in filled if value is not None]

    def _group(self, key: Hashable) -> _Group:
        group = self._groups.setdefault(hash(key), _Group())
        self._groups.move_to_end(hash(key))
        if len(self._groups) > MAX_GROUPS:
            self._groups.popitem(last=False)
        return group

    def _note(self, group: _Group, reward: float) -> None:
        group.total += reward
        group.count += 1
        keep = 1 - 1 / LATELY
        self._total, self._weight = self._total * keep + reward, self._weight * keep + 1

    def _stand_in(self, group: _Group, sample: Hashable) -> float | None:
        if group.count:
            return group.total / group.count
        asked = self._refusals.pop(hash(sample), 0) + 1
        if not self._weight or asked <= MAX_REFUSALS:
            self._refusals[hash(sample)] = asked
            if len(self._refusals) > MAX_GROUPS:
                self._refusals.popitem(last=False)
            return None
        if group.stand_in is None:
            group.stand_in = self._total / self._weight
        return group.stand_in
