"""verl's own RewardLoopWorker and managers, on a CPU, with our reward function found as users configure it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]

TEXTS = ["The answer is 5", "The answer is 6", "The answer is 5.0", "no idea"]


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from grpo_bridge.loop.tiny import tiny_tokenizer

    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_tokenizer([*TEXTS, "abcdefghijklmnopqrstuvwxyz 0123456789."]).save_pretrained(folder)
    return folder


def worker(folder: Path, name: str, manager: str = "naive", **reward_kwargs: Any) -> Any:
    from omegaconf import OmegaConf
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker

    function = {"path": "pkg://grpo_bridge.verl", "name": name, "reward_kwargs": reward_kwargs}
    reward = {
        "custom_reward_function": function,
        "reward_manager": {"source": "register", "name": manager, "module": None},
        "reward_model": {"enable": False},
    }
    model = {"path": str(folder), "tokenizer_path": str(folder)}
    config = {"actor_rollout_ref": {"model": model}, "reward": reward, "trainer": {"experiment_name": "test"}}
    return RewardLoopWorker(OmegaConf.create(config))


def batch(tokenizer: Any, texts: list[str], references: list[Any]) -> Any:
    import numpy as np
    import torch
    from verl import DataProto

    rows = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    width = max(map(len, rows))
    responses = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return DataProto.from_single_dict(
        {
            "prompts": torch.zeros((len(rows), 1), dtype=torch.long),
            "responses": responses,
            "attention_mask": torch.cat([torch.ones((len(rows), 1), dtype=torch.long), mask], dim=1),
            "data_source": np.array(["gsm8k"] * len(rows), dtype=object),
            "reward_model": np.array([{"ground_truth": each} for each in references], dtype=object),
            "extra_info": np.array([{"index": 0, "split": "train"} for _ in rows], dtype=object),
        }
    )


def judged(work: Any, texts: list[str], references: list[Any]) -> list[dict[str, Any]]:
    return work.loop.run_until_complete(work.compute_score_batch(batch(work.input_tokenizer, texts, references)))


@pytest.mark.parametrize("manager", ["naive", "dapo", "gdpo"])
def test_the_reward_loop_scores_with_a_teacher(tokenizer_folder: Path, manager: str) -> None:
    found = judged(worker(tokenizer_folder, "math", manager), TEXTS, ["5"] * 4)
    assert [each["reward_score"] for each in found] == [1.0, 0.0, 1.0, 0.0]
    assert {tuple(each["reward_extra_info"]) for each in found} == {("score", "acc", "judged", "pred")}


def test_the_rewards_become_verls_tensor(tokenizer_folder: Path) -> None:
    work = worker(tokenizer_folder, "math")
    found = judged(work, TEXTS, ["5"] * 4)
    scores = [each["reward_score"] for each in found]
    data = batch(work.input_tokenizer, TEXTS, ["5"] * 4)
    assert type(work.reward_manager).assemble_rm_scores(data, scores).sum(dim=1).tolist() == scores


def test_what_was_not_judged_gets_its_groups_mean(tokenizer_folder: Path) -> None:
    found = judged(worker(tokenizer_folder, "math", group_size=4), TEXTS, ["5", "5", "5", None])
    assert [each["reward_score"] for each in found] == [1.0, 0.0, 1.0, pytest.approx(2 / 3)]
    assert [each["reward_extra_info"]["judged"] for each in found] == [1.0, 1.0, 1.0, 0.0]


def test_the_task_and_its_settings_come_from_reward_kwargs(tokenizer_folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("how: weighted\nteachers: [{teacher: math, weight: 1}, {teacher: numeric, weight: 3}]\n")
    work = worker(tokenizer_folder, "compute_score", task=str(plan), route_by="data_source")
    assert [each["reward_score"] for each in judged(work, TEXTS[:2], ["5", "5"])] == [1.0, 0.0]


def test_verl_finds_no_function_where_there_is_no_teacher(tokenizer_folder: Path) -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        worker(tokenizer_folder, "nonsense")


def test_the_function_is_what_verl_awaits() -> None:
    import inspect

    from grpo_bridge import verl

    assert inspect.iscoroutinefunction(verl.math)
    assert asyncio.run(verl.math("x", "5", "5"))["score"] == 1.0
