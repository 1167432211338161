"""Cut answers of many lengths into micro-batches with little padding."""

from __future__ import annotations

from collections.abc import Sequence


def token_batches(lengths: Sequence[int], max_tokens: int, max_rows: int) -> list[list[int]]:
    """Return micro-batches of neighbours by length, the longest first, so that a lack of memory shows at once.

    Args:
        lengths: Length of each answer.
        max_tokens: Most tokens of one micro-batch, padding included; one longer answer is a micro-batch of its own.
        max_rows: Most answers of one micro-batch.

    Returns:
        Indices; each exactly once.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches: list[list[int]] = []
    rows = 0
    for index in order:
        if not batches or len(batches[-1]) >= rows:
            batches.append([])
            rows = max(1, min(max_rows, max_tokens // max(1, lengths[index])))
        batches[-1].append(index)
    return batches
