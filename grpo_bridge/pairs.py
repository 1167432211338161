"""Preference pairs of a scored group, so that the samples of a GRPO step also feed DPO and a reward model.

Two completions of a prompt make a pair when both were judged and their rewards differ: up to G(G-1)/2 less ties. Rows
come in TRL's preference format, plain or chat: `prompt`, `chosen`, `rejected` (without a prompt: TRL's implicit one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import islice
from math import gcd, isfinite
from typing import Any, TypeAlias

from verifiers.errors import UsageError
from verifiers.types import Text

PairRow: TypeAlias = dict[str, Any]
"""`prompt`, `chosen`, `rejected`, `chosen_reward`, `rejected_reward`, and `margin` where asked for."""

SAME = 1e-9
"""Rewards no farther apart than this are a tie."""


@dataclass(frozen=True, slots=True)
class PairRules:
    """Which pairs of a group to take.

    Attributes:
        min_margin: Least difference of rewards; ties never make a pair.
        min_chosen: Least reward of the chosen one, e.g. 1 = it must be right; `None` = any.
        max_pairs: Most pairs of one group, the widest margins first; `None` = all.
        max_uses: Most pairs in which one completion of a group may stand; `None` = any number.
        with_margin: Write the difference as `margin`. TRL's RewardTrainer then takes it into its loss.

    Raises:
        UsageError: If a number is out of range.
    """

    min_margin: float = 0.0
    min_chosen: float | None = None
    max_pairs: int | None = None
    max_uses: int | None = None
    with_margin: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not (isfinite(self.min_margin) and self.min_margin >= 0):
            raise UsageError(f"min_margin is a difference of rewards of at least 0, not {self.min_margin}")
        for name, value in (("max_pairs", self.max_pairs), ("max_uses", self.max_uses)):
            if value is not None and value < 1:
                raise UsageError(f"{name} is a whole number of at least 1 or None, not {value}")


def pairs(
    prompts_P: Sequence[Text],  # noqa: N803 (an axis, see the design)
    completions_PG: Sequence[Sequence[Text]],  # noqa: N803
    rewards_PG: Sequence[Sequence[float | None]],  # noqa: N803
    *,
    min_margin: float = 0.0,
    min_chosen: float | None = None,
    max_pairs: int | None = None,
    max_uses: int | None = None,
    with_margin: bool = False,
) -> list[PairRow]:
    """Make preference pairs of scored groups.

    Args:
        prompts_P: One prompt a group: text, chat messages, or `""` for rows without a prompt.
        completions_PG: The completions of each group; of equal ones only the first counts.
        rewards_PG: Their rewards; `None` and NaN = not judged, left out.
        min_margin: See `PairRules`, as the following.
        min_chosen: See `PairRules`.
        max_pairs: See `PairRules`.
        max_uses: See `PairRules`.
        with_margin: See `PairRules`.

    Returns:
        Rows of all groups, each group's widest margin first.

    Raises:
        UsageError: If the shapes differ or a number is out of range.
    """
    rules = PairRules(min_margin, min_chosen, max_pairs, max_uses, with_margin)
    if not len(prompts_P) == len(completions_PG) == len(rewards_PG):
        raise UsageError(
            f"one prompt, one list of completions and one of rewards a group; given were {len(prompts_P)} prompts, "
            f"{len(completions_PG)} lists of completions and {len(rewards_PG)} of rewards"
        )
    groups = zip(prompts_P, completions_PG, rewards_PG, strict=True)
    return [row for prompt, completions, rewards in groups for row in pair_rows(prompt, completions, rewards, rules)]


def pair_rows(
    prompt: Text,
    completions_G: Sequence[Text],  # noqa: N803
    rewards_G: Sequence[float | None],  # noqa: N803
    rules: PairRules,
) -> Iterator[PairRow]:
    """Yield the pairs of one group as `pairs` does, in memory that does not grow with their number.

    Raises:
        UsageError: If there are not as many rewards as completions.
    """
    if len(completions_G) != len(rewards_G):
        raise UsageError(f"a group has {len(completions_G)} completions and {len(rewards_G)} rewards; give one each")
    first = _first_of_equal(completions_G, rewards_G)
    is_chat = not isinstance(prompt, str) or any(not isinstance(completions_G[i], str) for i in first)
    head = {"prompt": _messages(prompt, "user") if is_chat else prompt} if prompt else {}
    for chosen, rejected in _chosen_pairs({i: float(reward) for i, reward in first.items()}, rules):
        row: PairRow = dict(head)
        for name, index in (("chosen", chosen), ("rejected", rejected)):
            row[name] = _messages(completions_G[index], "assistant") if is_chat else completions_G[index]
        row |= {"chosen_reward": first[chosen], "rejected_reward": first[rejected]}
        if rules.with_margin:
            row["margin"] = first[chosen] - first[rejected]
        yield row


def _first_of_equal(completions: Sequence[Text], rewards: Sequence[float | None]) -> dict[int, float]:
    """Return the judged rewards by index, of completions with the same text only the first one's."""
    seen: set[object] = set()
    kept: dict[int, float] = {}
    for index, (completion, reward) in enumerate(zip(completions, rewards, strict=True)):
        if reward is None or not isfinite(reward):
            continue
        key = completion if isinstance(completion, str) else repr(completion)
        if key not in seen:
            seen.add(key)
            kept[index] = reward
    return kept


def _chosen_pairs(rewards: Mapping[int, float], rules: PairRules) -> Iterator[tuple[int, int]]:
    """Yield (chosen, rejected) by index, the widest margins first, within the limits."""
    uses = dict.fromkeys(rewards, 0)
    allowed = (
        pair
        for pair in _by_margin(rewards, rules)
        if rules.max_uses is None or max(uses[pair[0]], uses[pair[1]]) < rules.max_uses
    )
    for chosen, rejected in islice(allowed, rules.max_pairs):
        uses[chosen] += 1
        uses[rejected] += 1
        yield chosen, rejected


def _by_margin(rewards: Mapping[int, float], rules: PairRules) -> Iterator[tuple[int, int]]:
    """Yield all pairs with margin enough, the widest first, in memory of the group's size."""
    levels: dict[float, list[int]] = {}
    for index, reward in rewards.items():
        levels.setdefault(reward, []).append(index)
    ordered = sorted(levels)
    # For each level from above the lowest one below it; what is taken is followed by the next higher one.
    queue = [(ordered[0] - high, high, 0) for high in ordered[1:]]
    heapify(queue)
    while queue:
        difference, high, place = heappop(queue)
        low = ordered[place]
        if -difference <= SAME or -difference < rules.min_margin:
            return
        if rules.min_chosen is None or high >= rules.min_chosen:
            yield from _crossed(levels[high], levels[low])
        if ordered[place + 1] < high:
            heappush(queue, (ordered[place + 1] - high, high, place + 1))


def _crossed(chosen: Sequence[int], rejected: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield every pair once, so that after any number of them all members were used about as often."""
    rows, columns = len(chosen), len(rejected)
    period = rows * columns // gcd(rows, columns)
    for step in range(rows * columns):
        yield chosen[step % rows], rejected[(step + step // period) % columns]


def _messages(text: Text, role: str) -> list[dict[str, Any]]:
    return [{"role": role, "content": text}] if isinstance(text, str) else [dict(message) for message in text]
