"""A reward model in TRL: from its path, and watched."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from rm_saved import LONG, calibrated_card, rewards, saved  # noqa: E402
from rm_tiny import CHAT, tiny_base  # noqa: E402

from reward_models.serving.teacher import Options, RewardModelTeacher, reward_model  # noqa: E402
from reward_models.serving.watch import watching  # noqa: E402
from verifiers.scoring import score  # noqa: E402
from verifiers.types import Sample  # noqa: E402

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_trl_when_given_the_path_then_its_rewards_are_the_teachers(kind: str, tmp_path: Path):
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = saved(tmp_path, kind, chat=CHAT if kind == "llama" else "")
    policy = AutoModelForCausalLM.from_pretrained(tiny_base(tmp_path / "policy", "llama", CHAT))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "policy" / "llama")
    tokenizer.pad_token = "<unk>"
    asked: list[Sample] = []

    def heard(prompts: list[Any], completions: list[Any], **more: Any) -> list[float]:
        asked.extend(Sample(completion, prompt=prompt) for prompt, completion in zip(prompts, completions, strict=True))
        return [0.0] * len(prompts)

    args = trl.GRPOConfig(
        output_dir=str(tmp_path / "run"),
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=8,
        max_steps=2,
        report_to="none",
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        disable_tqdm=True,
        log_completions=False,
    )
    rows = [[{"role": "user", "content": prompt}] for prompt in (LONG, "why", "what is water", "the sky")]
    trainer = trl.GRPOTrainer(
        model=policy,
        reward_funcs=[path, heard],
        args=args,
        train_dataset=Dataset.from_dict({"prompt": rows}),
        processing_class=tokenizer,
    )
    trainer.train()
    name = next(name for name in trainer._logs["rewards"] if name != "heard")
    theirs = list(trainer._logs["rewards"][name])
    ours = rewards(score(asked, reward_model, options={"model": path, "dtype": "float32"}))
    assert len(theirs) >= 8
    assert ours[-len(theirs) :] == pytest.approx(theirs, abs=1e-4)


def test_trl_when_the_teacher_is_watched_then_its_log_shows_how_the_scores_lie(tmp_path: Path):
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from grpo_bridge import trl_reward

    path = saved(tmp_path, "bert")
    calibrated_card(path)
    teacher = reward_model.build(Options(model=(path,)))
    assert isinstance(teacher, RewardModelTeacher)
    policy = AutoModelForCausalLM.from_pretrained(tiny_base(tmp_path / "policy", "llama", CHAT))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "policy" / "llama")
    tokenizer.pad_token = "<unk>"
    args = trl.GRPOConfig(
        output_dir=str(tmp_path / "run"),
        per_device_train_batch_size=8,
        num_generations=4,
        max_completion_length=8,
        max_steps=2,
        logging_steps=1,
        report_to="none",
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = trl.GRPOTrainer(
        model=policy,
        reward_funcs=trl_reward(teacher),
        args=args,
        train_dataset=Dataset.from_dict({"prompt": ["why", "what is water", "the sky", "birds"]}),
        processing_class=tokenizer,
        callbacks=[watching(teacher)],
    )
    trainer.train()
    logged = [entry for entry in trainer.state.log_history if "rm/mean_shift" in entry]
    assert logged
    assert {"rm/out_of_range", "rm/psi", "rm/std_ratio", "rm/tie_rate"} <= logged[-1].keys()
