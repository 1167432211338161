"""The formulas of `advantages`, in plain Python: each takes a batch of groups and returns as many numbers.

What was not judged (`None`) enters no mean, and its advantage is 0. A group whose judged rewards are all the same gets
exactly 0, never the rounding error of a mean divided by a small eps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import comb, sqrt
from typing import TypeAlias

Group: TypeAlias = "list[float | None]"
"""One group's rewards; `None` = not judged."""

RIGHT = 0.5
"""A reward above this counts as right, for pass_at_k."""
WHITENING_EPS = 1e-8
"""Added to a variance that is weighed by tokens: verl's, under the root."""

LEAST_MEAN = 1e-12
"""A mean up to here counts as not positive, for maxrl: what is divided by it would run away."""

_Relative: TypeAlias = "Callable[[float], float]"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a formula may need.

    Attributes:
        groups: The rewards.
        eps: Added to standard deviations.
        lengths: Tokens of each completion, in the shape of `groups`; `None` = not given.
        k: For pass_at_k.
    """

    groups: list[Group]
    eps: float
    lengths: list[list[float]] | None = None
    k: int = 1


def judged(group: Iterable[float | None]) -> list[float]:
    """Return the rewards that are there."""
    return [reward for reward in group if reward is not None]


def grpo(batch: Batch) -> list[list[float]]:
    """DeepSeekMath, arXiv 2402.03300, 4.1.2."""

    def of_group(rewards: list[float]) -> _Relative:
        mean, scale = _mean(rewards), _deviation(rewards) + batch.eps
        return lambda reward: _ratio(reward - mean, scale)

    return _each(batch, of_group)


def dr_grpo(batch: Batch) -> list[list[float]]:
    """Understanding R1-Zero-like Training, arXiv 2503.20783, 3.2."""

    def of_group(rewards: list[float]) -> _Relative:
        mean = _mean(rewards)
        return lambda reward: reward - mean

    return _each(batch, of_group)


def batch_scaled(batch: Batch) -> list[list[float]]:
    """TRL 1.16, `scale_rewards="batch"`."""
    scale = _deviation([reward for group in batch.groups for reward in judged(group)]) + batch.eps
    return [[_ratio(value, scale) for value in row] for row in dr_grpo(batch)]


def rloo(batch: Batch) -> list[list[float]]:
    """Back to Basics, arXiv 2402.14740, equation 7: r - mean of the others = (r - mean) n / (n - 1)."""

    def of_group(rewards: list[float]) -> _Relative:
        mean, n = _mean(rewards), len(rewards)
        return lambda reward: (reward - mean) * n / (n - 1) if n > 1 else 0.0

    return _each(batch, of_group)


def maxrl(batch: Batch) -> list[list[float]]:
    """Maximum Likelihood RL, arXiv 2602.02710; 0 where the mean is not positive."""

    def of_group(rewards: list[float]) -> _Relative:
        mean = _mean(rewards)
        return lambda reward: (reward - mean) / mean if mean > LEAST_MEAN else 0.0

    return _each(batch, of_group)


def rank(batch: Batch) -> list[list[float]]:
    """Centred ranks; ties share their mean rank."""

    def of_group(rewards: list[float]) -> _Relative:
        ordered = sorted(rewards)
        ranks = {value: (bisect_left(ordered, value) + bisect_right(ordered, value) - 1) / 2 for value in ordered}
        mean, scale = (len(rewards) - 1) / 2, _deviation([ranks[value] for value in rewards])
        return lambda reward: _ratio(ranks[reward] - mean, scale)

    return _each(batch, of_group)


def pass_at_k(batch: Batch) -> list[list[float]]:
    """Pass@k Training, arXiv 2508.10751, equations 13-15: from the chance that k samples hold a right one."""

    def of_group(rewards: list[float]) -> _Relative:
        n, c = len(rewards), sum(reward > RIGHT for reward in rewards)
        k = min(batch.k, n)
        expected = 1 - comb(n - c, k) / comb(n, k) if n > 1 else 0.0
        sigma = sqrt(expected * (1 - expected))
        if not sigma:  # never or always solved within k: nothing to learn
            return lambda _: 0.0
        right = (1 - expected) / sigma
        wrong = (1 - expected - comb(n - c - 1, k - 1) / comb(n - 1, k - 1)) / sigma
        return lambda reward: right if reward > RIGHT else wrong

    return _each(batch, of_group)


def opo(batch: Batch) -> list[list[float]]:
    """On-Policy RL with Optimal Baseline, arXiv 2505.23585, equation 8: the baseline is the mean by tokens."""
    return [
        [0.0 if reward is None else reward - baseline for reward in group]
        for group, lengths in zip(batch.groups, _lengths(batch), strict=True)
        for baseline in [_weighed_mean(*_judged_with(group, lengths))]
    ]


def reinforce_pp_baseline(batch: Batch) -> list[list[float]]:
    """REINFORCE++, arXiv 2501.03262; verl 0.9.1, `core_algos`: r - mu, then whitened over the batch's tokens."""
    centred = [
        [None if reward is None else value for reward, value in zip(group, row, strict=True)]
        for group, row in zip(batch.groups, dr_grpo(batch), strict=True)
    ]
    return _token_whitened(centred, _lengths(batch))


