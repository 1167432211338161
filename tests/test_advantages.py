"""`grpo_bridge.advantages` against worked examples and what must hold for any rewards."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grpo_bridge.advantages import advantages, keep_groups
from grpo_bridge.formulas import METHODS
from verifiers.errors import UsageError

REWARDS = st.one_of(st.none(), st.floats(-10, 10, width=32), st.sampled_from([0.0, 1.0, 0.5]))
GROUPS = st.lists(st.lists(REWARDS, min_size=1, max_size=9), min_size=1, max_size=6)
METHOD = st.sampled_from(sorted(METHODS))
CENTRED = ("grpo", "dr_grpo", "batch", "rloo", "maxrl", "rank")


def run(groups: list[list[float | None]], method: str, **more: object) -> list[list[float]]:
    lengths = [[float(1 + g) for g in range(len(group))] for group in groups]
    return advantages(groups, method, lengths_PG=lengths if method == "opo" else None, **more)


WORKED = [
    ("grpo", [1, 0, 0, 1], [0.8659, -0.8659, -0.8659, 0.8659]),
    ("dr_grpo", [1, 0, 0, 1], [0.5, -0.5, -0.5, 0.5]),
    ("batch", [1, 0, 0, 1], [0.8659, -0.8659, -0.8659, 0.8659]),
    ("rloo", [1, 0, 0, 1], [2 / 3, -2 / 3, -2 / 3, 2 / 3]),
    ("maxrl", [1, 0, 0, 0], [3, -1, -1, -1]),
    ("maxrl", [0, 0, -1, 0], [0, 0, 0, 0]),
    ("maxrl", [1, -1, 1e-300, 1e-300], [0, 0, 0, 0]),
    ("opo", [1, 0, 0, 1], [0.5, -0.5, -0.5, 0.5]),  # lengths 1 2 3 4: (1 + 4) / 10
    ("rank", [5, 1, 1, 3], [1.4368, -0.7899, -0.7899, 0.1]),
    ("reinforce_pp_baseline", [1, 0, 0, 1], [0.866, -0.866, -0.866, 0.866]),
    ("gdpo", [1, 0, 0, 1], [0.8659, -0.8659, -0.8659, 0.8659]),
    # n=8, c=2, k=4: expected = 1 - C(6,4)/C(8,4) = 55/70; wrong: C(5,3)/C(7,3) = 10/35
    ("pass_at_k", [1, 1, 0, 0, 0, 0, 0, 0], [0.5222, 0.5222] + [-0.1741] * 6),
]


@pytest.mark.parametrize(("method", "rewards", "expected"), WORKED)
def test_advantages_on_worked_example_are_the_formula(
    method: str, rewards: list[float | None], expected: list[float]
) -> None:
    if method == "rank":  # ranks 3, .5, .5, 2; mean 1.5
        deviation = math.sqrt((1.5**2 + 1 + 1 + 0.5**2) / 3)
        expected = [1.5 / deviation, -1 / deviation, -1 / deviation, 0.5 / deviation]
    assert run([rewards], method)[0] == pytest.approx(expected, abs=1e-4)


def test_method_names_are_stable() -> None:
    names = "grpo dr_grpo batch rloo gdpo reinforce_pp_baseline opo maxrl pass_at_k rank"
    assert list(METHODS) == names.split()


@given(GROUPS, METHOD)
def test_advantages_of_any_rewards_keep_shape_and_are_finite(groups: list[list[float | None]], method: str) -> None:
    result = run(groups, method)
    assert [*map(len, result)] == [*map(len, groups)]
    assert all(math.isfinite(value) for row in result for value in row)


@given(GROUPS, METHOD)
def test_advantages_of_what_was_not_judged_are_zero(groups: list[list[float | None]], method: str) -> None:
    result = run(groups, method)
    assert all(
        a == 0 for group, row in zip(groups, result, strict=True) for r, a in zip(group, row, strict=True) if r is None
    )


@given(GROUPS, st.sampled_from([m for m in METHODS if m != "opo"]))
def test_advantages_without_the_unjudged_are_the_same(groups: list[list[float | None]], method: str) -> None:
    kept = [[r for r in group if r is not None] or [None] for group in groups]
    whole = [
        [a for r, a in zip(group, row, strict=True) if r is not None] or [0.0]
        for group, row in zip(groups, run(groups, method), strict=True)
    ]
    assert run(kept, method) == [pytest.approx(row, abs=1e-12) for row in whole]


@given(GROUPS, st.sampled_from(CENTRED))
def test_advantages_of_a_group_add_up_to_zero(groups: list[list[float | None]], method: str) -> None:
    for row in run(groups, method):
        assert sum(row) == pytest.approx(0, abs=1e-6 * max(1, *map(abs, row)))


@given(st.floats(-1e6, 1e6), st.integers(1, 40), st.sampled_from([m for m in METHODS if m not in ("gdpo",)]))
def test_advantages_of_equal_rewards_are_exactly_zero(reward: float, size: int, method: str) -> None:
    assert run([[reward] * size], method, eps=0.0) == [[0.0] * size]


@given(GROUPS, METHOD, st.randoms(use_true_random=False))
def test_advantages_do_not_depend_on_the_order_of_groups(
    groups: list[list[float | None]], method: str, random: object
) -> None:
    order = list(range(len(groups)))
    random.shuffle(order)
    shuffled = run([groups[i] for i in order], method)
    straight = run(groups, method)
    for place, i in enumerate(order):
        assert shuffled[place] == pytest.approx(straight[i], rel=1e-6, abs=1e-6)


@given(GROUPS)
def test_higher_reward_never_has_lower_advantage(groups: list[list[float | None]]) -> None:
    for method in METHODS:
        for group, row in zip(groups, run(groups, method), strict=True):
            pairs = sorted((r, a) for r, a in zip(group, row, strict=True) if r is not None)
            assert all(a <= b + 1e-9 for (_, a), (_, b) in pairwise(pairs))


def test_gdpo_of_several_rewards_weighs_them() -> None:
    rewards = [[[1, 0], [0, 1], [1, 1], [0, 0]]]
    (both,) = advantages(rewards, "gdpo")
    (first,) = advantages(rewards, "gdpo", weights=[1, 0])
    assert both == pytest.approx([0, 0, 1.2246, -1.2246], abs=1e-3)
    assert first == pytest.approx([0.866, -0.866, 0.866, -0.866], abs=1e-3)


def test_gdpo_with_one_reward_missing_counts_the_others() -> None:
    rewards = [[[1.0, None], [0.0, 1.0], [None, None], [1.0, 0.0]]]
    (row,) = advantages(rewards, "gdpo")
    assert row[2] == 0
    assert all(math.isfinite(value) for value in row)


def test_pass_at_k_of_a_group_always_solved_within_k_teaches_nothing() -> None:
    assert advantages([[1, 0, 0, 1]], "pass_at_k", k=4) == [[0, 0, 0, 0]]


def test_keep_groups_drops_those_without_contrast() -> None:
    assert keep_groups([[1, 1, None], [1, 0], [None, None], [0, 0, 0]]) == [False, True, False, False]


def test_nan_is_not_judged() -> None:
    assert advantages([[1, 0, math.nan]]) == advantages([[1, 0, None]])


REFUSED = [
    ({"method": "ppo"}, "there is no method"),
    ({"rewards_PG": [1, 2]}, "two axes"),
    ({"rewards_PG": "ab"}, "list of groups"),
    ({"rewards_PG": [[math.inf]]}, "not inf"),
    ({"rewards_PG": [[1e300]]}, "1e\\+300"),
    ({"rewards_PG": [["1"]]}, "'1'"),
    ({"rewards_PG": [[[1, 2]]]}, "only method 'gdpo'"),
    ({"method": "opo"}, "needs lengths_PG"),
    ({"method": "opo", "lengths_PG": [[1, 2, 3]]}, "its shape"),
    ({"method": "opo", "lengths_PG": [[1, -2]]}, "at least 0"),
    ({"method": "opo", "lengths_PG": [[1, None]]}, "at least 0"),
    ({"eps": -1.0}, "eps"),
    ({"k": 0, "method": "pass_at_k"}, "k"),
    ({"rewards_PG": [[[1, 2], [1]]], "method": "gdpo"}, "same number of rewards"),
    ({"rewards_PG": [[[1, 2], [1, 2]]], "method": "gdpo", "weights": [1]}, "2 rewards"),
]


@pytest.mark.parametrize(("arguments", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_advantages_of_what_does_not_fit_says_so(arguments: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        advantages(**{"rewards_PG": [[1, 0]], **arguments})
