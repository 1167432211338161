"""TRL's own trainers take the rows that `pairs` makes: DPO and a reward model, plain and chat."""

from pathlib import Path
from typing import Any

import pytest

from grpo_bridge.pairs import pairs

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

PROMPTS = ["1+1=", "2+2="]
COMPLETIONS = [["2", "3", "4"], ["4", "5", "2"]]
REWARDS: list[list[float | None]] = [[1.0, 0.0, None], [1.0, 0.5, 0.0]]
SHARED: dict[str, Any] = {
    "per_device_train_batch_size": 2,
    "max_steps": 2,
    "report_to": "none",
    "use_cpu": True,
    "bf16": False,
    "disable_tqdm": True,
    "save_strategy": "no",
}


def rows(chat: bool, **more: Any) -> Any:
    from datasets import Dataset

    prompts: list[Any] = [[{"role": "user", "content": text}] for text in PROMPTS] if chat else PROMPTS
    return Dataset.from_list(pairs(prompts, COMPLETIONS, REWARDS, **more))


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_dpo_trains_on_pairs(chat: bool, tmp_path: Path) -> None:
    import trl

    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer(PROMPTS, 16)
    tiny_model(tokenizer).save_pretrained(tmp_path / "model")
    trainer = trl.DPOTrainer(
        model=str(tmp_path / "model"),
        args=trl.DPOConfig(output_dir=str(tmp_path), **SHARED),
        train_dataset=rows(chat),
        processing_class=tokenizer,
    )
    assert trainer.train().global_step == 2
    assert len(trainer.train_dataset) == 4


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
@pytest.mark.parametrize("with_margin", [False, True], ids=["", "margin"])
def test_reward_model_trains_on_pairs(chat: bool, with_margin: bool, tmp_path: Path) -> None:
    import trl
    from transformers import Qwen2ForSequenceClassification

    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer(PROMPTS, 16)
    config = tiny_model(tokenizer).config
    config.num_labels = 1
    trainer = trl.RewardTrainer(
        model=Qwen2ForSequenceClassification(config),
        args=trl.RewardConfig(output_dir=str(tmp_path), **SHARED),
        train_dataset=rows(chat, with_margin=with_margin),
        processing_class=tokenizer,
    )
    assert trainer.train().global_step == 2
