"""GRPO in our own loop: a tiny model learns short sums from the math teacher, on a CPU, in half a minute.

    python examples/own_loop.py [--steps 150] [--model PATH] [--lora-rank 16]

Needs `pip install 'grpo-teachers[trl]'`. Without --model a tiny one is made from a config. Read
grpo_bridge/loop/train.py and loss.py beside it: they are the whole algorithm.
"""

import argparse

import torch

from grpo_bridge import trl_reward
from grpo_bridge.loop.settings import LoopConfig, LossConfig, Step
from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer
from grpo_bridge.loop.train import train

ROWS = [{"prompt": f"{a}+{b}=", "reference": str(a + b)} for a in range(5) for b in range(5)]


def main() -> None:
    """Train and print every tenth step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--model", help="A causal language model of transformers; its learning rate is 1e-6.")
    parser.add_argument("--lora-rank", type=int, help="Train an adapter instead of the weights.")
    given = parser.parse_args()
    if given.model:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(given.model)
        model = AutoModelForCausalLM.from_pretrained(given.model)
    else:
        torch.set_num_threads(1)  # the model is too small for more
        tokenizer = tiny_tokenizer([row["prompt"] for row in ROWS], 16)
        model = tiny_model(tokenizer, hidden=64)
    config = LoopConfig(
        steps=given.steps,
        prompts=16,
        group=16,
        max_tokens=16 if given.model else 2,
        learning_rate=1e-6 if given.model else 3e-3,
        lora_rank=given.lora_rank,
        epochs=2,  # so that the clip has something to clip
        loss=LossConfig(clip_high=0.28),
        max_kl=20.0,  # a model that knows nothing yet may go far
    )
    steps = train(model, tokenizer, ROWS, trl_reward("math"), config, show)
    print(f"mean reward: {steps[0].reward:.3f} at the start, {steps[-1].reward:.3f} at the end")


def show(step: Step) -> None:
    """Print every tenth step; contrast is the share of groups whose rewards differ: the others teach nothing."""
    if step.number % 10 == 0:
        print(
            f"step {step.number:4d}  reward {step.reward:.3f}  contrast {step.contrast:.0%}  KL {step.kl:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
