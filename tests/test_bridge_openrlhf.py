"""OpenRLHF's own SingleTurnAgentExecutor with our file, and over HTTP with our answer.

OpenRLHF is installed without its dependencies but for those that this path imports (transformers, aiohttp): vLLM,
DeepSpeed and flash-attn are not there, and the engine that generates is a stand-in of a few lines.
"""

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from grpo_bridge import openrlhf

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

PROMPT = "Q: 2+3? "


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from grpo_bridge.loop.tiny import tiny_tokenizer

    return tiny_tokenizer([PROMPT, "the answer is 0123456789"])


class Engine:
    """Generates what it was told to, one text after another."""

    def __init__(self, tokenizer: Any, texts: list[str]) -> None:
        self._tokenizer, self._texts = tokenizer, iter(texts)

    async def generate(self, tokens: Any, params: Any, **_others: Any) -> Any:
        text = next(self._texts)
        ids = [*self._tokenizer.encode(text, add_special_tokens=False), self._tokenizer.eos_token_id]
        return SimpleNamespace(outputs=[SimpleNamespace(token_ids=ids, text=text, finish_reason="stop", logprobs=None)])


def executed(url: str, tokenizer: Any, texts: list[str], labels: list[Any]) -> list[dict[str, Any]]:
    from openrlhf.utils.agent import SingleTurnAgentExecutor

    executor, engine = SingleTurnAgentExecutor(url), Engine(tokenizer, texts)
    params = SimpleNamespace(max_tokens=16, logprobs=None)

    async def run() -> list[dict[str, Any]]:
        calls = (executor.execute(PROMPT, label, params, 512, tokenizer, engine) for label in labels)
        return await asyncio.gather(*calls)

    return asyncio.run(run())


def test_the_executor_loads_our_file_and_gets_rewards(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("GRPO_BRIDGE_TASK", "math")
    texts = ["the answer is 5", "the answer is 6", "5"]
    found = executed(openrlhf.__file__, tokenizer, texts, ["5", "5", "5"])
    assert [torch.tensor([each["reward"]]).tolist() for each in found] == [[1.0], [0.0], [1.0]]
    assert [each["extra_logs"]["judged"].flatten()[0].item() for each in found] == [1.0, 1.0, 1.0]


def test_what_was_not_judged_is_no_zero_and_no_none(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRPO_BRIDGE_TASK", "numeric")
    found = executed(openrlhf.__file__, tokenizer, ["5", "5", "6"], ["5", None, "6"])
    assert [float(each["reward"]) for each in found] == [1.0, 1.0, 1.0]
    assert [float(each["extra_logs"]["judged"]) for each in found] == [1.0, 0.0, 1.0]


def test_the_executor_gets_rewards_over_http(tokenizer: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(openrlhf.answer(payload, "math")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/get_reward"
        found = executed(url, tokenizer, ["5", "6"], ["5", "5"])
        server.shutdown()
    assert [each["reward"] for each in found] == [[1.0], [0.0]]
    assert [each["extra_logs"] for each in found] == [{"judged": [1.0]}] * 2
