"""ms-swift's own plugin loader and compute_rewards_per_func, with our rewards found as users name them.

ms-swift is installed without its dependencies but for those that this path imports: no trl < 1.0, no vLLM.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from grpo_bridge.ms_swift import PLUGIN, reward_class

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]


def samples(texts: list[str], references: list[Any]) -> list[Any]:
    """Return what the trainer hands over: `messages`, and the rows that `to_reward_row` gives."""
    made = []
    for text, reference in zip(texts, references, strict=True):
        chat = [{"role": "user", "content": "2+3?"}, {"role": "assistant", "content": text}]
        row = {"messages": chat, "solution": reference}
        made.append(SimpleNamespace(messages=chat, to_reward_row=lambda row=row: row))
    return made


def rewards(name: str, texts: list[str], references: list[Any]) -> list[list[float]]:
    import torch
    from swift.rewards import orms
    from swift.rl_core.grpo_algorithm import compute_rewards_per_func

    found = compute_rewards_per_func(
        samples(texts, references), [orms[name](args=None)], [None], torch.device("cpu"), trainer_state=None
    )
    return [list(row) for row in found.tolist()]


@pytest.fixture(scope="module", autouse=True)
def _plugin() -> None:
    from swift.utils.utils import import_external_file

    import_external_file(str(PLUGIN))


def test_the_trainers_code_scores_with_a_teacher() -> None:
    assert rewards("verify_math", ["The answer is 5", "6", "5.0"], ["5"] * 3) == [[1.0], [0.0], [1.0]]


def test_what_was_not_judged_gets_its_groups_mean_and_no_zero() -> None:
    found = rewards("verify_math", ["5", "6", "5", "5"], ["5", "5", "5", None])
    assert found == [[1.0], [0.0], [1.0], [pytest.approx(2 / 3)]]


def test_the_plugin_hides_no_package_of_the_trainers() -> None:
    import sys
    from pathlib import Path

    import grpo_bridge

    assert str(Path(grpo_bridge.__file__).parent) not in sys.path


def test_a_class_of_ones_own_is_named_in_the_logs() -> None:
    made = reward_class("math", "mine", options={"percent": "strict"})
    assert type(made(args=None)).__name__ == "mine"
    assert made()(["50%"], solution=["50%"]) == [1.0]
