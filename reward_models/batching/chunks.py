"""Batches of answers of different lengths, cut into padded chunks of like lengths. Standard library only."""

from __future__ import annotations

from collections.abc import Sequence

CPU_PASS = 16
"""What one more pass costs, in tokens: measured in training of a 6-layer encoder on a CPU, where it is least."""
GPU_PASS = 512
"""The same where a pass starts kernels one by one; an estimate."""


def chunks_by_length(lengths_N: Sequence[int], most: int | None = None, pass_tokens: int = CPU_PASS) -> list[list[int]]:
    """Cut answers, sorted by length, into the chunks that cost the least padding.

    The answers of a prompt differ in length, so a batch that keeps them together pads much; scored chunk by chunk, it
    does not. The loss then sees all scores at once.

    Args:
        lengths_N: Tokens of each answer.
        most: Most tokens of a chunk, padding counted; a longer answer is a chunk of its own. `None` = no limit.
        pass_tokens: What a further chunk costs.
    """
    order = sorted(range(len(lengths_N)), key=lambda n: lengths_N[n])
    best = [0.0] + [float("inf")] * len(order)
    start_of = [0] * (len(order) + 1)
    for end in range(1, len(order) + 1):
        width = lengths_N[order[end - 1]]
        for start in range(end - 1, -1, -1):
            cost = width * (end - start)
            if most is not None and cost > most and start < end - 1:
                break
            if best[start] + cost + pass_tokens < best[end]:
                best[end], start_of[end] = best[start] + cost + pass_tokens, start
    chunks: list[list[int]] = []
    end = len(order)
    while end:
        chunks.append(order[start_of[end] : end])
        end = start_of[end]
    return chunks[::-1]
