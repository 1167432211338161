"""QLoRA's end: a stock checkpoint of what the 4-bit weights and the adapters stand for together."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from rm_tiny import CHAT, CONFIGS, texts, tiny_base  # noqa: E402
from rm_train import request, write_ratings  # noqa: E402
from transformers import AutoModelForSequenceClassification, BitsAndBytesConfig  # noqa: E402

from reward_models.models.card import Card  # noqa: E402
from reward_models.models.lora import LoraSettings  # noqa: E402
from reward_models.models.reward_model import RewardModel  # noqa: E402
from reward_models.training.run import train  # noqa: E402

pytestmark = pytest.mark.trainers
TEXTS = ["why is the sky blue"] * 2, ["light scatters", "birds sing"]


class Params4bit(torch.nn.Parameter):
    """Named as bitsandbytes' own."""


def nudge(model: RewardModel) -> None:
    """Move adapters and head off what they began with."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.net.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn_like(parameter))


def pack(model: RewardModel) -> None:
    """Make a body look as bitsandbytes leaves it."""
    for name, layer in model.stock.model.named_modules():
        if type(layer) is torch.nn.Linear and "lora_" not in name:
            full = layer.weight.data
            layer.weight = Params4bit(torch.zeros(full.numel() // 2, 1, dtype=torch.uint8), requires_grad=False)
            layer.weight.quant_state = full
            layer.register_state_dict_post_hook(_with_parts)
    model.stock.is_loaded_in_4bit, model.stock.hf_quantizer = True, object()
    model.stock.config.quantization_config = {"load_in_4bit": True}


def _with_parts(layer: Any, state: dict[str, Any], prefix: str, others: Any) -> None:
    state[f"{prefix}weight.absmax"] = torch.zeros(1)


def test_save_when_the_body_is_in_four_bits_then_writes_what_its_weights_stand_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # Attention alone is adapted: the other layers are plain ones in 4 bits.
    model = RewardModel.from_base(
        tiny_base(tmp_path, "llama", CHAT), lora=LoraSettings(4, targets=("q_proj", "v_proj"))
    )
    nudge(model)
    encoded = model.encode(*texts(8))
    expected, parity = model.scores(encoded), model.parity(*TEXTS)
    pack(model)
    package = SimpleNamespace(functional=SimpleNamespace(dequantize_4bit=lambda data, quant_state: quant_state))
    monkeypatch.setitem(sys.modules, "bitsandbytes", package)
    card = model.save(str(tmp_path / "rm"), Card(parity=tuple(map(_wrong, parity))))
    assert "quantization_config" not in json.loads((tmp_path / "rm" / "config.json").read_text())
    saved = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    torch.testing.assert_close(saved.scores(encoded), expected, atol=1e-5, rtol=1e-5)
    assert card.four_bit
    assert [text.score for text in card.parity] == pytest.approx([text.score for text in parity], abs=1e-5)
    assert saved.card == card


def _wrong(text: Any) -> Any:
    return type(text)(text.prompt, text.response, text.text, text.score + 1)


@pytest.fixture
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let bitsandbytes, which can by now, hold a body in 4 bits on a CPU."""
    pytest.importorskip("bitsandbytes")
    plan = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, llm_int8_skip_modules=["score"]
    )
    for place in ("reward_models.models.reward_model", "reward_models.training.preflight"):
        monkeypatch.setattr(f"{place}.quantization", lambda dtype: plan)
    monkeypatch.setitem(CONFIGS, "llama", {**CONFIGS["llama"], "hidden_size": 64, "intermediate_size": 128})


@pytest.mark.usefixtures("on_cpu")
@pytest.mark.filterwarnings("ignore")
def test_train_when_qlora_then_others_load_the_checkpoint_and_give_the_cards_scores(tmp_path: Path):
    base, files = tiny_base(tmp_path, "llama", CHAT), write_ratings(tmp_path / "ratings.jsonl")
    finished = train(request(files, base, tmp_path / "rm", method="qlora", lora_rank=4, dtype="float32"), print)
    assert finished is not None
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "rm").eval()
    model = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    for text in finished.card.parity:
        (encoded,) = model.encode([text.prompt], [text.response])
        with torch.no_grad():
            found = stock(input_ids=torch.tensor([encoded.ids])).logits.item()
        assert found == pytest.approx(text.score, abs=1e-5)
