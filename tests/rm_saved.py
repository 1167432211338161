"""Small reward models on disk, and what they are asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rm_tiny import WORDS, texts, tiny_base

from reward_models.evaluation.calibration import fit_calibration
from reward_models.models.card import Card
from reward_models.models.reward_model import RewardModel
from reward_models.types import Answer, RatedPrompt
from verifiers.types import Sample, Status, Verdict

LONG = " ".join(WORDS * 2)


def saved(folder: Path, kind: str, *, chat: str = "", seed: int = 0, **card: Any) -> str:
    """Write a reward model of two layers with a card; return its folder."""
    model = RewardModel.from_base(tiny_base(folder / f"base{seed}", kind, chat), seed=seed)
    parity = model.parity(["why is the sky blue", "a b c"], ["light scatters", "birds sing at dawn in the air"])
    path = folder / f"{kind}-{seed}"
    model.save(str(path), Card(parity=parity, **card))
    return str(path)


def groups(prompts: int = 4, size: int = 6) -> list[Sample]:
    """Samples of a few prompts, long and short, out of order."""
    _, responses = texts(prompts * size)
    starts = [LONG, "why", " ".join(WORDS), "what is water"]
    return [Sample(response, prompt=starts[index % prompts]) for index, response in enumerate(responses)]


def rewards(verdicts: Sequence[Verdict]) -> list[float]:
    assert {each.status for each in verdicts} == {Status.PARTIAL}, verdicts[0].reason
    return [float(each.reward or 0.0) for each in verdicts]


def calibrated_card(path: str) -> RewardModel:
    """Give a model's card a calibration on answers whose stars follow its own scores."""
    model = RewardModel.from_checkpoint(path)
    prompts, responses = texts(120, seed=3)
    found = model.scores(model.encode(prompts, responses)).tolist()
    order = sorted(found)
    rated = [
        RatedPrompt(prompt, (Answer(response, stars=1 + 4 * order.index(one) / (len(order) - 1)),))
        for prompt, response, one in zip(prompts, responses, found, strict=True)
    ]
    calibration = fit_calibration([[one] for one in found], rated)
    shape = calibration.shape
    assert model.card is not None
    card = Card(mean=shape.mean, std=shape.std, calibration=calibration.to_json(), parity=model.card.parity)
    model.save(path, card)
    return model
