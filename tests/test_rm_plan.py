"""Batches of answers: prompts kept together, budgets held, the same again after a resume; packing; the stars' scale."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.batching.chunks import chunks_by_length
from reward_models.batching.plan import BatchPlan
from reward_models.batching.sampler import PlannedBatches
from reward_models.batching.scale import MAX_LEVELS, StarScale
from reward_models.types import Answer, RatedPrompt, Rating
from verifiers.errors import UsageError

answers = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)), max_size=60)


def long_tailed(count: int, seed: int = 0) -> list[int]:
    rng = Random(seed)
    return [min(512, max(8, int(rng.lognormvariate(4.6, 0.8)))) for _ in range(count)]


def grouped(count: int, per_prompt: int) -> list[int]:
    return [index // per_prompt for index in range(count)]


@given(answers, st.integers(1, 200), st.booleans(), st.integers(1, 3), st.booleans())
def test_plan_when_any_then_every_answer_is_in_one_batch_and_budgets_hold(
    rows: list[tuple[int, int]], budget: int, shuffle: bool, ranks: int, padded: bool
):
    plan = BatchPlan([n for n, _ in rows], [p for _, p in rows], budget, shuffle=shuffle, ranks=ranks, padded=padded)
    per_rank = [plan.batches(2, rank) for rank in range(ranks)]
    assert len({len(batches) for batches in per_rank}) == 1
    batches = [batch for batches in per_rank for batch in batches]
    distinct = {tuple(batch) for batch in batches}
    assert len(batches) - len(distinct) < ranks
    assert Counter(index for batch in distinct for index in batch) == Counter(range(len(rows)))
    assert all(plan.cost(batch) <= budget or len(batch) == 1 for batch in batches)


@given(answers, st.integers(480, 2000))
def test_plan_when_a_prompt_fits_the_budget_then_its_answers_are_together(rows: list[tuple[int, int]], budget: int):
    plan = BatchPlan([n for n, _ in rows], [p for _, p in rows], budget)
    place = {index: number for number, batch in enumerate(plan.batches()) for index in batch}
    by_prompt: dict[int, list[int]] = {}
    for index, (_, prompt) in enumerate(rows):
        by_prompt.setdefault(prompt, []).append(index)
    for group in by_prompt.values():
        if plan.cost(group) <= budget:
            assert len({place[index] for index in group}) == 1


def test_plan_when_a_prompt_is_over_the_budget_then_epochs_pair_its_answers_differently():
    plan = BatchPlan([10] * 12, [0] * 12, 40)
    met = {pair for epoch in range(30) for b in plan.batches(epoch) for pair in ((i, j) for i in b for j in b if i < j)}
    assert len(met) == 12 * 11 // 2


def test_plan_when_asked_again_then_the_same_and_other_epochs_and_seeds_differ():
    lengths, prompts = long_tailed(200), grouped(200, 4)
    plan = BatchPlan(lengths, prompts, 2000, seed=3)
    assert plan.batches(1) == BatchPlan(lengths, prompts, 2000, seed=3).batches(1)
    assert plan.batches(1) != plan.batches(2)
    assert plan.batches(1) != BatchPlan(lengths, prompts, 2000, seed=4).batches(1)
    assert plan.total(3) == sum(len(plan.batches(epoch)) for epoch in range(3))


def test_plan_when_the_run_begins_then_the_heaviest_batch_is_first():
    plan = BatchPlan(long_tailed(200), grouped(200, 4), 3000)
    batches = plan.batches(0)
    assert plan.cost(batches[0]) == max(map(plan.cost, batches))


def test_plan_when_sorted_then_pads_less_than_random_order():
    lengths = long_tailed(2000)
    plan = BatchPlan(lengths, list(range(2000)), 4096)
    batches = plan.batches()
    assert sum(lengths) / sum(map(plan.cost, batches)) > 0.85
    shuffled = [list(range(i, i + 16)) for i in range(0, 2000, 16)]
    assert sum(lengths) / sum(map(plan.cost, shuffled)) < 0.6


def test_cut_when_memory_ran_out_then_even_parts_fit_and_nothing_is_lost():
    plan = BatchPlan([5, 50, 6, 40, 7, 30], [0] * 6, 300)
    parts = plan.cut([0, 1, 2, 3, 4, 5], 150)
    assert sorted(index for part in parts for index in part) == [0, 1, 2, 3, 4, 5]
    assert all(plan.cost(part) <= 150 for part in parts)
    assert plan.cut([1], 10) == [[1]]


def test_sampler_when_resumed_then_goes_on_with_the_next_batch():
    plan = BatchPlan(long_tailed(100), grouped(100, 2), 1500)
    first, second = PlannedBatches(plan), PlannedBatches(plan)
    first.set_epoch(1)
    everything = list(first)
    second.resume(1, 4)
    second.set_epoch(1)
    assert list(second) == everything[4:]
    assert len(second) == len(everything) - 4
    second.set_epoch(2)
    assert list(second) == plan.batches(2)


@pytest.mark.parametrize(("lengths", "prompts", "budget"), [([1], [0, 1], 5), ([1], [0], 0)])
def test_plan_when_it_cannot_be_then_says_why(lengths: list[int], prompts: list[int], budget: int):
    with pytest.raises(UsageError):
        BatchPlan(lengths, prompts, budget)


@given(st.lists(st.integers(1, 100), max_size=40), st.integers(1, 200) | st.none())
def test_chunks_when_any_then_all_answers_once_and_the_limit_holds(lengths: list[int], most: int | None):
    chunks = chunks_by_length(lengths, most)
    assert sorted(n for chunk in chunks for n in chunk) == list(range(len(lengths)))
    limit = most or sum(lengths) * 100
    assert all(len(c) == 1 or max(lengths[n] for n in c) * len(c) <= limit for c in chunks)


def test_chunks_when_lengths_differ_then_the_cheapest_cut_is_found():
    # Two chunks: 2 x 10 + 2 x 100 + 2 starts of 30 = 280; one: 4 x 100 + 30 = 430.
    assert chunks_by_length([100, 10, 99, 9], pass_tokens=30) == [[3, 1], [2, 0]]
    assert chunks_by_length([100, 10, 99, 9], pass_tokens=1000) == [[3, 1, 2, 0]]


def rated(*stars: float | None, weight: float = 1.0) -> RatedPrompt:
    return RatedPrompt("q", tuple(Answer("a", stars=s, weight=weight, ratings=()) for s in stars))


def test_scale_when_fitted_then_standardises_to_mean_0_and_spread_1():
    scale = StarScale.fit([rated(1.0, 3.0), rated(5.0, None)])
    assert (scale.mean, scale.std) == (3.0, pytest.approx((8 / 3) ** 0.5))
    assert scale.standardise(3.0) == 0.0
    assert scale.stars(scale.standardise(4.5)) == pytest.approx(4.5)


@pytest.mark.parametrize(("stars", "level"), [(1.0, 0.0), (3.0, 1.0), (4.0, 1.5), (5.0, 2.0), (0.0, 0.0), (9.0, 2.0)])
def test_level_when_between_two_then_a_fraction_and_clipped_outside(stars: float, level: float):
    assert StarScale.fit([rated(1.0, 3.0, 5.0)]).level(stars) == level


def test_scale_when_labels_are_means_then_levels_are_what_raters_gave():
    answer = Answer(
        "a", stars=2.4, ratings=(Rating(2.0), Rating(3.0), Rating(1.0, aspect="safe")), aspects={"safe": 1.0}
    )
    scale = StarScale.fit([RatedPrompt("q", (answer, Answer("b", stars=5.0, ratings=(Rating(5.0),))))])
    assert scale.levels == (2.0, 3.0, 5.0)
    assert scale.aspects["safe"].levels == (1.0,)
    assert StarScale.from_json(scale.to_json()) == scale


def test_scale_when_all_equal_or_absent_then_labels_are_0():
    assert StarScale.fit([rated(4.0, 4.0)]).standardise(4.0) == 0.0
    assert StarScale.fit([rated(None)]) == StarScale(0.0, 1.0, ())


def test_scale_when_stars_are_many_then_levels_are_few():
    scale = StarScale.fit([rated(*(float(n) for n in range(101)))])
    assert len(scale.levels) == MAX_LEVELS
    assert (scale.levels[0], scale.levels[-1]) == (0.0, 100.0)


@pytest.mark.parametrize("stored", [{}, {"mean": True, "std": 1.0}, {"mean": 0.0, "std": 1.0, "levels": 5}])
def test_scale_when_stored_wrong_then_refused(stored: dict):
    with pytest.raises(ValueError, match="star scale"):
        StarScale.from_json(stored)
