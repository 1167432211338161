"""One process, or one of several that a launcher (accelerate, torchrun) has started."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch

Found = TypeVar("Found")


def rank() -> int:
    """Return which process this is."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """Return how many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def device() -> str:
    """Return where this process computes: its GPU, or the CPU."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"


def first_then_others(first: Callable[[], Found], other: Callable[[], Found]) -> Found:
    """Let the first process do something to files, and the others look at them when it is done."""
    if world() == 1:
        return first()
    state = _state()
    found = first() if rank() == 0 else None
    state.wait_for_everyone()
    return other() if found is None else found


def wait() -> None:
    """Wait for the other processes."""
    if world() > 1:
        _state().wait_for_everyone()


def _state() -> Any:
    from accelerate import PartialState

    # Without `cpu`, accelerate takes processes on CPUs for strangers.
    return PartialState(cpu=not torch.cuda.is_available())
