"""An update of uneven prompts. Run by torchrun, processes share it out, and the first one saves the gradient."""

import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from rm_tiny import WORDS
from safetensors.torch import save_file

from reward_models.batching.collate import Item
from reward_models.batching.labels import LabelMaker
from reward_models.batching.plan import BatchPlan
from reward_models.batching.scale import StarScale
from reward_models.losses.registry import build_loss
from reward_models.training.arguments import training_arguments
from reward_models.training.batches import EpochChain
from reward_models.training.building import build_model, collator, encode
from reward_models.training.settings import load_settings
from reward_models.training.trainer import RewardTrainer, TrainingSet
from reward_models.types import Answer, RatedPrompt


def uneven() -> list[RatedPrompt]:
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


def uneven_trainer(base: str, folder: Path, loss: str, micro_tokens: int) -> tuple[RewardTrainer, Sequence[Item]]:
    """Return a trainer before its first update, and what that is made of."""
    prompts = uneven()
    scale = StarScale.fit(prompts)
    settings = load_settings(values={"loss": loss, "micro_tokens": micro_tokens, "update_tokens": 10**6})
    model = build_model(base, settings, {})
    data = encode(model, prompts)
    chain = EpochChain(BatchPlan([len(each) for each in data.encoded], data.prompt_numbers, 10**6), 1)
    training_set = TrainingSet(prompts, data.items, chain, collator(model, LabelMaker(prompts, scale), settings))
    args = training_arguments(settings, folder, 1, evaluates=False)
    trainer = RewardTrainer(model.net, args, training_set, build_loss(loss, scale), settings, model.tokenizer)
    return trainer, data.items


def gradients(trainer: RewardTrainer) -> dict[str, torch.Tensor]:
    return {name: p.grad for name, p in trainer.model.named_parameters() if p.grad is not None}


if __name__ == "__main__":
    base, loss, output = sys.argv[1:]
    trainer, items = uneven_trainer(base, Path(output).parent, loss, micro_tokens=120)
    world, rank = trainer.args.world_size, trainer.args.process_index
    model = trainer.accelerator.prepare(trainer.model)
    trainer.training_step(model, {"items": [item for item in items if item.prompt % world == rank]})
    if rank == 0:
        save_file(gradients(trainer), output)
    torch.distributed.destroy_process_group()
