"""The same measures on parts of a set: by length, by which answer is longer, by source."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reward_models.evaluation.bootstrap import Interval, interval
from reward_models.evaluation.lengths import agreement, pair_lengths, plain
from reward_models.evaluation.quality import accuracy, best_is_best, mean_interval
from reward_models.evaluation.ranking import spearman
from reward_models.evaluation.scored import ScoredPair, ScoredPrompt, scored_pairs
from reward_models.types import Answer

LENGTH_BUCKETS = 4
MUCH_LONGER = 1.25
"""An answer is much longer than another from this ratio of characters on."""
MAX_SOURCES = 100


@dataclass(frozen=True, slots=True)
class Bucket:
    """A part of a set.

    Attributes:
        name: What is in it.
        pairs: How many pairs that humans told apart (at most a thousand of a prompt are looked at).
        pair_accuracy: Of those.
        answers: How many answers with stars.
        spearman: Of their scores and stars.
        best_is_best: As of `Quality`, by source only: what RewardBench 2 reports.
    """

    name: str
    pairs: int
    pair_accuracy: Interval | None
    answers: int = 0
    spearman: float | None = None
    best_is_best: Interval | None = None


def by_length(scored: Sequence[ScoredPrompt]) -> list[Bucket]:
    """Part pairs by the mean length of the two answers, and answers by their own, at the quartiles of all answers."""
    lengths = sorted(len(plain(answer.response)) for prompt in scored for answer in prompt.rated.answers)
    edges = sorted({lengths[len(lengths) * place // LENGTH_BUCKETS] for place in range(1, LENGTH_BUCKETS)})
    ends = [0, *edges, lengths[-1] + 1]
    names = [f"{start:,}-{end - 1:,} characters" for start, end in pairwise(ends)]

    def name(length: float) -> str:
        return names[bisect_right(edges, length)]

    buckets = _parted(scored, lambda pair: name(sum(pair_lengths(pair)) / 2), lambda answer: name(_length(answer)))
    return [buckets[each] for each in names if each in buckets]


def by_longer(scored: Sequence[ScoredPrompt]) -> list[Bucket]:
    """Part pairs by whether humans prefer the much longer, the much shorter, or one of two alike."""
    names = ("better is much longer", "about as long", "better is much shorter")

    def name(pair: ScoredPair) -> str:
        better, worse = pair_lengths(pair)
        if better >= MUCH_LONGER * worse and better > worse:
            return names[0]
        return names[2] if worse >= MUCH_LONGER * better and worse > better else names[1]

    buckets = _parted(scored, name, lambda answer: "")
    return [buckets[each] for each in names if each in buckets]


def by_source(scored: Sequence[ScoredPrompt]) -> list[Bucket]:
    """Part pairs and answers by their own sources, largest first; empty where the file names none."""
    if not any(answer.source for prompt in scored for answer in prompt.rated.answers):
        return []
    buckets = _parted(scored, lambda pair: pair.source, lambda answer: answer.source)
    best: dict[str, list[float | None]] = defaultdict(list)
    for prompt in scored:
        best[prompt.rated.answers[0].source].append(best_is_best(prompt))
    named = [replace(bucket, best_is_best=mean_interval(best[name])) for name, bucket in buckets.items()]
    return sorted(named, key=lambda bucket: -(bucket.pairs or bucket.answers))[:MAX_SOURCES]


def _length(answer: Answer) -> int:
    return len(plain(answer.response))


def _parted(
    scored: Sequence[ScoredPrompt], name_pair: Callable[[ScoredPair], str], name_answer: Callable[[Answer], str]
) -> Mapping[str, Bucket]:
    rows: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    starred: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for prompt in scored:
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for pair in scored_pairs(prompt):
            name = name_pair(pair)
            counts[name] += 1
            sums[name][0] += pair.weight * agreement(pair)
            sums[name][1] += pair.weight
        for name, (right, total) in sums.items():
            rows[name].append((right, 0.0, total))
        for score, stars, answer in prompt.starred():
            starred[name_answer(answer)].append((score, stars))
    return {
        name: Bucket(name, counts[name], interval(rows[name], accuracy), *_stars(starred[name]))
        for name in {**rows, **starred}
    }


def _stars(rows: Sequence[tuple[float, float]]) -> tuple[int, float | None]:
    return len(rows), spearman([score for score, _ in rows], [stars for _, stars in rows])
