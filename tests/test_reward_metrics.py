"""The numbers that a training log gets, the audits, and the report."""

import json
import math
import statistics
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpo_bridge.audit import MIN_POINTS, SpotChecks, Trends, rise
from grpo_bridge.distributed import Outcomes, groups_in, straddles
from grpo_bridge.errors import RewardError
from grpo_bridge.kl import KlStop
from grpo_bridge.metrics import group_metrics, length_correlation, pass_at_k, teacher_metrics
from grpo_bridge.report import PANELS, Report, svg, ticks
from verifiers.errors import UsageError
from verifiers.types import Part, Sample, Status, Verdict

RIGHT = Verdict(1.0, Status.CORRECT, elapsed_s=0.1)
WRONG = Verdict(0.0, Status.INCORRECT, elapsed_s=0.2)
LATE = Verdict(None, Status.DEADLINE_EXCEEDED, elapsed_s=5.0)


def test_a_teachers_numbers_leave_out_what_was_not_judged() -> None:
    parts = (Part("a", 1.0), Part("b", None))
    numbers = teacher_metrics("t", [Verdict(0.5, Status.PARTIAL, parts=parts), RIGHT, WRONG, LATE])
    assert numbers["rewards/t/valid"] == 0.75
    assert numbers["rewards/t/mean"] == 0.5
    assert numbers["rewards/t/std"] == pytest.approx(statistics.stdev([0.5, 1, 0]))
    assert numbers["rewards/t/timeouts"] == 1.0
    assert (numbers["rewards/t/seconds_p50"], numbers["rewards/t/seconds_p95"]) == (0.2, 5.0)
    assert numbers["rewards/t/a"] == 1.0
    assert "rewards/t/b" not in numbers
    assert "rewards/t/mean" not in teacher_metrics("t", [LATE])


def test_groups_without_contrast_are_told_apart() -> None:
    rewards = [1.0, 1.0, 0.0, 0.0, 1.0, 0.0, None, None, 0.0, None]
    outcomes = Outcomes([i // 2 for i in range(10)], rewards, [reward == 1.0 for reward in rewards])
    numbers = group_metrics("t", outcomes, groups_in(outcomes.keys, (2,)))
    # Four groups were judged; the last one's only judged sample is no contrast that lacks.
    assert numbers["rewards/t/zero_variance"] == 0.5
    assert numbers["rewards/t/zero_variance_all_right"] == 0.25
    assert numbers["rewards/t/zero_variance_all_wrong"] == 0.25
    assert numbers["rewards/t/pass@1"] == pytest.approx((1 + 0 + 0.5 + 0) / 4)
    assert numbers["rewards/t/pass@2"] == pytest.approx((1 + 0 + 1) / 3)


@given(st.integers(1, 12), st.data())
def test_pass_at_k_is_the_share_of_choices_with_a_right_one(n: int, data: st.DataObject) -> None:
    from itertools import combinations

    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    choices = list(combinations(range(n), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(min(choice) < c for choice in choices) / len(choices))


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(-9, 9)), st.integers(0, 4000)), min_size=2, max_size=30))
def test_length_correlation_is_pearsons(pairs: list[tuple[int | None, int]]) -> None:
    judged = [(float(r), n) for r, n in pairs if r is not None]
    found = length_correlation([None if r is None else float(r) for r, _ in pairs], [n for _, n in pairs])
    if len({r for r, _ in judged}) < 2 or len({n for _, n in judged}) < 2:
        assert found is None
    else:
        assert found == pytest.approx(statistics.correlation(*zip(*judged, strict=True)), abs=1e-9)


def test_groups_are_found_by_size_or_by_prompt() -> None:
    assert [list(each) for each in groups_in(["a", "a", "a", "a"], (2,))] == [[0, 1], [2, 3]]
    assert [list(each) for each in groups_in(["a", "a", "b", "b"], (4, 2))] == [[0, 1], [2, 3]]
    assert [list(each) for each in groups_in(["a", "b", "a", "b"], (2,))] == [[0, 2], [1, 3]]  # blocks, as online DPO


