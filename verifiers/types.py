"""The core values: what is scored (`Sample`) and what a teacher answers (`Verdict`).

Standard library only, so that anything may import this file. All values are immutable and picklable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""Anything that JSON can hold: what references, meta and details are made of."""

Text: TypeAlias = "str | Sequence[Mapping[str, Json]]"
"""Plain text, or chat messages (`{"role": ..., "content": text or content parts}`)."""


class Status(StrEnum):
    """Why a verdict is what it is. The first group was judged, the second was not."""

    CORRECT = "correct"
    """Judged: full marks."""
    INCORRECT = "incorrect"
    """Judged: wrong."""
    PARTIAL = "partial"
    """Judged: some of the marks."""
    UNPARSABLE = "unparsable"
    """Judged, reward 0: the completion holds no answer that can be read."""
    LIMIT_EXCEEDED = "limit_exceeded"
    """Judged, reward 0: the answer ran past its own limits (size, steps, CPU), the same on every machine."""

    BAD_REFERENCE = "bad_reference"
    """Not judged: the reference is missing or cannot be read."""
    BAD_ROW = "bad_row"
    """Not judged: the input row is not a sample (broken JSON, no completion)."""
    DEADLINE_EXCEEDED = "deadline_exceeded"
    """Not judged: the worker was killed at the sample's wall-clock deadline, which depends on the machine."""
    UNAVAILABLE = "unavailable"
    """Not judged: something that the teacher needs is absent (an extra, a sandbox, a server)."""
    FAILED = "failed"
    """Not judged: our own failure; the reason holds the error."""

    @property
    def judged(self) -> bool:
        """Whether a verdict with this status carries a reward."""
        return self in JUDGED


JUDGED = frozenset({Status.CORRECT, Status.INCORRECT, Status.PARTIAL, Status.UNPARSABLE, Status.LIMIT_EXCEEDED})
"""Statuses whose verdict carries a reward; every other one has `reward is None`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One completion to score.

    Attributes:
        completion: What the model answered: text, or chat messages.
        prompt: What it was asked: text, or chat messages.
        reference: The known right answer, tests or rubric; its shape is the teacher's.
        meta: The row's other columns.
        group: Names the prompt that the sample's group shares; `None` = a group of its own.
    """

    completion: Text
    prompt: Text = ""
    reference: Json = None
    meta: Mapping[str, Json] = field(default_factory=dict)
    group: str | int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One named piece of a verdict (a test, a rule, a weighted teacher).

    Attributes:
        name: Unique within the verdict.
        reward: The part's own reward; `None` = not judged.
        reason: Why, in one line.
        weight: Its share in the verdict's reward, where the teacher weighs parts.
        details: Whatever else explains the part (expected, observed, span, CPU seconds).
    """

    name: str
    reward: float | None
    reason: str = ""
    weight: float = 1.0
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A teacher's full answer on one sample.

    Attributes:
        reward: A finite float, or `None` = not judged. `None` exactly when `status` is not a judged one.
        status: See `Status`.
        reason: Which rule decided, in one line for a human.
        answer: The answer found in the completion, if the teacher looks for one.
        parts: Per-part details, in the teacher's order.
        elapsed_s: CPU seconds of work on this sample, queueing excluded.

    Raises:
        ValueError: If reward and status contradict each other, or the reward is not finite.
    """

    reward: float | None
    status: Status
    reason: str = ""
    answer: str | None = None
    parts: tuple[Part, ...] = ()
    elapsed_s: float = 0.0

    def __post_init__(self) -> None:
        """Hold law 1: a reward exactly when judged."""
        if (self.reward is None) == (self.status in JUDGED):
            raise ValueError(f"a verdict with status {self.status.value!r} cannot have reward {self.reward!r}")
        if self.reward is not None and not math.isfinite(self.reward):
            raise ValueError(f"a reward is a finite float or None, not {self.reward!r}")


def text_of(completion: Text) -> str:
    """Return a completion's text: itself, or the text parts of its last assistant message.

    Args:
        completion: Text or chat messages. Content may be a string or a list of parts; parts that are not text
            (images) are passed over.

    Raises:
        TypeError: If it is neither text nor a list of messages.
    """
    if isinstance(completion, str):
        return completion
    if isinstance(completion, Mapping) or not isinstance(completion, Sequence):
        raise TypeError(f"a completion is text or a list of chat messages, not {type(completion).__name__}")
    messages = [m for m in completion if isinstance(m, Mapping)]
    if len(messages) != len(completion):
        raise TypeError("a chat completion is a list of objects with 'role' and 'content'")
    chosen = next((m for m in reversed(messages) if m.get("role") == "assistant"), None)
    if chosen is None:
        chosen = next((m for m in reversed(messages) if "role" not in m), None)
    return _content_text(chosen.get("content")) if chosen is not None else ""


def _content_text(content: Json) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        texts = [part.get("text") if isinstance(part, Mapping) else part for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    raise TypeError(f"a message's content is text or a list of parts, not {type(content).__name__}")
