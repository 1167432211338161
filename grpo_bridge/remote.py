"""The client of `verify serve`: a server's address is a task like any other, in every adapter.

    reward = trl_reward("http://scorers:8000")
    scorer = GroupScorer("http://scorers:8000", options={"token": ...}, deadline_s=60)

The token is also taken from the address (`http://:TOKEN@scorers:8000`) or from the variable VERIFY_TOKEN. One call asks
again, with growing pauses, until its deadline; what has no answer by then is not judged, and never 0.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import Any

from grpo_bridge.messages import SAMPLE_FIELDS, BadMessage, Info, ScoreAnswer, decode, encode_sample
from verifiers.connections import Answer, Connections, Unreachable
from verifiers.errors import UsageError
from verifiers.judging import not_judged
from verifiers.types import Sample, Status, Verdict

TOKEN_VARIABLE = "VERIFY_TOKEN"
DEADLINE_S = 120.0
"""For one call, all retries included, unless `deadline_s` says otherwise."""
MAX_BATCH = 512
"""Most samples of one request; a longer call goes in several."""
MAX_BATCH_BYTES = 8 * 2**20
MAX_PARALLEL = 4
"""Requests of one call at a time."""
ASK_AGAIN = frozenset({429, 500, 502, 503, 504})
MAX_SERVER_ERRORS = 3
"""Answers 500 and 502 after which a request is given up: the server fails on it."""
PAUSE_S, MAX_PAUSE_S = 0.1, 5.0
MAX_SHOWN_CHARS = 300


@dataclass(frozen=True)
class _Server:
    """The name under which a server's verdicts are logged."""

    name: str = "remote"


