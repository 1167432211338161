"""What comes back for a request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Failure(StrEnum):
    """Why a request has no payload."""

    DEADLINE = "deadline"
    """The worker was killed at the request's deadline."""
    CRASHED = "crashed"
    """The worker died of the request: a signal, or an exit."""
    ERROR = "error"
    """The service or its factory raised, or the request or reply is too large; `detail` has the text."""
    MEMORY = "memory"
    """The work ran into the memory limit."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request.

    Attributes:
        index: The request's position in the iterable, from 0.
        payload: What the service returned; `None` = it failed.
        failure: Why it failed, or `None`.
        detail: The failure in words.
        elapsed_s: CPU seconds of the work, measured in the worker; for a killed or crashed worker the wall-clock
            seconds until its end.
    """

    index: int
    payload: bytes | None
    failure: Failure | None = None
    detail: str = ""
    elapsed_s: float = 0.0
