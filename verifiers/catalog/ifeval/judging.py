"""Judge a completion against a list of instructions: what the teachers `ifeval` and `ifbench` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from verifiers.catalog.ifeval.answer import Answer, Count, loosened, normalised
from verifiers.catalog.ifeval.kinds import BadArgument, Kind, Seen, Unjudged
from verifiers.catalog.ifeval.matching import is_bounded
from verifiers.errors import MissingExtra
from verifiers.segment import final_span
from verifiers.teacher import BaseTeacher
from verifiers.types import Json, Part, Sample, Status, Text, Verdict, text_of

MAX_CHARS = 100_000
"""A longer answer follows nothing: limit exceeded."""
LOOSE_AT_ONCE_CHARS = 25_000
"""A longer answer's loose variants, up to seven texts, are read in a worker: some texts cost 200 ms."""
MAX_INSTRUCTIONS = 100
"""Most instructions of one reference."""
KEPT_REFERENCES = 4_096
"""References whose reading is kept, so that each is read once for its group."""
LOOSELY = "only loosely"
"""Said of what only an answer without asterisks, first or last line follows: the strict verdict would be 0."""
SHOWN_REASONS = 3
"""Most unfollowed instructions that a verdict's reason explains; its parts explain all."""

_PROMPT_ARGUMENT = "prompt_to_repeat"
_IDS = ("instruction_id_list", "instruction_id")
_NOTHING = Seen(False, "an answer", "nothing")


@dataclass(frozen=True)
class Options:
    """Options of the teachers of instruction following.

    Attributes:
        mode: robust (the right verdict on the text after the thinking) or compat (the official checker's verdict on
            the whole completion).
        strictness: strict, or loose (also tries the answer without asterisks, without its first line, without its
            last, as the official loose score does).
        reward: all (1.0 when every instruction is followed, else 0.0) or fraction (the share that is followed).
    """

    mode: Literal["robust", "compat"] = "robust"
    strictness: Literal["strict", "loose"] = "strict"
    reward: Literal["all", "fraction"] = "all"


class Instruction(NamedTuple):
    """One instruction of a reference.

    Attributes:
        name: Its id; a second one of the same kind is numbered.
        kind: What checks it.
        args: Its arguments.
        bounded: Whether the check runs no regular expression of the reference that might run long.
    """

    name: str
    kind: Kind
    args: Mapping[str, Any]
    bounded: bool


