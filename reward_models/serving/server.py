"""A reward model behind an address, as the batcher sees it: batches, retries, a deadline, and a parity probe."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reward_models.serving.dialects import DIALECTS, Dialect, Way, Written, read_outputs
from reward_models.serving.engine import Ask, Marked, NotAnswered, Refused
from reward_models.serving.parity import mismatch
from reward_models.serving.plan import token_batches
from reward_models.serving.scale import Scale
from verifiers.connections import Answer, Connections, Unreachable
from verifiers.types import Status

ASK_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
TOO_MUCH = frozenset({400, 413, 422, 424})
"""Answers that may be due to one row, or to too many: the batch is halved until it is known which."""
MAX_SERVER_ERRORS = 3
"""Answers 500 after which a batch is given up: the server fails on it."""
PAUSE_S, MAX_PAUSE_S = 0.1, 5.0
ATTEMPTS_IN_SILENCE = 4
"""Then, after about a second, it is said that a server is waited for."""
MAX_CHARS = 2_000_000
"""Most characters of one request."""
MEET_S = 60.0
"""How long a server may take to start, where a batch may take as long."""
MAX_SHOWN_CHARS = 300

_log = logging.getLogger("reward_models")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server is asked.

    Attributes:
        kind: vllm, sglang, tei, openrlhf, or auto = find out.
        name: The model's name on the server; empty = the first one that it lists.
        batch: Most answers of one request.
        parallel: Requests at the same time.
        deadline_s: Wall-clock seconds of one batch, all retries included.
        tolerance: See `parity.mismatch`.
    """

    kind: str
    name: str
    batch: int
    parallel: int
    deadline_s: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Parity:
    """What the card says of some texts.

    Attributes:
        asks: The texts.
        expected: The checkpoint's raw scores of them.
        scale: What the model's numbers mean.
    """

    asks: tuple[Ask, ...]
    expected: tuple[float, ...]
    scale: Scale


Writer = Callable[[Sequence[Ask]], list[Written]]


class TooLate(NotAnswered):
    """The server gave no answer to keep before the deadline."""


class ServerEngine:
    """Asks a server. Made by `meet`."""

    def __init__(
        self, connections: Connections, settings: ServerSettings, write: Writer, dialect: Dialect, model: str
    ) -> None:
        self.lanes = settings.parallel
        self._connections, self._settings, self._write = connections, settings, write
        self._dialect, self._model, self.way = dialect, model, dialect.ways[-1]

    def prepare(self, asks: Sequence[Ask]) -> list[Written]:
        """Write the answers as the model read them in training."""
        return self._write(asks)

    def plan(self, items: Sequence[Written]) -> list[list[int]]:
        """Put answers of like length together."""
        return token_batches([len(each.text) for each in items], MAX_CHARS, self._settings.batch)

    def run(self, lane: int, items: Sequence[Written]) -> Sequence[Marked | Exception]:
        """Score one batch by its deadline."""
        start_s = time.monotonic()
        with self._connections.until(start_s + self._settings.deadline_s) as end_s:
            answers = self._asked(items, self.way, end_s)
        each_s = (time.monotonic() - start_s) / len(items)
        return [
            each
            if isinstance(each, Exception)
            else Marked(each, len(item.ids), item.truncated, each_s, item.response_truncated)
            for item, each in zip(items, answers, strict=True)
        ]

    def _asked(self, items: Sequence[Written], way: Way, end_s: float) -> list[tuple[float, ...] | Exception]:
        body = json.dumps(way.write(items, self._model)).encode()
        answer = persist(lambda: self._connections.post(self._dialect.path, body, end_s), end_s, self.shown)
        if answer.status in TOO_MUCH and len(items) > 1:
            half = len(items) // 2
            answers = self._asked(items[:half], way, end_s)
            try:
                return [*answers, *self._asked(items[half:], way, end_s)]
            except TooLate as error:  # what was answered stays
                return [*answers, *[error] * (len(items) - half)]
        if answer.status != 200:
            return [NotAnswered(f"{self.shown}{self._dialect.path} answered {_shown(answer)}")] * len(items)
        try:
            return [*read_outputs(self._dialect, json.loads(answer.body), len(items))]
        except (ValueError, RecursionError) as error:
            reason = f"{self.shown}{self._dialect.path}: {error}: {_shown(answer)}"
            return [NotAnswered(reason, Status.FAILED)] * len(items)

    @property
    def shown(self) -> str:
        """The address, for messages."""
        return self._connections.shown

    def settle(self, parity: Parity | None, has_ids: bool, end_s: float) -> None:
        """Choose how to ask: the first way that gives the card's scores; without a card, the first that is possible.

        Raises:
            Refused: If it gives others.
            NotAnswered: If it gives none: it may be starting, or be of another kind.
        """
        ways = [way for way in self._dialect.ways if has_ids or not way.needs_ids]
        if parity is None:
            self.way = ways[0]
            return
        items, told, has_scores = self._write(parity.asks), "", False
        for way in ways:
            answers = self._asked(items, way, end_s)
            lost = next((each for each in answers if isinstance(each, Exception)), None)
            if isinstance(lost, TooLate):
                raise lost
            has_scores = has_scores or lost is None
            fault = str(lost) if lost is not None else self._fault(answers, parity)
            if not fault:
                self.way = way
                return
            told += f"\n  asked with {way.told}: {fault}"
        if not has_scores:
            raise NotAnswered(f"{self.shown} gives no scores of the card's texts, and is asked again:{told}")
        advice = f"\n{self._dialect.advice}." if "sigmoid" in told or "softmax" in told else ""
        raise Refused(
            f"{self.shown} does not serve this model: it differs from the scores in its card.{told}{advice}\n"
            "Serve the checkpoint itself, unchanged; or, if this is what you want, set parity=off"
        )

    def _fault(self, answers: Sequence[Any], parity: Parity) -> str:
        try:
            found = [parity.scale.raw(outputs) for outputs in answers]
        except ValueError as error:
            return str(error)
        return mismatch(found, parity.expected, parity.scale.std, self._settings.tolerance)


