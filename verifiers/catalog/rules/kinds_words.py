"""Kinds about words and phrases: contains, forbidden, starts_with, ends_with, position, order, case, equals."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from typing import Literal

from verifiers.catalog.rules.phrases import Case, Match, Phrases
from verifiers.catalog.rules.reading import Bounds, Strings
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View, cut, fold
from verifiers.text import normalise

AT_LEAST_ONE = Bounds(1, None)
MAX_SHOWN = 5
"""Most phrases that a reason lists."""


def listed(texts: Strings | list[str]) -> str:
    """Return texts for a reason."""
    shown = ", ".join(repr(text) for text in texts[:MAX_SHOWN])
    return shown if len(texts) <= MAX_SHOWN else f"{shown} and {len(texts) - MAX_SHOWN} more"


def folded(text: str, case: Case) -> str:
    """Return a rule's text in normal form, blanks as single spaces, small if case does not count."""
    text = " ".join(normalise(text).split())
    return fold(text) if case == "ignore" else text


@kind(
    "contains", group="words", example=("contains: [reward, policy]", "contains: {text: GRPO, times: 2.., case: keep}")
)
class Contains(Rule):
    """The text has these words or phrases, each as whole words.

    Attributes:
        text: What must occur; of a list, each one.
        times: How often each must occur.
        need: How many of the list must occur so often; all of them unless given.
        match: As whole words (in every script), or anywhere (substring).
        case: Whether letter case counts: ignore, keep.
        partial: Pay the share that was found instead of nothing.
    """

    text: Strings
    times: Bounds = AT_LEAST_ONE
    need: int | None = None
    match: Match = "word"
    case: Case = "ignore"
    partial: bool = False

    def __post_init__(self) -> None:
        if self.need is not None and not 1 <= self.need <= len(self.text):
            raise ValueError(f"need is 1 to {len(self.text)} (so many texts are given), not {self.need}")
        self.phrases.count(View(""))

    @cached_property
    def phrases(self) -> Phrases:
        """What is looked for."""
        return Phrases(self.text, self.match, self.case)

    def expected(self) -> str:
        some = "" if self.need is None else f"{self.need} of "
        times = "" if self.times == AT_LEAST_ONE else f", {self.times} times each"
        return f"{some}{listed(self.text)}{times}"

    def check(self, view: View) -> Outcome:
        counts = self.phrases.count(view)
        need = len(counts) if self.need is None else min(self.need, len(counts))
        wrong = [text for text, count in counts.items() if not self.times.hold(count)]
        have = min(need, len(counts) - len(wrong))
        reward = have / need if self.partial else float(have == need)
        reason = "" if have == need else f"{have} of {need} found; not so: {listed(wrong)}"
        first = self.phrases.first(view)
        shown = {text: counts[text] for text in list(counts)[:MAX_SHOWN]}
        return Outcome(reward, shown, reason, first[1:] if first is not None else None)


@kind("forbidden", group="words", example=("forbidden: [sorry, as an AI]", "forbidden: {text: '!', match: substring}"))
class Forbidden(Rule):
    """The text has none of these words or phrases.

    Attributes:
        text: What must not occur.
        match: As whole words (in every script), or anywhere (substring).
        case: Whether letter case counts: ignore, keep.
    """

    text: Strings
    match: Match = "word"
    case: Case = "ignore"

    def __post_init__(self) -> None:
        self.phrases.first(View(""))

    @cached_property
    def phrases(self) -> Phrases:
        """What is looked for."""
        return Phrases(self.text, self.match, self.case)

    def expected(self) -> str:
        return f"none of {listed(self.text)}"

    def check(self, view: View) -> Outcome:
        hit = self.phrases.first(view)
        if hit is None:
            return Outcome(1.0)
        return Outcome(0.0, hit.phrase, f"{hit.phrase!r} occurs", (hit.start, hit.end))


