"""The service that `verify doctor` runs in a worker process: it answers, or hangs when told to."""

from __future__ import annotations

import time
from collections.abc import Callable

HANG = b"hang"


def service(_config: bytes) -> Callable[[bytes], bytes]:
    """Return the service, as a `WorkerPool` wants it."""

    def answer(request: bytes) -> bytes:
        while request == HANG:
            time.sleep(1)
        return request

    return answer
