"""Groups that are split between the processes of a training run.

TRL hands each rank its slice of the batch, and a group may lie across two of them. Its own advantages are right
nevertheless, since it gathers the rewards first; what a reward function makes of a whole group is not, unless it
gathers too. That is a collective: every rank must come to it or none, so whether it is needed is decided by what all
ranks know (the slice's size, the group's size), never by what is in the slice.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What groups are made of: lists of equal length, one entry a sample.

    Attributes:
        keys: Equal within a group.
        rewards: The judged rewards; `None` = not judged.
        right: Whether it counts as right.
    """

    keys: list[object]
    rewards: list[float | None]
    right: list[bool]


def world_size() -> int:
    """Return the number of training processes; 1 without torch.distributed."""
    dist = _dist()
    return 1 if dist is None else int(dist.get_world_size())


def straddles(count: int, group_sizes: Sequence[int]) -> bool:
    """Whether a slice of `count` samples may end within a group.

    Args:
        count: Samples of each rank.
        group_sizes: The sizes that are in use (training and evaluation); none = unknown, and it may.
    """
    return world_size() > 1 and (not group_sizes or any(count % size for size in group_sizes))


def gathered(own: Outcomes) -> tuple[Outcomes, int]:
    """Return what all ranks have, in their order, and where this rank's begins. Every rank must call it."""
    dist = _dist()
    if dist is None:
        return own, 0
    slices: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(slices, (own.keys, own.rewards, own.right))
    start = sum(len(keys) for keys, _, _ in slices[: dist.get_rank()])
    keys, rewards, right = ([value for each in slices for value in each[field]] for field in range(3))
    return Outcomes(keys, rewards, right), start


def mean_over_ranks(value: float | None) -> float | None:
    """Return the mean of what the ranks measured; `None` from those that could not. Every rank must call it."""
    dist = _dist()
    values: list[Any] = [value]
    if dist is not None:
        values = [None] * dist.get_world_size()
        dist.all_gather_object(values, value)
    known = [float(each) for each in values if each is not None]
    return sum(known) / len(known) if known else None


def groups_in(keys: list[object], sizes: Sequence[int]) -> list[Sequence[int]]:
    """Return where the groups of a whole batch lie.

    Args:
        keys: One a sample, equal within a group.
        sizes: Sizes that groups may have; the first one fits that cuts the batch into pieces of equal keys. If none
            does, a group is all samples with the same key.
    """
    count = len(keys)
    for size in sizes:
        if count % size == 0 and all(keys[i : i + size].count(keys[i]) == size for i in range(0, count, size)):
            return [range(start, start + size) for start in range(0, count, size)]
    places: dict[object, list[int]] = {}
    for index, key in enumerate(keys):
        places.setdefault(key, []).append(index)
    return list(places.values())


def _dist() -> Any:
    """Return torch.distributed if this process has begun to use it; torch is never imported for it."""
    dist = sys.modules.get("torch.distributed")
    return dist if dist is not None and dist.is_available() and dist.is_initialized() else None
