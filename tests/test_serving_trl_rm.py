"""A reward model in TRL: from its path, and watched."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from rm_saved import LONG, calibrated_card, rewards, saved  # noqa: E402
from rm_tiny import CHAT, tiny_base  # noqa: E402
from trl_runs import QUIET, reported  # noqa: E402

from reward_models.serving.teacher import Options, RewardModelTeacher, reward_model  # noqa: E402
from reward_models.serving.watch import watching  # noqa: E402
from verifiers.scoring import score  # noqa: E402
from verifiers.types import Sample  # noqa: E402

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore")]


def run_grpo(folder: Path, prompts: list[Any], **more: Any) -> Any:
    """Train a tiny policy for two steps; return the trainer."""
    trl = pytest.importorskip("trl")
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base(folder / "policy", "llama", CHAT))
    tokenizer.pad_token = "<unk>"
    trainer = trl.GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder / "policy" / "llama"),
        args=trl.GRPOConfig(
            output_dir=str(folder / "run"),
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=8,
            max_steps=2,
            logging_steps=1,
            **QUIET,
        ),
        train_dataset=Dataset.from_dict({"prompt": prompts}),
        processing_class=tokenizer,
        **more,
    )
    trainer.train()
    return trainer


@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_trl_when_given_the_path_then_its_rewards_are_the_teachers(kind: str, tmp_path: Path):
    path = saved(tmp_path, kind, chat=CHAT if kind == "llama" else "")
    asked: list[Sample] = []

    def heard(prompts: list[Any], completions: list[Any], **more: Any) -> list[float]:
        asked.extend(Sample(completion, prompt=prompt) for prompt, completion in zip(prompts, completions, strict=True))
        return [0.0] * len(prompts)

    rows = [[{"role": "user", "content": prompt}] for prompt in (LONG, "why", "what is water", "the sky")]
    trainer = run_grpo(tmp_path, rows, reward_funcs=[path, heard])
    name = next(name for name in trainer._logs["rewards"] if name != "heard")
    theirs = list(trainer._logs["rewards"][name])
    ours = rewards(score(asked, reward_model, options={"model": path, "dtype": "float32"}))
    assert len(theirs) >= 8
    assert ours[-len(theirs) :] == pytest.approx(theirs, abs=1e-4)


def test_trl_when_the_teacher_is_watched_then_its_log_shows_how_the_scores_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from grpo_bridge import trl_reward

    path = saved(tmp_path, "bert")
    calibrated_card(path)
    teacher = reward_model.build(Options(model=(path,)))
    assert isinstance(teacher, RewardModelTeacher)
    prompts = ["why", "what is water", "the sky", "birds"]
    seen = reported(monkeypatch)
    trainer = run_grpo(tmp_path, prompts, reward_funcs=trl_reward(teacher), callbacks=[watching(teacher)])
    logged = [entry for entry in trainer.state.log_history if "rm/mean_shift" in entry]
    assert logged
    assert {"rm/out_of_range", "rm/psi", "rm/std_ratio", "rm/tie_rate"} <= logged[-1].keys()
    assert [entry["rm/psi"] for entry in seen] == [entry["rm/psi"] for entry in trainer.state.log_history]


class Figures:
    def figures(self) -> dict[str, float]:
        return {"rm/psi": 0.5}


@pytest.mark.parametrize("watch_is_first", [True, False])
def test_callbacks_when_trained_twice_then_reporters_see_all_and_each_callback_is_called_once(
    watch_is_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import transformers

    from grpo_bridge import trl_reward

    begun: list[str] = []

    class Counts(transformers.TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            begun.append(type(self).__name__)

    class CountsToo(Counts):
        pass

    reward = trl_reward("numeric", name="plain")

    class Model(torch.nn.Linear):
        def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
            reward(["1+1="] * 2, ["2", "3"], answer=["2"] * 2)
            return {"loss": super().forward(x).mean()}

    seen = reported(monkeypatch)
    ours = [watching(Figures()), reward.watch(report="")]
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), per_device_train_batch_size=2, max_steps=2, logging_steps=1, **QUIET
    )
    trainer = transformers.Trainer(
        Model(1, 1),
        arguments,
        train_dataset=[{"x": torch.ones(1)}] * 4,
        callbacks=[Counts(), *(ours if watch_is_first else ours[::-1]), CountsToo()],
    )
    for _ in range(2):
        trainer.train()
        assert begun == ["Counts", "CountsToo"]
        begun.clear()
        steps = [entry for entry in seen if "loss" in entry]
        assert len(steps) == 2
        assert all({"rm/psi", f"rewards/{reward.__name__}/valid"} <= entry.keys() for entry in steps)
        assert all("rm/psi" in entry for entry in trainer.state.log_history)
        assert ("rm/psi" in ours[1].report.history[-1]) is watch_is_first, "callbacks keep their order"
        seen.clear()
