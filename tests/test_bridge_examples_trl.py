"""The examples that train, in the trainers' environment."""

import json
from pathlib import Path

import pytest
from example_runs import printed

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300)]


@pytest.mark.parametrize("more", [[], ["--lora-rank", "4"]], ids=["weights", "adapter"])
def test_own_loop_example_trains(root: Path, more: list[str]) -> None:
    text = printed(root, "own_loop.py", "--steps", "10", *more)
    assert "step   10" in text
    assert "mean reward" in text


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
