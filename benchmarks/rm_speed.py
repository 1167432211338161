"""Training speed of reward models on a CPU, in real tokens per CPU-second: ours beside TRL's RewardTrainer.

python benchmarks/rm_speed.py --base FOLDER            both, each in processes of their own, in turns
python benchmarks/rm_speed.py --base FOLDER --write    the table into RESULTS.md

Same pairs, model, dtype, optimizer and number of answers an update; checkpointing on in both, then off in both. Loading
and encoding are not counted. What TRL drops (pairs longer than its limit) is not given to either.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

from common import headline, table, write_section
from rm_sets import decided, load_sets

SETS = ("hh", "Mohler + reference")
MAX_TOKENS = 512
PAIRS_AN_UPDATE = 16
UPDATE_TOKENS = 8192
"""Of a batch, for the table of padding; presets for GPUs have more."""
WARM_UP = 2
"""Updates before the clock starts."""
RULES = (
    "Turns: {turns} (medians), one thread each; real tokens are those that are no padding. Pairs of both sides hold "
    "two answers. `saved by groups` comes on top: tokens of all pairs, read one by one, over those of all answers, of "
    "which ours reads each once for all its pairs."
)


def chosen_pairs(name: str, pairs: int, model: Any) -> list[tuple[Any, int, int]]:
    """Draw (prompt, better, worse) from a set; of a prompt with many answers, neighbours in its list of pairs."""
    rated = next(each for each in load_sets() if each.name == name)
    found = [(prompt, a, b) for prompt in rated.prompts for a, b in decided(prompt)]
    drawn = Random(0).sample(found, min(len(found), 3 * pairs))
    return [row for row in drawn if max(_lengths(model, row)) <= MAX_TOKENS][:pairs]


def _lengths(model: Any, row: tuple[Any, int, int]) -> list[int]:
    prompt, a, b = row
    encoded = model.encode([prompt.prompt] * 2, [prompt.answers[a].response, prompt.answers[b].response])
    return [len(each) + each.truncated for each in encoded]


def ours(rows: Sequence[tuple[Any, int, int]], model: Any, checkpointing: bool, folder: str) -> tuple[int, float]:
    """Train on the pairs with our trainer; return real tokens and CPU seconds after the warm-up."""
    from transformers import PrinterCallback

    from reward_models.batching.labels import LabelMaker
    from reward_models.batching.plan import BatchPlan
    from reward_models.batching.scale import StarScale
    from reward_models.losses.registry import build_loss
    from reward_models.training.arguments import training_arguments
    from reward_models.training.batches import EpochChain
    from reward_models.training.building import build_model, collator, encode
    from reward_models.training.settings import load_settings
    from reward_models.training.trainer import RewardTrainer, TrainingSet
    from reward_models.types import Preference, RatedPrompt

    prompts = [
        RatedPrompt(prompt.prompt, (prompt.answers[a], prompt.answers[b]), (Preference(0, 1),)) for prompt, a, b in rows
    ]
    data = encode(model, prompts)
    total = sum(map(len, data.encoded))
    budget = total * 2 * PAIRS_AN_UPDATE // len(data.encoded)
    settings = load_settings(
        values={
            "update_tokens": budget, "checkpointing": checkpointing, "epochs": 1, "dtype": "float32",
            "max_length": MAX_TOKENS, "pooling": "stock",
        }
    )  # fmt: skip
    model = build_model(model.base, settings, {})  # without dropout, as TRL's is by default
    plan = BatchPlan([len(each) for each in data.encoded], data.prompt_numbers, budget, padded=False)
    chain = EpochChain(plan, 1)
    scale = StarScale.fit(prompts)
    args = training_arguments(settings, Path(folder), len(chain), evaluates=False)
    args.save_strategy = "no"
    training_set = TrainingSet(prompts, data.items, chain, collator(model, LabelMaker(prompts, scale), settings))
    loss = build_loss("bt", scale)
    trainer = RewardTrainer(model.net, args, training_set, loss, settings, model.tokenizer)
    trainer.remove_callback(PrinterCallback)
    return timed(trainer, [sum(len(data.encoded[n]) for n in batch) for batch in chain])


def trl(rows: Sequence[tuple[Any, int, int]], model: Any, checkpointing: bool, folder: str) -> tuple[int, float]:
    """Train on the pairs with TRL; return real tokens and CPU seconds after the warm-up."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import RewardConfig, RewardTrainer

    ids = []
    for prompt, a, b in rows:
        encoded = model.encode([prompt.prompt] * 2, [prompt.answers[a].response, prompt.answers[b].response])
        ids.append({"chosen_ids": list(encoded[0].ids), "rejected_ids": list(encoded[1].ids)})
    if model.tokenizer.eos_token is None:  # TRL wants one; BERTs have none.
        model.tokenizer.eos_token = model.tokenizer.sep_token
    settings = RewardConfig(
        folder, num_train_epochs=1, per_device_train_batch_size=PAIRS_AN_UPDATE, max_length=MAX_TOKENS, bf16=False,
        gradient_checkpointing=checkpointing, use_cpu=True, report_to="none", save_strategy="no", logging_steps=10**6,
        disable_tqdm=True, optim="adamw_torch_fused", learning_rate=2e-5,
    )  # fmt: skip
    trainer = RewardTrainer(
        model.net, args=settings, train_dataset=Dataset.from_list(ids), processing_class=model.tokenizer
    )
    trainer.remove_callback(PrinterCallback)
    seen: list[int] = []
    inner = trainer.data_collator

    def counting(examples: Any) -> Any:
        batch = inner(examples)
        seen.append(int(batch["attention_mask"].sum()))
        return batch

    trainer.data_collator = counting
    return timed(trainer, seen)


