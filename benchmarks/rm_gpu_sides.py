"""What `rm_gpu.py` measures, each in a process of its own: training with ours and with TRL, and scoring.

Run by `rm_gpu.py`; prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from rm_speed import timed

QWEN = {"num_hidden_layers": 28, "max_position_embeddings": 32768, "vocab_size": 152_064}
SHAPES: dict[str, dict[str, Any]] = {
    "7b": {
        **QWEN, "hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28, "num_key_value_heads": 4,
    },
    "1.5b": {
        **QWEN, "hidden_size": 1536, "intermediate_size": 8960, "num_attention_heads": 12, "num_key_value_heads": 2,
    },
    "tiny": {
        "num_hidden_layers": 2, "vocab_size": 64, "hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4,
        "num_key_value_heads": 2,
    },
}  # fmt: skip
PRESETS = {"full": "h200-full", "lora": "lora-24gb", "qlora": "qlora-16gb"}
SIDES = ("full", "trl", "lora", "qlora", "inference")
TINY = {"update_tokens": 4096, "micro_tokens": 2048, "dtype": "float32"}
"""Over a preset, for the tiny shape."""
SCORED_TOKENS = 32_768
SPREAD, LEAST_TOKENS = 0.7, 16
"""Of the lengths: standard deviation of their logarithm."""
TRL_PAIRS = 4
"""Of a device at a time: eight rows as long as the longest."""


def write_base(shape: str, folder: str, device: str) -> None:
    """Write a base with random weights, and a tokenizer that only has to be there."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2Model

    words = {word: number for number, word in enumerate(["<pad>", "<s>", "</s>", "<unk>", "a", "b"])}
    raw = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **special).save_pretrained(folder)
    torch.manual_seed(0)
    with torch.device(device):
        net = Qwen2Model(Qwen2Config(**SHAPES[shape], pad_token_id=0, dtype="bfloat16"))
    net.bfloat16().save_pretrained(folder)


def answers(shape: str, count: int) -> list[list[int]]:
    """Draw token lists, two a prompt; lengths are lognormal, with a median of a sixth of the longest."""
    random, most = Random(0), longest(shape)
    lengths = [round(random.lognormvariate(0, SPREAD) * most / 6) for _ in range(count)]
    return [[random.randrange(4, 64) for _ in range(min(most, max(LEAST_TOKENS, each)))] for each in lengths]


def longest(shape: str) -> int:
    """Return most tokens of an answer with its prompt."""
    return 256 if shape == "tiny" else 4096


