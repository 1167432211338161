"""A plan as the batch sampler of a data loader, which a resumed run puts back where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reward_models.batching.plan import Batch, BatchPlan


@dataclass(slots=True)
class PlannedBatches:
    """Yields one process's batches of one epoch; give it to a `DataLoader` as `batch_sampler`.

    Attributes:
        plan: What the batches are.
        rank: Which process this is.
        epoch: The epoch that the next iteration yields.
        start: Batches of that epoch to leave out, because an earlier run had them.
    """

    plan: BatchPlan
    rank: int = 0
    epoch: int = 0
    start: int = 0

    def __iter__(self) -> Iterator[Batch]:
        yield from self.plan.batches(self.epoch, self.rank)[self.start :]

    def __len__(self) -> int:
        return len(self.plan.batches(self.epoch, self.rank)) - self.start

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch's beginning; the epoch that is set already stays where it is."""
        if epoch != self.epoch:
            self.epoch, self.start = epoch, 0

    def resume(self, epoch: int, start: int) -> None:
        """Go on after `start` batches of an epoch."""
        self.epoch, self.start = epoch, start
