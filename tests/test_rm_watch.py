"""The watch over a running job's scores, and verdicts of one model and of several."""

import logging
import math
import random
import re
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.evaluation.calibration import Calibration, ScoreShape
from reward_models.evaluation.curves import Curve
from reward_models.serving.engine import Ask, Marked, NotAnswered
from reward_models.serving.scale import Scale
from reward_models.serving.verdicts import Facts, How, Member, gather
from reward_models.serving.watch import MIN_SCORES, WINDOW, ScoreWatch, stability_index
from verifiers.compose.build import compose
from verifiers.engine import Scorer
from verifiers.errors import MissingExtra
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample, Status, Verdict

RANDOM = random.Random(5)
NORMAL = sorted(RANDOM.gauss(0, 1) for _ in range(5000))
SHAPE = ScoreShape(5000, 0.0, 1.0, 0.8, tuple(NORMAL[round(q * 4999 / 100)] for q in range(101)), 0.0)


def watched(scores: list[float], group: int = 8) -> ScoreWatch:
    watch = ScoreWatch(SHAPE, "my-rm")
    for index, score in enumerate(scores):
        watch.heard(f"prompt {index // group}", str(index), score)
    return watch


def normal(mean: float = 0.0, std: float = 1.0, count: int = 1000, seed: int = 1) -> list[float]:
    own = random.Random(seed)
    return [own.gauss(mean, std) for _ in range(count)]


def test_watch_when_scores_lie_as_calibrated_then_no_alarm():
    watch = watched(normal())
    assert watch.alarms() == {}
    figures = watch.figures()
    assert abs(figures["rm/mean_shift"]) < 0.15
    assert figures["rm/std_ratio"] == pytest.approx(1, abs=0.1)
    assert figures["rm/out_of_range"] < 0.01
    assert figures["rm/tie_rate"] == 0.0
    assert figures["rm/psi"] < 0.05


