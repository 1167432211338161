"""Encoded answers -> what a model and a loss take: padded chunks of like lengths, and the labels of the whole batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypedDict

import torch
from torch import Tensor

from reward_models.batching.chunks import CPU_PASS, chunks_by_length
from reward_models.batching.labels import LabelMaker, Labels


@dataclass(frozen=True, slots=True)
class Item:
    """One encoded answer of a data set.

    Attributes:
        ids: Its tokens, the prompt's first.
        prompt: Number of its prompt in the `LabelMaker`'s prompts.
        answer: Its place in that prompt.
    """

    ids: Sequence[int]
    prompt: int
    answer: int


class Chunk(TypedDict):
    """What one forward pass takes.

    Attributes:
        inputs: Keyword arguments of the model.
        place: Where its outputs belong in the batch, `place_M`.
    """

    inputs: dict[str, Tensor]
    place: Tensor


class CollatedBatch(TypedDict):
    """A batch, in dicts, lists and tensors only: data loaders and accelerate move it between devices.

    Attributes:
        chunks: Forward passes; together they score each answer once.
        labels: `Labels.tensors()`; `Labels.of` reads it.
        tokens: Real tokens, without padding; a tensor of one number.
    """

    chunks: list[Chunk]
    labels: dict[str, Tensor]
    tokens: Tensor


@dataclass(frozen=True, slots=True)
class Collator:
    """Lays out the items of a batch.

    Attributes:
        labels: Makes the labels.
        layout: Token lists -> keyword arguments of the model (`models.layout.padded` with its pad token).
        pass_tokens: What one more forward pass costs, in tokens.
        together: Lay all items out in one chunk, e.g. where `layout` packs.
    """

    labels: LabelMaker
    layout: Callable[[Sequence[Sequence[int]]], dict[str, Tensor]]
    pass_tokens: int = CPU_PASS
    together: bool = False

    def __call__(self, items: Sequence[Item]) -> CollatedBatch:
        """Collate the items of one batch; labels are in their order."""
        lengths_N = [len(item.ids) for item in items]
        everything = [list(range(len(items)))]
        places = everything if self.together else chunks_by_length(lengths_N, pass_tokens=self.pass_tokens)
        return {
            "chunks": [self._chunk(items, place) for place in places],
            "labels": self.labels_of(items).tensors(),
            "tokens": torch.tensor([sum(lengths_N)]),
        }

    def labels_of(self, items: Sequence[Item]) -> Labels:
        """Return the labels of some items, in their order."""
        return self.labels([(item.prompt, item.answer) for item in items])

    def _chunk(self, items: Sequence[Item], place: list[int]) -> Chunk:
        return {"inputs": self.layout([items[n].ids for n in place]), "place": torch.tensor(place)}
