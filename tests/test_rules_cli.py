"""`verify rules` and `verify score --rules` as the shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verifiers.cli.main import run

GOOD = """
name: letters
rules:
  - contains: [order, refund]
    weight: 2
  - starts_with: Dear
    critical: true
examples:
  - text: Dear Ann, your refund of the order is on its way.
    expect: 1.0
  - {text: the refund of the order, expect: 0, name: no greeting}
"""
BAD = "rules:\n  - contans: a\n  - words: 5..3\n"


@pytest.fixture
def good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "rows.jsonl").write_text('{"completion": "Dear all, refund"}\n{"completion": "Dear, order refund"}\n')
    return path


def test_score_when_rules_are_given_then_scores_with_them(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "--rules", "good.yaml", "rows.jsonl", "-o", "out.jsonl", "-q"]) == 0
    rows = [json.loads(line) for line in (good.parent / "out.jsonl").read_text().splitlines()]
    assert [round(row["reward"], 3) for row in rows] == [0.333, 1.0]
    assert [part["name"] for part in rows[0]["parts"]] == ["contains", "starts_with"]
    assert run(["score", "--task", "rules", "--set", "rules=good.yaml", "rows.jsonl", "-o", "two.jsonl", "-q"]) == 0
    two = [json.loads(line) for line in (good.parent / "two.jsonl").read_text().splitlines()]
    assert [row["reward"] for row in two] == [row["reward"] for row in rows]


def test_resume_when_the_rules_were_edited_then_refused(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "--rules", "good.yaml", "rows.jsonl", "-o", "out.jsonl", "-q"]) == 0
    good.write_text(GOOD + "  - {text: Dear order, expect: 0}\n")
    assert run(["score", "--rules", "good.yaml", "rows.jsonl", "-o", "out.jsonl", "-q", "--resume"]) == 2
    assert "good.yaml has changed since" in capsys.readouterr().err


def test_score_when_rules_are_given_to_another_teacher_then_usage_error(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["score", "--task", "math", "--rules", "good.yaml", "rows.jsonl"]) == 2
    assert "'math' takes no rules file" in capsys.readouterr().err


def test_score_when_rules_are_bad_then_every_mistake_is_printed(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "--rules", "bad.yaml", "rows.jsonl"]) == 2
    said = capsys.readouterr().err
    assert "bad.yaml:2:5: rules[0].contans: there is no kind or key 'contans'. Did you mean 'contains'?" in said
    assert "bad.yaml:3:12: rules[1].words: min 5 is above max 3" in said


def test_lint_when_sound_then_0_and_when_bad_then_1(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "lint", "good.yaml"]) == 0
    assert "nothing to find" in capsys.readouterr().out
    assert run(["rules", "lint", "good.yaml", "bad.yaml"]) == 1
    assert "bad.yaml:2:5" in capsys.readouterr().out
    assert run(["rules", "lint", "bad.yaml", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["line"], row["column"], row["level"]) for row in rows] == [(2, 5, "error"), (3, 12, "error")]


def test_lint_when_strict_then_warnings_count(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good.write_text("rules: [{words: 0..}]")
    assert run(["rules", "lint", "good.yaml"]) == 0
    assert run(["rules", "lint", "good.yaml", "--strict"]) == 1
    assert "good.yaml:1:9: warning: words: passes whatever the text" in capsys.readouterr().out


def test_test_when_examples_hold_then_0_else_1(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "test", "good.yaml"]) == 0
    assert "2 of 2 examples as expected" in capsys.readouterr().out
    good.write_text(GOOD.replace("expect: 0,", "expect: 0.5,"))
    assert run(["rules", "test", "good.yaml"]) == 1
    said = capsys.readouterr().out
    assert "good.yaml:11:5: example 'no greeting' expects 0.5, got 0" in said
    assert "the critical rule 'starts_with' failed" in said


def test_explain_when_asked_then_every_part_has_expected_observed_span(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "explain", "good.yaml", "--completion", "Dear Ann, the order"]) == 0
    said = capsys.readouterr().out
    assert "expected  'order', 'refund'" in said
    assert 'observed  {"order": 1, "refund": 0}' in said
    assert "span      14-19: 'order'" in said
    assert "reward 0.3333 (partial)" in said
    assert run(["rules", "explain", "good.yaml", "rows.jsonl:2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reward"] == 1.0


def test_explain_when_rules_take_values_from_the_row_then_they_can_be_given(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good.write_text("contains: $meta.word")
    assert run(["rules", "explain", "good.yaml", "--completion", "a cat", "--meta", '{"word": "cat"}']) == 0
    assert "reward 1 (correct)" in capsys.readouterr().out
    assert run(["rules", "explain", "good.yaml", "--completion", "a cat", "--meta", "[1]"]) == 2
    assert run(["rules", "explain", "good.yaml"]) == 2


def test_attack_when_a_cheat_is_paid_then_1_and_it_is_named(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "attack", "--rules", "good.yaml"]) == 0
    assert "0 of " in capsys.readouterr().out
    good.write_text("contains: refund")
    assert run(["rules", "attack", "--rules", "good.yaml", "--kind", "stuffing", "--kind", "refusal"]) == 1
    said = capsys.readouterr().out
    assert "stuffing: keywords" in said
    assert run(["rules", "attack", "--rules", "good.yaml", "--kind", "stuffing", "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["reward"] == 1.0
    assert run(["rules", "attack", "--rules", "good.yaml", "--kind", "stufing"]) == 2


def test_attack_when_a_task_is_named_then_its_cases_are_attacked(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "attack", "--task", "math", "--kind", "hedge"]) == 0
    assert run(["rules", "attack", "--task", "math", "--reference", "7", "--kind", "hedge"]) == 0
    assert "cheats were paid" in capsys.readouterr().out


def test_schema_when_printed_then_is_json(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "schema"]) == 0
    assert "contains" in json.loads(capsys.readouterr().out)["$defs"]["rule"]["properties"]
