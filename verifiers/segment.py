"""Cut a completion into its parts: think, answer tag, box, code fence, heading. Text level only, linear time.

Nothing here reads what a part *means*; offsets point into the completion as given. A box may lie inside an answer
tag or a think part; boxes inside a box, and anything inside a code fence, are not reported on their own.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

MAX_PARTS = 8_192
"""A completion is cut into at most so many parts; the rest of it stays uncut."""
MAX_GROUP_CHARS = 8_192
"""A box is searched for its closing brace this far; longer ones count as never closed."""

_THINK = "think(?:ing)?|thoughts?|reason(?:ing)?|analysis|scratchpad|reflection|seed:think"
_CONTROL = re.compile(
    rf"<(?:(?P<close>/)?(?=[trasTRAS])(?P<think>(?i:{_THINK}))>|\|(?:(?P<thought>begin|end)_of_thought|(?P<channel>channel)"
    r"|(?:im_end|im_start|endoftext|end_of_text|eot_id|end|return|eom_id|start_header_id|user))\|>|/s>|end_of_turn>"
    r"|\uff5cend\u2581of\u2581sentence\uff5c>)"
)
_BRACKET_THINK = re.compile(r"\[(/?)THINK\]|◁(/?)think▷")
_ANSWER_TAG = re.compile(r"<(/?)(?i:final_)?(?i:answer)>")
_FINAL_CHANNEL = "final<|message|>"
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_BARE_BOX = re.compile(r"[ \t]{0,8}((?:\\[A-Za-z]{1,20}(?:\{[^{}\n]{0,200}\}){0,2}|[^\s$\\{}])++)")
_MARK = re.compile(
    rf"<(/?)(?=[trasfTRASF])((?i:{_THINK}|(?:final_)?answer))>|(?m:^)(#{{1,6}} |```|~~~)"
    r"|\\(boxed|fbox)(?![A-Za-z])"
)


class Kind(StrEnum):
    """What a part of a completion is."""

    THINK = "think"
    ANSWER = "answer"
    BOX = "box"
    CODE = "code"
    HEADING = "heading"


class Segment(NamedTuple):
    """One part of a completion.

    Attributes:
        kind: What it is.
        start, end: Offsets of the whole part, markers included.
        inner_start, inner_end: Offsets of what the markers enclose.
        closed: Whether the closing marker is there; if not, the part runs to the end of the text.
    """

    kind: Kind
    start: int
    end: int
    inner_start: int
    inner_end: int
    closed: bool = True

    def inner(self, completion: str) -> str:
        """Return the text that the markers enclose."""
        return completion[self.inner_start : self.inner_end]


def segments(completion: str) -> list[Segment]:
    """List the parts of a completion in the order of their starts, in one pass.

    A think or answer part that is closed but was never opened starts at 0: many templates open it in the prompt.
    """
    found: list[Segment] = []
    opened: dict[Kind, tuple[int, int]] = {}
    at, size = 0, len(completion)
    while len(found) < MAX_PARTS and (mark := _MARK.search(completion, at)):
        at = mark.end()
        if mark[2]:
            kind = Kind.ANSWER if mark[2][-6:].lower() == "answer" else Kind.THINK
            if not mark[1]:
                opened.setdefault(kind, mark.span())
            elif kind is Kind.THINK or kind in opened:
                start, inner = opened.pop(kind, (0, 0))
                found.append(Segment(kind, start, at, inner, mark.start()))
        elif mark[4]:
            found.append(box_at(completion, mark.start(), at, size))
            at = max(at, found[-1].end)
        else:
            found.append(_line_part(completion, mark, size))
            at = found[-1].end
    found += [Segment(kind, start, size, inner, size, closed=False) for kind, (start, inner) in opened.items()]
    return sorted(found, key=lambda part: (part.start, -part.end))


def _line_part(completion: str, mark: re.Match[str], size: int) -> Segment:
    """Return the heading or the code fence whose first characters `mark` matched."""
    line_end = completion.find("\n", mark.end())
    line_end = size if line_end < 0 else line_end
    if mark[3] and mark[3][0] == "#":
        return Segment(Kind.HEADING, mark.start(), line_end, mark.end(), line_end)
    inner = min(line_end + 1, size)
    close = completion.find("\n" + mark[0], line_end)
    if close < 0:
        return Segment(Kind.CODE, mark.start(), size, inner, size, closed=False)
    return Segment(Kind.CODE, mark.start(), close + 4, inner, max(inner, close))


def final_span(completion: str) -> tuple[int, int] | None:
    """Return the offsets of what follows the think part, up to the first stop token; `None` = never closed.

    Knows think tags of several names, closed without being opened (the prompt opened them), and the final channel.
    """
    start, stop, thinking = 0, -1, False
    if "THINK]" in completion or "think▷" in completion:
        for tag in _BRACKET_THINK.finditer(completion):
            thinking = not (tag[1] or tag[2])
            start = tag.end()
    for tag in _CONTROL.finditer(completion, start) if "<" in completion else ():
        kind = tag.lastgroup
        if kind == "think" or kind == "thought":
            thinking = tag["close"] is None and tag["thought"] != "end"
            start, stop = tag.end(), -1
        elif kind == "channel":
            thinking = not completion.startswith(_FINAL_CHANNEL, tag.end())
            start, stop = tag.end() + len(_FINAL_CHANNEL), -1
        elif stop < 0:
            if completion[start : tag.start()].strip():
                stop = tag.start()
            else:
                start = tag.end()
    if thinking:
        return None
    return start, stop if stop >= 0 else len(completion)


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
