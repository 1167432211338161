"""Kinds that count: chars, words, sentences, paragraphs, lines, tokens, unique_words."""

from __future__ import annotations

from typing import Literal

from verifiers.catalog.rules.reading import Bounds
from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View

CHARS_A_TOKEN = 4.0
"""Characters of spaced scripts that make a token, on average, with the tokenizers of today's models."""
_DENSE = bytes(
    [*(0x0E, 0x10, 0x17), *range(0x2E, 0x30), *range(0x30, 0x32), *range(0x34, 0xA0), *range(0xAC, 0xDC), 0xF9]
)
"""High bytes of UTF-16 of scripts in which a character is about a token: Thai to Khmer, Han, kana, Hangul, emoji."""


class _Counted(Rule):
    """A count within bounds."""

    count: Bounds
    slack: float = 0.0

    @property
    def least(self) -> int:
        """The least count of a text that holds a letter, digit or symbol."""
        return 0

    def __post_init__(self) -> None:
        if not 0 <= self.slack <= 10:
            raise ValueError(f"slack is a share from 0 to 10, not {self.slack:g}")

    def expected(self) -> str:
        return f"{self.count} {self.kind.replace('_', ' ')}"

    def always(self) -> bool | None:
        if self.count.always(low=self.least):
            return True
        return False if self.count.max is not None and self.count.max < 0 else None

    def pitfalls(self) -> list[str]:
        low, high = self.count.min, self.count.max
        fixed = low is not None and low == high and low > 12 and not self.slack
        return [f"exactly {low:g} is hard to learn from; allow a range, or give slack"] if fixed else []

    def _judged(self, count: float) -> Outcome:
        if self.count.hold(count):
            return Outcome(1.0, count)
        bound = self.count.min if self.count.min is not None and count < self.count.min else self.count.max or 0.0
        room = abs(bound) * self.slack
        reward = max(0.0, 1.0 - abs(count - bound) / room) if room else 0.0
        unit = self.kind.replace("_", " ")
        return Outcome(reward, count, f"{count:,} {unit.removesuffix('s') if count == 1 else unit}")


@kind("words", group="counts", example=("words: 50..100", "words: {count: {max: 100}, slack: 0.2}"))
class Words(_Counted):
    """How many words: by spaces, and each Han character, kana and Thai, Lao, Khmer or Myanmar letter.

    Attributes:
        count: How many are allowed.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    slack: float = 0.0

    def check(self, view: View) -> Outcome:
        return self._judged(len(view.words))


@kind("unique_words", group="counts", example="unique_words: 20..")
class UniqueWords(_Counted):
    """How many different words, letter case aside.

    Attributes:
        count: How many are allowed.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    slack: float = 0.0

    def check(self, view: View) -> Outcome:
        return self._judged(len(set(map(str.lower, set(view.words)))))


@kind("chars", group="counts", example=("chars: ..280", "chars: {count: 10.., blanks: ignore}"))
class Chars(_Counted):
    """How many characters, after invisible ones were removed.

    Attributes:
        count: How many are allowed.
        blanks: Whether blanks count; those at both ends never do.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    blanks: Literal["count", "ignore"] = "count"
    slack: float = 0.0

    @property
    def least(self) -> int:
        return 1

    def check(self, view: View) -> Outcome:
        text = view.text.strip()
        return self._judged(len(text) if self.blanks == "count" else sum(map(len, text.split())))


@kind("sentences", group="counts", example="sentences: 3..5")
class Sentences(_Counted):
    """How many sentences.

    Attributes:
        count: How many are allowed.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    slack: float = 0.0

    def check(self, view: View) -> Outcome:
        return self._judged(len(view.sentences))


@kind("paragraphs", group="counts", example=("paragraphs: 2", "paragraphs: {count: 3, separator: '***'}"))
class Paragraphs(_Counted):
    """How many paragraphs: what empty lines separate, or lines that hold nothing but a separator.

    Attributes:
        count: How many are allowed.
        separator: A line of its own between paragraphs; empty lines if none is given.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    separator: str = ""
    slack: float = 0.0

    @property
    def least(self) -> int:
        return 0 if self.separator else 1

    def check(self, view: View) -> Outcome:
        if not self.separator:
            return self._judged(len(view.paragraphs))
        wanted, found, filled = self.separator.strip(), 0, False
        for line in view.lines:
            if line.strip() == wanted:
                found, filled = found + filled, False
            else:
                filled = True
        return self._judged(found + filled)


@kind("lines", group="counts", example="lines: {count: 14}")
class Lines(_Counted):
    """How many lines that are not blank.

    Attributes:
        count: How many are allowed.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    slack: float = 0.0

    @property
    def least(self) -> int:
        return 1

    def check(self, view: View) -> Outcome:
        return self._judged(len(view.lines))


@kind("tokens", group="counts", example="tokens: ..1024")
class Tokens(_Counted):
    """About how many tokens: one a character of Han, kana, Hangul, Thai and emoji, else one per four characters.

    Attributes:
        count: How many are allowed.
        slack: Share of the bound by which it may be missed for a part of the reward, falling in a straight line.
    """

    count: Bounds
    slack: float = 0.0

    @property
    def least(self) -> int:
        return 1

    def check(self, view: View) -> Outcome:
        text = view.text
        high = b"" if text.isascii() else text.encode("utf-16-be", "replace")[::2]
        dense = len(high) - len(high.translate(None, _DENSE))
        return self._judged(dense + -int(-(len(text) - dense) // CHARS_A_TOKEN))