def gdpo(
    rewards: list[list[Group]], weights: Sequence[float], eps: float, lengths: list[list[float]] | None
) -> list[list[float]]:
    """GDPO, arXiv 2601.05242: each reward's z-score in its group, their weighted sum, then whitened over the batch.

    Whitened over completions as in TRL 1.16, or over tokens as in verl 0.9.1 if lengths are given. A reward that is
    missing adds nothing; a completion without any is not judged.

    Args:
        rewards: For each completion of each group the list of its rewards.
        weights: One for each reward.
        eps: Added to standard deviations.
        lengths: Tokens of each completion.
    """
    scores = [grpo(Batch([[each[index] for each in row] for row in rewards], eps)) for index in range(len(weights))]
    totals: list[Group] = [
        [
            sum(weight * score[p][g] for weight, score in zip(weights, scores, strict=True)) if judged(each) else None
            for g, each in enumerate(row)
        ]
        for p, row in enumerate(rewards)
    ]
    if lengths is not None:
        return _token_whitened(totals, lengths)
    known = [total for row in totals for total in judged(row)]
    mean, scale = _mean(known), _deviation(known) + eps
    return [[0.0 if total is None else _ratio(total - mean, scale) for total in row] for row in totals]


def gdpo_of_one(batch: Batch) -> list[list[float]]:
    """GDPO with a single reward."""
    return gdpo([[[reward] for reward in group] for group in batch.groups], [1.0], batch.eps, batch.lengths)


METHODS: dict[str, Callable[[Batch], list[list[float]]]] = {
    "grpo": grpo,
    "dr_grpo": dr_grpo,
    "batch": batch_scaled,
    "rloo": rloo,
    "gdpo": gdpo_of_one,
    "reinforce_pp_baseline": reinforce_pp_baseline,
    "opo": opo,
    "maxrl": maxrl,
    "pass_at_k": pass_at_k,
    "rank": rank,
}
"""By name; stable."""


def _each(batch: Batch, of_group: Callable[[list[float]], _Relative]) -> list[list[float]]:
    """Apply to each judged reward what its group's judged rewards make of it."""
    result = []
    for group in batch.groups:
        known = judged(group)
        relative = of_group(known) if known else float
        result.append([0.0 if reward is None else relative(reward) for reward in group])
    return result


def _ratio(value: float, scale: float) -> float:
    return value / scale if scale else 0.0


def _mean(values: Sequence[float]) -> float:
    """Return the mean, exactly the value if all are the same."""
    if not values:
        return 0.0
    first = values[0]
    return first + sum(value - first for value in values) / len(values)


def _deviation(values: Sequence[float]) -> float:
    """Return the standard deviation (divided by n - 1); 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = _mean(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _lengths(batch: Batch) -> list[list[float]]:
    return batch.lengths if batch.lengths is not None else [[1.0] * len(group) for group in batch.groups]


def _judged_with(group: Group, lengths: Sequence[float]) -> tuple[list[float], list[float]]:
    known = [
        (reward, length) for reward, length in zip(group, lengths, strict=True) if reward is not None and length > 0
    ]
    return [reward for reward, _ in known], [length for _, length in known]


def _weighed_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    if not values:
        return 0.0
    first = values[0]
    spread = sum(weight * (value - first) for value, weight in zip(values, weights, strict=True))
    return first + spread / sum(weights)


def _token_whitened(values: list[Group], lengths: list[list[float]]) -> list[list[float]]:
    """Shift and scale so that over the batch's tokens the mean is 0 and the variance 1; `None` becomes 0."""
    pairs = [_judged_with(row, sizes) for row, sizes in zip(values, lengths, strict=True)]
    flat, weights = [v for row, _ in pairs for v in row], [w for _, row in pairs for w in row]
    mean, tokens = _weighed_mean(flat, weights), sum(weights)
    variance = (
        sum(w * (v - mean) ** 2 for v, w in zip(flat, weights, strict=True)) / (tokens - 1) if tokens > 1 else 0.0
    )
    scale = sqrt(variance + WHITENING_EPS)
    return [[0.0 if value is None else (value - mean) / scale for value in row] for row in values]
