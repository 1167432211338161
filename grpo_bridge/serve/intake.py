"""Who may ask, and how much: the checks before a request's body is looked at, and its reading within bounds."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from grpo_bridge.serve.settings import Settings, is_loopback

BUSY_S = 1
"""Seconds after which a client that was told to come later may come again."""
DRAINING_S = 5


class Refusal(Exception):
    """A request that is not served; the text tells the client why."""

    def __init__(self, status: int, why: str, retry_after_s: int | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
        if status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
        if status == 408:  # what is left of the body would be taken for the next request
            self.headers["Connection"] = "close"


@dataclass
class Gate:
    """What is being served. Touched by the event loop only.

    Attributes:
        is_draining: New requests are told to come later, or to go elsewhere.
        requests: Read or judged right now.
        held_bytes: Their bodies.
    """

    settings: Settings
    is_draining: bool = False
    requests: int = 0
    held_bytes: int = 0
    _hosts: frozenset[str] = field(default=frozenset({"localhost", "testserver"}), repr=False)

    def check(self, headers: Mapping[str, str]) -> None:
        """Check the token, or without one that no web page asks.

        Raises:
            Refusal: 401 without the token, 403 for a foreign name of this machine.
        """
        if self.settings.token:
            if not hmac.compare_digest(_shown_token(headers.get("authorization", "")), self.settings.token.encode()):
                raise Refusal(401, "this server needs its token: Authorization: Bearer TOKEN")
            return
        # Else a web page could reach it through a name of its own that resolves to 127.0.0.1.
        host = headers.get("host", "").rsplit(":", 1)[0] or "localhost"
        if host not in self._hosts and not is_loopback(host):
            raise Refusal(403, f"a server without a token is only reached as localhost, not as {host[:100]!r}")

    def check_json(self, headers: Mapping[str, str]) -> None:
        """Check what the body claims to be; a web page cannot send JSON to another origin without asking.

        Raises:
            Refusal: 415.
        """
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, f"send JSON (Content-Type: application/json), not {kind[:100] or 'an unnamed type'}")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refusal(415, "send the JSON as it is, without Content-Encoding")

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Count a request in, and out again.

        Raises:
            Refusal: 503 while draining, 429 if there are too many.
        """
        if self.is_draining:
            raise Refusal(503, "this server is shutting down", DRAINING_S)
        if self.requests >= self.settings.max_requests:
            raise Refusal(429, f"{self.requests} requests are being served; come again later", BUSY_S)
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1

    @contextmanager
    def body(self, request: Any) -> Iterator[Body]:
        """Give a request's body room, and take it back."""
        body = Body(self, request)
        try:
            yield body
        finally:
            self.held_bytes -= body.size_bytes


class Body:
    """A body on its way in."""

    def __init__(self, gate: Gate, request: Any) -> None:
        self._gate, self._request = gate, request
        self.size_bytes = 0

    async def read(self) -> bytes:
        """Return the whole body.

        Raises:
            Refusal: 400, 408, 413 or 429 if it is broken off, too slow, too large, or one too many.
        """
        limit_bytes = self._gate.settings.max_body_bytes
        announced = self._request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit_bytes:
            raise _too_large(limit_bytes)
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._gate.settings.read_s):
                async for chunk in self._request.stream():
                    self._take(len(chunk), limit_bytes)
                    chunks.append(chunk)
        except TimeoutError:
            raise Refusal(408, f"the body did not come within {self._gate.settings.read_s:g} s") from None
        return b"".join(chunks)

    def _take(self, size_bytes: int, limit_bytes: int) -> None:
        self.size_bytes += size_bytes
        self._gate.held_bytes += size_bytes
        if self.size_bytes > limit_bytes:
            raise _too_large(limit_bytes)
        if self._gate.held_bytes > self._gate.settings.max_held_bytes:
            raise Refusal(429, "the requests that are being served fill this server's memory; come again later", BUSY_S)


def _too_large(limit_bytes: int) -> Refusal:
    return Refusal(413, f"the body may have {limit_bytes:,} bytes; send fewer completions at a time")


def _shown_token(header: str) -> bytes:
    """Return the token of `Bearer TOKEN`, or the password of `Basic ...`, which is what `http://:TOKEN@host` sends."""
    kind, _, value = header.partition(" ")
    value = value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return value.encode("utf-8", "replace") if kind.lower() == "bearer" else b""
