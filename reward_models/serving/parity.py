"""Refuse a server that gives other scores than the model did when it was saved.

The card holds a few texts with the scores that the checkpoint gave them. Asked for the same texts, a server that
applies a sigmoid, tokenizes in its own way, adds a second BOS, cuts texts or serves another model gives itself away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

TOLERANCE = 0.05
"""Largest difference to the card, in standard deviations of the model's scores: bf16 stays far below, whatever is
wrong goes far beyond."""
_MIN_SPREAD = 1e-6


def mismatch(found: Sequence[float], expected: Sequence[float], std: float, tolerance: float = TOLERANCE) -> str:
    """Say how a server's scores of the parity texts differ from the card's; "" = they do not.

    Args:
        found: The server's score of each text.
        expected: The card's.
        std: Standard deviation of the model's scores.
        tolerance: Largest difference allowed, in units of `std`.
    """
    allowed = tolerance * max(std, _MIN_SPREAD)
    pairs = list(zip(found, expected, strict=True))
    if all(abs(a - b) <= allowed for a, b in pairs):
        return ""
    shown = ", ".join(f"{a:.4g} where the card has {b:.4g}" for a, b in pairs[:3])
    return f"{_cause(found, expected, allowed)} ({shown})"


def _cause(got: Sequence[float], wanted: Sequence[float], allowed: float) -> str:
    """Guess what makes the difference."""
    near = [abs(a - _sigmoid(b)) <= 0.02 for a, b in zip(got, wanted, strict=True)]
    if all(near):
        return "it applies a sigmoid to the scores"
    if all(abs(a - 1.0) < 1e-6 for a in got):
        return "it applies a softmax over one class: every score is 1"
    shift = got[0] - wanted[0]
    if len(got) > 1 and all(abs(a - b - shift) <= allowed for a, b in zip(got, wanted, strict=True)):
        return f"its scores are shifted by {shift:.4g}"
    scale = _slope(got, wanted)
    pairs = list(zip(got, wanted, strict=True))
    if scale is not None and all(abs(a - got[0] - scale * (b - wanted[0])) <= allowed for a, b in pairs):
        return f"its scores are scaled by {scale:.4g}: it normalises them"
    return "its scores are others: another model, another tokenizer or template, or texts cut short"


def _sigmoid(number: float) -> float:
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, number))))


def _slope(got: Sequence[float], wanted: Sequence[float]) -> float | None:
    low, high = wanted.index(min(wanted)), wanted.index(max(wanted))
    spread = wanted[high] - wanted[low]
    return (got[high] - got[low]) / spread if len(got) > 2 and spread > _MIN_SPREAD else None
