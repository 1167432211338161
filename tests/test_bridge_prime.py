"""PyPI's `verifiers`, with which prime-rl's environments are written, asks a server for its rewards.

Its own Task.score runs in a process of its own, without our package of the same name; this process serves.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from grpo_bridge.scorer import GroupScorer
from verifiers.types import Sample

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

TESTS = Path(__file__).parent


@pytest.fixture
def batches() -> list[int]:
    return []


@pytest.fixture
def url(batches: list[int]) -> Iterator[str]:
    scorer = GroupScorer("math", max_not_judged=None)

    class Handler(BaseHTTPRequestHandler):
        """Answers as `verify serve` does at /v1/score; the real one is tested with its own dependencies."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["samples"]
            batches.append(len(asked))
            found = scorer.score([Sample(each["completion"], each["prompt"], each["reference"]) for each in asked])
            told = [{"reward": each.reward, "status": each.status, "reason": each.reason} for each in found]
            self.send_response(200 if self.path == "/v1/score" else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"verdicts": told}).encode())

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def driven(url: str, rows: list[tuple[str, str | None]]) -> list[Any]:
    command = [sys.executable, "-I", str(TESTS / "prime_driver.py"), str(TESTS.parent / "grpo_bridge" / "prime_rl.py")]
    done = subprocess.run(
        command,
        input=json.dumps(rows),
        env={**os.environ, "VERIFY_URL": url},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_a_task_scores_with_a_server_in_one_request(url: str, batches: list[int]) -> None:
    assert driven(url, [("The answer is 5", "5"), ("6", "5")]) == [[1.0, 2.0], [0.0, 2.0]]
    assert batches == [2]


def test_what_was_not_judged_is_an_error_of_the_rollout_and_no_zero(url: str) -> None:
    found = driven(url, [("5", None), ("5", "5")])
    assert "bad_reference" in found[0]
    assert found[1] == [1.0, 2.0]
