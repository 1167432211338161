"""Two models on the same prompts: is one better, and where do they part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reward_models.evaluation.bootstrap import Difference, difference
from reward_models.evaluation.lengths import agreement
from reward_models.evaluation.quality import accuracy, correlation, pair_row, rank_rows, rater_rows
from reward_models.evaluation.scored import ScoredPrompt, scored_pairs
from verifiers.errors import UsageError


@dataclass(frozen=True, slots=True)
class Comparison:
    """First model minus second, resampled together. `None` = the measure does not exist on this set.

    Attributes:
        pair_accuracy: Within prompts.
        rater_accuracy: Within raters.
        spearman: Over all answers.
        only_first, only_second: Shares of pairs that only this model orders as humans do.
        both, neither: Shares of pairs that both, that neither orders so.
    """

    pair_accuracy: Difference | None
    rater_accuracy: Difference | None
    spearman: Difference | None
    only_first: float | None
    only_second: float | None
    both: float | None
    neither: float | None

    def of(self, measure: str) -> Difference | None:
        """Return the difference in a measure, by its name in `Quality.measures`."""
        named = {
            "pair accuracy": self.pair_accuracy,
            "pair accuracy within raters": self.rater_accuracy,
            "Spearman": self.spearman,
        }
        return named[measure]


def compare(first: Sequence[ScoredPrompt], second: Sequence[ScoredPrompt], seed: int = 0) -> Comparison:
    """Compare two models.

    Args:
        first: Scored prompts.
        second: The same prompts with the same answers, in the same order, scored by the other model.
        seed: Of the resampling.

    Raises:
        UsageError: If they are not the same: a model could not score an answer.
    """
    if [prompt.rated for prompt in first] != [prompt.rated for prompt in second]:
        raise UsageError("Two models are compared on the same answers; leave out what one of them could not score")
    pairs = [(*pair_row(a), *pair_row(b)) for a, b in zip(first, second, strict=True)]
    rows_a, rows_b = rater_rows(first), rater_rows(second)
    raters = [(*row, *rows_b[rater]) for rater, row in rows_a.items()]
    ranked = [(*a, *b) for a, b in zip(rank_rows(first), rank_rows(second), strict=True)]
    return Comparison(
        _accuracies([row for row in pairs if row[2]], seed),
        _accuracies([row for row in raters if row[2]], seed),
        difference(ranked, lambda sums: _minus(correlation(sums[:6]), correlation(sums[6:])), seed),
        *_overlap(first, second),
    )


def _accuracies(rows_P6: Sequence[Sequence[float]], seed: int) -> Difference | None:
    return difference(rows_P6, lambda sums: _minus(accuracy(sums[:3]), accuracy(sums[3:])), seed)


def _overlap(
    first: Sequence[ScoredPrompt], second: Sequence[ScoredPrompt]
) -> tuple[float | None, float | None, float | None, float | None]:
    right_a = [agreement(pair) for prompt in first for pair in scored_pairs(prompt)]
    right_b = [agreement(pair) for prompt in second for pair in scored_pairs(prompt)]
    count = len(right_a)
    if not count:
        return None, None, None, None
    both = sum(a * b for a, b in zip(right_a, right_b, strict=True))
    only_a, only_b = sum(right_a) - both, sum(right_b) - both
    return only_a / count, only_b / count, both / count, 1 - (only_a + only_b + both) / count


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a - b
