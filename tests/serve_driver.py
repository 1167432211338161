"""What the server's tests share: a running `verify serve`, raw requests, and servers that misbehave."""

import http.client
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

TOYS = Path(__file__).with_name("toy_teachers.py")
START = "import sys; from grpo_bridge.serve.command import serve; serve(sys.argv[1:])"
JSON = {"Content-Type": "application/json"}


class Running(NamedTuple):
    """A server process and where it listens."""

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: Any


TIGHT = """
import json, sys
from grpo_bridge.scorer import GroupScorer
from grpo_bridge.serve.running import serve
from grpo_bridge.serve.settings import Settings
say = lambda url: print("serving on", url, file=sys.stderr, flush=True)
serve(GroupScorer(sys.argv[1], max_not_judged=None), Settings(port=0, **json.loads(sys.argv[2])), say)
"""


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Running]:
    """Run `verify serve` on a free port."""
    with _started([sys.executable, "-c", START, "--port", "0", *arguments], environment) as found:
        yield found


@contextmanager
def tight(task: str, **settings: Any) -> Iterator[Running]:
    """Run a server with limits that tests can reach."""
    with _started([sys.executable, "-c", TIGHT, task, json.dumps(settings)], {}) as found:
        yield found


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator[Running]:
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert "serving" in line, line + process.stderr.read()
            yield Running(process, int(line.rsplit(":", 1)[1]))
        finally:
            process.kill()


def toy(name: str) -> str:
    """Return how a toy teacher is named."""
    return f"{TOYS}:{name}"


def send(port: int, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
    """Send one request; a body that is not bytes goes as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    try:
        connection.request("GET" if body is None else "POST", path, data, JSON if headers is None else headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    found = {name.lower(): value for name, value in answer.getheaders()}
    return Reply(answer.status, found, json.loads(text) if found.get("content-type") == "application/json" else text)


def raw(port: int, data: bytes, timeout_s: float = 30) -> bytes:
    """Send bytes and return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(data)
        found = b""
        try:
            while chunk := connection.recv(65536):
                found += chunk
        except ConnectionResetError:
            pass
        return found


@contextmanager
def misbehaving(answer: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """Run a server that reads a request and lets `answer` do what it wants with the connection."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while request := _read_request(self.request):
                answer(self.request, request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """The client may go away at any time."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def http_answer(status: int, body: Any, **headers: str) -> bytes:
    """Return an HTTP answer's bytes."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Length: {len(data)}",
        *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


INFO = {
    "version": "1",
    "teachers": {"*": "toy"},
    "reads": ["completion", "reference"],
    "max_body_bytes": 1 << 20,
    "max_batch": 4,
}
