"""From a model's raw outputs to the reward: one number of several aspects, and raw, centred or calibrated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reward_models.batching.cutpoints import Cutpoints
from reward_models.evaluation.calibration import Calibration
from reward_models.evaluation.scored import is_sound
from verifiers.errors import OptionError

Scores = Literal["raw", "centred", "calibrated"]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a card says of the numbers.

    Attributes:
        mean, std: Of the raw scores on the calibration set.
        aspects: Aspect -> weight; empty = the model has one output.
        calibration: The maps to stars and probabilities; `None` = the card has none.
        cutpoints: Of an ordinal loss: they give P(each star); `None` = it was trained with another loss.
    """

    mean: float = 0.0
    std: float = 1.0
    aspects: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    cutpoints: Cutpoints | None = None

    def raw(self, outputs: Sequence[float]) -> float:
        """Return one number: the only output, or the weighted sum of the aspects.

        Raises:
            ValueError: If it is no sound number, or the outputs are not the card's.
        """
        if not self.aspects:
            if len(outputs) != 1:
                raise ValueError(f"the model gave {len(outputs)} numbers, and its card names no aspects")
            raw = outputs[0]
        elif len(outputs) != len(self.aspects):
            raise ValueError(f"the model gave {len(outputs)} numbers for the aspects {', '.join(self.aspects)}")
        else:
            raw = math.fsum(output * weight for output, weight in zip(outputs, self.aspects.values(), strict=True))
        if not is_sound(raw):
            raise ValueError(f"the model gave {raw}: its weights or activations have overflowed")
        return raw

    def of(self, raw: float, scores: Scores) -> float:
        """Return a raw score as the kind that was asked for; `check` has made sure that it can be had.

        Raises:
            ValueError: If it is no sound number.
        """
        score = raw
        if scores == "centred":
            score = (raw - self.mean) / self.std
        elif scores == "calibrated" and self.calibration is not None:
            score = self.calibration.calibrated(raw)
        if not is_sound(score):
            raise ValueError(f"the {scores} score of {raw:g} is {score}: the card's mean, std or calibration are wrong")
        return score

    def check(self, scores: Scores, has_card: bool, model: str) -> None:
        """Refuse a kind that the card does not support.

        Raises:
            OptionError: Naming what to do.
        """
        if scores != "raw" and not has_card:
            raise OptionError(f"scores={scores} needs the model's rm_card.json, which {model} has not; use scores=raw")
        if scores == "calibrated" and self.calibration is None:
            raise OptionError(
                f"scores=calibrated: the card of {model} has no calibration. Fit one: verify rm eval {model} FILE "
                "--update; or use scores=centred"
            )
