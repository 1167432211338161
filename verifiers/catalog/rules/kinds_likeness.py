"""The kind `similarity`: how like another text the text is, or how much of it was copied."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any, Literal

from verifiers.catalog.rules.table import Outcome, Rule, kind
from verifiers.catalog.rules.view import View
from verifiers.errors import require
from verifiers.text import normalise, words

MAX_RATIO_CHARS = 4_000
"""With `how: ratio`: longest text to compare with; its cost is the product of both lengths."""
GRAM_WORDS = 5
"""Words in a row that count as copied."""
MAX_GRAM_CHARS = 300_000
"""Runs are looked at in so many characters from the start."""
MAX_GRAM_WORDS = 60_000


@kind(
    "similarity",
    group="likeness",
    example=("similarity: {to: $reference, min: 0.7}", "similarity: {to: $prompt, how: copied, max: 0.3}"),
    short="",
)
class Similarity(Rule):
    """The text is like another one, or not too like it.

    Attributes:
        to: The other text; `$reference`, `$prompt` or `$meta.key` take it from the row.
        min: The least likeness allowed, from 0 to 1.
        max: The most likeness allowed.
        how: words (F1 of the words, order aside), ratio (edit similarity of the characters, by rapidfuzz), copied
            (share of the text's runs of five words that stand in the other one too).
        partial: Pay the likeness itself, where it lies below `min`.
    """

    to: str
    min: float = 0.0
    max: float = 1.0
    how: Literal["words", "ratio", "copied"] = "words"
    partial: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.min <= self.max <= 1:
            raise ValueError(
                f"min and max are from 0 to 1, and min is not above max; not {self.min:g} and {self.max:g}"
            )
        if not words(self.to):
            raise ValueError("the text to compare with has no words")
        if self.how == "ratio" and len(self.to) > MAX_RATIO_CHARS:
            raise ValueError(f"how: ratio compares with at most {MAX_RATIO_CHARS:,} characters; use how: words")

    def prepare(self) -> None:
        if self.how == "ratio":
            require("rapidfuzz", "rules", "The rule kind similarity with how: ratio")

    def expected(self) -> str:
        return f"likeness {self.min:g} to {self.max:g} by {self.how}"

    def always(self) -> bool | None:
        return True if self.min == 0 and self.max == 1 else None

    @cached_property
    def _other(self) -> View:
        return View(normalise(self.to))

    def check(self, view: View) -> Outcome:
        likeness: float = getattr(self, f"_{self.how}")(view)
        holds = self.min <= likeness <= self.max
        reward = 1.0 if holds else likeness / self.min if self.partial and likeness < self.min else 0.0
        return Outcome(reward, round(likeness, 4))

    def _words(self, view: View) -> float:
        ours, theirs = _counted(view), _counted(self._other)
        common = sum(min(count, ours[word]) for word, count in theirs.items())
        return 2 * common / (ours.total() + theirs.total())

    def _ratio(self, view: View) -> float:
        fuzz: Any = require("rapidfuzz.fuzz", "rules", "The rule kind similarity with how: ratio")
        one, other = view.text.strip(), self._other.text.strip()
        # Beyond this length even a text that holds the whole other one cannot be more like it than 0.1.
        if len(one) > 19 * len(other):
            return 2 * min(len(one), len(other)) / (len(one) + len(other)) if one else 0.0
        return float(fuzz.ratio(one, other)) / 100

    def _copied(self, view: View) -> float:
        ours, theirs = _grams(view), self._grams
        return sum(gram in theirs for gram in ours) / len(ours) if ours else 0.0

    @cached_property
    def _grams(self) -> frozenset[tuple[str, ...]]:
        return frozenset(_grams(self._other))


def _counted(view: View) -> Counter[str]:
    """Return how often each word occurs, letter case aside."""
    counts: Counter[str] = Counter()
    for word, count in Counter(view.words).items():
        counts[word.lower()] += count
    return counts


def _grams(view: View) -> list[tuple[str, ...]]:
    """Return the runs of `GRAM_WORDS` words; of a shorter text, all of it."""
    small = list(map(str.lower, words(view.text[:MAX_GRAM_CHARS])[:MAX_GRAM_WORDS]))
    if len(small) <= GRAM_WORDS:
        return [tuple(small)] if small else []
    return list(zip(*(small[start:] for start in range(GRAM_WORDS)), strict=False))