class InstructionTeacher(BaseTeacher):
    """A teacher of instruction following.

    Attributes:
        kinds: The kinds that it knows, by id.
    """

    kinds: ClassVar[Mapping[str, Kind]] = {}
    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "prompt")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._robust = options.mode == "robust"
        self._strict = options.strictness == "strict"
        self._read = lru_cache(maxsize=KEPT_REFERENCES)(self._read_reference)

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge at once, unless the reference's expressions, or loose variants of a long answer, might run long."""
        return self._judge(sample, anything=False)

    def judge(self, sample: Sample) -> Verdict:
        """Judge whatever it takes (in a worker)."""
        verdict = self._judge(sample, anything=True)
        if verdict is None:
            raise AssertionError("judge() decides every sample")
        return verdict

    def _judge(self, sample: Sample, anything: bool) -> Verdict | None:
        try:
            instructions = self._instructions(sample)
        except BadArgument as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        if not (anything or self._robust or all(each.bounded for each in instructions)):
            return None
        text = text_of(sample.completion)
        if self._robust:
            span = final_span(text)
            if span is None:
                return Verdict(0.0, Status.UNPARSABLE, "the thinking never ends: there is no answer")
            text = text[slice(*span)]
        if len(text) > MAX_CHARS:
            return Verdict(0.0, Status.LIMIT_EXCEEDED, f"an answer of {len(text)} characters; at most {MAX_CHARS}")
        if not (anything or self._strict or len(text) <= LOOSE_AT_ONCE_CHARS):
            return None
        text = normalised(text) if self._robust else text
        return self._checked(instructions, text)

    def _checked(self, instructions: tuple[Instruction, ...], text: str) -> Verdict:
        try:
            answers = [Answer(text, self._robust)] if text.strip() else []
            seen = [self._seen(each, answers) for each in instructions]
        except Unjudged as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        except MissingExtra as error:
            return Verdict(None, Status.UNAVAILABLE, str(error))
        return self._verdict(instructions, seen)

    def _seen(self, instruction: Instruction, answers: list[Answer]) -> Seen:
        """Check one instruction; `answers` grows by the loose variants when the first is not enough."""
        check = instruction.kind.right if self._robust else instruction.kind.official
        if not answers:
            return _NOTHING
        first = check(answers[0], instruction.args)
        if first.followed or self._strict:
            return first
        found = (check(each, instruction.args) for each in self._others(instruction, answers))
        followed = next((each for each in found if each.followed), None)
        return followed._replace(observed=f"{followed.observed} ({LOOSELY})") if followed else first

    def _others(self, instruction: Instruction, answers: list[Answer]) -> list[Answer]:
        """Return the loose variants that may follow what the first answer does not."""
        known = instruction.kind.parts_hopeless if self._robust else None
        hopeless = known is not None and known(answers[0], instruction.args)
        if hopeless and "*" not in answers[0].text:
            return []
        if len(answers) == 1:
            kept: dict[tuple[Count, str], int] = {}
            answers += [Answer(text, self._robust, kept) for text in loosened(answers[0].text)]
        return answers[1:2] if hopeless else answers[1:]  # the second is the one without asterisks

    def _verdict(self, instructions: tuple[Instruction, ...], seen: list[Seen]) -> Verdict:
        parts = tuple(map(_part, instructions, seen))
        failed = [part for part in parts if not part.reward]
        if not failed:
            return Verdict(1.0, Status.CORRECT, f"all {len(parts)} instructions followed", parts=parts)
        told = "; ".join(f"{part.name}: {part.reason}" for part in failed[:SHOWN_REASONS])
        reason = f"{len(failed)} of {len(parts)} instructions not followed: {told}"
        reward = (len(parts) - len(failed)) / len(parts) if self.options.reward == "fraction" else 0.0
        return Verdict(reward, Status.PARTIAL if reward else Status.INCORRECT, reason, parts=parts)

    def _instructions(self, sample: Sample) -> tuple[Instruction, ...]:
        """Return the reference's instructions.

        Raises:
            BadArgument: If the reference cannot be read; the text says what is wrong.
        """
        reference = sample.reference
        if reference is None or reference == "":
            raise BadArgument("there is no reference: it holds instruction_id_list and kwargs")
        try:
            encoded = reference if isinstance(reference, str) else msgspec.json.encode(reference)
        except (TypeError, ValueError) as error:
            raise BadArgument(f"the reference is no JSON: {error}") from error
        repeats = ("repeat" if isinstance(encoded, str) else b"repeat") in encoded  # type: ignore[operator]
        return self._read(encoded, _prompt_text(sample.prompt) if repeats else "")

    def _read_reference(self, encoded: str | bytes, prompt: str) -> tuple[Instruction, ...]:
        content = _decoded(encoded)  # of plain types, which are told apart faster than by their protocols
        if isinstance(content, list) and len(content) == 1:
            content = content[0]
        if not isinstance(content, dict):
            raise BadArgument(
                f"the reference is a JSON object with instruction_id_list and kwargs, not {content!r:.80}"
            )
        ids = content[_IDS[0]] if _IDS[0] in content else content.get(_IDS[1])
        kwargs = content.get("kwargs")
        kwargs = _decoded(kwargs) if isinstance(kwargs, str) else kwargs
        return self._bound(_id_list(ids), kwargs, prompt)

    def _bound(self, ids: list[str], kwargs: Json, prompt: str) -> tuple[Instruction, ...]:
        kwargs = [{}] * len(ids) if kwargs is None else kwargs
        if not isinstance(kwargs, list) or len(kwargs) != len(ids):
            raise BadArgument(f"kwargs is a list of {len(ids)} objects, one for each instruction, not {kwargs!r:.80}")
        return tuple(self._instruction(ids, at, given or {}, prompt) for at, given in enumerate(kwargs))

    def _instruction(self, ids: list[str], at: int, given: Json, prompt: str) -> Instruction:
        kind = self.kinds.get(ids[at])
        if kind is None:
            raise BadArgument(f"unknown instruction id {ids[at]!r:.80}; known are {', '.join(sorted(self.kinds))}")
        if not isinstance(given, dict):
            raise BadArgument(f"kwargs of {kind.id} is an object, not {given!r:.80}")
        if _PROMPT_ARGUMENT in kind.readers and given.get(_PROMPT_ARGUMENT) is None and prompt:
            given = {**given, _PROMPT_ARGUMENT: prompt}
        try:
            args = kind.read(given)
        except BadArgument as error:
            raise BadArgument(f"{kind.id} {error}") from error
        before = ids[:at].count(kind.id)
        return Instruction(
            f"{kind.id}#{before + 1}" if before else kind.id, kind, args, self._robust or _is_bounded(kind, args)
        )


def _part(instruction: Instruction, seen: Seen) -> Part:
    reason = f"expected {seen.expected}; observed {seen.observed}"
    details = {"expected": seen.expected, "observed": seen.observed}
    return Part(instruction.name, 1.0 if seen.followed else 0.0, reason, 1.0, details)


def _decoded(encoded: str | bytes) -> Json:
    try:
        value: Json = msgspec.json.decode(encoded)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadArgument(f"the reference is no JSON: {error}") from error
    return value


def _id_list(ids: Json) -> list[str]:
    ids = [ids] if isinstance(ids, str) else ids
    if not isinstance(ids, list) or not 1 <= len(ids) <= MAX_INSTRUCTIONS:
        raise BadArgument(f"instruction_id_list is a list of 1 to {MAX_INSTRUCTIONS} ids, not {ids!r:.80}")
    names = [each for each in ids if isinstance(each, str)]
    if len(names) < len(ids):
        raise BadArgument(f"instruction_id_list holds ids as text, not {ids!r:.80}")
    return names


def _prompt_text(prompt: Text) -> str:
    return prompt if isinstance(prompt, str) else _last_user_text(prompt)


def _last_user_text(messages: Sequence[Mapping[str, Json]]) -> str:
    asked = [message for message in messages if message.get("role") == "user"]
    return text_of([{**asked[-1], "role": "assistant"}]) if asked else ""


def _is_bounded(kind: Kind, args: Mapping[str, Any]) -> bool:
    """Whether the texts that the official check takes for regular expressions are searched for in linear time."""
    if not kind.patterns:
        return True
    taken = [args[name] for name in kind.patterns]
    return all(is_bounded([each] if isinstance(each, str) else each) for each in taken)
