"""Find the final answer in a completion, as text. Fails closed: what is not clearly stated is not found.

Order: nothing inside the think part counts; then the last `<answer>` tag, the last box (adjacent boxes join), unless an
answer phrase follows it; then `#### 42`, answer phrases, a conclusion, a completion that is nothing but an answer.
Negated, hedged, retracted or questioned answers are refused. Mode `lenient` adds "the last value" for those who ask.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal, TypeAlias

from verifiers.catalog.math.extract_phrases import Answer, final_statement, hash_line, spoiled, stated_phrase
from verifiers.catalog.math.extract_values import Stated, blank_markup, negated, unwrap, values
from verifiers.segment import Segment, final_span, group_end, last_answer_tag, last_box
from verifiers.text import FULL_WIDTH

MAX_BODY_CHARS = 65_536
"""Only so much of the end of a completion is looked at."""
MAX_ANSWER_CHARS = 8_192
"""Longer answers are refused."""
MAX_GAP_CHARS = 60
"""Adjacent boxes stand at most this far apart."""
MAX_NEIGHBOUR_CHARS = 512
"""A box that joins the last one, or holds it, starts at most this far before it."""
MAX_BARE_CHARS = 300
"""A completion without words is an answer as a whole up to this length."""
MAX_JOINED = 64
"""So many adjacent boxes join."""
MAX_NESTED = 4
"""So many boxes around a box are looked for."""

Mode: TypeAlias = Literal["strict", "boxed", "lenient"]

_INVISIBLE = re.compile(r"[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]")
_CLOSING = re.compile(r"[ \t]*+(?:\$|\\\)|\\\]|[ \t])*+")
_QUESTION = re.compile(r"[ \t$*.]*+(?:\\[)\]])?[ \t*]*+[?？]")
_UNCLOSED_END = re.compile(r"\$|\\\)|\\\]|\n|\*\*|<")
_DOLLAR = re.compile(r"(?<!\\)\$")
_WIDE_SIGN = re.compile("[＋－＊／＝＜＞％＾｜０-９Ａ-Ｚａ-ｚ]")
"""What Chinese keyboards write between words; brackets and commas of that width are told apart elsewhere."""
_NARROW = {code: narrow for code, narrow in FULL_WIDTH.items() if _WIDE_SIGN.match(chr(code))}
_BOX_NAME = re.compile(r"(?:\\boxed|\\fbox|\x08oxed)(?=\s?\{)")
_NO_ANSWER = re.compile(
    r"(?!\\\{\s*+\\\}\s*+\Z)[\s?？.…_*\\{}$-]*+(?:\\(?:text|ldots|dots)\s?\{?[\s?？.…]*+\}?)?[\s}]*+"
)
"""`\\{\\}` is the empty set."""
_ESCAPED = re.compile(r"\\\\[A-Za-z]{2}")
_BACKSLASHES = re.compile(r"\\+")
_GAP_MARKUP = re.compile(
    r"\\[()\[\]]|\\q?quad(?![A-Za-z])|\\[,;: !\\]|\\(?:text|mbox|mathrm)\s?\{([^{}]*)\}|[$~{}\n\t *]+"
)
_GAP_NAME = re.compile(r"(?:(?<![A-Za-z])[A-Za-z](?:_\{?\w{1,3}\}?|'|\([a-z]\))? ?(?:=|\\in|∈|:)) ?$")
_GAP_OPERATOR = re.compile(r"[-+=/<>∪×·≈]|\\(?:approx|cup|times|cdot|le|ge|leq|geq)")
_GAP_OR = re.compile(r"(?:(?:^|[\W_])(?:or|maybe|perhaps|possibly|either|also)|[或])[ ,]*$", re.IGNORECASE)
_GAP_LIST = re.compile(r"(?:^|.*[^A-Za-z])(?:and|as well as)$|.*[,;，；、&和与及]$", re.IGNORECASE | re.DOTALL)
_GAP_BREAK = re.compile(
    r"[.!?。！？]|\b(?:wait|no|not|but|actually|so|then|hence|thus|therefore|instead|rather)\b", re.IGNORECASE
)

_BARE = re.compile(
    r"(?:\\(?!boxed|fbox|text)[A-Za-z]++|\\[^A-Za-z\s]|[A-Za-z](?![A-Za-z])|[-+*/^_=|!'&% {}()\[\].,;0-9])++"
)
"""One line of mathematics: no words, questions, dollars, boxes, tags."""

_REASONS: dict[str, tuple[str, Literal["unparsable", "incorrect"]]] = {
    "none": ("no final answer is stated", "unparsable"),
    "negated": ("the answer is negated or taken back", "incorrect"),
    "hedged": ("the answer is hedged", "incorrect"),
    "question": ("the answer is put as a question", "incorrect"),
}


@dataclass(slots=True)
class Found:
    """A final answer.

    Attributes:
        text: The answer as it stands, without math delimiters; joined boxes are separated by ", " or " or ".
        rule: Which rule found it ("last box", "answer tag", "phrase: The answer is", ...).
        start, end: Offsets into the completion.
        joined: How many adjacent boxes the text joins.
        last: What the last of several joined boxes holds; empty for a single one.
    """

    text: str
    rule: str
    start: int
    end: int
    joined: int = 1
    last: str = ""


@dataclass(slots=True)
class NotFound:
    """No final answer: `incorrect` when the completion refuses or spoils one, else `unparsable`."""

    reason: str
    status: Literal["unparsable", "incorrect"]


def find_answer(completion: str, mode: Mode = "strict") -> Found | NotFound:
    """Find the final answer of a completion.

    Args:
        completion: What the model answered.
        mode: `strict` fails closed; `boxed` counts boxes only; `lenient` takes the last value if `strict` finds none.
    """
    if len(completion) <= MAX_BARE_CHARS and mode != "boxed" and _BARE.fullmatch(completion):
        answer = completion.strip()
        if answer:
            start = completion.index(answer[0])
            return Found(answer, "whole completion", start, start + len(answer))
    span = final_span(completion)
    if span is None:
        return NotFound("the think part is never closed: no final answer", "unparsable")
    lo, hi = max(span[0], span[1] - MAX_BODY_CHARS), span[1]
    if lo > span[0]:
        hi = span[0] + len(completion[span[0] : hi].rstrip())
        lo = max(span[0], hi - MAX_BODY_CHARS)
    body = completion[lo:hi]
    removed: list[int] = []
    if not body.isascii() and _INVISIBLE.search(body):
        removed = [mark.start() - i for i, mark in enumerate(_INVISIBLE.finditer(body))]
        body = _INVISIBLE.sub("", body)
    if not body.isascii() and _WIDE_SIGN.search(body):
        body = body.translate(_NARROW)
    if "<!--" in body:
        body = _without_comments(body)
    found = _in_body(body, mode)
    if isinstance(found, NotFound):
        return found
    if not found.text.strip():
        return NotFound(*_REASONS["none"])
    if len(found.text) > MAX_ANSWER_CHARS:
        return NotFound(f"the answer has more than {MAX_ANSWER_CHARS} characters", "incorrect")
    found.start += lo + bisect_right(removed, found.start)
    found.end += lo + bisect_right(removed, found.end - 1)
    return found


def clean_reference(reference: str) -> str:
    r"""Return the answer in a reference: `#### 42`, a box inside a worked solution, `$..$`, a plain answer."""
    text = _unescaped(reference.strip()[-MAX_BODY_CHARS:])
    if (box := last_box(text, len(text))) is not None:
        found = _joined_boxes(text, box)
        return found.text if found is not None else text
    if "####" in text and (stated := hash_line(text, phrases=False).stated).text:
        return stated.text
    if len(text.split()) > 20:
        stated = final_statement(text).stated
        if stated.outcome in ("value", "text"):
            return stated.text
    return unwrap(text)


def _in_body(body: str, mode: Mode) -> Found | NotFound:
    box = last_box(body, len(body))
    if mode == "boxed":
        return _boxed(body, box) if box else NotFound("no box", "unparsable")
    tag = last_answer_tag(body)
    if tag is not None and (box is None or box.start < tag.end):
        found = _tagged(body, tag)
    elif box is not None:
        found = _boxed_or_later(body, box)
    else:
        found = _from_answer(final_statement(body))
    if mode == "lenient" and isinstance(found, NotFound):
        return _last_value(body) or found
    return found


def _without_comments(body: str) -> str:
    """Blank out HTML comments, which no reader sees; offsets stay as they are."""
    pieces, at = [], 0
    while (start := body.find("<!--", at)) >= 0:
        stop = body.find("-->", start)
        stop = len(body) if stop < 0 else stop + 3
        pieces += [body[at:start], " " * (stop - start)]
        at = stop
    return "".join([*pieces, body[at:]])


def _tagged(body: str, tag: Segment) -> Found | NotFound:
    """Read an answer tag: a box in it, what its prose states, else all of it."""
    inner = tag.inner(body)
    if not inner.strip():
        return NotFound("the answer tag is empty", "unparsable")
    if (box := last_box(inner, len(inner))) is not None:
        found = _boxed(inner, box)
    else:
        found = _from_answer(final_statement(inner))
    if isinstance(found, NotFound):
        return found
    found.start += tag.inner_start
    found.end += tag.inner_start
    found.rule = "answer tag" if found.rule == "whole completion" else f"answer tag, {found.rule}"
    return found


def _boxed_or_later(body: str, box: Segment) -> Found | NotFound:
    """Read the last box, unless an answer phrase after it says something else, or takes it back."""
    boxed = _boxed(body, box)
    if len(body) - box.end < 8:
        return boxed
    rest = blank_markup(body[box.end : box.end + MAX_BODY_CHARS])
    phrase = stated_phrase(rest, 0)
    if phrase.stated.direct or phrase.stated.outcome in ("negated", "hedged"):
        later = _from_answer(phrase)
        if isinstance(later, Found):
            later.start += box.end
            later.end += box.end
        return later
    if isinstance(boxed, Found) and (outcome := spoiled(rest, 0)):
        return NotFound(*_REASONS[outcome])
    return boxed


def _boxed(body: str, box: Segment) -> Found | NotFound:
    if negated(body, 0, box.start):
        return NotFound(*_REASONS["negated"])
    if _QUESTION.match(body, box.end):
        return NotFound(*_REASONS["question"])
    return _joined_boxes(body, box) or NotFound("the last box holds no answer", "unparsable")


def _joined_boxes(text: str, box: Segment) -> Found | None:
    """Join the boxes that stand next to the last one; `None` if it holds no answer."""
    previous = _box_before(text, box.start)
    for _ in range(MAX_NESTED):
        if previous is None or previous.end < box.end or not previous.closed:
            break
        box, previous = previous, _box_before(text, previous.start)
    last = content = _content(text, box)
    if _NO_ANSWER.fullmatch(content) or "phantom" in content:
        return None
    start, joined = box.start, 1
    for _ in range(MAX_JOINED):
        if previous is None or not previous.closed or not 0 <= start - previous.end <= MAX_GAP_CHARS:
            break
        separator = _separator(text[previous.end : start])
        piece = _content(text, previous)
        if separator is None or not piece:
            break
        start = previous.start
        if joined > 1 or piece != last or separator not in (", ", " or "):
            content, joined = piece + separator + content, joined + 1
        previous = _box_before(text, start)
    if joined == 1:
        return Found(content, "last box", start, box.end)
    return Found(content, "adjacent boxes", start, box.end, joined, last)


def _box_before(text: str, start: int) -> Segment | None:
    return last_box(text, start, max(0, start - MAX_NEIGHBOUR_CHARS))


def _content(text: str, box: Segment) -> str:
    content = box.inner(text)
    if not box.closed:
        content = _UNCLOSED_END.split(content, maxsplit=1)[0]
    if "box" in content:
        content = _BOX_NAME.sub("", content)
    if "$" in content and content.count("$") - content.count("\\$") > 1:
        content = _DOLLAR.sub("", content)
    content = unwrap(_unescaped(content))
    while content[:1] == "{" and group_end(content, 0, len(content)) == len(content):
        content = content[1:-1].strip()
    return content if content.endswith("...") else content.rstrip(".,;。，；、 ")


def _unescaped(text: str) -> str:
    r"""Undo a JSON escape too many: `\\frac` where every run of backslashes has an even length."""
    if "\\\\" in text and _ESCAPED.search(text) and not any(len(run) % 2 for run in _BACKSLASHES.findall(text)):
        return text.replace("\\\\", "\\")
    return text


def _separator(gap: str) -> str | None:
    """Return how two boxes with this text between them join; `None` = they do not."""
    if not gap.strip():
        return ", "
    plain = _GAP_MARKUP.sub(lambda mark: mark[1] or " ", gap).strip()
    plain = _GAP_NAME.sub("", plain).strip()
    if _GAP_OPERATOR.fullmatch(plain):
        return f" {plain} "
    if _GAP_OR.search(plain):
        return " or "
    if _GAP_BREAK.search(plain):
        return None
    if not any(map(str.isalnum, plain)) or _GAP_LIST.match(plain):
        return ", "
    return None


def _from_answer(answer: Answer) -> Found | NotFound:
    stated: Stated = answer.stated
    if stated.outcome not in ("value", "text"):
        return NotFound(*_REASONS[stated.outcome])
    return Found(stated.text, answer.rule, stated.start, stated.end)


def _last_value(body: str) -> Found | None:
    lo = max(0, len(body) - 2_000)
    found = values(body, lo, len(body))
    if not found:
        return None
    start, end = found[-1]
    return Found(unwrap(body[start:end]), "last value (lenient)", start, end)
