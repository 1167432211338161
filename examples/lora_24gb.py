"""A recipe for one consumer GPU of 24 GB: GRPO with LoRA on a model of 1.5 B to 3 B parameters.

    pip install 'grpo-teachers[trl]' peft
    python examples/lora_24gb.py --model Qwen/Qwen2.5-1.5B-Instruct --data train.jsonl

train.jsonl: rows with `prompt` (text or messages) and `answer`. What keeps it small, the largest first: an adapter
instead of the weights (no optimizer state and no second model for the reference: it is the model without its adapter),
weights in bf16, activations recomputed, and one group of completions on the GPU at a time. TRL does not hold the logits
of all tokens at once. What is left is the cache of generation: fewer `--group` or `--tokens` if memory runs out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from datasets import load_dataset
from peft import LoraConfig
from trl import GRPOConfig, GRPOTrainer

from grpo_bridge import trl_reward


def main() -> None:
    """Train and save the adapter."""
    given = arguments()
    reward = trl_reward(given.task)
    config = GRPOConfig(
        output_dir=str(given.output),
        max_steps=given.steps,
        num_generations=given.group,
        per_device_train_batch_size=given.group,  # one group at a time ...
        gradient_accumulation_steps=given.prompts,  # ... and a step of several
        max_completion_length=given.tokens,
        learning_rate=1e-5,  # adapters take ten times that of weights
        scale_rewards="group",
        loss_type="dapo",
        epsilon_high=0.28,
        beta=0.0,  # no KL in the loss; the callback measures it and stops the run
        bf16=given.device != "cpu",
        use_cpu=given.device == "cpu",
        activation_checkpointing=True,
        model_init_kwargs={"dtype": "float32" if given.device == "cpu" else "bfloat16"},
        logging_steps=1,
        report_to="none",
    )
    trainer = GRPOTrainer(
        model=given.model,
        reward_funcs=reward,
        args=config,
        train_dataset=load_dataset("json", data_files=str(given.data), split="train"),
        peft_config=LoraConfig(r=32, lora_alpha=64, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[reward.watch(max_kl=given.max_kl, patience=3)],
    )
    trainer.train()
    trainer.save_model()
    print(f"the adapter is in {given.output}")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", required=True, help="a model's name or folder")
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with prompt and answer")
    parser.add_argument("--task", default="math", help="a teacher or a plan")
    parser.add_argument("--output", type=Path, default=Path("build/lora_24gb"), help="where the adapter goes")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--group", type=int, default=8, help="completions of a prompt")
    parser.add_argument("--prompts", type=int, default=4, help="prompts of a step")
    parser.add_argument("--tokens", type=int, default=1024, help="longest completion")
    parser.add_argument("--max-kl", type=float, default=0.5, help="stop above this KL from the start, in nats a token")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu = to try the script out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