def timed(trainer: Any, tokens: Sequence[int], clock: Callable[[], float] = time.process_time) -> tuple[int, float]:
    """Run a trainer; return tokens and (CPU) seconds from the end of the warm-up to the end of the last update."""
    from transformers import TrainerCallback

    marks: list[float] = []

    class Clock(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            marks.append(clock())

    trainer.add_callback(Clock())
    trainer.train()
    return sum(tokens[WARM_UP : len(marks)]), marks[-1] - marks[WARM_UP - 1]


def child(args: argparse.Namespace) -> None:
    """Measure one side once, and print it."""
    import torch

    from reward_models.models.reward_model import RewardModel

    torch.set_num_threads(1)
    model = RewardModel.from_base(args.base, max_tokens=MAX_TOKENS)
    rows = chosen_pairs(args.set, args.pairs, model)
    with tempfile.TemporaryDirectory() as folder:
        side = ours if args.side == "ours" else trl
        tokens, cpu_s = side(rows, model, args.checkpointing, folder)
    print(json.dumps({"tokens": tokens, "cpu_s": cpu_s}))


def padding(base: str) -> list[tuple[str, str, str, str, str]]:
    """Return the share of real tokens in what a body computes for an epoch of each set: random, in chunks, packed.

    Last in a row: real tokens of all pairs, each read by itself, in those of all answers, each read once.
    """
    from reward_models.batching.chunks import chunks_by_length
    from reward_models.batching.plan import BatchPlan
    from reward_models.models.layout import packed
    from reward_models.models.reward_model import RewardModel

    model = RewardModel.from_base(base, max_tokens=MAX_TOKENS)
    rows = []
    for rated in (each for each in load_sets() if each.name in SETS):
        texts = [(p.prompt, answer.response) for p in rated.prompts for answer in p.answers]
        encoded = model.encode([prompt for prompt, _ in texts], [response for _, response in texts])
        lengths = [len(each) for each in encoded]
        numbers = [n for n, prompt in enumerate(rated.prompts) for _ in prompt.answers]
        drawn = Random(0).sample(lengths, len(lengths))
        starts = range(0, len(drawn), 2 * PAIRS_AN_UPDATE)
        by_chance = sum(max(part) * len(part) for part in (drawn[n : n + 2 * PAIRS_AN_UPDATE] for n in starts))
        batches = BatchPlan(lengths, numbers, UPDATE_TOKENS, padded=False).batches()
        in_chunks = sum(
            len(chunk) * max(lengths[batch[n]] for n in chunk)
            for batch in batches
            for chunk in chunks_by_length([lengths[n] for n in batch])
        )
        in_rows = sum(packed([encoded[n].ids for n in batch])["input_ids"].numel() for batch in batches)
        ends = [0, *accumulate(len(prompt.answers) for prompt in rated.prompts)]
        in_pairs = sum(
            lengths[s + n] for s, p in zip(ends, rated.prompts, strict=False) for pair in decided(p) for n in pair
        )
        shares = (f"{sum(lengths) / cost:.3f}" for cost in (by_chance, in_chunks, in_rows))
        rows.append((rated.name, *shares, f"{in_pairs / sum(lengths):.1f}x"))
    return rows


def measure(args: argparse.Namespace, name: str, side: str, checkpointing: bool) -> float:
    """Run one side in a process of its own; return tokens per CPU-second."""
    command = [sys.executable, __file__, "--base", args.base, "--pairs", str(args.pairs), "--side", side, "--set", name]
    command += ["--checkpointing"] if checkpointing else []
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return float(found["tokens"] / found["cpu_s"])


def main() -> None:
    """Measure in turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="folder of the base model")
    parser.add_argument("--pairs", type=int, default=160)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--set", default="", help="one set alone")
    parser.add_argument("--side", choices=["ours", "trl"], help=argparse.SUPPRESS)
    parser.add_argument("--checkpointing", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.side:
        child(args)
        return
    rows = []
    for name in [args.set] if args.set else SETS:
        for checkpointing in (False, True):
            found: dict[str, list[float]] = {"ours": [], "trl": []}
            for _ in range(args.turns):
                for side, rates in found.items():
                    rates.append(measure(args, name, side, checkpointing))
            mine, theirs = (statistics.median(found[side]) for side in ("ours", "trl"))
            ratio = f"{mine / theirs:.2f}x"
            rows.append((name, "on" if checkpointing else "off", f"{mine:,.0f}", f"{theirs:,.0f}", ratio))
            print(*rows[-1], flush=True)
    header = ("pairs of", "checkpointing", "ours, tokens / CPU s", "TRL RewardTrainer", "ratio")
    names = ("real tokens of all computed", "random batches of 32", "ours, padded", "ours, packed", "saved by groups")
    shares = table(names, padding(args.base))
    text = f"{table(header, rows).strip()}\n\n{shares.strip()}"
    print(text)
    if args.write:
        title = "## Reward models: training speed"
        notes = RULES.format(turns=args.turns)
        command = f"python benchmarks/rm_speed.py --base MODEL --pairs {args.pairs} --turns {args.turns} --write"
        write_section("rm-speed", "\n\n".join(part.strip() for part in (title, headline(command), text, notes)))


if __name__ == "__main__":
    main()
