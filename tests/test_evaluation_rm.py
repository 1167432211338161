"""The frozen-head baseline, and `verify rm eval` on a checkpoint: card, model card and report."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from rm_tiny import tiny_base

from reward_models.data.sketch import sketch_of
from reward_models.evaluation import base_features as features_module
from reward_models.evaluation.base_features import base_features
from reward_models.evaluation.calibration import Calibration
from reward_models.evaluation.frozen import fit_head, frozen_rival, frozen_scores
from reward_models.evaluation.quality import measure
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.models.card import read_card, write_card
from reward_models.models.pooled import final_layer
from reward_models.models.reward_model import RewardModel
from reward_models.types import Answer, Preference, RatedPrompt
from verifiers.cli.main import run
from verifiers.errors import UsageError

pytestmark = pytest.mark.trainers


def linear_prompts(count: int, width: int, seed: int, preferences: bool = False):
    """Prompts of four answers whose stars are a line in the features, shifted by a prompt's own easiness."""
    generator = torch.Generator().manual_seed(seed)
    weight_D = torch.linspace(-1, 1, width)
    rated, features = [], []
    for number in range(count):
        x_ND = torch.randn(4, width, generator=generator)
        stars = (x_ND @ weight_D + 0.3 * torch.randn(4, generator=generator) + number % 3).tolist()
        answers = tuple(Answer("a", None if preferences else each) for each in stars)
        pairs = [(a, b) for a in range(4) for b in range(4) if stars[a] > stars[b]] if preferences else []
        rated.append(RatedPrompt(str(number), answers, tuple(Preference(a, b) for a, b in pairs)))
        features.append(x_ND)
    return rated, features


@pytest.mark.parametrize("preferences", [False, True], ids=["stars", "preferences"])
def test_fit_head_when_labels_are_linear_then_orders_unseen_answers(preferences: bool):
    rated, features = linear_prompts(80, 16, 0, preferences)
    unseen, x_PND = linear_prompts(40, 16, 1, preferences)
    head = fit_head(rated, features)
    scored = [ScoredPrompt(each, head.scores(x_ND)) for each, x_ND in zip(unseen, x_PND, strict=True)]
    assert measure(scored).pair_accuracy.value > 0.9


def test_fit_head_when_features_are_noise_then_knows_nothing():
    rated, _ = linear_prompts(60, 4, 0)
    noise = [torch.randn(4, 300, generator=torch.Generator().manual_seed(number)) for number in range(60)]
    found = frozen_scores(lambda rated_P: noise, [ScoredPrompt(each, (0.0,) * 4) for each in rated])
    assert 0.4 < measure(found).pair_accuracy.value < 0.6, "the folds leak"


def test_fit_head_when_prompts_are_few_then_says_so():
    with pytest.raises(UsageError, match="too few to fit a head"):
        fit_head(*linear_prompts(4, 8, 0))
    rated, features = linear_prompts(12, 8, 0)
    scored = [ScoredPrompt(each, (0.0,) * len(each.answers)) for each in rated]
    with pytest.raises(UsageError, match=r"12 prompts are too few .* give 13 or more"):
        frozen_scores(lambda rated_P: features, scored)


def words(random: Random, good: int) -> str:
    parts = ["light scatters in air"] * good + ["birds sing at dawn"] * (4 - good)
    random.shuffle(parts)
    return " and ".join(parts)


def learnable(count: int = 30) -> list[RatedPrompt]:
    random = Random(0)
    return [
        RatedPrompt(f"why is the sky blue {n}", tuple(Answer(words(random, good), 1.0 + good) for good in range(5)))
        for n in range(count)
    ]


@pytest.mark.parametrize("kind", ["bert", "llama", "modernbert"])
def test_frozen_rival_when_words_tell_then_even_a_random_body_is_enough(kind: str, tmp_path: Path):
    base = tiny_base(tmp_path, kind)
    rated = learnable()
    scored = [ScoredPrompt(each, (0.0,) * 5) for each in rated]
    rival = frozen_rival(base, scored)
    assert rival.missing == ""
    assert measure(rival.scored).pair_accuracy.value > 0.7
    trained = frozen_rival(base, scored, rated)
    assert "training file" in trained.how
    assert measure(trained.scored).pair_accuracy.value > 0.7


