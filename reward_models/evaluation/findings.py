"""What the numbers mean, in sentences: good, to be watched, bad."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from reward_models.evaluation.bootstrap import Difference, Interval
from reward_models.evaluation.evaluate import Beside, Evaluation
from reward_models.evaluation.quality import ENOUGH_COMPARED

FEW_PAIRS = 200
FEW_PROMPTS = 30
FEW_SEEN = 0.02
"""Share of prompts that were trained on which may be chance, e.g. greetings."""
MANY_TIES = 0.05
SOME_PULL, LENGTH_PULL = 0.1, 0.2
"""From this `LengthBias.pull` on a model leans to a length, or is pulled by it. Where humans like long answers, labels
that are noisy, or pairs that are further apart, come to 0.1 without any fault of the model's."""
MAX_ECE = 0.05
"""The bar for calibrated probabilities."""
NEAR_CEILING = 0.02


class Level(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    WATCH = "watch"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, and how to take it."""

    level: Level
    text: str


def findings(evaluation: Evaluation) -> list[Finding]:
    """Return what a person should know first, the bad before the good."""
    found = [
        *_seen(evaluation),
        *_upside_down(evaluation),
        *_beside_baselines(evaluation),
        *_beside_humans(evaluation),
        *_length(evaluation),
        *_calibration(evaluation),
        *_ties(evaluation),
        *_size(evaluation),
    ]
    order = list(Level)[::-1]
    return sorted(found, key=lambda finding: order.index(finding.level))


def points(value: float) -> str:
    """Return a difference of shares in points: +3.1."""
    return f"{100 * value:+.1f}"


def percent(value: float | None) -> str:
    """Return a share: 71.3 %."""
    return "-" if value is None else f"{100 * value:.1f} %"


def _seen(evaluation: Evaluation) -> Iterator[Finding]:
    if evaluation.seen is not None and evaluation.seen > FEW_SEEN:
        yield Finding(
            Level.BAD,
            f"About {evaluation.seen:.0%} of these prompts were trained on: the figures say little of new ones. "
            "Measure on prompts held out, as `verify rm prepare` writes them.",
        )


def _beside_baselines(evaluation: Evaluation) -> Iterator[Finding]:
    measure = evaluation.quality.headline[0]
    for beside in (*evaluation.baselines, *evaluation.others):
        if beside.missing:
            yield Finding(Level.WATCH, f"{beside.name}: not run, so nothing is known of it. {beside.missing}")
        elif beside.ahead is not None and (ahead := beside.ahead.of(measure)) is not None:
            yield _ahead(beside, ahead, measure)


def _ahead(beside: Beside, ahead: Difference, measure: str) -> Finding:
    value, low, high = ahead.interval.value, ahead.interval.low, ahead.interval.high
    words = f"{measure[0].upper()}{measure[1:]}: {points(value)} points against {beside.name} ({beside.how})"
    if low is None or high is None:
        return Finding(Level.WATCH, f"{words}; too few prompts to tell whether that is chance.")
    words += f", 95 % interval {points(low)} to {points(high)}"
    if low > 0:
        return Finding(Level.GOOD, f"{words}: ahead.")
    if high < 0:
        return Finding(Level.BAD, f"{words}: behind. Use that instead, or train otherwise.")
    return Finding(Level.WATCH, f"{words}: not told apart on this set.")


def _beside_humans(evaluation: Evaluation) -> Iterator[Finding]:
    ceiling = evaluation.ceiling
    if ceiling is not None and ceiling.humans is not None and ceiling.model is not None:
        humans, model = ceiling.humans.value, ceiling.model.value
        words = f"Asked to predict one rater, the other raters order {percent(humans)} of pairs right, "
        words += f"the model {percent(model)}"
        if model >= humans - NEAR_CEILING:
            yield Finding(Level.GOOD, f"{words}: as good as this data can tell.")
        else:
            yield Finding(Level.WATCH, f"{words}: {points(humans - model)} points left to humans.")
    votes = evaluation.votes
    if votes is not None:
        words = f"Of single votes on {votes.pairs:,} pairs that have several, "
        words += f"the majority has {percent(votes.humans)}, the model's choice {percent(votes.model)}."
        yield Finding(Level.WATCH, words)


def _upside_down(evaluation: Evaluation) -> Iterator[Finding]:
    found = evaluation.quality.pair_accuracy
    if found is not None and found.high is not None and found.high < 0.5:
        words = f"{percent(found.value)} of pairs in the right order is worse than tossing a coin"
        yield Finding(Level.BAD, f"{words}: are chosen and rejected, or the ends of the scale, swapped in this file?")


def _length(evaluation: Evaluation) -> Iterator[Finding]:
    length = evaluation.length
    pull = length.pull
    if pull is None:
        return
    if pull is length.pull_of_stars:
        words = f"With stars held fixed, score and length correlate by {pull.value:+.2f}"
        yield _pulled(pull, words, lambda value: f"{value:+.2f}")
    else:
        words = f"Where the longer answer is the better one, {percent(length.accuracy_longer)} of pairs are ordered "
        words += f"right, where the shorter is, {percent(length.accuracy_shorter)}: {points(pull.value)} points"
        yield _pulled(pull, words, points)


def _pulled(pull: Interval, words: str, shown: Callable[[float], str]) -> Finding:
    if pull.low is None or pull.high is None:
        return Finding(Level.WATCH, f"{words}; too few prompts to tell whether that is chance.")
    words += f", 95 % interval {shown(pull.low)} to {shown(pull.high)}"
    way = "longer" if pull.value > 0 else "shorter"
    if abs(pull.value) < SOME_PULL and max(-pull.low, pull.high) < LENGTH_PULL:
        return Finding(Level.GOOD, f"{words}: no pull of length beyond what humans show.")
    if pull.low <= 0 <= pull.high:
        return Finding(Level.WATCH, f"{words}: a pull of length, or chance.")
    if abs(pull.value) >= LENGTH_PULL:
        return Finding(Level.BAD, f"{words}: it rewards {way} answers, and a policy will find that out.")
    return Finding(Level.WATCH, f"{words}: it leans to {way} answers.")


def _calibration(evaluation: Evaluation) -> Iterator[Finding]:
    for checked in evaluation.calibrations:
        if checked.pairs is None:
            continue
        error, chance = checked.pairs.error, checked.pairs.by_chance
        whose = "The card's probabilities" if checked.fitted == "card" else "Probabilities fitted here (cross-fitted)"
        words = f"{whose} are off by {percent(error)} on average (by chance alone {percent(chance)})"
        if error <= MAX_ECE or error <= chance:
            yield Finding(Level.GOOD, f"{words}: they can be believed.")
        elif checked.fitted == "card":
            yield Finding(Level.WATCH, f"{words}: refit them on data like this (--update).")
        else:
            yield Finding(Level.WATCH, f"{words}: read the order of scores, not their size.")


def _ties(evaluation: Evaluation) -> Iterator[Finding]:
    ties = evaluation.quality.tied_scores
    if ties is not None and ties > MANY_TIES:
        words = f"{percent(ties)} of the pairs that humans tell apart have exactly equal scores"
        yield Finding(Level.BAD, f"{words}: a group of such answers teaches nothing. Equal texts, or too few bits?")


def _size(evaluation: Evaluation) -> Iterator[Finding]:
    quality = evaluation.quality
    if quality.prompts < FEW_PROMPTS or 0 < quality.pairs < FEW_PAIRS:
        words = f"Only {quality.prompts:,} prompts and {quality.pairs:,.0f} pairs"
        yield Finding(Level.WATCH, f"{words}: intervals are wide, and small differences mean nothing.")
    if quality.compared < ENOUGH_COMPARED:
        words = f"Only {percent(quality.compared)} of answers have a rival to the same prompt that humans tell apart"
        measure = quality.headline[0]
        yield Finding(Level.WATCH, f"{words}, so what a group of GRPO needs is hardly measured; here is {measure}.")
    if evaluation.left_out:
        yield Finding(Level.WATCH, f"{evaluation.left_out:,} answers could not be scored and are left out.")
