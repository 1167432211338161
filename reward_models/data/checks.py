"""What is to be known of rated data before it trains anything: all figures of `inspected`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from statistics import StatisticsError, correlation, fmean, median
from typing import Any

from reward_models.data.agreement import Level, alpha, icc, mean_ranks
from reward_models.data.gather import key_of
from reward_models.data.lengths import chars_of
from reward_models.data.outliers import outliers
from reward_models.data.rated import RatedData
from reward_models.data.raters import Observed, Raters, fit_raters, observed
from reward_models.data.split import apart, families
from reward_models.types import Answer, RatedPrompt

MAX_PAIRED = 64
"""Answers of one prompt of which all pairs are looked at; of more, so many spread over the file."""
MAX_VALUES_SHOWN = 21
MAX_RATERS_SHOWN = 20

Figures = dict[str, Any]


def inspected(data: RatedData, held: Sequence[RatedPrompt] = ()) -> Figures:
    """Return all figures of the data, as JSON holds them; `None` = does not apply or cannot be told.

    Args:
        data: As read.
        held: Prompts that are to be validated on.
    """
    prompts, counts = data.prompts, data.counts
    answers = [answer for rated in prompts for answer in rated.answers]
    return {
        "shape": data.shape,
        "columns": dict(data.columns),
        "notes": list(data.notes),
        "rows": {"read": counts.rows, "bad": counts.bad, "not_judged": counts.not_judged, "repaired": counts.repaired},
        "bad_rows": [each._asdict() for each in data.bad],
        "prompts": len(prompts),
        "answers": len(answers),
        "prompts_with_several_answers": sum(len(rated.answers) > 1 for rated in prompts),
        "ratings": sum(len(answer.ratings) for answer in answers),
        "comparisons": _comparisons(prompts),
        "scale": data.scale._asdict() if data.scale else None,
        "outliers": [] if data.declared else [each._asdict() for each in outliers(prompts)],
        "distribution": _distribution(answers),
        "aspects": _aspects(data, answers),
        "stars_alike": len({round(answer.stars, 9) for answer in answers if answer.stars is not None}) == 1,
        "duplicates": _duplicates(data),
        "leaks": _leaks(prompts, held) if held else None,
        "empty": {
            "prompts": sum(not chars_of(rated.prompt) for rated in prompts),
            "answers": sum(not chars_of(answer.response) for answer in answers),
        },
        "contradictions": _contradictions(data),
        "length": _lengths(prompts, answers),
        "raters": _raters(data),
        "votes": {"comparisons": len(data.votes), "alpha": _alpha_of_votes(data.votes)} if data.votes else None,
    }


def _alpha_of_votes(votes: Sequence[Sequence[float]]) -> float | None:
    """Return alpha of votes for the first of two answers; which one stands first makes no difference."""
    return alpha([*votes, *([1.0 - vote for vote in each] for each in votes)], Level.NOMINAL)


def _comparisons(prompts: Sequence[RatedPrompt]) -> Figures:
    given = [each for rated in prompts for each in rated.preferences]
    return {
        "given": len(given),
        "ties": sum(each.probability == 0.5 for each in given),
        "unsure": sum(0.5 < each.probability < 1.0 for each in given),
        "with_margin": sum(each.margin is not None for each in given),
        "from_stars": sum(1 for _ in _starred_pairs(prompts)),
    }


def _starred_pairs(prompts: Iterable[RatedPrompt]) -> Iterator[tuple[Answer, Answer]]:
    """Yield (better, worse) for answers of a prompt whose labels differ."""
    for rated in prompts:
        labelled = [answer for answer in rated.answers if answer.stars is not None]
        for one, two in combinations(labelled[:: max(1, len(labelled) // MAX_PAIRED)], 2):
            if one.stars != two.stars:
                yield (one, two) if (one.stars or 0.0) > (two.stars or 0.0) else (two, one)


def _distribution(answers: Sequence[Answer]) -> Figures | None:
    """Return how often each rating was given, in steps of a tenth of the scale where there are too many values."""
    stars = [rating.stars for answer in answers for rating in answer.ratings]
    if not stars:
        return None
    counts = Counter(stars)
    if len(counts) > MAX_VALUES_SHOWN:
        lowest, width = min(stars), (max(stars) - min(stars)) / 10
        counts = Counter(lowest + width * min(int((value - lowest) / width), 9) for value in stars)
    return {f"{value:.4g}": count for value, count in sorted(counts.items())}


def _aspects(data: RatedData, answers: Sequence[Answer]) -> Figures:
    """Return of each aspect how often it is rated, its mean, and how it goes with the stars."""
    found = {}
    for name, weight in data.aspects.items():
        held = [(each.aspects[name], each.stars or 0.0) for each in answers if name in each.aspects]
        labels, stars = [pair[0] for pair in held], [pair[1] for pair in held]
        mean = fmean(labels) if labels else None
        found[name] = {"weight": weight, "answers": len(held), "mean": mean, "with_stars": spearman(labels, stars)}
    return found


def _duplicates(data: RatedData) -> Figures:
    keys = families(data.prompts)
    texts = Counter(key_of(answer.response) for rated in data.prompts for answer in rated.answers)
    return {
        "ratings": data.counts.duplicates,
        "rows": data.counts.identical,
        "prompts_alike": len(keys) - len(set(keys)),
        "answers_at_several_prompts": sum(count - 1 for count in texts.values()),
    }


def _leaks(prompts: Sequence[RatedPrompt], held: Sequence[RatedPrompt]) -> Figures:
    """Return how many prompts are also in the data to validate on: in all, and letter by letter."""
    known = {key_of(rated.prompt) for rated in held}
    same = sum(key_of(rated.prompt) in known for rated in prompts)
    return {"prompts": len(prompts) - len(apart(prompts, held)), "the_same": same}


def _contradictions(data: RatedData) -> Figures:
    prompts = data.prompts
    against = [
        (rated.answers[each.chosen].stars, rated.answers[each.rejected].stars)
        for rated in prompts
        for each in rated.preferences
        if each.probability > 0.5
    ]
    return {
        "votes_split": sum(min(votes) < 0.5 < max(votes) for votes in data.votes),
        "one_rater_two_ratings": sum(_disagrees_with_himself(a) for p in prompts for a in p.answers),
        "stars_against_comparison": sum(
            chosen is not None and rejected is not None and chosen < rejected for chosen, rejected in against
        ),
        "prompts_in_a_circle": sum(map(_circles, prompts)),
    }


def _disagrees_with_himself(answer: Answer) -> bool:
    given: dict[tuple[str, str], set[float]] = {}
    for rating in answer.ratings:
        if rating.rater:
            given.setdefault((rating.rater, rating.aspect), set()).add(rating.stars)
    return any(len(stars) > 1 for stars in given.values())


def _circles(rated: RatedPrompt) -> bool:
    """Whether the prompt's comparisons go in a circle: A over B over C over A."""
    worse: dict[int, set[int]] = {}
    for each in rated.preferences:
        if each.probability > 0.5:
            worse.setdefault(each.chosen, set()).add(each.rejected)
    beaten = Counter(loser for losers in worse.values() for loser in losers)
    free = [place for place in worse if not beaten[place]]
    while free:
        for loser in worse.pop(free.pop(), ()):
            beaten[loser] -= 1
            if not beaten[loser] and loser in worse:
                free.append(loser)
    return bool(worse)


