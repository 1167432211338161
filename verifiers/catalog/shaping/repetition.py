r"""A penalty for repeated n-grams, in [max_penalty, 0], in every script; loops count as repeated through and through.

R = max_penalty * (1 - distinct n-grams / all n-grams). Demystifying Long CoT (arXiv 2502.03373) appendix C.2; TRL
`get_repetition_penalty_reward` (unit=tokens, equal), open-r1 `get_repetition_penalty_reward` (unit=spaces, equal).

The default unit=auto reads text that those miss. Words are found in every script; where most words are single Han
characters or kana, n grows by 5/3, and in Thai, Lao, Khmer and Myanmar by 3, so that as much text is compared as in
spaced scripts. Text without spaces is compared by characters. R is then at least the share of the text in loops:
pieces of 8,192 characters that are compressed below 6 % of their size.

Accepts any completion; shorter than n units, it gets 0. Known limits: of texts longer than 64,000 characters (400,000
with unit=spaces) the two ends are read; the penalty grows slowly with length even for good text, as in the sources.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from verifiers.catalog.shaping._measure import bounded, token_ids
from verifiers.teacher import BaseTeacher, accept, adversarial, reject, teacher, unscorable
from verifiers.text import HAN, KANA, UNSPACED, visible, words
from verifiers.types import Json, Sample, Status, Verdict, text_of

LOOP_CHARS = 8_192
MIN_LOOP_CHARS = 1_024
"""Loops are looked for in pieces of `LOOP_CHARS`; shorter ones than this are left to the n-grams."""
LOOP_SHARE = 0.06
MAX_READ_CHARS = 64_000
"""Of a longer text its two ends are read; unit=spaces is cheaper and reads more."""
MAX_MEAN_WORD_CHARS = 16
"""Text whose words are longer on average has no spaces: characters are compared."""
CHARS_PER_WORD = 5
HAN_PER_WORD = 5 / 3
UNSPACED_PER_WORD = 3

_HAN = re.compile(f"[{HAN}{KANA}]")
_UNSPACED = re.compile(f"[{UNSPACED}]")


@dataclass(frozen=True)
class Options:
    """Options of the repetition teacher.

    Attributes:
        ngram_size: Units in an n-gram.
        max_penalty: Reward of a text that only repeats itself; 0 or less.
        unit: auto (words in every script, loops), spaces (text between blanks, in small letters), chars, tokens.
        tokens_column: Column with the completion's token ids.
    """

    ngram_size: int = 3
    max_penalty: float = -1.0
    unit: Literal["auto", "spaces", "chars", "tokens"] = "auto"
    tokens_column: str = "completion_ids"

    def __post_init__(self) -> None:
        if self.ngram_size < 1 or self.max_penalty > 0:
            raise ValueError(
                f"ngram_size = {self.ngram_size}, max_penalty = {self.max_penalty}: allowed are an ngram_size of 1 or "
                "more and a max_penalty of 0 or less"
            )


def repeated_share(units: Sequence[Hashable], size: int) -> float:
    """Return the share of n-grams that occurred before: 1 - distinct / all; 0 for fewer than `size` units."""
    total = len(units) - size + 1
    if total < 1:
        return 0.0
    distinct = len(set(zip(*(units[start:] for start in range(size)), strict=False)))
    return 1.0 - distinct / total


def looping_share(text: str) -> float:
    """Return the share of a text that lies in pieces which repeat without end."""
    looping = 0
    for at in range(0, len(text), LOOP_CHARS):
        piece = text[at : at + LOOP_CHARS]
        raw = piece.encode("utf-8", "surrogatepass")
        if len(piece) >= MIN_LOOP_CHARS and len(zlib.compress(raw, 1)) < LOOP_SHARE * len(raw):
            looping += len(piece)
    return looping / len(text) if text else 0.0


def _auto(text: str, size: int) -> tuple[float, str]:
    text = visible(bounded(text, MAX_READ_CHARS)).casefold()
    units = words(text)
    by = "words"
    if len(text) > MAX_MEAN_WORD_CHARS * (len(units) + 1):
        units, size, by = list(text), size * CHARS_PER_WORD, "characters"
    elif not text.isascii():
        half = len(units) / 2
        if len(_UNSPACED.findall(text)) > half:
            size *= UNSPACED_PER_WORD
        elif len(_HAN.findall(text)) > half:
            size = round(size * HAN_PER_WORD)
    repeated, looping = repeated_share(units, size), looping_share(text)
    if looping > repeated:
        return looping, f"{looping:.0%} of the text is in loops"
    return repeated, f"{repeated:.0%} of {size}-grams of {by} are repeated"


@teacher(version="1", options=Options)
class RepetitionTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in linear time."""
        share = self._share(sample)
        if isinstance(share, Verdict):
            return share
        repeated, reason = share
        reward = repeated * self.options.max_penalty if repeated else 0.0
        return Verdict(reward, Status.PARTIAL if repeated else Status.CORRECT, reason)

    def judge(self, sample: Sample) -> Verdict:
        """Judge as `quick` does."""
        return self.quick(sample)

    def _share(self, sample: Sample) -> tuple[float, str] | Verdict:
        options, size = self.options, self.options.ngram_size
        if options.unit == "tokens":
            ids = token_ids(sample.meta, options.tokens_column)
            if isinstance(ids, Verdict):
                return ids
            return _named(repeated_share([repr(each) for each in ids], size), size, "tokens")
        text = text_of(sample.completion)
        if options.unit == "auto":
            return _auto(text, size)
        units = bounded(text.lower()).split() if options.unit == "spaces" else bounded(text, MAX_READ_CHARS)
        return _named(repeated_share(units, size), size, options.unit)


def _named(repeated: float, size: int, unit: str) -> tuple[float, str]:
    return repeated, f"{repeated:.0%} of {size}-grams of {unit} are repeated"


_TOKENS: Mapping[str, Json] = {"unit": "tokens", "ngram_size": 2}

CASES = [
    accept("The quick brown fox jumps over the lazy dog.", reward=0.0),
    accept("春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。", reward=0.0),
    accept("x", meta={"completion_ids": [1, 2, 3, 4]}, options=_TOKENS, reward=0.0),
    reject("x", meta={"completion_ids": [5, 5, 5, 5, 5]}, options=_TOKENS, reward=-0.75, note="TRL's own example"),
    reject("a b c a b c", reward=-0.25),
    reject("go go go go", options={"max_penalty": -2.0}, reward=-1.0),
    adversarial("我们再想一想。" * 10, reward=-(1 - 6 / 56), note="a loop in Chinese: 6 different 5-grams of 56"),
    adversarial("checkagain" * 80, reward=-(1 - 10 / 786), note="a loop without spaces"),
    adversarial("checkagain" * 400, reward=-1.0, note="a long loop"),
    adversarial("a b\u200b c a b c", reward=-0.25, note="invisible characters do not make words new"),
    unscorable("x", options={"unit": "tokens"}, note="no column with tokens"),
]
