"""The sums of a run."""

from __future__ import annotations

import json
from io import StringIO
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.cli.summary import print_summary
from verifiers.io import summary as module
from verifiers.io.rows import RowResult
from verifiers.io.summary import Tally, pass_at


def result(rewards: list[float | None], group: int = 0, seconds: float = 0.0) -> RowResult:
    names = {None: "failed", 1.0: "correct", 0.0: "incorrect"}
    return RowResult(b"", rewards, [names.get(r, "partial") for r in rewards], [seconds] * len(rewards), group)


def tally_of(*results: RowResult) -> Tally:
    tally = Tally()
    for number, each in enumerate(results, 1):
        tally.add(each, f"f:{number}")
    return tally


def test_summary_counts_samples_and_leaves_out_what_was_not_judged() -> None:
    found = tally_of(result([1.0]), result([0.0, None, 1.0]), result([None])).summary()
    assert (found.rows, found.samples, found.judged, found.not_judged) == (3, 5, 3, 2)
    assert found.mean_reward == pytest.approx(2 / 3)
    assert found.share_not_judged == pytest.approx(0.4)
    assert found.statuses == {"correct": 2, "failed": 2, "incorrect": 1}


def test_summary_when_samples_were_not_judged_then_it_says_where_and_why_once_a_status() -> None:
    bad = RowResult(b"", [None], ["bad_row"], [0.0], fault=("bad_row", "f:2: no JSON"))
    failed = RowResult(b"", [1.0, None], ["correct", "failed"], [0.0, 0.0], fault=("failed", "KeyError: 'x'"))
    found = tally_of(failed, bad, failed).summary()
    assert found.first_not_judged == {"failed": "f:1: KeyError: 'x'", "bad_row": "f:2: no JSON"}


def test_summary_of_nothing_has_no_mean() -> None:
    found = Tally().summary()
    assert (found.rows, found.mean_reward, found.pass_at_k) == (0, None, {})


@given(
    groups=st.lists(st.lists(st.booleans(), min_size=1, max_size=6), min_size=1, max_size=4),
    k=st.sampled_from([1, 2, 4]),
)
def test_pass_at_k_is_the_share_of_draws_with_a_correct_one(groups: list[list[bool]], k: int) -> None:
    found = tally_of(*(result([float(right) for right in group]) for group in groups)).summary()
    fitting = [group for group in groups if len(group) >= k]
    if not fitting:
        assert k not in found.pass_at_k
        return
    shares = [sum(map(any, draws)) / len(draws) for draws in ([*combinations(group, k)] for group in fitting)]
    assert found.pass_at_k[k] == pytest.approx(sum(shares) / len(shares))
    assert found.groups_at_k[k] == len(fitting)


def test_pass_at_k_of_a_huge_group_ends_and_agrees_with_whole_numbers() -> None:
    means, bases = pass_at({(10**7, 5, None): 1, (5000, 7, None): 2})
    assert bases[1] == 3
    assert max(means) == 2**23
    assert means[2**23] == pytest.approx(1 - (1 - 2**23 / 10**7) ** 5, rel=1e-5)
    only, _ = pass_at({(5000, 7, None): 1})
    assert only[64] == pytest.approx(1 - comb(4993, 64) / comb(5000, 64), rel=1e-9)


def test_groups_without_variance_are_split_by_kind() -> None:
    found = tally_of(
        result([1.0, 1.0]),
        result([0.0, 0.0]),
        result([0.0, None, 0.0]),
        result([0.5, 0.5]),
        result([0.0, 1.0]),
        result([1.0]),
    ).summary()
    assert found.groups == 5
    assert (found.groups_all_right, found.groups_all_wrong, found.groups_all_equal) == (1, 2, 1)


@given(st.permutations([(1, 1.0), (1, 0.0), (1, 0.0), (2, 1.0), (2, 1.0), (3, 0.0), (0, 1.0)]))
def test_rows_of_a_group_need_not_be_neighbours(rows: list[tuple[int, float]]) -> None:
    found = tally_of(*(result([reward], group) for group, reward in rows)).summary()
    assert (found.groups, found.groups_all_right, found.groups_all_wrong) == (2, 1, 0)
    assert found.groups_complete


def test_more_groups_than_can_be_kept_open_are_counted_by_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_GROUPS", 2)
    rows = [result([1.0], group) for group in (1, 1, 2, 2, 3, 3, 4, 4)]
    found = tally_of(*rows).summary()
    assert (found.groups, found.groups_all_right, found.groups_complete) == (4, 4, False)


def test_slowest_rows_are_named_most_first() -> None:
    found = tally_of(*(result([1.0], 0, seconds) for seconds in (0.1, 0.9, 0.2, 0.3, 0.05, 0.8, 0.4))).summary()
    assert [row.place for row in found.slowest] == ["f:2", "f:6", "f:7", "f:4", "f:3"]


def test_many_different_rewards_stay_a_few_kinds() -> None:
    counts = tally_of(*(result([i / 1000]) for i in range(1, 1000))).counts()
    assert len(counts) == 1


def test_summary_is_json() -> None:
    data = json.loads(json.dumps(tally_of(result([1.0, 0.0], 5)).summary(columns="c").to_json()))
    assert data["pass_at_k"] == {"1": 0.5, "2": 1.0}
    assert data["slowest"] == [{"place": "f:1", "elapsed_s": 0.0}]


@pytest.mark.parametrize(("rewards", "shown"), [([0.5, 0.25], False), ([1.0, 0.25], True), ([0.5, 0.0], True)])
def test_print_when_nothing_is_called_right_or_wrong_then_no_pass_at_k(rewards: list[float], shown: bool) -> None:
    stream = StringIO()
    print_summary(tally_of(result(rewards, 5)).summary(columns="c"), stream)
    assert ("pass@k" in stream.getvalue()) is shown


def test_pass_at_one_is_the_share_correct() -> None:
    assert pass_at({(4, 1, None): 3, (4, 4, 1.0): 1})[0][1] == pytest.approx(0.4375)


ROWS = st.builds(
    result,
    st.lists(st.sampled_from([None, 0.0, 0.5, 1.0]), min_size=1, max_size=3),
    st.integers(0, 4),
    st.floats(0, 10, allow_nan=False),
)


@given(st.lists(ROWS, max_size=20), st.integers(0, 20))
def test_merge_when_rows_are_cut_into_parts_then_the_sums_are_those_of_all(rows, cut) -> None:
    whole, *parts = Tally(), Tally(), Tally(), Tally()
    bounds = [0, cut // 2, cut, len(rows)]
    for number, row in enumerate(rows):
        whole.add(row, f"f:{number}")
    for part, start, end in zip(parts, bounds, bounds[1:], strict=False):
        for number in range(start, min(end, len(rows))):
            part.add(rows[number], f"f:{number}")
    merged = Tally()
    for part in parts:
        part.summary()
        merged.merge(part)
    assert merged.summary() == whole.summary()
