"""What a server is told, and what it refuses to be told."""

from __future__ import annotations

import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from grpo_bridge.remote import TOKEN_VARIABLE
from verifiers.errors import InputError, UsageError

MIN_TOKEN_CHARS = 16
MIB = 2**20


@dataclass(frozen=True)
class Settings:
    """Where a server listens and what it takes.

    Attributes:
        host, port: Where it listens; port 0 = any free one.
        token: What clients must show; empty = nothing, which only a loopback address may do.
        max_body_bytes: Largest request.
        max_held_bytes: Bytes of all requests that are read or judged; more are told to come later.
        max_requests: Requests read or judged at a time.
        max_batch: Most completions of one request.
        max_connections: More are closed at once.
        threads: Requests judged at a time; others wait.
        read_s: Seconds in which a request's head, and then its body, must have come.
        idle_s: Seconds after which an idle connection is closed.
        drain_s: Seconds that requests may take to end once the server is told to stop.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    max_body_bytes: int = 32 * MIB
    max_held_bytes: int = 256 * MIB
    max_requests: int = 256
    max_batch: int = 4096
    max_connections: int = 1024
    threads: int = 16
    read_s: float = 20.0
    idle_s: float = 75.0
    drain_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse a server that anybody could use."""
        if not self.token and not is_loopback(self.host):
            raise UsageError(
                f"--host {self.host} can be reached from other machines, and there is no token: anybody could run "
                f"teachers here. Write one to a file and pass --token-file FILE (or set {TOKEN_VARIABLE}), or listen "
                f"on 127.0.0.1"
            )
        if self.token and (len(self.token) < MIN_TOKEN_CHARS or not self.token.isascii() or " " in self.token):
            raise UsageError(
                f"a token has at least {MIN_TOKEN_CHARS} ASCII characters and no spaces. Make one with: "
                f"python -c 'import secrets; print(secrets.token_urlsafe())' > token.txt"
            )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(file: str | None) -> str:
    """Return the token from its file, or else from VERIFY_TOKEN; empty = there is none.

    Raises:
        InputError: If the file cannot be read.
        UsageError: If it is empty.
    """
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip()
    try:
        token = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--token-file {file}: cannot be read ({error})") from error
    if not token:
        raise UsageError(f"--token-file {file}: the file is empty; it holds the token")
    return token