@pytest.mark.parametrize(
    ("count", "sizes", "expected"), [(8, (4,), False), (6, (4,), True), (6, (), True), (8, (4, 3), True)]
)
def test_straddling_is_known_before_anything_is_looked_at(
    count: int, sizes: tuple[int, ...], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not straddles(count, sizes)  # one process
    monkeypatch.setattr("grpo_bridge.distributed.world_size", lambda: 2)
    assert straddles(count, sizes) is expected


def test_kl_stops_after_patience_in_a_row() -> None:
    stop = KlStop(0.5, patience=2)
    assert [stop.seen(kl) for kl in (0.6, 0.4, 0.6, math.nan)] == [False, False, False, True]
    with pytest.raises(UsageError, match="max_kl is above 0"):
        KlStop(0.0)


def test_an_audit_finds_a_reward_that_rises_alone() -> None:
    up = [i / 20 for i in range(20)]
    assert rise(up) > 2 > 0 > rise(up[::-1])
    assert rise(up[: MIN_POINTS - 1]) == 0
    assert set(Trends(reward=up, held_out=up[::-1]).alarms()) == {"held_out"}
    assert not Trends(reward=up, held_out=up).alarms()
    assert set(Trends(length=[100.0] * 8 + [300.0] * 8).alarms()) == {"length"}
    assert set(Trends(agreement=(0.5, 20)).alarms()) == {"humans"}
    assert not Trends(agreement=(0.5, 3)).alarms()


def test_humans_get_samples_and_their_answers_are_read(tmp_path: Path) -> None:
    checks = SpotChecks(tmp_path / "check.jsonl")
    assert checks.agreement() is None
    checks.write(5, [Sample(f"c{i}", "p", "r") for i in range(5)], [0.0, 1.0, None, 0.5, 0.2], 3)
    rows = [json.loads(line) for line in checks.path.read_text().splitlines()]
    assert [(row["completion"], row["reward"]) for row in rows] == [("c1", 1.0), ("c3", 0.5), ("c0", 0.0)]
    rated = [{**row, "human": human} for row, human in zip(rows, (1, 1, None), strict=True)]
    checks.checked.write_text("".join(json.dumps(row) + "\n" for row in rated) + "broken\n")
    assert checks.agreement() == (0.5, 2)


def test_the_report_is_sound_xml_whatever_it_is_told(tmp_path: Path) -> None:
    history = [
        {"step": float(i), "reward": i / 7, "rewards/<x>/pass@1": 0.5, "rewards/<x>/timeouts": 0.0, "kl": math.nan}
        for i in range(2000)
    ]
    report = Report("Rewards: <b>", history, {"kl": "step 3: a < b"})
    report.write(tmp_path / "deep" / "report.html")
    page = (tmp_path / "deep" / "report.html").read_text()
    assert "<b>:" not in page
    assert "a &lt; b" in page
    assert "http" not in page
    assert len(page) < 100_000
    charts = [ElementTree.fromstring(f"<svg{each.split('</svg>')[0]}</svg>") for each in page.split("<svg")[1:]]
    assert len(charts) == 3
    assert list((tmp_path / "deep").iterdir()) == [tmp_path / "deep" / "report.html"]
    assert "no steps" in Report("empty").html()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(-1e6, 1e6, allow_subnormal=False)), min_size=1, max_size=20))
def test_a_chart_stays_within_its_box(points: list[tuple[int, float]]) -> None:
    text = svg([[(float(x), y) for x, y in points]], "chart")
    assert "nan" not in text
    assert "inf" not in text
    ElementTree.fromstring(text)


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    slack = 1e-6 * (abs(low) + width)
    assert 1 <= len(found) <= 7
    assert all(low - slack <= tick <= low + width + slack for tick in found)


def test_panels_have_a_unit_or_need_none() -> None:
    assert len({panel.title for panel in PANELS}) == len(PANELS)


def call(reward: Any, completions: list[str], **more: Any) -> Any:
    return reward(["p"] * len(completions), completions, answer=["4"] * len(completions), **more)


def test_the_reward_function_tells_the_trainer_what_it_asks_for() -> None:
    from grpo_bridge import trl_reward

    reward = trl_reward("numeric", name="told")
    metrics: dict[str, float] = {}
    table: dict[str, list[Any]] = {}
    got = call(reward, ["4", "5"], log_metric=metrics.__setitem__, log_extra=table.__setitem__, trainer_state=object())
    assert got == [1.0, 0.0]
    assert metrics["rewards/told/pass@2"] == 1.0
    assert "rewards/told/mean" not in metrics  # TRL logs it by itself
    assert table["told_status"] == ["correct", "incorrect"]
    assert call(reward, ["4", "5"]) == got
    assert call(reward, []) == []


