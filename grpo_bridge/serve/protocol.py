"""uvicorn's HTTP protocol with bounds that it lacks: on connections, endless heads, and bodies that nobody reads."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from grpo_bridge.serve.settings import Settings

MAX_HEAD_BYTES = 64 * 1024
"""A request's head."""
MAX_LOOSE_BYTES = 64 * 2**20
"""The rest of a body whose request was refused: read and dropped, so that the client reads the answer."""


def guarded(settings: Settings) -> type[HttpToolsProtocol]:
    """Return the protocol with these bounds."""

    class Guarded(HttpToolsProtocol):  # type: ignore[misc]
        """Closes what is too slow, too long or too many."""

        _timer: asyncio.TimerHandle | None = None
        _loose_bytes = 0

        def connection_made(self, transport: Any) -> None:
            """Take a connection, or close it if there are too many."""
            super().connection_made(transport)
            if len(self.connections) > settings.max_connections:
                transport.close()
            else:
                self._timer = self.loop.call_later(settings.read_s, transport.close)

        def data_received(self, data: bytes) -> None:
            """Take bytes; those outside a request that is being served are counted and timed."""
            if not self._is_serving():
                self._loose_bytes += len(data)
                if self._timer is None:
                    self._timer = self.loop.call_later(settings.read_s, self.transport.close)
            super().data_received(data)
            if self._is_serving():
                self._calm()
            elif self._loose_bytes > (MAX_LOOSE_BYTES if self._is_dropping() else MAX_HEAD_BYTES):
                self.transport.close()

        def connection_lost(self, exc: Exception | None) -> None:
            """Forget the timer."""
            self._calm()
            super().connection_lost(exc)

        def _calm(self) -> None:
            self._loose_bytes = 0
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _is_serving(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _is_dropping(self) -> bool:
            return self.cycle is not None and self.cycle.more_body

    return Guarded
