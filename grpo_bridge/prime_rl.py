"""prime-rl, and PyPI's `verifiers` that its environments are written with: a reward that asks `verify serve`.

    python -m grpo_bridge.prime_rl > verify_reward.py                 in an environment with grpo-teachers
    verify serve --task math                                          there; then, in the trainer's environment:
    [env.taskset.task.rewards.verify]
    fn = "verify_reward.py:reward"                                    with VERIFY_URL (and VERIFY_TOKEN) set

PyPI's `verifiers` and the package that grpo-teachers installs have the same import name, so they cannot share an
environment. This file is therefore complete in itself: it needs Python's standard library and nothing else.

What was not judged raises: the rollout is then an error, which prime-rl leaves out of training; it is never 0.

Read and run: verifiers 0.4.0 (PyPI), `v1/task.py`, `v1/utils/loaders.py`; prime-rl 559b447 (August 2026).
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

URL = "http://127.0.0.1:8000"
"""Unless VERIFY_URL says otherwise."""
REFERENCES = ("reference", "answer", "solution", "ground_truth", "target", "label", "labels", "tests")
LINGER_S = 0.005
"""How long a request waits for more samples."""
MAX_BATCH = 256
TIMEOUT_S = 60.0
TRIES = 5
PAUSE_S = 0.5
ASK_AGAIN = (429, 500, 502, 503, 504)


class NotJudged(RuntimeError):
    """A completion that could not be judged: no reward, and no 0 in its place."""


async def reward(task: Any, trace: Any) -> float:
    """Judge a rollout's last reply; `task` is its data, `trace` the rollout.

    Raises:
        NotJudged: If it was not judged, or the server cannot be reached.
    """
    row = task.model_dump(mode="json") if hasattr(task, "model_dump") else dict(task)
    reference = next((row[name] for name in REFERENCES if row.get(name) is not None), None)
    prompt = row.get("prompt")
    sample = {
        "completion": trace.last_reply,
        "prompt": prompt if isinstance(prompt, str) else "",
        "reference": reference,
        "meta": row,
    }
    try:
        encoded = json.dumps(sample, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:  # the others of its batch shall not pay for it
        raise NotJudged(f"the row cannot be sent as JSON: {error}") from error
    verdict = await _gatherer().ask(encoded)
    if verdict["reward"] is None:
        raise NotJudged(f"{verdict['status']}: {verdict.get('reason', '')}")
    return float(verdict["reward"])


class _Gatherer:
    """Sends the samples of a moment in one request."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, asyncio.Future[Any]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, sample: str) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((sample, future))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(LINGER_S, self._send)
        elif len(self._waiting) >= MAX_BATCH:
            self._send()
        return await future

    def _send(self) -> None:
        batch, self._waiting = self._waiting, []
        if batch:
            sending = asyncio.get_running_loop().create_task(self._settle(batch))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _settle(self, batch: list[tuple[str, asyncio.Future[Any]]]) -> None:
        try:
            verdicts = await asyncio.to_thread(_post, [sample for sample, _ in batch])
        except BaseException as error:  # whatever it is, each rollout must hear of it: none may wait for ever
            for _, future in batch:
                if not future.done():
                    future.set_exception(NotJudged(str(error) or repr(error)))
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), verdict in zip(batch, verdicts, strict=True):
            if not future.done():
                future.set_result(verdict)


_gatherers: dict[int, tuple[asyncio.AbstractEventLoop, _Gatherer]] = {}


def _gatherer() -> _Gatherer:
    """Return this event loop's; those of closed loops are dropped."""
    loop = asyncio.get_running_loop()
    for key in [key for key, (other, _) in _gatherers.items() if other.is_closed()]:
        del _gatherers[key]
    return _gatherers.setdefault(id(loop), (loop, _Gatherer()))[1]


def _post(samples: list[str]) -> list[Mapping[str, Any]]:
    url = os.environ.get("VERIFY_URL", URL).rstrip("/") + "/v1/score"
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("VERIFY_TOKEN", "").strip():
        headers["Authorization"] = f"Bearer {token}"
    body = f'{{"samples":[{",".join(samples)}]}}'
    request = urllib.request.Request(url, body.encode(), headers)
    why = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S * 2**attempt)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                verdicts = json.loads(answer.read())["verdicts"]
        except urllib.error.HTTPError as error:
            why = f"{url} answered {error.code}: {error.read(300).decode('utf-8', 'replace')}"
            if error.code not in ASK_AGAIN:
                break
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            why = f"{url}: {error!r}"
        else:
            if len(verdicts) == len(samples):
                return list(verdicts)
            why = f"{url} gave {len(verdicts)} verdicts for {len(samples)} samples"
            break
    raise NotJudged(f"{why}. Is `verify serve` running there? VERIFY_URL names it")


if __name__ == "__main__":
    from pathlib import Path

    print(Path(__file__).read_text(encoding="utf-8"), end="")
