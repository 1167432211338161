"""Training from files to a model: what is learned, what is saved, what other settings change and what they do not."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from rm_servers import Served, serving
from rm_tiny import CHAT, tiny_base
from rm_train import lines, request, unfinish, write_ratings
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reward_models.losses.ordinal import Ordinal
from reward_models.models.card import read_card
from reward_models.models.reward_model import RewardModel
from reward_models.serving.remote import remote_rm
from reward_models.serving.teacher import reward_model
from reward_models.training.building import build_model, load_weights
from reward_models.training.run import train
from reward_models.training.settings import load_settings
from verifiers.errors import InputError, UsageError
from verifiers.scoring import score
from verifiers.types import Sample

pytestmark = pytest.mark.trainers
DTYPES = ("float32", "mixed")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("bases")
    return {kind: tiny_base(folder, kind, CHAT if kind == "llama" else "") for kind in ("bert", "llama")}


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ratings(tmp_path_factory.mktemp("data") / "ratings.jsonl")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("bert", {}),
        ("bert", {"method": "head"}),
        ("bert", {"loss": "ordinal", "head_start": False}),
        ("llama", {"packing": True, "micro_tokens": 200}),
        ("llama", {"method": "lora", "lora_rank": 4, "learning_rate": 1e-3, "checkpointing": True}),
    ],
)
def test_train_when_ratings_can_be_learned_then_saves_a_stock_model_that_has(
    bases: dict[str, str], ratings: Path, tmp_path: Path, kind: str, settings: dict[str, Any]
):
    said: list[str] = []
    finished = train(request(ratings, bases[kind], tmp_path / "rm", **settings), said.append)
    assert finished.evaluation is not None
    accuracy = finished.evaluation.quality.pair_accuracy
    assert accuracy is not None
    assert accuracy.value > 0.7, "\n".join(said)
    model = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "rm").eval()
    assert stock.config.num_labels == 1
    for text in finished.card.parity:
        (encoded,) = model.encode([text.prompt], [text.response])
        with torch.no_grad():
            others = stock(input_ids=torch.tensor([encoded.ids])).logits.item()
        assert float(model.scores([encoded])) == pytest.approx(text.score, abs=1e-5)
        assert others == pytest.approx(text.score, abs=1e-5)


def test_train_when_done_then_card_and_log_tell_what_was_done(bases: dict[str, str], ratings: Path, tmp_path: Path):
    train(request(ratings, bases["bert"], tmp_path / "rm"), lambda line: None)
    card = read_card(tmp_path / "rm")
    assert card is not None
    assert (card.loss, card.base, card.settings["epochs"]) == ("joint", bases["bert"], 2.0)
    assert abs(card.mean) < 0.5
    assert 0.5 < card.std < 2
    assert len(card.parity) == 6
    assert card.calibration
    assert card.metrics["pair_accuracy"] is not None
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    assert log["steps"] == len([row for row in log["log"] if "loss" in row])
    assert log["tokens"] > 1000
    assert not list((tmp_path / "rm").rglob("training_args.bin"))


@pytest.mark.parametrize("words", [0, 400])
def test_train_when_prompts_are_chats_then_the_card_lets_a_server_be_checked(
    bases: dict[str, str], tmp_path: Path, words: int
):
    long = "blue " * words  # With 400, no text is short.
    rows = [
        {
            "prompt": [{"role": "user", "content": f"{long * (2 if n < 5 else 1)}why {n}"}],
            "response": one,
            "rating": stars,
        }
        for n in range(12)
        for one, stars in (("light scatters", 5), ("birds sing", 1))
    ]
    path = lines(tmp_path / "chats.jsonl", rows)
    finished = train(request(path, bases["llama"], tmp_path / "rm", method="head", max_length=1200), lambda line: None)
    card = read_card(tmp_path / "rm")
    assert card is not None
    assert card.parity == finished.card.parity
    assert len(card.parity) == 6
    longest = max(len(str(row["prompt"])) for row in rows)
    assert all(len(str(text.prompt)) < longest or not words for text in card.parity)
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "rm").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "rm")

    def of_text(text: str) -> float:
        with torch.no_grad():
            return stock(**tokenizer(text, return_tensors="pt", add_special_tokens=False)).logits.item()

    asked = Sample("light scatters", prompt=[{"role": "user", "content": "why"}])
    with serving(Served("openrlhf", of_text)) as served:
        (verdict,) = score([asked], remote_rm, options={"url": served.url, "model": str(tmp_path / "rm")})
    assert verdict.reward is not None, verdict.reason


@pytest.mark.parametrize("kind", ["bert", "llama"])  # With a bias in the head, and without.
def test_train_when_the_loss_is_ordinal_then_the_teacher_gives_the_losss_probability_of_each_star(
    bases: dict[str, str], ratings: Path, tmp_path: Path, kind: str
):
    asked = request(ratings, bases[kind], tmp_path / "rm", loss="ordinal", pooling="stock")
    train(asked, lambda line: None)
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    checkpoint = tmp_path / "rm" / "checkpoints" / f"checkpoint-{log['best_step']}"
    loss = Ordinal(5)
    loss.load_state_dict(load_file(checkpoint / "loss.safetensors"))
    trained = build_model(bases[kind], asked.settings, {})
    load_weights(trained.net, checkpoint)
    responses = ["light scatters and blue light", "birds sing", "dawn and air scatters light"]
    scores = trained.scores(trained.encode(["why is sky 1"] * 3, responses))
    samples = [Sample(each, prompt="why is sky 1") for each in responses]
    verdicts = score(samples, reward_model, model=str(asked.output))
    for verdict, expected in zip(verdicts, loss.probabilities(scores[:, None]).tolist(), strict=True):
        details = verdict.parts[0].details
        found = [details[f"p_{star}"] for star in range(1, 6)]
        assert found == pytest.approx(expected, abs=1e-4)
        assert sum(found) == pytest.approx(1.0)


def test_train_when_centring_is_set_then_scores_are_pulled_to_zero_in_head_start_training_and_resume(
    bases: dict[str, str], ratings: Path, tmp_path: Path
):
    raw = {}
    for centring in (0.0, 10.0):
        asked = request(ratings, bases["bert"], tmp_path / f"rm{centring}", centring=centring, keep_checkpoints=9)
        train(asked, lambda line: None)
        # Before the scores are rescaled, which is done in the end.
        for step in ("0", "*[1-9]"):
            *_, checkpoint = sorted((asked.output / "checkpoints").glob(f"checkpoint-{step}"))
            model = build_model(bases["bert"], asked.settings, {})
            load_weights(model.net, checkpoint)
            scores = model.scores(model.encode(["why is sky 1"] * 3, ["light scatters", "birds sing", "dawn"]))
            raw[centring, step] = float(scores.abs().mean())
        shutil.rmtree(checkpoint)
        unfinish(asked.output)
        assert train(replace(asked, resume=True), lambda line: None) is not None
    assert raw[10.0, "0"] < 0.5 * raw[0.0, "0"]
    assert raw[10.0, "*[1-9]"] < 0.5 * raw[0.0, "*[1-9]"]


def test_train_when_liger_is_asked_for_then_the_model_keeps_its_own_forward(
    bases: dict[str, str], ratings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def as_liger(model: Any, *, rms_norm: bool = True, fused_linear_cross_entropy: bool = True, **others: Any) -> None:
        seen.append((rms_norm, others))
        if fused_linear_cross_entropy:
            model.forward = lambda **inputs: model.lm_head(inputs)

    seen: list[Any] = []
    package = SimpleNamespace(_apply_liger_kernel_to_instance=as_liger)
    monkeypatch.setitem(sys.modules, "liger_kernel", SimpleNamespace(transformers=package))
    monkeypatch.setitem(sys.modules, "liger_kernel.transformers", package)
    monkeypatch.setattr("transformers.integrations.liger.is_liger_kernel_available", lambda: True)
    monkeypatch.setattr("reward_models.training.run.check_settings", lambda settings: None)  # It would ask for a GPU.
    train(request(ratings, bases["llama"], tmp_path / "rm", epochs=0.2, liger=True), lambda line: None)
    assert seen == [(True, {"cross_entropy": False})]


def test_build_when_training_computes_in_bfloat16_then_features_and_scores_do_and_parity_does_not(
    bases: dict[str, str],
):
    models = {dtype: build_model(bases["llama"], load_settings(values={"dtype": dtype}), {}) for dtype in DTYPES}
    texts = ["why is the sky blue"] * 3, ["light scatters", "birds sing", "blue light and dawn"]
    full, mixed = models["float32"], models["mixed"]
    encoded = full.encode(*texts)
    for name in ("features", "scores"):
        exact, found = (getattr(model, name)(encoded) for model in (full, mixed))
        assert found.dtype == torch.float32
        assert not torch.equal(found, exact)
        torch.testing.assert_close(found, exact, atol=0.2 * float(exact.abs().max()), rtol=0)
    assert mixed.parity(*texts) == full.parity(*texts)


def test_train_when_fine_tuning_only_harms_then_keeps_the_model_it_began_with(
    bases: dict[str, str], ratings: Path, tmp_path: Path
):
    harmful = request(ratings, bases["bert"], tmp_path / "rm", learning_rate=0.5, head_learning_rate=5.0, epochs=1)
    said: list[str] = []
    train(harmful, said.append)
    assert any(line.startswith("best on validation: step 0, the fitted head") for line in said)
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    first = log["log"][0]["eval_rank_quality"]
    later = [row["eval_rank_quality"] for row in log["log"][1:] if "eval_rank_quality" in row]
    assert later
    assert max(later) <= first
    assert log["best_figure"] == first
    start = load_file(tmp_path / "rm" / "checkpoints" / "checkpoint-0" / "model.safetensors")
    saved = load_file(tmp_path / "rm" / "model.safetensors")
    embeddings = next(name for name in saved if name.endswith("word_embeddings.weight"))
    assert torch.equal(start[embeddings], saved[embeddings])


def test_train_when_nothing_gets_better_then_stops_early(bases: dict[str, str], ratings: Path, tmp_path: Path):
    still = request(ratings, bases["bert"], tmp_path / "rm", learning_rate=0.0, head_learning_rate=0.0, patience=1)
    train(replace(still, settings=replace(still.settings, epochs=50.0)), lambda line: None)
    log = json.loads((tmp_path / "rm" / "training.json").read_text())
    assert len([row for row in log["log"] if "eval_rank_quality" in row]) == 2


def test_train_when_pairs_are_given_then_learns_from_them(bases: dict[str, str], tmp_path: Path):
    rows = [
        {"prompt": f"why is the sky blue {n}", "chosen": f"light scatters {n}", "rejected": f"birds sing {n}"}
        for n in range(40)
    ]
    path = lines(tmp_path / "pairs.jsonl", rows)
    finished = train(request(path, bases["bert"], tmp_path / "rm"), lambda line: None)
    assert finished.card.loss == "soft"
    assert finished.card.metrics["pair_accuracy"] == 1.0


def test_train_when_aspects_are_rated_then_weights_them_into_one_stock_output(bases: dict[str, str], tmp_path: Path):
    rows = [
        {"prompt": f"why {n}", "response": f"{a} {b} {n}", "rating": {"helpful": 1 + 4 * (a == "blue"), "short": 3}}
        for n in range(20)
        for a in ("blue", "birds")
        for b in ("sea", "air")
    ]
    path = lines(tmp_path / "aspects.jsonl", rows)
    asked = request(path, bases["bert"], tmp_path / "rm")
    finished = train(replace(asked, sources=replace(asked.sources, aspects={"helpful": 3.0, "short": 1.0})), print)
    # Weights 0.75 and 0.25 times the aspect's deviation, 2 and (all alike) 1, over that of the weighted mean, 1.5.
    assert dict(finished.card.aspects) == pytest.approx({"helpful": 1.0, "short": 1 / 6})
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "rm")
    assert stock.config.num_labels == 1


@pytest.mark.parametrize("weights", [{"helpful": 1.0, "short": -1.0}, {"helpful": 0.0, "short": 0.0}])
def test_train_when_aspects_weigh_nothing_or_less_then_refuses_by_name(
    weights: dict[str, float], bases: dict[str, str], tmp_path: Path
):
    rows = [{"prompt": f"p{n}", "response": "x" * n, "helpful": n % 5, "short": n % 3} for n in range(40)]
    asked = request(lines(tmp_path / "aspects.jsonl", rows), bases["bert"], tmp_path / "rm")
    with pytest.raises(UsageError, match="short"):
        train(replace(asked, sources=replace(asked.sources, aspects=weights)), print)
    assert not (tmp_path / "rm").exists()


def test_train_when_rows_are_bad_then_refuses_by_line_or_skips_by_choice(
    bases: dict[str, str], ratings: Path, tmp_path: Path
):
    path = tmp_path / "bad.jsonl"
    path.write_text(ratings.read_text() + '{"prompt": "a", "response": "b", "rating": "NaN"}\n', encoding="utf-8")
    bad_line = len(path.read_text().splitlines())
    asked = request(path, bases["bert"], tmp_path / "rm", method="head")
    with pytest.raises(InputError, match=rf"bad\.jsonl:{bad_line}"):
        train(asked, lambda line: None)
    assert not (tmp_path / "rm").exists()
    said: list[str] = []
    train(replace(asked, sources=replace(asked.sources, on_bad="skip")), said.append)
    assert any("skipped 1 bad row" in line and f"bad.jsonl:{bad_line}" in line for line in said)


def test_train_when_the_folder_is_taken_then_asks_and_never_deletes_what_is_no_run(
    bases: dict[str, str], ratings: Path, tmp_path: Path
):
    (tmp_path / "rm").mkdir()
    (tmp_path / "rm" / "thesis.txt").write_text("all my work")
    asked = request(ratings, bases["bert"], tmp_path / "rm", method="head")
    with pytest.raises(UsageError, match="is not empty"):
        train(asked, lambda line: None)
    with pytest.raises(UsageError, match="neither a run nor a reward model"):
        train(replace(asked, overwrite=True), lambda line: None)
    assert (tmp_path / "rm" / "thesis.txt").is_file()


def test_train_when_overwriting_fails_at_loading_then_the_old_model_is_as_it_was(
    bases: dict[str, str], ratings: Path, tmp_path: Path
):
    asked = request(ratings, bases["bert"], tmp_path / "rm", method="head")
    train(asked, lambda line: None)
    before = {path.name: path.read_bytes() for path in (tmp_path / "rm").iterdir()}
    with pytest.raises(InputError, match="no such folder"):
        train(replace(asked, base=f"{bases['bert']}-typo", overwrite=True), lambda line: None)
    absent = replace(asked.sources, files=[f"{ratings}.typo"])
    with pytest.raises(InputError, match="no such file"):
        train(replace(asked, sources=absent, overwrite=True), lambda line: None)
    assert {path.name: path.read_bytes() for path in (tmp_path / "rm").iterdir()} == before


def test_train_when_overwriting_then_keeps_the_old_model_until_the_new_one_is_saved(
    bases: dict[str, str], ratings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = request(ratings, bases["bert"], tmp_path / "rm", method="head")
    train(asked, lambda line: None)
    old = (tmp_path / "rm" / "model.safetensors").read_bytes()
    other = replace(asked, overwrite=True, settings=replace(asked.settings, loss="mse"))
    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr("reward_models.training.run.finish", lambda *given: 1 / 0)  # as good as a kill
        with pytest.raises(ZeroDivisionError):
            train(other, said.append)
    kept = tmp_path / "rm" / "replaced" / "1"
    assert any(f"is in {kept} until the new model is saved" in line for line in said)
    assert (kept / "model.safetensors").read_bytes() == old
    train(replace(other, overwrite=False, resume=True), lambda line: None)
    card = read_card(tmp_path / "rm")
    assert card is not None
    assert card.loss == "mse"
    assert not (tmp_path / "rm" / "replaced").exists()


def test_train_when_weights_are_pickled_then_refuses_before_anything_is_made(
    bases: dict[str, str], ratings: Path, tmp_path: Path
):
    pickled = tmp_path / "pickled"
    shutil.copytree(bases["bert"], pickled)
    torch.save(load_file(pickled / "model.safetensors"), pickled / "pytorch_model.bin")
    (pickled / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="pickle"):
        train(request(ratings, str(pickled), tmp_path / "rm"), lambda line: None)
    assert not (tmp_path / "rm").exists()


def test_train_when_an_encoder_is_to_be_packed_then_refuses(bases: dict[str, str], ratings: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="packing=false"):
        train(request(ratings, bases["bert"], tmp_path / "rm", packing=True), lambda line: None)


@pytest.mark.parametrize("settings", [{}, {"method": "lora", "lora_rank": 4}])
def test_load_weights_when_read_from_a_checkpoint_then_the_model_scores_as_it_did(
    bases: dict[str, str], ratings: Path, tmp_path: Path, settings: dict[str, Any]
):
    asked = request(ratings, bases["llama"], tmp_path / "rm", epochs=1, validation_share=0, **settings)
    train(asked, lambda line: None)
    (checkpoint,) = (tmp_path / "rm" / "checkpoints").glob("checkpoint-*")
    fresh = build_model(bases["llama"], asked.settings, {})
    load_weights(fresh.net, checkpoint)
    saved = RewardModel.from_checkpoint(str(tmp_path / "rm"))
    prompts, responses = ["why is sky 1"] * 3, ["light scatters", "birds sing", "blue light and dawn"]
    mine, theirs = (model.scores(model.encode(prompts, responses)) for model in (fresh, saved))
    # The saved model's scores are the same ones in other units.
    slope = (theirs[0] - theirs[1]) / (mine[0] - mine[1])
    torch.testing.assert_close(theirs - theirs[0], slope * (mine - mine[0]), atol=1e-4, rtol=1e-4)
