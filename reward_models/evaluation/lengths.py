"""How much of a score is length: the bias that reward models are known for, and that policies exploit first.

Length is in characters of the response, which no tokenizer changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from reward_models.evaluation.bootstrap import Interval, interval
from reward_models.evaluation.quality import centred_ranks, correlation
from reward_models.evaluation.ranking import partial, partial_spearman, spearman
from reward_models.evaluation.scored import ScoredPair, ScoredPrompt, scored_pairs
from verifiers.types import Text, text_of


def plain(text: Text) -> str:
    """Return a text, or the texts of all its messages, one a paragraph, with their roles where there are several."""
    if isinstance(text, str):
        return text
    said = [(str(message.get("role", "")), text_of([{**message, "role": "assistant"}])) for message in text]
    return said[0][1] if len(said) == 1 else "\n".join(f"{role}: {words}" for role, words in said)


def length_scores(scored: Sequence[ScoredPrompt]) -> list[ScoredPrompt]:
    """Return the same prompts with each answer's length for a score: the baseline "longer is better"."""
    return [
        ScoredPrompt(prompt.rated, tuple(float(len(plain(answer.response))) for answer in prompt.rated.answers))
        for prompt in scored
    ]


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How scores and stars go with length. `None` = it does not exist on this set.

    Attributes:
        score_length, stars_length: Spearman with length, over all answers with stars.
        score_stars_fixed_length: Spearman of score and stars with length held fixed: the skill that is not length.
        score_length_fixed_stars: Spearman of score and length with stars held fixed: the bias itself.
        humans_longer: Share of pairs in which humans prefer the longer answer; equal lengths are left out.
        model_longer: Share of the same pairs in which the model scores the longer answer higher; ties count half.
        accuracy_longer, accuracy_shorter: Pair accuracy where humans prefer the longer, the shorter answer.
        pull_of_stars: `score_length_fixed_stars` with its interval.
        pull_of_pairs: `accuracy_longer` minus `accuracy_shorter` with its interval.
    """

    score_length: float | None
    stars_length: float | None
    score_stars_fixed_length: float | None
    score_length_fixed_stars: float | None
    humans_longer: float | None
    model_longer: float | None
    accuracy_longer: float | None
    accuracy_shorter: float | None
    pull_of_stars: Interval | None = None
    pull_of_pairs: Interval | None = None

    @property
    def pull(self) -> Interval | None:
        """What length itself gains, > 0 = longer answers: the pull that is measured on more prompts.

        A model's noise draws `model_longer` to one half, whatever length does to it, but leaves the pull of stars where
        it is; that of pairs too, but for pairs being further apart where the better answer is of the length that humans
        prefer. Noise in the labels does move both, where humans prefer one length.
        """
        found = [pull for pull in (self.pull_of_stars, self.pull_of_pairs) if pull is not None]
        return max(found, key=lambda pull: pull.prompts, default=None)


def length_bias(scored: Sequence[ScoredPrompt], seed: int = 0) -> LengthBias:
    """Measure how scores and stars go with length; the seed is of the intervals' resampling."""
    rows = [
        (score, stars, float(len(plain(answer.response))))
        for prompt in scored
        for score, stars, answer in prompt.starred()
    ]
    scores_N, stars_N, lengths_N = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    sides_P = [_agreement_by_length(prompt) for prompt in scored]
    longer, shorter = ([right for sides in sides_P for right in sides[side]] for side in (0, 1))
    both = [*longer, *(1 - right for right in shorter)]
    rows_P4 = [(sum(a), float(len(a)), sum(b), float(len(b))) for a, b in sides_P if a or b]
    return LengthBias(
        score_length=spearman(scores_N, lengths_N),
        stars_length=spearman(stars_N, lengths_N),
        score_stars_fixed_length=partial_spearman(scores_N, stars_N, lengths_N),
        score_length_fixed_stars=partial_spearman(scores_N, lengths_N, stars_N),
        humans_longer=len(longer) / len(both) if both else None,
        model_longer=sum(both) / len(both) if both else None,
        accuracy_longer=sum(longer) / len(longer) if longer else None,
        accuracy_shorter=sum(shorter) / len(shorter) if shorter else None,
        pull_of_stars=interval(_moments(scored, scores_N, lengths_N, stars_N), _partial, seed),
        pull_of_pairs=interval(rows_P4, _apart, seed),
    )


def _moments(scored: Sequence[ScoredPrompt], *columns: Sequence[float]) -> list[tuple[float, ...]]:
    """Return each prompt's count, sums, squares and products of the ranks of three columns, ranked over all answers."""
    ranked = zip(*map(centred_ranks, columns), strict=True)
    moments = ((1.0, x, y, z, x * x, y * y, z * z, x * y, x * z, y * z) for x, y, z in ranked)
    rows_P = [list(islice(moments, sum(1 for _ in prompt.starred()))) for prompt in scored]
    return [tuple(map(sum, zip(*rows, strict=True))) for rows in rows_P if rows]


def _partial(sums: Sequence[float]) -> float | None:
    """Return the correlation of the first two of three columns with the third one held fixed."""
    count, x, y, z, xx, yy, zz, xy, xz, yz = sums
    return partial(
        correlation((count, x, y, xx, yy, xy)),
        correlation((count, x, z, xx, zz, xz)),
        correlation((count, y, z, yy, zz, yz)),
    )


def _apart(sums: Sequence[float]) -> float | None:
    """Return how much more often pairs are ordered right whose better answer is the longer one."""
    right_longer, longer, right_shorter, shorter = sums
    return right_longer / longer - right_shorter / shorter if longer and shorter else None


def _agreement_by_length(prompt: ScoredPrompt) -> tuple[list[float], list[float]]:
    """Return for pairs whose better answer is the longer, the shorter one: 1 = the model agrees, 0.5 = a tie."""
    longer: list[float] = []
    shorter: list[float] = []
    for pair in scored_pairs(prompt):
        better, worse = pair_lengths(pair)
        if better != worse:
            (longer if better > worse else shorter).append(agreement(pair))
    return longer, shorter


def agreement(pair: ScoredPair) -> float:
    """Return 1 if the model orders the pair as humans do, 0 if not, 0.5 if it gives equal scores."""
    return 0.5 if pair.difference == 0 else float(pair.difference > 0)


def pair_lengths(pair: ScoredPair) -> tuple[int, int]:
    """Return the lengths of the better and the worse answer."""
    answers = pair.prompt.rated.answers
    return len(plain(answers[pair.better].response)), len(plain(answers[pair.worse].response))