@pytest.mark.parametrize(
    ("scores", "alarm"),
    [
        (normal(mean=1.0), "rm_drift"),
        (normal(mean=6.0), "rm_range"),
        ([round(score) * 1.0 for score in normal()], "rm_ties"),
        ([index // 8 % 10 / 5 - 1 + score / 100 for index, score in enumerate(normal())], "rm_spread"),
    ],
    ids=["drift", "range", "ties", "spread"],
)
def test_watch_when_scores_go_astray_then_says_how(scores: list[float], alarm: str):
    assert alarm in watched(scores).alarms()


def test_watch_when_few_scores_then_says_nothing_yet():
    watch = watched(normal(mean=9.0, count=MIN_SCORES - 1))
    assert watch.alarms() == {}
    assert watch.figures()["rm/out_of_range"] == 1.0
    assert ScoreWatch(SHAPE).figures() == {}


def test_watch_when_the_policy_comes_back_then_old_scores_are_forgotten():
    watch = watched(normal(mean=9.0, count=WINDOW))
    assert "rm_range" in watch.alarms()
    for index, score in enumerate(normal(count=WINDOW)):
        watch.heard(f"later {index // 8}", str(index), score)
    assert "rm_range" not in watch.alarms()


def test_watch_when_an_alarm_stays_then_is_logged_once(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING, "reward_models"):
        watched(normal(mean=9.0, count=3000))
    assert len([each for each in caplog.records if "outside" in each.getMessage()]) == 1
    assert "my-rm" in caplog.text


class Clock:
    """Says what it is told."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_watch_when_prompts_come_back_then_each_visit_is_a_group_and_old_ones_are_forgotten():
    clock = Clock()
    watch = ScoreWatch(SHAPE, clock=clock)
    for epoch, level in enumerate(normal(count=28)):
        for prompt in range(100):
            scores = normal(count=8, seed=epoch * 100 + prompt) if epoch < 8 else [level] * 8
            for answer, score in enumerate(scores):
                watch.heard(str(prompt), str(answer), score)
        clock.now_s += 5.0
        if epoch == 7:
            assert watch.alarms() == {}
    assert watch.figures()["rm/tie_rate"] == 1.0
    assert watch.figures()["rm/within_std_ratio"] == 0.0
    assert {"rm_ties", "rm_spread"} <= watch.alarms().keys()


def test_watch_when_a_slow_model_is_asked_at_once_then_answers_are_one_group():
    clock = Clock()
    watch = ScoreWatch(SHAPE, clock=clock)
    for answer in range(8):
        clock.now_s += 3.0
        watch.heard("p", str(answer), 0.5, asked_s=0.0)
    assert watch.figures()["rm/tie_rate"] == 1.0


@pytest.mark.parametrize("group", [8, 32])
def test_watch_when_few_prompts_have_many_answers_then_chance_is_no_drift(group: int):
    drifted = 0
    for run in range(20):
        own, watch, seen = random.Random(run), ScoreWatch(SHAPE), set()
        for prompt in range(1600 // group):
            level = own.gauss(0, math.sqrt(0.8))
            for answer in range(group):
                watch.heard(str(prompt), str(answer), level + own.gauss(0, math.sqrt(0.2)))
            if prompt * group % MIN_SCORES == 0:
                seen |= watch.alarms().keys()
        drifted += "rm_drift" in seen
    assert drifted <= 1


def test_watch_when_an_alarm_comes_back_after_a_sound_window_then_is_logged_again(caplog: pytest.LogCaptureFixture):
    watch = ScoreWatch(SHAPE)
    with caplog.at_level(logging.WARNING, "reward_models"):
        for mean in (9.0, 0.0, 0.0, 9.0):
            for index, score in enumerate(normal(mean=mean, count=WINDOW)):
                watch.heard(f"{mean} {index // 8}", str(index), score)
    assert len([each for each in caplog.records if "outside" in each.getMessage()]) == 2


class Machine(BaseTeacher):
    """A model whose score of an answer is its length."""

    def __init__(self) -> None:
        self.watch = ScoreWatch(SHAPE)

    def submit(self, sample: Sample) -> Future[Verdict]:
        done: Future[Marked] = Future()
        done.set_result(Marked((float(len(sample.completion)),)))
        return gather(
            Ask(sample.prompt, sample.completion), [Member("rm", lambda ask: done, self.facts)], How("centred")
        )

    def facts(self) -> Facts:
        return Facts(Scale(), self.watch)

    def repeated(self, sample: Sample) -> None:
        self.watch.again(sample.prompt, sample.completion)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return Machine, ()


@pytest.mark.parametrize("composed", [False, True])
def test_watch_when_answers_are_equal_then_each_counts(composed: bool):
    machine = Machine()
    teacher = compose(machine, "format") if composed else machine
    samples = [Sample(completion="same", prompt=f"p{n // 8}") for n in range(64)]
    samples += [Sample(completion="other", prompt="p0")]
    scorer = Scorer(teacher)
    first = scorer.score(samples)
    assert len(machine.watch._scores) == 65
    assert machine.watch.figures()["rm/tie_rate"] == pytest.approx(1 - 8 / (7 * 28 + 36))
    assert scorer.score(samples) == first, "remembered"
    assert len(machine.watch._scores) == 130


def test_stability_index_when_worked_by_hand_then_equal():
    quantiles = [float(q) for q in range(101)]  # ten bins of a tenth each
    scores = [5.0] * 50 + [15.0] * 50  # a half in the first, a half in the second
    expected_first = 10 / 101  # 0..9 of 101 quantiles lie below 10
    low = 1e-4
    total = 2 * (0.5 - expected_first) * math.log(0.5 / expected_first)
    total += 7 * (low - expected_first) * math.log(low / expected_first)
    total += (low - 11 / 101) * math.log(low / (11 / 101))
    assert stability_index(scores, quantiles) == pytest.approx(total)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=50))
def test_stability_index_when_any_then_not_negative_and_zero_against_itself(scores: list[float]):
    quantiles = sorted(scores)
    assert stability_index(scores, quantiles) == pytest.approx(0.0, abs=1e-9)
    assert stability_index([score + 1 for score in scores], quantiles) >= -1e-9


def member(name: str, answer: Marked | BaseException, scale: Scale | None = None) -> Member:
    future: Future[Marked] = Future()
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
    return Member(name, lambda ask: future, lambda: Facts(scale or Scale()))


def verdict(*members: Member, how: How | None = None) -> Verdict:
    return gather(Ask("p", "r"), members, how or How()).result(5)


def test_gather_when_one_model_then_its_score_and_what_it_read():
    found = verdict(member("rm", Marked((0.25,), 12, True, 0.5), Scale(mean=1.0, std=0.5)))
    assert (found.reward, found.status, found.elapsed_s) == (0.25, Status.PARTIAL, 0.5)
    assert found.parts[0].details == {"raw": 0.25, "tokens": 12, "centred": -1.5, "truncated": True}


def test_gather_when_aspects_then_their_weighted_sum_and_each_in_the_details():
    scale = Scale(aspects={"helpful": 0.75, "safe": 0.25})
    found = verdict(member("rm", Marked((1.0, -1.0)), scale))
    assert found.reward == 0.5
    assert (found.parts[0].details["helpful"], found.parts[0].details["safe"]) == (1.0, -1.0)


@pytest.mark.parametrize(
    ("how", "reward"),
    [(How(), 2.0), (How(combine="min"), 1.0), (How(combine="lower", penalty=0.5), 1.5)],
    ids=["mean", "min", "lower"],
)
def test_gather_when_several_models_then_combined_as_told(how: How, reward: float):
    found = verdict(*(member(name, Marked((score,))) for name, score in (("a", 1.0), ("b", 2.0), ("c", 3.0))), how=how)
    assert found.reward == pytest.approx(reward)
    assert found.parts[-1].reward == pytest.approx(1.0), "the standard deviation of 1, 2, 3"


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (NotAnswered("gone", Status.DEADLINE_EXCEEDED), Status.DEADLINE_EXCEEDED, "gone"),
        (ValueError("no text"), Status.BAD_ROW, "no text"),
        (MissingExtra("pip install it"), Status.UNAVAILABLE, "pip install"),
        (RuntimeError("burns"), Status.FAILED, "burns"),
        (Marked((float("nan"),)), Status.FAILED, "overflowed"),
        (Marked((1.0, 2.0)), Status.FAILED, "2 numbers"),
        (Marked(()), Status.FAILED, "0 numbers"),
    ],
)
def test_gather_when_a_model_gives_no_score_then_nothing_is_judged(
    answer: Marked | BaseException, status: Status, told: str
):
    found = verdict(member("good", Marked((1.0,))), member("bad", answer))
    assert (found.reward, found.status) == (None, status)
    assert told in found.reason


def test_gather_when_cancelled_then_the_models_are_told():
    pending: Future[Marked] = Future()
    whole = gather(Ask("p", "r"), [Member("rm", lambda ask: pending, lambda: Facts(Scale()))], How())
    assert whole.cancel()
    assert pending.cancelled()


@pytest.mark.parametrize("raised", [IndexError("facts"), KeyError("facts")])
def test_gather_when_facts_cannot_be_had_then_is_failed_and_nobody_waits(raised: Exception):
    def facts() -> Facts:
        raise raised

    done: Future[Marked] = Future()
    done.set_result(Marked((1.0,)))
    found = gather(Ask("p", "r"), [Member("rm", lambda ask: done, facts)], How()).result(5)
    assert found.status is Status.FAILED


class Odd(ScoreWatch):
    def _figures(self) -> tuple[dict[str, float], float]:
        raise OverflowError("too far")


def test_watch_when_the_scores_cannot_be_reckoned_with_then_says_so_once(caplog: pytest.LogCaptureFixture):
    watch = Odd(SHAPE, "my-rm")
    for score in normal():
        watch.heard("p", "r", score)
    assert [each.getMessage() for each in caplog.records if "cannot be held" in each.getMessage()] == [
        "my-rm: the scores cannot be held against the calibration set: OverflowError('too far')"
    ]


NAN = Calibration(SHAPE, Curve((0.0,), (math.nan,)))


@pytest.mark.parametrize(
    ("score", "scale", "how", "told"),
    [
        (1e308, Scale(std=0.5), How("centred"), "overflowed"),
        (1e200, Scale(), How(), "overflowed"),
        (3.0, Scale(std=1e-300), How("centred"), "the centred score of 3 is 3e[+]300"),
        (3.0, Scale(calibration=NAN), How("calibrated"), "the calibrated score of 3 is nan"),
        (3.0, Scale(), How(combine="lower", penalty=math.inf), "the scores make no verdict"),
    ],
)
def test_gather_when_a_score_is_beyond_reckoning_then_is_failed_and_nobody_waits(
    score: float, scale: Scale, how: How, told: str
):
    found = verdict(member("one", Marked((score,)), scale), member("two", Marked((score,)), scale), how=how)
    assert (found.reward, found.status) == (None, Status.FAILED)
    assert re.search(told, found.reason)


def test_gather_when_a_server_gives_scores_far_apart_then_the_watch_holds_up_nobody():
    watch, found = ScoreWatch(SHAPE), []
    for index in range(2 * MIN_SCORES):
        done: Future[Marked] = Future()
        done.set_result(Marked(((-1.0) ** index * 1e99,)))
        found.append(
            gather(Ask("p", str(index)), [Member("rm", lambda ask, d=done: d, lambda: Facts(Scale(), watch))], How())
        )
    assert {each.result(5).status for each in found} == {Status.PARTIAL}
    assert "rm_range" in watch.alarms()
