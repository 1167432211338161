"""Scores of rated answers by any teacher: a checkpoint of ours, a server, a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reward_models.types import RatedPrompt
from verifiers.errors import UsageError
from verifiers.scoring import score
from verifiers.types import Json, Sample

CHECKPOINT_TEACHER = "reward_model"
CHECKPOINT_FILES = ("config.json", "adapter_config.json")
UNWATCHED: Mapping[str, Json] = {"scores": "raw", "watch": False}
"""Options of a checkpoint here: a held-out set is no drifting job."""
FIXED: Mapping[str, str] = {
    "model": "the folder before the question mark is the model; to evaluate another one, name its folder",
    "scores": "rm eval reads the raw scores, from which --update fits the calibration that serving applies",
}
"""Options of a checkpoint that are no choice here, and why."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is evaluated.

    Attributes:
        name: As given, for the report.
        teacher: The teacher's name.
        options: Its options.
        folder: Of the checkpoint, where it is one.
    """

    name: str
    teacher: str
    options: Mapping[str, Json]
    folder: Path | None = None


def model_of(name: str, options: Mapping[str, Json]) -> Model:
    """Return what a name on the command line means: a folder with a model, or else a teacher.

    Raises:
        UsageError: If it is a folder without a model, or an option says otherwise which model or which scores.
    """
    folder = Path(name)
    if not folder.is_dir():
        return Model(name, name, options)
    if not any((folder / file).is_file() for file in CHECKPOINT_FILES):
        raise UsageError(f"{name} holds no model ({' or '.join(CHECKPOINT_FILES)}); name what verify rm train wrote")
    given = [option for option in FIXED if option in options]
    if given:
        option = given[0]
        raise UsageError(f"{name}?{option}={options[option]}: leave {option!r} out here, as {FIXED[option]}")
    return Model(name, CHECKPOINT_TEACHER, {**UNWATCHED, **options, "model": name}, folder)


@dataclass(frozen=True, slots=True)
class Judged:
    """A teacher's scores.

    Attributes:
        scores_PN: Of each prompt's answers; `None` = not judged.
        reasons: Why answers were not judged, the first few kinds.
    """

    scores_PN: list[list[float | None]]
    reasons: tuple[str, ...]


MAX_REASONS = 3


def judge(model: Model, rated_P: Sequence[RatedPrompt]) -> Judged:
    """Score every answer.

    Raises:
        UsageError: If there is no such teacher, or it judged no answer at all.
    """
    samples = [
        Sample(completion=answer.response, prompt=rated.prompt, group=number)
        for number, rated in enumerate(rated_P)
        for answer in rated.answers
    ]
    verdicts = score(samples, model.teacher, options=model.options)
    reasons = tuple(dict.fromkeys(v.reason for v in verdicts if v.reward is None))[:MAX_REASONS]
    if samples and all(verdict.reward is None for verdict in verdicts):
        raise UsageError(f"{model.name} could judge none of {len(samples):,} answers: {'; '.join(reasons)}")
    rest = iter(verdicts)
    return Judged([[next(rest).reward for _ in rated.answers] for rated in rated_P], reasons)
