"""Parts of a training run: micro-batches, the order of epochs, which parameter learns how fast."""

from pathlib import Path
from random import Random

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from rm_tiny import WORDS, tiny_base

from reward_models.batching.collate import Item
from reward_models.batching.labels import LabelMaker
from reward_models.batching.plan import BatchPlan
from reward_models.batching.scale import StarScale
from reward_models.losses.registry import build_loss
from reward_models.training.arguments import training_arguments
from reward_models.training.batches import EpochChain, micro_batches
from reward_models.training.building import build_model, collator, encode
from reward_models.training.optimizer import head_gain, parameter_groups
from reward_models.training.settings import load_settings
from reward_models.training.trainer import RewardTrainer, TrainingSet
from reward_models.types import Answer, RatedPrompt

pytestmark = pytest.mark.trainers


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


def rated_prompts() -> list[RatedPrompt]:
    """Prompts with one answer and with several, whose weights differ."""
    drawn = Random(3)
    words = [" ".join(drawn.choices(WORDS, k=drawn.randint(1, 6))) for _ in range(60)]
    return [
        RatedPrompt(
            words[n],
            tuple(
                Answer(words[12 + 4 * n + k], stars=float(drawn.randint(1, 5)), weight=drawn.choice([0.1, 1.0, 10.0]))
                for k in range(1 if n % 3 else 4)
            ),
        )
        for n in range(12)
    ]


@pytest.mark.parametrize("name", ["joint", "soft", "mse"])
def test_training_step_when_an_update_is_cut_then_loss_and_gradient_are_those_of_the_whole(tmp_path: Path, name: str):
    prompts = rated_prompts()
    scale = StarScale.fit(prompts)
    base = tiny_base(tmp_path, "bert")
    found = []
    for micro_tokens in (0, 120):
        settings = load_settings(values={"loss": name, "micro_tokens": micro_tokens, "update_tokens": 10**6})
        model = build_model(base, settings, {})
        data = encode(model, prompts)
        chain = EpochChain(BatchPlan([len(each) for each in data.encoded], data.prompt_numbers, 10**6), 1)
        training_set = TrainingSet(prompts, data.items, chain, collator(model, LabelMaker(prompts, scale), settings))
        args = training_arguments(settings, tmp_path / str(micro_tokens), 1, evaluates=False)
        trainer = RewardTrainer(model.net, args, training_set, build_loss(name, scale), settings, model.tokenizer)
        loss = trainer.training_step(model.net, {"items": data.items})
        gradient = torch.cat([p.grad.flatten() for p in model.net.parameters() if p.grad is not None])
        found.append((float(loss), gradient, len(micro_batches(data.items, settings.micro))))
    (whole, gradient, parts), (cut, gradient_cut, parts_cut) = found
    assert parts == 1
    assert parts_cut > 2
    assert cut == pytest.approx(whole, rel=1e-5)
    assert float(gradient.abs().max()) > 1e-3
    assert torch.allclose(gradient_cut, gradient, atol=1e-5)