def meet(
    connections: Connections, settings: ServerSettings, write: Writer, has_ids: bool, parity: Parity | None
) -> ServerEngine:
    """Find out what the server is, and whether it gives the scores that it should.

    Raises:
        Refused: If it does not, or is none that we know.
        NotAnswered: If it cannot be reached.
    """
    with connections.until(time.monotonic() + min(MEET_S, settings.deadline_s)) as end_s:
        kind = settings.kind if settings.kind != "auto" else _kind(connections, end_s)
        name = settings.name or (_model_name(connections, end_s) if kind == "vllm" else "")
        engine = ServerEngine(connections, settings, write, DIALECTS[kind], name)
        engine.settle(parity, has_ids, end_s)
    checked = "its scores are the card's" if parity is not None else "its scores were not compared with a card"
    _log.info("%s is a %s server, asked with %s; %s", connections.shown, kind, engine.way.told, checked)
    return engine


def _kind(connections: Connections, end_s: float) -> str:
    """Ask a server what it is, by what only one kind answers."""
    for path, field, kind in (
        ("/info", "model_type", "tei"),
        ("/get_model_info", "model_path", "sglang"),
        ("/v1/models", "data", "vllm"),
    ):
        answer = persist(lambda path=path: connections.get(path, end_s), end_s, connections.shown)  # type: ignore[misc]
        if answer.status == 200 and field in _json_object(answer.body):
            return kind
    return "openrlhf"


def _model_name(connections: Connections, end_s: float) -> str:
    answer = persist(lambda: connections.get("/v1/models", end_s), end_s, connections.shown)
    models = _json_object(answer.body).get("data")
    return str(models[0].get("id", "")) if isinstance(models, list) and models and isinstance(models[0], dict) else ""


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def persist(ask: Callable[[], Answer], end_s: float, server: str) -> Answer:
    """Ask, with growing pauses, until there is an answer to keep.

    Raises:
        TooLate: If there is none by `end_s`.
    """
    errors, attempt = 0, 0
    while True:
        pause_s = random.uniform(0.5, 1) * min(MAX_PAUSE_S, PAUSE_S * 2**attempt)
        attempt += 1
        try:
            answer = ask()
        except Unreachable as error:
            why, status = str(error), error.status
        else:
            errors += answer.status == 500
            if answer.status not in ASK_AGAIN or errors >= MAX_SERVER_ERRORS:
                return answer
            why, status = f"{server} answered {_shown(answer)}", Status.UNAVAILABLE
            pause_s = max(pause_s, min(answer.retry_after_s, MAX_PAUSE_S))
        if attempt == ATTEMPTS_IN_SILENCE:
            _log.warning("%s; asking again for up to %.0f s", why, end_s - time.monotonic())
        if time.monotonic() + pause_s >= end_s:
            raise TooLate(f"{why} (tried {attempt} times)", status)
        time.sleep(pause_s)


def _shown(answer: Answer) -> str:
    text = answer.body[:MAX_SHOWN_CHARS].decode("utf-8", "replace").strip()
    return f"{answer.status}: {text}" if text else str(answer.status)
