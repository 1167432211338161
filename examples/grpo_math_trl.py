#!/usr/bin/env python3
r"""Train a model on math with TRL's GRPO and the math teacher.

    python examples/grpo_math_trl.py                                  a tiny model made on the spot, on any CPU
    python examples/grpo_math_trl.py --model Qwen/Qwen2.5-0.5B-Instruct --steps 500
    python examples/grpo_math_trl.py --model MODEL --data train.jsonl --lora    rows with `prompt` and `answer`

Needs: pip install 'grpo-teachers[trl]' (and peft for --lora). Without --model nothing is downloaded; the tiny model
learns only the form of an answer (it writes `\boxed{` and a digit at random first), which is enough to see rewards,
the early stop and the report at work. The problems are word problems in the manner of GSM8K.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

from datasets import Dataset, load_dataset
from trl import GRPOConfig, GRPOTrainer

from grpo_bridge import trl_reward

ASK = "\nThink step by step, and put the final answer into \\boxed{}."
NAMES, THINGS = ("Ann", "Ben", "Chen", "Dora"), ("apples", "books", "coins", "stamps")


def main() -> None:
    """Train, and say where the report is."""
    options = arguments()
    model, tokenizer, problems = chosen(options)
    # One function for the run. What could not be judged is None, never 0: TRL leaves it out.
    reward = trl_reward("math")
    callback = reward.watch(max_kl=options.max_kl, patience=3)
    size = options.group
    config = GRPOConfig(
        output_dir=str(options.output),
        max_steps=options.steps,
        num_generations=size,
        # A multiple of num_generations on each rank: then no group lies across ranks.
        per_device_train_batch_size=size * options.prompts,
        max_completion_length=options.tokens,
        learning_rate=options.learning_rate,
        logging_steps=max(1, options.steps // 20),
        report_to="none",
        save_strategy="no",
        use_cpu=options.model is None,
        bf16=options.model is not None,
        seed=options.seed,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=config,
        train_dataset=problems,
        processing_class=tokenizer,
        callbacks=[callback],
        peft_config=lora() if options.lora else None,
    )
    trainer.train()
    rewards = [entry["reward"] for entry in trainer.state.log_history if "reward" in entry]
    quarter = max(1, len(rewards) // 4)
    first, last = sum(rewards[:quarter]) / quarter, sum(rewards[-quarter:]) / quarter
    print(f"mean reward: {first:.3f} in the first quarter, {last:.3f} in the last")
    print(f"report: {options.output / 'reward_report.html'}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", help="a model's name or folder; none = a tiny one, made on the spot")
    parser.add_argument("--data", type=Path, help="JSON lines with prompt and answer; none = made-up word problems")
    parser.add_argument("--output", type=Path, default=Path("build/grpo_math_trl"), help="the run's folder")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--group", type=int, default=8, help="completions of a prompt")
    parser.add_argument("--prompts", type=int, default=4, help="prompts of a step and device")
    parser.add_argument("--tokens", type=int, help="longest completion; none = 512, for the tiny model 4")
    parser.add_argument("--learning-rate", type=float, help="none = 1e-6, with --lora 1e-5, for the tiny model 1e-2")
    parser.add_argument("--max-kl", type=float, help="stop above this KL from the start, three times in a row")
    parser.add_argument("--lora", action="store_true", help="train low-rank adapters only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tiny = options.model is None
    options.tokens = options.tokens or (4 if tiny else 512)
    options.learning_rate = options.learning_rate or (1e-2 if tiny else 1e-5 if options.lora else 1e-6)
    return options


def chosen(options: argparse.Namespace) -> tuple[Any, Any, Dataset]:
    """Return the model, its tokenizer (`None` = the model's own) and the problems."""
    if options.data is not None:
        problems = load_dataset("json", data_files=str(options.data), split="train")
    else:
        problems = Dataset.from_list(word_problems(400, options.seed, tiny=options.model is None))
    if options.model is not None:
        return options.model, None, problems
    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    answers = [f"\\boxed{{{digit}}}" for digit in range(10)] * 50
    tokenizer = tiny_tokenizer([*answers, *(row["prompt"] for row in problems)], vocabulary=160)
    return tiny_model(tokenizer, seed=options.seed), tokenizer, problems


def word_problems(count: int, seed: int, tiny: bool) -> list[dict[str, str]]:
    """Return problems in the manner of GSM8K, with answers; for the tiny model ones whose answer has one digit."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        name, thing = rng.choice(NAMES), rng.choice(THINGS)
        have, more, give = rng.randint(2, 4 if tiny else 40), rng.randint(1, 4 if tiny else 40), rng.randint(1, 2)
        text = f"{name} has {have} {thing}, gets {more} more and gives away {give}. How many {thing} are left?"
        rows.append({"prompt": text if tiny else text + ASK, "answer": str(have + more - give)})
    return rows


def lora() -> Any:
    """Return adapters for all linear layers."""
    from peft import LoraConfig

    return LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")


if __name__ == "__main__":
    main()
