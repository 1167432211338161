"""Advantages against verl's own estimators (0.9.1, `verl.trainer.ppo.core_algos`), in 64 bits."""

import random
from typing import Any

import pytest

from grpo_bridge.advantages import advantages

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]
PARITY = 2e-7
P, G, TOKENS = 5, 6, 7
EPS = 1e-6  # verl's

CASES = [
    ("grpo", "grpo", {}),
    ("grpo_vectorized", "grpo", {}),
    ("grpo", "dr_grpo", {"norm_adv_by_std_in_grpo": False}),
    ("grpo_vectorized", "dr_grpo", {"norm_adv_by_std_in_grpo": False}),
    ("rloo", "rloo", {}),
    ("rloo_vectorized", "rloo", {}),
    ("reinforce_plus_plus_baseline", "reinforce_pp_baseline", {}),
    ("opo", "opo", {}),
    ("gdpo", "gdpo", {}),
]


def by_verl(estimator: str, rewards: list[list[float]], lengths: list[list[int]], **options: Any) -> list[list[float]]:
    """Put each reward on its completion's last token, call the estimator, and return the first token's advantage."""
    import numpy as np
    import torch
    from verl.trainer.ppo.core_algos import get_adv_estimator_fn

    flat = [
        (reward, length) for pair in zip(rewards, lengths, strict=True) for reward, length in zip(*pair, strict=True)
    ]
    mask = torch.tensor([[1.0] * length + [0.0] * (TOKENS - length) for _, length in flat], dtype=torch.float64)
    token_rewards = torch.zeros(len(flat), TOKENS, dtype=torch.float64)
    for i, (reward, length) in enumerate(flat):
        token_rewards[i, length - 1] = reward
    index = np.array([f"prompt {i // G}" for i in range(len(flat))], dtype=object)
    result, _ = get_adv_estimator_fn(estimator)(
        token_level_rewards=token_rewards, response_mask=mask, index=index, epsilon=EPS, **options
    )
    return result[:, 0].reshape(P, G).tolist()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("estimator", "method", "options"), CASES, ids=[f"{theirs}-{ours}" for theirs, ours, _ in CASES]
)
def test_advantages_are_those_of_verl(estimator: str, method: str, options: dict[str, Any], seed: int) -> None:
    rng = random.Random(seed)
    rewards = [[rng.choice([0.0, 0.25, 0.5, 1.0, -1.0]) for _ in range(G)] for _ in range(P)]
    lengths = [[rng.randint(1, TOKENS) for _ in range(G)] for _ in range(P)]
    theirs = by_verl(estimator, rewards, lengths, **options)
    ours = advantages(rewards, method, EPS, lengths_PG=lengths)
    for mine, row in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(row, abs=PARITY, rel=0)


@pytest.mark.parametrize("weights", [None, [1.0, 0.25]], ids=["equal", "weighed"])
def test_gdpo_of_two_rewards_is_that_of_verl(weights: list[float] | None) -> None:
    import numpy as np
    import torch

    rng = random.Random(5)
    rewards = [[[rng.choice([0.0, 0.5, 1.0]), rng.choice([0.0, 1.0])] for _ in range(G)] for _ in range(P)]
    lengths = [[rng.randint(2, TOKENS) for _ in range(G)] for _ in range(P)]
    flat = [pair for row in rewards for pair in row]
    config = {"gdpo_reward_keys": ["first", "second"], "gdpo_reward_weights": weights}
    mask = torch.tensor([[1] * n + [0] * (TOKENS - n) for row in lengths for n in row])
    theirs = by_verl(
        "gdpo",
        [[first for first, _ in row] for row in rewards],
        lengths,
        config=config,
        non_tensor_batch={name: np.array([pair[i] for pair in flat]) for i, name in enumerate(("first", "second"))},
        batch={"prompts": torch.zeros(P * G, 1), "attention_mask": torch.cat([mask[:, :1], mask], dim=1)},
    )
    ours = advantages(rewards, "gdpo", EPS, lengths_PG=lengths, weights=weights)
    for mine, row in zip(ours, theirs, strict=True):
        assert mine == pytest.approx(row, abs=PARITY, rel=0)
