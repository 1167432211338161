"""Parts of a training run: micro-batches, the order of epochs, which parameter learns how fast."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from rm_tiny import tiny_base
from safetensors.torch import load_file
from step_on_cpu import gradients, uneven_trainer

from reward_models.batching.collate import Item
from reward_models.batching.plan import BatchPlan
from reward_models.training.batches import EpochChain, micro_batches
from reward_models.training.building import build_model
from reward_models.training.optimizer import head_gain, parameter_groups
from reward_models.training.settings import load_settings

pytestmark = pytest.mark.trainers
HERE = Path(__file__).parent
ENV = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(HERE.parent)}


def items(*lengths: tuple[int, int]) -> list[Item]:
    return [Item(range(length), prompt, place) for place, (prompt, length) in enumerate(lengths)]


@pytest.mark.parametrize("tokens", [1, 7, 10, 25, 1000])
def test_micro_batches_when_cut_then_hold_each_answer_once_within_the_budget(tokens: int):
    given = items((0, 5), (1, 3), (0, 4), (2, 9), (1, 2), (3, 5), (0, 1))
    parts = micro_batches(given, tokens)
    assert sorted(item.answer for part in parts for item in part) == list(range(7))
    assert all(len(part) == 1 or sum(len(item.ids) for item in part) <= tokens for part in parts)
    if tokens >= 10:
        assert all(sum(any(item.prompt == prompt for item in part) for part in parts) == 1 for prompt in range(4))


@pytest.mark.parametrize("epochs", [0.3, 1, 2.5])
def test_epoch_chain_when_listed_then_is_as_long_as_it_says_and_the_same_each_time(epochs: float):
    plan = BatchPlan([3 + n % 7 for n in range(60)], [n // 3 for n in range(60)], 30, seed=1)
    chain = EpochChain(plan, epochs)
    batches = list(chain)
    assert len(batches) == len(chain)
    assert batches == list(chain)
    whole = [place for batch in batches[: len(plan.batches(0))] for place in batch]
    assert (sorted(whole) == list(range(60))) == (epochs >= 1)


@pytest.mark.parametrize("steps", [0, 3, 1000])
def test_epoch_chain_when_it_ends_before_its_epochs_then_has_the_first_updates_alone(steps: int):
    plan = BatchPlan([10] * 40, list(range(40)), 80, seed=0)
    assert list(EpochChain(plan, 2, steps=steps)) == list(EpochChain(plan, 2))[:steps]
    assert len(EpochChain(plan, 2, steps=steps)) == min(steps, len(EpochChain(plan, 2)))


def test_parameter_groups_when_made_then_body_head_layers_and_gain_set_the_rates(tmp_path: Path):
    settings = load_settings(values={"learning_rate": 1e-4, "head_learning_rate": 1e-3, "layer_decay": 0.5})
    net = build_model(tiny_base(tmp_path, "bert"), settings, {}).net
    names = {id(parameter): name for name, parameter in net.named_parameters()}
    groups = parameter_groups(net, torch.nn.Module(), settings, gain=2.0)
    rates = {names[id(p)]: group["lr"] for group in groups for p in group["params"]}
    decays = {names[id(p)]: group["weight_decay"] for group in groups for p in group["params"]}
    assert rates.keys() == set(names.values())
    assert rates["classifier.weight"] == 1e-3
    assert rates["bert.pooler.dense.weight"] == 5e-5
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 5e-5
    assert rates["bert.encoder.layer.0.output.dense.weight"] == 2.5e-5
    assert rates["bert.embeddings.word_embeddings.weight"] == 1.25e-5
    assert decays["classifier.weight"] == settings.weight_decay
    assert decays["classifier.bias"] == 0


@pytest.mark.parametrize(("weight", "gain"), [(0.0, 1.0), (0.25, 1.0), (1.0, 4.0)])
def test_head_gain_when_weights_are_larger_than_a_new_heads_then_says_how_much(weight: float, gain: float):
    final = torch.nn.Linear(15, 1)
    torch.nn.init.constant_(final.weight, weight)
    assert head_gain(final) == pytest.approx(gain)


@pytest.mark.parametrize("name", ["joint", "soft", "mse"])
def test_training_step_when_an_update_is_cut_then_loss_and_gradient_are_those_of_the_whole(tmp_path: Path, name: str):
    base = tiny_base(tmp_path, "bert")
    found = []
    for micro_tokens in (0, 120):
        trainer, items = uneven_trainer(base, tmp_path, name, micro_tokens)
        loss = trainer.training_step(trainer.model, {"items": items})
        found.append((float(loss), gradients(trainer), len(micro_batches(items, trainer.micro_tokens))))
    (whole, gradient, parts), (cut, gradient_cut, parts_cut) = found
    assert parts == 1
    assert parts_cut > 2
    assert cut == pytest.approx(whole, rel=1e-5)
    assert max(float(each.abs().max()) for each in gradient.values()) > 1e-3
    torch.testing.assert_close(gradient_cut, gradient, atol=1e-5, rtol=1e-4)


def test_training_step_when_processes_share_an_update_then_the_gradient_is_that_of_one(tmp_path: Path):
    base = tiny_base(tmp_path, "bert")
    trainer, items = uneven_trainer(base, tmp_path, "joint", 0)
    trainer.training_step(trainer.model, {"items": items})
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone", "--local_addr", "127.0.0.1"]
    output = tmp_path / "gradient.safetensors"
    command = [sys.executable, *launcher, str(HERE / "step_on_cpu.py"), base, "joint", str(output)]
    done = subprocess.run(command, env={**os.environ, **ENV}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    torch.testing.assert_close(load_file(output), gradients(trainer), atol=1e-5, rtol=1e-4)
