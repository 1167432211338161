"""Rank statistics, bootstrap and pair accuracy against hand-worked values and slow definitions."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.evaluation.bootstrap import MAX_BLOCKS, difference, interval
from reward_models.evaluation.compare import compare
from reward_models.evaluation.quality import RANK_QUALITY, best_is_best, measure, order_found
from reward_models.evaluation.ranking import count_pairs, kendall, partial_spearman, pearson, ranks, spearman
from reward_models.evaluation.scored import MAX_PAIRS_A_PROMPT, ScoredPrompt, scored_pairs, with_scores
from reward_models.types import Answer, Preference, RatedPrompt, Rating
from verifiers.errors import UsageError

small_numbers = st.integers(-3, 3).map(float)


def starred(prompt: str, stars: list[float | None], scores: list[float]) -> ScoredPrompt:
    answers = tuple(Answer(f"answer {place}", value) for place, value in enumerate(stars))
    return ScoredPrompt(RatedPrompt(prompt, answers), tuple(scores))


def preferred(scores: list[float], *preferences: Preference) -> ScoredPrompt:
    answers = tuple(Answer(f"answer {place}") for place in range(len(scores)))
    return ScoredPrompt(RatedPrompt("q", answers, preferences), tuple(scores))


def test_ranks_when_values_tie_then_they_share_the_mean_rank():
    assert ranks([10.0, 20.0, 20.0, 5.0]) == [2.0, 3.5, 3.5, 1.0]


def test_correlations_when_worked_by_hand_then_agree():
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 4.0, 3.0, 5.0]
    assert spearman(x, y) == pytest.approx(0.8)  # 1 - 6 x 4 / (5 x 24)
    assert kendall(x, y) == pytest.approx(0.6)  # (8 - 2) / 10
    assert pearson([0.0, 1.0, 2.0], [0.0, 1.0, 0.0]) == pytest.approx(0.0)
    # tau-b with one tie in each list: (4 - 0) / sqrt(5 x 5)
    assert kendall([1.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 3.0]) == pytest.approx(4 / 5)


@pytest.mark.parametrize("statistic", [pearson, spearman, kendall])
@pytest.mark.parametrize("values", [[], [1.0], [2.0, 2.0, 2.0]], ids=["empty", "one", "constant"])
def test_correlation_when_it_does_not_exist_then_none(statistic, values):
    assert statistic(values, [float(place) for place in range(len(values))]) is None


def test_partial_spearman_when_length_explains_all_then_nothing_is_left():
    length = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    score = [1.0, 3.0, 2.0, 4.0, 6.0, 5.0]
    stars = [2.0, 1.0, 3.0, 4.0, 5.0, 6.0]
    r_xy, r_xz, r_yz = spearman(score, stars), spearman(score, length), spearman(stars, length)
    expected = (r_xy - r_xz * r_yz) / math.sqrt((1 - r_xz**2) * (1 - r_yz**2))
    assert partial_spearman(score, stars, length) == pytest.approx(expected)
    assert abs(expected) < abs(r_xy)
    assert partial_spearman(score, stars, [1.0] * 6) == r_xy


@given(st.lists(st.tuples(small_numbers, small_numbers), max_size=30))
def test_count_pairs_when_any_then_equals_the_definition(rows):
    scores, labels = [x for x, _ in rows], [y for _, y in rows]
    products = [(a - c) * (b - d) for (a, b), (c, d) in combinations(rows, 2)]
    counts = count_pairs(scores, labels)
    assert counts.concordant == sum(p > 0 for p in products)
    assert counts.discordant == sum(p < 0 for p in products)
    assert counts.tied_labels == sum(b == d for (_, b), (_, d) in combinations(rows, 2))
    assert counts.tied_scores == sum(a == c and b != d for (a, b), (c, d) in combinations(rows, 2))


def test_with_scores_when_an_answer_was_not_scored_then_it_is_left_out_and_positions_follow():
    rated = RatedPrompt("q", (Answer("a"), Answer("b"), Answer("c")), (Preference(2, 1), Preference(0, 2)))
    scored, left_out = with_scores([rated], [[None, 1.0, 2.0]])
    assert left_out == 1
    assert scored[0].scores_N == (1.0, 2.0)
    assert scored[0].rated.preferences == (Preference(1, 0),)
    assert with_scores([rated], [[math.nan, 1e200, math.inf]]) == ([], 3)


def test_with_scores_when_they_do_not_fit_then_says_so():
    with pytest.raises(UsageError, match="one score for every answer"):
        with_scores([RatedPrompt("q", (Answer("a"),))], [[1.0, 2.0]])


def test_measure_when_worked_by_hand_then_agrees():
    # Pairs by stars: (a,b) right, (a,c) right, (b,c) tied labels; second prompt: one pair, tied scores.
    quality = measure([starred("p", [3.0, 1.0, 1.0], [0.9, 0.1, 0.5]), starred("q", [5.0, 2.0], [0.4, 0.4])])
    assert (quality.prompts, quality.answers, quality.pairs, quality.tied_labels) == (2, 5, 3, 1)
    assert quality.pair_accuracy.value == pytest.approx(2.5 / 3)
    assert quality.pair_accuracy.low is None, "two prompts are too few for an interval"
    assert quality.pair_accuracy_by_prompt.value == pytest.approx((1 + 0.5) / 2)
    assert quality.tied_scores == pytest.approx(1 / 3)
    assert quality.best_is_best.value == 1.0
    flat = ([0.9, 0.1, 0.5, 0.4, 0.4], [3.0, 1.0, 1.0, 5.0, 2.0])
    assert quality.spearman.value == pytest.approx(spearman(*flat))
    assert quality.kendall == pytest.approx(kendall(*flat))
    assert quality.across_accuracy == pytest.approx((5 + 0.5) / 9)
    assert quality.headline[0] == "pair accuracy"


def test_measure_when_humans_voted_then_the_majority_and_the_weight_count():
    prompt = preferred(
        [1.0, 0.0, 0.5],
        Preference(0, 1, probability=1.0),
        Preference(2, 0, probability=0.25, weight=2.0),  # Most voted for 0.
        Preference(1, 2, probability=0.5),  # A tie, in no accuracy.
        Preference(1, 2, probability=1.0),
    )
    quality = measure([prompt])
    assert quality.pairs == 4.0
    assert quality.tied_labels == 1
    assert quality.pair_accuracy.value == pytest.approx(3 / 4)


def test_measure_when_one_answer_a_prompt_then_raters_tell():
    def rated(prompt: str, stars: float, rater: str, score: float) -> ScoredPrompt:
        return ScoredPrompt(RatedPrompt(prompt, (Answer("a", stars, ratings=(Rating(stars, rater),)),)), (score,))

    # A kind and a harsh rater: within each the model is right, across them it is not.
    quality = measure([rated("1", 4, "kind", 0.1), rated("2", 5, "kind", 0.2), rated("3", 1, "harsh", 0.8),
                       rated("4", 2, "harsh", 0.9)])  # fmt: skip
    assert quality.pair_accuracy is None
    assert quality.rater_accuracy.value == 1.0
    assert quality.across_accuracy == pytest.approx(2 / 6)
    assert quality.headline[0] == "pair accuracy within raters"


def test_measure_when_nothing_is_labelled_then_says_nothing():
    quality = measure([starred("p", [None, None], [1.0, 2.0])])
    assert (quality.pair_accuracy, quality.spearman, quality.kendall, quality.across_accuracy) == (None,) * 4
    assert quality.headline[1] is None
    assert measure([]).pairs == 0


def test_best_is_best_when_answers_are_many_then_every_one_of_them_is_looked_at():
    stars = [float(place) for place in range(256)]
    for best in (255, 254, 250, 200):
        scores = [float(place == best) for place in range(256)]
        assert best_is_best(starred("p", stars, scores)) == float(best == 255)


stated = st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@given(
    st.lists(st.tuples(st.none() | small_numbers, small_numbers), min_size=5, max_size=5),
    st.lists(stated, max_size=6, unique_by=lambda each: frozenset(each[:2])),
)
def test_best_is_best_when_any_then_equals_the_definition(rows, compared):
    preferences = tuple(Preference(*each) for each in compared if each[0] != each[1])
    answers = tuple(Answer(str(place), stars) for place, (stars, _) in enumerate(rows))
    prompt = ScoredPrompt(RatedPrompt("p", answers, preferences), tuple(score for _, score in rows))
    pairs = scored_pairs(prompt)
    judged = {place for pair in pairs for place in (pair.better, pair.worse)}
    wanted = None
    if len(judged) >= 3:
        top = max(prompt.scores_N[place] for place in judged)
        winners = [place for place in judged if prompt.scores_N[place] == top]
        wanted = sum(all(pair.worse != place for pair in pairs) for place in winners) / len(winners)
    assert best_is_best(prompt) == wanted


def test_scored_pairs_when_a_prompt_has_thousands_then_a_sample():
    prompt = starred("p", [float(place) for place in range(3000)], [float(place) for place in range(3000)])
    pairs = scored_pairs(prompt)
    assert len(pairs) == MAX_PAIRS_A_PROMPT
    assert all(pair.difference > 0 and pair.gap == pair.difference for pair in pairs)
    assert measure([prompt]).pairs == 3000 * 2999 // 2


def mean_of(sums):
    return sums[0] / sums[1]


def test_interval_when_values_are_known_then_covers_the_mean_by_its_standard_error():
    rows = [(float(place % 2), 1.0) for place in range(400)]
    found = interval(rows, mean_of)
    assert found.value == 0.5
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.025, rel=0.2)
    assert found == interval(rows, mean_of), "the same seed gives the same interval"


def test_interval_when_prompts_are_many_then_blocks_keep_its_width():
    rows = [(float(place % 2), 1.0) for place in range(16 * MAX_BLOCKS)]
    found = interval(rows, mean_of)
    assert found.prompts == len(rows)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.5 / math.sqrt(len(rows)), rel=0.2)


def test_difference_when_one_model_is_always_better_then_p_is_small():
    right, wrong = [starred(str(p), [1.0, 2.0], [0.0, 1.0]) for p in range(30)], []
    for place, prompt in enumerate(right):
        wrong.append(starred(str(place), [1.0, 2.0], [1.0, 0.0]) if place % 2 else prompt)
    found = compare(right, wrong)
    assert found.of("pair accuracy") == found.pair_accuracy
    assert found.pair_accuracy.interval.value == 0.5
    assert found.pair_accuracy.p_value < 0.01
    assert found.spearman.interval.value > 0.3
    assert (found.only_first, found.only_second, found.both, found.neither) == (0.5, 0.0, 0.5, 0.0)
    same = compare(right, right).pair_accuracy
    assert (same.interval.value, same.interval.low, same.p_value) == (0.0, 0.0, 1.0)
    assert difference([], mean_of) is None


def test_measure_when_few_answers_have_rivals_then_the_headline_is_another():
    alone = [starred(str(place), [float(place % 5)], [float(place)]) for place in range(20)]
    quality = measure([*alone, starred("pair", [1.0, 2.0], [0.0, 1.0])])
    assert quality.compared == pytest.approx(2 / 22)
    assert quality.pair_accuracy.value == 1.0
    assert quality.headline[0] == "Spearman"


def test_order_found_when_few_prompts_have_rivals_then_their_pairs_hardly_count():
    lone = [starred(f"q{number}", [float(number)], [float(number)]) for number in range(48)]
    found = order_found([*lone, starred("rivals", [5.0, 4.0], [4.0, 5.0])])
    assert found["pair_accuracy"] == 0.0
    assert found["spearman"] > 0.99
    # Of 52 answers that figures stand on, 2 are the pair's, and 50 the rank correlation's.
    assert found[RANK_QUALITY] == pytest.approx(50 / 52 * (1 + found["spearman"]) / 2)
    assert order_found([preferred([2.0, 1.0], Preference(0, 1))])[RANK_QUALITY] == 1.0
    assert order_found([starred("q", [1.0], [1.0])]) == {RANK_QUALITY: 0.5}
