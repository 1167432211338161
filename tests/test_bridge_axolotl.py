"""axolotl's own look-up of reward functions, and TRL 1.9's GRPOTrainer, which it pins, with what that finds.

axolotl is installed without its dependencies but for those that this path imports (no bitsandbytes, no xformers).
"""

import pickle
from pathlib import Path

import pytest

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]


def test_the_strategy_finds_a_function_that_travels_and_scores() -> None:
    from axolotl.core.trainers.grpo import GRPOStrategy

    function = GRPOStrategy.get_reward_func("grpo_bridge.axolotl.math")
    copy = pickle.loads(pickle.dumps(function))
    for each in (function, copy):
        assert each(prompts=["2+3?"] * 3, completions=["5", "6", "5"], answer=["5", "5", None]) == [1.0, 0.0, None]


def test_the_pinned_trainer_runs_with_it(tmp_path: Path) -> None:
    import trl
    from axolotl.core.trainers.grpo import GRPOStrategy
    from datasets import Dataset

    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    tokenizer = tiny_tokenizer(["0123456789+= "])
    settings = {"per_device_train_batch_size": 4, "num_generations": 4, "max_completion_length": 3, "max_steps": 1}
    quiet = {"report_to": "none", "use_cpu": True, "bf16": False, "save_strategy": "no", "logging_steps": 1}
    trainer = trl.GRPOTrainer(
        model=tiny_model(tokenizer),
        reward_funcs=[GRPOStrategy.get_reward_func("grpo_bridge.axolotl.numeric")],
        args=trl.GRPOConfig(output_dir=str(tmp_path), **settings, **quiet),
        train_dataset=Dataset.from_dict({"prompt": ["2+3="] * 4, "answer": ["5"] * 4}),
        processing_class=tokenizer,
    )
    trainer.train()
    assert "reward" in trainer.state.log_history[0]
    assert trainer.reward_func_names == ["numeric"]
