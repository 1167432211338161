"""What the batcher asks of a model, wherever it runs: on this machine (`local`) or behind an address (`remote`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from verifiers.errors import VerifyError
from verifiers.types import Status, Text


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer to be scored: a prompt and a response, each text or chat messages."""

    prompt: Text
    response: Text


@dataclass(frozen=True, slots=True)
class Marked:
    """What a model gave for one answer.

    Attributes:
        outputs: The head's outputs as they come: one number, or one for each aspect.
        tokens: Length of what the model read.
        truncated: Whether the prompt or the response had to be cut to fit.
        elapsed_s: The answer's share of its micro-batch's wall-clock seconds.
        response_truncated: Whether the response had to be: the model has not read all of what it marks.
    """

    outputs: tuple[float, ...]
    tokens: int = 0
    truncated: bool = False
    elapsed_s: float = 0.0
    response_truncated: bool = False


class NotAnswered(Exception):
    """The model cannot be asked now; `status` says why nothing was judged. May be tried again later."""

    def __init__(self, text: str, status: Status = Status.UNAVAILABLE) -> None:
        super().__init__(text)
        self.status = status


class Refused(VerifyError, RuntimeError):
    """The model must not be used as it is (a server that answers differently); trying again will not help."""


Item = TypeVar("Item")
"""An ask, ready for the model: token ids, or the text for a server."""


class Engine(Protocol[Item]):
    """A model that is ready to be asked. `prepare` and `plan` are called by one thread at a time."""

    @property
    def lanes(self) -> int:
        """How many micro-batches may run at the same time: devices, or requests."""

    def prepare(self, asks: Sequence[Ask]) -> list[Item]:
        """Make items of asks, in order.

        Raises:
            ValueError, TypeError: If an ask cannot be read; the batcher then finds out which (after any error).
        """

    def plan(self, items: Sequence[Item]) -> list[list[int]]:
        """Return micro-batches: every index exactly once."""

    def run(self, lane: int, items: Sequence[Item]) -> Sequence[Marked | Exception]:
        """Score one micro-batch on a lane, in order; an exception stands for an answer that it alone cannot score.

        Called from many threads, once at a time for a lane.

        Raises:
            NotAnswered: If the model cannot be asked now.
        """
