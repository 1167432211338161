"""What goes wrong in training: kills, numbers that are not finite, memory that runs out."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_tiny import tiny_base
from rm_train import lines, request, write_ratings
from safetensors.torch import load_file
from transformers import BertModel

from reward_models.losses.base import LossResult
from reward_models.losses.joint import Joint
from reward_models.models.memory import OutOfMemory
from reward_models.models.reward_model import RewardModel
from reward_models.training.faults import NotFinite
from reward_models.training.run import train
from reward_models.training.trainer import RewardTrainer
from verifiers.errors import UsageError

pytestmark = pytest.mark.trainers
ALONE = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_base(tmp_path_factory.mktemp("bases"), "bert")


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ratings(tmp_path_factory.mktemp("data") / "ratings.jsonl", raters=2)


def command(ratings: Path, base: str, output: Path, *more: str) -> list[str]:
    sets = ["epochs=4", "update_tokens=300", "learning_rate=1e-3", "validation_share=0.25", "dropout=true"]
    # Of the losses, one that has parameters of its own; dropout, so that the random numbers' state counts.
    sets += ["loss=ordinal", "evaluations_per_epoch=2", "patience=50"]
    options = [part for each in sets for part in ("--set", each)]
    arguments = [str(ratings), "--base", base, "-o", str(output), *options, *more]
    return [sys.executable, "-m", "verifiers", "rm", "train", *arguments]


@pytest.mark.timeout(240)
def test_train_when_killed_and_resumed_then_ends_bit_for_bit_like_a_run_that_was_not(
    ratings: Path, base: str, tmp_path: Path
):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(command(ratings, base, whole), env=ALONE, check=True, capture_output=True)
    victim = subprocess.Popen(command(ratings, base, cut), env=ALONE, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not list((cut / "checkpoints").glob("checkpoint-*[1-9]*/trainer_state.json")):
        assert victim.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not (cut / "rm_card.json").exists()
    assert len(json.loads((cut / "choice.json").read_text())["offsets"]) == 2
    subprocess.run(command(ratings, base, cut, "--resume"), env=ALONE, check=True, capture_output=True)
    for name, value in load_file(whole / "model.safetensors").items():
        assert torch.equal(value, load_file(cut / "model.safetensors")[name]), name
    logs = [json.loads((folder / "training.json").read_text()) for folder in (whole, cut)]
    assert logs[0]["tokens"] == logs[1]["tokens"] > 0
    assert logs[0]["steps"] == logs[1]["steps"]
    assert (logs[0]["best_step"], logs[0]["best_figure"]) == (logs[1]["best_step"], logs[1]["best_figure"])
    losses = [[(row["step"], row["loss"]) for row in log["log"] if "loss" in row] for log in logs]
    assert losses[0] == losses[1]
    cards = [json.loads((folder / "rm_card.json").read_text()) for folder in (whole, cut)]
    assert cards[0] == cards[1]


@pytest.mark.timeout(120)
def test_train_when_two_processes_share_the_work_then_each_answer_is_read_once_an_epoch(
    ratings: Path, base: str, tmp_path: Path
):
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "--local_addr", "127.0.0.1"]
    alone = command(ratings, base, tmp_path / "rm", "--set", "epochs=1")
    done = subprocess.run([alone[0], *launcher, *alone[1:]], env=ALONE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    rows = [json.loads(line) for line in ratings.read_text().splitlines()]
    model = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    everything = sum(map(len, model.encode([row["prompt"] for row in rows], [row["response"] for row in rows])))
    # Five sixths of the prompts, once; a batch of them twice, so that both processes have equally many.
    assert 0.7 * everything < log["tokens"] < 1.1 * everything
    assert done.stderr.count("saved ") == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"optimizer": "adamw"}, "there is no optimizer 'adamw'; allowed: adamw_torch, "),
        ({"optimizer": "adamw_8bit"}, "optimizer=adamw_8bit needs bitsandbytes, .* pip install bitsandbytes"),
        ({"liger": True}, "liger=true needs liger-kernel, .* pip install liger-kernel"),
        ({"attention": "flash"}, "there is no attention 'flash'; allowed: auto, eager, sdpa, "),
        ({"attention": "flash_attention_2"}, "attention=flash_attention_2 needs flash-attn, .* pip install flash-attn"),
        ({"attention": "org/kernel"}, "attention=org/kernel needs kernels, .* pip install kernels"),
        ({"method": "qlora"}, "needs bitsandbytes"),
        ({"deepspeed": "absent.json"}, "deepspeed = absent.json: no DeepSpeed configuration can be read"),
        ({"fsdp": "full_shard"}, "fsdp=full_shard shards .* accelerate launch --num_processes N -m verifiers rm train"),
        ({"loss": "elo"}, "there is no loss 'elo'; allowed: bt, "),
    ],
)
def test_train_when_a_setting_cannot_work_here_then_says_so_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], told: str
):
    monkeypatch.setattr("reward_models.training.preflight.find_spec", lambda name: None if name != "torch" else name)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(UsageError, match=told):
        train(request(tmp_path / "absent.jsonl", "absent", tmp_path / "rm", **settings), lambda line: None)
    assert not (tmp_path / "rm").exists()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"loss": "mse"}, "loss=mse would learn nothing from this data"),
        ({"select": "spearman"}, "select=spearman cannot be measured .* allowed: auto, rank_quality, pair_accuracy"),
    ],
)
def test_train_when_the_data_lacks_what_a_setting_needs_then_refuses(
    base: str, tmp_path: Path, settings: dict[str, Any], told: str
):
    rows = [{"prompt": f"why {n}", "chosen": "light scatters", "rejected": "birds sing"} for n in range(8)]
    with pytest.raises(UsageError, match=told):
        train(request(lines(tmp_path / "pairs.jsonl", rows), base, tmp_path / "rm", **settings), lambda line: None)
    assert not (tmp_path / "rm").exists()


def test_train_when_the_loss_is_nan_then_stops_and_keeps_the_batch(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    calls = []
    forward = Joint.forward

    def poisoned(self: Joint, outputs_NH: Any, labels: Any) -> LossResult:
        result = forward(self, outputs_NH, labels)
        if outputs_NH.requires_grad:
            calls.append(outputs_NH)
        terms = {name: replace(term, total=term.total * float("nan")) for name, term in result.terms.items()}
        return LossResult(terms) if len(calls) == 3 else result

    monkeypatch.setattr(Joint, "forward", poisoned)
    with pytest.raises(NotFinite, match="step 3 is nan") as caught:
        train(request(ratings, base, tmp_path / "rm", head_start=False), lambda line: None)
    kept = json.loads((tmp_path / "rm" / "broken-batch.json").read_text())
    assert kept["step"] == 3
    assert len(kept["answers"]) == len(calls[2])
    assert all(row["where"].startswith(str(ratings)) and row["ids"] for row in kept["answers"])
    assert "broken-batch.json" in str(caught.value)


def test_train_when_the_gradient_is_infinite_then_stops_before_the_step(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def poisoned(self: RewardTrainer, model: Any, items: Any) -> Any:
        loss = self.compute_loss(model, {"items": items})
        loss.backward()
        next(iter(model.parameters())).grad.fill_(float("inf"))
        return loss.detach()

    monkeypatch.setattr(RewardTrainer, "_accumulate", poisoned)
    with pytest.raises(NotFinite, match="gradient's norm of step 1 is"):
        train(request(ratings, base, tmp_path / "rm"), lambda line: None)


def scarce(monkeypatch: pytest.MonkeyPatch, tokens: int, message: str = "") -> list[int]:
    """Let memory hold so many tokens at a time; return a list that fills with what was tried."""
    tried: list[int] = []
    compute_loss = RewardTrainer.compute_loss

    def limited(self: RewardTrainer, model: Any, inputs: dict[str, Any], *others: Any) -> Any:
        tried.append(sum(len(item.ids) for item in inputs["items"]))
        if tried[-1] > tokens:
            raise RuntimeError(message) if message else torch.OutOfMemoryError("CUDA out of memory. Tried to ...")
        return compute_loss(self, model, inputs, *others)

    monkeypatch.setattr(RewardTrainer, "compute_loss", limited)
    return tried


@pytest.mark.parametrize("message", ["", "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"])
def test_train_when_memory_runs_out_then_halves_and_goes_on(
    ratings: Path,
    base: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    message: str,
):
    tried = scarce(monkeypatch, 140, message)
    train(request(ratings, base, tmp_path / "rm", epochs=1), lambda line: None)
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    assert log["micro_tokens"] < 300
    assert len([count for count in tried if count > 140]) == 2
    assert len(tried) > 2 * log["steps"]
    assert "memory ran out with 600 tokens at a time: going on with" in caplog.text


def test_train_when_no_pass_has_much_memory_then_head_start_validation_and_finish_halve_too(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    forward = BertModel.forward
    plenty = train(request(ratings, base, tmp_path / "plenty", epochs=1, micro_tokens=200), lambda line: None)

    def limited(self: BertModel, input_ids: torch.Tensor, **others: Any) -> Any:
        if input_ids.numel() > 250:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to ...")
        return forward(self, input_ids, **others)

    monkeypatch.setattr(BertModel, "forward", limited)
    scarce = train(request(ratings, base, tmp_path / "scarce", epochs=1, micro_tokens=200), lambda line: None)
    assert "memory ran out with 8,192 tokens at a time: going on with 4,096" in caplog.text
    assert plenty is not None
    assert scarce is not None
    assert scarce.card.metrics["pair_accuracy"] == pytest.approx(plenty.card.metrics["pair_accuracy"], abs=1e-3)


def test_scores_when_one_answer_does_not_fit_then_says_what_to_do(base: str, monkeypatch: pytest.MonkeyPatch):
    def full(self: RewardModel, batch: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to ...")

    model = RewardModel.from_base(base)
    monkeypatch.setattr(RewardModel, "outputs", full)
    with pytest.raises(OutOfMemory, match=r"one answer of \d+ tokens \(CUDA out of memory.*Lower max_length"):
        model.scores(model.encode(["why", "why"], ["light", "light scatters in air"]))


def test_train_when_one_answer_does_not_fit_then_says_what_to_do(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scarce(monkeypatch, 10)
    with pytest.raises(OutOfMemory, match="Lower max_length, or set checkpointing=true or method=lora"):
        train(request(ratings, base, tmp_path / "rm", epochs=1), lambda line: None)


def test_train_when_an_error_is_no_lack_of_memory_then_it_is_not_swallowed(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scarce(monkeypatch, 0, "shapes do not match")
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(request(ratings, base, tmp_path / "rm", epochs=1), lambda line: None)


def gradients(
    ratings: Path, base: str, output: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> dict[str, torch.Tensor]:
    """Return the gradients of the first update."""
    found: dict[str, torch.Tensor] = {}

    class Stop(Exception):
        pass

    def caught(self: RewardTrainer, model: Any) -> Any:
        found.update({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(RewardTrainer, "_clip_grad_norm", caught)
        with pytest.raises(Stop):
            train(request(ratings, base, output, **settings), lambda line: None)
    return found


@pytest.mark.parametrize("settings", [{"micro_tokens": 150}, {"checkpointing": True}])
def test_update_when_memory_is_saved_then_its_gradient_is_the_same(
    ratings: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
):
    at_once = gradients(ratings, base, tmp_path / "a", monkeypatch)
    saving = gradients(ratings, base, tmp_path / "b", monkeypatch, **settings)
    assert at_once.keys() == saving.keys()
    assert any(float(value.abs().max()) > 1e-3 for value in at_once.values())
    for name, value in at_once.items():
        torch.testing.assert_close(saving[name], value, atol=1e-5, rtol=1e-3, msg=name)
