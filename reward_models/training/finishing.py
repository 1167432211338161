"""From a trained net to a checkpoint: scores centred, calibrated, carded, written whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from reward_models.batching.cutpoints import Cutpoints
from reward_models.data.sketch import sketch_of
from reward_models.evaluation.calibration import Calibration, fit_calibration
from reward_models.evaluation.evaluate import Evaluation, Rival, evaluate
from reward_models.evaluation.frozen import NAME, frozen_rival
from reward_models.evaluation.model_card import write_all
from reward_models.evaluation.scored import ScoredPrompt, with_scores
from reward_models.models.card import Card
from reward_models.models.reward_model import RewardModel
from reward_models.training.building import Encoding
from reward_models.training.validation import per_prompt
from reward_models.types import CARD_FILE
from verifiers.types import Json, Text

BASELINE_PARAMETERS = 200_000_000
LATER = "verify rm eval --train FILE runs it"
CENTRE_ANSWERS = 2_000
PARITY_TEXTS = 6
PARITY_TOKENS = 512


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run ends with.

    Attributes:
        card: As written.
        evaluation: On the validation prompts; `None` = there are none.
    """

    card: Card
    evaluation: Evaluation | None


def finish(
    model: RewardModel,
    train: Encoding,
    validation: Encoding,
    output: Path,
    facts: Mapping[str, Json],
    seed: int,
    cutpoints: Cutpoints | None = None,
) -> Finished:
    """Centre, calibrate, measure and save.

    Args:
        model: Trained.
        train: Where the scores' mean and deviation are measured.
        validation: What calibrates and measures; may be empty.
        output: The folder; files of a model in it are replaced.
        facts: loss, data_hash and settings, for the card.
        seed: Of folds and resampling.
        cutpoints: Of an ordinal loss, for the scores as they were trained.
    """
    mean, std = _centre(model, train)
    calibration: Calibration | None = None
    evaluation: Evaluation | None = None
    scores_N = _scores(model, validation if validation.encoded else train)
    if validation.encoded:
        scores_PN = per_prompt(validation.prompts, scores_N)
        calibration = fit_calibration(scores_PN, validation.prompts, seed)
        scored, left_out = with_scores(validation.prompts, scores_PN)
        beside = [_frozen_head(model, scored, train, seed)]
        evaluation = evaluate(scored, output.name, ["validation"], left_out=left_out, baselines=beside, seed=seed)
    card = Card(
        loss=str(facts["loss"]),
        mean=float(scores_N.mean()),
        std=float(scores_N.std(correction=0)) or 1.0,
        calibration=calibration.to_json() if calibration else {},
        cutpoints=cutpoints and cutpoints.rescaled(mean, std),
        quantiles=calibration.shape.quantiles_Q if calibration else (),
        tie_rate=calibration.shape.tie_rate if calibration else None,
        data_hash=str(facts["data_hash"]),
        seen=sketch_of(train.prompts),
        metrics=evaluation.metrics() if evaluation else {},
        settings=facts["settings"],  # type: ignore[arg-type]
        parity=model.parity(*_parity_texts(validation, train)),
    )
    written = save_whole(model, output, card)
    if evaluation is not None:
        write_all(evaluation, written, output)
    return Finished(written, evaluation)


def _frozen_head(model: RewardModel, scored: Sequence[ScoredPrompt], train: Encoding, seed: int) -> Rival:
    """Run the baseline where a second model beside this one costs little."""
    if model.stock.num_parameters() > BASELINE_PARAMETERS:
        return Rival(NAME, model.base, None, f"A base of this size is not loaded twice; {LATER}.")
    how = {"max_tokens": model.encoder.max_tokens, "device": str(model.device)}
    return frozen_rival(model.base, scored, train.prompts, seed, **how)


def save_whole(model: RewardModel, output: Path, card: Card) -> Card:
    """Write the model beside its folder, then move file by file: a kill leaves the old model or parts of both named.

    The card goes last: what reads a model looks for it.
    """
    built = output / f".saving-{os.getpid()}"
    try:
        written = model.save(str(built), card)
        for file in sorted(built.iterdir(), key=lambda file: file.name == CARD_FILE):
            file.replace(output / file.name)
    finally:
        shutil.rmtree(built, ignore_errors=True)
    return written


def _centre(model: RewardModel, train: Encoding) -> tuple[float, float]:
    """Take mean and deviation of training scores into the head: bfloat16 tells scores around 0 apart.

    Returns:
        What was taken out of them: scores are now (score - mean) / std.
    """
    step = max(1, len(train.encoded) // CENTRE_ANSWERS)
    scores_N = _overall(model, model.scores(train.encoded[::step]))
    mean, std = float(scores_N.mean()), float(scores_N.std(correction=0))
    if not std > 0:
        return 0.0, 1.0
    remains = model.rescale(mean, std)
    return mean - remains * std, std


def _scores(model: RewardModel, encoding: Encoding) -> torch.Tensor:
    return _overall(model, model.scores(encoding.encoded))


def _overall(model: RewardModel, scores: torch.Tensor) -> torch.Tensor:
    return model.overall(scores) if model.aspects else scores


def _parity_texts(*encodings: Encoding) -> tuple[list[Text], list[Text]]:
    """Return a few short texts of the data, or else its shortest: what a server is asked before it is believed."""
    found = [
        (len(encoded) + encoded.truncated, prompt.prompt, answer.response)
        for encoding in encodings
        for (prompt, answer), encoded in zip(
            ((prompt, answer) for prompt in encoding.prompts for answer in prompt.answers),
            encoding.encoded,
            strict=True,
        )
    ]
    short = [each for each in found if each[0] <= PARITY_TOKENS]
    if len(short) < PARITY_TEXTS:
        short = sorted(found, key=lambda each: each[0])[:PARITY_TEXTS]
    chosen = short[:: max(1, len(short) // PARITY_TEXTS)][:PARITY_TEXTS]
    return [prompt for _, prompt, _ in chosen], [response for *_, response in chosen]
