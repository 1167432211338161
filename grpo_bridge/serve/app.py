"""The web application: paths, their description, and how an error becomes an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from grpo_bridge.messages import Info, OpenRlhfRequest, ScoreAnswer, ScoreRequest, SlimeRequest
from grpo_bridge.scorer import GroupScorer
from grpo_bridge.serve.intake import Gate, Refusal
from grpo_bridge.serve.metrics import CONTENT_TYPE, Metrics
from grpo_bridge.serve.service import Service, Work
from grpo_bridge.serve.settings import Settings
from verifiers import __version__

Answer = Callable[[Request], Awaitable[Response]]

_JSON = "application/json"
_CONTRACTS: tuple[tuple[str, str, str, type, Any], ...] = (
    ("/v1/score", "score", "Judge a batch; null = not judged.", ScoreRequest, ScoreAnswer),
    ("/openrlhf", "openrlhf", "OpenRLHF's --remote_rm_url.", OpenRlhfRequest, dict[str, Any]),
    ("/get_reward", "openrlhf", "The path that OpenRLHF's own server has.", OpenRlhfRequest, dict[str, Any]),
    ("/slime", "slime", "slime's --rm-url.", SlimeRequest, float),
)


class Server:
    """The application with its state.

    Args:
        scorer: Judges; built with `on_failure="mask"` and `max_not_judged=None`.

    Attributes:
        app: For an ASGI server; its requests touch everything else through one event loop.
        gate: Set `is_draining` to refuse new requests.
    """

    def __init__(self, scorer: GroupScorer, settings: Settings) -> None:
        self._settings, self._metrics = settings, Metrics()
        self.gate = Gate(settings)
        self._service = Service(scorer, settings, self._metrics)
        self._threads = ThreadPoolExecutor(settings.threads, "verify-serve")
        self.app = FastAPI(title="verify serve", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
        self._schema: bytes = b""
        self._add_paths()

    def close(self) -> None:
        """End the threads; what they judge is given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _add_paths(self) -> None:
        for path, name, summary, kind, answer in _CONTRACTS:
            described = {"requestBody": _content(kind), "responses": _responses(answer)}
            work: Work = getattr(self._service, name)
            self.app.add_api_route(
                path, self._post(path, work), methods=["POST"], summary=summary, openapi_extra=described, name=path[1:]
            )
        for path, summary, handler in (
            ("/v1/info", "Teachers and limits.", self._get(self._service.info, _JSON)),
            ("/metrics", "Counters for Prometheus.", self._get(self._measured, CONTENT_TYPE)),
            ("/openapi.json", "This description.", self._get(self._described, _JSON)),
            ("/health", "200 = takes requests, 503 = is shutting down; needs no token.", self._health),
        ):
            self.app.add_api_route(path, handler, methods=["GET"], summary=summary, response_class=Response)

    def _post(self, path: str, work: Work) -> Answer:
        async def answer(request: Request) -> Response:
            start_s = time.perf_counter()
            status = 500
            try:
                response = await self._judged(request, work)
                status = response.status_code
            except Refusal as refusal:
                status = refusal.status
                response = _refused(refusal)
            finally:
                self._metrics.add_request(path, status, time.perf_counter() - start_s)
            return response

        return answer

    async def _judged(self, request: Request, work: Work) -> Response:
        self.gate.check(request.headers)
        self.gate.check_json(request.headers)
        with self.gate.enter(), self.gate.body(request) as body:
            data = await body.read()
            answer = await asyncio.get_running_loop().run_in_executor(self._threads, work, data)
        return Response(answer, media_type=_JSON)

    def _get(self, make: Callable[[], bytes], kind: str) -> Answer:
        async def answer(request: Request) -> Response:
            try:
                self.gate.check(request.headers)
            except Refusal as refusal:
                return _refused(refusal)
            return Response(make(), media_type=kind)

        return answer

    async def _health(self, request: Request) -> Response:
        word = "draining" if self.gate.is_draining else "ok"
        return Response(msgspec.json.encode({"status": word}), 503 if self.gate.is_draining else 200, media_type=_JSON)

    def _measured(self) -> bytes:
        return self._metrics.text({"requests": self.gate.requests, "held_bytes": self.gate.held_bytes}).encode()

    def _described(self) -> bytes:
        if not self._schema:
            described = self.app.openapi()
            described.setdefault("components", {})["schemas"] = _schemas()
            described["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            described["security"] = [{"token": []}] if self._settings.token else []
            self._schema = msgspec.json.encode(described)
        return self._schema


def _refused(refusal: Refusal) -> Response:
    body = msgspec.json.encode({"error": str(refusal)})
    return Response(body, refusal.status, headers=refusal.headers, media_type=_JSON)


_KINDS = (ScoreRequest, ScoreAnswer, OpenRlhfRequest, SlimeRequest, Info)


def _schemas() -> dict[str, Any]:
    return msgspec.json.schema_components(_KINDS, ref_template="#/components/schemas/{name}")[1]


def _content(kind: Any) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"} if kind in _KINDS else msgspec.json.schema(kind)
    return {"required": True, "content": {_JSON: {"schema": schema}}}


def _responses(answer: Any) -> dict[str, Any]:
    refusals = {
        "400": "The body is not what this path takes.",
        "401": "The token is missing or wrong.",
        "413": "Too large: send fewer completions at a time.",
        "415": "Not JSON.",
        "429": "Busy: come again after Retry-After seconds.",
        "503": "Shutting down, or not judged yet: come again after Retry-After seconds.",
    }
    described = {status: {"description": text} for status, text in refusals.items()}
    return {"200": {"description": "Judged.", "content": _content(answer)["content"]}, **described}
