"""Rewards for trainers whose contract has no word for "not judged": never a failure turned into 0.

A sample that was not judged gets the mean of its group's judged rewards (see `stand_ins`). OpenRLHF and slime send each
sample of a group by itself, so the server remembers the groups of the last prompts. Where nothing of the group is known
yet, the trainer is told to ask again (both do, more often than `MAX_REFUSALS`); after that, the mean of what was judged
lately stands in. A server that has judged nothing at all goes on refusing: there is a mistake to mend.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence

from grpo_bridge.errors import RewardError
from grpo_bridge.stand_ins import StandIns

MAX_REMEMBERED = 65_536
"""Samples that were refused."""
MAX_REFUSALS = 3
"""How often a sample is refused before a stand-in is given; OpenRLHF asks 5 times, slime 10 times."""


class Imputer:
    """Remembers groups, of all requests. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stand_ins = StandIns()
        self._refusals: OrderedDict[int, int] = OrderedDict()

    def fill(
        self, rewards: Sequence[float | None], groups: Sequence[Hashable], samples: Sequence[Hashable]
    ) -> list[float] | None:
        """Return a number for each sample; `None` = the trainer must ask again.

        Args:
            rewards: `None` = not judged.
            groups: What the samples of a group share.
            samples: What names a sample, so that it is known when it comes again.
        """
        noted = [self._stand_ins.note(hash(key), reward) for key, reward in zip(groups, rewards, strict=True)]
        filled: list[float] = []
        for group, reward, sample in zip(noted, rewards, samples, strict=True):
            if reward is None and not group.judged and self._refuses(hash(sample)):
                return None
            try:
                filled.append(self._stand_ins.mean(group) if reward is None else reward)
            except RewardError:  # nothing was ever judged
                return None
        return filled

    def _refuses(self, sample: int) -> bool:
        """Count how often a sample came; tell whether it must come again."""
        with self._lock:
            asked = self._refusals.pop(sample, 0) + 1
            if asked > MAX_REFUSALS:
                return False
            self._refusals[sample] = asked
            if len(self._refusals) > MAX_REMEMBERED:
                self._refusals.popitem(last=False)
            return True
