r"""The form of a completion: tags in order, real thinking, a real answer. By default one think, then one answer part.

Accepts tags of any name, order and number, a tag opened by the prompt's template, and answers that are text, one box,
one code block, JSON only, or ReAct steps. Reward 1.0 if every part holds, else 0.0. Needs no reference.

Refuses what only looks like the form: empty, padded, looping or filler-only thinking, echoes of the template or prompt,
tags that are nested, repeated, misspelt or laced with invisible characters, an answer inside the thinking, text
outside.

Known limits: it does not judge whether the thinking is right or about the question; random words pass. A thinking part
that quotes the tags themselves is refused, since parsers downstream would be misled.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import ClassVar

from verifiers.catalog.format.cases import CASES
from verifiers.catalog.format.forms import fault_of
from verifiers.catalog.format.options import PRESETS, THINKING_NAMES, Options
from verifiers.catalog.format.shape import Cut, Misshapen, cut
from verifiers.catalog.format.substance import hollow_answer, hollow_thinking, moved_reasoning
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Part, Sample, Status, Text, Verdict, text_of

__all__ = ["CASES", "FormatTeacher"]

SHOWN = 200
"""Longest answer that a verdict quotes, in characters."""
MAX_CHARS = 16_777_216
"""Longest completion that is read."""


@teacher(version="1", options=Options, presets=PRESETS)
class FormatTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "prompt", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options
        if not options.column:  # then no other column decides
            vars(self)["reads"] = ("completion", "prompt")

    def quick(self, sample: Sample) -> Verdict:
        """Judge; linear time whatever the completion."""
        options = self.options
        if options.column:
            preset = sample.meta.get(options.column)
            if not isinstance(preset, str) or preset not in PRESETS:
                allowed = ", ".join(PRESETS)
                reason = f"column {options.column!r} names the preset {str(preset)[:40]!r}; allowed: {allowed}"
                return Verdict(None, Status.BAD_REFERENCE, reason)
            options = _with_preset(options, preset)
        text = text_of(sample.completion)
        if len(text) > MAX_CHARS:
            return Verdict(0.0, Status.LIMIT_EXCEEDED, f"the completion has more than {MAX_CHARS} characters")
        return _judged(text, _prompt_text(sample.prompt), options)

    def judge(self, sample: Sample) -> Verdict:
        """Judge as `quick` does."""
        return self.quick(sample)

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return each part's finding."""
        verdict = self.quick(sample)
        steps = [(part.name, part.reason or "holds") for part in verdict.parts]
        return [*steps, ("answer", verdict.answer or "none"), ("decided by", verdict.reason)]


@lru_cache(maxsize=64)
def _with_preset(options: Options, name: str) -> Options:
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in PRESETS[name].items()}
    return replace(options, **values)  # type: ignore[arg-type]


def _prompt_text(prompt: Text) -> str:
    if isinstance(prompt, str):
        return prompt
    return "\n".join(text_of([{**message, "role": "assistant"}]) for message in prompt)


def _judged(text: str, prompt: str, options: Options) -> Verdict:
    shape = cut(text, prompt, options)
    if isinstance(shape, Misshapen):
        status = Status.INCORRECT if text.strip() else Status.UNPARSABLE
        part = Part("tags", 0.0, shape.reason, details={"expected": _expected(options), "at": shape.at})
        rest = (Part("thinking", 0.0, "not found"), Part("answer", 0.0, "not found"))
        return Verdict(0.0, status, f"tags: {shape.reason}", parts=(part, *rest))
    thinking = _thinking_fault(shape, options, prompt)
    answer = fault_of(shape.answer, options, prompt)
    if not answer and shape.thinking and options.min_words:
        answer = moved_reasoning(shape.thinking[-1][1], shape.answer)
    parts = (
        Part("tags", 1.0),
        Part("thinking", 0.0 if thinking else 1.0, thinking),
        Part("answer", 0.0 if answer else 1.0, answer, details={"span": [shape.start, shape.end]}),
    )
    shown = shape.answer[: 2 * SHOWN].strip()[:SHOWN]
    for part in parts:
        if not part.reward:
            return Verdict(0.0, Status.INCORRECT, f"{part.name}: {part.reason}", shown, parts)
    return Verdict(1.0, Status.CORRECT, "every part holds", shown, parts)


def _thinking_fault(shape: Cut, options: Options, prompt: str) -> str:
    answer = shape.answer.strip()
    for name, text in shape.thinking:
        thought = name in THINKING_NAMES or name == shape.thinking[0][0]
        reason = hollow_thinking(text, options.min_words, prompt) if thought else hollow_answer(text)
        if reason:
            return f"<{name}>: {reason}"
        if options.min_words and text.strip() == answer:
            return f"<{name}>: it is the answer and nothing else"
    return ""


def _expected(options: Options) -> str:
    return "".join(f"<{name}>...</{name}>" for name in options.names)