def clock() -> float:
    """Return seconds, once the GPU has done what it was given."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class Counted:
    """A layout or collator that counts what it lays out: real tokens of each batch, and all that are computed."""

    def __init__(self, inner: Callable[..., Any]) -> None:
        self.inner, self.computed, self.real = inner, 0, list[int]()

    def __call__(self, rows: Any) -> Any:
        batch = self.inner(rows)
        mask = batch.get("attention_mask")
        self.computed += batch["input_ids"].numel()
        self.real.append(int(mask.sum()) if mask is not None else batch["input_ids"].numel())
        return batch


def ours(side: str, base: str, ids: Sequence[Sequence[int]], small: bool, folder: str) -> tuple[int, float, float]:
    """Train with our trainer; return real tokens, seconds, and the share of real tokens in all that were computed."""
    from transformers import PrinterCallback

    from reward_models.batching.labels import LabelMaker
    from reward_models.batching.plan import BatchPlan
    from reward_models.batching.scale import StarScale
    from reward_models.losses.registry import build_loss
    from reward_models.training.arguments import training_arguments
    from reward_models.training.batches import EpochChain, items_of
    from reward_models.training.building import build_model, collator
    from reward_models.training.processes import device
    from reward_models.training.settings import load_settings
    from reward_models.training.trainer import RewardTrainer, TrainingSet
    from reward_models.types import Answer, Preference, RatedPrompt

    settings = load_settings(PRESETS[side], {"epochs": 1, **(TINY if small else {})})
    model = build_model(base, settings, {}, device=device())
    pair = (Answer("a"), Answer("b")), (Preference(0, 1),)
    prompts = [RatedPrompt(str(number), *pair) for number in range(len(ids) // 2)]
    numbers = [number for number in range(len(prompts)) for _ in range(2)]
    chain = EpochChain(BatchPlan([len(each) for each in ids], numbers, settings.update_tokens, padded=False), 1)
    lay = collator(model, LabelMaker(prompts, StarScale()), settings)
    counted = Counted(lay.layout)
    args = training_arguments(settings, Path(folder), len(chain), evaluates=False)
    args.save_strategy = "no"
    data = TrainingSet(prompts, items_of(prompts, ids), chain, replace(lay, layout=counted))
    trainer = RewardTrainer(model.net, args, data, build_loss("bt", StarScale()), settings, model.tokenizer)
    trainer.remove_callback(PrinterCallback)
    tokens, seconds = timed(trainer, [sum(len(ids[n]) for n in batch) for batch in chain], clock)
    return tokens, seconds, sum(counted.real) / counted.computed


def inference(base: str, ids: Sequence[Sequence[int]], small: bool) -> tuple[int, float, float]:
    """Score packed rows as the teacher does."""
    import torch

    from reward_models.models.layout import packed
    from reward_models.serving.plan import token_batches
    from reward_models.training.building import build_model
    from reward_models.training.processes import device
    from reward_models.training.settings import load_settings

    values = {"dtype": "float32" if small else "bfloat16", "packing": True, "method": "head"}
    model = build_model(base, load_settings(values=values), {}, device=device())
    model.net.eval()
    lay = Counted(packed)
    first, *rest = token_batches([len(each) for each in ids], TINY["micro_tokens"] if small else SCORED_TOKENS, 1024)
    with torch.inference_mode():
        model.outputs(packed([ids[n] for n in first]))
        start = clock()
        for batch in rest:
            model.outputs(lay([ids[n] for n in batch]))
    return sum(lay.real), clock() - start, sum(lay.real) / lay.computed


def trl(base: str, ids: Sequence[Sequence[int]], small: bool, folder: str) -> tuple[int, float, float]:
    """Train on the same pairs with TRL, all weights, checkpointing on."""
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, PrinterCallback
    from trl import RewardConfig, RewardTrainer

    net = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1, dtype="float32")
    settings = RewardConfig(
        folder, num_train_epochs=1, per_device_train_batch_size=TRL_PAIRS, max_length=None, bf16=not small,
        gradient_checkpointing=True, use_cpu=small, report_to="none", save_strategy="no", logging_steps=10**6,
        disable_tqdm=True, learning_rate=5e-6, optim="adamw_torch_fused",
    )  # fmt: skip
    rows = Dataset.from_list([{"chosen_ids": a, "rejected_ids": b} for a, b in zip(ids[::2], ids[1::2], strict=True)])
    tokenizer = AutoTokenizer.from_pretrained(base)
    trainer = RewardTrainer(net, args=settings, train_dataset=rows, processing_class=tokenizer)
    trainer.remove_callback(PrinterCallback)
    trainer.data_collator = counted = Counted(trainer.data_collator)
    tokens, seconds = timed(trainer, counted.real, clock)
    return tokens, seconds, sum(counted.real) / counted.computed


def main() -> None:
    """Measure one side, and print it."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, required=True)
    parser.add_argument("--side", choices=SIDES, required=True)
    parser.add_argument("--base", required=True, help="what write_base wrote")
    parser.add_argument("--answers", type=int, required=True)
    args = parser.parse_args()
    small, gpu = args.shape == "tiny", torch.cuda.is_available()
    ids = answers(args.shape, args.answers)
    with tempfile.TemporaryDirectory() as folder:
        if args.side == "inference":
            tokens, seconds, real = inference(args.base, ids, small)
        elif args.side == "trl":
            tokens, seconds, real = trl(args.base, ids, small, folder)
        else:
            tokens, seconds, real = ours(args.side, args.base, ids, small, folder)
    name = torch.cuda.get_device_name() if gpu else "CPU"
    peak_gib = torch.cuda.max_memory_allocated() / 2**30 if gpu else 0.0
    print(json.dumps({"rate": tokens / seconds, "real": real, "device": name, "peak_gib": peak_gib}))


if __name__ == "__main__":
    main()
