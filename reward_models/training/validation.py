"""Figures of the current model on the validation prompts, by which the best checkpoint is chosen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import torch

from reward_models.batching.chunks import chunks_by_length
from reward_models.batching.collate import Collator, Item
from reward_models.evaluation.quality import RANK_QUALITY, order_found
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.models.memory import with_less
from reward_models.types import RatedPrompt
from verifiers.errors import UsageError


def figures(prompts: Sequence[RatedPrompt], scores_PN: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return what the prompts allow of pair accuracy and Spearman, and `rank_quality` of both (see `order_found`).

    Args:
        prompts: With labels.
        scores_PN: A score for each answer. NaN anywhere makes all figures 0: such a model is no candidate.
    """
    if not all(math.isfinite(score) for scores_N in scores_PN for score in scores_N):
        return {RANK_QUALITY: 0.0}
    return order_found([ScoredPrompt(prompt, tuple(scores)) for prompt, scores in zip(prompts, scores_PN, strict=True)])


def check_select(name: str, prompts: Sequence[RatedPrompt]) -> None:
    """Refuse to choose checkpoints by a figure that the validation prompts do not allow.

    Raises:
        UsageError: If it is one; the text names those they do.
    """
    number = count()
    found = figures(prompts, [[float(next(number)) for _ in prompt.answers] for prompt in prompts])
    if prompts and name not in ("auto", *found):
        raise UsageError(
            f"select={name} cannot be measured on the validation prompts; allowed: auto, {', '.join(found)}"
        )


def per_prompt(prompts: Sequence[RatedPrompt], scores_N: torch.Tensor) -> list[list[float]]:
    """Cut a list of scores into those of each prompt."""
    return [part.tolist() for part in scores_N.split([len(prompt.answers) for prompt in prompts])]


@dataclass(frozen=True, slots=True)
class Validator:
    """Scores the validation prompts with the model as it is.

    Attributes:
        net: What scores; all processes call it equally often.
        prompts: With labels.
        items: Their answers, encoded, in order.
        collator: Lays chunks out.
        score: Outputs (N, H) -> scores (N,).
        tokens: Most padded tokens of a chunk; halved where one process runs out of memory.
        rank, world: Which process this is, of how many.
    """

    net: Callable[[], Any]
    prompts: Sequence[RatedPrompt]
    items: Sequence[Item]
    collator: Collator
    score: Callable[[Any], Any]
    tokens: int
    rank: int = 0
    world: int = 1

    def __call__(self) -> Mapping[str, float]:
        """Return the figures."""
        return figures(self.prompts, self.scores())

    def scores(self) -> list[list[float]]:
        """Return the scores of each prompt's answers."""
        if self.world > 1:  # Processes that must keep step cannot try again.
            flat = self._gathered(self._own(self.tokens))
        else:
            flat = with_less(self._own, self.tokens, max((len(item.ids) for item in self.items), default=0))
        rest = iter([flat[n] for n in range(len(self.items))])
        return [[next(rest) for _ in prompt.answers] for prompt in self.prompts]

    def _own(self, tokens: int) -> dict[int, float]:
        """Score this process's share of the chunks; all shares have equally many, or sharded weights would wait."""
        chunks = chunks_by_length([len(item.ids) for item in self.items], tokens, self.collator.pass_tokens)
        chunks += chunks[:1] * (-len(chunks) % self.world)
        net = self.net()
        was = net.training
        net.eval()
        found: dict[int, float] = {}
        with torch.no_grad():
            for places in chunks[self.rank :: self.world]:
                inputs = self.collator.layout([self.items[n].ids for n in places])
                device = next(net.parameters()).device
                outputs = net(**{name: value.to(device) for name, value in inputs.items()}).logits
                found |= dict(zip(places, self.score(outputs).float().tolist(), strict=True))
        net.train(was)
        return found

    def _gathered(self, own: dict[int, float]) -> dict[int, float]:
        shares: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(shares, own)
        return {n: score for share in shares for n, score in share.items()}
