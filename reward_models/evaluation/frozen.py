"""The frozen-head baseline: the base model as it came, and a linear head fitted in closed form on its features.

A fine-tuned model that does not beat it has learned nothing that the base did not know (FACTS of this project: on one
split of Mohler the frozen head had .457, fine-tuning .317). One quadratic loss serves every kind of label:

    sum (f.b - y)^2  +  W sum over pairs of a prompt ((f_i - f_j).b - (y_i - y_j))^2  +  ridge |b|^2

with standardised stars y, all pairs of a prompt weighed as its answers, and preferences as pairs of target 2p - 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reward_models.evaluation.base_features import Features, base_features
from reward_models.evaluation.calibration import FOLDS, fold_of
from reward_models.evaluation.evaluate import Rival
from reward_models.evaluation.quality import RANK_QUALITY, order_found
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.types import RatedPrompt
from verifiers.errors import UsageError, VerifyError, require

if TYPE_CHECKING:
    from torch import Tensor

NAME = "frozen head"
PAIR_WEIGHT = 1.0
RIDGES = tuple(10.0**power for power in range(-3, 4))
"""Tried, as multiples of the mean curvature."""
CHOICE_SHARE = 4
"""One prompt in this many is held out of the fit that chooses the ridge."""
MIN_PROMPTS = 10
MIN_EVALUATED = -(-MIN_PROMPTS * FOLDS // (FOLDS - 1))
"""So many prompts leave enough to fit on when a fold is held out."""
AT_ONCE = 256
"""Prompts whose equations are added up at a time."""


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head on standardised features."""

    mean_D: Tensor
    std_D: Tensor
    weight_D: Tensor

    def scores(self, features_ND: Tensor) -> tuple[float, ...]:
        """Score answers."""
        return tuple(((features_ND.double() - self.mean_D) / self.std_D @ self.weight_D).tolist())


def frozen_rival(
    base: str, scored: Sequence[ScoredPrompt], train: Sequence[RatedPrompt] = (), seed: int = 0, **how: Any
) -> Rival:
    """Run the baseline on the answers that a model scored.

    Args:
        base: Folder or id of the base model.
        scored: The evaluated model's answers.
        train: Prompts to fit the head on; without them it is fitted on four fifths of the evaluated prompts at a time
            and scores the rest.
        seed: Of folds and the projection.
        how: As of `RewardModel.from_base`.

    Returns:
        The rival; `missing` tells why it could not be run.
    """
    how_it_is = f"{short_path(base)}, not trained; linear head fitted " + (
        "on the training file" if train else "here, 5-fold"
    )
    try:
        return Rival(NAME, how_it_is, frozen_scores(base_features(base, seed, **how), scored, train, seed))
    except VerifyError as error:
        return Rival(NAME, how_it_is, None, str(error))


def short_path(base: str) -> str:
    """Return a hub id as it is, and of a folder the last two names: where it lies says nothing to others."""
    return "/".join(Path(base).parts[-2:]) if Path(base).is_absolute() else base


def frozen_scores(
    features: Features, scored: Sequence[ScoredPrompt], train: Sequence[RatedPrompt] = (), seed: int = 0
) -> list[ScoredPrompt]:
    """Return the same prompts with the head's scores.

    Raises:
        UsageError: If there are too few prompts to fit a head on.
    """
    rated_P = [prompt.rated for prompt in scored]
    if not train and len(rated_P) < MIN_EVALUATED:
        raise UsageError(
            f"{len(rated_P)} prompts are too few to fit a head on {FOLDS - 1} of {FOLDS} parts of them; give "
            f"{MIN_EVALUATED} or more, or other prompts to fit it on with --train"
        )
    features_P = features(rated_P)
    if train:
        head = fit_head(train, features(train))
        return [ScoredPrompt(rated, head.scores(each)) for rated, each in zip(rated_P, features_P, strict=True)]
    folds = fold_of(len(rated_P), seed)
    heads = []
    for held_out in range(FOLDS):
        kept = [place for place, fold in enumerate(folds) if fold != held_out]
        heads.append(fit_head([rated_P[place] for place in kept], [features_P[place] for place in kept]))
    rows = zip(rated_P, features_P, folds, strict=True)
    return [ScoredPrompt(rated, heads[fold].scores(each)) for rated, each, fold in rows]


