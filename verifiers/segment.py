"""Cut a completion into its parts: think, answer, tool call, box, code, markdown. Text level only, linear time.

Nothing here reads what a part *means*; offsets point into the completion as given. A box may lie inside an answer
tag or a think part; boxes inside a box, and anything inside a code fence, are not reported on their own. Words,
sentences and lines are in `verifiers.text`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

MAX_PARTS = 8_192
"""A completion is cut into at most so many parts; the rest of it stays uncut."""
MAX_MARKS = 32_768
"""At most so many markers of parts are looked at."""
MAX_GROUP_CHARS = 8_192
"""A box is searched for its closing brace this far; longer ones count as never closed."""

_THINK = "think(?:ing)?|thoughts?|reason(?:ing)?|analysis|scratchpad|reflection|seed:think"
_THINK_MARK = re.compile(
    rf"<(?=[^<>\s]{{5,30}}+>)(?:(?P<close>/)?(?=[trasTRAS])(?P<think>(?i:{_THINK}))>"
    r"|\|(?:(?P<thought>begin|end)_of_thought|(?P<channel>channel))\|>)"
)
_STOP = (
    r"<(?=[^<>\s]{2,30}+>)(?:\|(?:im_end|im_start|endoftext|end_of_text|eot_id|end|return|eom_id|start_header_id|user)\|>|/s>|end_of_turn>"
    r"|\uff5cend\u2581of\u2581sentence\uff5c>)"
)
_STOP_TOKEN = re.compile(_STOP)
_LEADING_STOPS = re.compile(rf"(?:\s*+{_STOP})*+")
_BRACKET_THINK = re.compile(r"\[(/?)THINK\]|◁(/?)think▷")
_ANSWER_TAG = re.compile(r"<(/?)(?i:final_)?(?i:answer)>")
_FINAL_CHANNEL = "final<|message|>"
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BARE_BOX = re.compile(r"[ \t]{0,8}((?:\\[A-Za-z]{1,20}(?:\{[^{}\n]{0,200}\}){0,2}|[^\s$\\{}])++)")
_TOOL_NAMES = "tool_call|tool_calls|function_call|tool_use|tool_response|tool_result"
_LINE_MARK = r"[ \t]{0,12}+(\#{1,6}[ \t]|```|~~~|[-*+•][ \t]|\d{1,4}[.)][ \t]|[>|])"
_FIRST_LINE = re.compile(rf"()()(){_LINE_MARK}")
"""A line marker at the very start; groups as of `_marks`, which would take several times as long to look for `\\A`."""
_MAX_ATTRIBUTES = 200
_MAX_BLANKS = 8
_BLOCK_CHARS = 4_096
_LONGEST_MARK = 32
"""In characters; the longest is `<|begin_of_thought|>`."""


class Kind(StrEnum):
    """What a part of a completion is."""

    THINK = "think"
    ANSWER = "answer"
    TOOL = "tool"
    """A tool call or a tool's response between tags."""
    BOX = "box"
    CODE = "code"
    HEADING = "heading"
    ITEM = "item"
    """One line of a list, numbered or not."""
    QUOTE = "quote"
    """One line of a block quote."""
    ROW = "row"
    """One line of a table."""


class Segment(NamedTuple):
    """One part of a completion.

    Attributes:
        kind: What it is.
        start, end: Offsets of the whole part, markers included.
        inner_start, inner_end: Offsets of what the markers enclose.
        closed: Whether the closing marker is there; if not, the part runs to the end of the text.
        name: The tag's name in small letters, the language of a code fence, the marker of a line of markdown.
    """

    kind: Kind
    start: int
    end: int
    inner_start: int
    inner_end: int
    closed: bool = True
    name: str = ""

    def inner(self, completion: str) -> str:
        """Return the text that the markers enclose."""
        return completion[self.inner_start : self.inner_end]


class TagMark(NamedTuple):
    """One opening or closing tag, exact or nearly so.

    Attributes:
        name: In small letters.
        closing: Whether it is `</name>`.
        start, end: Its offsets.
        exact: Whether it is written `<name>` or `</name>`, without blanks, attributes or other letter case.
    """

    name: str
    closing: bool
    start: int
    end: int
    exact: bool


NO_TAGS: Mapping[str, Kind] = MappingProxyType({})