class _Edge(Rule):
    """What a text begins or ends with."""

    text: Strings
    case: Case = "ignore"

    def _wanted(self) -> list[str]:
        texts = [folded(text, self.case) for text in self.text]
        if not all(texts):
            raise ValueError("a text without visible characters is always there; write what must stand at the edge")
        return texts

    def _found(self, view: View, at_end: bool) -> Outcome:
        text = view.text.strip()
        room = max(map(len, self.text)) * 4 + 100  # blanks in between may be longer here than in the rule
        seen = " ".join((text[-room:] if at_end else text[:room]).split())
        form = fold(seen) if self.case == "ignore" else seen
        holds = any(form.endswith(each) if at_end else form.startswith(each) for each in self._wanted())
        return Outcome(float(holds), cut(seen[-60:] if at_end else seen[:60]))


@kind("starts_with", group="words", example="starts_with: [Dear, Hello]")
class StartsWith(_Edge):
    """The text begins with one of these, blanks before it aside.

    Attributes:
        text: Any one of these.
        case: Whether letter case counts: ignore, keep.
    """

    text: Strings
    case: Case = "ignore"

    def __post_init__(self) -> None:
        self._wanted()

    def expected(self) -> str:
        return f"to begin with {listed(self.text)}"

    def check(self, view: View) -> Outcome:
        return self._found(view, at_end=False)


@kind("ends_with", group="words", example="ends_with: {text: Yours faithfully, case: keep}")
class EndsWith(_Edge):
    """The text ends with one of these, blanks after it aside.

    Attributes:
        text: Any one of these.
        case: Whether letter case counts: ignore, keep.
    """

    text: Strings
    case: Case = "ignore"

    def __post_init__(self) -> None:
        self._wanted()

    def expected(self) -> str:
        return f"to end with {listed(self.text)}"

    def check(self, view: View) -> Outcome:
        return self._found(view, at_end=True)


@kind("position", group="words", example="position: {text: however, unit: sentence, at: 2}", short="")
class Position(Rule):
    """A phrase stands in a certain word, sentence, paragraph or line.

    Attributes:
        text: Any one of these phrases.
        unit: word, sentence, paragraph, line.
        at: Which one: 1 is the first, -1 the last.
        case: Whether letter case counts: ignore, keep.
    """

    text: Strings
    unit: Literal["word", "sentence", "paragraph", "line"] = "sentence"
    at: int = 1
    case: Case = "ignore"

    def __post_init__(self) -> None:
        if self.at == 0:
            raise ValueError("at counts from 1 (the first) or -1 (the last); 0 is no place")
        self.phrases.first(View(""))

    @cached_property
    def phrases(self) -> Phrases:
        """What is looked for."""
        return Phrases(self.text, "word", self.case)

    def expected(self) -> str:
        return f"{listed(self.text)} in {self.unit} {self.at}"

    def check(self, view: View) -> Outcome:
        units: list[str] = getattr(view, f"{self.unit}s")
        index = self.at - 1 if self.at > 0 else len(units) + self.at
        if not 0 <= index < len(units):
            return Outcome(0.0, len(units), f"there are only {len(units)} {self.unit}s")
        found = self.phrases.first(View(units[index])) is not None
        return Outcome(float(found), cut(units[index]))


@kind("order", group="words", example="order: [first, second, finally]")
class Order(Rule):
    """These phrases occur one after the other, in this order.

    Attributes:
        text: The phrases.
        case: Whether letter case counts: ignore, keep.
    """

    text: Strings
    case: Case = "ignore"

    def __post_init__(self) -> None:
        for phrases in self.phrases:
            phrases.first(View(""))

    @cached_property
    def phrases(self) -> list[Phrases]:
        """Each phrase by itself."""
        return [Phrases((text,), "word", self.case) for text in self.text]

    def expected(self) -> str:
        return f"in this order: {listed(self.text)}"

    def check(self, view: View) -> Outcome:
        at, start = 0, None
        for text, phrases in zip(self.text, self.phrases, strict=True):
            hit = phrases.first(view, at)
            if hit is None:
                where = f"after character {at}" if at else "anywhere"
                return Outcome(0.0, text, f"{text!r} does not occur {where}")
            start, at = (hit.start if start is None else start), hit.end
        return Outcome(1.0, None, "", (start or 0, at))


