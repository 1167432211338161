"""A short list of hashes that tells later whether a prompt was trained on: the smallest ones, of all prompts.

Whoever has the list can compare those of his own prompts that are small enough to be on it (a bottom-k sketch, Cohen
and Kaplan 2007), and so estimates the share of them that were trained on, however many these were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from reward_models.data.split import normalised
from reward_models.types import RatedPrompt

SIZE = 256
HASH_BYTES = 8


def sketch_of(prompts: Iterable[RatedPrompt]) -> tuple[str, ...]:
    """Return the smallest hashes of prompts; case, spaces and punctuation make no difference."""
    return tuple(sorted(_hashes(prompts))[:SIZE])


def share_seen(sketch: Sequence[str], prompts: Iterable[RatedPrompt]) -> float | None:
    """Estimate the share of prompts that the sketched ones hold; `None` = nothing can be said."""
    hashes = _hashes(prompts)
    if len(sketch) >= SIZE:
        hashes = {each for each in hashes if each <= sketch[-1]}
    return len(hashes & set(sketch)) / len(hashes) if sketch and hashes else None


def _hashes(prompts: Iterable[RatedPrompt]) -> set[str]:
    texts = {normalised(prompt.prompt) for prompt in prompts}
    return {hashlib.sha256(text.encode("utf-8", "replace")).digest()[:HASH_BYTES].hex() for text in texts}
