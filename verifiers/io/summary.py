"""What a run found, added up row by row in bounded memory."""

from __future__ import annotations

import heapq
from dataclasses import asdict, dataclass, field
from math import comb, exp, lgamma
from typing import Any

from verifiers.io.rows import RowResult
from verifiers.types import JUDGED, Status

MAX_GROUPS = 200_000
"""Groups kept open at once, so that a group's rows need not be neighbours. Past it they must be."""
EXACT_GROUP = 4096
"""Up to this size pass@k is computed in whole numbers; past it these are too large, and logarithms are as good."""
SLOWEST = 5

_JUDGED = frozenset(status.value for status in JUDGED)
_CORRECT = Status.CORRECT.value


@dataclass(frozen=True, slots=True)
class SlowRow:
    """A row that took long.

    Attributes:
        place: `file:line`.
        elapsed_s: CPU seconds of its samples.
    """

    place: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A run's result. Field names are stable: `to_json` is what `--summary` writes.

    Attributes:
        rows: Rows written, those of earlier runs that were resumed included.
        resumed_rows: How many of them earlier runs wrote.
        samples: Completions in them (a row may hold a group).
        judged, not_judged: Samples with and without a reward.
        share_not_judged: Between 0 and 1; 0 without samples.
        mean_reward: Over judged samples; `None` without any.
        statuses: Samples by status, most frequent first.
        first_not_judged: By status: where the first of these samples is and why it could not be judged.
        groups: Prompts with at least two judged samples.
        groups_all_right, groups_all_wrong, groups_all_equal: Of these: every sample correct; every reward 0; every
            reward equal in another way. They teach a GRPO trainer nothing.
        pass_at_k: By k: the chance that one of k samples is correct, 1 - C(n-c, k) / C(n, k), the mean over prompts
            with at least k judged samples. Unbiased (Chen et al. 2021, equation 1).
        groups_at_k: By k: how many prompts that is.
        groups_complete: False if there were more prompts than can be kept open and rows of one prompt that were not
            neighbours may have been counted as several.
        duplicates: Samples whose verdict was that of an equal sample.
        slowest: The rows that took the most CPU.
        columns: Which column was taken for what, in words.
        output: Where the rows went; `None` = nowhere.
        wall_s, cpu_s: Seconds of this run; CPU includes worker processes that have ended.
        rows_per_s: Rows of this run by wall-clock time.
        stopped: Why the run ended before the input did; empty = it did not.
    """

    rows: int = 0
    resumed_rows: int = 0
    samples: int = 0
    judged: int = 0
    not_judged: int = 0
    share_not_judged: float = 0.0
    mean_reward: float | None = None
    statuses: dict[str, int] = field(default_factory=dict)
    first_not_judged: dict[str, str] = field(default_factory=dict)
    groups: int = 0
    groups_all_right: int = 0
    groups_all_wrong: int = 0
    groups_all_equal: int = 0
    pass_at_k: dict[int, float] = field(default_factory=dict)
    groups_at_k: dict[int, int] = field(default_factory=dict)
    groups_complete: bool = True
    duplicates: int = 0
    slowest: tuple[SlowRow, ...] = ()
    columns: str = ""
    output: str | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    rows_per_s: float = 0.0
    stopped: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data; numbers as keys become text."""
        data = asdict(self)
        for name in ("pass_at_k", "groups_at_k"):
            data[name] = {str(k): value for k, value in data[name].items()}
        data["slowest"] = list(data["slowest"])
        return data


_Group = tuple[int, int, float | None]
"""Judged samples, correct ones, and their common reward; `None` = rewards differ (or none is judged)."""
_NO_STREAK: tuple[int, _Group] = (0, (0, 0, None))


