"""Runs that were cut off, moved or ended: what `--resume` makes of them, and what the best checkpoint holds."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_tiny import tiny_base
from rm_train import request, unfinish, write_ratings
from safetensors.torch import load_file

from reward_models.models.reward_model import RewardModel
from reward_models.training.run import train
from reward_models.training.trainer import RewardTrainer
from verifiers.errors import InputError, UsageError

pytestmark = pytest.mark.trainers


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_base(tmp_path_factory.mktemp("bases"), "bert")


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ratings(tmp_path_factory.mktemp("data") / "ratings.jsonl", raters=2)


def test_train_when_resumed_with_other_settings_then_refuses_and_names_them(ratings: Path, base: str, tmp_path: Path):
    asked = request(ratings, base, tmp_path / "rm", epochs=1)
    train(asked, lambda line: None)
    other = replace(asked, resume=True, settings=replace(asked.settings, epochs=2.0))
    with pytest.raises(UsageError, match=r"something else: epochs: 1\.0 -> 2\.0\. Give the same"):
        train(other, lambda line: None)


def test_train_when_resumed_after_its_end_then_leaves_the_model_as_it_is(ratings: Path, base: str, tmp_path: Path):
    asked = request(ratings, base, tmp_path / "my rm", epochs=1)
    said: list[str] = []
    train(asked, said.append)
    assert said[-1] == f"next: verify score --task reward_model --set 'model={asked.output}' answers.jsonl"
    before = {path: path.stat().st_mtime_ns for path in asked.output.rglob("*")}
    assert train(replace(asked, resume=True), said.append) is None
    assert said[-1] == f"{asked.output} is finished: nothing is left to resume. --overwrite trains anew"
    assert {path: path.stat().st_mtime_ns for path in asked.output.rglob("*")} == before


def ends_alike(output: Path, was: Path) -> bool:
    """Tell whether two runs ended with the same weights, card and best checkpoint after the same steps."""
    weights, others = (load_file(folder / "model.safetensors") for folder in (output, was))
    logs = [json.loads((folder / "training.json").read_text()) for folder in (output, was)]
    return (
        all(torch.equal(weights[name], value) for name, value in others.items())
        and (output / "rm_card.json").read_text() == (was / "rm_card.json").read_text()
        and all(logs[0][name] == logs[1][name] for name in ("steps", "tokens", "best_step", "best_figure"))
    )


def test_train_when_resumed_where_its_folder_has_another_path_then_saves_the_best_checkpoint_all_the_same(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    asked = request(ratings, base, Path("rm"), learning_rate=0.5, head_learning_rate=5.0, epochs=1)
    train(asked, lambda line: None)
    shutil.copytree("rm", tmp_path / "was")
    Path("rm").rename(tmp_path / "moved")
    unfinish(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    train(replace(asked, output=Path("moved"), resume=True), said.append)
    assert any(line.startswith("best on validation: step 0, the fitted head, which is what is saved") for line in said)
    assert ends_alike(tmp_path / "moved", tmp_path / "was")


@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe"])
def test_train_when_the_base_has_experts_then_the_best_checkpoints_are_saved_too(
    kind: str, ratings: Path, tmp_path: Path
):
    base = tiny_base(tmp_path, kind)
    asked = request(ratings, base, tmp_path / "rm", learning_rate=0.1, head_learning_rate=1.0, epochs=1)
    said: list[str] = []
    train(asked, said.append)
    assert any(line.startswith("best on validation: step 0") for line in said)
    before, after = RewardModel.from_base(base), RewardModel.from_checkpoint(str(tmp_path / "rm"))
    experts = {name: value for name, value in before.net.state_dict().items() if "experts" in name}
    assert experts
    assert all(torch.equal(after.net.state_dict()[name], value) for name, value in experts.items())
    shutil.copytree(tmp_path / "rm", tmp_path / "was")
    unfinish(tmp_path / "rm")
    train(replace(asked, resume=True), said.append)
    assert ends_alike(tmp_path / "rm", tmp_path / "was")


def test_train_when_resumed_without_its_best_checkpoint_then_refuses_by_name_before_it_loads(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = request(ratings, base, tmp_path / "rm", learning_rate=0.5, head_learning_rate=5.0, epochs=1)
    train(asked, lambda line: None)
    unfinish(asked.output)
    shutil.rmtree(asked.output / "checkpoints" / "checkpoint-0")
    monkeypatch.setattr("reward_models.training.run.build_model", None)
    with pytest.raises(InputError, match=r"checkpoint-0, the best on validation until then, is gone"):
        train(replace(asked, resume=True), lambda line: None)


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 1, "learning_rate": 0.003, "epochs": 6, "dropout": True},  # ends early
        {"patience": 0, "epochs": 2, "loss": "ordinal"},
    ],
)
def test_train_when_killed_after_training_then_resumes_with_what_comes_after_it(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
):
    asked = request(ratings, base, tmp_path / "rm", **settings)
    train(replace(asked, output=tmp_path / "was"), lambda line: None)
    with monkeypatch.context() as patch:
        patch.setattr("reward_models.training.run.finish", None)
        with pytest.raises(TypeError):
            train(asked, lambda line: None)
    (tmp_path / "rm" / "training.json").unlink()
    monkeypatch.setattr(RewardTrainer, "training_step", None)
    said: list[str] = []
    train(replace(asked, resume=True), said.append)
    steps = json.loads((tmp_path / "was" / "training.json").read_text())["steps"]
    assert f"training had ended at checkpoint-{steps}: only what comes after it is left" in said
    assert ends_alike(tmp_path / "rm", tmp_path / "was")


def test_train_when_the_last_step_is_no_multiple_of_the_evaluations_then_it_is_evaluated_once_too(
    ratings: Path, base: str, tmp_path: Path
):
    train(request(ratings, base, tmp_path / "rm", epochs=1.25, patience=0), lambda line: None)
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    evaluated = [row["step"] for row in log["log"] if "eval_rank_quality" in row]
    assert log["steps"] % evaluated[1]
    assert evaluated[-1] == log["steps"]
    assert len(evaluated) == len(set(evaluated))
