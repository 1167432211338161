"""What travels between `verify serve` and its clients: JSON, checked on both sides, never evaluated or unpickled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from verifiers.io.json_text import decode_half_pairs
from verifiers.types import Part, Sample, Status, Verdict
from verifiers.wire import plain

Chat = list[dict[str, Any]]
"""Chat messages."""
SAMPLE_FIELDS = ("completion", "prompt", "reference", "meta", "group")
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)

_M = TypeVar("_M")


class BadMessage(ValueError):
    """A message that is not what it should be; the text says where."""


class SampleMessage(msgspec.Struct):
    """One sample; see `verifiers.types.Sample`."""

    completion: str | Chat
    prompt: str | Chat = ""
    reference: Any = None
    meta: dict[str, Any] = {}
    group: str | int | None = None

    def sample(self) -> Sample:
        """Return it as the engine takes it."""
        return Sample(self.completion, self.prompt, self.reference, self.meta, self.group)


class ScoreRequest(msgspec.Struct):
    """A batch: `samples`, or else lists of equal length as trainers have them.

    Attributes:
        samples: One object for each completion.
        completions: Text or chat messages.
        prompts: As many.
        columns: The data set's other columns, as many entries each; the reference is found by its usual names.
        details: Whether the answer has verdicts and teachers beside rewards.
    """

    samples: list[SampleMessage] | None = None
    completions: list[str | Chat] | None = None
    prompts: list[str | Chat] | None = None
    columns: dict[str, list[Any]] = {}
    details: bool = True


class PartMessage(msgspec.Struct):
    """One piece of a verdict."""

    name: str
    reward: float | None = None
    reason: str = ""
    weight: float = 1.0
    details: dict[str, Any] = {}


class VerdictMessage(msgspec.Struct):
    """A verdict; see `verifiers.types.Verdict`."""

    reward: float | None
    status: str
    reason: str = ""
    answer: str | None = None
    parts: list[PartMessage] = []
    elapsed_s: float = 0.0

    def verdict(self) -> Verdict:
        """Return it as teachers give it.

        Raises:
            BadMessage: If reward and status are not those of a verdict.
        """
        parts = tuple(Part(p.name, p.reward, p.reason, p.weight, p.details) for p in self.parts)
        try:
            return Verdict(self.reward, Status(self.status), self.reason, self.answer, parts, self.elapsed_s)
        except ValueError as error:
            raise BadMessage(str(error)) from error


class ScoreAnswer(msgspec.Struct, omit_defaults=True):
    """What a batch was given, in the order of its samples.

    Attributes:
        rewards: `null` = not judged.
        verdicts: Status, reason, answer and parts of each.
        teachers: Who judged each.
    """

    rewards: list[float | None]
    verdicts: list[VerdictMessage] = []
    teachers: list[str] = []


class OpenRlhfRequest(msgspec.Struct):
    """What OpenRLHF posts to `--remote_rm_url`: `query` is prompt and completion in one text."""

    query: list[str]
    prompts: list[str] = []
    labels: list[Any] | None = None


class SlimeRequest(msgspec.Struct):
    """What slime posts to `--rm-url` for one sample."""

    prompt: str | Chat
    response: str
    label: Any = None


class Info(msgspec.Struct):
    """What a server tells of itself.

    Attributes:
        version: Of this package.
        teachers: By route; `*` = all samples.
        reads: The fields of a sample that they look at; others need not be sent.
        max_body_bytes: Largest request.
        max_batch: Most samples of a request.
    """

    version: str
    teachers: dict[str, str]
    reads: list[str]
    max_body_bytes: int
    max_batch: int


def decode(data: bytes, kind: type[_M]) -> _M:
    """Decode a message.

    Raises:
        BadMessage: If it is no JSON, or not of this kind.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except _UNREADABLE as error:
        loose = decode_half_pairs(data)  # models leave half a surrogate pair behind, which strict JSON refuses
        if loose is None:
            raise BadMessage(_why(error)) from error
    try:
        return msgspec.convert(loose, kind)
    except _UNREADABLE as error:
        raise BadMessage(_why(error)) from error


def _why(error: Exception) -> str:
    return "the JSON is nested too deeply" if isinstance(error, RecursionError) else str(error)


_encode = msgspec.json.Encoder(enc_hook=plain).encode


def encode_sample(sample: Sample, fields: Sequence[str]) -> bytes:
    """Encode the named fields of a sample; a lone surrogate arrives as it was.

    Raises:
        BadMessage: If one is not JSON data.
    """
    value = {name: getattr(sample, name) for name in fields}
    try:
        return _encode(value)
    except UnicodeEncodeError:
        pass
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadMessage(f"not JSON: {error}") from error
    try:
        return json.dumps(plain(value), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadMessage(f"not JSON: {error}") from error