def _lengths(prompts: Sequence[RatedPrompt], answers: Sequence[Answer]) -> Figures:
    chars = [chars_of(answer.response) for answer in answers]
    starred = [(chars_of(answer.response), answer.stars) for answer in answers if answer.stars is not None]
    wins = [_longer_wins(*pair) for pair in _starred_pairs(prompts)]
    wins += [
        _longer_wins(rated.answers[each.chosen], rated.answers[each.rejected])
        for rated in prompts
        for each in rated.preferences
        if each.probability > 0.5
    ]
    return {
        "median_chars": median(chars),
        "longest_chars": max(chars),
        "longest_prompt_chars": max(chars_of(rated.prompt) for rated in prompts),
        "with_stars": spearman([float(length) for length, _ in starred], [stars for _, stars in starred]),
        "longer_wins": fmean(wins) if wins else None,
        "pairs": len(wins),
    }


def _longer_wins(better: Answer, worse: Answer) -> float:
    one, two = chars_of(better.response), chars_of(worse.response)
    return 0.5 if one == two else float(one > two)


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Return the rank correlation; `None` = there is too little, or no spread."""
    try:
        return correlation(mean_ranks([x])[0], mean_ranks([y])[0])
    except StatisticsError:
        return None


def _raters(data: RatedData) -> Figures | None:
    ratings = observed(data.prompts)
    if not any(answer.ratings for rated in data.prompts for answer in rated.answers):
        return None
    by_rater: dict[str, list[float]] = {}
    for each in ratings:
        by_rater.setdefault(each.rater, []).append(each.stars)
    units = _units(data.prompts)
    together, apart = icc(units), icc(by_rater.values())
    model = fit_raters(data.prompts)
    return {
        "count": len(by_rater),
        "median_ratings": median(map(len, by_rater.values())) if by_rater else None,
        "judged_by_several": sum(len(unit) > 1 for unit in units),
        "icc": together._asdict() if together else None,
        "alpha": {level.value: alpha(units, level) for level in Level},
        "share_of_variance": apart.single if apart else None,
        "confounding": _confounding(data.prompts, ratings),
        "correction": {"on": model.on, "why": model.why, "largest_offset": _largest(model)},
        "each": [
            {"rater": name, "ratings": len(stars), "mean": fmean(stars), "offset": model.offsets.get(name)}
            for name, stars in sorted(by_rater.items(), key=lambda item: -len(item[1]))[:MAX_RATERS_SHOWN]
        ],
    }


def _units(prompts: Sequence[RatedPrompt]) -> list[list[float]]:
    """Return the ratings of each answer that several people gave.

    Ratings without a rater count where any two of an answer differ; if none do, they are as well copies of one another.
    """
    rated = [[rating for rating in answer.ratings if not rating.aspect] for p in prompts for answer in p.answers]
    differ = any(len({rating.stars for rating in ratings if not rating.rater}) > 1 for ratings in rated)
    return [[rating.stars for rating in ratings if rating.rater or differ] for ratings in rated]


def _largest(model: Raters) -> float | None:
    return max(map(abs, model.offsets.values()), default=None)


def _confounding(prompts: Sequence[RatedPrompt], ratings: Sequence[Observed]) -> Figures | None:
    """Say how far raters can be compared: by answers, or at least prompts, that several of them rated."""
    if not ratings:
        return None
    at_answer: dict[int, set[str]] = {}
    for each in ratings:
        at_answer.setdefault(each.answer, set()).add(each.rater)
    at_prompt, number = [], 0
    for rated in prompts:
        places = range(number, number + len(rated.answers))
        at_prompt.append(set().union(*(at_answer.get(place, set()) for place in places)))
        number += len(rated.answers)
    return {
        "ratings_beside_another_rater": sum(len(at_answer[each.answer]) > 1 for each in ratings) / len(ratings),
        "prompts_with_several_raters": sum(len(raters) > 1 for raters in at_prompt) / len(prompts),
        "groups_that_share_no_prompt": _groups(at_prompt),
    }


def _groups(sets: Iterable[set[str]]) -> int:
    """Return into how many groups the raters fall that are linked by no common set."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    for names in sets:
        first, *others = names or ("",)
        for other in others:
            parent[root(other)] = root(first)
        if names:
            root(first)
    return sum(name == above for name, above in parent.items())
