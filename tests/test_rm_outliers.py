"""Slips among ratings: which `verify rm inspect` names, and that honest scales have none."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from reward_models.data.checks import inspected
from reward_models.data.findings import findings
from reward_models.data.outliers import outliers
from reward_models.data.rated import RatedData
from reward_models.types import Answer, RatedPrompt, Rating
from verifiers.cli.main import run

STARS = [1.0, 2.0, 3.0, 4.0, 5.0] * 6
MARKS = [80.0, 85.0, 90.0, 95.0, 100.0] * 10
FAR = [
    ([*STARS, 50.0], [(50, 1, 5, 1)]),
    ([*STARS, -99.0], [(-99, 1, 5, 1)]),
    ([*STARS, 55.0, *STARS * 6, 55.0], [(55, 1, 5, 2)]),
    ([0.0, 1.0] * 9 + [10.0], [(10, 0, 1, 1)]),
    ([*STARS, 0.0, 9.0], []),
    ([*STARS, 50.0, 50.0, 50.0], []),
    ([*MARKS, 0.0], []),
    ([100.0] * 30 + [20.0, 40.0, 60.0], []),
    ([0.0] * 80 + [1.0] * 9 + [2.0, 2.0, 3.0, 9.0, 40.0], []),
    ([float(2**n) for n in range(20)], []),
    ([0.0] * 40 + [5.0], []),
    ([3.0], []),
    ([*STARS, 50.0, 55.0], [(50, 1, 5, 2)]),
    ([*STARS * 2, 50.0, 55.0], [(50, 1, 5, 2)]),
    ([*STARS * 2, 50.0, 50.0], [(50, 1, 5, 2)]),
    ([1.0, 2.0, 3.0] * 9 + [-3.0, 4.0, 50.0], [(-3, 1, 4, 2)]),
]


@pytest.mark.parametrize(("given", "far"), FAR)
def test_inspected_when_a_rating_lies_far_from_all_others_then_named(given: list[float], far: list[tuple[float, ...]]):
    answers = tuple(Answer(f"a{n}", ratings=(Rating(value),), where=f"f:{n}") for n, value in enumerate(given))
    figures = inspected(RatedData([RatedPrompt("p", answers)], "ratings"))
    found = figures["outliers"]
    assert [(each["value"], each["lowest"], each["highest"], each["times"]) for each in found] == far
    assert [each["where"] for each in found] == [f"f:{given.index(value)}" for value, *_ in far]
    told = [each for each in findings(figures) if "lies far from all others" in each.found]
    assert len(told) == len(far)
    slips = {value for value in given if far and not far[0][1] <= value <= far[0][2]}
    assert all(f"{value:g} at f:{given.index(value)}" in told[0].found for value in slips)


HONEST = {
    "1 to 5, most 5": (range(1, 6), [1, 1, 3, 15, 80]),
    "1 to 5, most 1": (range(1, 6), [85, 8, 4, 2, 1]),
    "1 to 10, few low": (range(1, 11), [1, 0, 0, 0, 1, 2, 5, 20, 40, 30]),
    "1 to 10, most 5 to 7": (range(1, 11), [1, 1, 2, 8, 25, 30, 25, 6, 1, 1]),
    "0 to 100": (range(101), [1] * 101),
    "0 to 100, most high": (range(101), [1 + mark**3 for mark in range(101)]),
    "-3 to 3, most 0": (range(-3, 4), [1, 1, 2, 90, 2, 1, 1]),
    "-1 and 1": ([-1, 1], [1, 9]),
}


@pytest.mark.parametrize("count", [20, 72, 300])
@pytest.mark.parametrize(("values", "weights"), HONEST.values(), ids=HONEST)
def test_outliers_when_a_scale_is_honest_then_seldom_any(values: Sequence[int], weights: list[int], count: int):
    named = 0
    for seed in range(50):
        given = Random(seed).choices(values, weights, k=count)
        answers = tuple(Answer(f"a{n}", ratings=(Rating(float(value)),)) for n, value in enumerate(given))
        named += bool(outliers([RatedPrompt("p", answers)]))
    assert named <= 3


def test_inspect_when_a_slip_lies_far_outside_then_warned_of_unless_the_scale_is_named(tmp_path: Path, capsys):
    rows = [{"prompt": f"q{n}", "response": "a", "rating": value} for n, value in enumerate([*STARS, 50])]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert run(["rm", "inspect", str(tmp_path / "in.jsonl")]) == 0
    assert "the rating 50 at " in (out := " ".join(capsys.readouterr().out.split()))
    assert "in.jsonl:31 lies far from all others, 1 to 5" in out
    assert run(["rm", "inspect", str(tmp_path / "in.jsonl"), "--scale", "0", "50"]) == 0
    assert "lies far" not in capsys.readouterr().out
