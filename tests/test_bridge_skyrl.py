"""skyrl-gym's own registry and environments, with ours found by its entry point."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

PROMPT = [{"role": "user", "content": "2+3?"}]


@pytest.fixture(scope="module", autouse=True)
def _registered() -> None:
    from skyrl_gym.envs.registration import register

    register(id="verify_math", entry_point="grpo_bridge.skyrl:math")
    register(id="verify", entry_point="grpo_bridge.skyrl:VerifyEnv", kwargs={"task": "numeric"})


def stepped(name: str, action: str, reference: Any = "5", **config: Any) -> tuple[dict[str, Any], Any]:
    import skyrl_gym
    from omegaconf import OmegaConf

    extras = {"reward_spec": {"method": "rule", "ground_truth": reference}, "data_source": "gsm8k", "max_turns": 1}
    env = skyrl_gym.make(name, env_config=OmegaConf.create(config), extras=extras)
    assert env.init(PROMPT) == (PROMPT, {})
    return env.step(action), env


@pytest.mark.parametrize("name", ["verify_math", "verify"])
def test_an_environment_judges_and_ends(name: str) -> None:
    found = [stepped(name, action)[0] for action in ("The answer is 5<|im_end|>", "6")]
    assert [each["reward"] for each in found] == [1.0, 0.0]
    assert all(each["done"] and each["observations"] == [] for each in found)


def test_threads_of_a_group_meet_and_the_lost_one_gets_the_mean() -> None:
    with ThreadPoolExecutor(4) as threads:
        rows = [("5", "5"), ("6", "5"), ("5", "5"), ("5", None)]
        found = list(threads.map(lambda row: stepped("verify_math", *row, group_size=4), rows))
    assert [step["reward"] for step, _ in found] == [1.0, 0.0, 1.0, pytest.approx(2 / 3)]
    assert [env.get_metrics()["judged"] for _, env in found] == [1.0, 1.0, 1.0, 0.0]


def test_metrics_of_many_episodes_are_averaged_by_skyrl() -> None:
    envs = [stepped("verify_math", text)[1] for text in ("5", "6")]
    assert type(envs[0]).aggregate_metrics([env.get_metrics() for env in envs])["correct"] == 0.5
