"""The bridge's examples run, and print what they promise."""

import json
from pathlib import Path

import pytest
from example_runs import printed


def test_multi_task_example_sends_each_row_to_its_teacher(root: Path) -> None:
    pytest.importorskip("jsonschema_rs")
    rows = [line.split() for line in printed(root, "multi_task.py").splitlines()]
    assert [row[1] for row in rows] == ["math"] * 4 + ["choice"] * 4 + ["json_schema"] * 4
    assert [float(row[2]) for row in rows] == [1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0]


def test_reward_model_example_keeps_right_above_wrong(root: Path) -> None:
    rewards = [float(line.split()[0]) for line in printed(root, "rm_plus_rules.py").splitlines() if line[:1].isdigit()]
    well_put, wrong_and_rude, hedged, wrong = rewards
    assert well_put > hedged > wrong == wrong_and_rude == 0


def test_remote_server_example_scores_on_the_server(root: Path) -> None:
    pytest.importorskip("uvicorn")
    pytest.importorskip("fastapi")
    assert [line.split()[0] for line in printed(root, "remote_server.py").splitlines()] == ["1.0", "0.0", "1.0"]


def test_first_example_of_the_page_prints_what_it_says(root: Path, tmp_path: Path) -> None:
    page = (root / "docs" / "bridge.md").read_text(encoding="utf-8")
    script = tmp_path / "example.py"
    script.write_text(page.split("```python\n")[1].split("```")[0], encoding="utf-8")
    rewards, relative, rows = printed(root, str(script)).splitlines()
    assert rewards == "[1.0, 0.0, 0.0, 1.0]"
    assert [value > 0 for value in json.loads(relative)] == [True, False, False, True]
    assert "'chosen': '\\\\boxed{5/6}'" in rows
