"""Memory that has run out: how it is told, and how work goes on with fewer tokens at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

import torch

from verifiers.errors import VerifyError

Found = TypeVar("Found")
_CPU_ALLOCATION = ("can't allocate memory", "DefaultCPUAllocator", "not enough memory")
_log = logging.getLogger("reward_models")


class OutOfMemory(VerifyError, MemoryError):
    """Memory ran out, and there is nothing left to halve."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's, or the machine's, memory has run out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _CPU_ALLOCATION)


def release_memory() -> None:
    """Give back what torch keeps of the device's memory for later."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def with_less(run: Callable[[int], Found], tokens: int, longest: int) -> Found:
    """Return what `run` makes of a budget of tokens; as long as memory runs out, of half of it.

    Args:
        run: Takes the most padded tokens of a forward pass; begins anew each time.
        tokens: To begin with.
        longest: Tokens of the longest text: a smaller budget would not help it.

    Raises:
        OutOfMemory: If that text alone does not fit.
    """
    while True:
        try:
            return run(tokens)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if tokens <= longest:
                raise OutOfMemory(
                    f"memory ran out with one answer of {longest:,} tokens ({first_line(error)}). Lower max_length"
                ) from error
        # Outside the handler: its traceback holds the activations that must go.
        less = max(longest, tokens // 2)
        _log.warning("memory ran out with %s tokens at a time: going on with %s", f"{tokens:,}", f"{less:,}")
        tokens = less
        release_memory()


def first_line(error: BaseException) -> str:
    """Return what an error says, in short."""
    return (str(error) or type(error).__name__).splitlines()[0][:200]
