"""Where the tags stand: cut a completion into its thinking parts and its answer, or say what is wrong with the tags."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from verifiers.catalog.format.options import ANSWER_NAMES, Options
from verifiers.segment import TagMark, tag_marks
from verifiers.text import visible

MAX_ROUNDS = 256
"""Most parts with count=many."""
ALWAYS_KNOWN = ("think", "answer")
"""Tags that no part may hold, whatever the names that are asked for."""
_STOP = re.compile(
    r"(?:<\|(?:im_end|endoftext|end_of_text|eot_id|eom_id|end|return)\|>|</s>|<end_of_turn>|<｜end▁of▁sentence｜>)\Z"
)


class Cut(NamedTuple):
    """A completion cut by its tags.

    Attributes:
        thinking: Name and text of each thinking part.
        answer: The answer's text.
        start, end: The answer's offsets.
    """

    thinking: tuple[tuple[str, str], ...]
    answer: str
    start: int
    end: int


class Misshapen(NamedTuple):
    """What is wrong with the tags, and where (offset)."""

    reason: str
    at: int = 0


class _Piece(NamedTuple):
    name: str
    start: int
    inner_start: int
    inner_end: int
    end: int


def cut(text: str, prompt: str, options: Options) -> Cut | Misshapen:
    """Cut the text by the tags that the options ask for."""
    if options.stop_tokens == "allow":
        text = _STOP.sub("", text.rstrip())
    elif stop := _STOP.search(text.rstrip()):
        return Misshapen(f"a stop token's text {stop[0]} is at the end", stop.start())
    names = options.names
    if not names:
        return Cut((), text, 0, len(text))
    pieces = _pieces(text, prompt, options)
    if isinstance(pieces, Misshapen):
        return pieces
    return _misplaced(text, pieces, options) or _outside(text, pieces, options) or _assigned(text, pieces, names)


def _pieces(text: str, prompt: str, options: Options) -> list[_Piece] | Misshapen:
    """Pair the tags; each must be exact, closed and without another tag inside."""
    names = options.names
    known = tuple(dict.fromkeys((*names, *ALWAYS_KNOWN)))
    limit = 2 * (len(names) if options.count == "once" else MAX_ROUNDS) + 2
    marks = tag_marks(text, known, limit + 1)
    if not text.isascii() and len(tag_marks(visible(text), known, limit + 1)) != len(marks):
        return Misshapen("a tag is written with invisible or full-width characters")
    if len(marks) > limit:
        return Misshapen("there are too many tags", marks[limit].start)
    opened_at = _opened_by_prompt(prompt, marks, options)
    found: list[_Piece] = []
    opening: TagMark | None = TagMark(names[0], False, 0, 0, True) if opened_at else None
    for mark in marks:
        shown = text[mark.start : mark.end]
        if not mark.exact:
            return Misshapen(f"{shown[:40]} is not written as <{'/' if mark.closing else ''}{mark.name}>", mark.start)
        if mark.name not in names:
            if opening is None and names[-1] not in ANSWER_NAMES and len(names) == 1:
                continue  # after a lone thinking tag, the answer may have tags of its own
            return Misshapen(f"{shown} is not one of the tags asked for", mark.start)
        if not mark.closing:
            if opening is not None:
                return Misshapen(f"{shown} stands inside <{opening.name}>", mark.start)
            opening = mark
        elif opening is None or opening.name != mark.name:
            return Misshapen(f"{shown} closes nothing", mark.start)
        else:
            found.append(_Piece(mark.name, opening.start, opening.end, mark.start, mark.end))
            opening = None
    if opening is not None:
        return Misshapen(f"<{opening.name}> is never closed", opening.start)
    return found


def _opened_by_prompt(prompt: str, marks: list[TagMark], options: Options) -> bool:
    first = options.names[0]
    if options.opened == "completion" or (marks and not marks[0].closing and marks[0].name == first):
        return False
    return options.opened == "prompt" or prompt[-64:].rstrip().endswith(f"<{first}>")


def _misplaced(text: str, pieces: list[_Piece], options: Options) -> Misshapen | None:
    names, found = options.names, [piece.name for piece in pieces]
    if missing := [name for name in names if name not in found]:
        return Misshapen(f"there is no <{missing[0]}>...</{missing[0]}>")
    if options.count == "once":
        if len(found) > len(names):
            twice = next(name for name in names if found.count(name) > 1)
            return Misshapen(f"<{twice}> stands {found.count(twice)} times, not once")
        if options.order == "strict" and tuple(found) != names:
            return Misshapen(f"the tags' order is {', '.join(found)}, not {', '.join(names)}")
    elif options.order == "strict" and (found[0], found[-1]) != (names[0], names[-1]):
        return Misshapen(f"the first and last tags are {found[0]} and {found[-1]}, not {names[0]} and {names[-1]}")
    return None


def _outside(text: str, pieces: list[_Piece], options: Options) -> Misshapen | None:
    lone = len(options.names) == 1
    holds_answer = options.names[-1] in ANSWER_NAMES
    before = options.outside in ("before", "allow") or (lone and holds_answer)
    after = options.outside in ("after", "allow") or (lone and not holds_answer)
    if not before and text[: pieces[0].start].strip():
        return Misshapen(f"there is text before <{pieces[0].name}>")
    if not after and text[pieces[-1].end :].strip():
        return Misshapen(f"there is text after </{pieces[-1].name}>", pieces[-1].end)
    if options.outside != "allow":
        for one, other in pairwise(pieces):
            if text[one.end : other.start].strip():
                return Misshapen(f"there is text between </{one.name}> and <{other.name}>", one.end)
    return None


def _assigned(text: str, pieces: list[_Piece], names: tuple[str, ...]) -> Cut:
    """Tell the thinking parts from the answer."""
    if len(names) == 1 and names[0] not in ANSWER_NAMES:
        end = pieces[-1].end
        return Cut(tuple((p.name, text[p.inner_start : p.inner_end]) for p in pieces), text[end:], end, len(text))
    last = next(piece for piece in reversed(pieces) if piece.name == names[-1])
    thinking = tuple((p.name, text[p.inner_start : p.inner_end]) for p in pieces if p.name != names[-1])
    if len(names) == 1:
        thinking = (("text before", text[: pieces[0].start]),)
    return Cut(thinking, text[last.inner_start : last.inner_end], last.inner_start, last.inner_end)
