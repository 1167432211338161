#!/usr/bin/env python3
"""Does a model learn from the math teacher? The same tiny model on short sums, in TRL and in our own loop.

Needs `pip install 'grpo-teachers[trl]'`, no GPU and no download: the model (76,000 random parameters) and its
tokenizer are made on the spot. A few CPU minutes.

    python benchmarks/bench_learning.py [--steps 200] [--seeds 0 1 2] [--no-write]
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import torch
import transformers
import trl
from common import ROOT, command_line, headline, table, write_section
from datasets import Dataset

from grpo_bridge.loop.settings import LoopConfig
from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer
from grpo_bridge.loop.train import train
from grpo_bridge.trl import trl_reward

ROWS = [{"prompt": f"{a}+{b}=", "reference": str(a + b)} for a in range(5) for b in range(5)]
PROMPTS, GROUP, MAX_TOKENS = 16, 16, 2
LEARNING_RATE = 3e-3
WINDOW = 10
"""Steps at the start and at the end that are compared."""
CURVE = ROOT / "docs" / "learning.svg"


@dataclass(frozen=True)
class Run:
    """One seed in one trainer: the mean reward of each step, and the CPU seconds of all."""

    trainer: str
    seed: int
    rewards: list[float]
    cpu_s: float

    @property
    def start(self) -> float:
        return mean(self.rewards[:WINDOW])

    @property
    def end(self) -> float:
        return mean(self.rewards[-WINDOW:])

    @property
    def z(self) -> float:
        """The rise in standard errors; the completions of a step are as many independent draws of right or wrong."""
        count = WINDOW * PROMPTS * GROUP
        error = sqrt((self.start * (1 - self.start) + self.end * (1 - self.end)) / count)
        return (self.end - self.start) / error if error else 0.0


def main() -> None:
    """Run, print, and write the section and the curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)  # the model is too small for more
    runs = []
    for name, learn in (("TRL GRPOTrainer", in_trl), ("own loop", in_own_loop)):
        for seed in given.seeds:
            runs.append(measured(name, learn, seed, given.steps))
            print(f"{name}, seed {seed}: {runs[-1].start:.3f} -> {runs[-1].end:.3f}", flush=True)
    text = report(runs, given.steps)
    print(text)
    if not given.no_write:
        CURVE.write_text(svg(runs), encoding="utf-8")
        write_section("learning", text)


def measured(name: str, learn: Callable[[int, int], list[float]], seed: int, steps: int) -> Run:
    """Run one seed."""
    started = time.process_time()
    return Run(name, seed, learn(seed, steps), time.process_time() - started)


def made(seed: int) -> tuple[Any, Any]:
    """Make the model and its tokenizer."""
    tokenizer = tiny_tokenizer([row["prompt"] for row in ROWS], 16)
    return tiny_model(tokenizer, hidden=64, seed=seed), tokenizer


def in_own_loop(seed: int, steps: int) -> list[float]:
    """Learn in `grpo_bridge.loop`."""
    model, tokenizer = made(seed)
    config = LoopConfig(
        steps=steps,
        prompts=PROMPTS,
        group=GROUP,
        max_tokens=MAX_TOKENS,
        learning_rate=LEARNING_RATE,
        seed=seed,
    )
    return [step.reward or 0.0 for step in train(model, tokenizer, ROWS, trl_reward("math"), config)]


def in_trl(seed: int, steps: int) -> list[float]:
    """Learn in TRL."""
    model, tokenizer = made(seed)
    with tempfile.TemporaryDirectory() as folder:
        arguments = trl.GRPOConfig(
            output_dir=folder,
            per_device_train_batch_size=PROMPTS * GROUP,
            num_generations=GROUP,
            max_completion_length=MAX_TOKENS,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="constant",
            max_steps=steps,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            bf16=False,
            seed=seed,
        )
        trainer = trl.GRPOTrainer(
            model=model,
            reward_funcs=trl_reward("math"),
            args=arguments,
            train_dataset=Dataset.from_list(ROWS),
            processing_class=tokenizer,
        )
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
    return [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]


def report(runs: Sequence[Run], steps: int) -> str:
    """Write the section."""
    parameters = sum(weight.numel() for weight in made(0)[0].parameters())
    cells = [
        (run.trainer, run.seed, f"{run.start:.3f}", f"{run.end:.3f}", f"{run.z:.0f}", f"{run.cpu_s:.0f}")
        for run in runs
    ]
    setting = (
        f"A Qwen2 of {parameters:,} random parameters answers sums such as `3+4=` in up to {MAX_TOKENS} tokens; the "
        f"`math` teacher rewards it. {steps} steps of {PROMPTS} prompts x {GROUP} completions, AdamW, learning rate "
        f"{LEARNING_RATE}. Start and end: the mean reward of {WINDOW} steps; rise: in standard errors.\n"
    )
    lines = [
        "## Learning: the mean reward rises\n",
        headline(command_line()),
        setting,
        table(["trainer", "seed", "start", "end", "rise / s.e.", "CPU s"], cells),
        f"trl {trl.__version__}, torch {torch.__version__}, transformers {transformers.__version__}.\n",
        "![mean reward by step](../docs/learning.svg)",
    ]
    return "\n".join(lines)


def mean(values: Sequence[float]) -> float:
    """Return the mean."""
    return sum(values) / len(values)


def svg(runs: Sequence[Run], width: int = 640, height: int = 300) -> str:
    """Draw the runs: a line each, smoothed over `WINDOW` steps, a colour for each trainer."""
    left, top, right, bottom = 44, 16, width - 12, height - 40
    colours = dict(zip(dict.fromkeys(run.trainer for run in runs), ("#1f6feb", "#d1590f"), strict=False))
    steps = max(len(run.rewards) for run in runs)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#fff"/><g font-size="12">',
    ]
    for tick in range(6):
        y = bottom - (bottom - top) * tick / 5
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#ddd"/><text x="8" y="{y + 4:.1f}">{tick / 5}</text>')
    for run in runs:
        smooth = [mean(run.rewards[max(0, i - WINDOW + 1) : i + 1]) for i in range(len(run.rewards))]
        points = " ".join(
            f"{left + (right - left) * i / max(1, steps - 1):.1f},{bottom - (bottom - top) * value:.1f}"
            for i, value in enumerate(smooth)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colours[run.trainer]}" stroke-width="1.5"/>')
    for place, (name, colour) in enumerate(colours.items()):
        x = left + 10 + 150 * place
        parts.append(f'<path d="M{x} {top + 8}h20" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 26}" y="{top + 12}">{name}</text>')
    parts.append(
        f'<text x="{left}" y="{height - 12}">step 1 to {steps}; mean reward over {WINDOW} steps</text></g></svg>'
    )
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
