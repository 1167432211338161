"""Calibration: curves against hand-worked values, and probabilities that come true on prompts not seen."""

import json
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.evaluation.calibration import Calibration, calibrate, fit_calibration
from reward_models.evaluation.curves import Curve, Point, average, isotonic, logistic, sigmoid, symmetric_logistic
from reward_models.evaluation.reliability import pair_reliability, reliability, stars_reliability
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.types import Answer, Preference, RatedPrompt
from verifiers.errors import InputError, UsageError


def noisy_prompts(count: int, seed: int, *, human_noise: float = 1.0, scale: float = 1.0) -> list[ScoredPrompt]:
    """Prompts of five answers: stars of a hidden quality, scores of the same with noise of their own."""
    random = Random(seed)
    prompts = []
    for place in range(count):
        quality = [random.gauss(3, 1) for _ in range(5)]
        stars = [float(min(5, max(1, round(q + random.gauss(0, human_noise))))) for q in quality]
        scores = tuple(scale * (q + random.gauss(0, 0.7)) for q in quality)
        prompts.append(ScoredPrompt(RatedPrompt(str(place), tuple(Answer("a", s) for s in stars)), scores))
    return prompts


def test_isotonic_when_worked_by_hand_then_pools_violators():
    curve = isotonic([Point(0, 1, 1), Point(1, 3, 1), Point(2, 2, 1), Point(3, 4, 1)])
    assert curve == Curve((0, 1.5, 3), (1, 2.5, 4))
    assert [curve(x) for x in (-9, 0, 0.75, 3, 9)] == [1, 1, 1.75, 4, 4]


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 1)), min_size=1, max_size=60))
def test_isotonic_when_any_data_then_never_falls_and_keeps_the_mean(rows):
    points = average([x for x, _ in rows], [y for _, y in rows], [1.0] * len(rows))
    curve = isotonic(points)
    assert list(curve.y_K) == sorted(curve.y_K)
    assert list(curve.x_K) == sorted(set(curve.x_K))
    assert min(y for _, y in rows) - 1e-9 <= curve.y_K[0] <= curve.y_K[-1] <= max(y for _, y in rows) + 1e-9


def test_average_when_scores_are_equal_then_they_are_not_parted():
    points = average([1.0] * 30 + [2.0], [0.0, 1.0] * 15 + [1.0], [1.0] * 31)
    assert points == [Point(1.0, 0.5, 30.0), Point(2.0, 1.0, 1.0)]


def test_logistic_when_data_follow_one_then_finds_it():
    points = [Point(x / 10, 1 + 4 * sigmoid(1.5 * x / 10 - 0.5), 100.0) for x in range(-30, 31)]
    curve = logistic(points, 1, 5)
    assert all(curve(point.x) == pytest.approx(point.y, abs=0.02) for point in points)


def test_logistic_when_stars_fall_with_the_score_then_the_weighted_mean_everywhere():
    curve = logistic([Point(0.0, 5.0, 1.0), Point(1.0, 1.0, 10.0)], 1.0, 5.0)
    assert [curve(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0)] == pytest.approx([15 / 11] * 5)


def test_symmetric_logistic_when_humans_toss_a_coin_half_the_time_then_never_surer():
    points = [Point(x / 10, 0.25 + 0.5 * sigmoid(3 * x / 10), 1000.0) for x in range(60)]
    curve = symmetric_logistic(points)
    assert curve(0) == 0.5
    assert all(curve(point.x) == pytest.approx(point.y, abs=0.02) for point in points)


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
@pytest.mark.parametrize("human_noise", [0.3, 2.0])
def test_calibration_when_prompts_are_unseen_then_ece_is_within_the_bar(scale: float, human_noise: float):
    calibration = calibrate(noisy_prompts(300, 1, human_noise=human_noise, scale=scale))
    held_out = noisy_prompts(600, 2, human_noise=human_noise, scale=scale)
    pairs, stars = pair_reliability(calibration, held_out), stars_reliability(calibration, held_out)
    assert pairs.error <= 0.05
    assert pairs.by_chance < 0.03
    assert stars.error <= 0.15, "stars of five"
    assert [b.predicted for b in pairs.bins_B] == sorted(b.predicted for b in pairs.bins_B)


def test_calibration_when_the_model_is_upside_down_then_claims_nothing():
    flipped = [ScoredPrompt(p.rated, tuple(-s for s in p.scores_N)) for p in noisy_prompts(200, 3)]
    calibration = calibrate(flipped)
    assert calibration.probability(3.0, -3.0) == pytest.approx(0.5, abs=0.02)
    assert calibration.stars_of(5.0) - calibration.stars_of(-5.0) == pytest.approx(0, abs=0.1)


def test_calibration_when_read_back_from_a_card_then_is_the_same():
    calibration = calibrate(noisy_prompts(60, 4))
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert again == calibration
    assert again.calibrated(3.0) == calibration.stars_of(3.0)


@pytest.mark.parametrize(
    "value", [None, {}, {"shape": 3}, {"shape": {"count": "x"}}], ids=["none", "empty", "number", "text"]
)
def test_calibration_when_a_card_holds_something_else_then_says_so(value):
    with pytest.raises(InputError, match="calibration"):
        Calibration.from_json(value)


