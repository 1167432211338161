"""`docs/answers.md` and the small files in `examples/`: they run, and print what they say."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from verifiers.catalog.rules.teacher import load_rules
from verifiers.compose.reading import read_plan
from verifiers.registry import catalog_names
from verifiers.scoring import score

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## (\w[\w ]*)$(?:(?!^## ).)*?^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.M | re.S)
NOT_HERE = {"math", "rules", "code"}
"""Teachers with pages of their own."""

RULES_BY_HAND = {"good": 1.0, "no-number": 0.8, "short": 0.0, "sorry": 0.0, "stuffed": 0.0, "empty": 0.0}
COMPOSE_BY_HAND = {
    "both": 1.0,
    "number-only": 1.0,
    "no-letter": 1.0,
    "wrong": 0.0,
    "no-form": 0.0,
    "hollow": 0.0,
    "no-reference": None,
}
"""Rewards by the author's own working, not taken from a run."""


@pytest.mark.parametrize(("name", "code", "printed"), EXAMPLES, ids=lambda value: value if len(value) < 30 else "")
def test_example_in_the_page_when_run_then_prints_what_stands_below(name: str, code: str, printed: str):
    for package in ("pycld2", "jsonschema_rs", "re2"):
        pytest.importorskip(package, reason=f"needs the extra 'rules' ({package})")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.stdout, done.stderr) == (printed, "")


def test_page_when_read_then_every_rule_teacher_has_an_example():
    code = "".join(code for _, code, _ in EXAMPLES)
    names = {name.partition("/")[0] for name in catalog_names()} - NOT_HERE
    assert len(EXAMPLES) >= 10
    assert not [name for name in names if f'"{name}' not in code and f"{name}(" not in code and f"`{name}`" not in PAGE]


def rewards(path: str, teacher: str, option: str) -> dict[str, float | None]:
    rows = [json.loads(line) for line in (ROOT / f"{path}.jsonl").read_text(encoding="utf-8").splitlines()]
    verdicts = score(rows, teacher, options={option: str(ROOT / f"{path}.yaml")})
    return {row["id"]: verdict.reward for row, verdict in zip(rows, verdicts, strict=True)}


def test_rules_example_when_scored_then_as_its_author_judges():
    pytest.importorskip("re2", reason="needs the extra 'rules' (re2)")
    found = rewards("examples/rules", "rules", "rules")
    assert found == pytest.approx(RULES_BY_HAND)
    document = load_rules(ROOT / "examples" / "rules.yaml")
    assert len(document.examples) == 3


def test_compose_example_when_scored_then_as_its_author_judges():
    assert rewards("examples/compose", "compose", "compose") == COMPOSE_BY_HAND


def test_plan_in_the_page_when_read_then_is_the_example():
    (plan,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.M | re.S)
    assert read_plan(plan) == read_plan(str(ROOT / "examples" / "compose.yaml"))


@pytest.mark.parametrize("task", ["rules", "compose"])
def test_example_file_when_scored_by_command_then_every_row_comes_out(task: str):
    if task == "rules":
        pytest.importorskip("re2", reason="needs the extra 'rules' (re2)")
    how = (
        ["--rules", "examples/rules.yaml"] if task == "rules" else ["--task", task, "--config", "examples/compose.yaml"]
    )
    command = [sys.executable, "-m", "verifiers", "score", *how, f"examples/{task}.jsonl", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    wanted = RULES_BY_HAND if task == "rules" else COMPOSE_BY_HAND
    assert {row["id"]: row["reward"] for row in map(json.loads, done.stdout.splitlines())} == pytest.approx(wanted)
