"""From what models gave for an answer to its verdict: one model, or several with their disagreement."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Literal

from reward_models.serving.engine import Ask, Marked, NotAnswered
from reward_models.serving.scale import Scale, Scores
from reward_models.serving.watch import ScoreWatch
from verifiers.judging import from_error, not_judged
from verifiers.types import Json, Part, Status, Verdict

Combine = Literal["mean", "min", "lower"]
DISAGREEMENT = "disagreement"
"""The part that holds the members' standard deviation."""


@dataclass(frozen=True, slots=True)
class Told:
    """A model's score of one answer.

    Attributes:
        score: Of the kind that was asked for.
        part: What the verdict shows of it.
        elapsed_s: Its work.
    """

    score: float
    part: Part
    elapsed_s: float


def told(name: str, scale: Scale, scores: Scores, marked: Marked) -> Told:
    """Read a model's outputs.

    Raises:
        ValueError: If they are no scores.
    """
    raw = scale.raw(marked.outputs)
    score = scale.of(raw, scores)
    details: dict[str, Json] = {"raw": raw, "tokens": marked.tokens}
    if scores == "raw" and (scale.std != 1.0 or scale.mean != 0.0):
        details["centred"] = scale.of(raw, "centred")
    if marked.truncated:
        details["truncated"] = True
    if marked.response_truncated:
        details["response_truncated"] = True
    details |= scale.cutpoints.probabilities(raw) if scale.cutpoints is not None else {}
    details |= dict(zip(scale.aspects, marked.outputs, strict=bool(scale.aspects)))
    what = "answer's middle not read" if marked.response_truncated else "prompt cut to fit"
    cut = f", {what}" if marked.truncated else ""
    return Told(score, Part(name, score, f"{scores} score{cut}", details=details), marked.elapsed_s)


def together(members: Sequence[Told], combine: Combine, penalty: float) -> Verdict:
    """Make one verdict of the scores of all members.

    Args:
        members: At least one.
        combine: `mean`, `min`, or `lower` = mean - penalty x standard deviation.
        penalty: Of `lower`.
    """
    scores = [each.score for each in members]
    elapsed_s = math.fsum(each.elapsed_s for each in members)
    if len(scores) == 1:
        part = members[0].part
        return Verdict(scores[0], Status.PARTIAL, f"{part.name}: {part.reason}", parts=(part,), elapsed_s=elapsed_s)
    mean = math.fsum(scores) / len(scores)
    spread = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / (len(scores) - 1))
    reward = {"mean": mean, "min": min(scores), "lower": mean - penalty * spread}[combine]
    how = f"mean - {penalty:g} x disagreement" if combine == "lower" else combine
    reason = f"{how} of {len(scores)} models; they disagree by {spread:.3g}"
    shown = Part(DISAGREEMENT, spread, "standard deviation of the models' scores", weight=0.0)
    return Verdict(reward, Status.PARTIAL, reason, parts=(*(each.part for each in members), shown), elapsed_s=elapsed_s)


def lost(error: BaseException) -> Verdict:
    """Return the verdict for an answer that a model did not score."""
    if isinstance(error, NotAnswered):
        return not_judged(error.status, str(error))
    if isinstance(error, (TypeError, ValueError)):
        return not_judged(Status.BAD_ROW, f"cannot be read by the model: {error}")
    if isinstance(error, Exception):
        return from_error(error, "the reward model")
    return not_judged(Status.FAILED, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model's numbers mean: known once it is loaded.

    Attributes:
        scale: What its card says.
        watch: Holds its scores against the calibration set; `None` = the card has none, or nobody wants to know.
    """

    scale: Scale
    watch: ScoreWatch | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a teacher.

    Attributes:
        name: Unique among the members.
        submit: Begins an ask.
        facts: Asked once something was scored.
    """

    name: str
    submit: Callable[[Ask], Future[Marked]]
    facts: Callable[[], Facts]


@dataclass(frozen=True, slots=True)
class How:
    """How scores become a reward.

    Attributes:
        scores: Which kind of score.
        combine: What becomes of several models' scores; see `together`.
        penalty: Of `lower`.
    """

    scores: Scores = "raw"
    combine: Combine = "mean"
    penalty: float = 1.0


def gather(ask: Ask, members: Sequence[Member], how: How) -> Future[Verdict]:
    """Ask all members; return the future of the verdict. Cancelling it cancels what has not begun."""
    whole: Future[Verdict] = Future()
    asked_s = time.monotonic()
    asked = [(member, member.submit(ask)) for member in members]

    def wait(index: int) -> None:
        if index < len(asked):
            asked[index][1].add_done_callback(lambda _: wait(index + 1))
        elif whole.set_running_or_notify_cancel():
            whole.set_result(_verdict(ask, asked, how, asked_s))

    def on_end(ended: Future[Verdict]) -> None:
        if ended.cancelled():
            for _, future in asked:
                future.cancel()

    whole.add_done_callback(on_end)
    wait(0)
    return whole


def _verdict(ask: Ask, asked: Sequence[tuple[Member, Future[Marked]]], how: How, asked_s: float) -> Verdict:
    """Make the verdict of members that are all done; whatever happens, there is one: somebody waits for it."""
    try:
        return _judged(ask, asked, how, asked_s)
    except Exception as error:  # what a server or a card holds may be anything
        return not_judged(Status.FAILED, f"the scores make no verdict: {type(error).__name__}: {error}")


def _judged(ask: Ask, asked: Sequence[tuple[Member, Future[Marked]]], how: How, asked_s: float) -> Verdict:
    found: list[Told] = []
    for member, future in asked:
        error = CancelledError("given up") if future.cancelled() else future.exception()
        if error is not None:
            return lost(error)
        try:
            facts, marked = member.facts(), future.result()
            found.append(told(member.name, facts.scale, how.scores, marked))
        except Exception as error:  # the scores may be anything; the verdict tells what
            return not_judged(Status.FAILED, f"{member.name}: {error}")
        if facts.watch is not None:
            facts.watch.heard(ask.prompt, ask.response, facts.scale.raw(marked.outputs), asked_s)
    return together(found, how.combine, how.penalty)
