"""Find the calls of a completion: chat messages with `tool_calls`, tags, JSON, Python calls.

The first form that is there decides, in this order; the think part is never read:

    chat messages        `tool_calls`, or bare calls, `function_call`, content parts of type `tool_use`
    hermes, qwen         `<tool_call>{json}</tool_call>`, `<tool_call><function=f><parameter=x>1</parameter>...`
    llama                `<|python_tag|>{json}; {json}` or Python calls, `<function=f>{json}</function>`
    mistral              `[TOOL_CALLS] [{json}]`
    fences               code fences that hold JSON or Python calls
    json                 the whole answer, or objects in prose; `{"name", "arguments" | "parameters"}` and others
    python               the whole answer: `[f(x=1), g()]`

The last three look inside `<answer>...</answer>` where that is there. Marks of the others inside an answer, a fence
or JSON that states calls are text of an argument, and so is an answer tag inside a fence or an answer that does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from verifiers.catalog.tool_call.calls import MAX_CALLS, Call, Function, calls_in, named, with_arguments
from verifiers.catalog.tool_call.python_form import NotCalls, parse_calls
from verifiers.json_values import MAX_JSON_CHARS, JsonFault, find_json, parse_json, read_json, skip_blank
from verifiers.segment import Kind, Segment, final_span, last_answer_tag, segments
from verifiers.types import Text, text_of

Form = Literal["auto", "openai", "hermes", "llama3", "python", "json"]

MAX_CHARS = MAX_JSON_CHARS
"""Longest answer, without its think part, in which calls are looked for."""

MAX_FENCES = 256
"""Most code fences of one answer."""

MAX_ANSWERS = 256
"""Most answer tags whose JSON is read to tell whether a later tag is text in it."""

_OPEN, _CLOSE = "<tool_call>", "</tool_call>"
_MESSAGE_KEYS = ("role", "content", "tool_calls", "function_call")
_PYTHON_TAG, _MISTRAL = "<|python_tag|>", "[TOOL_CALLS]"
_FUNCTION = re.compile(r"<function=([^<>\s]{1,200})>")
_PARAMETER = re.compile(r"<parameter=([^<>\s]{1,200})>\n?")
_MARK = re.compile(rf"{re.escape(_OPEN)}|{re.escape(_PYTHON_TAG)}|{re.escape(_MISTRAL)}|<function=")
_ANSWERED = re.compile(r"<answer>\s*+(?=[\[{])", re.IGNORECASE)
_PYTHON_START = re.compile(r"\[?\s*+[^\W\d][\w.]*+\(")
_FENCE_NAMES = frozenset({"", "json", "python", "py", "tool_code", "tool_call", "tool_calls", "javascript"})


@dataclass(frozen=True)
class Reading:
    """The calls of a completion.

    Attributes:
        calls: In their order.
        form: Where they were found, for a human.
        outside: Whether there is text besides them.
        limit: Why the completion is beyond the limits; empty = it is not.
    """

    calls: tuple[Call, ...] = ()
    form: str = "no call"
    outside: bool = False
    limit: str = ""


def read_calls(completion: Text, form: Form, functions: Mapping[str, Function], known: frozenset[str]) -> Reading:
    """Find a completion's calls.

    Args:
        completion: Text or chat messages.
        form: The only form to read; `auto` = any.
        functions: Schemas, which name positional arguments and type tagged ones.
        known: Names of functions, for `{name: {argument: value}}`.
    """
    if not isinstance(completion, str) and form in ("auto", "openai"):
        bare = not any(key in message for message in completion for key in _MESSAGE_KEYS)
        stated = calls_in(completion, known) if bare else _of_messages(completion)
        if stated:
            calls = tuple(named(call, functions) for call in stated)
            return Reading(calls, "tool calls of the message", bool(text_of(completion).strip()))
    text = text_of(completion)
    span = final_span(text)
    if span is None:
        return Reading(form="no call: the think part is never closed")
    body = text[span[0] : span[1]].strip()
    if len(body) > MAX_CHARS:
        return Reading(limit=f"the answer has {len(body):,} characters; calls are looked for in {MAX_CHARS:,}")
    try:
        reading = _Text(body, form, functions, known).read()
    except JsonFault as fault:
        if fault.limit:
            return Reading(limit=str(fault))
        return Reading((Call("", fault=str(fault)),), "json", outside=True)
    return Reading(tuple(named(call, functions) for call in reading.calls), reading.form, reading.outside)


def _of_messages(messages: Sequence[Mapping[str, Any]]) -> list[Call]:
    found: list[Call] = []
    for message in messages:
        if message.get("role", "assistant") != "assistant":
            continue
        listed = [message.get("tool_calls"), [message["function_call"]] if message.get("function_call") else None]
        content = message.get("content")
        parts = content if isinstance(content, Sequence) and not isinstance(content, str) else ()
        listed.append([each for each in parts if isinstance(each, Mapping) and each.get("type") == "tool_use"])
        for calls in listed:
            if isinstance(calls, Sequence) and not isinstance(calls, str):
                for call in calls:
                    found += calls_in(call) or [Call("", fault="a tool call without a name")]
    return found


class _Text:
    """One text, and the forms in which it may state calls."""

    def __init__(self, text: str, form: Form, functions: Mapping[str, Function], known: frozenset[str]) -> None:
        self._text, self._form, self._functions, self._known = text, form, functions, known

    def read(self) -> Reading:
        """Return the calls in the first form that is there."""
        steps: tuple[tuple[frozenset[str], Callable[[], Reading | None]], ...] = (
            (frozenset({"auto", "hermes"}), self._tagged),
            (frozenset({"auto", "llama3"}), self._python_tag),
            (frozenset({"auto", "llama3", "hermes"}), self._function_tags),
            (frozenset({"auto", "json"}), self._mistral),
            (frozenset({"auto", "json", "openai", "python", "llama3"}), self._plain),
        )
        stated = self._stated() if self._form in steps[-1][0] and self._marked_inside() else None
        if stated is not None and not any(call.fault for call in stated.calls):
            return stated
        for forms, step in steps:
            reading = step() if self._form in forms else None
            if reading is not None:
                return reading
        return Reading(outside=bool(self._text))

    def _marked_inside(self) -> bool:
        """Tell whether marks of calls stand in what may be arguments, and nowhere else."""
        text = self._text
        if not _MARK.search(text):
            return False
        if text[:1] in ("{", "[") and self._sequence(text):
            return True
        inner = [(part.start, part.end) for part in _fences(text)]
        tag = self._answer_tag
        at = 0
        for start, end in sorted([*inner, (tag.start, tag.end)] if tag else inner):
            if _MARK.search(text, at, start):
                return False
            at = max(at, end)
        return not _MARK.search(text, at)

    @cached_property
    def _answer_tag(self) -> Segment | None:
        """The last answer tag that is not text of an argument."""
        text = self._text
        if last_answer_tag(text) is None:
            return None
        held = [
            (part.inner_start, part.inner_end)
            for part in _fences(text)[:MAX_FENCES]
            if self._states_calls(part.inner(text).strip())
        ]
        at = 0
        for _ in range(MAX_ANSWERS):
            if (tag := _ANSWERED.search(text, at)) is None:
                break
            at = tag.end()
            try:
                found = read_json(text, at)
            except JsonFault as fault:
                at = max(at, fault.end)
            else:
                if calls_in(found.value, self._known):
                    held.append((at, found.end))
                    at = found.end
        blanked, at = [], 0
        for start, end in sorted(held):
            if start >= at:
                blanked += [text[at:start], " " * (end - start)]
                at = end
        return last_answer_tag("".join([*blanked, text[at:]]))

    def _states_calls(self, text: str) -> bool:
        try:
            return bool(self._sequence(text))
        except JsonFault:
            return False

    def _tagged(self) -> Reading | None:
        if _OPEN not in self._text:
            return None
        calls: list[Call] = []
        at, outside = 0, False
        while len(calls) <= MAX_CALLS and (start := self._text.find(_OPEN, at)) >= 0:
            outside = outside or bool(self._text[at:start].strip())
            found, at = self._one_tag(start + len(_OPEN))
            calls += found
        return Reading(tuple(calls), "tool_call tags", outside or bool(self._text[at:].strip()))

    def _one_tag(self, start: int) -> tuple[list[Call], int]:
        """Return the calls of one tag and the offset after its end; JSON first, since it may hold the tag as text."""
        inner = skip_blank(self._text, start)
        if self._text.startswith("<function=", inner):
            close = self._text.find(_CLOSE, inner)
            end = len(self._text) if close < 0 else close
            return self._functions_in(inner, end)[0], min(len(self._text), end + len(_CLOSE))
        try:
            found = read_json(self._text, inner)
            after = skip_blank(self._text, found.end)
            calls = calls_in(found.value, self._known)
            fault = "no call in the tag" if calls is None else ""
        except JsonFault as error:
            if error.limit:
                raise
            after, calls, fault = inner, None, f"not JSON: {error}"
        if self._text.startswith(_CLOSE, after):
            return (calls or [Call("", fault=fault or "an empty tag")]), after + len(_CLOSE)
        if after == len(self._text) and calls:
            return calls, after  # generation often stops at the closing tag
        close = self._text.find(_CLOSE, after)
        end = len(self._text) if close < 0 else close + len(_CLOSE)
        return [Call("", fault=fault or "text after the call in its tag")], end

    def _python_tag(self) -> Reading | None:
        before, tag, after = self._text.partition(_PYTHON_TAG)
        if not tag:
            return None
        inner = after.replace(_PYTHON_TAG, ";").strip()
        calls = self._sequence(inner) or [Call("", fault="no call after the python tag")]
        return Reading(tuple(calls), "python tag", bool(before.strip()))

    def _function_tags(self) -> Reading | None:
        if not _FUNCTION.search(self._text):
            return None
        calls, outside = self._functions_in(0, len(self._text))
        return Reading(tuple(calls), "function tags", outside)

    def _functions_in(self, start: int, end: int) -> tuple[list[Call], bool]:
        calls: list[Call] = []
        at, outside = start, False
        while len(calls) <= MAX_CALLS and (tag := _FUNCTION.search(self._text, at, end)):
            outside = outside or bool(self._text[at : tag.start()].strip())
            close = self._text.find("</function>", tag.end(), end)
            stop = end if close < 0 else close
            calls.append(self._function(tag[1], self._text[tag.end() : stop].strip()))
            at = min(end, stop + len("</function>"))
        return calls, outside or bool(self._text[at:end].strip())

    def _function(self, name: str, inner: str) -> Call:
        if not inner.startswith("<parameter="):
            return with_arguments(name, inner)
        schemas = self._functions[name].properties if name in self._functions else {}
        arguments: dict[str, Any] = {}
        at = 0
        while tag := _PARAMETER.match(inner, at):
            close = inner.find("</parameter>", tag.end())
            stop = len(inner) if close < 0 else close
            if tag[1] in arguments:
                return Call(name, fault=f"the argument {tag[1][:80]!r} is given twice")
            arguments[tag[1]] = _typed(inner[tag.end() : stop].removesuffix("\n"), schemas.get(tag[1], {}))
            at = skip_blank(inner, min(len(inner), stop + len("</parameter>")))
        return Call(name, arguments, fault="text between the arguments" if at < len(inner) else "")

    def _mistral(self) -> Reading | None:
        before, tag, after = self._text.partition(_MISTRAL)
        if not tag:
            return None
        calls = calls_in(parse_json(after), self._known) or [Call("", fault="no call after [TOOL_CALLS]")]
        return Reading(tuple(calls), "mistral", bool(before.strip()))

    def _plain(self) -> Reading | None:
        stated = self._stated()
        if stated is not None:
            return stated
        if self._form in ("python", "llama3"):
            return None
        tag = self._answer_tag
        text = tag.inner(self._text).strip() if tag else self._text
        found = [calls for each in find_json(text) if (calls := calls_in(each.value, self._known))]
        return Reading(tuple(call for calls in found for call in calls), "json in prose", True) if found else None

    def _stated(self) -> Reading | None:
        """Return the calls that the answer, its answer tag or its fences consist of."""
        text = self._text
        whole = self._sequence(text)  # first, since an argument may hold a tag as text
        if whole is not None:
            return Reading(tuple(whole), "whole answer")
        tag = self._answer_tag
        if tag:
            outside = bool((text[: tag.start] + text[tag.end :]).strip())
            text = tag.inner(text).strip()
            whole = self._sequence(text)
            if whole is not None:
                return Reading(tuple(whole), "answer tag", outside)
        return self._fenced(text)

    def _fenced(self, text: str) -> Reading | None:
        fences = _fences(text)
        if len(fences) > MAX_FENCES:
            raise JsonFault(f"{len(fences):,} code fences; at most {MAX_FENCES} are read", limit=True)
        calls: list[Call] = []
        for part in fences:
            name = text[part.start + 3 : part.inner_start].strip().casefold()
            found = self._sequence(part.inner(text).strip()) if name in _FENCE_NAMES else None
            calls += found or ()
            if len(calls) > MAX_CALLS:
                break
        if not calls:
            return None
        between = zip([0, *(part.end for part in fences)], [*(part.start for part in fences), len(text)], strict=True)
        outside = any(text[start:end].strip() for start, end in between)
        return Reading(tuple(calls), "code fence", outside)

    def _sequence(self, text: str) -> list[Call] | None:
        """Return the calls that a text consists of, JSON values side by side or Python's form; `None` = neither."""
        text = text.strip("`").strip() if text.startswith("`") and "\n" not in text else text
        if self._form != "python" and text[:1] in ("{", "["):
            calls = self._json_sequence(text)
            if calls is not None:
                return calls
        if self._form in ("auto", "python", "llama3") and _PYTHON_START.match(text) and text[-1] in ")];,":
            try:
                return parse_calls(text)
            except NotCalls as error:
                return [Call("", fault=str(error))]
        return [] if text == "[]" else None

    def _json_sequence(self, text: str) -> list[Call] | None:
        calls: list[Call] = []
        at = 0
        while at < len(text):
            try:
                found = read_json(text, at)
            except JsonFault as fault:
                if fault.limit or fault.whole:
                    raise
                return None
            stated = calls_in(found.value, self._known)
            if stated is None:
                return None
            calls += stated
            at = skip_blank(text, found.end)
            if text[at : at + 1] in (";", ","):
                at = skip_blank(text, at + 1)
        return calls


def _fences(text: str) -> list[Segment]:
    return [part for part in segments(text) if part.kind is Kind.CODE and part.closed]


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    """Return a tagged argument's text as its schema's type: text stays text, everything else is JSON if it can be."""
    if schema.get("type") == "string":
        return text
    try:
        return parse_json(text)
    except JsonFault:
        return text
