"""What an evaluation says: length, parts, people, best of n, worst disagreements; the page; the command."""

import json
import math
from itertools import combinations
from pathlib import Path
from statistics import mean

import pytest
from rm_scored import pair, prompt, rated_set

from reward_models.data.preparing import prepare, write_prepared
from reward_models.data.reading import read_rated
from reward_models.evaluation.best_of_n import best_of_n
from reward_models.evaluation.buckets import by_length, by_longer, by_source
from reward_models.evaluation.calibration import calibrate
from reward_models.evaluation.disagreements import MAX_TEXT, clipped, worst_answers, worst_pairs
from reward_models.evaluation.distributions import boxes, differences
from reward_models.evaluation.evaluate import LENGTH_BASELINE, Evaluation, Rival, evaluate
from reward_models.evaluation.findings import Level, findings
from reward_models.evaluation.page import page, write_page
from reward_models.evaluation.people import ceiling, raters, vote_ceiling
from reward_models.evaluation.quality import measure
from reward_models.evaluation.rewardbench import SECTIONS, rewardbench_score
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.evaluation.sections import standing
from reward_models.types import Answer, Preference, RatedPrompt, Rating
from verifiers.errors import UsageError

HOSTILE = '</pre><script>alert(1)</script><img src=x onerror="alert(2)"> \ud800 &amp;'


def test_buckets_when_pairs_differ_then_each_is_in_its_own():
    scored = [
        prompt("1", ("a" * 100, 5, 0.9), ("b" * 10, 1, 0.1), source="x"),
        prompt("2", ("a" * 11, 5, 0.1), ("b" * 10, 1, 0.9), source="y"),
        prompt("3", ("a" * 10, 5, 0.9), ("b" * 100, 1, 0.1), source="x"),
    ]
    assert [(b.name, b.pairs, b.pair_accuracy.value) for b in by_longer(scored)] == [
        ("better is much longer", 1, 1.0),
        ("about as long", 1, 0.0),
        ("better is much shorter", 1, 1.0),
    ]
    assert {b.name: (b.pairs, b.answers, b.pair_accuracy.value) for b in by_source(scored)} == {
        "x": (2, 4, 1.0),
        "y": (1, 2, 0.0),
    }
    assert sum(b.pairs for b in by_length(scored)) == 3
    assert sum(b.answers for b in by_length(scored)) == 6
    assert by_source([prompt("1", ("a", 1, 1))]) == []


def test_by_source_when_many_answers_then_says_how_often_the_best_is_best():
    answers = tuple(Answer(text, source="Math") for text in "abcd")
    preferences = tuple(Preference(0, other) for other in (1, 2, 3))
    right = ScoredPrompt(RatedPrompt("1", answers, preferences), (0.9, 0.1, 0.2, 0.3))
    wrong = ScoredPrompt(RatedPrompt("2", answers, preferences), (0.5, 0.1, 0.6, 0.3))
    (bucket,) = by_source([right, wrong])
    assert bucket.best_is_best.value == 0.5
    assert bucket.pair_accuracy.value == pytest.approx(5 / 6)


