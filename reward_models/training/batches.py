"""Encoded answers in the order that training meets them: all epochs as one list of updates, cut to fit memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from reward_models.batching.collate import Item
from reward_models.batching.plan import Batch, BatchPlan
from reward_models.types import RatedPrompt


@dataclass(frozen=True, slots=True)
class EpochChain:
    """The updates of all epochs, one after the other, as a data loader's `batch_sampler`.

    Epochs differ by a batch or so in length, and a trainer that counts the first one alone stops early or late; one
    long list has one length, and its place is the step number. That is all that a resumed run must know.

    Attributes:
        plan: What the batches of an epoch are.
        epochs: How many; a fraction ends inside the last one.
        rank: Which process this is.
        steps: Where to end before that; `None` = nowhere.
    """

    plan: BatchPlan
    epochs: float
    rank: int = 0
    steps: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        return islice(self._planned(), self.steps)

    def _planned(self) -> Iterator[Batch]:
        for epoch in range(math.ceil(self.epochs)):
            batches = self.plan.batches(epoch, self.rank)
            yield from batches[: self._used(epoch, len(batches))]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def epoch_steps(self) -> int:
        """Return the steps of the first epoch."""
        return len(self.plan.batches(0, self.rank))

    def _used(self, epoch: int, batches: int) -> int:
        return max(1, math.ceil(batches * min(1.0, self.epochs - epoch)))


def items_of(prompts: Sequence[RatedPrompt], ids_N: Sequence[Sequence[int]]) -> list[Item]:
    """Name each answer's tokens by prompt and place.

    Args:
        prompts: All of them.
        ids_N: Tokens of every answer, prompt by prompt.
    """
    names = [(p, a) for p, prompt in enumerate(prompts) for a in range(len(prompt.answers))]
    return [Item(ids, prompt, answer) for (prompt, answer), ids in zip(names, ids_N, strict=True)]


def micro_batches(items: Sequence[Item], tokens: int) -> list[list[Item]]:
    """Cut an update into parts that fit memory; a prompt's answers stay together where they can.

    Args:
        items: Of one update.
        tokens: Most tokens of a part. A longer answer is a part of its own; a prompt with more is cut, and the pairs
            across the cut are lost for this update.
    """
    by_prompt = sorted(items, key=lambda item: item.prompt)
    groups = [list(group) for _, group in groupby(by_prompt, key=lambda item: item.prompt)]
    groups.sort(key=lambda group: max(len(item.ids) for item in group))
    parts: list[list[Item]] = []
    room = -1
    for piece in (piece for group in groups for piece in _fitting(group, tokens)):
        size = _size(piece)
        if size > room:
            parts.append([])
            room = tokens
        parts[-1] += piece
        room -= size
    return parts


def _fitting(group: list[Item], tokens: int) -> Iterator[list[Item]]:
    if _size(group) <= tokens:
        yield group
        return
    part: list[Item] = []
    for item in sorted(group, key=lambda item: len(item.ids)):
        if part and _size(part) + len(item.ids) > tokens:
            yield part
            part = []
        part.append(item)
    yield part


def _size(items: Sequence[Item]) -> int:
    return sum(len(item.ids) for item in items)
