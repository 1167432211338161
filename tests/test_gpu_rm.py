"""What only a GPU shows of reward models: the kernel for packed rows, and adapters on a body in 4 bits."""

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from rm_tiny import CHAT, CONFIGS, texts, tiny_base

from reward_models.models.layout import packed, padded
from reward_models.models.lora import LoraSettings
from reward_models.models.reward_model import RewardModel

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]
GPU = {"dtype": "bfloat16", "device": "cuda"}


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # The kernel takes heads of 8, 16 ...; 4-bit blocks have 64 weights.
    monkeypatch.setitem(CONFIGS, "llama", {**CONFIGS["llama"], "hidden_size": 64, "intermediate_size": 128})
    return tiny_base(tmp_path, "llama", CHAT)


def test_varlen_when_on_a_gpu_then_outputs_and_gradients_are_those_of_padded_batches(base: str):
    found = []
    for attention, lay_out in (("", padded), ("varlen", packed)):
        model = RewardModel.from_base(base, attention=attention, **GPU)
        ids = [one.ids for one in model.encode(*texts(32))]
        batch = lay_out(ids, model.pad_id) if lay_out is padded else lay_out(ids)
        outputs = model.outputs(batch)
        outputs.square().mean().backward()
        gradient = torch.cat([p.grad.float().flatten() for p in model.net.parameters() if p.grad is not None])
        found.append((outputs.detach(), gradient))
    (outputs, gradient), (packed_outputs, packed_gradient) = found
    assert float((outputs - packed_outputs).abs().max()) < 0.1 * float(outputs.std())
    assert float(torch.nn.functional.cosine_similarity(gradient, packed_gradient, dim=0)) > 0.99


def test_qlora_when_saved_and_loaded_then_scores_are_identical_and_merged_ones_nearly(base: str, tmp_path: Path):
    pytest.importorskip("bitsandbytes")
    model = RewardModel.from_base(base, lora=LoraSettings(rank=4, four_bit=True), **GPU)
    encoded = model.encode(*texts(16))
    optimizer = torch.optim.SGD([p for p in model.net.parameters() if p.requires_grad], lr=0.1)
    before = model.scores(encoded)
    model.outputs(padded([one.ids for one in encoded], model.pad_id)).square().mean().backward()
    optimizer.step()
    after = model.scores(encoded)
    assert float((before - after).abs().max()) > 1e-3
    model.save(str(tmp_path / "adapters"), merge=False)
    assert torch.equal(RewardModel.from_checkpoint(str(tmp_path / "adapters"), **GPU).scores(encoded), after)
    model.save(str(tmp_path / "merged"))
    merged = RewardModel.from_checkpoint(str(tmp_path / "merged"), **GPU).scores(encoded)
    assert float((merged - after).abs().max()) < 0.1 * float(after.std())
