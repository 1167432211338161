"""Notations: what is written differently and means the same is paid, what only looks alike is not."""

import json
from pathlib import Path

import pytest

from verifiers import Sample, Verdict, score
from verifiers.catalog.math.read import Unread, read

CASES = Path(__file__).parent / "cases" / "math_readings.jsonl"
ROWS = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def completion(row: dict[str, str]) -> str:
    return row.get("completion") or f"We get $\\boxed{{{row['answer']}}}$."


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return score([Sample(completion(row), reference=row["reference"]) for row in ROWS], "math")


@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda n: f"{ROWS[n]['kind'].replace(' ', '-')}-{n}")
def test_notation_is_read_as_it_is_meant(number: int, verdicts: list[Verdict]) -> None:
    assert verdicts[number].reward == float(ROWS[number]["equal"]), (ROWS[number], verdicts[number].reason)


@pytest.mark.parametrize("row", [row for row in ROWS if row["equal"] and "answer" in row], ids=lambda r: r["answer"])
def test_notation_is_its_own_reference(row: dict[str, str]) -> None:
    (verdict,) = score([Sample(f"\\boxed{{{row['answer']}}}", reference=row["answer"])], "math")

    assert verdict.reward == 1.0, verdict.reason


@pytest.mark.parametrize(
    "broken",
    [
        "\\frac{1}{",
        "3 +",
        "\\sqrt{",
        "(1, 2",
        "2 3",
        "x^",
        "\\begin{pmatrix}1&2",
        "\\frac{1}",
        "= 5 =",
        "\\}",
        "5 \\} 3",
    ],
)
def test_broken_formula_is_not_read(broken: str) -> None:
    assert isinstance(read(broken), Unread)


def test_cases_are_many_and_different() -> None:
    assert len({(completion(row), row["reference"]) for row in ROWS}) == len(ROWS) >= 250
