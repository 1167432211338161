"""`examples/`: every row judged as its author judges it, on the command line as in Python."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from verifiers.scoring import score
from verifiers.types import Sample

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "math.jsonl"

BY_HAND: dict[str, list[float | None]] = {
    "muffins": [1, 1, 0, 1],
    "train": [1, 0, 0, 0],
    "fraction": [1, 1, 1, 0],
    "roots": [1, 1, 0, 0],
    "surd": [1, 0, 0, 1],
    "interval": [1, 0, 1, 0],
    "factor": [1, 0, 0, 0],
    "telescope": [1, 1, 0, 0],
    "zh-sale": [1, 0, 0, 1],
    "zh-tank": [1, 1, 1, 1],
    "lastdigit": [0, 0, 0, 0],
    "cut-off": [None, None, None, None],
}
"""Rewards by the author's own working, not taken from a run."""

ROWS = [json.loads(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]


def by_hand(row_id: str) -> float | None:
    group, _, number = row_id.rpartition("-")
    return BY_HAND[group][int(number) - 1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_example_row_when_scored_then_agrees_with_the_author(row):
    (verdict,) = score([Sample(row["completion"], row["prompt"], row["reference"])], "math")
    assert verdict.reward == by_hand(row["id"]), verdict.reason


def test_example_file_when_scored_and_shown_then_prints_every_row(tmp_path: Path):
    scored = tmp_path / "scored.jsonl"
    command = [sys.executable, "-m", "verifiers", "score", "--task", "math", str(EXAMPLE), "-o", str(scored)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    rewards = {row["id"]: row["reward"] for row in map(json.loads, scored.read_text(encoding="utf-8").splitlines())}
    assert rewards == {row["id"]: by_hand(row["id"]) for row in ROWS}
    show = [sys.executable, str(ROOT / "examples" / "show.py"), str(scored)]
    shown = subprocess.run(show, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["id", *(row["id"] for row in ROWS)]
