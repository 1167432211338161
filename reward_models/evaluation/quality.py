"""How well scores order answers: pair accuracy and rank correlation, within prompts and over all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reward_models.evaluation.bootstrap import Interval, interval
from reward_models.evaluation.ranking import PairCounts, count_pairs, kendall, ranks, spearman
from reward_models.evaluation.scored import LABEL_TIE, ScoredPrompt, scored_pairs
from reward_models.types import RatedPrompt

ENOUGH_COMPARED = 0.25
"""From this share of answers with a rival on, pairs within prompts say most; below it they are chance meetings."""
RANK_QUALITY = "rank_quality"
MIN_FOR_RANKS = 3
"""Fewest answers of a prompt for a rank correlation of its own: of two it is only -1 or 1."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What is measured of one model on one set. `None` = it does not exist there.

    Attributes:
        prompts, answers: How many were scored.
        pairs: Pairs of answers to one prompt that humans told apart.
        tied_labels: Pairs that they did not tell apart; in no accuracy.
        tied_scores: Share of `pairs` whose scores are exactly equal; each counts half in the accuracy.
        pair_accuracy: Share of pairs that the model orders as humans do, all pairs alike.
        pair_accuracy_by_prompt: The same, every prompt alike.
        best_is_best: Share of prompts of three or more answers whose best-scored answer none was preferred to.
        spearman: Of scores and stars, over all answers.
        kendall: Tau-b of the same.
        spearman_in_prompt, kendall_in_prompt: Mean over prompts with three or more answers that differ in stars.
        across_accuracy: Pair accuracy of all answers with stars, whatever their prompt.
        rater_accuracy: Pair accuracy of ratings by the same rater, whatever their prompt: no rater's habits in it.
        compared: Share of answers whose prompt has a pair that humans told apart.
    """

    prompts: int
    answers: int
    pairs: float
    tied_labels: int
    tied_scores: float | None = None
    pair_accuracy: Interval | None = None
    pair_accuracy_by_prompt: Interval | None = None
    best_is_best: Interval | None = None
    spearman: Interval | None = None
    kendall: float | None = None
    spearman_in_prompt: Interval | None = None
    kendall_in_prompt: Interval | None = None
    across_accuracy: float | None = None
    rater_accuracy: Interval | None = None
    compared: float = 0.0

    @property
    def measures(self) -> tuple[tuple[str, Interval | None], ...]:
        """The measures of order by name, the one that says most of this set first."""
        within = ("pair accuracy", self.pair_accuracy)
        others = (("pair accuracy within raters", self.rater_accuracy), ("Spearman", self.spearman))
        return (within, *others) if self.compared >= ENOUGH_COMPARED else (*others, within)

    @property
    def headline(self) -> tuple[str, Interval | None]:
        """The first measure that exists."""
        return next(((name, value) for name, value in self.measures if value is not None), self.measures[-1])


def measure(scored: Sequence[ScoredPrompt], seed: int = 0) -> Quality:
    """Measure a model's scores against the labels."""
    rows_P3 = [pair_row(prompt) for prompt in scored]
    decided = [row for row in rows_P3 if row[2]]
    pairs = sum(row[2] for row in rows_P3)
    starred = [(score, stars) for prompt in scored for score, stars, _ in prompt.starred()]
    scores_N, stars_N = [score for score, _ in starred], [stars for _, stars in starred]
    across = count_pairs(scores_N, stars_N)
    answers = sum(len(prompt.scores_N) for prompt in scored)
    compared = sum(len(prompt.scores_N) for prompt, row in zip(scored, rows_P3, strict=True) if row[2])
    return Quality(
        prompts=len(scored),
        answers=answers,
        pairs=pairs,
        tied_labels=sum(_tied_labels(prompt) for prompt in scored),
        tied_scores=sum(row[1] for row in rows_P3) / pairs if pairs else None,
        pair_accuracy=interval(decided, accuracy, seed),
        pair_accuracy_by_prompt=mean_interval([accuracy(row) for row in decided], seed),
        best_is_best=mean_interval([best_is_best(prompt) for prompt in scored], seed),
        spearman=interval(rank_rows(scored), correlation, seed),
        kendall=kendall(scores_N, stars_N),
        spearman_in_prompt=mean_interval([_in_prompt(prompt, "spearman") for prompt in scored], seed),
        kendall_in_prompt=mean_interval([_in_prompt(prompt, "kendall") for prompt in scored], seed),
        across_accuracy=accuracy(_row(across)),
        rater_accuracy=interval([row for row in rater_rows(scored).values() if row[2]], accuracy, seed),
        compared=compared / answers if answers else 0.0,
    )


