"""What `verify rm eval` writes into a model's folder, and its model card."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from rm_scored import rated_set
from test_rm_eval import TEACHER, rated_rows
from test_rm_report import assert_on_one_task

from reward_models.data.reading import read_rated
from reward_models.evaluation import session
from reward_models.evaluation.calibration import calibrate
from reward_models.evaluation.evaluate import evaluate
from reward_models.evaluation.judged import Model
from reward_models.evaluation.model_card import model_card
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.models.card import Card, read_card, write_card

pytestmark = pytest.mark.trainers


def test_update_when_the_card_had_a_map_then_what_is_written_tells_of_the_new_one_only(
    tmp_path: Path,
):
    held, teacher = tmp_path / "held.jsonl", tmp_path / "long.py"
    held.write_text(rated_rows("q", 30))
    teacher.write_text(TEACHER)
    data = read_rated([str(held)])
    wrong = [ScoredPrompt(rated, tuple(float(n) for n, _ in enumerate(rated.answers))) for rated in data.prompts]
    write_card(Card(calibration=calibrate(wrong).to_json()), tmp_path)
    request = session.Request(Model("my-rm", str(teacher), {}, tmp_path), frozen_head=False)
    before = session.run(request, data, None, lambda line: None)
    assert [each.fitted for each in before.calibrations] == ["card", "cross"]
    after = session.run(replace(request, update=True), data, None, lambda line: None)
    written = json.loads((tmp_path / "evaluation.json").read_text())
    assert [each["fitted"] for each in written["calibrations"]] == ["cross"]
    assert [each.fitted for each in after.calibrations] == ["cross"]
    assert set(read_card(tmp_path).metrics) >= {"ece_cross"}
    assert "ece_card" not in read_card(tmp_path).metrics
    for name in ("README.md", "report.html"):
        text = (tmp_path / name).read_text().lower()
        assert "the card's" not in text
        assert "--update" not in text


def test_model_card_when_humans_stand_beside_the_model_then_on_the_same_task():
    evaluation = evaluate(rated_set(), "my-rm", ["held.jsonl"])
    assert_on_one_task(model_card(evaluation, Card()), "| {} | {:.1f} %", evaluation)