class Tally:
    """Adds rows up."""

    def __init__(self) -> None:
        self.rows = 0
        self._duplicates = 0
        self._rewards = 0.0
        self._statuses: dict[str, int] = {}
        self._first_not_judged: dict[str, str] = {}
        self._slowest: list[tuple[float, int, str]] = []
        self._open: dict[int, _Group] = {}
        self._streak = _NO_STREAK
        self._closed: dict[_Group, int] = {}
        self._complete = True

    def add(self, result: RowResult, place: str) -> None:
        """Count a row; `place` names it should it be among the slowest."""
        self.rows += 1
        self._duplicates += result.duplicates
        statuses = self._statuses
        for status in result.statuses:
            statuses[status] = statuses.get(status, 0) + 1
        for reward in result.rewards:
            if reward is not None:
                self._rewards += reward
        if result.fault:
            status, reason = result.fault
            if status not in self._first_not_judged:
                self._first_not_judged[status] = reason if reason.startswith(place) else f"{place}: {reason}"
        seconds = sum(result.elapsed_s) if len(result.elapsed_s) > 1 else result.elapsed_s[0]
        slowest = self._slowest
        if len(slowest) < SLOWEST:
            heapq.heappush(slowest, (seconds, -self.rows, place))
        elif seconds > slowest[0][0]:
            heapq.heapreplace(slowest, (seconds, -self.rows, place))
        self._add_group(result)

    def _add_group(self, result: RowResult) -> None:
        new = _group_of(result)
        key, held = self._streak
        if key and key == result.group:
            self._streak = key, _merged(held, new)
            return
        self._end_streak()
        self._streak = result.group, new

    def _end_streak(self) -> None:
        key, group = self._streak
        if not key:
            _count(self._closed, group)
        elif key in self._open:
            self._open[key] = _merged(self._open[key], group)
        elif len(self._open) < MAX_GROUPS:
            self._open[key] = group
        else:
            self._complete = False
            _count(self._closed, group)

    def merge(self, later: Tally) -> None:
        """Count the rows of another tally too, which come after this one's."""
        for seconds, number, place in later._slowest:
            heapq.heappush(self._slowest, (seconds, number - self.rows, place))
        self._slowest = heapq.nlargest(SLOWEST, self._slowest)
        heapq.heapify(self._slowest)
        self.rows += later.rows
        self._duplicates += later._duplicates
        self._rewards += later._rewards
        for status, count in later._statuses.items():
            self._statuses[status] = self._statuses.get(status, 0) + count
        self._first_not_judged = {**later._first_not_judged, **self._first_not_judged}
        self._merge_groups(later)

    def _merge_groups(self, later: Tally) -> None:
        self._complete = self._complete and later._complete
        for group, count in later._closed.items():
            self._closed[group] = self._closed.get(group, 0) + count
        for streak in (*later._open.items(), later._streak):
            self._end_streak()
            self._streak = streak
        self._end_streak()
        self._streak = _NO_STREAK

    def counts(self) -> dict[_Group, int]:
        """Return how many groups there are of each kind."""
        self._end_streak()
        self._streak = _NO_STREAK
        counts = dict(self._closed)
        for group in self._open.values():
            _count(counts, group)
        return counts

    def summary(self, **facts: Any) -> Summary:
        """Return the sums.

        Args:
            facts: The other fields of `Summary`.
        """
        samples = sum(self._statuses.values())
        judged = sum(count for status, count in self._statuses.items() if status in _JUDGED)
        counts = self.counts()
        pass_at_k, groups_at_k = pass_at(counts)
        several = {group: count for group, count in counts.items() if group[0] > 1}
        right = sum(count for (n, c, _), count in several.items() if n == c)
        wrong = sum(count for (_, c, reward), count in several.items() if reward == 0 and not c)
        equal = sum(count for (_, _, reward), count in several.items() if reward is not None)
        slowest = sorted(self._slowest, reverse=True)
        return Summary(
            rows=self.rows,
            samples=samples,
            judged=judged,
            not_judged=samples - judged,
            share_not_judged=(samples - judged) / samples if samples else 0.0,
            mean_reward=self._rewards / judged if judged else None,
            statuses=dict(sorted(self._statuses.items(), key=lambda item: (-item[1], item[0]))),
            first_not_judged=self._first_not_judged,
            groups=sum(several.values()),
            groups_all_right=right,
            groups_all_wrong=wrong,
            groups_all_equal=max(0, equal - right - wrong),
            pass_at_k=pass_at_k,
            groups_at_k=groups_at_k,
            groups_complete=self._complete,
            duplicates=self._duplicates,
            slowest=tuple(SlowRow(place, seconds) for seconds, _, place in slowest),
            **facts,
        )

    @property
    def not_judged(self) -> int:
        """Samples without a reward so far."""
        return sum(count for status, count in self._statuses.items() if status not in _JUDGED)


def _count(counts: dict[_Group, int], group: _Group) -> None:
    judged, correct, common = group
    if judged:
        kind = judged, correct, common and 1.0  # only zero or not matters; kinds must stay few
        counts[kind] = counts.get(kind, 0) + 1


def _group_of(result: RowResult) -> _Group:
    rewards = [reward for reward in result.rewards if reward is not None]
    if not rewards:
        return 0, 0, None
    common = rewards[0] if len(rewards) == 1 or rewards.count(rewards[0]) == len(rewards) else None
    return len(rewards), result.statuses.count(_CORRECT), common


def _merged(one: _Group, other: _Group) -> _Group:
    if not one[0] or not other[0]:
        return other if not one[0] else one
    return one[0] + other[0], one[1] + other[1], one[2] if one[2] == other[2] else None


def pass_at(counts: dict[_Group, int]) -> tuple[dict[int, float], dict[int, int]]:
    """Return pass@k and how many prompts it rests on, for k = 1, 2, 4, ... up to the largest group.

    Args:
        counts: How many groups there are of each kind.
    """
    largest = max((n for n, _, _ in counts), default=0)
    means: dict[int, float] = {}
    bases: dict[int, int] = {}
    k = 1
    while k <= largest:
        fitting = [(n, c, count) for (n, c, _), count in counts.items() if n >= k]
        bases[k] = sum(count for _, _, count in fitting)
        means[k] = sum(count * (1 - _share_without(n, c, k)) for n, c, count in fitting) / bases[k]
        k *= 2
    return means, bases


def _share_without(n: int, c: int, k: int) -> float:
    """Return which share of the choices of k of n completions holds none of the c correct ones."""
    wrong = n - c
    if k > wrong:
        return 0.0
    if n <= EXACT_GROUP:
        return comb(wrong, k) / comb(n, k)
    return exp(lgamma(wrong + 1) - lgamma(wrong - k + 1) - lgamma(n + 1) + lgamma(n - k + 1))