def fit_head(rated_P: Sequence[RatedPrompt], features_P: Sequence[Tensor]) -> Head:
    """Fit a head, its ridge chosen on prompts left out of a first fit.

    Raises:
        UsageError: If there are too few prompts.
    """
    torch = require("torch", "rm", "The frozen-head baseline")
    if len(rated_P) < MIN_PROMPTS:
        raise UsageError(f"{len(rated_P)} prompts are too few to fit a head on; give {MIN_PROMPTS} or more")
    together = torch.cat([*features_P]).double()
    mean_D, std_D = together.mean(0), together.std(0).clamp_min(1e-6)
    standard_P = [(each.double() - mean_D) / std_D for each in features_P]
    labels_P = _standardised(rated_P)
    rows_P = list(zip(rated_P, labels_P, standard_P, strict=True))
    held_out, fitted = rows_P[::CHOICE_SHARE], [row for place, row in enumerate(rows_P) if place % CHOICE_SHARE]
    inside, outside = _normal(torch, fitted), _normal(torch, held_out)
    merits = [_merit([(rated, x_ND @ weight_D) for rated, _, x_ND in held_out]) for weight_D in _solved(torch, *inside)]
    everything = inside[0] + outside[0], inside[1] + outside[1]
    return Head(mean_D, std_D, _solved(torch, *everything)[merits.index(max(merits))])


def _standardised(rated_P: Sequence[RatedPrompt]) -> list[list[float | None]]:
    stars = [answer.stars for rated in rated_P for answer in rated.answers if answer.stars is not None]
    mean = sum(stars) / len(stars) if stars else 0.0
    std = math.sqrt(sum((value - mean) ** 2 for value in stars) / len(stars)) if stars else 1.0
    return [
        [None if answer.stars is None else (answer.stars - mean) / (std or 1.0) for answer in rated.answers]
        for rated in rated_P
    ]


Labelled = tuple[RatedPrompt, Sequence[float | None], "Tensor"]
"""A prompt, its standardised stars, its standardised features."""


def _normal(torch: Any, rows_P: Sequence[Labelled]) -> tuple[Tensor, Tensor]:
    """Return the normal equations of some prompts: curvature (D, D) and slope (D,)."""
    width = rows_P[0][2].shape[1]
    matrix, slope = torch.zeros(width, width).double(), torch.zeros(width).double()
    for start in range(0, len(rows_P), AT_ONCE):
        parts = [part for row in rows_P[start : start + AT_ONCE] for part in _rows(*row)]
        if parts:
            a_MD = torch.cat([x_MD for x_MD, _ in parts])
            matrix += a_MD.T @ a_MD
            slope += a_MD.T @ torch.cat([y_M for _, y_M in parts])
    return matrix, slope


def _rows(rated: RatedPrompt, labels_N: Sequence[float | None], x_ND: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what a prompt adds to the least squares: features and targets, both times the root of their weight."""
    places = [place for place, label in enumerate(labels_N) if label is not None]
    if places:
        x_KD = x_ND[places]
        y_K = x_ND.new_tensor([labels_N[place] for place in places])
        yield x_KD, y_K
        # All pairs of k answers, weighed k / 2 together, are the answers around their mean.
        root = PAIR_WEIGHT**0.5
        yield root * (x_KD - x_KD.mean(0)), root * (y_K - y_K.mean())
    if rated.preferences:
        roots_K = x_ND.new_tensor([(PAIR_WEIGHT * p.weight) ** 0.5 for p in rated.preferences])
        target_K = x_ND.new_tensor([2 * p.probability - 1 for p in rated.preferences])
        chosen, rejected = [p.chosen for p in rated.preferences], [p.rejected for p in rated.preferences]
        yield roots_K[:, None] * (x_ND[chosen] - x_ND[rejected]), roots_K * target_K


def _solved(torch: Any, matrix: Tensor, slope: Tensor) -> list[Tensor]:
    """Solve for every ridge with one eigendecomposition."""
    values_D, vectors_DD = torch.linalg.eigh(matrix)
    turned_D = vectors_DD.T @ slope
    scale = values_D.clamp_min(0).mean().clamp_min(1e-12)
    return [vectors_DD @ (turned_D / (values_D.clamp_min(0) + ridge * scale)) for ridge in RIDGES]


def _merit(scores_P: Sequence[tuple[RatedPrompt, Tensor]]) -> float:
    return order_found([ScoredPrompt(rated, tuple(scores_N.tolist())) for rated, scores_N in scores_P])[RANK_QUALITY]
