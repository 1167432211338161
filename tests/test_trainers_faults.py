"""What goes wrong on the way to a trainer reaches it as an error or a stand-in: nobody waits for ever."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from grpo_bridge import areal, prime_rl

BROKEN_OFF = b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n{}"
NO_VERDICTS = b"HTTP/1.0 200 OK\r\n\r\n[]"
NO_HTTP = b"hello\r\n\r\n"


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(request.param)
            self.close_connection = True

        def log_message(self, *_args: Any) -> None:
            pass

    monkeypatch.setattr(prime_rl, "PAUSE_S", 0.001)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("VERIFY_URL", f"http://127.0.0.1:{running.server_port}")
        yield
        running.shutdown()


def asked(row: dict[str, Any]) -> float:
    async def ask() -> float:
        return await asyncio.wait_for(prime_rl.reward(row, SimpleNamespace(last_reply="4")), 20)

    return asyncio.run(ask())


@pytest.mark.parametrize("server", [BROKEN_OFF, NO_VERDICTS, NO_HTTP], indirect=True)
def test_prime_rl_hears_of_an_answer_that_is_none(server: None) -> None:
    with pytest.raises(prime_rl.NotJudged):
        asked({"answer": "4"})


@pytest.mark.parametrize("server", [NO_VERDICTS], indirect=True)
@pytest.mark.parametrize("stray", [{1}, float("nan"), object()])
def test_prime_rl_hears_of_a_row_that_cannot_be_sent(server: None, stray: object) -> None:
    with pytest.raises(prime_rl.NotJudged, match="cannot be sent as JSON"):
        asked({"answer": "4", "stray": stray})


def test_areal_gets_its_answer_before_it_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, Any] = {}
    found = areal.kept

    def remembering(task: Any, **given: Any) -> Any:
        settings.update(given)
        return found(task, **given)

    monkeypatch.setattr(areal, "kept", remembering)
    assert areal.RewardFunction("math")("p", "5", answer="5") == 1.0
    assert settings["deadline_s"] < 15  # what AReaL allows, before it makes a 0 of it
