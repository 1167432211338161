"""All that is measured of a reward model on one set: what the report, the JSON and the card are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from reward_models.evaluation.best_of_n import BestOfN, best_of_n
from reward_models.evaluation.bootstrap import Interval
from reward_models.evaluation.buckets import Bucket, by_length, by_longer, by_source
from reward_models.evaluation.calibration import Calibration, ScoreShape, calibrate, shape_of
from reward_models.evaluation.compare import Comparison, compare
from reward_models.evaluation.disagreements import Disagreement, Misjudged, worst_answers, worst_pairs
from reward_models.evaluation.distributions import Box, Histogram, boxes, differences
from reward_models.evaluation.lengths import LengthBias, length_bias, length_scores
from reward_models.evaluation.people import Ceiling, RaterQuality, VoteCeiling, ceiling, raters, vote_ceiling
from reward_models.evaluation.quality import Quality, measure
from reward_models.evaluation.reliability import Checked, check_card, check_crossed
from reward_models.evaluation.rewardbench import RewardBenchScore, rewardbench_score
from reward_models.evaluation.scored import ScoredPrompt
from verifiers.errors import UsageError
from verifiers.types import Json

LENGTH_BASELINE = "length alone"


@dataclass(frozen=True, slots=True)
class Rival:
    """Something else that scored the same answers: a baseline, or another model.

    Attributes:
        name: As shown.
        how: What it is, in a few words.
        scored: Its scores on the same answers; `None` = it could not be run.
        missing: Why not.
    """

    name: str
    how: str
    scored: Sequence[ScoredPrompt] | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """How the model stands beside a rival.

    Attributes:
        name, how, missing: Of the rival.
        quality: The rival's own measures; `None` = it could not be run.
        ahead: Model minus rival.
    """

    name: str
    how: str
    quality: Quality | None = None
    ahead: Comparison | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured. Every part is `None` or empty where the set does not allow it.

    Attributes:
        model: Name of the model.
        data: Names of the files.
        left_out: Answers that could not be scored.
        quality: Pair accuracy, correlations.
        baselines: Length alone, frozen head.
        others: Models that it was compared with.
        length: How scores go with length.
        by_length, by_longer, by_source: The measures on parts of the set.
        rewardbench: Section scores, if it is such a file.
        raters: The model against single raters.
        ceiling: Humans among themselves, by ratings.
        votes: The same, by votes on pairs.
        calibrations: The card's maps and such as are fitted here, each checked on prompts it has not seen.
        stars_scale: Lowest and highest label.
        best_of_n: What picking the best of n would gain.
        shape: How the raw scores lie.
        differences: Score of better minus worse answers.
        boxes: Scores by stars.
        worst_pairs, worst_answers: For a person to read.
        seen: Share of the prompts that the model was trained on, estimated; `None` = not known.
    """

    model: str
    data: tuple[str, ...]
    left_out: int
    quality: Quality
    baselines: tuple[Beside, ...]
    others: tuple[Beside, ...]
    length: LengthBias
    by_length: tuple[Bucket, ...]
    by_longer: tuple[Bucket, ...]
    by_source: tuple[Bucket, ...]
    rewardbench: RewardBenchScore | None
    raters: tuple[RaterQuality, ...]
    ceiling: Ceiling | None
    votes: VoteCeiling | None
    calibrations: tuple[Checked, ...]
    stars_scale: tuple[float, float] | None
    best_of_n: BestOfN | None
    shape: ScoreShape
    differences: Histogram | None
    boxes: tuple[Box, ...]
    worst_pairs: tuple[Disagreement, ...]
    worst_answers: tuple[Misjudged, ...]
    seen: float | None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values; numbers that are not finite become null."""
        value: dict[str, Any] = _finite(msgspec.to_builtins(self))
        return value

    def metrics(self) -> dict[str, Json]:
        """Return the few numbers that the card keeps: name -> value, `None` where it does not exist."""
        quality = self.quality
        found: dict[str, Json] = {
            "prompts": quality.prompts,
            "answers": quality.answers,
            "pairs": quality.pairs,
            "kendall": quality.kendall,
            "tied_scores": quality.tied_scores,
            "score_length_fixed_stars": self.length.score_length_fixed_stars,
        }
        intervals = ("pair_accuracy", "spearman", "spearman_in_prompt", "rater_accuracy", "best_is_best")
        for name in intervals:
            found |= _ends(name, getattr(quality, name))
        for checked in self.calibrations:
            found[f"ece_{checked.fitted}"] = None if checked.pairs is None else checked.pairs.error
        for beside in self.baselines:
            name = beside.name.replace(" ", "_")
            found[f"{name}_{'_'.join(quality.headline[0].split())}"] = _headline(beside.quality, quality)
        return found


def _ends(name: str, interval: Interval | None) -> dict[str, Json]:
    if interval is None:
        return {name: None}
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _headline(quality: Quality | None, of: Quality) -> float | None:
    """Return the measure of `quality` that is the headline of another one."""
    same = None if quality is None else dict(quality.measures)[of.headline[0]]
    return None if same is None else same.value


def evaluate(
    scored: Sequence[ScoredPrompt],
    model: str,
    data: Sequence[str] = (),
    *,
    left_out: int = 0,
    baselines: Sequence[Rival] = (),
    others: Sequence[Rival] = (),
    calibration: Calibration | None = None,
    seen: float | None = None,
    seed: int = 0,
) -> Evaluation:
    """Measure everything. The length-only baseline is always among the baselines.

    Args:
        scored: What the model scored, on answers it was not trained on.
        model: Its name, for the report.
        data: Names of the files, for the report.
        left_out: How many answers could not be scored.
        baselines: More baselines, on the same answers.
        others: Models to compare with, on the same answers.
        calibration: The card's own maps.
        seen: Share of the prompts that the model was trained on.
        seed: Of resampling and folds.

    Raises:
        UsageError: If nothing was scored.
    """
    if not scored:
        raise UsageError("There is nothing to evaluate: no answer was scored")
    quality = measure(scored, seed)
    sources = by_source(scored)
    fitted = calibrate(scored, seed)
    checked = [check_crossed(scored, seed)]
    return Evaluation(
        seen=seen,
        model=model,
        data=tuple(data),
        left_out=left_out,
        quality=quality,
        baselines=tuple(_beside(scored, rival, seed) for rival in (length_rival(scored, quality), *baselines)),
        others=tuple(_beside(scored, rival, seed) for rival in others),
        length=length_bias(scored, seed),
        by_length=tuple(by_length(scored)),
        by_longer=tuple(by_longer(scored)),
        by_source=tuple(sources),
        rewardbench=rewardbench_score(sources),
        raters=tuple(raters(scored)),
        ceiling=ceiling(scored),
        votes=vote_ceiling(scored),
        calibrations=tuple(([check_card(calibration, scored)] if calibration is not None else []) + checked),
        stars_scale=fitted.scale,
        best_of_n=best_of_n(scored),
        shape=shape_of(scored),
        differences=differences(scored),
        boxes=tuple(boxes(scored)),
        worst_pairs=tuple(worst_pairs(scored, fitted)),
        worst_answers=tuple(worst_answers(scored, fitted)),
    )


def length_rival(scored: Sequence[ScoredPrompt], quality: Quality) -> Rival:
    """Return the length-only baseline: longer is better, or shorter if that does better here (its best case)."""
    longer = length_scores(scored)
    name = quality.headline[0]
    found = dict(measure(longer).measures)[name]
    even = 0.0 if name == "Spearman" else 0.5
    if found is None or found.value >= even:
        return Rival(LENGTH_BASELINE, "the longer answer is the better one", longer)
    shorter = [ScoredPrompt(prompt.rated, tuple(-score for score in prompt.scores_N)) for prompt in longer]
    return Rival(LENGTH_BASELINE, "the shorter answer is the better one", shorter)


def _beside(scored: Sequence[ScoredPrompt], rival: Rival, seed: int) -> Beside:
    if rival.scored is None:
        return Beside(rival.name, rival.how, missing=rival.missing)
    return Beside(rival.name, rival.how, measure(rival.scored, seed), compare(scored, rival.scored, seed))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