def segments(completion: str, tags: Mapping[str, Kind] = NO_TAGS) -> list[Segment]:
    """List the parts of a completion in the order of their starts, in one pass.

    A think part that is closed but was never opened starts at 0: many templates open it in the prompt.

    Args:
        completion: The text.
        tags: Further tag names and what they enclose, e.g. `{"plan": Kind.THINK}`.

    Returns:
        At most `MAX_PARTS` closed parts, out of the first `MAX_MARKS` markers.
    """
    known = {name.lower(): kind for name, kind in tags.items()}
    found: list[Segment] = []
    opened: dict[Kind, re.Match[str]] = {}
    marks = _marks(tuple(known))
    at, size, looked_at = 0, len(completion), 0
    thought = False
    mark = _FIRST_LINE.match(completion) or marks.search(completion)
    while mark and len(found) < MAX_PARTS and looked_at < MAX_MARKS:
        looked_at += 1
        at = mark.end()
        if mark[2]:
            kind = known.get(mark[2].lower()) or _tag_kind(mark[2])
            if not mark[1]:
                opened.setdefault(kind, mark)
            elif (opening := opened.pop(kind, None)) is not None:
                found.append(_tagged(kind, opening, mark.start(), at))
            elif kind is Kind.THINK and not thought:
                found.append(Segment(kind, 0, at, 0, mark.start(), name=mark[2].lower()))
            thought |= kind is Kind.THINK
        elif mark[3]:
            found.append(box_at(completion, mark.start(), at, size))
            at = max(at, found[-1].end)
        else:
            found.append(_line_part(completion, mark, size))
            if found[-1].kind is Kind.CODE:  # a line of markdown may hold tags and boxes
                at = found[-1].end
        mark = marks.search(completion, at)
    found += [_tagged(kind, opening, size, size, closed=False) for kind, opening in opened.items()]
    return sorted(found, key=lambda part: (part.start, -part.end))


