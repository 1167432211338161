"""Where a completion puts its final answer: the part after the thinking, and the answer fields in it.

Shared by the teachers `choice`, `numeric` and `qa`. A field is an answer tag, a box, or the value of `"answer"` in
JSON. Nothing here reads what an answer means. Fails closed: fields that contradict each other, with no change of mind
between them, state no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from verifiers.segment import MAX_GROUP_CHARS, Kind, final_span, segments
from verifiers.text import normalise
from verifiers.types import Json, Text, text_of

MAX_VISIBLE_CHARS = 16_384
"""Only so much of the end of a completion is looked at."""
MAX_FIELD_CHARS = 8_192
"""Longer fields are cut: no answer is that long."""
MAX_FIELDS = 128
MAX_CHANGE_CHARS = 4_096
"""A change of mind is looked for in so much of the text before an answer."""

_JSON_KEY = re.compile(
    r"""["'](?:(?i:final|correct)[_ ]?)?(?i:answer|answer_choice|choice|option|final|result)["']"""
    r"[ \t\r\n]{0,64}:[ \t\r\n]{0,64}"
)
_JSON_VALUE = re.compile(
    r'"(?:[^"\\]|\\.)*+"|\'(?:[^\'\\\n]|\\.)*+\'|-?\d[\d.eE+-]*+|true|false'
    r'|\[[ \t\r\n]*+(?:(?:"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*+)[ \t\r\n,]*+)*+\]',
    re.DOTALL,
)
_CHANGED = re.compile(
    r"(?<![A-Za-z])(?:wait|actually|hmm+|hold on|on second thought|let me (?:re|double)"
    r"|re-?(?:check|consider|think|read|examin|evaluat)"
    r"\w{0,4}|correction|corrected|my mistake|i made a|made an error|mistaken(?:ly)?"
    r"|(?:is|was|be) (?:wrong|incorrect|not right)"
    r"|that['’]?s (?:wrong|incorrect|not)|scratch that|i was wrong|sorry|apolog\w{1,5}|instead|change my|oops|no,"
    r"|(?:is|was) not (?:correct|right))(?![A-Za-z])|等等|等一下|不对|更正|重新|其实|错了|纠正|再想|修正",
    re.IGNORECASE,
)


class Field(NamedTuple):
    """An answer field.

    Attributes:
        text: What it holds, stripped.
        rule: "answer tag", "box" or "JSON answer".
        start, end: Offsets of the whole field in the visible text.
        items: The items, where the field is a JSON list.
    """

    text: str
    rule: str
    start: int
    end: int
    items: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why no answer counts; `spoiled` = one was given and taken back, contradicted or hedged."""

    reason: str
    spoiled: bool = False


def visible(completion: Text) -> str | None:
    """Return the normalised end of what follows the thinking; `None` = the think part is never closed."""
    text = text_of(completion)
    span = final_span(text)
    if span is None:
        return None
    lo, hi = span
    hi = lo + len(text[lo:hi].rstrip()) if hi - lo > MAX_VISIBLE_CHARS else hi
    return normalise(text[max(lo, hi - MAX_VISIBLE_CHARS) : hi]).strip()


def answer_fields(text: str, *, boxes: bool = True) -> list[Field]:
    """List the answer fields of a visible text by position; a box inside a tag stands for the tag."""
    found: list[Field] = []
    for part in segments(text) if "<" in text or "box" in text else ():
        inner = text[part.inner_start : min(part.inner_end, part.inner_start + MAX_FIELD_CHARS)].strip()
        if part.kind is Kind.ANSWER:
            found.append(Field(inner, "answer tag", part.start, part.end))
        elif part.kind is Kind.BOX and boxes and part.closed:
            if found and found[-1].rule == "answer tag" and part.end <= found[-1].end:
                found[-1] = found[-1]._replace(text=inner)
            else:
                found.append(Field(inner, "box", part.start, part.end))
    found += _json_fields(text)
    return sorted(found, key=lambda field: field.start)[-MAX_FIELDS:]


def _json_fields(text: str) -> list[Field]:
    found: list[Field] = []
    at = 0
    while len(found) < MAX_FIELDS and (key := _JSON_KEY.search(text, at)):
        at = key.end()
        value = _JSON_VALUE.match(text, at)
        if value is None or len(value[0]) > MAX_GROUP_CHARS:
            continue
        at = value.end()
        items = _scalars(value[0])
        if items is not None:
            listed = tuple(items) if value[0][0] == "[" else None
            found.append(Field(", ".join(items).strip(), "JSON answer", key.start(), at, listed))
    return found


def _scalars(literal: str) -> list[str] | None:
    """Decode a JSON string, number or flat list of them (the pattern lets nothing nested through)."""
    if literal[0] == "'":
        return [literal[1:-1]]
    try:
        value = json.loads(literal, strict=False, parse_int=str, parse_float=str)
    except ValueError:
        return None
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def changes_mind(text: str, lo: int, hi: int) -> bool:
    """Whether `text[lo:hi]` holds a word that takes back what was said before ("wait", "不对")."""
    return _CHANGED.search(text, max(lo, hi - MAX_CHANGE_CHARS), hi) is not None


def settled(text: str, fields: Sequence[Field], key: Callable[[Field], Hashable]) -> Field | Refused | None:
    """Return the field that counts: the last one, unless an earlier one contradicts it without a change of mind.

    Args:
        text: The visible text.
        fields: From `answer_fields`.
        key: What two fields that agree have in common.

    Returns:
        `None` if there is no field.
    """
    if not fields:
        return None
    last = fields[-1]
    wanted = key(last)
    for field in fields[:-1]:
        if key(field) != wanted and not changes_mind(text, field.end, last.start):
            return Refused(f"several different answers are given: {field.text[:40]!r} and {last.text[:40]!r}", True)
    return last


def reference_list(reference: Json) -> list[Json]:
    """Return the acceptable answers of a reference that may be a list of them."""
    if isinstance(reference, Sequence) and not isinstance(reference, str):
        return list(reference)
    return [reference]