@kind("case", group="words", example=("case: upper", "case: {style: title, min: 0.8}"))
class LetterCase(Rule):
    """Letters are capitals, small, or begin each word or sentence with a capital; scripts without case are left out.

    Attributes:
        style: upper, lower, title (each word of four letters or more begins with a capital), sentence (each
            sentence does).
        min: Share of the letters, words or sentences that must be so, from 0 to 1.
    """

    style: Literal["upper", "lower", "title", "sentence"]
    min: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.min <= 1:
            raise ValueError(f"min is a share above 0 and up to 1, not {self.min:g}")

    def expected(self) -> str:
        share = "" if self.min == 1 else f" in {self.min:.0%} of the places"
        return f"{self.style} case{share}"

    def check(self, view: View) -> Outcome:
        good, all_of = getattr(self, f"_{self.style}")(view)
        if not all_of:
            return Outcome(0.0, None, "the text has no letters with case")
        share = good / all_of
        return Outcome(float(share >= self.min), round(share, 4))

    def _upper(self, view: View) -> tuple[int, int]:
        up, low = _cased(view)
        return up, up + low

    def _lower(self, view: View) -> tuple[int, int]:
        up, low = _cased(view)
        return low, up + low

    def _title(self, view: View) -> tuple[int, int]:
        counts = {word: count for word, count in Counter(view.words).items() if len(word) > 3 and _is_cased(word[0])}
        return sum(count for word, count in counts.items() if word[0] != word[0].lower()), sum(counts.values())

    def _sentence(self, view: View) -> tuple[int, int]:
        firsts = [next((char for char in each[:200] if char.isalpha()), "") for each in view.sentences]
        cased = [char for char in firsts if _is_cased(char)]
        return sum(char != char.lower() for char in cased), len(cased)


def _is_cased(char: str) -> bool:
    return char.upper() != char.lower()


def _cased(view: View) -> tuple[int, int]:
    """Return how many capitals and small letters there are."""
    text = view.text
    if text.isascii():
        plain = text.encode()
        small = len(plain) - len(plain.translate(None, b"abcdefghijklmnopqrstuvwxyz"))
        return len(plain) - len(plain.translate(None, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")), small
    lower = view.folded
    upper = text.upper()
    if len(upper) != len(text):  # a few letters have no single capital
        return differences(text, lower), sum(map(str.islower, text))
    return differences(text, lower), differences(text, upper)


def differences(one: str, other: str) -> int:
    """Return at how many places two texts of one length differ; by whole-number arithmetic, for speed."""
    width = 4
    left, right = (int.from_bytes(each.encode("utf-32-le", "replace"), "little") for each in (one, other))
    changed = (left ^ right).to_bytes(len(one) * width, "little")
    merged = 0
    for byte in range(width):
        merged |= int.from_bytes(changed[byte::width], "little")
    return len(one) - merged.to_bytes(len(one), "little").count(0)


_LAST_STOP = re.compile(r"[.。!\s]++\Z")


@kind("equals", group="words", example="equals: ['yes', 'no']")
class Equals(Rule):
    """The whole text is one of these, but for blanks at the edges and between words.

    Attributes:
        text: Any one of these.
        case: Whether letter case counts: ignore, keep.
        punctuation: Whether a full stop at the end counts: ignore, keep.
    """

    text: Strings
    case: Case = "ignore"
    punctuation: Literal["ignore", "keep"] = "ignore"

    def expected(self) -> str:
        return listed(self.text)

    def check(self, view: View) -> Outcome:
        allowed = {self._form(text) for text in self.text}
        if len(view.text) > 2 * max(map(len, self.text)) + 10_000:
            return Outcome(0.0, f"{len(view.text):,} characters", "the text is much longer")
        return Outcome(float(self._form(view.text) in allowed), cut(view.text))

    def _form(self, text: str) -> str:
        text = folded(text, self.case)
        return _LAST_STOP.sub("", text) or text if self.punctuation == "ignore" else text
