"""Losses by name, and which one fits a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reward_models.batching.scale import StarScale
from reward_models.losses.base import Loss
from reward_models.losses.cross import CrossPrompt
from reward_models.losses.joint import Joint
from reward_models.losses.ordinal import Ordinal
from reward_models.losses.pairwise import TIE, BradleyTerry, MarginBradleyTerry, ScaledBradleyTerry, SoftBradleyTerry
from reward_models.losses.regression import Huber, MeanSquaredError
from reward_models.losses.wrappers import Centred, MultiAspect
from reward_models.types import Answer, RatedPrompt
from verifiers.errors import UsageError

AUTO = "auto"
LOSSES: dict[str, Callable[[StarScale], Loss]] = {
    "bt": lambda scale: BradleyTerry(),
    "margin": lambda scale: MarginBradleyTerry(),
    "scaled": lambda scale: ScaledBradleyTerry(),
    "soft": lambda scale: SoftBradleyTerry(),
    "mse": lambda scale: MeanSquaredError(),
    "huber": lambda scale: Huber(),
    "ordinal": lambda scale: Ordinal(len(scale.levels)),
    "cross": lambda scale: CrossPrompt(),
    "joint": lambda scale: Joint(),
}
PAIRWISE = frozenset({"bt", "margin", "scaled", "soft"})
"""Losses that learn from pairs of one prompt only."""
SINGLE = frozenset({"mse", "huber", "ordinal", "cross"})
"""Losses that learn from stars only."""


def check_name(name: str) -> None:
    """Refuse a loss that there is not.

    Raises:
        UsageError: If it is neither one of `LOSSES` nor `AUTO`.
    """
    if name not in (*LOSSES, AUTO):
        raise UsageError(f"there is no loss {name!r}; allowed: {', '.join(LOSSES)}, {AUTO}")


def build_loss(
    name: str, scale: StarScale, *, centring: float = 0.0, aspects: Mapping[str, float] | None = None
) -> Loss:
    """Build a loss.

    Args:
        name: One of `LOSSES`.
        scale: Of the training labels; ordinal losses take their levels from it.
        centring: Coefficient of the pull of scores to 0; 0 = none.
        aspects: Aspect -> factor in the score, for a model with an output for each; in the order of `scale.aspects`.

    Raises:
        UsageError: If there is no such loss, or it cannot be had for this data.
    """
    if name == AUTO:
        raise UsageError(f"{AUTO} is no loss; choose one first: {', '.join(LOSSES)}")
    check_name(name)
    loss = LOSSES[name](scale)
    if aspects:
        if name == "ordinal":
            raise UsageError("the ordinal loss knows one scale only; for several aspects use loss=joint or loss=mse")
        if list(aspects) != list(scale.aspects):
            raise UsageError(
                f"aspects with a weight: {list(aspects)}; the data has: {list(scale.aspects)}. Name the same."
            )
        loss = MultiAspect(loss, list(aspects), list(aspects.values()))
    return Centred(loss, centring) if centring else loss


def check_fits(name: str, prompts: Sequence[RatedPrompt]) -> None:
    """Refuse a loss that would learn a constant from these labels.

    Raises:
        UsageError: If it has no label that tells two answers apart; the text names the losses that have.
    """
    fits = fitting(prompts)
    if not fits:
        count = sum(len(prompt.answers) for prompt in prompts)
        raise UsageError(
            f"there is nothing to learn from: of {count:,} answers, no two differ in rating and none is preferred to "
            "another. Give ratings that differ, or pairs that are decided"
        )
    if name not in (*fits, AUTO):
        why = "no prompt has two answers of which one is better" if name in PAIRWISE else "no two ratings differ"
        raise UsageError(f"loss={name} would learn nothing from this data: {why}. Allowed: {', '.join(fits)}, {AUTO}")


def fitting(prompts: Sequence[RatedPrompt]) -> tuple[str, ...]:
    """Return the losses that some label tells which of two answers is better."""
    labels_P = [{(a.stars, *sorted(a.aspects.items())) for a in prompt.answers if _rated(a)} for prompt in prompts]
    rated = len(set().union(*labels_P)) > 1
    ordered = any(len(labels) > 1 for labels in labels_P) or any(
        stated.probability != TIE for prompt in prompts for stated in prompt.preferences
    )
    learns = {**dict.fromkeys(PAIRWISE, ordered), **dict.fromkeys(SINGLE, rated), "joint": ordered or rated}
    return tuple(name for name in LOSSES if learns[name])


def candidates(prompts: Sequence[RatedPrompt]) -> tuple[str, ...]:
    """Return the losses that `auto` weighs, the first one preferred; where there are two, left-out folds decide."""
    if not any(_rated(answer) for prompt in prompts for answer in prompt.answers):
        return ("soft",)
    return ("joint",) if any(_comparable(prompt) for prompt in prompts) else ("mse", "ordinal")


def _comparable(prompt: RatedPrompt) -> bool:
    return bool(prompt.preferences) or sum(map(_rated, prompt.answers)) > 1


def _rated(answer: Answer) -> bool:
    return answer.stars is not None or bool(answer.aspects)