def order_found(scored: Sequence[ScoredPrompt]) -> dict[str, float]:
    """Return what the labels allow of pair accuracy and Spearman, and one figure of both, to choose models by.

    `rank_quality` is their mean as shares (Spearman as (1 + r) / 2), each weighed by the answers that it is measured
    on: where few prompts have more than one answer, pairs within them are chance meetings. 0.5 = nothing is told apart.
    """
    rows_P3 = [pair_row(prompt) for prompt in scored]
    compared = sum(len(prompt.scores_N) for prompt, row in zip(scored, rows_P3, strict=True) if row[2])
    starred = [(score, stars) for prompt in scored for score, stars, _ in prompt.starred()]
    pairs = accuracy([sum(column) for column in zip((0.0, 0.0, 0.0), *rows_P3, strict=True)])
    order = spearman([score for score, _ in starred], [stars for _, stars in starred])
    found = {} if pairs is None else {"pair_accuracy": pairs}
    found |= {} if order is None else {"spearman": order}
    shares = [] if pairs is None else [(compared, pairs)]
    shares += [] if order is None else [(len(starred), (1 + order) / 2)]
    weight = sum(count for count, _ in shares)
    return {RANK_QUALITY: sum(count * share for count, share in shares) / weight if weight else 0.5, **found}


Row = tuple[float, float, float]
"""Of pairs: weight ordered right, weight tied in the scores, weight of all."""


def pair_row(prompt: ScoredPrompt) -> Row:
    """Count a prompt's pairs; all of them where they follow from stars alone."""
    if not prompt.rated.preferences:
        starred = list(prompt.starred())
        return _row(count_pairs([score for score, _, _ in starred], [stars for _, stars, _ in starred]))
    pairs = scored_pairs(prompt)
    right = sum(pair.weight for pair in pairs if pair.difference > 0)
    tied = sum(pair.weight for pair in pairs if pair.difference == 0)
    return right, tied, sum(pair.weight for pair in pairs)


def accuracy(sums: Sequence[float]) -> float | None:
    """Return the pair accuracy of a `Row` or a sum of them; tied scores count half."""
    right, tied, total = sums
    return (right + tied / 2) / total if total else None


def _row(counts: PairCounts) -> Row:
    return counts.concordant, counts.tied_scores, counts.decided


def _tied_labels(prompt: ScoredPrompt) -> int:
    if prompt.rated.preferences:
        return sum(preference.probability == 0.5 for preference in prompt.rated.preferences)
    stars_N = [stars for _, stars, _ in prompt.starred()]
    return count_pairs(stars_N, stars_N).tied_labels


def rater_rows(scored: Sequence[ScoredPrompt]) -> Mapping[str, Row]:
    """Return for every named rater the row of all pairs of its ratings, most ratings first."""
    given: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for prompt in scored:
        for score, answer in zip(prompt.scores_N, prompt.rated.answers, strict=True):
            for rating in answer.ratings:
                if rating.rater and not rating.aspect:
                    given[rating.rater].append((score, rating.stars))
    by_size = sorted(given.items(), key=lambda item: -len(item[1]))
    return {rater: _row(count_pairs(*zip(*rows, strict=True))) for rater, rows in by_size}


