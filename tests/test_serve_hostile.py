"""Hostile and broken HTTP clients: each is cut off within bounds, and others are served meanwhile."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from serve_driver import JSON, Running, raw, send, tight

from grpo_bridge.serve.intake import Gate, Refusal
from grpo_bridge.serve.settings import Settings

READ_S = 1.0
LIMIT_BYTES = 200_000
HEAD = b"POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ROWS = {"samples": [{"completion": "4", "reference": "4"}]}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    sizes = {"max_body_bytes": LIMIT_BYTES, "max_held_bytes": 3 * LIMIT_BYTES, "max_connections": 40}
    with tight("math", read_s=READ_S, idle_s=2, **sizes) as found:
        yield found


@pytest.fixture(autouse=True)
def still_serving(server: Running) -> Iterator[None]:
    """After each test, the server answers and holds nothing."""
    yield
    for _ in range(200):
        text = send(server.port, "/metrics").body
        if b"verify_requests 0\n" in text and b"verify_held_bytes 0\n" in text:
            break
        time.sleep(0.02)
    else:
        pytest.fail(f"something is still held: {text!r}")
    assert send(server.port, "/v1/score", ROWS).body["rewards"] == [1.0]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"POST /v1/score HTTP/1.1\r\n",
        HEAD,
        HEAD + b"Content-Length: 100\r\n\r\n",
        HEAD + b'Content-Length: 100\r\n\r\n{"samples"',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hea",
    ],
    ids=["nothing", "line", "head", "no body", "half a body", "half a chunk", "half a second head"],
)
def test_client_when_it_stops_half_way_then_it_is_cut_off(server: Running, data: bytes):
    answer = raw(server.port, data, timeout_s=READ_S * 10)
    assert b"500" not in answer


def test_client_when_it_drips_then_it_is_cut_off(server: Running):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(200):
                connection.sendall(b" ")
                time.sleep(READ_S / 20)
                connection.settimeout(0.001)
                with contextlib.suppress(TimeoutError):
                    if answer := connection.recv(65536):
                        break
        assert answer.startswith(b"HTTP/1.1 408")


def test_client_when_its_head_never_ends_then_it_is_cut_off(server: Running):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(HEAD)
        with pytest.raises(ConnectionError):
            connection.sendall(b"X-Header: " + b"a" * 200_000_000)


def test_client_when_it_announces_too_much_then_413_before_any_of_it_is_read(server: Running):
    answer = raw(server.port, HEAD + b"Connection: close\r\nContent-Length: 99999999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


def test_client_when_it_sends_too_much_in_chunks_then_413(server: Running):
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    head = HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert raw(server.port, head + chunk * 20 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_client_when_its_whole_large_body_is_sent_first_then_it_still_reads_413(server: Running):
    reply = send(server.port, "/v1/score", b" " * 20 * LIMIT_BYTES)
    assert reply.status == 413
    assert "200,000 bytes" in reply.body["error"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 1e3\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n",
    ],
    ids=["tls", "version", "negative", "float", "both lengths", "bad chunk", "websocket"],
)
def test_client_when_it_does_not_speak_http_then_refused(server: Running, data: bytes):
    answer = raw(server.port, data, timeout_s=READ_S * 10)
    assert answer == b"" or answer[9:12] in {b"400", b"408", b"200", b"426"}


def test_client_when_it_opens_too_many_connections_then_more_are_closed_and_later_ones_served(server: Running):
    with contextlib.ExitStack() as held:
        opened = [held.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(60)]
        time.sleep(READ_S / 4)
        closed = 0
        for connection in opened:
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                closed += connection.recv(1) == b""
        assert closed >= 15


def test_client_when_bodies_fill_the_memory_then_429_for_the_next(server: Running):
    def half_a_body(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % LIMIT_BYTES + b" " * (LIMIT_BYTES - 10))

    with contextlib.ExitStack() as held:
        opened = [held.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(3)]
        for connection in opened:
            half_a_body(connection)
        while b"verify_held_bytes 599970" not in send(server.port, "/metrics").body.replace(b"e+05", b""):
            if b"verify_requests 0" in (text := send(server.port, "/metrics").body):
                pytest.fail(text.decode())
            if b"verify_held_bytes 5.9" in text:
                break
        reply = send(server.port, "/v1/score", {"samples": [{"completion": " " * 1000}]})
        assert reply.status == 429
        assert reply.headers["retry-after"] == "1"


def test_client_when_it_leaves_before_the_answer_then_nothing_is_held(server: Running):
    body = json.dumps(ROWS).encode()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_clients_when_slow_ones_hang_on_then_others_are_served_at_once(server: Running):
    with contextlib.ExitStack() as held:
        for _ in range(20):
            held.enter_context(socket.create_connection(("127.0.0.1", server.port))).sendall(HEAD)
        assert send(server.port, "/v1/score", ROWS).body["rewards"] == [1.0]


def test_clients_when_many_ask_at_once_then_each_gets_its_own_answer(server: Running):
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        rows = [{"completion": f"\\boxed{{{number + i}}}", "reference": str(number)} for i in range(3)]
        found[number] = send(server.port, "/v1/score", {"samples": rows}).body["verdicts"]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {n: [v["answer"] for v in verdicts] for n, verdicts in found.items()} == {
        n: [str(n), str(n + 1), str(n + 2)] for n in range(24)
    }


def test_gate_when_draining_or_full_then_says_when_to_come_again():
    gate = Gate(Settings(max_requests=1))
    with gate.enter(), pytest.raises(Refusal, match="come again") as full, gate.enter():
        pass
    gate.is_draining = True
    with pytest.raises(Refusal, match="shutting down") as draining, gate.enter():
        pass
    assert (full.value.status, full.value.headers) == (429, {"Retry-After": "1"})
    assert (draining.value.status, draining.value.headers) == (503, {"Retry-After": "5"})
    assert gate.requests == 0


def test_json_when_it_is_a_crowd_of_tiny_values_then_refused_and_the_server_lives(server: Running):
    body = b'{"samples":[' + b",".join([b'{"completion":""}'] * 10_000) + b"]}"
    assert send(server.port, "/v1/score", body, JSON).status == 413