@pytest.fixture(scope="module", params=["as it is", "prepared"])
def two_subsets(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of one prompt in two subsets whose chosen answer is the same."""
    rows = [
        {"prompt": f"q{n}", "chosen": "good", "rejected": f"worse {subset}", "subset": subset}
        for n in range(6)
        for subset in ("mt-bench-easy", "mt-bench-hard")
    ]
    folder = tmp_path_factory.mktemp("subsets")
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    if request.param == "prepared":
        write_prepared(folder / "out", data := read_rated([folder / "in.jsonl"]), prepare(data), {}, False)
        return folder / "out"
    return folder / "in.jsonl"


def test_by_source_when_an_answer_stands_in_two_subsets_then_each_pair_counts_in_its_own(two_subsets: Path):
    prompts = read_rated([two_subsets]).prompts
    buckets = by_source([ScoredPrompt(rated, tuple(map(float, range(len(rated.answers))))) for rated in prompts])
    assert {bucket.name: bucket.pairs for bucket in buckets} == {"mt-bench-easy": 6, "mt-bench-hard": 6}
    scores = rewardbench_score(buckets)
    assert scores is not None
    assert set(scores.sections) == {"Chat", "Chat Hard"}


def rated_by(rows: list[tuple[dict[str, float], float]]) -> ScoredPrompt:
    answers = tuple(
        Answer("a", mean(given.values()), ratings=tuple(Rating(stars, rater) for rater, stars in given.items()))
        for given, _ in rows
    )
    return ScoredPrompt(RatedPrompt("q", answers), tuple(score for _, score in rows))


def test_ceiling_when_worked_by_hand_then_humans_and_model_are_on_the_same_pairs():
    found = ceiling([rated_by([({"a": 5, "b": 4}, 0.1), ({"a": 3, "b": 3}, 0.5), ({"a": 1, "b": 4}, 0.9)])])
    # a: 5 3 1 by b 4 3 4: right, tied, wrong. b: 4 3 4 by a 5 3 1: right, (tie left out), wrong.
    assert found.ratings == 6
    assert found.humans.value == pytest.approx(2.5 / 5)
    # The scores rise: a: wrong, wrong, wrong. b: wrong, right.
    assert found.model.value == pytest.approx(1 / 5)
    assert found.within_prompts


def test_ceiling_when_one_answer_a_prompt_then_pairs_are_of_a_rater():
    single = [
        rated_by([({"a": stars, "b": stars + shift}, float(stars))]) for stars, shift in ((1, 1), (3, 0), (5, -1))
    ]
    found = ceiling(single)
    assert not found.within_prompts
    assert (found.humans.value, found.model.value) == (1.0, 1.0)
    assert ceiling([rated_by([({"a": 5}, 0.1)])]) is None


@pytest.mark.parametrize("scale", [[n / 10 for n in range(1, 11)], [round(n / 3, 4) for n in range(3, 16)]])
def test_ceiling_when_another_rater_gives_always_the_same_then_that_is_a_tie(scale: list[float]):
    for same in scale:
        found = ceiling([rated_by([({"a": stars, "b": same}, 0.0) for stars in scale])])
        assert (found.humans.value, found.model.value) == (0.5, 0.5)


def test_raters_when_listed_then_those_with_most_ratings_come_first():
    rows = raters([rated_by([({"a": 5}, 0.9), ({"a": 1, "b": 2}, 0.1)])])
    assert [(row.rater, row.ratings, row.pair_accuracy, row.mean) for row in rows] == [
        ("a", 2, 1.0, 3),
        ("b", 1, None, 2),
    ]


def test_vote_ceiling_when_votes_are_split_then_majority_and_model():
    answers = (Answer("a"), Answer("b"))
    split = ScoredPrompt(RatedPrompt("q", answers, (Preference(0, 1, probability=2 / 3),)), (0.1, 0.9))
    sure = ScoredPrompt(RatedPrompt("q", answers, (Preference(0, 1, votes=3),)), (0.9, 0.1))
    alone = ScoredPrompt(RatedPrompt("q", answers, (Preference(0, 1),)), (0.9, 0.1))
    found = vote_ceiling([split, sure, *[alone] * 10])
    assert found.pairs == 2
    assert found.humans == pytest.approx((2 / 3 + 1) / 2)
    assert found.model == pytest.approx((1 / 3 + 1) / 2)
    assert vote_ceiling([sure, alone]) is None


def test_best_of_n_when_all_draws_are_tried_then_the_same():
    rows = [("a", 1.0, 0.3), ("b", 5.0, 0.2), ("c", 3.0, 0.9), ("d", 2.0, 0.2)]
    curve = best_of_n([prompt("q", *rows)])
    assert curve.n_K == (1, 2, 4)
    for n, found in zip(curve.n_K, curve.model_K, strict=True):
        picked = []
        for drawn in combinations(rows, n):
            top = max(score for *_, score in drawn)
            picked.append(mean(stars for _, stars, score in drawn if score == top))
        assert found == pytest.approx(mean(picked))
    assert curve.oracle_K[-1] == 5.0
    assert curve.model_K[-1] == 3.0
    assert curve.random == pytest.approx(2.75)
    assert curve.share == pytest.approx((3 - 2.75) / (5 - 2.75))
    assert best_of_n([pair("q", 1, 0)]) is None


def test_worst_pairs_when_the_model_is_surely_wrong_then_first_and_one_a_prompt():
    scored = [*rated_set(40), prompt("the worst", ("good", 5, -9.0), ("bad", 1, 9.0), ("worse", 1, 9.0))]
    worst = worst_pairs(scored, calibrate(scored))
    assert worst[0].prompt == "the worst"
    assert (worst[0].better.text, worst[0].better.stars, worst[0].better.where) == ("good", 5, "the worst:1")
    assert worst[0].confidence > 0.5
    assert len({each.prompt for each in worst}) == len(worst)
    answers = worst_answers(scored, calibrate(scored))
    assert answers[0].prompt == "the worst"
    assert abs(answers[0].predicted - answers[0].answer.stars) > 2


def test_clipped_when_long_then_start_and_end_stay():
    text = clipped("a" * 5000 + "end")
    assert len(text) < MAX_TEXT + 60
    assert text.endswith("end")
    assert "left out" in text


def test_distributions_when_scores_are_known_then_counted():
    scored = [pair("1", 1.0, 0.0), pair("2", 0.0, 1.0), pair("3", 3.0, 0.0), pair("4", 3.0, 0.0)]
    histogram = differences(scored)
    middle = len(histogram.counts) // 2
    assert sum(histogram.counts) == 4
    assert sum(histogram.counts[middle:]) == 3
    assert differences([]) is None
    (low, high) = boxes([prompt("q", ("a", 1, 0.1), ("b", 5, 0.9), ("c", 5, 0.7))])
    assert (low.stars, low.count, high.stars, high.count) == (1, 1, 5, 2)
    many = boxes([prompt("q", *(("a", float(place), float(place)) for place in range(101)))])
    assert sum(box.count for box in many) == 101
    assert len(many) == 11


def test_rewardbench_when_math_prm_is_right_and_code_wrong_then_they_weigh_the_same():
    scored = [pair("m", 1, 0, "math-prm"), *(pair(name, 0, 1, name) for name in SECTIONS["Reasoning"] if "hep" in name)]
    found = rewardbench_score(by_source(scored))
    assert found.sections == {"Reasoning": pytest.approx(0.5)}
    assert found.score is None
    assert "donotanswer" in found.missing
    everything = [pair(name, 1, 0, name) for weights in SECTIONS.values() for name in weights]
    assert rewardbench_score(by_source(everything)).score == 1.0
    assert rewardbench_score(by_source([pair("m", 1, 0, "math-prm"), pair("o", 1, 0, "my own")])) is None
    assert rewardbench_score([]) is None


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    scored = rated_set()
    others = [Rival("older", "another model", rated_set(skill=0.1)), Rival("gone", "no such", None, "It is not there.")]
    return evaluate(scored, "my-rm", ["held.jsonl"], others=others, calibration=calibrate(rated_set(30)))


def test_evaluate_when_the_model_is_good_then_the_findings_say_so(evaluation: Evaluation):
    assert evaluation.quality == measure(rated_set())
    assert [each.name for each in evaluation.baselines] == [LENGTH_BASELINE]
    assert evaluation.baselines[0].ahead.pair_accuracy.interval.low > 0
    assert [checked.fitted for checked in evaluation.calibrations] == ["card", "cross"]
    said = findings(evaluation)
    assert any(f.level is Level.GOOD and "length alone" in f.text and "ahead" in f.text for f in said)
    assert any(f.level is Level.WATCH and "It is not there." in f.text for f in said)
    assert [f.level for f in said] == sorted((f.level for f in said), key=["bad", "watch", "good"].index)


def test_evaluate_when_the_model_is_length_then_the_findings_say_so():
    scored = [
        ScoredPrompt(p.rated, tuple(float(len(a.response)) for a in p.rated.answers)) for p in rated_set(80, skill=1.0)
    ]
    said = findings(evaluate(scored, "long"))
    assert any(f.level is Level.BAD and "it rewards longer answers" in f.text for f in said)
    assert not any(f.level is Level.GOOD and "length alone" in f.text for f in said)


def test_evaluate_when_scores_tie_then_the_findings_say_so():
    scored = [ScoredPrompt(p.rated, (1.0,) * len(p.scores_N)) for p in rated_set(30)]
    evaluation = evaluate(scored, "constant")
    assert evaluation.quality.pair_accuracy.value == 0.5
    assert any(f.level is Level.BAD and "exactly equal scores" in f.text for f in findings(evaluation))
    assert "exactly equal scores" in page(evaluation)


def test_evaluate_when_the_labels_are_swapped_then_the_findings_say_so():
    said = findings(evaluate([ScoredPrompt(p.rated, tuple(-s for s in p.scores_N)) for p in rated_set(40)], "m"))
    assert said[0].level is Level.BAD
    assert "swapped" in said[0].text


def test_evaluate_when_shorter_is_better_then_the_length_baseline_takes_its_best_case():
    scored = [prompt(str(n), ("short", 5, 0.9), ("much longer", 1, 0.1)) for n in range(10)]
    (baseline,) = evaluate(scored, "m").baselines
    assert baseline.how == "the shorter answer is the better one"
    assert baseline.quality.pair_accuracy.value == 1.0


def test_evaluate_when_nothing_was_scored_then_says_so():
    with pytest.raises(UsageError, match="no answer was scored"):
        evaluate([], "m")


def test_metrics_when_kept_in_the_card_then_plain_numbers(evaluation: Evaluation):
    metrics = evaluation.metrics()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["pair_accuracy"] == evaluation.quality.pair_accuracy.value
    assert metrics["length_alone_pair_accuracy"] == evaluation.baselines[0].quality.pair_accuracy.value
    assert 0 <= metrics["ece_card"] <= 1
    assert json.loads(json.dumps(evaluation.to_json(), allow_nan=False))["quality"]["prompts"] == 60


def test_page_when_answers_are_hostile_then_nothing_runs_and_nothing_is_loaded(tmp_path: Path):
    answers = (Answer(HOSTILE, 5.0, source=HOSTILE, where=HOSTILE), Answer(HOSTILE + "!", 1.0, source=HOSTILE))
    given = tuple(Rating(3.0, HOSTILE) for _ in range(2))
    scored = [
        ScoredPrompt(RatedPrompt(HOSTILE + str(n), tuple(Answer(a.response, a.stars, ratings=given, source=a.source,
                     where=a.where) for a in answers)), (0.1, 0.9)) for n in range(12)
    ]  # fmt: skip
    evaluation = evaluate(scored, HOSTILE, [HOSTILE], others=[Rival(HOSTILE, HOSTILE, None, HOSTILE)])
    write_page(evaluation, tmp_path / "new" / "report.html")
    text = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in text
    for forbidden in ("<script", "<img", "<a ", 'src=x onerror="', "http://", "https://", "url("):
        assert forbidden not in text
    assert "default-src 'none'" in text


def assert_on_one_task(text: str, line: str, evaluation: Evaluation):
    humans, model = evaluation.ceiling.humans.value, evaluation.ceiling.model.value
    assert model != evaluation.quality.pair_accuracy.value
    for name, value in (("one rater, by the others", humans), ("one rater, by the model", model)):
        assert line.format(name, 100 * value) in text


def test_report_when_humans_stand_beside_the_model_then_on_the_same_task(evaluation: Evaluation):
    assert_on_one_task(standing(evaluation), "{}: {:.1f} %", evaluation)


def test_page_when_all_there_is_then_every_section(evaluation: Evaluation):
    text = page(evaluation)
    for title in ("Where it stands", "Scores", "Calibration", "Length", "Sources", "Raters", "Worst disagreements"):
        assert f"<h2>{title}</h2>" in text
    assert text.count("<svg") == 8
    assert "nan" not in text.lower().replace("finance", "")


@pytest.mark.parametrize(
    "scored",
    [
        [pair("q", 1.0, 0.0)],
        [prompt("q", ("a", 3.0, 0.5))],
        [prompt("q", ("a", 3.0, 0.5), ("b", 3.0, 0.5))],
        [prompt("", ("", 1.0, 0.0), ("", 2.0, 3e38))],
        [ScoredPrompt(RatedPrompt("q", (Answer("a"),)), (1.0,))],
    ],
    ids=["one pair", "one answer", "all equal", "empty texts and huge scores", "no label"],
)
def test_page_when_there_is_next_to_nothing_then_still_a_page(scored: list[ScoredPrompt]):
    evaluation = evaluate(scored, "m")
    assert page(evaluation).endswith("</html>\n")
    assert json.dumps(evaluation.to_json(), allow_nan=False)
    assert all(math.isfinite(v) for v in evaluation.metrics().values() if v is not None)
