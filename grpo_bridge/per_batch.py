"""The scorer of trainers that ask for whole groups at once and want a number back for each sample."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Sequence
from typing import Any

from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import GroupScorer, Scored, group_keys
from grpo_bridge.stand_ins import StandIns
from verifiers.errors import UsageError
from verifiers.types import Sample

_kept: dict[str, BatchScorer] = {}
_lock = threading.Lock()


class BatchScorer:
    """Scores whole groups; each sample gets a number, a stand-in where it was not judged. Picklable.

    Args:
        task: See `GroupScorer`.
        on_failure: `impute`, `raise` or `zero`.
        **settings: Others of `GroupScorer`.

    Raises:
        UsageError: If an argument is not allowed.
    """

    def __init__(self, task: AnyTask, *, on_failure: str = "impute", **settings: Any) -> None:
        if on_failure == "mask":
            raise UsageError(
                "on_failure='mask' needs a trainer that knows None; here: impute (the default), raise, zero"
            )
        self.scorer = GroupScorer(task, on_failure=on_failure, **settings)  # type: ignore[arg-type]  # checked there
        if on_failure == "impute":
            self.scorer.on_failure = "mask"  # it would go by the prompts, which not all trainers tell
        self._stand_ins = StandIns()

    def score(
        self, samples: Sequence[Sample], keys: Sequence[Hashable] | None = None
    ) -> tuple[list[float], list[Scored]]:
        """Return a number for each sample, and how each was judged.

        Args:
            samples: Whole groups.
            keys: What the samples of a group share; `None` = `group`, or else the prompt.

        Raises:
            RewardError: As of `GroupScorer.score`; or if nothing was ever judged.
        """
        scored = self.scorer.score(samples)
        return self._stand_ins.fill(keys or group_keys(samples), [each.reward for each in scored]), scored


def kept_batches(task: AnyTask, **settings: Any) -> BatchScorer:
    """Return this process's scorer for these arguments; it is made once."""
    key = repr((os.getpid(), task, sorted(settings.items(), key=lambda item: item[0])))
    with _lock:
        found = _kept.get(key)
        if found is None:
            found = _kept[key] = BatchScorer(task, **settings)
        return found


def _renew_lock() -> None:
    """In a fork: another thread of the parent may have held the lock."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
