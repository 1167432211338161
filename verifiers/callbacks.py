"""What the callbacks of trainers share, whichever package they are in: a place in front of those that report."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any


def log_before_reporters(callback: Any) -> None:
    """Move a callback to the front, so that W&B, TensorBoard and all others see what its `on_log` adds to `logs`.

    To be called in its `on_train_begin`; does nothing outside of a trainer. Callbacks that are moved keep their order.
    """
    from transformers.trainer_callback import CallbackHandler

    callback.logs_before_reporters = True
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        # transformers gives a callback neither the trainer nor the list that it stands in; who calls it has the list.
        handler = frame.f_locals.get("self")
        if isinstance(handler, CallbackHandler):
            here = next((i for i, each in enumerate(handler.callbacks) if each is callback), None)
            if here is not None:
                return _move_forward(handler.callbacks, here)
        frame = frame.f_back
    return None


def _move_forward(callbacks: list[Any], here: int) -> None:
    moved = (getattr(each, "logs_before_reporters", False) for each in callbacks)
    place = next((i for i, is_moved in enumerate(moved) if not is_moved), here)
    # The handler is in a loop over this very list: a move forwards makes it neither skip nor repeat a callback.
    if place < here:
        callbacks.insert(place, callbacks.pop(here))
