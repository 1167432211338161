"""Fine-tuned reward models on one split: by `verify rm train`'s own code, and by TRL on as many tokens."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rm_sets import RatedSet, Scores, Split, decided

from reward_models.models.reward_model import RewardModel
from reward_models.training.material import Sources
from reward_models.training.run import Request, train
from reward_models.training.settings import load_settings
from reward_models.types import RatedPrompt

TRL_RATES = 1e-4
"""The default of its RewardConfig."""
TRL_BATCH_PAIRS = 16


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model's scores of the test prompts.

    Attributes:
        scores: Prompt by prompt.
        tokens: Real tokens trained on, all epochs.
        cpu_s: Of training, this process.
    """

    scores: Scores
    tokens: int
    cpu_s: float


def ours(rated: RatedSet, by: Split, base: str, values: dict[str, Any]) -> Tuned:
    """Train with our code on the split's training prompts; a tenth of them chooses the checkpoint."""
    places, held = rated.split(by)
    settings = load_settings(values={"max_length": rated.max_tokens, "seed": by.seed, **values})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in _rows(rated, places)), encoding="utf-8")
        start = time.process_time()
        train(Request(Sources([str(path)]), base, Path(folder) / "model", settings, bar=False), print)
        cpu_s = time.process_time() - start
        model = RewardModel.from_checkpoint(str(Path(folder) / "model"))
        scores = _scores(model, [rated.prompts[n] for n in held])
    return Tuned(scores, round(_tokens(rated, places, base) * settings.epochs), cpu_s)


def trl(rated: RatedSet, by: Split, base: str, tokens: int) -> Tuned:
    """Train with TRL on pairs of the same prompts, drawn until they hold as many tokens as ours read."""
    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    places, held = rated.split(by)
    model = RewardModel.from_base(base, max_tokens=rated.max_tokens, seed=by.seed)
    rows = _drawn([rated.prompts[n] for n in places], model, tokens, random.Random(by.seed))
    if model.tokenizer.eos_token is None:  # TRL appends one to every text; BERTs have none.
        model.tokenizer.eos_token = model.tokenizer.sep_token
    with tempfile.TemporaryDirectory() as folder:
        settings = RewardConfig(
            folder, num_train_epochs=1, per_device_train_batch_size=TRL_BATCH_PAIRS, learning_rate=TRL_RATES,
            max_length=2 * rated.max_tokens, gradient_checkpointing=False, bf16=False, use_cpu=True, report_to="none",
            save_strategy="no", logging_steps=50, seed=by.seed, disable_tqdm=True, warmup_steps=0.1,
        )  # fmt: skip
        start = time.process_time()
        data = Dataset.from_list([{"chosen_ids": a, "rejected_ids": b} for a, b in rows])
        trainer = RewardTrainer(model.net, args=settings, train_dataset=data, processing_class=model.tokenizer)
        trainer.train()
        cpu_s = time.process_time() - start
    scores = _scores(model, [rated.prompts[n] for n in held])
    return Tuned(scores, sum(len(a) + len(b) for a, b in rows), cpu_s)


def _drawn(
    prompts: Sequence[RatedPrompt], model: RewardModel, tokens: int, rng: random.Random
) -> list[tuple[list[int], list[int]]]:
    """Return encoded (chosen, rejected) in random order, again from the start when all pairs were drawn."""
    encoded = [model.encode([p.prompt] * len(p.answers), [a.response for a in p.answers]) for p in prompts]
    pairs = [(n, better, worse) for n, prompt in enumerate(prompts) for better, worse in decided(prompt)]
    rows: list[tuple[list[int], list[int]]] = []
    while tokens > 0:
        rng.shuffle(pairs)
        for n, better, worse in pairs:
            rows.append((list(encoded[n][better].ids), list(encoded[n][worse].ids)))
            tokens -= len(rows[-1][0]) + len(rows[-1][1])
            if tokens <= 0:
                break
    return rows


def _rows(rated: RatedSet, places: Sequence[int]) -> Iterator[dict[str, Any]]:
    for prompt in (rated.prompts[n] for n in places):
        for stated in prompt.preferences:
            both = prompt.answers[stated.chosen].response, prompt.answers[stated.rejected].response
            yield {"prompt": prompt.prompt, "chosen": both[0], "rejected": both[1]}
        for answer in prompt.answers:
            if answer.stars is not None:
                yield {"prompt": prompt.prompt, "response": answer.response, "rating": answer.stars}


def _tokens(rated: RatedSet, places: Sequence[int], base: str) -> int:
    model = RewardModel.from_base(base, max_tokens=rated.max_tokens)
    prompts = [rated.prompts[n] for n in places]
    flat = [(prompt.prompt, answer.response) for prompt in prompts for answer in prompt.answers]
    return sum(map(len, model.encode([prompt for prompt, _ in flat], [response for _, response in flat])))


def _scores(model: RewardModel, prompts: Sequence[RatedPrompt]) -> list[list[float]]:
    flat = [(prompt.prompt, answer.response) for prompt in prompts for answer in prompt.answers]
    with torch.inference_mode():
        scores = model.scores(model.encode([prompt for prompt, _ in flat], [response for _, response in flat]))
    return [part.tolist() for part in scores.split([len(prompt.answers) for prompt in prompts])]
