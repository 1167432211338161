"""Runs the server until it is told to stop, and lets what it has begun come to its end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

import click
import uvicorn

from grpo_bridge.scorer import GroupScorer
from grpo_bridge.serve.app import Server
from grpo_bridge.serve.protocol import guarded
from grpo_bridge.serve.settings import Settings
from verifiers.errors import InputError

SWITCH_S = 0.001
"""Longest time that a judging thread keeps the others waiting, the event loop among them."""
BACKLOG = 1024


class _Uvicorn(uvicorn.Server):  # type: ignore[misc]
    """Tells the application as soon as it must stop."""

    def __init__(self, config: Any, server: Server, on_ready: Callable[[str], None]) -> None:
        super().__init__(config)
        self._ours, self._on_ready = server, on_ready

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Begin to drain; a second Ctrl-C ends at once. A stop that was asked for is no failure: the exit code is 0."""
        self.force_exit = self._ours.gate.is_draining and sig == signal.SIGINT
        self._ours.gate.is_draining = self.should_exit = True

    async def startup(self, sockets: Any = None) -> None:
        """Listen, and say where."""
        await super().startup(sockets=sockets)
        if self.started:
            bound = next(each for server in self.servers for each in server.sockets).getsockname()
            host = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
            self._on_ready(f"http://{host}:{bound[1]}")


def serve(scorer: GroupScorer, settings: Settings, on_ready: Callable[[str], None] = click.echo) -> None:
    """Serve until SIGTERM or Ctrl-C; then end what is being judged, for at most `drain_s` seconds.

    Args:
        scorer: See `Server`.
        settings: Where and how much.
        on_ready: Called with the address once requests are taken.

    Raises:
        InputError: If the address cannot be listened on.
    """
    sys.setswitchinterval(SWITCH_S)
    server = Server(scorer, settings)
    config = uvicorn.Config(
        server.app,
        host=settings.host,
        port=settings.port,
        http=guarded(settings),
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(settings.idle_s),
        timeout_graceful_shutdown=int(settings.drain_s),
    )
    try:
        _Uvicorn(config, server, on_ready).run()
    except SystemExit as error:  # uvicorn's way to say that it cannot listen; it has logged why
        raise InputError(
            f"cannot listen on {settings.host}:{settings.port} (see above); choose another --port"
        ) from error
    finally:
        server.close()
