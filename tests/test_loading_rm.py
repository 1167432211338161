"""What is loaded, what is refused, and that nothing is initialised anew without a word."""

import json
import os
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_tiny import CHAT, texts, tiny_base
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, PreTrainedModel, pipeline

from reward_models.models.load import LoadSettings, load_net
from reward_models.models.lora import LoraSettings
from reward_models.models.reward_model import RewardModel
from reward_models.types import CARD_FILE
from verifiers.errors import InputError, UsageError

pytestmark = pytest.mark.trainers
BOOM = "import pathlib; pathlib.Path({mark!r}).touch()"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return Path(tiny_base(tmp_path, "llama", CHAT))


def to_pickle(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def drop(folder: Path, name: str, file: str = "model.safetensors") -> None:
    weights = load_file(folder / file)
    save_file({key: value for key, value in weights.items() if name not in key}, folder / file, {"format": "pt"})


def test_pickled_weights_when_found_then_are_refused_unless_asked_for(base: Path):
    to_pickle(base)
    with pytest.raises(UsageError, match=r"pickle \(pytorch_model.bin\).*allow_pickle"):
        RewardModel.from_base(str(base))
    with pytest.raises(UsageError, match="pickle"):
        RewardModel.from_checkpoint(str(base))
    assert RewardModel.from_base(str(base), allow_pickle=True).new_head


@pytest.mark.parametrize(("device", "placed"), [("meta", {"": "meta"}), ("cpu", None), ("", None)])
def test_weights_when_a_gpu_is_named_then_are_read_straight_to_it(
    base: Path, device: str, placed: object, monkeypatch: pytest.MonkeyPatch
):
    real, seen = PreTrainedModel.from_pretrained.__func__, []

    def noted(cls: type, *inputs: object, **named: object) -> object:
        seen.append(named.get("device_map"))
        return real(cls, *inputs, **named)

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", classmethod(noted))
    net = load_net(str(base), LoadSettings(device=device), 1).net
    assert seen == [placed]
    assert {parameter.device.type for parameter in net.parameters()} == {device or "cpu"}


def test_own_code_when_a_checkpoint_brings_it_then_is_not_run_unless_asked_for(base: Path, tmp_path: Path):
    mark = tmp_path / "ran"
    edit(base / "config.json", model_type="mine", auto_map={"AutoConfig": "code.Mine"})
    (base / "code.py").write_text(BOOM.format(mark=str(mark)))
    with pytest.raises(UsageError, match=r"Python of its own.*'mine'.*trust_remote_code"):
        RewardModel.from_base(str(base))
    assert not mark.exists()


OWN_CODE = """
from torch import nn
from transformers import LlamaConfig, LlamaModel, LlamaPreTrainedModel
class MineConfig(LlamaConfig):
    model_type = "mine"
class MineClassifier(LlamaPreTrainedModel):
    config_class = MineConfig
    def __init__(self, config):
        super().__init__(config)
        self.model = LlamaModel(config)
        self.score = nn.Linear(config.hidden_size, config.num_labels, bias=False)
        self.post_init()
"""


def test_own_code_when_asked_for_then_its_classifier_gets_our_pooling(
    base: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "cache"))
    plain = RewardModel.from_base(str(base))
    names = {
        "AutoConfig": "code.MineConfig",
        "AutoModelForSequenceClassification": "code.MineClassifier",
    }
    edit(base / "config.json", model_type="mine", auto_map=names)
    (base / "code.py").write_text(OWN_CODE)
    model = RewardModel.from_base(str(base), trust_remote_code=True)
    assert type(model.stock).__name__ == "MineClassifier"
    encoded = model.encode(*texts(3))
    assert torch.allclose(model.scores(encoded), plain.scores(encoded), atol=1e-5)


