"""Run a model over any number of sequences, in batches that waste little and fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from reward_models.models.layout import Ids, padded
from reward_models.models.memory import with_less


def in_batches(run: Callable[[Mapping[str, Tensor]], Tensor], ids_N: Sequence[Ids], tokens: int, pad_id: int) -> Tensor:
    """Run padded batches of like lengths; of half as many tokens, and so on, if memory runs out.

    Args:
        run: Makes a row of each sequence, (n, ...), of a batch of `layout.padded`.
        ids_N: Tokens of each; at least one sequence.
        tokens: Most padded tokens of a batch.
        pad_id: What fills up.

    Returns:
        The rows in the sequences' order, on the CPU, (N, ...).
    """
    order = sorted(range(len(ids_N)), key=lambda place: len(ids_N[place]), reverse=True)

    def all_of(budget: int) -> Tensor:
        done: list[Tensor] = []
        start = 0
        while start < len(order):
            size = max(1, budget // len(ids_N[order[start]]))
            done.append(run(padded([ids_N[place] for place in order[start : start + size]], pad_id)).cpu())
            start += size
        return torch.cat(done)[torch.argsort(torch.tensor(order))]

    return with_less(all_of, tokens, len(ids_N[order[0]]))


def masked_mean(states_NTD: Tensor, mask_NT: Tensor) -> Tensor:
    """Return the mean of each row's real tokens, (N, D)."""
    mask_NT1 = mask_NT.to(states_NTD.device)[..., None]
    return (states_NTD * mask_NT1).sum(1) / mask_NT1.sum(1)
