"""One part of a completion as rules see it: normalised once, cut into words and sentences once, shared by all rules."""

from __future__ import annotations

import re
from functools import cached_property

from verifiers.segment import final_span, last_answer_tag, segments
from verifiers.text import lines, normalise, paragraphs, sentences, words

SHOWN_CHARS = 80
"""Longest piece of a completion that a part quotes."""

PARTS = ("final", "completion", "think", "answer", "code", "first_line", "last_line")
"""Where a rule may look (`in:`)."""

_HALF = re.compile("[\ud800-\udfff]")
_VISIBLE = re.compile(r"[^\W_]|[\u2190-\u2bff\u3200-\u33ff\U0001f000-\U0001faff]")
"""What makes a text more than blanks and punctuation: a letter, a digit, a symbol."""
_ASCII_SIGNS = bytes(byte for byte in range(128) if not chr(byte).isalnum())


class View:
    """A text under rules.

    Attributes:
        start: Offset of this part in the completion; -1 = it was joined from several places.
        raw: The part as written.
        missing: Why there is no such part; empty = there is.
    """

    def __init__(self, raw: str, start: int = 0, missing: str = "") -> None:
        self.raw = raw
        self.start = start
        self.missing = missing

    @cached_property
    def text(self) -> str:
        """The text in normal form: NFC, full-width forms as ASCII, without invisible characters and half surrogates."""
        raw = self.raw
        if not raw.isascii():
            raw = _HALF.sub("\ufffd", raw)
        return normalise(raw)

    @cached_property
    def folded(self) -> str:
        """The text in small letters, as long as `text`, so that offsets agree."""
        return fold(self.text)

    @cached_property
    def words(self) -> list[str]:
        """The words; each Han character and kana is one."""
        return words(self.text.strip())

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences."""
        return sentences(self.text)

    @cached_property
    def paragraphs(self) -> list[str]:
        """The paragraphs: what empty lines separate."""
        return paragraphs(self.text)

    @cached_property
    def lines(self) -> list[str]:
        """The lines that hold something."""
        return [line for line in lines(self.text) if line and not line.isspace()]

    @cached_property
    def hollow(self) -> bool:
        """Whether there is nothing to judge: no letter, digit or symbol."""
        if self.text.isascii():
            return not self.text.encode().translate(None, _ASCII_SIGNS)
        return _VISIBLE.search(self.text.lstrip()) is None

    @cached_property
    def _exact(self) -> bool:
        return self.text == self.raw

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Return offsets of `text` as offsets of the completion; `None` where the normal form moved characters."""
        return (self.start + start, self.start + end) if self._exact and self.start >= 0 else None


def fold(text: str) -> str:
    """Return the text in small letters, of the same length."""
    return text.replace("\u0130", "i").lower().replace("\u03c2", "\u03c3")


def cut(text: str) -> str:
    """Return the start of a text, for a reason or a detail."""
    text = text.strip()
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}…"


class Views:
    """The parts of one completion, each made when a rule first asks for it."""

    def __init__(self, completion: str) -> None:
        self._completion = completion
        self._made: dict[str, View] = {}

    def __getitem__(self, part: str) -> View:
        """Return a part of `PARTS`."""
        view = self._made.get(part)
        if view is None:
            view = self._made[part] = getattr(self, f"_make_{part}")()
        return view

    def _view(self, start: int, end: int) -> View:
        return View(self._completion[start:end], start)

    def _make_completion(self) -> View:
        return View(self._completion)

    def _make_final(self) -> View:
        span = final_span(self._completion)
        if span is None:
            return View("", len(self._completion), "the thinking part never ends, so there is no final text")
        return self._view(*span) if span != (0, len(self._completion)) else View(self._completion)

    def _make_think(self) -> View:
        span = final_span(self._completion)
        end = span[0] if span is not None else len(self._completion)
        if span is not None and end == 0:
            return View("", 0, "the completion has no thinking part")
        found = next((part for part in segments(self._completion[:end]) if part.kind == "think"), None)
        return self._view(found.inner_start, found.inner_end) if found is not None else self._view(0, end)

    def _make_answer(self) -> View:
        final = self["final"]
        tag = last_answer_tag(final.raw)
        if tag is None or not tag.closed:
            return View("", final.start, "the completion has no <answer>...</answer>")
        return self._view(final.start + tag.inner_start, final.start + tag.inner_end)

    def _make_code(self) -> View:
        final = self["final"]
        blocks = [part for part in segments(final.raw) if part.kind == "code" and part.closed]
        if not blocks:
            return View("", final.start, "the completion has no fenced code")
        if len(blocks) == 1:
            return self._view(final.start + blocks[0].inner_start, final.start + blocks[0].inner_end)
        return View("\n".join(part.inner(final.raw) for part in blocks), -1)

    def _make_first_line(self) -> View:
        final = self["final"]
        begin = len(final.raw) - len(final.raw.lstrip())
        end = final.raw.find("\n", begin)
        return self._view(final.start + begin, final.start + (len(final.raw) if end < 0 else end))

    def _make_last_line(self) -> View:
        final = self["final"]
        end = len(final.raw.rstrip())
        return self._view(final.start + final.raw.rfind("\n", 0, end) + 1, final.start + end)
