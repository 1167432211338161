"""The bridge's examples run, and print what they promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN_S = 150


def printed(root: Path, name: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", str(root / "examples" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_multi_task_example_sends_each_row_to_its_teacher(root: Path) -> None:
    pytest.importorskip("jsonschema_rs")
    rows = [line.split() for line in printed(root, "multi_task.py").splitlines()]
    assert [row[1] for row in rows] == ["math"] * 4 + ["choice"] * 4 + ["json_schema"] * 4
    assert [float(row[2]) for row in rows] == [1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0]


def test_reward_model_example_keeps_right_above_wrong(root: Path) -> None:
    rewards = [float(line.split()[0]) for line in printed(root, "rm_plus_rules.py").splitlines() if line[:1].isdigit()]
    well_put, wrong_and_rude, hedged, wrong = rewards
    assert well_put > hedged > wrong == wrong_and_rude == 0


def test_remote_server_example_scores_on_the_server(root: Path) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("fastapi")
    assert [line.split()[0] for line in printed(root, "remote_server.py").splitlines()] == ["1.0", "0.0", "1.0"]


@pytest.mark.trainers
@pytest.mark.parametrize("more", [[], ["--lora-rank", "4"]], ids=["weights", "adapter"])
def test_own_loop_example_trains(root: Path, more: list[str]) -> None:
    text = printed(root, "own_loop.py", "--steps", "10", *more)
    assert "step   10" in text
    assert "mean reward" in text


@pytest.mark.trainers
def test_lora_recipe_trains_an_adapter(root: Path, tmp_path: Path) -> None:
    from grpo_bridge.loop.tiny import tiny_model, tiny_tokenizer

    rows = [{"prompt": f"{a}+1=", "answer": str(a + 1)} for a in range(8)]
    tokenizer = tiny_tokenizer([row["prompt"] for row in rows], 16)
    tokenizer.save_pretrained(tmp_path / "model")
    tiny_model(tokenizer).save_pretrained(tmp_path / "model")
    data = tmp_path / "train.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    sizes = ["--steps", "2", "--group", "4", "--prompts", "2", "--tokens", "3", "--device", "cpu"]
    places = ["--model", str(tmp_path / "model"), "--data", str(data), "--output", str(tmp_path / "out")]
    assert "the adapter is in" in printed(root, "lora_24gb.py", *places, *sizes)
    assert list((tmp_path / "out").glob("adapter_model*"))


def test_first_example_of_the_page_prints_what_it_says(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "bridge.md").read_text(encoding="utf-8")
    script = tmp_path / "example.py"
    script.write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    rewards, relative, rows = printed(root, str(script)).splitlines()
    assert rewards == "[1.0, 0.0, 0.0, 1.0]"
    assert [value > 0 for value in json.loads(relative)] == [True, False, False, True]
    assert "'chosen': '\\\\boxed{5/6}'" in rows
