"""Advantages against TRL's own code: real trainers score preset rewards, and their advantages are compared."""

import random
from typing import Any

import pytest
from trl_runs import QUIET

from grpo_bridge.advantages import advantages

# What the trainers warn of is their own affair.
pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]
PARITY = 2e-7
P, G = 3, 4
PROMPTS = ["1 + 1 =", "2 + 3 =", "4 + 4 ="]


def preset(seed: int, missing: float) -> list[float | None]:
    rng = random.Random(seed)
    # Quarters, so that a float of 32 bits (TRL's rewards) holds what ours hold.
    return [None if rng.random() < missing else rng.randrange(-8, 9) / 4 for _ in range(P * G)]


def scored_by_trl(trainer_name: str, rewards: list[list[float | None]], tmp_path: Any, **options: Any) -> list[float]:
    """Let a trainer sample, call its reward functions and make advantages; return these."""
    import trl
    from datasets import Dataset

    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    def giver(values: list[float | None], name: str) -> Any:
        def give(prompts: list[str], completions: list[str], **_: Any) -> list[float | None]:
            return values

        give.__name__ = name
        return give

    base, config_class = {
        "grpo": (trl.GRPOTrainer, trl.GRPOConfig),
        "rloo": (trl.RLOOTrainer, trl.RLOOConfig),
    }[trainer_name]

    class Precise(base):  # type: ignore
        def _calculate_rewards(self, *args: Any) -> Any:
            return super()._calculate_rewards(*args).double()

    tokenizer = tiny_tokenizer(PROMPTS)
    arguments = config_class(
        output_dir=str(tmp_path),
        per_device_train_batch_size=P * G,
        num_generations=G,
        max_completion_length=2,
        **QUIET,
        **options,
    )
    rows = Dataset.from_dict({"prompt": PROMPTS})
    givers = [giver(values, f"preset_{i}") for i, values in enumerate(rewards)]
    trainer = Precise(
        model=tiny_model(tokenizer), reward_funcs=givers, args=arguments, train_dataset=rows, processing_class=tokenizer
    )
    trainer.model.train()
    inputs = [{"prompt": prompt} for prompt in PROMPTS for _ in range(G)]
    return trainer._generate_and_score_completions(inputs)["advantages"].tolist()


def grouped(rewards: list[Any]) -> list[list[Any]]:
    return [rewards[p * G : (p + 1) * G] for p in range(P)]


CASES = [
    ("grpo", {"scale_rewards": "group"}, "grpo"),
    ("grpo", {"scale_rewards": "none"}, "dr_grpo"),
    ("grpo", {"scale_rewards": "batch"}, "batch"),
    ("rloo", {"beta": 0.0}, "rloo"),
]


@pytest.fixture(params=[0.0, 0.3, 0.8], ids=["all judged", "some", "few"])
def missing(request: pytest.FixtureRequest) -> float:
    return request.param


@pytest.mark.parametrize(("trainer", "options", "method"), CASES, ids=[method for *_, method in CASES])
def test_advantages_are_those_of_trl(
    trainer: str, options: dict[str, Any], method: str, missing: float, tmp_path: Any
) -> None:
    rewards = preset(int(10 * missing), missing)
    theirs = scored_by_trl(trainer, [rewards], tmp_path, **options)
    ours = [value for row in advantages(grouped(rewards), method) for value in row]
    assert ours == pytest.approx(theirs, abs=PARITY, rel=0)


def test_gdpo_is_that_of_trl_with_weights(missing: float, tmp_path: Any) -> None:
    first, second = preset(3, missing), preset(4, missing)
    options = {"multi_objective_aggregation": "normalize_then_sum", "reward_weights": [1.0, 0.5]}
    theirs = scored_by_trl("grpo", [first, second], tmp_path, **options)
    both = [list(pair) for pair in zip(first, second, strict=True)]
    ours = [value for row in advantages(grouped(both), "gdpo", weights=[1.0, 0.5]) for value in row]
    assert ours == pytest.approx(theirs, abs=PARITY, rel=0)