@lru_cache(maxsize=64)
def _marks(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of everything that starts or ends a part; groups: slash, tag name, box, line marker."""
    known = "|".join([*map(re.escape, names), _THINK, "(?:final_)?answer", _TOOL_NAMES])
    starts = "".join(sorted({re.escape(name[0]) for name in names if name}))
    shortest = min(map(len, (*names, "think")))
    return re.compile(
        rf"<(/?)(?=[trasf{starts}][^<>\s]{{{shortest - 1},64}}+>)({known})>|\\(?-i:(boxed|fbox)(?![A-Za-z]))"
        rf"|\n(?=[ \t#`~*+•\d>|-]){_LINE_MARK}",
        re.IGNORECASE,
    )


def _tag_kind(name: str) -> Kind:
    name = name.lower()
    if name.endswith("answer"):
        return Kind.ANSWER
    return Kind.TOOL if name.startswith(("tool", "function")) else Kind.THINK


def _tagged(kind: Kind, opening: re.Match[str], inner_end: int, end: int, closed: bool = True) -> Segment:
    return Segment(kind, opening.start(), end, opening.end(), inner_end, closed, opening[2].lower())


_LINE_KINDS = {"#": Kind.HEADING, "|": Kind.ROW, ">": Kind.QUOTE}


def _line_part(completion: str, mark: re.Match[str], size: int) -> Segment:
    """Return the line of markdown or the code fence whose marker `mark` found."""
    marker, start = mark[4], mark.start(4)
    line_end = completion.find("\n", mark.end())
    line_end = size if line_end < 0 else line_end
    if marker[0] not in "`~":
        kind = _LINE_KINDS.get(marker[0], Kind.ITEM)
        return Segment(kind, start, line_end, mark.end(), line_end, name=marker.strip())
    inner = min(line_end + 1, size)
    language = completion[mark.end() : min(line_end, mark.end() + _MAX_ATTRIBUTES)].strip("`~ \t\r").lower()
    # A fence may be indented as far as the one that it closes.
    close = completion.find(completion[mark.start() : mark.end()] if mark[0][0] == "\n" else "\n" + mark[0], line_end)
    if close < 0:
        return Segment(Kind.CODE, start, size, inner, size, False, language)
    return Segment(
        Kind.CODE, start, close + len(mark[0]) + (mark[0][0] != "\n"), inner, max(inner, close), True, language
    )


def tag_marks(text: str, names: tuple[str, ...], limit: int = MAX_MARKS) -> list[TagMark]:
    """List the opening and closing tags of some names in their order, near misses (`< Think a='1'>`) included."""
    marks = []
    for tag in _tag_pattern(names).finditer(text):
        whole, slash, name = tag.group(0, 1, 2)
        name = name.lower()
        marks.append(TagMark(name, slash == "/", tag.start(), tag.end(), whole == f"<{slash}{name}>"))
        if len(marks) >= limit:
            break
    return marks


@lru_cache(maxsize=64)
def _tag_pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    known = "|".join(map(re.escape, names))
    blanks = rf"[ \t]{{0,{_MAX_BLANKS}}}+"
    inside = max(map(len, names)) + 2 * _MAX_BLANKS + 1 + _MAX_ATTRIBUTES
    return re.compile(
        rf"<(?=[^<>]{{1,{inside}}}+>){blanks}(/?){blanks}({known})(?![\w-])[^<>]{{0,{_MAX_ATTRIBUTES}}}+>",
        re.IGNORECASE,
    )


def final_span(completion: str) -> tuple[int, int] | None:
    """Return the offsets of what follows the think part, up to the first stop token; `None` = never closed.

    Knows think tags of several names, closed without being opened (the prompt opened them), and the final channel.
    """
    start, thinking = 0, False
    if ("THINK]" in completion or "think▷" in completion) and (mark := _last(_BRACKET_THINK, completion, 0)):
        start, thinking = mark.end(), not (mark[1] or mark[2])
    if "<" not in completion or ">" not in completion:
        return None if thinking else (start, len(completion))
    if mark := _last(_THINK_MARK, completion, start):
        start = mark.end()
        thinking = mark["close"] is None and mark["thought"] != "end"
        if mark["channel"]:
            thinking = not completion.startswith(_FINAL_CHANNEL, start)
            start += len(_FINAL_CHANNEL)
    if thinking:
        return None
    if leading := _LEADING_STOPS.match(completion, start):
        start = leading.end()
    stop = _STOP_TOKEN.search(completion, start)
    return start, stop.start() if stop else len(completion)


def _last(marks: re.Pattern[str], text: str, lo: int) -> re.Match[str] | None:
    """Return the last mark at or after `lo`, block by block from the end: a flood of marks costs one block."""
    hi, size = len(text), len(text)
    found: deque[re.Match[str]] = deque(maxlen=1)
    while not found and hi > lo:
        start = max(lo, hi - _BLOCK_CHARS)
        found.extend(marks.finditer(text, start, min(size, hi + _LONGEST_MARK)))
        hi = start
    return found[0] if found else None


def last_answer_tag(text: str) -> Segment | None:
    """Return the last `<answer>` part; one that is opened last and never closed runs to the end."""
    if "nswer>" not in text and "NSWER>" not in text:
        return None
    opened: re.Match[str] | None = None
    last: Segment | None = None
    for tag in _ANSWER_TAG.finditer(text):
        if not tag[1]:
            opened = tag
        elif opened is not None:
            last = Segment(Kind.ANSWER, opened.start(), tag.end(), opened.end(), tag.start())
            opened = None
    if opened is not None:
        return Segment(Kind.ANSWER, opened.start(), len(text), opened.end(), len(text), closed=False)
    return last


def last_box(text: str, hi: int, lo: int = 0) -> Segment | None:
    r"""Return the last `\boxed` or `\fbox` that starts in `text[lo:hi]`, also one whose `\b` became a backspace."""
    start = text.rfind("\\boxed", lo, hi)
    after = lo if start < 0 else start
    start = max(start, text.rfind("\\fbox", after, hi), text.rfind("\boxed", after, hi))
    if start < 0:
        return None
    return box_at(text, start, start + (6 if text.startswith("\\boxed", start) else 5), len(text))


def box_at(text: str, start: int, name_end: int, hi: int) -> Segment:
    """Return the box whose marker is `text[start:name_end]`: a braced group, or one bare token."""
    at = name_end
    while at < hi and text[at] in " \t\n" and at - name_end < 8:
        at += 1
    if at >= hi or text[at] != "{":
        bare = _BARE_BOX.match(text, name_end, hi)
        inner, end = bare.span(1) if bare else (name_end, name_end)
        return Segment(Kind.BOX, start, end, inner, end)
    close = group_end(text, at, hi)
    if close < 0:
        stop = min(hi, at + MAX_GROUP_CHARS)
        return Segment(Kind.BOX, start, stop, at + 1, stop, closed=False)
    return Segment(Kind.BOX, start, close, at + 1, close - 1)


def group_end(text: str, opening: int, hi: int) -> int:
    """Return the offset after the brace that closes the one at `opening`, or -1."""
    hi = min(hi, opening + MAX_GROUP_CHARS)
    close = text.find("}", opening, hi)
    if close < 0:
        return -1
    if text.find("{", opening + 1, close) < 0 and text.find("\\", opening, close) < 0:
        return close + 1
    depth = 0
    for brace in _BRACE.finditer(text, opening, hi):
        if brace[0] == "{":
            depth += 1
        elif brace[0] == "}":
            depth -= 1
            if depth == 0:
                return brace.end()
    return -1
