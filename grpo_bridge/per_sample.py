"""The scorer of trainers that ask for one sample at a time and want a number back: batches, groups, stand-ins.

    judge = SampleScorer("math", group_size=8)
    judge.score(judge.sample(prompt, completion, {"solution": "42"})).reward      a thread waits
    (await judge.ascore(sample)).reward                                           an event loop goes on

Calls are coalesced into batches. Nobody waits for a group but a sample that could not be judged: it waits for the
others of its group, whose mean it then gets (`stand_ins`).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Hashable, Mapping
from dataclasses import replace
from math import inf
from time import monotonic
from typing import Any

from grpo_bridge.coalesce import LINGER_S, MAX_BATCH, Coalescer
from grpo_bridge.errors import RewardError
from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import GroupScorer, OnFailure, Scored, group_keys
from grpo_bridge.stand_ins import StandIns
from verifiers.errors import UsageError
from verifiers.types import Sample, Text

PATIENCE_S = 30.0
"""How long a sample that was not judged waits for its group, whose completions may still be generated."""

POLL_S = 0.05

_kept: dict[str, SampleScorer] = {}
_lock = threading.Lock()


class SampleScorer:
    """Scores single samples. Picklable; usable in threads, event loops, forks and actors.

    Args:
        task: See `GroupScorer`.
        on_failure: `impute` (a stand-in), `raise` or `zero`; these trainers have no way to leave a sample out.
        group_size: Completions of one prompt that come to this process; `None` = not known.
        patience_s: How long a sample that was not judged waits for its group.
        max_batch, linger_s: See `Coalescer`.
        **settings: Others of `GroupScorer`.

    Raises:
        UsageError: If an argument is not allowed.
    """

    def __init__(
        self,
        task: AnyTask,
        *,
        on_failure: OnFailure = "impute",
        group_size: int | None = None,
        patience_s: float = PATIENCE_S,
        max_batch: int = MAX_BATCH,
        linger_s: float = LINGER_S,
        **settings: Any,
    ) -> None:
        if group_size is not None and group_size < 1:
            raise UsageError(f"group_size is 1 or more (or None: not known), not {group_size!r}")
        if not 0 <= patience_s < inf:
            raise UsageError(f"patience_s is a number of seconds, 0 or more, not {patience_s!r}")
        if on_failure == "mask":
            raise UsageError(
                "on_failure='mask' needs a trainer that knows None; here: impute (the default), raise, zero"
            )
        self.on_failure: OnFailure = on_failure
        self.patience_s = patience_s
        self.scorer = GroupScorer(task, on_failure=on_failure, **settings)
        # A batch holds samples of several callers: what one of them lacks is settled here, for that one alone.
        self.scorer.on_failure = "mask"
        self.stand_ins = StandIns(group_size)
        self._coalescer = Coalescer(self.scorer.score, max_batch=max_batch, linger_s=linger_s)

    def sample(
        self,
        prompt: Text,
        completion: Text,
        columns: Mapping[str, Any],
        group: str | int | None = None,
    ) -> Sample:
        """Return a sample whose reference is found among a row's columns by its usual names.

        Raises:
            UsageError: If a named column is not there.
        """
        made = self.scorer.samples([prompt], [completion], {name: [value] for name, value in columns.items()})[0]
        return made if group is None else replace(made, group=group)

    def score(self, sample: Sample) -> Scored:
        """Judge one sample.

        Raises:
            RewardError: If `on_failure="raise"` and it was not judged; if too many were not, or none was ever judged.
        """
        scored = self._coalescer.score(sample)
        group = self.stand_ins.note(_key(sample), scored.reward)
        if scored.reward is not None or self.on_failure != "impute":
            return self._by_policy(scored)
        self.stand_ins.wait(group, self.patience_s)
        return replace(scored, reward=self.stand_ins.mean(group))

    async def ascore(self, sample: Sample) -> Scored:
        """Judge one sample as `score` does; the event loop goes on."""
        scored = await self._coalescer.ascore(sample)
        group = self.stand_ins.note(_key(sample), scored.reward)
        if scored.reward is not None or self.on_failure != "impute":
            return self._by_policy(scored)
        end_s = monotonic() + self.patience_s
        while not self.stand_ins.is_whole(group) and monotonic() < end_s:
            await asyncio.sleep(POLL_S)  # a thread for each would starve the loop's other work
        return replace(scored, reward=self.stand_ins.mean(group))

    def _by_policy(self, scored: Scored) -> Scored:
        if scored.reward is not None:
            return scored
        if self.on_failure == "zero":
            return replace(scored, reward=0.0)
        raise RewardError(f"a sample was not judged ({scored.status}): {scored.reason}")


def kept(task: AnyTask, **settings: Any) -> SampleScorer:
    """Return this process's scorer for these arguments; it is made once, so that calls meet in its batches.

    Raises:
        UsageError: As of `SampleScorer`.
    """
    key = repr((os.getpid(), task, sorted(settings.items(), key=lambda item: item[0])))
    with _lock:
        found = _kept.get(key)
        if found is None:
            found = _kept[key] = SampleScorer(task, **settings)
        return found


def number(scored: Scored) -> float:
    """Return the reward of what a `SampleScorer` has scored, which is never missing."""
    if scored.reward is None:
        raise RewardError(f"no reward ({scored.status}): {scored.reason}")
    return scored.reward


def _key(sample: Sample) -> Hashable:
    return hash(group_keys([sample])[0])


def _renew_lock() -> None:
    """In a fork: another thread of the parent may have held the lock."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
