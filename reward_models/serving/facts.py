"""From a model's card to what its numbers mean when they are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reward_models.evaluation.calibration import Calibration
from reward_models.serving.scale import Scale, Scores
from reward_models.serving.verdicts import Facts
from reward_models.serving.watch import ScoreWatch
from reward_models.types import CARD_FILE

if TYPE_CHECKING:
    from reward_models.models.card import Card

MIN_CALIBRATED = 100
"""With fewer answers in the calibration set, sound scores leave its range too often to say anything."""


def facts_of(card: Card | None, model: str, scores: Scores, watched: bool) -> Facts:
    """Read a card for serving.

    Args:
        card: The model's; `None` = it has none, and only raw scores can be had.
        model: Its name, for messages.
        scores: Which kind of score is wanted.
        watched: Whether scores are held against the calibration set, where the card tells of it.

    Raises:
        OptionError: If the card does not support that kind.
        InputError: If its calibration cannot be read.
    """
    if card is None:
        scale = Scale()
    else:
        calibration = Calibration.from_json(card.calibration, f"{model}/{CARD_FILE}") if card.calibration else None
        scale = Scale(card.mean, card.std, card.aspects, calibration, card.cutpoints)
    scale.check(scores, card is not None, model)
    shape = scale.calibration.shape if watched and scale.calibration is not None else None
    return Facts(scale, ScoreWatch(shape, model) if shape is not None and shape.count >= MIN_CALIBRATED else None)
