"""Agreement of raters against published figures, and the correction of strict and kind ones."""

from pathlib import Path
from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.data.agreement import Level, alpha, icc
from reward_models.data.labels import label, relabelled
from reward_models.data.raters import MIN_RATINGS, fit_raters, observed
from reward_models.data.reading import read_rated
from reward_models.types import Answer, RatedPrompt, Rating

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Table 2 of Shrout & Fleiss 1979: ICC(1,1) = .17, ICC(1,4) = .44."""
KRIPPENDORFF = [
    [1, 1, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4],
    [4, 4, 4, 4], [1, 1, 2, 1], [2, 2, 2, 2], [5, 5, 5], [1, 1], [3],
]  # fmt: skip
"""Example C of Krippendorff 2011: four observers, twelve units: .743 nominal, .815 ordinal, .849 interval."""


def test_icc_when_shrout_and_fleiss_then_their_figures():
    found = icc(SHROUT_FLEISS)
    assert found is not None
    assert (round(found.single, 2), round(found.mean, 2)) == (0.17, 0.44)
    assert (found.k, found.units) == (4, 6)


def test_icc_when_two_units_then_as_by_hand():
    # Means 1.5 and 4.5, grand 3: between 2 x (2 x 1.5^2) / 1 = 9, within (4 x .5^2) / 2 = .5; (9 - .5) / (9 + .5).
    assert icc([[1, 2], [4, 5]]) == (pytest.approx(8.5 / 9.5), pytest.approx(8.5 / 9), 2, 2)


@pytest.mark.parametrize("units", [[], [[1, 2]], [[1], [2]], [[1, 1], [1, 1]]])
def test_icc_when_nothing_can_be_told_then_none(units):
    assert icc(units) is None


@pytest.mark.parametrize(
    ("level", "expected"), [(Level.NOMINAL, 0.743), (Level.ORDINAL, 0.815), (Level.INTERVAL, 0.849)]
)
def test_alpha_when_krippendorffs_example_then_his_figures(level: Level, expected: float):
    assert alpha(KRIPPENDORFF, level) == pytest.approx(expected, abs=5e-4)


def test_alpha_when_two_units_then_as_by_hand():
    # Nominal, [0,0] and [0,1]: observed 2 of 4 ordered pairs, expected 6 of 12.
    assert alpha([[0, 0], [0, 1]], Level.NOMINAL) == pytest.approx(0.0)
    assert alpha([[1, 1], [2, 2]], Level.INTERVAL) == 1.0
    assert alpha([[1, 1], [1, 1]], Level.INTERVAL) is None
    assert alpha([], Level.ORDINAL) is None


@given(st.lists(st.lists(st.integers(1, 5), min_size=2, max_size=4), min_size=2, max_size=8))
def test_alpha_when_values_are_moved_and_stretched_then_is_the_same(units: list[list[int]]):
    for level in Level:
        one, other = alpha(units, level), alpha([[3 * value - 7 for value in unit] for unit in units], level)
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other, abs=1e-9)


def prompts_of(ratings: list[tuple[str, str, float]]) -> list[RatedPrompt]:
    """Return one prompt an answer, of (answer, rater, stars)."""
    by_answer: dict[str, list[Rating]] = {}
    for answer, rater, stars in ratings:
        by_answer.setdefault(answer, []).append(Rating(stars, rater))
    return [RatedPrompt(name, (Answer(name, ratings=tuple(given)),)) for name, given in by_answer.items()]


def test_fit_raters_when_each_answer_has_one_rater_then_the_known_shrinkage():
    random = Random(0)
    kind = {f"r{number}": random.gauss(0, 0.8) for number in range(60)}
    given = [(f"{r}-{n}", r, 3 + o + random.gauss(0, 1)) for r, o in kind.items() for n in range(10)]
    model = fit_raters(prompts_of(given))
    mean = sum(stars for _, _, stars in given) / len(given)
    shrink = 10 * model.between / (10 * model.between + model.rest)
    for rater in kind:
        own = sum(stars for _, by, stars in given if by == rater) / 10
        assert model.offsets[rater] == pytest.approx(shrink * (own - mean), abs=1e-3)
    assert model.between == pytest.approx(0.64, rel=0.3)
    assert model.rest == pytest.approx(1.0, rel=0.15)
    assert model.share == pytest.approx(0.39, abs=0.08)


def test_fit_raters_when_answers_are_shared_then_tells_kind_raters_from_good_answers():
    # Rater b meets only the good half; both rate the middle alike, but for b's kindness of 1.
    quality = {f"a{number}": number / 10 for number in range(40)}
    given = [(name, "a", good) for name, good in quality.items() if good < 3]
    given += [(name, "b", good + 1) for name, good in quality.items() if good >= 1]
    model = fit_raters(prompts_of(given))
    assert model.offsets["b"] - model.offsets["a"] == pytest.approx(1.0, abs=0.15)


def test_fit_raters_when_raters_do_not_differ_then_hardly_corrects():
    random = Random(1)
    given = [(f"{n}", f"r{n % 40}", random.gauss(3, 1)) for n in range(400)]
    model = fit_raters(prompts_of(given))
    assert max(map(abs, model.offsets.values())) < 0.25


@pytest.mark.parametrize("seed", range(6))
def test_fit_raters_when_raters_hardly_differ_then_their_variance_is_the_likeliest(seed: int):
    random = Random(seed)
    stars = [[random.gauss(3, 1) for _ in range(5)] for _ in range(50)]
    model = fit_raters(prompts_of([(f"{r}-{n}", f"r{r}", x) for r, row in enumerate(stars) for n, x in enumerate(row)]))
    # Of equally many ratings each, maximum likelihood has a closed form (one-way analysis of variance).
    means = [fmean(row) for row in stars]
    within = sum((x - mean) ** 2 for row, mean in zip(stars, means, strict=True) for x in row) / (50 * 4)
    between = 5 * sum((mean - fmean(means)) ** 2 for mean in means) / 50
    assert model.between == pytest.approx(max(0.0, (between - within) / 5), abs=1e-3)


@pytest.mark.parametrize(
    ("counts", "mode", "on"),
    [
        ({"a": MIN_RATINGS, "b": MIN_RATINGS}, "auto", True),
        ({"a": MIN_RATINGS, "b": MIN_RATINGS - 1}, "auto", False),
        ({"a": 2, "b": 2}, "on", True),
        ({"a": MIN_RATINGS, "b": MIN_RATINGS}, "off", False),
        ({"a": 50}, "on", False),
        ({"": 50}, "auto", False),
    ],
)
def test_fit_raters_when_few_then_off_unless_asked(counts, mode, on):
    given = [(f"{rater}{n}", rater, float(n % 5)) for rater, count in counts.items() for n in range(count)]
    model = fit_raters(prompts_of(given), mode)
    assert (model.on, bool(model.offsets)) == (on, on)
    assert model.why


def test_fit_raters_when_all_ratings_are_the_same_then_no_offset():
    assert set(fit_raters(prompts_of([(f"{n}", f"r{n % 2}", 3.0) for n in range(20)])).offsets.values()) == {0.0}


def test_label_when_offsets_then_taken_off_each_rater():
    ratings = [Rating(4, "kind"), Rating(2, "strict", weight=3), Rating(3, "new")]
    assert label(ratings, {}, {"kind": 1.0, "strict": -1.0}) == (3.0, {})
    assert label(ratings[:0], {}) == (None, {})
    both = [Rating(4, "x", aspect="long"), Rating(1, "x", aspect="good")]
    assert label(both, {"long": -1.0, "good": 3.0})[0] == pytest.approx((3 - 4) / 4)
    assert label([*both, Rating(5, "y")], {}) == (5.0, {"long": 4.0, "good": 1.0})


def test_relabelled_when_done_twice_then_corrects_once():
    prompts = prompts_of([("p", "kind", 5.0), ("q", "strict", 1.0)])
    once = relabelled(prompts, {}, {"kind": 0.5})
    assert [rated.answers[0].stars for rated in once] == [4.5, 1.0]
    assert relabelled(once, {}, {"kind": 0.5}) == once


def test_raters_when_topical_chat_then_the_known_share_of_variance(shared_data: Path):
    data = read_rated([shared_data / "ratings" / "topical_chat_ratings.jsonl.gz"])
    by_rater: dict[str, list[float]] = {}
    for each in observed(data.prompts):
        by_rater.setdefault(each.rater, []).append(each.stars)
    apart = icc(by_rater.values())
    assert apart is not None
    assert apart.single == pytest.approx(0.687, abs=5e-4)
    model = fit_raters(data.prompts)
    assert model.on
    assert model.share == pytest.approx(apart.single, abs=0.03)


def test_raters_when_mohler_then_both_rate_all_and_no_order_within_a_prompt_changes(shared_data: Path):
    data = read_rated([shared_data / "ratings" / "mohler_asag_ratings.jsonl.gz"])
    model = fit_raters(data.prompts)
    corrected = relabelled(data.prompts, {}, model.offsets)
    for before, after in zip(data.prompts, corrected, strict=True):
        moved = [one.stars - two.stars for one, two in zip(before.answers, after.answers, strict=True)]  # type: ignore[operator]
        assert max(map(abs, moved)) < 0.09
