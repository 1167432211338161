"""Find the program in a completion: after its think part, in its code fences or, without any, in the text itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifiers.catalog.code.joining import callable_name, continued, defines
from verifiers.catalog.code.joining_braces import continued_braces
from verifiers.catalog.code.languages import fence_language
from verifiers.catalog.code.task import StdioTest, Task
from verifiers.segment import Kind, Segment, final_span, last_answer_tag, segments

MAX_PROGRAM_CHARS = 512 * 1024
"""A longer program exceeds the limits."""
MAX_COMPLETION_CHARS = 8 * 1024 * 1024
"""A longer completion is not searched."""

DEFAULT = "python"
"""The language of programs that nothing tells the language of."""

_CODE_LINE = re.compile(
    r"^[ \t]*+(?:import[ \t]+[\w.]|from[ \t]+[\w.]++[ \t]+import\b|(?:async[ \t]+)?def[ \t]+\w++[ \t]*+\("
    r"|@\w|#[ \t]*+include\b|using[ \t]+namespace\b|(?:class|package|func|fn|public|static|const|let|var)[ \t]+\w"
    r"|function[ \t*]+\w|int[ \t]+main|#!|return\b|print[ \t]*+\(|console\.log"
    r"|(?:for|while|if|with|try|elif|else)\b[^\n]{0,400}:[ \t]*+$|[A-Za-z_][\w.,\[\] ]{0,80}[-+*/|&%]?=(?!=)[^\n])",
    re.MULTILINE,
)
_PYTHON_START = re.compile(
    r"^(?:import[ \t]+[\w.]|from[ \t]+[\w.]++[ \t]+import\b|(?:async[ \t]+)?def[ \t]+\w|class[ \t]+\w|@\w)",
    re.MULTILINE,
)
_SENTENCE = re.compile(r"[A-Z][^\n=()\[\]{}#]{0,400}[.:!,]?[ \t]*+$")


class NoProgram(ValueError):
    """A completion without a program; its text says so."""


class TooLong(NoProgram):
    """A program beyond `MAX_PROGRAM_CHARS`."""


@dataclass(frozen=True, slots=True)
class Found:
    """A program and where it stood.

    Attributes:
        source: What is run, joined with the prompt where the completion continues it.
        answer: What the completion itself holds.
        place: Where that stood, for a human.
        language: Of the program.
    """

    source: str
    answer: str
    place: str
    language: str


def find_program(completion: str, task: Task, language: str) -> Found:
    """Return the program of a completion.

    Args:
        completion: The model's answer.
        task: What it is to solve.
        language: Of the program; empty = as the code fence says, for tasks that do not care.

    Raises:
        NoProgram: If there is none.
    """
    if len(completion) > MAX_COMPLETION_CHARS:
        raise TooLong(f"the completion has {len(completion):,} characters; at most {MAX_COMPLETION_CHARS:,} are read")
    span = final_span(completion)
    if span is None:
        raise NoProgram("the completion ends inside its thoughts")
    if not language and not isinstance(task.tests[0], StdioTest):
        language = DEFAULT
    text = completion[slice(*span)]
    answer, spoken, place = _in_fences(text, task, language) or _bare(text, task, language)
    if len(answer) > MAX_PROGRAM_CHARS:
        raise TooLong(f"the program has {len(answer):,} characters; at most {MAX_PROGRAM_CHARS:,} are run")
    sound = answer.encode("utf-8", "replace").decode()  # halves of surrogate pairs are no text
    source = sound
    if task.prompt:
        python = task.foreign is None
        source = (
            continued(task.prompt, sound, task.entry_point)
            if python
            else continued_braces(task.prompt, sound, task.entry_point, task.language)
        )
    return Found(source, answer, place, spoken)


def _in_fences(text: str, task: Task, language: str) -> tuple[str, str, str] | None:
    """Return the last block of the language; of those that define the entry point, if any does."""
    if "```" not in text and "~~~" not in text:
        return None
    blocks = [part for part in segments(text) if part.kind is Kind.CODE and part.inner(text).strip()]
    told = [(_inner(text, part), fence_language(part.name)) for part in blocks]
    ours = [block for block in told if (block[1] == language if language else block[1] not in ("", "?"))]
    ours = ours or [block for block in told if not block[1]]
    if not ours:
        if told:
            raise NoProgram(f"no code block of the completion is {language or 'in a language that can be run'}")
        return None
    entry_point = task.entry_point
    defining = [block for block in ours if entry_point and _defines(block[0], entry_point, language)]
    source, spoken = (defining or ours)[-1]
    return source, language or spoken or DEFAULT, f"code block ({len(blocks)} in all)"


def _inner(text: str, block: Segment) -> str:
    """Return a block's text without as much indent as its fence has, as in an item of a list."""
    line = text.rfind("\n", 0, block.start) + 1
    indent = block.start - line if text[line : block.start].isspace() else 0
    inner = block.inner(text)
    return re.sub(rf"^[ \t]{{1,{indent}}}", "", inner, flags=re.MULTILINE) if indent else inner


def _defines(source: str, entry_point: str, language: str) -> bool:
    return defines(source, entry_point, language) or (
        language == "python" and callable_name(source, entry_point) != entry_point
    )


def _bare(text: str, task: Task, language: str) -> tuple[str, str, str]:
    """Return the program of a completion without code fences.

    Raises:
        NoProgram: If nothing in it looks like a program.
    """
    tag = last_answer_tag(text)
    place = "the whole completion"
    if tag is not None:
        text, place = tag.inner(text), "the answer tag"
    if not text.strip():
        raise NoProgram("the completion is empty")
    if not _CODE_LINE.search(text) and not (task.prompt and text[:1] in " \t"):
        raise NoProgram("the completion holds no program")
    language = language or DEFAULT
    return (_without_preface(text) if language == "python" else text), language, place


def _without_preface(text: str) -> str:
    """Drop a sentence or two before unfenced Python code."""
    first = text.lstrip("\n").split("\n", 1)[0]
    start = _PYTHON_START.search(text)
    return text[start.start() :] if start is not None and _SENTENCE.match(first) else text
