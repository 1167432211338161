"""Kept-open HTTP connections to one server, with a deadline that holds whatever the server does."""

from __future__ import annotations

import http.client
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from verifiers.dialling import dialled
from verifiers.errors import UsageError
from verifiers.forks import renewed_in_forks
from verifiers.types import Status

MAX_ANSWER_BYTES = 256 * 2**20
MAX_IDLE = 8
"""Connections kept open."""
CONNECT_S = 5.0
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `retry_after_s` is 0 where the server named no pause."""

    status: int
    body: bytes
    retry_after_s: float


class Unreachable(Exception):
    """No answer; `status` says whether the time ran out or the server cannot be spoken to."""

    def __init__(self, text: str, status: Status = Status.UNAVAILABLE) -> None:
        super().__init__(text)
        self.status = status


class Connections:
    """A few open connections that threads take and give back; a fork begins with none.

    Args:
        url: The server's address; a password in it is the token.
        token: Sent as a bearer token; `None` = what the address holds, or nothing.

    Raises:
        UsageError: If the address is none, or the token cannot be sent.
    """

    def __init__(self, url: str, token: str | None) -> None:
        parts, port = _parts(url)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._path = str(parts.hostname), parts.path.rstrip("/")
        self._port = port or (443 if parts.scheme == "https" else 80)
        self.shown = f"{parts.scheme}://{self._host}" + (f":{port}" if port else "")
        token = (unquote(parts.password or "") or token or "").strip()
        if not _is_sendable(token):
            raise UsageError("the server's token holds white space or characters that are not ASCII: it is another one")
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._idle: list[http.client.HTTPConnection] = []
        weakref.finalize(self, _close_all, self._idle)
        self.renew()
        renewed_in_forks(self)

    def renew(self) -> None:
        """Begin without connections: two processes on one would read each other's answers."""
        self._lock = threading.Lock()
        _close_all(self._idle)
        self._busy: dict[http.client.HTTPConnection, float] = {}

    @contextmanager
    def until(self, end_s: float) -> Iterator[float]:
        """Cut off at `end_s` (of the monotonic clock) whatever still waits: a server may send a byte a second."""
        timer = threading.Timer(max(0.0, end_s - time.monotonic()), self._cut, [end_s])
        timer.daemon = True
        timer.start()
        try:
            yield end_s
        finally:
            timer.cancel()

    def _cut(self, end_s: float) -> None:
        with self._lock:
            late = [connection for connection, until_s in self._busy.items() if until_s <= end_s]
        for connection in late:
            if connection.sock is not None:
                with suppress(OSError):  # not SSLSocket's own, which takes the encryption from under a reading thread
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def get(self, path: str, end_s: float) -> Answer:
        """Ask; see `post`."""
        return self._ask("GET", path, None, end_s)

    def post(self, path: str, body: bytes, end_s: float) -> Answer:
        """Send a body and return the answer.

        Raises:
            Unreachable: If there is none by `end_s`.
        """
        return self._ask("POST", path, body, end_s)

    def _ask(self, method: str, path: str, body: bytes | None, end_s: float) -> Answer:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is not None:
            try:
                return self._exchange(connection, method, path, body, end_s)
            except (OSError, http.client.HTTPException):  # the server has closed it meanwhile: a fresh one tells
                self._check_time(end_s)
        try:
            return self._exchange(self._open(end_s), method, path, body, end_s)
        except (OSError, http.client.HTTPException) as error:
            self._check_time(end_s)
            text = f"{self.shown} cannot be reached: {type(error).__name__}: {error}"
            raise Unreachable(text) from error

    def _check_time(self, end_s: float) -> None:
        if time.monotonic() >= end_s:
            raise Unreachable(f"no answer from {self.shown} within the deadline", Status.DEADLINE_EXCEEDED)

    def _open(self, end_s: float) -> http.client.HTTPConnection:
        left_s = max(0.01, min(CONNECT_S, end_s - time.monotonic()))
        made: Any = self._kind(self._host, self._port, timeout=left_s)
        made._create_connection = dialled
        return made  # type: ignore[no-any-return]

    def _exchange(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, end_s: float
    ) -> Answer:
        with self._lock:
            self._busy[connection] = end_s
        kept = False
        try:
            if connection.sock is None:
                connection.connect()
            self._check_time(end_s)  # from here on the socket is there to be cut off
            held: Any = connection.sock
            held.settimeout(max(0.01, end_s - time.monotonic()))
            connection.request(method, self._path + path, body, self._headers)
            response = connection.getresponse()
            data = _read(response)
            kept = not response.will_close
            return Answer(response.status, data, _seconds(response.headers.get("Retry-After")))
        finally:
            self._give_back(connection, kept)

    def _give_back(self, connection: http.client.HTTPConnection, kept: bool) -> None:
        with self._lock:
            self._busy.pop(connection, None)
            if kept and len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _read(response: http.client.HTTPResponse) -> bytes:
    chunks, size = [], 0
    while chunk := response.read(_CHUNK_BYTES):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise http.client.HTTPException(f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes")
    if response.length:
        raise http.client.HTTPException(f"the answer breaks off {response.length:,} bytes before its end")
    return b"".join(chunks)


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0


def _parts(url: str) -> tuple[SplitResult, int | None]:
    """Return an address taken apart, and its port. Errors do not show it: it may hold a token."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise UsageError(f"the server's address is none: {error}. Write http://host:port") from error
    strays = parts.query or parts.fragment or not _is_sendable(parts.path)
    if not host or strays or parts.scheme not in ("http", "https"):
        raise UsageError(f"this is no server's address: {_readable(parts)}. Write http://host:port")
    return parts, port


def _readable(parts: SplitResult) -> str:
    """Return as much of an address as holds no token."""
    return f"{parts.scheme}://{parts.hostname or ''}..." if parts.netloc else "it does not begin with http://"


def _is_sendable(text: str) -> bool:
    """Whether it can stand in a request's head."""
    return text.isascii() and text.isprintable() and " " not in text
