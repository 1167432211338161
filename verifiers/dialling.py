"""Opening a connection in bounded time: `socket.create_connection` grants each address of a host its timeout anew."""

from __future__ import annotations

import queue
import socket
import threading
import time
from typing import Any, TypeAlias

Place: TypeAlias = "tuple[Any, ...]"
"""As of `socket.getaddrinfo`."""


def dialled(address: tuple[str, int], timeout_s: float, source_address: Any = None) -> socket.socket:
    """Return a connected socket, whose timeout is the time that is left.

    Args:
        address: Host and port.
        timeout_s: For finding the host's addresses and trying them all.
        source_address: See `socket.create_connection`.

    Raises:
        OSError: If there is none; `TimeoutError` if the time ran out.
    """
    end_s = time.monotonic() + timeout_s
    failed: OSError = TimeoutError(f"no connection within {timeout_s:g} s")
    for family, kind, protocol, _, place in _found(address, timeout_s):
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            break
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(left_s)
            if source_address:
                made.bind(source_address)
            made.connect(place)
            made.settimeout(max(0.01, end_s - time.monotonic()))
            return made
        except OSError as error:
            made.close()
            failed = error
    raise failed


def _found(address: tuple[str, int], timeout_s: float) -> list[Place]:
    """Return the host's addresses; a thread asks, since nothing can interrupt the question."""
    answers: queue.SimpleQueue[list[Place] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(socket.getaddrinfo(*address, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="grpo-teachers-resolve").start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(f"the name {address[0]} was not resolved within {timeout_s:g} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
