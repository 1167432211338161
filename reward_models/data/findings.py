"""What the figures of rated data mean: warnings, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reward_models.data.checks import Figures

MANY_BAD = 0.01
"""Share of bad rows from which on something is wrong with the file."""
LOW_AGREEMENT = 0.4
HIGH_LENGTH = 0.3
"""Rank correlation with length from which on a model may learn length alone."""
LONG_WINS = 0.62
LITTLE_OVERLAP = 0.1
MUCH_OF_VARIANCE = 0.1
MIN_UNITS = 20
MIN_PAIRS = 50
FEW_PROMPTS = 20
ONE_SIDED = 0.8


class Finding(NamedTuple):
    """One thing to know.

    Attributes:
        level: "warn" = look at it before training; "ok" = all well.
        name: What it is about.
        found: What was found.
        advice: What to do; may be empty.
    """

    level: str
    name: str
    found: str
    advice: str = ""


def findings(figures: Figures) -> list[Finding]:
    """Return what is worth saying, in the order in which one would act on it."""
    checks = (
        _rows,
        _duplicates,
        _leaks,
        _empties,
        _contradictions,
        _outliers,
        _spread,
        _agreement,
        _confounding,
        _length,
        _size,
    )
    found = [finding for check in checks for finding in check(figures)]
    if not any(finding.level == "warn" for finding in found):
        found.insert(0, Finding("ok", "data", "nothing stands in the way of training"))
    return found


def _rows(figures: Figures) -> Iterator[Finding]:
    rows = figures["rows"]
    if rows["bad"]:
        first = figures["bad_rows"][0]
        level = "warn" if rows["bad"] > MANY_BAD * rows["read"] else "ok"
        found = f"{rows['bad']:,} of {rows['read']:,} rows are left out; the first: {first['where']}: {first['reason']}"
        yield Finding(level, "rows", found, "Mend them, or train without them; --bad-rows refuse stops at them.")
    if rows["repaired"]:
        yield Finding("ok", "rows", f"{rows['repaired']:,} rows held halves of surrogate pairs; replaced by '?'")
    if rows["not_judged"]:
        yield Finding("ok", "rows", f"{rows['not_judged']:,} answers were not judged and are left out")


def _duplicates(figures: Figures) -> Iterator[Finding]:
    twice = figures["duplicates"]
    if twice["ratings"]:
        yield Finding("warn", "duplicates", f"{twice['ratings']:,} ratings are in the data twice; each counts once")
    if twice["rows"]:
        found = f"{twice['rows']:,} rows say the same as an earlier row; each counts"
        advice = "Remove them if they are copies; if they are other raters', name these: --map COLUMN=rater."
        yield Finding("warn", "duplicates", found, advice)
    if twice["prompts_alike"]:
        found = f"{twice['prompts_alike']:,} prompts repeat or continue another one; the split keeps them together"
        yield Finding("ok", "duplicates", found)


def _leaks(figures: Figures) -> Iterator[Finding]:
    leaks = figures["leaks"]
    if leaks and leaks["prompts"]:
        found = f"{leaks['prompts']:,} prompts stand in the validation files too: {leaks['the_same']:,} are the same, "
        found += (
            "the others differ in case, punctuation or form (text or chat), or are another turn of one conversation"
        )
        advice = "`verify rm train --validation` leaves them out; `verify rm prepare` divides files so that none leaks."
        yield Finding("warn", "leaks", found, advice)
    elif leaks:
        yield Finding("ok", "leaks", "no prompt stands in the validation files too")


def _empties(figures: Figures) -> Iterator[Finding]:
    empty = figures["empty"]
    if empty["answers"]:
        yield Finding("warn", "empty", f"{empty['answers']:,} answers are empty", "Keep them only if they were rated.")
    if empty["prompts"]:
        advice = "A model that never sees the prompt can only learn how answers sound. Name it: --map COLUMN=prompt."
        yield Finding("warn", "empty", f"{empty['prompts']:,} prompts are empty", advice)


def _contradictions(figures: Figures) -> Iterator[Finding]:
    texts = {
        "votes_split": "comparisons have votes for either side; the loss takes their share",
        "one_rater_two_ratings": "answers got different ratings from the same rater; the mean counts",
        "stars_against_comparison": "comparisons go against the ratings of their answers",
        "prompts_in_a_circle": "prompts have comparisons that go in a circle (A over B over C over A)",
    }
    for name, text in texts.items():
        if count := figures["contradictions"][name]:
            yield Finding("warn" if name != "votes_split" else "ok", "contradictions", f"{count:,} {text}")


def _outliers(figures: Figures) -> Iterator[Finding]:
    for each in figures["outliers"]:
        low, high = f"{each['lowest']:g}", f"{each['highest']:g}"
        whose = "".join(f" {of} {each[name]}" for of, name in (("of", "aspect"), ("by", "rater")) if each[name])
        found = f"the rating {each['value']:g}{whose} at {each['where']} lies far from all others, {low} to {high}"
        if each["times"] > 1:
            more = each["times"] - 1 - len(each["others"])
            found += f"; so do {', '.join([*each['others'], *([f'{more:,} more'] if more else [])])}"
        advice = f"Mend it; --scale {low} {high} takes such rows as bad ones. If it is right, name the whole scale."
        yield Finding("warn", "scale", found, advice)


def _spread(figures: Figures) -> Iterator[Finding]:
    given = figures["distribution"] or {}
    total = sum(given.values())
    if not total:
        return
    value, most = max(given.items(), key=lambda item: item[1])
    if len(given) == 1:
        yield Finding("warn", "scale", f"all ratings are {value}", "Nothing can be learned from them.")
    elif most >= ONE_SIDED * total:
        yield Finding("warn", "scale", f"{most / total:.0%} of all ratings are {value}", "Ordinal loss copes best.")
    if figures["stars_alike"] and len(given) > 1:
        advice = "Nothing can be learned from them."
        if figures["aspects"]:
            advice = "The aspects make up for each other; weigh one more: --aspect NAME=WEIGHT."
        yield Finding("warn", "scale", "all answers come to the same stars, though their ratings differ", advice)


def _agreement(figures: Figures) -> Iterator[Finding]:
    raters, votes = figures["raters"], figures["votes"]
    level, units = (votes["alpha"], votes["comparisons"]) if votes else (None, 0)
    if not votes and raters:
        level, units = raters["alpha"]["interval"], raters["judged_by_several"]
    if units < MIN_UNITS:
        found = f"cannot be told: {units} answers or comparisons were judged by several; {MIN_UNITS} are needed"
        yield Finding("ok", "agreement", found)
    elif level is None:
        found = f"cannot be told: {units} answers or comparisons were judged by several, and no two judgements differ"
        yield Finding("ok", "agreement", found)
    elif level < LOW_AGREEMENT:
        advice = "No model can agree with humans more than they do with each other; `verify rm eval` shows the ceiling."
        yield Finding("warn", "agreement", f"raters agree little: Krippendorff's alpha is {level:.2f}", advice)


def _confounding(figures: Figures) -> Iterator[Finding]:
    raters = figures["raters"]
    if not raters or not raters["confounding"] or raters["count"] < 2:
        return
    overlap, share = raters["confounding"]["ratings_beside_another_rater"], raters["share_of_variance"]
    if share is not None and share > MUCH_OF_VARIANCE:
        found = f"{share:.0%} of the variance of ratings lies between raters"
        on = raters["correction"]["on"]
        yield Finding("warn", "raters", found, "Their offsets are corrected." if on else raters["correction"]["why"])
    if overlap < LITTLE_OVERLAP:
        found = f"only {overlap:.0%} of the ratings stand beside another rater's of the same answer"
        advice = "Kind raters cannot be told from raters who met good answers; correction takes answers as alike."
        yield Finding("warn", "raters", found, advice)


def _length(figures: Figures) -> Iterator[Finding]:
    with_stars, wins = figures["length"]["with_stars"], figures["length"]["longer_wins"]
    advice = "Compare with the length-only baseline of `verify rm eval`."
    if with_stars is not None and abs(with_stars) > HIGH_LENGTH:
        yield Finding("warn", "length", f"ratings go with length: Spearman {with_stars:+.2f}", advice)
    pairs = figures["length"]["pairs"]
    if pairs >= MIN_PAIRS and not 1 - LONG_WINS < wins < LONG_WINS:
        yield Finding("warn", "length", f"the longer answer is the better one in {wins:.0%} of {pairs:,} pairs", advice)


def _size(figures: Figures) -> Iterator[Finding]:
    if figures["prompts"] < FEW_PROMPTS:
        found = f"{figures['prompts']} prompts are few: what is measured on held-out ones will hardly be certain"
        yield Finding("warn", "size", found)
    loss = "joint" if figures["prompts_with_several_answers"] else "regression or ordinal, by validation"
    if figures["ratings"] == 0:
        loss = "Bradley-Terry (soft where votes are shared)"
        if not figures["comparisons"]["with_margin"]:
            loss += "; no comparison has a margin, so margin and scaled would be the same as bt"
    yield Finding("ok", "loss", f"the loss that fits: {loss}")
