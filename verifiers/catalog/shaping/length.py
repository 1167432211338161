r"""A reward for length, beside one for being right: DAPO's overlong punishment, up to, target, cosine, Kimi's.

Let n be the length, L = `max_length`, C = `cache`. Every mode is bounded, and equal to its source where that is right.

- soft_overlong, in [-1, 0]: 0 up to L - C, then ((L - C) - n) / C, and -1 beyond L. DAPO (arXiv 2503.14476) eq. 13;
  TRL `get_soft_overlong_punishment`. ms-swift's falls without end beyond L; this one stays at -1.
- up_to, in [0, 1]: clip(1 - (n - L) / C, 0, 1); C = 0 makes it hard. L1's LCPO-Max (arXiv 2503.04697) with
  alpha = 1 / C and delta = 1.
- target, in [0, 1]: clip(1 - |n - L| / C, 0, 1). L1's LCPO-Exact, clipped.
- cosine: min + (max - min) * (1 + cos(pi * min(n, L) / L)) / 2, where right answers fall from `max_correct` to
  `min_correct` and wrong ones rise from `min_wrong` to `max_wrong`. Demystifying Long CoT (arXiv 2502.03373) eq. 1 and
  open-r1 `get_cosine_scaled_reward`, which is periodic beyond L; this one stays at its end.
- kimi, in [-0.5, 0.5]: r = 0.5 - (n - shortest) / (longest - shortest) in the group; min(0, r) for wrong answers; 0 if
  all have one length. Kimi k1.5 (arXiv 2501.12599) section 2.3.3; open-r1 `len_reward`.

Accepts any completion. Words are counted in every script; tokens come from a column (TRL's `completion_ids`). cosine
and kimi need the column that says whether the answer is right, kimi also the column with the group's lengths.

Refuses to judge a row that lacks those columns. Known limit: up_to pays an empty completion; combine it with `format`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from verifiers.catalog.shaping._measure import column, is_right, length_of, not_judged
from verifiers.teacher import BaseTeacher, accept, adversarial, reject, teacher, unscorable
from verifiers.types import Json, Sample, Status, Verdict, text_of


@dataclass(frozen=True)
class Options:
    """Options of the length teacher.

    Attributes:
        mode: soft_overlong, up_to, target, cosine, kimi; see the description.
        unit: What is counted: words (in every script), chars, tokens (from a column).
        max_length: The limit, or the target, in units.
        cache: The stretch over which the reward falls, in units; before the limit in soft_overlong, behind it in
            up_to, on both sides in target.
        tokens_column: Column with the completion's token ids, or their number.
        correct_column: Column that says whether the answer is right: true, false or a reward (right from 1.0 on).
        lengths_column: Column with the lengths of the group's completions, in units.
        min_wrong: cosine: reward of a wrong answer of no length.
        max_wrong: cosine: reward of a wrong answer at the limit.
        min_correct: cosine: reward of a right answer at the limit.
        max_correct: cosine: reward of a right answer of no length.
    """

    mode: Literal["soft_overlong", "up_to", "target", "cosine", "kimi"] = "soft_overlong"
    unit: Literal["words", "chars", "tokens"] = "words"
    max_length: int = 4096
    cache: int = 1024
    tokens_column: str = "completion_ids"
    correct_column: str = "correct"
    lengths_column: str = "group_lengths"
    min_wrong: float = -1.0
    max_wrong: float = -0.5
    min_correct: float = 0.5
    max_correct: float = 1.0

    def __post_init__(self) -> None:
        if self.max_length < 1 or self.cache < 0 or (self.mode == "soft_overlong" and self.cache > self.max_length):
            raise ValueError(
                f"max_length = {self.max_length}, cache = {self.cache}: allowed are a max_length of 1 or more and a "
                "cache of 0 or more, for soft_overlong at most max_length"
            )


PRESETS: Mapping[str, Mapping[str, Json]] = {
    "dapo": {"mode": "soft_overlong", "unit": "tokens", "max_length": 20480, "cache": 4096},
    "open_r1_cosine": {"mode": "cosine", "unit": "chars", "max_length": 1000},
    "kimi": {"mode": "kimi", "unit": "chars"},
}
"""The sources' own settings."""


def soft_overlong(length: int, max_length: int, cache: int) -> float:
    """Return DAPO's punishment for overlong answers, in [-1, 0]."""
    free = max_length - cache
    if length <= free:
        return 0.0
    return -1.0 if length > max_length else (free - length) / cache


