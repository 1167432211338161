"""FSDP2, on two to four CPU processes: the same model as copies on each would learn, in the dtypes that were meant."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_tiny import CHAT, tiny_base
from rm_train import request, unfinish, write_ratings
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from reward_models.batching.collate import Collator, Item
from reward_models.batching.labels import LabelMaker
from reward_models.batching.scale import StarScale
from reward_models.models.layout import packed
from reward_models.training.run import train
from reward_models.training.sharding import GATHER, check_deepspeed
from reward_models.training.validation import Validator
from verifiers.errors import UsageError

pytestmark = [pytest.mark.trainers, pytest.mark.timeout(300)]
HERE = Path(__file__).parent
ENV = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(HERE.parent)}
# More parts than one an update, so that gradients are added up.
PACKED = {"packing": True, "micro_tokens": 200, "keep_checkpoints": 9}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("sharded")
    return {"base": tiny_base(folder, "llama", CHAT), "files": str(write_ratings(folder / "ratings.jsonl"))}


def run(asked: dict[str, Any], output: Path, processes: int = 2, **settings: Any) -> dict[str, str]:
    """Train in several processes; return what was seen."""
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes), "--standalone"]
    what = json.dumps({**asked, "output": str(output), "settings": {**PACKED, **settings}})
    command = [sys.executable, *launcher, "--local_addr", "127.0.0.1", str(HERE / "fsdp_on_cpu.py"), what]
    done = subprocess.run(command, env={**os.environ, **ENV}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def test_train_when_sharded_then_saves_the_whole_model_that_copies_would_have_learned(
    asked: dict[str, Any], tmp_path: Path
):
    # From a new head, since no step beats the fitted one here, and the best model is what is saved.
    assert run(asked, tmp_path / "copies", head_start=False)["sharded"] == "{False}"
    assert run(asked, tmp_path / "shards", head_start=False, fsdp="full_shard")["sharded"] == "{True}"
    copies, shards = weights(tmp_path / "copies"), weights(tmp_path / "shards")
    start = weights(tmp_path / "shards" / "checkpoints" / "checkpoint-0")
    assert copies.keys() == shards.keys() == start.keys()
    for name, value in copies.items():
        torch.testing.assert_close(shards[name], value, atol=1e-5 * float(value.abs().max()), rtol=1e-5)
        assert not torch.equal(shards[name], start[name]), name
    assert AutoModelForSequenceClassification.from_pretrained(tmp_path / "shards").config.num_labels == 1


def test_train_when_sharded_in_bfloat16_then_head_and_sums_stay_float32_and_a_resumed_run_ends_alike(
    asked: dict[str, Any], tmp_path: Path
):
    settings = {"fsdp": "full_shard", "dtype": "mixed", "loss": "ordinal", "checkpointing": True}
    seen = run(asked, tmp_path / "rm", **settings)
    assert seen == {
        "sharded": "{True}",
        "features": "torch.bfloat16",
        "head": "torch.float32",
        "outputs": "torch.float32",
        "gradients": "{'torch.float32'}",
    }
    first, *_, last = checkpoints(tmp_path / "rm")
    # The cutpoints are no parameters of the model, and stay as the head start fitted them.
    assert (last / "loss.safetensors").read_bytes() == (first / "loss.safetensors").read_bytes()
    ended = (last / "model.safetensors").read_bytes()
    assert ended != (first / "model.safetensors").read_bytes()
    shutil.rmtree(last)
    unfinish(tmp_path / "rm")
    run({**asked, "resume": True}, tmp_path / "rm", **settings)
    assert (last / "model.safetensors").read_bytes() == ended


def test_train_when_sharded_inside_machines_and_copied_between_them_then_learns(asked: dict[str, Any], tmp_path: Path):
    seen = run({**asked, "local": 2}, tmp_path / "rm", processes=4, fsdp="hybrid_shard")
    assert seen["sharded"] == "{True}"
    first, *_, last = checkpoints(tmp_path / "rm")
    assert all(not torch.equal(value, weights(first)[name]) for name, value in weights(last).items())


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('{"zero_optimization": {"stage": 3}}', "set .stage3_gather_16bit_weights_on_model_save.: true"),
        ('{"zero_optimization": {"stage": 3, "stage3_gather_16bit_weights_on_model_save": false}}', "for checkpoints"),
        ("[3]", "no DeepSpeed configuration"),
        (None, "No such file"),
    ],
)
def test_train_when_deepspeed_would_not_write_whole_weights_then_is_refused_before_anything_is_read(
    written: str | None, told: str, tmp_path: Path
):
    if written is not None:
        (tmp_path / "ds.json").write_text(written, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        train(request(tmp_path / "absent.jsonl", "absent", tmp_path / "rm", deepspeed=str(tmp_path / "ds.json")), print)


def test_deepspeed_when_it_gathers_or_does_not_shard_weights_then_is_taken(tmp_path: Path):
    for zero in ({"stage": 2}, {"stage": 3, GATHER: True}, {}):
        (tmp_path / "ds.json").write_text(json.dumps({"zero_optimization": zero}), encoding="utf-8")
        check_deepspeed(str(tmp_path / "ds.json"))


@pytest.mark.parametrize("world", [1, 2, 3, 8])
def test_validator_when_there_are_fewer_chunks_than_processes_then_all_run_the_model_equally_often(world: int):
    runs = []

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, **inputs: Any) -> Any:
            runs[-1] += 1
            return SimpleNamespace(logits=torch.zeros(int((inputs["position_ids"] == 0).sum()), 1))

    items = [Item(range(4), 0, place) for place in range(3)]
    collator = Collator(LabelMaker([], StarScale()), packed, together=True)
    found: set[int] = set()
    for rank in range(world):
        runs.append(0)
        validator = Validator(Net, [], items, collator, lambda outputs: outputs[:, 0], 8, rank, world)
        found |= validator._own(8).keys()
    assert len(set(runs)) == 1
    assert found == {0, 1, 2}
