"""The contract suite's service in a worker: ask a teacher, and watch what it does besides answering."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from verifiers.binding import rebuild
from verifiers.hostile import ENV_CANARY
from verifiers.judging import checked, from_error, judge_batch
from verifiers.teacher import BaseTeacher, Teacher
from verifiers.types import Sample, Verdict
from verifiers.wire import pack_sample, pack_verdict, unpack_sample, unpack_verdict

SERVICE = f"{__name__}:serve"
"""The workers' factory."""
FIELDS = ("completion", "prompt", "reference", "meta")
MAX_REPLY_BYTES = 2**26

Mode: TypeAlias = Literal["score", "quick"]


class Question(msgspec.Struct, array_like=True):
    """What is asked: `score` of the whole batch, or `quick` of each sample.

    Attributes:
        config: Made by `bind`: which teacher.
        samples: Packed.
    """

    mode: Mode
    config: bytes
    samples: list[bytes]


class Answer(msgspec.Struct, array_like=True):
    """What came of it.

    Attributes:
        verdicts: Packed; `None` where `quick` left it to a worker.
        notes: What the teacher did that it must not do.
    """

    verdicts: list[bytes | None]
    notes: list[str]


def question(mode: Mode, config: bytes, samples: Sequence[Sample]) -> bytes:
    """Encode a question."""
    return msgspec.msgpack.encode(Question(mode, config, [pack_sample(sample, FIELDS) for sample in samples]))


def read_answer(data: bytes) -> tuple[list[Verdict | None], list[str]]:
    """Decode an answer into verdicts and notes."""
    answer = msgspec.msgpack.decode(data, type=Answer)
    return [None if packed is None else unpack_verdict(packed) for packed in answer.verdicts], answer.notes


def serve(_config: bytes) -> Callable[[bytes], bytes]:
    """Return the service from a question to its answer."""
    teachers = lru_cache(maxsize=64)(rebuild)

    def service(request: bytes) -> bytes:
        asked = msgspec.msgpack.decode(request, type=Question)
        return msgspec.msgpack.encode(_answer(asked, teachers(asked.config)))

    return service


def _answer(asked: Question, teacher: Teacher) -> Answer:
    samples = [unpack_sample(data) for data in asked.samples]
    os.environ.pop(ENV_CANARY, None)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        verdicts = _quick(teacher, samples) if asked.mode == "quick" else list(judge_batch(teacher, samples))
    notes = []
    if [pack_sample(sample, FIELDS) for sample in samples] != asked.samples:
        notes.append("changed a sample")
    if os.environ.pop(ENV_CANARY, None) is not None:
        notes.append("evaluated a completion or reference: it set an environment variable")
    if printed.getvalue():
        notes.append(f"printed {printed.getvalue()[:60]!r}")
    packed: list[bytes | None] = []
    for verdict in verdicts:
        try:
            packed.append(None if verdict is None else pack_verdict(verdict))
            pickle.dumps(verdict)
        except (ValueError, TypeError, AttributeError, pickle.PicklingError) as error:
            notes.append(f"gave a verdict that cannot be sent: {error}")
            packed.append(pack_verdict(from_error(error, "sending the verdict")))
    return Answer(packed[: len(verdicts)], notes)


def _quick(teacher: Teacher, samples: Sequence[Sample]) -> list[Verdict | None]:
    if not isinstance(teacher, BaseTeacher):
        return [None] * len(samples)
    found: list[Verdict | None] = []
    for sample in samples:
        try:
            answer = teacher.quick(sample)
        except MemoryError:
            raise
        except Exception as error:  # a teacher may raise anything; the verdict tells what
            found.append(from_error(error, "quick()"))
        else:
            found.append(None if answer is None else checked(answer, 0.0))
    return found