def up_to(length: int, max_length: int, cache: int) -> float:
    """Return 1 up to the limit, falling to 0 over `cache` units."""
    over = length - max_length
    if over <= 0:
        return 1.0
    return max(0.0, 1.0 - over / cache) if cache else 0.0


def target(length: int, max_length: int, cache: int) -> float:
    """Return 1 at the target, falling to 0 over `cache` units on both sides."""
    off = abs(length - max_length)
    if not off:
        return 1.0
    return max(0.0, 1.0 - off / cache) if cache else 0.0


def cosine(length: int, max_length: int, at_zero: float, at_limit: float) -> float:
    """Return the half cosine from `at_zero` to `at_limit`, and `at_limit` beyond the limit."""
    progress = min(1.0, length / max_length)
    return at_limit + 0.5 * (at_zero - at_limit) * (1.0 + math.cos(math.pi * progress))


def kimi(length: int, shortest: int, longest: int, right: bool) -> float:
    """Return Kimi k1.5's length reward, in [-0.5, 0.5]."""
    if longest <= shortest:
        return 0.0
    share = min(1.0, max(0.0, (length - shortest) / (longest - shortest)))
    return 0.5 - share if right else min(0.0, 0.5 - share)


@teacher(version="1", options=Options, presets=PRESETS)
class LengthTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in linear time."""
        options = self.options
        length = length_of(text_of(sample.completion), options.unit, sample.meta, options.tokens_column)
        if isinstance(length, Verdict):
            return length
        reward = self._reward(length, sample.meta)
        if isinstance(reward, Verdict):
            return reward
        best = {"soft_overlong": 0.0, "cosine": options.max_correct, "kimi": 0.5}.get(options.mode, 1.0)
        status = Status.CORRECT if reward >= best else Status.PARTIAL
        reason = f"{options.mode}: {length} {options.unit}, limit {options.max_length}"
        return Verdict(reward, status, reason if options.mode != "kimi" else f"kimi: {length} {options.unit}")

    def judge(self, sample: Sample) -> Verdict:
        """Judge as `quick` does."""
        return self.quick(sample)

    def _reward(self, length: int, meta: Mapping[str, Json]) -> float | Verdict:
        options = self.options
        if options.mode in _PLAIN:
            return _PLAIN[options.mode](length, options.max_length, options.cache)
        right = is_right(meta, options.correct_column)
        if isinstance(right, Verdict):
            return right
        if options.mode == "cosine":
            if right:
                return cosine(length, options.max_length, options.max_correct, options.min_correct)
            return cosine(length, options.max_length, options.min_wrong, options.max_wrong)
        lengths = _lengths(column(meta, options.lengths_column, "the group's lengths"), options.lengths_column)
        return lengths if isinstance(lengths, Verdict) else kimi(length, min(lengths), max(lengths), right)


_PLAIN = {"soft_overlong": soft_overlong, "up_to": up_to, "target": target}


def _lengths(value: Json | Verdict, name: str) -> list[int] | Verdict:
    if isinstance(value, Verdict):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str):
        lengths = [each for each in value if isinstance(each, int) and not isinstance(each, bool)]
        if lengths and len(lengths) == len(value):
            return lengths
    return not_judged(f"the column {name!r} must hold the lengths of the group's completions as whole numbers")


_TOKENS: Mapping[str, Json] = {"unit": "tokens", "max_length": 100, "cache": 20}

CASES = [
    accept("A short answer.", reward=0.0),
    accept("x", meta={"completion_ids": [1] * 80}, options=_TOKENS, reward=0.0),
    accept("a b c", options={"mode": "up_to", "max_length": 3}),
    accept("一二三", options={"mode": "target", "max_length": 3}),
    reject("x", meta={"completion_ids": [1] * 90}, options=_TOKENS, reward=-0.5, note="TRL's own example"),
    reject("x", meta={"completion_ids": 5000}, options=_TOKENS, reward=-1.0, note="bounded however long"),
    reject("a b c d", options={"mode": "up_to", "max_length": 3, "cache": 0}),
    adversarial(
        "a" * 4000,
        options={"mode": "cosine", "unit": "chars", "max_length": 2000},
        meta={"correct": True},
        reward=0.5,
        note="twice the limit: the cosine must not rise again",
    ),
    adversarial("", options={"mode": "target", "max_length": 100, "cache": 50}, note="nothing said"),
    unscorable("x", options={"unit": "tokens"}, note="no column with tokens"),
    unscorable("x", options={"mode": "cosine"}, note="no column that says whether it is right"),
    unscorable("x", options={"mode": "kimi"}, meta={"correct": True, "group_lengths": ["a"]}),
]