def test_own_code_when_the_model_type_is_known_then_the_stock_class_is_used(base: Path, tmp_path: Path):
    mark = tmp_path / "ran"
    edit(base / "config.json", auto_map={"AutoConfig": "code.Mine", "AutoModel": "code.Mine"})
    (base / "code.py").write_text(BOOM.format(mark=str(mark)))
    assert RewardModel.from_base(str(base)).causal
    assert not mark.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "t5", "d_model": 8, "is_encoder_decoder": True}, "encoder-decoder"),
        ({"model_type": "vit"}, "no sequence classifier for model type 'vit'"),
        ({"model_type": "nothing"}, "no model can be loaded"),
    ],
)
def test_base_when_it_is_of_a_wrong_kind_then_says_which(base: Path, changes: dict[str, object], message: str):
    edit(base / "config.json", **changes)
    with pytest.raises((UsageError, InputError), match=message):
        RewardModel.from_base(str(base))


def test_base_when_absent_then_says_so(tmp_path: Path):
    with pytest.raises(InputError, match="no model can be loaded"):
        RewardModel.from_base(str(tmp_path / "nothing"))


def test_dtype_when_unknown_then_names_those_there_are(base: Path):
    with pytest.raises(UsageError, match="'half' is none of float32, bfloat16"):
        RewardModel.from_base(str(base), dtype="half")


@pytest.mark.skipif(torch.cuda.is_available(), reason="flash attention may be there")
def test_attention_when_its_package_is_missing_then_says_so(base: Path):
    with pytest.raises(InputError, match="cannot be loaded: FlashAttention2"):
        RewardModel.from_base(str(base), attention="flash_attention_2")


def test_base_when_weights_of_the_body_are_missing_then_is_refused(base: Path):
    drop(base, "layers.1.self_attn.q_proj")
    with pytest.raises(InputError, match="lacks weights of its body"):
        RewardModel.from_base(str(base))


def test_base_when_its_file_is_cut_short_then_is_refused(base: Path):
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be loaded"):
        RewardModel.from_base(str(base))


def test_base_when_the_tokenizer_has_more_tokens_than_the_model_then_is_refused(base: Path):
    for file in ("config.json",):
        edit(base / file, vocab_size=2)
    weights = load_file(base / "model.safetensors")
    weights["embed_tokens.weight"] = weights["embed_tokens.weight"][:2].clone()
    save_file(weights, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="embeddings for 2: they do not belong together"):
        RewardModel.from_base(str(base))


def test_checkpoint_when_it_has_no_head_then_is_refused_rather_than_scored_at_random(base: Path):
    with pytest.raises(InputError, match=r"not a trained reward model: score\.weight"):
        RewardModel.from_checkpoint(str(base))


def test_base_when_it_has_a_head_of_one_then_keeps_it_and_of_three_then_gets_a_new_one(base: Path, tmp_path: Path):
    for labels, new in ((1, False), (3, True)):
        net = AutoModelForSequenceClassification.from_pretrained(base, num_labels=labels)
        net.save_pretrained(tmp_path / str(labels))
        RewardModel.from_base(str(base)).tokenizer.save_pretrained(tmp_path / str(labels))
        model = RewardModel.from_base(str(tmp_path / str(labels)))
        assert model.new_head == new
        assert torch.equal(model.stock.score.weight, net.score.weight) == (not new)
    with pytest.raises(UsageError, match="has 3 outputs"):
        RewardModel.from_checkpoint(str(tmp_path / "3"))


def test_stock_checkpoint_of_others_when_loaded_then_scores_without_a_card(base: Path, tmp_path: Path):
    RewardModel.from_base(str(base)).save(str(tmp_path / "rm"))
    (tmp_path / "rm" / CARD_FILE).unlink()
    model = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    assert model.card is None
    assert model.scores(model.encode(*texts(3))).shape == (3,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "another format"),
        ({"std": 0}, "std 0; it must be a finite number above 0"),
        ({"template_hash": "0"}, "not the one that the model was trained with"),
        ({"surprise": 1}, "not a card"),
    ],
)
def test_card_when_it_does_not_fit_then_is_refused(
    base: Path, tmp_path: Path, changes: dict[str, object], message: str
):
    RewardModel.from_base(str(base)).save(str(tmp_path / "rm"))
    edit(tmp_path / "rm" / CARD_FILE, **changes)
    with pytest.raises(InputError, match=message):
        RewardModel.from_checkpoint(str(tmp_path / "rm"))


