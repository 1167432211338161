"""What an answer must be made of: one box, one code block, one JSON value, ReAct steps. Each check names its fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from verifiers.catalog.format.options import Options
from verifiers.catalog.format.substance import hollow_answer, hollow_thinking
from verifiers.json_values import JsonFault, is_deep, parse_json
from verifiers.segment import Kind, Segment, box_at, segments
from verifiers.types import Json

MAX_BOXES = 64
"""Most boxes in one answer."""
MAX_STEPS = 512
"""Most labelled lines of a ReAct answer."""

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])")
_LANGUAGES = {
    "py": "python",
    "python3": "python",
    "js": "javascript",
    "ts": "typescript",
    "c++": "cpp",
    "sh": "bash",
    "shell": "bash",
    "cs": "csharp",
    "c#": "csharp",
    "golang": "go",
    "rs": "rust",
}
_COMMENT = re.compile(r"[ \t]*+(?:#(?!include|define|!)|//|--|%|;|/\*|\*)|[ \t]*+(?:pass|\.\.\.|…)?[ \t]*+\Z")
_STEP = re.compile(
    r"^(?=[ \t*TAOF])[ \t]{0,4}(?:\*\*)?(Thought|Action|Action Input|Observation|Final Answer)(?:\*\*)?[ \t]?:",
    re.MULTILINE,
)
_ACTION_NAME = re.compile(r"[\w][\w .:/-]{0,63}")
_AFTER: Mapping[str, tuple[str, ...]] = {
    "": ("Thought", "Action", "Final Answer"),
    "Thought": ("Action", "Final Answer"),
    "Action": ("Action Input",),
    "Action Input": ("Observation", "Thought", "Final Answer", "Action"),
    "Observation": ("Thought", "Action", "Final Answer"),
    "Final Answer": (),
}
"""Which ReAct labels may follow which."""


def fault_of(answer: str, options: Options, prompt: str) -> str:
    """Return why the answer is not of the form that the options ask for, or ""."""
    return _FORMS[options.answer](answer, options, prompt)


def _text(answer: str, options: Options, prompt: str) -> str:
    return hollow_answer(answer)


def _boxed(answer: str, options: Options, prompt: str) -> str:
    boxes: list[Segment] = []
    at = 0
    while mark := _BOX.search(answer, at):
        if len(boxes) >= MAX_BOXES:
            return f"it has more than {MAX_BOXES} boxes"
        box = box_at(answer, mark.start(), mark.end(), len(answer))
        if not box.closed:
            return "its box is never closed"
        boxes.append(box)
        at = max(mark.end(), box.end)
    if not boxes:
        return r"it has no \boxed{}"
    inside = {box.inner(answer).strip() for box in boxes}
    if len(inside) > 1:
        return "it has several boxes that differ"
    if fault := hollow_answer(inside.pop()):
        return "its box is hollow: " + fault
    after = answer[boxes[-1].end :].partition("\n")[2]
    if options.trailing == "refuse" and after.strip(" \t\n$.]\\"):
        return "text goes on after the box's line"
    return ""


def _code(answer: str, options: Options, prompt: str) -> str:
    blocks = [part for part in segments(answer) if part.kind is Kind.CODE]
    if len(blocks) != 1:
        return f"it has {len(blocks)} code blocks, not one"
    (block,) = blocks
    if not block.closed:
        return "its code block is never closed"
    named = block.name.split()[0] if block.name else ""
    wanted = options.language.casefold()
    if wanted and _LANGUAGES.get(named, named) != _LANGUAGES.get(wanted, wanted):
        return f"its code block names {named or 'no language'}, not {options.language}"
    if all(_COMMENT.match(line) for line in block.inner(answer).split("\n")):
        return "its code block holds no code"
    if options.trailing == "refuse" and answer[block.end :].strip():
        return "text goes on after the code block"
    return ""


def _json(answer: str, options: Options, prompt: str) -> str:
    try:
        value = parse_json(answer)
    except JsonFault as fault:
        return f"it is not JSON and nothing else: {fault}"
    if not isinstance(value, (Mapping, list, tuple)):
        return "it is not a JSON object or array"
    return "" if not is_deep(value) and _says_something(value) else "its JSON holds no value"


def _says_something(value: Json) -> bool:
    if isinstance(value, str):
        return not hollow_answer(value)
    if isinstance(value, Mapping):
        return any(map(_says_something, value.values()))
    if isinstance(value, Sequence):
        return any(map(_says_something, value))
    return value is not None


def _react(answer: str, options: Options, prompt: str) -> str:
    marks = list(_limited(answer))
    if not marks or answer[: marks[0].start()].strip():
        return "it does not start with Thought: or Action:"
    if len(marks) > MAX_STEPS:
        return f"it has more than {MAX_STEPS} steps"
    previous = ""
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        label = mark[1]
        if label not in _AFTER[previous]:
            return f"{label}: may not follow {previous + ':' if previous else 'the start'}"
        body = answer[mark.end() : following.start() if following else len(answer)].strip()
        if fault := _step_fault(label, body, options, prompt):
            return f"{label}: {fault}"
        previous = label
    return "" if previous in ("Action Input", "Final Answer") else f"it ends with {previous}:"


def _limited(answer: str) -> Sequence[re.Match[str]]:
    marks: list[re.Match[str]] = []
    for mark in _STEP.finditer(answer):
        marks.append(mark)
        if len(marks) > MAX_STEPS:
            break
    return marks


def _step_fault(label: str, body: str, options: Options, prompt: str) -> str:
    if label == "Thought":
        return hollow_thinking(body, options.min_words, prompt)
    if label == "Action":
        return "" if _ACTION_NAME.fullmatch(body) and not hollow_answer(body) else "it names no tool"
    if label == "Action Input" and body.startswith("{"):
        try:
            parse_json(body)
        except JsonFault as fault:
            return f"its JSON is broken: {fault}"
        return ""
    return hollow_answer(body)


_FORMS: Mapping[str, Callable[[str, Options, str], str]] = {
    "text": _text,
    "boxed": _boxed,
    "code": _code,
    "json": _json,
    "react": _react,
}
