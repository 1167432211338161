"""One call of `verify rm eval`: score, compare, measure, and tell the model's folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reward_models.data.labels import relabelled
from reward_models.data.raters import Mode, fit_raters
from reward_models.data.sketch import share_seen
from reward_models.data.split import apart
from reward_models.evaluation.calibration import Calibration, calibrate
from reward_models.evaluation.evaluate import Evaluation, Rival, evaluate
from reward_models.evaluation.judged import Judged, Model, judge
from reward_models.evaluation.scored import ScoredPrompt, with_scores
from reward_models.types import RatedPrompt
from verifiers.errors import UsageError

if TYPE_CHECKING:
    from reward_models.data.rated import RatedData
    from reward_models.models.card import Card

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        model: To evaluate.
        against: Others on the same answers.
        base: Of the frozen-head baseline; `None` = the card's.
        frozen_head: Whether to run it.
        raters: Whether raters' offsets are taken off the labels.
        seed: Of resampling and folds.
        update: Whether to write into the model's folder.
        files: Names, for the report.
    """

    model: Model
    against: tuple[Model, ...] = ()
    base: str | None = None
    frozen_head: bool = True
    raters: Mode = "auto"
    seed: int = 0
    update: bool = False
    files: tuple[str, ...] = ()


def run(request: Request, data: RatedData, train: RatedData | None, say: Say) -> Evaluation:
    """Evaluate.

    Args:
        request: What is asked for.
        data: Held-out ratings.
        train: What the frozen head is fitted on; `None` = the held-out ratings, in folds.
        say: Takes what a person should know.

    Raises:
        UsageError: If a model cannot be used, or judged nothing.
        InputError: If a card cannot be read or written.
    """
    if request.update and request.model.folder is None:
        raise UsageError(f"--update writes into a model's folder, and {request.model.name} is none")
    card = _card(request.model.folder)
    for remark in data.remarks():
        say(remark)
    rated_P = _labelled(data, request.raters, say)
    judged = [_judged(model, rated_P, say) for model in (request.model, *request.against)]
    scored_M, left_out = _in_common(rated_P, judged)
    others = [
        Rival(model.name, model.teacher, scored) for model, scored in zip(request.against, scored_M[1:], strict=True)
    ]
    baselines = [_frozen(request, card, scored_M[0], train, say)] if request.frozen_head else []
    evaluation = evaluate(
        scored_M[0],
        request.model.name,
        [Path(name).name for name in request.files],
        left_out=left_out,
        baselines=baselines,
        others=others,
        calibration=Calibration.from_json(dict(card.calibration)) if card is not None and card.calibration else None,
        seen=share_seen(card.seen, rated_P) if card is not None else None,
        seed=request.seed,
    )
    if request.update and request.model.folder is not None:
        # The card's own map is gone with this call: what is written and shown tells of the new one only.
        checked = tuple(each for each in evaluation.calibrations if each.fitted != "card")
        evaluation = replace(evaluation, calibrations=checked)
        _update(request.model.folder, card, scored_M[0], evaluation, request.seed)
        say(f"updated the card of {request.model.folder}")
    return evaluation


def _card(folder: Path | None) -> Card | None:
    if folder is None:
        return None
    from reward_models.models.card import read_card

    return read_card(folder)


def _labelled(data: RatedData, raters: Mode, say: Say, labels: str = "the labels") -> Sequence[RatedPrompt]:
    found = fit_raters(data.prompts, raters)
    if not found.on:
        return data.prompts
    say(f"raters' habits are taken off {labels}: {found.why}")
    return relabelled(data.prompts, data.aspects, found.offsets)


def _judged(model: Model, rated_P: Sequence[RatedPrompt], say: Say) -> Judged:
    say(f"{model.name} scores {sum(len(rated.answers) for rated in rated_P):,} answers")
    judged = judge(model, rated_P)
    for reason in judged.reasons:
        say(f"{model.name}: not judged: {reason}")
    return judged


def _in_common(rated_P: Sequence[RatedPrompt], judged_M: Sequence[Judged]) -> tuple[list[list[ScoredPrompt]], int]:
    """Return each model's scores of the answers that all of them could score, and how many were left out."""
    missing_PN = [
        [any(score is None for score in scores) for scores in zip(*rows, strict=True)]
        for rows in zip(*(judged.scores_PN for judged in judged_M), strict=True)
    ]
    found = []
    left_out = 0
    for judged in judged_M:
        scores_PN = [
            [None if gone else score for score, gone in zip(scores, missing, strict=True)]
            for scores, missing in zip(judged.scores_PN, missing_PN, strict=True)
        ]
        scored, left_out = with_scores(rated_P, scores_PN)
        found.append(scored)
    return found, left_out


def _frozen(
    request: Request, card: Card | None, scored: Sequence[ScoredPrompt], train: RatedData | None, say: Say
) -> Rival:
    from reward_models.evaluation.frozen import NAME, frozen_rival

    base = request.base or (card.base if card is not None else "")
    if not base:
        return Rival(NAME, "the base, not trained", None, "Its base is not known: name it with --base.")
    say(f"frozen-head baseline: {base} reads {sum(len(prompt.scores_N) for prompt in scored):,} answers")
    # As the evaluated labels are: a head fitted on other ones would be a weaker rival than the base is.
    rated_P = _labelled(train, request.raters, say, "the labels of --train") if train is not None else ()
    fitted = apart(rated_P, [prompt.rated for prompt in scored])
    if len(fitted) < len(rated_P):
        say(f"not fitted on: {len(rated_P) - len(fitted):,} prompts of --train that are evaluated too")
    return frozen_rival(base, scored, fitted, request.seed)


def _update(folder: Path, card: Card | None, scored: Sequence[ScoredPrompt], evaluation: Evaluation, seed: int) -> None:
    from reward_models.evaluation.model_card import write_all
    from reward_models.models.card import Card, write_card

    calibration = calibrate(scored, seed)
    shape = calibration.shape
    updated = replace(
        card or Card(),
        mean=shape.mean,
        std=shape.std or 1.0,
        calibration=calibration.to_json(),
        quantiles=shape.quantiles_Q,
        tie_rate=shape.tie_rate,
        metrics=evaluation.metrics(),
    )
    write_card(updated, folder)
    write_all(evaluation, updated, folder)
