"""Servers of reward models on loopback that speak as vLLM, SGLang, TEI and OpenRLHF do."""

import json
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ScoreIds = Callable[[Sequence[int]], float]
ScoreText = Callable[[str], float]


@dataclass
class Served:
    """What a server is, and what it was asked.

    `faults` are (status, body) given instead of answers, one after another.
    """

    kind: str
    of_text: ScoreText
    of_ids: ScoreIds | None = None
    after: Callable[[float], float] = float
    has_activation: bool = False
    max_batch: int = 10**9
    faults: list[tuple[int, bytes]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    delay_s: float = 0.0
    url: str = ""

    def info(self, path: str) -> dict[str, Any] | None:
        own = {
            "tei": ("/info", {"model_type": {"classifier": {}}, "max_client_batch_size": 32}),
            "sglang": ("/get_model_info", {"model_path": "my-rm"}),
            "vllm": ("/v1/models", {"object": "list", "data": [{"id": "my-rm", "owned_by": "vllm"}]}),
        }
        known, body = own.get(self.kind, ("", {}))
        return body if path == known else None

    def scored(self, each: Any) -> float:
        if isinstance(each, str):
            return self.after(self.of_text(each))
        if self.of_ids is None:
            raise ValueError("this server takes text")
        return self.after(self.of_ids(each))

    def answer(self, path: str, asked: dict[str, Any]) -> Any:
        if self.kind == "vllm" and path == "/classify":
            assert asked["model"] == "my-rm"
            squash = self.has_activation or asked.get("use_activation", True)
            rows = [self.scored(each) for each in self.limited(asked["input"])]
            rows = [1 / (1 + math.exp(-row)) if squash else row for row in rows]
            data = [{"index": i, "label": None, "probs": [row], "num_classes": 1} for i, row in enumerate(rows)]
            return {"object": "list", "data": data[::-1]}
        if self.kind == "sglang" and path == "/classify":
            rows = [self.scored(each) for each in self.limited(asked.get("input_ids") or asked["text"])]
            return [{"embedding": [row], "meta_info": {}} for row in rows]
        if self.kind == "tei" and path == "/predict":
            assert asked["raw_scores"] is True
            return [[{"score": self.scored(each), "label": "LABEL_0"}] for (each,) in self.limited(asked["inputs"])]
        if self.kind == "openrlhf" and path == "/get_reward":
            assert len(asked["prompts"]) == len(asked["query"])
            rows = [self.scored(each) for each in self.limited(asked["query"])]
            return {"rewards": rows, "scores": rows, "extra_logs": {}}
        raise FileNotFoundError(path)

    def limited(self, rows: list[Any]) -> list[Any]:
        if len(rows) > self.max_batch:
            raise ValueError(f"batch size {len(rows)} > maximum allowed batch size {self.max_batch}")
        return rows


@contextmanager
def serving(served: Served) -> Iterator[Served]:
    """Run a server on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = served.info(self.path)
            self.reply(200 if body is not None else 404, json.dumps(body or {"error": "none"}).encode())

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            served.requests.append(asked)
            threading.Event().wait(served.delay_s)
            if served.faults:
                self.reply(*served.faults.pop(0))
                return
            try:
                self.reply(200, json.dumps(served.answer(self.path, asked)).encode())
            except FileNotFoundError:
                self.reply(404, b"no such path")
            except ValueError as error:
                self.reply(422, str(error).encode())

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *about: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