@pytest.mark.parametrize(
    ("place", "field", "value", "told"),
    [
        ("stars", "y_K", [], r"stars\.y_K is empty"),
        ("stars", "y_K", [1.0], r"stars has \d+ knots and 1 values"),
        ("stars", "y_K", [math.nan], r"stars\.y_K holds a number"),
        ("shape", "quantiles_Q", [], r"shape\.quantiles_Q is empty"),
        ("shape", "quantiles_Q", [2.0, 1.0], r"shape\.quantiles_Q does not ascend"),
        ("shape", "mean", math.inf, r"shape\.mean holds"),
        ("shape", "mean", 1e200, r"shape\.mean holds"),
        pytest.param("shape", "mean", 10**400, r"shape\.mean", id="huge"),
        ("shape", "std", -1.0, r"shape\.std is -1\.0"),
        ("shape", "std", "1", r"shape\.std"),
    ],
)
def test_calibration_when_a_cards_numbers_cannot_be_then_names_file_and_field(
    place: str, field: str, value: object, told: str
):
    card = calibrate(noisy_prompts(60, 4)).to_json()
    card[place][field] = value
    with pytest.raises(InputError, match=f"^a/rm_card.json: .*{told}"):
        Calibration.from_json(card, "a/rm_card.json")


def test_calibration_when_knots_do_not_ascend_then_says_so():
    card = calibrate(noisy_prompts(60, 4)).to_json()
    card["stars"] = {"x_K": [0.0, 0.0, 1.0], "y_K": [1.0, 2.0, 3.0]}
    with pytest.raises(InputError, match=r"stars\.x_K does not strictly ascend"):
        Calibration.from_json(card)


def test_calibration_when_only_pairs_then_win_rate_and_antisymmetry():
    random = Random(5)
    rated, scores = [], []
    for place in range(400):
        better, worse = random.gauss(1, 1), random.gauss(0, 1)
        rated.append(RatedPrompt(str(place), (Answer("a"), Answer("b")), (Preference(0, 1),)))
        scores.append([better, worse])
    calibration = fit_calibration(scores, rated)
    assert calibration.stars is None
    assert calibration.stars_of(0.0) is None
    assert calibration.pair_count == 400
    assert calibration.probability(2.0, 0.5) + calibration.probability(0.5, 2.0) == pytest.approx(1)
    assert calibration.probability(1.0, 1.0) == 0.5
    rates = [calibration.calibrated(score) for score in (-2.0, 0.5, 3.0)]
    assert rates == sorted(rates)
    assert 0.05 < rates[0] < 0.5 < rates[2] < 0.95
    assert rates[1] == pytest.approx(0.5, abs=0.05)


def test_calibration_when_data_are_too_few_then_has_no_map_but_the_shape():
    calibration = fit_calibration([[2.0, 4.0], [4.0]], [
        RatedPrompt("p", (Answer("a", 1.0), Answer("b", 2.0))), RatedPrompt("q", (Answer("c", 3.0),))])  # fmt: skip
    assert (calibration.stars, calibration.pairs, calibration.pair_count) == (None, None, 1)
    assert calibration.scale == (1.0, 3.0)
    assert calibration.shape.mean == pytest.approx(10 / 3)
    assert calibration.shape.within_std == pytest.approx(math.sqrt(2))
    assert calibration.shape.tie_rate == 0.0
    assert calibration.calibrated(calibration.shape.mean) == 0.0


def test_calibration_when_scores_tie_then_the_rate_is_told():
    calibration = fit_calibration([[1.0, 1.0, 2.0]], [RatedPrompt("p", (Answer("a"), Answer("b"), Answer("c")))])
    assert calibration.shape.tie_rate == pytest.approx(1 / 3)
    assert (calibration.shape.quantiles_Q[0], calibration.shape.quantiles_Q[-1]) == (1.0, 2.0)


def test_calibration_when_all_scores_are_nan_then_says_so():
    with pytest.raises(UsageError, match="NaN"):
        fit_calibration([[math.nan]], [RatedPrompt("p", (Answer("a", 1.0),))])


def test_reliability_when_worked_by_hand_then_agrees():
    found = reliability([0.2] * 20 + [0.8] * 20, [0.0] * 20 + [1.0] * 10 + [0.0] * 10)
    assert [(b.predicted, b.observed, b.count) for b in found.bins_B] == [
        (pytest.approx(0.2), 0.0, 20),
        (pytest.approx(0.8), 0.5, 20),
    ]
    assert found.error == pytest.approx((0.2 + 0.3) / 2)
    # Second bin only: sqrt(2 / pi) x sqrt(.25 / 20), halved.
    assert found.by_chance == pytest.approx(math.sqrt(2 / math.pi) * math.sqrt(0.25 / 20) / 2)
    assert reliability([], []) is None


def test_reliability_when_pairs_of_a_prompt_go_wrong_together_then_chance_is_larger():
    said, was = [0.5] * 100, [float(place < 50) for place in range(100)]
    alone = reliability(said, was)
    together = reliability(said, was, [place // 10 for place in range(100)])
    assert together.error == alone.error
    # Ten prompts of ten pairs each, all of a prompt alike: sqrt(10) times the standard error.
    assert together.by_chance > 1.5 * alone.by_chance
    one_bin = reliability(said[:20], [1.0] * 10 + [0.0] * 10, [0] * 10 + [1] * 10)
    assert one_bin.by_chance == pytest.approx(math.sqrt(2 / math.pi) * math.sqrt(5**2 + 5**2) / 20)
