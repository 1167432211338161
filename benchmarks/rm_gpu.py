"""Reward models on one GPU: real tokens a second, share of the device's peak, memory; TRL's RewardTrainer beside.

python benchmarks/rm_gpu.py                        7B and 1.5B shapes (Qwen2.5), random weights, synthetic lengths
python benchmarks/rm_gpu.py --write                the table into RESULTS.md
python benchmarks/rm_gpu.py --shape tiny           does it run? Half a minute on a CPU, whose figures say nothing

Each measurement has a process of its own (`rm_gpu_sides.py`); settings are the presets'.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import command_line, headline, table, write_section
from rm_gpu_sides import SHAPES, SIDES, answers, write_base

WORK = {"full": 3, "trl": 3, "lora": 2, "qlora": 2, "inference": 1}
"""Forward passes' worth; adapters need no gradients of the weights. Checkpointing adds one, but for inference."""
PEAKS = {"B200": 2250, "H200": 989, "H100": 989, "A100": 312, "L40S": 362, "4090": 165, "3090": 71}
"""TFLOP/s, dense bfloat16 with sums in float32, by a part of the device's name."""
RULES = (
    "Random weights; lognormal lengths, a median of 683 tokens and 4,096 at most; two answers a prompt; checkpointing "
    "on. Real tokens are those that are no padding. MFU counts forward and backward pass against the device's dense "
    "bf16 peak; in brackets with what checkpointing computes again. TRL trains all weights."
)


def gflop_a_token(shape: str, ids: Sequence[Sequence[int]]) -> float:
    """Return the work of a forward pass: weights that are multiplied with, and causal attention."""
    size = SHAPES[shape]
    hidden, inner, layers = size["hidden_size"], size["intermediate_size"], size["num_hidden_layers"]
    keys = 2 * hidden * size["num_key_value_heads"] // size["num_attention_heads"]
    weights = layers * hidden * (2 * hidden + keys + 3 * inner)
    seen = sum(len(each) ** 2 for each in ids) / sum(map(len, ids)) / 2
    return (2 * weights + 4 * layers * hidden * seen) / 1e9


def measured(shape: str, side: str, base: str, count: int) -> dict[str, Any] | None:
    """Run one side in a process of its own; `None` = it failed, and why is on stderr."""
    command = [sys.executable, str(Path(__file__).with_name("rm_gpu_sides.py")), "--shape", shape, "--side", side]
    command += ["--base", base, "--answers", str(count)]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{shape} {side} failed:\n{done.stderr[-3000:]}", file=sys.stderr)
        return None
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(shape: str, side: str, found: dict[str, Any] | None, gflop: float, trl_rate: float | None) -> tuple[str, ...]:
    """Return a line of the table."""
    if found is None:
        return shape, side, "failed", "-", "-", "-", "-"
    peak = next((tflops for name, tflops in PEAKS.items() if name in found["device"]), None)
    used = "-"
    if peak is not None:
        share = gflop * found["rate"] / 1e3 / peak
        used = f"{share * WORK[side]:.1%}" + ("" if side == "inference" else f" ({share * (WORK[side] + 1):.1%})")
    memory = f"{found['peak_gib']:.1f}" if found["peak_gib"] else "-"
    ratio = f"{found['rate'] / trl_rate:.2f}x" if trl_rate and side == "full" else "-"
    return shape, side, f"{found['rate']:,.0f}", used, memory, f"{found['real']:.3f}", ratio


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", nargs="+", choices=SHAPES, default=["7b", "1.5b"])
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--answers", type=int, default=1024)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    import torch

    gpu = torch.cuda.is_available()
    if not gpu and args.shape != ["tiny"]:
        parser.error("there is no GPU here; --shape tiny shows on a CPU that all of it runs")
    rows = []
    for shape in args.shape:
        gflop = gflop_a_token(shape, answers(shape, args.answers))
        with tempfile.TemporaryDirectory() as base:
            write_base(shape, base, "cuda" if gpu else "cpu")
            torch.cuda.empty_cache()
            sides = [side for side in args.sides if gpu or side != "qlora"]
            found = {side: measured(shape, side, base, args.answers) for side in sides}
        beside = found.get("trl")
        rows += [row(shape, side, each, gflop, beside and beside["rate"]) for side, each in found.items()]
    header = ("shape", "what", "real tokens / s", "MFU", "peak memory, GiB", "real of all computed", "over TRL")
    name = torch.cuda.get_device_name() if gpu else "CPU"
    text = f"{name}, torch {torch.__version__}\n\n{table(header, rows).strip()}"
    print(text)
    if args.write:
        parts = ("## Reward models on a GPU", headline(command_line()), text, RULES)
        write_section("rm-gpu", "\n\n".join(part.strip() for part in parts))


if __name__ == "__main__":
    main()