def best_is_best(prompt: ScoredPrompt) -> float | None:
    """Return the share of best-scored answers that no other answer was preferred to, as RewardBench 2 counts."""
    ahead, beaten = _ahead_and_beaten(prompt.rated)
    judged = ahead | beaten
    if len(judged) < MIN_FOR_RANKS:
        return None
    top = max(prompt.scores_N[place] for place in judged)
    winners = [place for place in judged if prompt.scores_N[place] == top]
    return sum(place not in beaten for place in winners) / len(winners)


def _ahead_and_beaten(rated: RatedPrompt) -> tuple[set[int], set[int]]:
    """Return the answers that are better than another one, and those that are worse.

    Of all pairs that `scored_pairs` draws from: a sample would miss by what most answers are beaten.
    """
    ahead: set[int] = set()
    beaten: set[int] = set()
    compared: dict[int, set[int]] = defaultdict(set)
    for p in rated.preferences:
        compared[p.chosen].add(p.rejected)
        compared[p.rejected].add(p.chosen)
        if p.probability != 0.5:
            better, worse = (p.chosen, p.rejected) if p.probability > 0.5 else (p.rejected, p.chosen)
            ahead.add(better)
            beaten.add(worse)
    stars = {place: answer.stars for place, answer in enumerate(rated.answers) if answer.stars is not None}
    rising = sorted(stars, key=stars.__getitem__)
    for place, own in stars.items():
        # Its own place ends the search at the latest, so the work is a step an answer and one a comparison.
        least = next(other for other in rising if other not in compared[place])
        most = next(other for other in reversed(rising) if other not in compared[place])
        if own - stars[least] >= LABEL_TIE:
            ahead.add(place)
        if stars[most] - own >= LABEL_TIE:
            beaten.add(place)
    return ahead, beaten


def _in_prompt(prompt: ScoredPrompt, name: str) -> float | None:
    rows = [(score, stars) for score, stars, _ in prompt.starred()]
    if len(rows) < MIN_FOR_RANKS or len({stars for _, stars in rows}) < 2:
        return None
    scores_N, stars_N = zip(*rows, strict=True)
    value = spearman(scores_N, stars_N) if name == "spearman" else kendall(scores_N, stars_N)
    return value or 0.0  # A model that gives all of them the same score has told nothing apart.


def mean_interval(values: Sequence[float | None], seed: int = 0) -> Interval | None:
    """Return the mean of one value a prompt, those that exist, with its interval."""
    return interval([(value, 1.0) for value in values if value is not None], _mean, seed)


def _mean(sums: Sequence[float]) -> float | None:
    return sums[0] / sums[1] if sums[1] else None


def rank_rows(scored: Sequence[ScoredPrompt]) -> list[tuple[float, ...]]:
    """Return each prompt's moments of (rank of score, rank of stars), ranks taken once over all answers."""
    starred = [[(score, stars) for score, stars, _ in prompt.starred()] for prompt in scored]
    flat = [row for rows in starred for row in rows]
    x_N = iter(centred_ranks([score for score, _ in flat]))
    y_N = iter(centred_ranks([stars for _, stars in flat]))
    return [_moments([(next(x_N), next(y_N)) for _ in rows]) for rows in starred if rows]


def centred_ranks(values: Sequence[float]) -> list[float]:
    """Return ranks around 0."""
    middle = (len(values) + 1) / 2
    return [rank - middle for rank in ranks(values)]


def _moments(rows: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    x_N, y_N = [x for x, _ in rows], [y for _, y in rows]
    products = sum(x * y for x, y in rows)
    return len(rows), sum(x_N), sum(y_N), sum(x * x for x in x_N), sum(y * y for y in y_N), products


def correlation(sums: Sequence[float]) -> float | None:
    """Return the correlation of summed moments (see `rank_rows`)."""
    count, x, y, xx, yy, xy = sums
    spread = (xx - x * x / count) * (yy - y * y / count)
    return (xy - x * y / count) / spread**0.5 if spread > 0 else None
