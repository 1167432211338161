"""Which answers make up each batch: all of a prompt together, neighbours in length, within a budget of tokens.

A plan is a pure function of (lengths, prompts, budget, seed, epoch, ranks). To resume, ask for the same epoch's batches
and begin at the same place: nothing else is remembered. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from verifiers.errors import UsageError

NOISE = 0.1
"""Lengths are changed by up to this share before they are sorted, so that each epoch has other neighbours."""

Batch = list[int]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Batches of answers for every epoch.

    Attributes:
        lengths_N: Tokens of each answer (with its prompt) of the data set.
        prompts_N: Number of each answer's prompt.
        budget: Most tokens of a batch. An answer longer than it is a batch of its own.
        seed: Of the order.
        shuffle: Whether epochs differ; `False` = sorted by length, for evaluation.
        padded: Count an answer as long as the batch's longest one; `False` = its own tokens, for packed batches
            and for those that are cut by `chunks_by_length`.
        ranks: Processes that share the batches; each gets the same number.
    """

    lengths_N: Sequence[int]
    prompts_N: Sequence[int]
    budget: int
    seed: int = 0
    shuffle: bool = True
    padded: bool = True
    ranks: int = 1
    _groups: list[Batch] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.budget < 1 or self.ranks < 1:
            raise UsageError(f"budget {self.budget} tokens for {self.ranks} processes: both must be at least 1")
        if len(self.lengths_N) != len(self.prompts_N):
            raise UsageError(f"{len(self.lengths_N)} lengths for {len(self.prompts_N)} answers; give one for each")
        groups: dict[int, Batch] = {}
        for index, prompt in enumerate(self.prompts_N):
            groups.setdefault(prompt, []).append(index)
        object.__setattr__(self, "_groups", list(groups.values()))

    def batches(self, epoch: int = 0, rank: int = 0) -> list[Batch]:
        """Return one process's batches of an epoch, in order; every answer occurs in just one batch of one process.

        Where the batches do not go evenly into the processes, the first ones are repeated for the last processes.
        """
        rng = Random(f"{self.seed}/{epoch}") if self.shuffle else None
        ordered = self._filled(self._sorted(rng))
        rounds = [ordered[i : i + self.ranks] for i in range(0, len(ordered), self.ranks)]
        if rounds and len(rounds[-1]) < self.ranks:
            rounds[-1] += [ordered[i % len(ordered)] for i in range(self.ranks - len(rounds[-1]))]
        if rng is not None:
            rng.shuffle(rounds)
            if epoch == 0 and rounds:
                # Memory runs out in the first step or not at all.
                rounds.insert(0, rounds.pop(self._heaviest(rounds)))
        return [together[rank] for together in rounds]

    def total(self, epochs: int) -> int:
        """Return the number of batches of one process over epochs 0 .. epochs - 1: their numbers differ a little."""
        return sum(len(self.batches(epoch)) for epoch in range(epochs))

    def cost(self, batch: Batch) -> int:
        """Return the tokens that a batch is counted as."""
        lengths = [self.lengths_N[index] for index in batch]
        return max(lengths) * len(lengths) if self.padded else sum(lengths)

    def cut(self, batch: Batch, budget: int) -> list[Batch]:
        """Cut a batch into the fewest even parts that fit a smaller budget (memory ran out), shortest answers first.

        Pairs of answers in different parts are lost for this once; an answer over the budget stays alone.
        """
        ordered = sorted(batch, key=lambda index: (self.lengths_N[index], index))
        for parts in range(1, len(ordered)):
            cuts = [ordered[i * len(ordered) // parts : (i + 1) * len(ordered) // parts] for i in range(parts)]
            if all(self.cost(part) <= budget for part in cuts):
                return cuts
        return [[index] for index in ordered]

    def _heaviest(self, rounds: Sequence[Sequence[Batch]]) -> int:
        costs = [max(map(self.cost, together)) for together in rounds]
        return costs.index(max(costs))

    def _sorted(self, rng: Random | None) -> list[Batch]:
        """Return the prompts' answers, prompts with answers over the budget in parts, by noisy length."""
        groups = [part for group in self._groups for part in self._parts(group, rng)]
        if rng is None:
            return sorted(groups, key=self._longest)
        keyed = [(self._longest(group) * (1 + NOISE * rng.uniform(-1, 1)), rng.random(), group) for group in groups]
        return [group for _, _, group in sorted(keyed)]

    def _parts(self, group: Batch, rng: Random | None) -> list[Batch]:
        """Cut a prompt's answers where they exceed the budget; at random, so that each pair meets in some epoch."""
        if self.cost(group) <= self.budget:
            return [group]
        members = list(group)
        if rng is not None:
            rng.shuffle(members)
        return self._filled([[index] for index in members])

    def _filled(self, groups: Sequence[Batch]) -> list[Batch]:
        """Join neighbours while they fit the budget."""
        batches: list[Batch] = []
        longest = count = tokens = 0
        for group in groups:
            lengths = [self.lengths_N[index] for index in group]
            longest, count, tokens = max(longest, *lengths), count + len(group), tokens + sum(lengths)
            if batches and (longest * count if self.padded else tokens) <= self.budget:
                batches[-1] += group
            else:
                batches.append(list(group))
                longest, count, tokens = max(lengths), len(group), sum(lengths)
        return batches

    def _longest(self, group: Batch) -> int:
        return max(self.lengths_N[index] for index in group)