def test_frozen_rival_when_the_base_is_gone_then_says_why(tmp_path: Path):
    rival = frozen_rival(str(tmp_path / "nothing"), [ScoredPrompt(each, (0.0,) * 5) for each in learnable(3)])
    assert rival.scored is None
    assert "nothing" in rival.missing


def test_base_features_when_wide_then_projected_and_one_for_each_answer(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(features_module, "MAX_WIDTH", 24)
    rated = [*learnable(3), RatedPrompt("empty", (Answer(""),))]
    found = base_features(tiny_base(tmp_path, "bert"))(rated)
    assert [tuple(each.shape) for each in found] == [(5, 24)] * 3 + [(1, 24)]
    assert all(bool(each.isfinite().all()) for each in found)


@pytest.fixture
def checkpoint(tmp_path: Path) -> tuple[str, str]:
    """A model whose head is a mere direction, right way up, saved as if it were trained; and ratings."""
    model = RewardModel.from_base(tiny_base(tmp_path, "bert"))
    rated = learnable()
    encoded = model.encode(
        [each.prompt for each in rated for _ in range(5)], [a.response for r in rated for a in r.answers]
    )
    scored = [
        ScoredPrompt(each, tuple(s)) for each, s in zip(rated, model.scores(encoded).view(-1, 5).tolist(), strict=True)
    ]
    if measure(scored).pair_accuracy.value < 0.5:
        final_layer(model.stock).weight.data.neg_()
    model.save(str(tmp_path / "my-rm"))
    rows = [
        {"prompt": rated.prompt, "response": answer.response, "rating": answer.stars}
        for rated in learnable()
        for answer in rated.answers
    ]
    (tmp_path / "held.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(tmp_path / "my-rm"), str(tmp_path / "held.jsonl")


def test_eval_when_a_checkpoint_is_updated_then_card_report_and_figures_agree(checkpoint: tuple[str, str], capsys):
    assert run(["rm", "eval", *checkpoint, "--update"]) == 0
    folder = Path(checkpoint[0])
    card = read_card(folder)
    figures = json.loads((folder / "evaluation.json").read_text())
    assert card.metrics["pair_accuracy"] == figures["quality"]["pair_accuracy"]["value"]
    assert [each["name"] for each in figures["baselines"]] == ["length alone", "frozen head"]
    assert figures["baselines"][1]["quality"]["pair_accuracy"]["value"] > 0.7
    calibration = Calibration.from_json(dict(card.calibration))
    assert calibration.shape.mean == card.mean
    assert calibration.scale == (1.0, 5.0)
    text = (folder / "README.md").read_text()
    assert text.startswith("---\nlibrary_name: transformers\n")
    assert "| frozen head |" in text
    assert "<h2>Where it stands</h2>" in (folder / "report.html").read_text()
    capsys.readouterr()
    assert run(["rm", "eval", *checkpoint, "--no-frozen-head", "--json", "-"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [checked["fitted"] for checked in again["calibrations"]] == ["card", "cross"]
    assert again["calibrations"][0]["pairs"]["error"] <= 0.05
    assert again["quality"] == figures["quality"]


def test_eval_when_a_model_is_compared_with_itself_then_no_difference(checkpoint: tuple[str, str], capsys):
    model, data = checkpoint
    assert run(["rm", "eval", model, data, "--against", model, "--no-frozen-head", "--json", "-"]) == 0
    other = json.loads(capsys.readouterr().out)["others"][0]
    assert other["ahead"]["pair_accuracy"]["interval"]["value"] == 0.0
    assert other["ahead"]["only_first"] == other["ahead"]["only_second"] == 0.0


def test_eval_when_the_prompts_were_trained_on_then_says_so(checkpoint: tuple[str, str], capsys):
    folder, data = checkpoint
    assert run(["rm", "eval", folder, data, "--no-frozen-head"]) == 0
    assert "were trained on" not in capsys.readouterr().out
    write_card(replace(read_card(Path(folder)), seen=sketch_of(learnable())), Path(folder))
    assert run(["rm", "eval", folder, data, "--no-frozen-head"]) == 0
    assert "About 100% of these prompts were trained on" in capsys.readouterr().out
