"""Bodies that do not keep texts apart: they are neither packed, nor made to share a prompt, nor padded."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import rm_tiny  # noqa: E402
from rm_saved import saved  # noqa: E402
from rm_tiny import CHAT, DECODER, SMALL, texts, tiny_base  # noqa: E402

from reward_models.models import apart  # noqa: E402
from reward_models.models.apart import can_pack, can_share, can_varlen  # noqa: E402
from reward_models.models.layout import packed, padded  # noqa: E402
from reward_models.models.load import LoadSettings, load_net  # noqa: E402
from reward_models.models.reward_model import RewardModel  # noqa: E402
from reward_models.serving.engine import Ask, Marked  # noqa: E402
from reward_models.serving.local import LocalEngine, LocalSettings  # noqa: E402
from reward_models.training.building import build_model  # noqa: E402
from reward_models.training.settings import load_settings  # noqa: E402
from verifiers.errors import UsageError  # noqa: E402

pytestmark = pytest.mark.trainers
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
MORE: dict[str, dict[str, Any]] = {
    "falcon": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "alibi": True},
    "gpt_bigcode": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 256},
    "gpt_oss": {**DECODER, "head_dim": 8, "num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 64},
    "mixtral": {**DECODER, "num_local_experts": 2},
    "nemotron": DECODER,
    "opt": {**SMALL, "ffn_dim": 64, "word_embed_proj_dim": 32, "max_position_embeddings": 256},
    "qwen3_5_text": {**DECODER, "head_dim": 8, **LINEAR},
    "stablelm": DECODER,
    "mistral-window": {**DECODER, "sliding_window": 100},
}
# Whether it packs, shares a prompt, takes varlen.
CAN = {
    "llama": (True, True, True),
    "mixtral": (True, True, True),
    "gpt2": (True, True, False),
    "gpt_bigcode": (True, True, False),
    "stablelm": (True, True, False),
    "nemotron": (True, True, False),
    "opt": (False, True, False),
    "falcon": (False, False, False),
    "gpt_oss": (False, False, False),
    "qwen3_5_text": (False, False, False),
}
PROMPT = "the sky is blue because light " * 10
ANSWERS = ["water runs down to sea", "birds sing at dawn", "the sky is air", "light"]


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, config in MORE.items():
        monkeypatch.setitem(rm_tiny.CONFIGS, kind, config)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", CAN)
def test_body_when_asked_then_says_what_keeps_its_texts_apart(tmp_path: Path, kind: str, dtype: str):
    net = load_net(tiny_base(tmp_path, kind), LoadSettings(dtype=dtype), 1).net
    before = [parameter.clone() for parameter in net.parameters()], net.config._attn_implementation
    assert (can_pack(net), can_share(net), can_varlen(net)) == CAN[kind]
    assert all(torch.equal(*pair) for pair in zip(net.parameters(), before[0], strict=True))
    assert net.config._attn_implementation == before[1]
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_body_when_asked_again_then_is_not_run_again_and_stays_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    net = load_net(tiny_base(tmp_path, "llama"), LoadSettings(), 1).net.train()
    assert can_pack(net)
    assert all(module.training for module in net.modules())
    monkeypatch.setattr(apart, "_features", None)
    assert can_pack(net)


def test_body_when_its_weights_are_not_here_then_is_not_run(tmp_path: Path):
    net = load_net(tiny_base(tmp_path, "llama"), LoadSettings(device="meta"), 1).net
    assert can_pack(net)


@pytest.mark.parametrize("kind", ["qwen3_5_text", "opt", "falcon", "gpt_oss"])
def test_build_when_the_body_does_not_keep_packed_answers_apart_then_is_refused(tmp_path: Path, kind: str):
    with pytest.raises(UsageError, match=rf"of type '{kind}', .*packing=false"):
        build_model(tiny_base(tmp_path, kind, CHAT), load_settings(values={"packing": True}), {})


@pytest.mark.parametrize("kind", ["gpt2", "gpt_bigcode"])
def test_build_when_an_older_body_keeps_packed_answers_apart_then_is_taken(tmp_path: Path, kind: str):
    model = build_model(tiny_base(tmp_path, kind), load_settings(values={"packing": True}), {})
    ids = [one.ids for one in model.encode(*texts(5))]
    with torch.no_grad():
        alone = torch.cat([model.outputs(padded([one], model.pad_id)) for one in ids])
        assert float((model.outputs(packed(ids)) - alone).abs().max()) < 1e-5


@pytest.mark.parametrize("kind", ["stablelm", "nemotron", "gpt_oss"])
def test_varlen_when_the_body_ignores_boundaries_then_is_refused(tmp_path: Path, kind: str):
    with pytest.raises(UsageError, match=rf"'varlen' is for decoders.*'{kind}'"):
        RewardModel.from_base(tiny_base(tmp_path, kind, CHAT), attention="varlen")


@pytest.mark.parametrize("kind", ["qwen3_5_text", "falcon", "opt", "llama"])
def test_engine_when_answers_have_a_long_prompt_then_scores_are_those_of_a_text_alone(tmp_path: Path, kind: str):
    check_engine(saved(tmp_path, kind, chat=CHAT), ANSWERS)


def test_engine_when_a_row_is_longer_than_the_models_window_then_scores_are_those_of_a_text_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(rm_tiny.CONFIGS, "mistral", MORE["mistral-window"])
    check_engine(saved(tmp_path, "mistral", chat=CHAT), [f"{ANSWERS[0] * 6} {word}" for word in ("sky", "sea", "air")])


def check_engine(path: str, answers: list[str]) -> None:
    engine = LocalEngine(path, LocalSettings())
    items = engine.prepare([Ask(PROMPT, answer) for answer in answers])
    found: dict[int, Any] = {}
    for batch in engine.plan(items):
        found |= dict(zip(batch, engine.run(0, [items[index] for index in batch]), strict=True))
    for index, item in enumerate(items):
        marked, (alone,) = found[index], engine.run(0, [item])
        assert isinstance(marked, Marked)
        assert isinstance(alone, Marked)
        assert marked.outputs == pytest.approx(alone.outputs, abs=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["convbert", "fnet", "nystromformer", "yoso"])
def test_encoder_when_known_to_read_its_padding_then_is_refused(
    tmp_path: Path, kind: str, dtype: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(rm_tiny.CONFIGS, kind, rm_tiny.CONFIGS["bert"])
    with pytest.raises(UsageError, match=f"type '{kind}' .* reads the padding: give one"):
        RewardModel.from_base(tiny_base(tmp_path, kind), dtype=dtype)


@pytest.mark.parametrize("kind", ["convbert", "fnet", "nystromformer", "yoso"])
def test_encoder_when_found_to_read_its_padding_then_is_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(rm_tiny.CONFIGS, kind, rm_tiny.CONFIGS["bert"])
    monkeypatch.setattr(rm_tiny, "ENCODERS", (*rm_tiny.ENCODERS, kind))
    monkeypatch.setattr(apart, "READ_PADDING", frozenset())
    with pytest.raises(UsageError, match=f"type '{kind}' .* reads the padding: give one"):
        RewardModel.from_base(tiny_base(tmp_path, kind))