class RemoteEngine:
    """Judges on a server. Safe in threads and forks; connections are kept open.

    Args:
        url: `http://host:port` or `https://...`, with a path where a proxy needs one.
        deadline_s: Wall-clock seconds of one call, all retries included.
        token: The server's; `None` = from the address or from VERIFY_TOKEN.

    Raises:
        UsageError: If the address or the deadline is not allowed.
    """

    teacher = _Server()
    reads = SAMPLE_FIELDS

    def __init__(self, url: str, *, deadline_s: float | None = None, token: str | None = None, **others: Any) -> None:
        if others:
            raise UsageError(f"a server's address takes the option token, not {', '.join(others)}: start the server so")
        self._connections = Connections(url, token or os.environ.get(TOKEN_VARIABLE))
        self.deadline_s = DEADLINE_S if deadline_s is None else deadline_s
        if not 0 < self.deadline_s < float("inf"):
            raise UsageError(f"deadline_s is a number of seconds above 0, not {deadline_s!r}")
        self._info: Info | None = None
        self._is_lost = False

    def quick(self, sample: Sample | Verdict) -> Verdict | None:
        """Leave everything to the server."""
        return sample if isinstance(sample, Verdict) else None

    def settle(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge samples as `score` does."""
        return self.score(samples)

    def score(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge samples: one verdict each, in order, by the deadline."""
        verdicts: list[Verdict | None] = [each if isinstance(each, Verdict) else None for each in samples]
        open_samples = [(index, each) for index, each in enumerate(samples) if isinstance(each, Sample)]
        if open_samples:
            with self._connections.until(time.monotonic() + self.deadline_s) as end_s:
                for index, verdict in self._judged(open_samples, end_s):
                    verdicts[index] = verdict
        return [verdict or not_judged(Status.BAD_ROW, "not a sample") for verdict in verdicts]

    def _judged(self, samples: Sequence[tuple[int, Sample]], end_s: float) -> list[tuple[int, Verdict]]:
        info = self._meet(end_s)
        if isinstance(info, Verdict):
            return [(index, info) for index, _ in samples]
        fields = [name for name in SAMPLE_FIELDS if name == "completion" or name in info.reads]
        done: list[tuple[int, Verdict]] = []
        pieces: list[tuple[int, bytes]] = []
        for index, sample in samples:
            try:
                pieces.append((index, encode_sample(sample, fields)))
            except BadMessage as error:
                done.append((index, not_judged(Status.BAD_ROW, str(error))))
        return [*done, *self._ask_all(_parcels(pieces, info), end_s)]

    def _ask_all(self, parcels: Sequence[Sequence[tuple[int, bytes]]], end_s: float) -> list[tuple[int, Verdict]]:
        if len(parcels) <= 1:
            return [pair for parcel in parcels for pair in self._ask(parcel, end_s)]
        with ThreadPoolExecutor(min(MAX_PARALLEL, len(parcels)), "grpo-teachers-remote") as threads:
            return [pair for found in threads.map(lambda parcel: self._ask(parcel, end_s), parcels) for pair in found]

    def _meet(self, end_s: float) -> Info | Verdict:
        """Return what the server tells of itself, asked once; a verdict = it cannot be had."""
        if self._info is None:
            answer = self._persist(lambda: self._connections.get("/v1/info", end_s), end_s)
            if isinstance(answer, Verdict):
                return answer
            try:
                self._info = decode(answer.body, Info)
            except BadMessage as error:
                return not_judged(Status.UNAVAILABLE, f"{self._connections.shown} is no `verify serve`: {error}")
        return self._info

    def _ask(self, parcel: Sequence[tuple[int, bytes]], end_s: float) -> list[tuple[int, Verdict]]:
        indices = [index for index, _ in parcel]
        body = b'{"samples":[' + b",".join(data for _, data in parcel) + b"]}"
        answer = self._persist(lambda: self._connections.post("/v1/score", body, end_s), end_s)
        if isinstance(answer, Answer) and answer.status == 413 and len(parcel) > 1:
            half = len(parcel) // 2
            return [*self._ask(parcel[:half], end_s), *self._ask(parcel[half:], end_s)]
        if isinstance(answer, Answer) and answer.status != 200:
            answer = not_judged(Status.UNAVAILABLE, f"{self._connections.shown} answered {_shown(answer)}")
        if isinstance(answer, Verdict):
            return [(index, answer) for index in indices]
        return [*zip(indices, self._read(answer.body, len(indices)), strict=True)]

    def _read(self, body: bytes, wanted: int) -> list[Verdict]:
        try:
            found = [message.verdict() for message in decode(body, ScoreAnswer).verdicts]
        except BadMessage as error:
            return [not_judged(Status.FAILED, f"the server's answer cannot be read: {error}")] * wanted
        if len(found) != wanted:
            reason = f"the server gave {len(found)} verdicts for {wanted} samples"
            return [not_judged(Status.FAILED, reason)] * wanted
        return found

    def _persist(self, ask: Callable[[], Answer], end_s: float) -> Answer | Verdict:
        """Ask until there is an answer to keep; once the server was lost for a whole call, ask only once each time."""
        errors = 0
        for attempt in count():
            pause_s = random.uniform(0.5, 1) * min(MAX_PAUSE_S, PAUSE_S * 2 ** min(attempt, 10))
            try:
                answer = ask()
            except Unreachable as error:
                why, status = str(error), error.status
            else:
                errors += answer.status in (500, 502)
                if answer.status not in ASK_AGAIN:
                    self._is_lost = False
                    return answer if answer.status in (200, 413) else _refused(self._connections.shown, answer)
                if errors >= MAX_SERVER_ERRORS:
                    return _refused(self._connections.shown, answer)
                why, status = f"{self._connections.shown} answered {_shown(answer)}", Status.UNAVAILABLE
                pause_s = max(pause_s, min(answer.retry_after_s, MAX_PAUSE_S))
            if self._is_lost or time.monotonic() + pause_s >= end_s:
                self._is_lost = True
                return not_judged(status, f"{why} (tried {attempt + 1} times within {self.deadline_s:g} s)")
            time.sleep(pause_s)
        raise AssertionError("count() has no end")


def _parcels(pieces: Sequence[tuple[int, bytes]], info: Info) -> list[list[tuple[int, bytes]]]:
    """Cut a call into requests within the server's limits and ours."""
    parcels: list[list[tuple[int, bytes]]] = []
    room_bytes = 0
    for index, data in pieces:
        if not parcels or len(data) + 1 > room_bytes or len(parcels[-1]) >= min(MAX_BATCH, info.max_batch):
            parcels.append([])
            room_bytes = min(MAX_BATCH_BYTES, info.max_body_bytes) - len('{"samples":[]}')
        parcels[-1].append((index, data))
        room_bytes -= len(data) + 1
    return parcels


def _refused(server: str, answer: Answer) -> Verdict:
    return not_judged(Status.UNAVAILABLE, f"{server} answered {_shown(answer)}")


def _shown(answer: Answer) -> str:
    text = answer.body[:MAX_SHOWN_CHARS].decode("utf-8", "replace").strip()
    return f"{answer.status}: {text}" if text else str(answer.status)
