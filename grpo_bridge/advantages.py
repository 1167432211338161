"""Rewards made relative within their group: the reference formulas, in plain Python, aware of what was not judged.

Notation: r a reward, mu and s the mean and the standard deviation (divided by G - 1) of the judged rewards of its
group, c how many of n are right, len the tokens of a completion. What was not judged (`None`, NaN) enters no mean, and
its advantage is 0, so that it moves nothing; so does TRL 1.16 (`GRPOTrainer._generate_and_score_completions`).

| method | advantage | source |
|---|---|---|
| grpo | (r - mu) / (s + eps) | DeepSeekMath, arXiv 2402.03300, 4.1.2 |
| dr_grpo | r - mu | Understanding R1-Zero-like Training, arXiv 2503.20783, 3.2 |
| batch | (r - mu) / (s of the whole batch + eps) | TRL 1.16, `scale_rewards="batch"` |
| rloo | r - mean of the others | Back to Basics, arXiv 2402.14740, equation 7 |
| gdpo | z-scores of each reward, weighted sum, then whitened over the batch | GDPO, arXiv 2601.05242; TRL; verl |
| reinforce_pp_baseline | r - mu, then whitened over the batch's tokens | REINFORCE++, arXiv 2501.03262; verl |
| opo | r - sum(len r) / sum(len) | On-Policy RL with Optimal Baseline, arXiv 2505.23585, equation 8 |
| maxrl | (r - mu) / mu, 0 where mu <= 0 | arXiv 2602.02710 |
| pass_at_k | from the chance that k samples hold a right one | arXiv 2508.10751, equations 13-15 |
| rank | (rank - mean rank) / s of the ranks; ties share their mean rank | - |

A group with one judged reward teaches nothing: its advantage is 0 in every method that compares within the group (so
does TRL; verl's estimators give such a reward itself).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan
from typing import Any, TypeVar, overload

from grpo_bridge.formulas import METHODS, Batch, Group, gdpo, judged
from verifiers.errors import UsageError

MAX_REWARD = 1e100
"""Squares and sums of rewards up to here stay finite."""

_R = TypeVar("_R")


@overload
def advantages(
    rewards_PG: Sequence[Sequence[Any]],  # noqa: N803 (an axis, see the design)
    method: str = "grpo",
    eps: float = 1e-4,
    *,
    lengths_PG: Any = None,  # noqa: N803
    weights: Sequence[float] | None = None,
    k: int = 4,
) -> list[list[float]]: ...
@overload
def advantages(
    rewards_PG: _R,  # noqa: N803
    method: str = "grpo",
    eps: float = 1e-4,
    *,
    lengths_PG: Any = None,  # noqa: N803
    weights: Sequence[float] | None = None,
    k: int = 4,
) -> _R: ...
def advantages(
    rewards_PG: Any,  # noqa: N803
    method: str = "grpo",
    eps: float = 1e-4,
    *,
    lengths_PG: Any = None,  # noqa: N803
    weights: Sequence[float] | None = None,
    k: int = 4,
) -> Any:
    """Return each reward's advantage within its group.

    Args:
        rewards_PG: Rewards of P prompts, G completions each: nested lists (groups may differ in size), a tensor or an
            array. `None` and NaN = not judged. For gdpo with several rewards: one more axis, R.
        method: See the module's table.
        eps: Added to standard deviations, at least 0: TRL and ms-swift 1e-4, verl and slime 1e-6, OpenRLHF 1e-9.
        lengths_PG: Tokens of each completion, in the shape (P, G): opo needs them; reinforce_pp_baseline weighs by
            them (else all count the same); gdpo then whitens over tokens, as verl does.
        weights: For gdpo: one number for each reward of the axis R; `None` = all 1.
        k: For pass_at_k, at least 1; at most the group's size is used.

    Returns:
        The same shape and kind (a tensor on its device, floating; an array; lists), without the axis R.

    Raises:
        UsageError: If the method is unknown, a reward is infinite or no number, or a shape does not fit.
    """
    if method not in METHODS:
        raise UsageError(f"there is no method {method!r}; choose one of: {', '.join(METHODS)}")
    if not (isfinite(eps) and eps >= 0) or k < 1:
        raise UsageError(f"eps is a number of at least 0 and k a whole number of at least 1, not eps={eps}, k={k}")
    rows = _listed(rewards_PG, "rewards_PG")
    lengths = _lengths(lengths_PG, rows)
    if method == "opo" and lengths is None:
        raise UsageError("method 'opo' needs lengths_PG: the number of tokens of each completion")
    if method == "gdpo":
        parts = [[_rewards_of(each) for each in row] for row in rows]
        result = gdpo(parts, _weights(parts, weights), eps, lengths)
    else:
        result = METHODS[method](Batch([_group(row) for row in rows], eps, lengths, k))
    return _like(rewards_PG, result)


def keep_groups(outcomes_PG: Any) -> list[bool]:  # noqa: N803
    """Tell which groups teach anything: those whose judged outcomes differ (DAPO, arXiv 2503.14476, equation 11).

    Give it the *outcome* (right or wrong), not a shaped reward: length bonuses make every group differ.

    Args:
        outcomes_PG: As `rewards_PG` of `advantages`.

    Raises:
        UsageError: As of `advantages`.
    """
    return [len(set(judged(_group(row)))) > 1 for row in _listed(outcomes_PG, "outcomes_PG")]


def _listed(values: Any, name: str) -> list[list[Any]]:
    rows = _plain(values)
    if not _is_list(rows):
        raise UsageError(f"{name} is a list of groups, a tensor or an array, not {type(values).__name__}")
    groups = [_plain(row) for row in rows]
    for group in groups:
        if not _is_list(group):
            raise UsageError(f"{name} has two axes, prompts and their completions; found {group!r} instead of a group")
    return [[_plain(value) for value in group] for group in groups]


def _plain(value: Any) -> Any:
    """Turn tensors and arrays into lists or numbers."""
    return value.tolist() if hasattr(value, "tolist") else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _lengths(lengths: Any, rows: Sequence[Sequence[Any]]) -> list[list[float]] | None:
    if lengths is None:
        return None
    numbers = [[_reward(value) for value in row] for row in _listed(lengths, "lengths_PG")]
    if [*map(len, numbers)] != [*map(len, rows)]:
        raise UsageError("lengths_PG has one number for each completion: its shape is that of rewards_PG")
    if any(number is None or number < 0 for row in numbers for number in row):
        raise UsageError("lengths_PG holds the number of tokens of each completion, at least 0")
    return [judged(row) for row in numbers]


def _group(row: Sequence[Any]) -> Group:
    return [_reward(value) for value in row]


def _reward(value: Any) -> float | None:
    if value is None:
        return None
    if _is_list(value):
        raise UsageError("rewards have two axes, prompts and completions; only method 'gdpo' takes a third one")
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise UsageError(f"a reward is a number, or None where nothing was judged, not {value!r}")
    number = float(value)
    if isnan(number):
        return None
    if abs(number) > MAX_REWARD:
        raise UsageError(f"a reward is a number between -{MAX_REWARD:g} and {MAX_REWARD:g}, or None, not {number}")
    return number


def _rewards_of(value: Any) -> Group:
    return _group(value) if _is_list(value) else [_reward(value)]


def _weights(parts: list[list[Group]], weights: Sequence[float] | None) -> list[float]:
    counts = {len(each) for row in parts for each in row}
    if len(counts) > 1:
        raise UsageError("method 'gdpo' needs the same number of rewards for each completion; put None where one lacks")
    count = counts.pop() if counts else 1
    chosen = [1.0] * count if weights is None else judged(_group(_plain(weights)))
    if len(chosen) != count:
        raise UsageError(f"weights has one number for each of the {count} rewards, not {len(chosen)}")
    return chosen


def _like(model: Any, result: list[list[float]]) -> Any:
    if hasattr(model, "new_tensor"):  # torch
        floating = model if model.is_floating_point() else model.float()
        return floating.new_tensor(result).reshape(model.shape[:2])
    if hasattr(model, "astype"):  # numpy
        made = model.astype(model.dtype if model.dtype.kind == "f" else "float64")
        made = made.reshape(*model.shape[:2], -1)[..., 0] if made.ndim > 2 else made
        made[...] = result
        return made
    return result
