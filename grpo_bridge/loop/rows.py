"""What the own loop does with rows: draw them, write their prompts, ask for their rewards."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any, TypeAlias

from grpo_bridge.advantages import keep_groups
from grpo_bridge.loop.settings import LoopConfig, Reward, Step
from verifiers.errors import UsageError

Rows: TypeAlias = "Sequence[Mapping[str, Any]]"
"""Each has a `prompt` (text, or chat messages) and whatever columns the reward reads."""


def draws(rows: Rows, config: LoopConfig) -> Iterator[Rows]:
    """Yield P rows for each step, every row once before any comes again.

    Raises:
        UsageError: If there are none.
    """
    if not rows:
        raise UsageError("rows is empty: give at least one prompt")
    rng = random.Random(config.seed)
    pile: list[Mapping[str, Any]] = []
    for _ in range(config.steps):
        while len(pile) < config.prompts:
            pile += rng.sample(list(rows), len(rows))
        yield pile[: config.prompts]
        del pile[: config.prompts]


def prompt_texts(rows: Rows, tokenizer: Any) -> list[str]:
    """Return what the model reads; messages go through the tokenizer's chat template."""
    return [
        row["prompt"]
        if isinstance(row["prompt"], str)
        else tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        for row in rows
    ]


def rewards_of(
    reward: Reward, rows: Rows, texts: Sequence[str], completion_ids: Sequence[Sequence[int]]
) -> list[list[float | None]]:
    """Ask for the rewards of a rollout in one call, and return them by group; NaN is `None`.

    Args:
        reward: See `Reward`.
        rows: P rows.
        texts: P x G completions; those of one row are neighbours.
        completion_ids: Their tokens.

    Raises:
        UsageError: If it does not give one reward a completion.
    """
    group = len(texts) // len(rows)
    repeated = [row for row in rows for _ in range(group)]
    columns = {name: [row.get(name) for row in repeated] for name in rows[0] if name != "prompt"}
    completions = [
        text if isinstance(row["prompt"], str) else [{"role": "assistant", "content": text}]
        for row, text in zip(repeated, texts, strict=True)
    ]
    prompts = [row["prompt"] for row in repeated]
    given = list(reward(prompts=prompts, completions=completions, completion_ids=completion_ids, **columns))
    if len(given) != len(texts):
        raise UsageError(f"the reward function gave {len(given)} rewards for {len(texts)} completions; give one each")
    known = [None if value is None or isnan(value) else value for value in given]
    return [known[start : start + group] for start in range(0, len(known), group)]


def step_of(number: int, rewards: list[list[float | None]], tokens: float, kl: float | None) -> Step:
    """Sum a rollout up.

    Args:
        number: Which one it is.
        rewards: By group.
        tokens: Of all its completions.
        kl: See `Step`.
    """
    flat = [value for row in rewards for value in row]
    known = [value for value in flat if value is not None]
    mean = sum(known) / len(known) if known else None
    contrast = sum(keep_groups(rewards)) / len(rewards)
    return Step(number, mean, len(known) / len(flat), contrast, kl, tokens / len(flat))
