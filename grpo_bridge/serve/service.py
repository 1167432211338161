"""What the server does with a body, in a thread: decode, judge, encode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from grpo_bridge.decoded import completion_of, without_endings
from grpo_bridge.messages import BadMessage, Info, OpenRlhfRequest, ScoreRequest, SlimeRequest, decode
from grpo_bridge.scorer import GroupScorer, Judged, group_keys
from grpo_bridge.serve.impute import Imputer
from grpo_bridge.serve.intake import BUSY_S, Refusal
from grpo_bridge.serve.metrics import Metrics
from grpo_bridge.serve.settings import Settings
from verifiers import __version__
from verifiers.errors import UsageError
from verifiers.io.json_text import encode_json
from verifiers.types import Sample

Work: TypeAlias = Callable[[bytes], bytes]
"""A contract: a body in, an answer out."""

_encode = msgspec.json.Encoder().encode
_M = TypeVar("_M")


class Service:
    """The contracts that the server speaks. Safe to use from many threads.

    Args:
        scorer: Judges; its policy for failures is `mask`, and it never stops the server.
    """

    def __init__(self, scorer: GroupScorer, settings: Settings, metrics: Metrics) -> None:
        self._scorer, self._settings, self._metrics = scorer, settings, metrics
        self._imputer = Imputer()

    def info(self) -> bytes:
        """Return what clients need to know."""
        limits = (self._settings.max_body_bytes, self._settings.max_batch)
        return _encode(Info(__version__, self._scorer.teachers, sorted(self._scorer.reads), *limits))

    def score(self, body: bytes) -> bytes:
        """Answer the native contract.

        Raises:
            Refusal: 400 or 413.
        """
        request = _decoded(body, ScoreRequest)
        judged = self._judge(_samples(request, self._scorer), self._settings.max_batch)
        if not request.details:
            return _encode({"rewards": judged.rewards})
        return encode_json({"rewards": judged.rewards, "verdicts": judged.verdicts, "teachers": judged.teachers})

    def openrlhf(self, body: bytes) -> bytes:
        """Answer OpenRLHF's `--remote_rm_url`: a number for each query.

        Raises:
            Refusal: 400, 413, or 503 = ask again.
        """
        request = _decoded(body, OpenRlhfRequest)
        count = len(request.query)
        prompts = request.prompts or [""] * count
        labels = request.labels or [None] * count
        if not len(prompts) == len(labels) == count:
            raise Refusal(400, f"{count} queries, {len(prompts)} prompts, {len(labels)} labels; give one for each")
        samples = [
            Sample(_completion(query, prompt), prompt, label)
            for query, prompt, label in zip(request.query, prompts, labels, strict=True)
        ]
        judged, rewards = self._numbers(samples)
        return _encode(
            {"rewards": rewards, "scores": rewards, "extra_logs": {"judged": [float(r is not None) for r in judged]}}
        )

    def slime(self, body: bytes) -> bytes:
        """Answer slime's `--rm-url`: the bare number of one sample.

        Raises:
            Refusal: 400, 413, or 503 = ask again.
        """
        request = _decoded(body, SlimeRequest)
        _, rewards = self._numbers([Sample(without_endings(request.response), request.prompt, request.label)])
        return _encode(rewards[0])

    def _judge(self, samples: Sequence[Sample], most: int) -> Judged:
        if len(samples) > most:
            raise Refusal(413, f"{len(samples)} completions, and {most} are allowed; send fewer at a time")
        judged = self._scorer.judge(samples)
        self._metrics.add_verdicts(judged.verdicts, judged.teachers)
        return judged

    def _numbers(self, samples: Sequence[Sample]) -> tuple[list[float | None], list[float]]:
        judged = self._judge(samples, self._settings.max_batch)
        names = [(repr(each.prompt), repr(each.completion)) for each in samples]
        rewards = self._imputer.fill(judged.rewards, group_keys(samples), names)
        if rewards is None:
            why = next(verdict.reason for verdict in judged.verdicts if verdict.reward is None)
            raise Refusal(503, f"not judged, and nothing of its group is known yet: {why}", BUSY_S)
        self._metrics.add_imputed(judged.rewards.count(None))
        return judged.rewards, rewards


def _completion(query: str, prompt: str) -> str:
    """Return what the model wrote; of a query in which the prompt cannot be found, all of it."""
    found = completion_of(query, prompt)
    return without_endings(query if found is None else found)


def _decoded(body: bytes, kind: type[_M]) -> _M:
    try:
        return decode(body, kind)
    except BadMessage as error:
        raise Refusal(400, f"the body is not what this path takes: {error}") from error


def _samples(request: ScoreRequest, scorer: GroupScorer) -> list[Sample]:
    if request.samples is not None:
        return [message.sample() for message in request.samples]
    if request.completions is None:
        raise Refusal(400, "give samples: [{completion, prompt, reference}, ...], or completions, prompts and columns")
    prompts = request.prompts or [""] * len(request.completions)
    try:
        return scorer.samples(prompts, request.completions, request.columns)
    except UsageError as error:
        raise Refusal(400, str(error)) from error
