"""A BERT that compares: its first layers do what they did, and the head reads the difference of two means."""

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_tiny import tiny_base, tokenizer_of
from rm_train import BAD, GOOD, request, write_ratings
from torch.nn.functional import layer_norm
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertConfig, BertModel

from reward_models.evaluation.ranking import spearman
from reward_models.models.comparing import compares_means
from reward_models.models.layout import padded
from reward_models.models.lora import LoraSettings
from reward_models.models.reward_model import RewardModel
from reward_models.models.widening import BALANCING, KEPT
from reward_models.training.building import build_model
from reward_models.training.run import train
from reward_models.training.settings import load_settings
from verifiers.errors import UsageError

pytestmark = pytest.mark.trainers
COLUMNS, LAYERS = 256, 3
TURNS = [
    {"role": "system", "content": "sing"},
    {"role": "user", "content": "the sky"},
    {"role": "assistant", "content": "is blue"},
    {"role": "user", "content": "and light"},
]
CASES = [
    ("the sky is blue", "because light"),
    ("birds", "sing at dawn while water runs down to the sea " * 6),
    ("a", ""),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A BERT with heads of 32 columns, a mask token, and the file that says it pools by the mean."""
    path = tmp_path_factory.mktemp("bases") / "sentences"
    tokenizer = tokenizer_of("bert")
    tokenizer.add_special_tokens({"mask_token": "[MASK]"})
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=COLUMNS, intermediate_size=512, num_hidden_layers=LAYERS,
        num_attention_heads=8, max_position_embeddings=256, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    BertModel(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    (path / "1_Pooling").mkdir()
    (path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    return str(path)


@pytest.mark.parametrize(("prompt", "response"), CASES)
def test_features_when_comparing_then_are_the_difference_of_the_means_and_its_squares(
    base: str, prompt: str, response: str
):
    model = RewardModel.from_base(base, compare=True)
    (encoded,) = model.encode([prompt], [response])
    ids = torch.tensor([encoded.ids])
    mark = encoded.ids.index(model.tokenizer.mask_token_id)
    plain = RewardModel.from_base(base).stock.base_model
    separator = model.tokenizer.sep_token_id
    kept = round(KEPT * LAYERS)
    with torch.inference_mode():
        as_before = ids.masked_fill(ids == model.tokenizer.mask_token_id, separator)
        states = plain(input_ids=as_before, output_hidden_states=True).hidden_states[kept][0]
        found = model.stock.base_model(input_ids=ids, output_hidden_states=True).hidden_states
    assert float((found[kept][0, :, :COLUMNS] - states).norm() / states.norm()) < 0.1
    sides = [states[: mark + 1].mean(0), states[mark + 1 :].mean(0)]
    difference = layer_norm(sides[0], (COLUMNS,)) - layer_norm(sides[1], (COLUMNS,))
    read = found[-1][0, 0]
    assert float((read[:COLUMNS] - difference).norm() / difference.norm()) < 0.2
    squared = read[:COLUMNS] * torch.erf(read[:COLUMNS] / 2**0.5)
    spare = [place for place in range(COLUMNS, len(read)) if abs(read[place]) < 100]
    sums = [place for number, place in enumerate(spare) if number % BALANCING]
    wanted = torch.stack([squared[group :: len(sums)].sum() for group in range(len(sums))]) / -(-COLUMNS // len(sums))
    assert torch.allclose(read[sums], wanted, atol=0.05)


def test_encode_when_comparing_then_marks_where_the_last_message_begins(base: str):
    model = RewardModel.from_base(base, compare=True, max_tokens=16)
    (encoded,) = model.encode([TURNS], ["runs down"])
    text = model.tokenizer.decode(encoded.ids)
    assert text.count("[MASK]") == 1
    assert text.partition("[MASK]")[2].strip() == "runs down[SEP]"
    (cut,) = model.encode(["the sky is blue because light scatters " * 9], ["runs down [MASK]"])
    assert len(cut.ids) == 16
    assert cut.ids.count(model.tokenizer.mask_token_id) == 1


def test_scores_when_comparing_then_are_the_same_alone_in_batches_and_in_the_stock_class(base: str, tmp_path: Path):
    model = RewardModel.from_base(base, compare=True)
    encoded = model.encode(*map(list, zip(*CASES, strict=True)))
    together = model.scores(encoded)
    with torch.inference_mode():
        alone = torch.cat([model.outputs(padded([one.ids], model.pad_id))[:, 0] for one in encoded])
    assert torch.allclose(together, alone, atol=1e-5)
    model.save(str(tmp_path / "rm"))
    again = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    assert torch.equal(again.scores(encoded), together)
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "rm").eval()
    assert type(stock).__name__ == "BertForSequenceClassification"
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "rm")
    for (prompt, response), score in zip(CASES, together, strict=True):
        messages = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
        text = tokenizer.apply_chat_template(messages, tokenize=False)
        with torch.inference_mode():
            logits = stock(**tokenizer(text, add_special_tokens=False, return_tensors="pt")).logits
        assert float(logits) == pytest.approx(float(score), abs=1e-5)


@pytest.mark.parametrize(
    ("values", "compares"),
    [
        ({}, True),
        ({"pooling": "stock"}, False),
        ({"pooling": "compare"}, True),
        ({"method": "lora"}, False),
        ({"method": "head"}, True),
    ],
)
def test_build_model_when_told_how_to_pool_then_adds_layers_or_not(base: str, values: dict[str, Any], compares: bool):
    model = build_model(base, load_settings(values=values), {})
    assert (model.stock.config.hidden_size > COLUMNS) == compares
    assert model.base == base


def test_compares_means_when_the_base_is_no_sentence_encoder_then_not(base: str, tmp_path: Path):
    assert compares_means(base)
    assert not compares_means(tiny_base(tmp_path, "bert"))
    assert not compares_means(str(tmp_path / "nothing"))


def test_from_base_when_it_cannot_compare_then_says_what_can(base: str, tmp_path: Path):
    with pytest.raises(UsageError, match="pooling=stock"):
        RewardModel.from_base(tiny_base(tmp_path, "bert"), compare=True)
    with pytest.raises(UsageError, match="no adapters"):
        RewardModel.from_base(base, compare=True, lora=LoraSettings(rank=2))


def test_train_when_comparing_then_saves_what_others_load(base: str, tmp_path: Path):
    ratings = write_ratings(tmp_path / "ratings.jsonl")
    finished = train(request(ratings, base, tmp_path / "rm", pooling="compare"), print)
    assert finished is not None
    model = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    for text in finished.card.parity:
        score = float(model.scores(model.encode([text.prompt], [text.response])))
        assert score == pytest.approx(text.score, abs=1e-5)


@pytest.fixture(scope="module")
def trained(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last checkpoint of a run whose body has learned at a high rate."""
    folder = tmp_path_factory.mktemp("trained")
    asked = request(write_ratings(folder / "ratings.jsonl"), base, folder / "rm", pooling="compare", epochs=4.0)
    train(asked, print)
    return max((folder / "rm" / "checkpoints").iterdir(), key=lambda path: int(path.name.rpartition("-")[2]))


def test_train_when_comparing_then_only_what_is_the_bases_own_has_learned(base: str, trained: Path):
    begun = RewardModel.from_base(base, compare=True).stock.base_model
    ended = AutoModelForSequenceClassification.from_pretrained(trained).base_model
    wide, kept = begun.config.hidden_size, round(KEPT * LAYERS)
    learned = 0
    for (name, before), after in zip(begun.named_parameters(), ended.parameters(), strict=True):
        moved = (after - before).detach().abs() > 1e-5 * before.abs()
        if f"encoder.layer.{kept}." in name or f"encoder.layer.{kept + 1}." in name:
            assert not moved.any(), name
            continue
        learned += bool(moved.any())
        if moved.shape[-1] == wide:
            assert not moved[..., COLUMNS:].any(), name
        if moved.shape[0] == wide and "embeddings" not in name:
            assert not moved[COLUMNS:].any(), name
    assert learned > 20


def test_train_when_comparing_then_scores_in_bfloat16_keep_the_order(trained: Path):
    texts = [(f"why is sky {n}", " and ".join([*GOOD[: n % 4], *BAD[: n % 3], *GOOD[n % 2 :]])) for n in range(60)]
    scores = []
    for dtype in ("float32", "bfloat16"):
        model = RewardModel.from_checkpoint(str(trained), dtype=dtype)
        scores.append(model.scores(model.encode(*map(list, zip(*texts, strict=True)))))
    assert float((scores[0] - scores[1]).abs().max()) < 0.05 * float(scores[0].std())
    assert (spearman(scores[0].tolist(), scores[1].tolist()) or 0.0) >= 0.999


def test_from_base_when_the_base_is_a_model_that_compares_then_goes_on_holding_what_was_written(trained: Path):
    again = RewardModel.from_base(str(trained))
    assert not any(parameter.requires_grad for parameter in again.stock.base_model.encoder.layer[-1].parameters())
    assert again.stock.base_model.encoder.layer[0].intermediate.dense.weight.requires_grad