def test_adapters_when_they_hold_no_head_then_are_refused(base: Path, tmp_path: Path):
    RewardModel.from_base(str(base), lora=LoraSettings(rank=2)).save(str(tmp_path / "rm"), merge=False)
    drop(tmp_path / "rm", "score", "adapter_model.safetensors")
    with pytest.raises(InputError, match="hold no head"):
        RewardModel.from_checkpoint(str(tmp_path / "rm"))


def test_adapters_when_pickled_then_are_refused(base: Path, tmp_path: Path):
    RewardModel.from_base(str(base), lora=LoraSettings(rank=2)).save(str(tmp_path / "rm"), merge=False)
    (tmp_path / "rm" / "adapter_model.safetensors").rename(tmp_path / "rm" / "adapter_model.bin")
    with pytest.raises(InputError, match="safetensors only"):
        RewardModel.from_checkpoint(str(tmp_path / "rm"))


def test_save_when_a_weight_is_not_finite_then_writes_no_weights(base: Path, tmp_path: Path):
    model = RewardModel.from_base(str(base))
    with torch.no_grad():
        model.stock.score.weight[0, 0] = float("nan")
    with pytest.raises(InputError, match=r"score.weight is not finite"):
        model.save(str(tmp_path / "rm"))
    assert not list((tmp_path / "rm").glob("*.safetensors"))


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
@pytest.mark.parametrize("lora", [None, LoraSettings(rank=2)])
def test_save_when_there_is_a_umask_then_all_files_follow_it(
    base: Path, tmp_path: Path, mask: int, mode: int, lora: LoraSettings | None
):
    model = RewardModel.from_base(str(base), aspects={"a": 1.0, "b": 1.0}, lora=lora)
    before = os.umask(mask)
    try:
        model.save(str(tmp_path / "rm"), merge=lora is None)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "rm").glob("*.*")}
    assert modes == dict.fromkeys(modes, mode)


def test_rescale_when_all_scores_are_equal_then_is_refused(base: Path):
    with pytest.raises(UsageError, match="the model is constant"):
        RewardModel.from_base(str(base)).rescale(1.0, 0.0)


def test_config_when_the_body_is_bf16_then_says_so_though_the_head_is_not(base: Path, tmp_path: Path):
    RewardModel.from_base(str(base), dtype="bfloat16").save(str(tmp_path / "rm"))
    config = json.loads((tmp_path / "rm" / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert config["architectures"] == ["LlamaForSequenceClassification"]
    weights = load_file(tmp_path / "rm" / "model.safetensors")
    assert weights["score.weight"].dtype == torch.float32
    assert weights["model.layers.0.mlp.up_proj.weight"].dtype == torch.bfloat16
    assert RewardModel.from_checkpoint(str(tmp_path / "rm")).stock.dtype == torch.bfloat16


def test_pipeline_of_transformers_when_it_loads_a_checkpoint_then_gives_the_raw_score(base: Path, tmp_path: Path):
    model = RewardModel.from_base(str(base))
    (parity,) = model.parity(["why is the sky blue"], ["because light scatters"])
    model.rescale(0.0, 0.01)  # Far outside what a sigmoid gives.
    model.save(str(tmp_path / "rm"))
    classify = pipeline("text-classification", model=str(tmp_path / "rm"), device="cpu")
    assert classify(parity.text, add_special_tokens=False)[0]["score"] == pytest.approx(parity.score * 100, rel=1e-4)


def test_qlora_when_there_is_no_gpu_then_says_what_to_do(base: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("reward_models.models.lora.importlib.util.find_spec", lambda name: name)
    with pytest.raises(UsageError, match=r"needs a GPU and there is none: train plain LoRA, or .* four_bit=False"):
        RewardModel.from_base(str(base), lora=LoraSettings(four_bit=True))
