"""Token lists -> the tensors that a model takes: padded, packed, or with a prompt shared by its answers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import torch
from torch import Tensor

Ids = Sequence[int]


def padded(sequences: Sequence[Ids], pad_id: int, multiple: int = 1, left: bool = False) -> dict[str, Tensor]:
    """Lay N sequences out as rows of one width.

    Args:
        sequences: Tokens of each; none may be empty.
        pad_id: What fills up; any token will do, the mask alone counts.
        multiple: The width is rounded up to it, e.g. 8 for tensor cores, 64 for compiled buckets.
        left: Fill up on the left.

    Returns:
        `input_ids` and `attention_mask`, int64 (N, T).
    """
    width = -(-max(map(len, sequences)) // multiple) * multiple
    ids, mask = [], []
    for sequence in sequences:
        fill = width - len(sequence)
        row, real = [*sequence], [1] * len(sequence)
        ids.append([pad_id] * fill + row if left else row + [pad_id] * fill)
        mask.append([0] * fill + real if left else real + [0] * fill)
    return {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}


def packed(sequences: Sequence[Ids]) -> dict[str, Tensor]:
    """Lay sequences out one behind the other in a single row, without padding (causal models only).

    Returns:
        `input_ids`, `position_ids` (1, T); positions start again at 0 with each sequence, which is what keeps them
        apart: transformers masks across such a step, and flash kernels take it as a boundary.
    """
    ids = [token for sequence in sequences for token in sequence]
    positions = [position for sequence in sequences for position in range(len(sequence))]
    return {"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([positions])}


def common_prefix(sequences: Sequence[Ids]) -> int:
    """Count the tokens that all share at their start, at most all but one of the shortest."""
    columns = zip(*(sequence[:-1] for sequence in sequences), strict=False)
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))


def shared(sequences: Sequence[Ids]) -> dict[str, Tensor]:
    """Lay out the answers of ONE prompt so that their common start is computed once (causal models only).

    Each answer sees the shared start and itself, by a mask of its own; positions go on from the start's end.

    Returns:
        `input_ids`, `position_ids` (1, T), `attention_mask` bool (1, 1, T, T), `last` (N, 2).
    """
    start = common_prefix(sequences)
    tails = [sequence[start:] for sequence in sequences]
    ids = [*sequences[0][:start], *(token for tail in tails for token in tail)]
    positions = [*range(start), *(start + position for tail in tails for position in range(len(tail)))]
    # Answer of each token: 0 = the shared start, which all see.
    owner = torch.tensor([0] * start + [number for number, tail in enumerate(tails, 1) for _ in tail])
    visible = (owner[:, None] == owner[None, :]) | (owner[None, :] == 0)
    ends = torch.tensor([len(tail) for tail in tails]).cumsum(0) + start - 1
    return {
        "input_ids": torch.tensor([ids]),
        "position_ids": torch.tensor([positions]),
        "attention_mask": (visible & torch.ones(len(ids), len(ids), dtype=torch.bool).tril())[None, None],
        "last": torch.stack([torch.zeros_like(ends), ends], dim=-1),
    }
