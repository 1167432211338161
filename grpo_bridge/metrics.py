"""What a training log should say of a step's rewards, in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, sqrt

from grpo_bridge.distributed import Outcomes
from verifiers.types import Status, Verdict

RIGHT = 0.5
"""A reward above this counts as right."""
MAX_PASS_K = 64


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a reward function.

    Attributes:
        rewards: What the trainer got.
        verdicts, teachers: What the teachers said, and which.
        lengths: Of the completions, in tokens, or in characters where the trainer gives no tokens.
    """

    rewards: list[float | None]
    verdicts: Sequence[Verdict]
    teachers: Sequence[str]
    lengths: Sequence[int]


def teacher_metrics(label: str, verdicts: Sequence[Verdict], outcome_is_logged: bool = False) -> dict[str, float]:
    """Return a teacher's numbers under `rewards/<label>/`.

    Args:
        label: The teacher.
        verdicts: Its verdicts.
        outcome_is_logged: The trainer logs mean and std by itself.
    """
    judged = [verdict.reward for verdict in verdicts if verdict.reward is not None]
    seconds = sorted([verdict.elapsed_s for verdict in verdicts])
    numbers = {
        "valid": len(judged) / len(verdicts),
        "seconds_p50": seconds[len(seconds) // 2],
        "seconds_p95": seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))],
    }
    numbers["timeouts"] = 0.0
    if len(judged) < len(verdicts):
        numbers["timeouts"] = float(sum(verdict.status is Status.DEADLINE_EXCEEDED for verdict in verdicts))
    if judged and not outcome_is_logged:
        numbers["mean"], numbers["std"] = mean_and_std(judged)
    return {f"rewards/{label}/{name}": value for name, value in (numbers | part_means(verdicts)).items()}


def part_means(verdicts: Iterable[Verdict]) -> dict[str, float]:
    """Return the mean of each part over the samples in which it was judged."""
    sums: dict[str, tuple[float, int]] = {}
    for parts in [verdict.parts for verdict in verdicts if verdict.parts and verdict.reward is not None]:
        for part in parts:
            if part.reward is not None:
                total, count = sums.get(part.name, (0.0, 0))
                sums[part.name] = (total + part.reward, count + 1)
    return {name: total / count for name, (total, count) in sums.items()}


def group_metrics(label: str, outcomes: Outcomes, groups: Sequence[Sequence[int]]) -> dict[str, float]:
    """Return what whole groups show under `rewards/<label>/`: groups without contrast, and pass@k."""
    rewards, right = outcomes.rewards, outcomes.right
    flat, flat_right, flat_wrong = 0, 0, 0
    counts: dict[tuple[int, int], int] = {}
    for group in groups:
        judged = [reward for i in group if (reward := rewards[i]) is not None]
        n, c = len(judged), sum([right[i] for i in group if rewards[i] is not None])
        counts[n, c] = counts.get((n, c), 0) + 1
        if n > 1 and judged.count(judged[0]) == n:
            flat += 1
            flat_right += c == n
            flat_wrong += c == 0
    counts = {(n, c): count for (n, c), count in counts.items() if n}
    if not counts:
        return {}
    total = sum(counts.values())
    numbers = {
        "zero_variance": flat / total,
        "zero_variance_all_right": flat_right / total,
        "zero_variance_all_wrong": flat_wrong / total,
    }
    numbers |= {f"pass@{k}": chance for k, chance in _passes(counts).items()}
    return {f"rewards/{label}/{name}": value for name, value in numbers.items()}


def _passes(counts: dict[tuple[int, int], int]) -> dict[int, float]:
    """Return pass@k for k = 1, 2, 4, ... over groups, given how many have n judged samples and c right ones."""
    passes = {}
    k, largest = 1, max(n for n, _ in counts)
    while k <= min(largest, MAX_PASS_K):
        large = {nc: count for nc, count in counts.items() if nc[0] >= k}
        passes[k] = sum(count * pass_at_k(*nc, k) for nc, count in large.items()) / sum(large.values())
        k *= 2
    return passes


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that k of n samples, c of them right, hold a right one (arXiv 2107.03374, equation 1)."""
    return 1.0 - comb(n - c, k) / comb(n, k)


def length_correlation(rewards: Sequence[float | None], lengths: Sequence[int]) -> float | None:
    """Return Pearson's correlation of judged rewards and lengths; `None` where one of them does not vary."""
    xs = [reward for reward in rewards if reward is not None]
    ys = lengths
    if len(xs) < len(lengths):
        ys = [length for reward, length in zip(rewards, lengths, strict=True) if reward is not None]
    count = len(xs)
    if count < 2:
        return None
    mean_x, mean_y = sum(xs) / count, sum(ys) / count
    across = sum([x * y for x, y in zip(xs, ys, strict=True)]) - count * mean_x * mean_y
    spread_x = sum([x * x for x in xs]) - count * mean_x**2
    spread_y = sum([y * y for y in ys]) - count * mean_y**2
    floor = 1e-12 * count  # what rounding leaves of equal values
    if spread_x <= floor * (1 + mean_x**2) or spread_y <= floor * (1 + mean_y**2):
        return None
    return max(-1.0, min(1.0, across / sqrt(spread_x * spread_y)))


def mean_and_std(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation (0 for one value)."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    return mean, sqrt(sum([(value - mean) ** 2 for value in values]) / (len(values) - 1))