def test_names_are_unique_while_both_live() -> None:
    from grpo_bridge import trl_reward

    first = trl_reward("numeric", name="same")
    second = trl_reward("numeric", name="same")
    assert (first.__name__, second.__name__) == ("same", "same_2")
    del first
    assert trl_reward("numeric", name="same").__name__ == "same"


def test_a_mapping_logs_each_teacher() -> None:
    from grpo_bridge import trl_reward

    reward = trl_reward({"a": "numeric", "b": "math"}, route_by="task")
    metrics: dict[str, float] = {}
    assert call(reward, ["4", "5"], task=["a", "b"], log_metric=metrics.__setitem__) == [1.0, 0.0]
    assert (metrics["rewards/numeric/mean"], metrics["rewards/math/mean"]) == (1.0, 0.0)
    assert reward.__name__ == "numeric+math"


def test_only_known_parts_can_be_split() -> None:
    from grpo_bridge import trl_reward

    with pytest.raises(UsageError, match="only a composed teacher's parts are known"):
        trl_reward("numeric").split()


def test_too_many_failures_are_loud() -> None:
    from grpo_bridge import trl_reward

    with pytest.raises(RewardError, match="could not be judged"):
        trl_reward("numeric")(["p"] * 20, ["4"] * 20, answer=[None] * 20)


@pytest.mark.parametrize(
    "ys", [(-0.5, -0.5000000000000001), (1e-13, 1.0000000000000001e-13), (-1e308, 1e308), (0.0, 5e-324), (3e38, 3e38)]
)
def test_a_chart_of_hardly_anything_or_of_huge_numbers_is_small(ys: tuple[float, float]) -> None:
    page = Report("t", [{"step": float(step), "reward": y} for step, y in enumerate(ys)]).html()
    assert len(page) < 20_000


def test_equal_rewards_teach_nothing_whatever_the_outcomes() -> None:
    outcomes = Outcomes(["p"] * 4, [0.5] * 4, [True, False, True, False])
    numbers = group_metrics("t", outcomes, [range(4)])
    assert numbers["rewards/t/zero_variance"] == 1.0
    assert numbers["rewards/t/zero_variance_all_right"] == numbers["rewards/t/zero_variance_all_wrong"] == 0.0


def test_two_groups_of_one_prompt_are_imputed_apart() -> None:
    from grpo_bridge import trl_reward

    reward = trl_reward("numeric", on_failure="impute", num_generations=2, max_not_judged=None)
    assert reward(["p"] * 4, ["4", "4", "5", "5"], answer=["4", None, "4", None]) == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("policy", ["impute", "zero"])
def test_split_refuses_what_its_parts_would_not_do(policy: Any, tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    plan = tmp_path / "plan.yaml"
    plan.write_text("how: weighted\nteachers: [{teacher: math, weight: 3}, {teacher: format, weight: 1}]\n")
    with pytest.raises(UsageError, match="None together"):
        trl_reward(str(plan), on_failure=policy).split()


def test_split_judges_a_batch_once_for_all_parts_and_holds_none_of_it_after(tmp_path: Path) -> None:
    from grpo_bridge import trl_reward

    plan = tmp_path / "plan.yaml"
    plan.write_text("how: weighted\nteachers: [numeric, {teacher: format, name: form}]\n")
    reward = trl_reward(str(plan), name="shared")
    calls: list[int] = []
    judge = reward.judge
    reward.judge = lambda *given, **more: (calls.append(1), judge(*given, **more))[1]  # type: ignore[method-assign]
    numeric, form = reward.split()
    completions = ["4", "5"]
    assert [call(numeric, completions), len(call(form, completions))] == [[1.0, 0.0], 2]
    assert len(calls) == 1
    assert not form._shared._known
    completions[:] = ["5", "4"]  # a loop of one's own may fill the same list again
    assert call(numeric, completions) == [0.0, 1.0]
    assert call(numeric, completions) == [0.0, 1.0]
    assert len(calls) == 3
