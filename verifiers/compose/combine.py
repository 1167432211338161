"""From the members' verdicts to one: gates, weighted, cascade, min, max, product, and what was not judged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from verifiers.compose.plan import Member, Next, Plan
from verifiers.judging import not_judged
from verifiers.types import Json, Part, Status, Verdict

Ask: TypeAlias = Callable[[int], Verdict | None]
"""Ask the member of that number; `None` = only a worker can."""

MAX_REASON_CHARS = 600
MAX_SHARE_CHARS = 160
"""Longest reason of one member in the reason of the whole."""


_AT_ONCE: dict[str, Callable[[list[float]], float]] = {"min": min, "max": max, "product": math.prod}


@dataclass(frozen=True, slots=True)
class Heard:
    """A member and what it said."""

    member: Member
    verdict: Verdict

    @property
    def told(self) -> str:
        """Its name and reason, for the whole's reason."""
        reason = self.verdict.reason or self.verdict.status.value
        return f"{self.member.name}: {reason[:MAX_SHARE_CHARS]}"


def combine(plan: Plan, ask: Ask) -> Verdict | None:
    """Ask the members that are needed, in order, and make one verdict; `None` = a worker must do it.

    Gates come first. One that does not pass ends it: reward 0, the others are not asked. A gate that was not judged
    voids the row, unless another one does not pass.
    """
    heard: list[Heard] = []
    gates = [i for i, each in enumerate(plan.members) if each.gate is not None]
    shut = ""
    for index in gates:
        answer = _heard(plan, ask, index, heard)
        if answer is None:
            return None
        if _fails(answer):
            gate = answer.member.gate
            shut = f"the gate {answer.member.name} did not pass ({answer.verdict.reward:g} < {gate:g}); {answer.told}"
            break
    if shut:
        return _whole(plan, heard, 0.0, Status.INCORRECT, shut)
    lost = next((each for each in heard if each.verdict.reward is None), None)
    if lost is not None:
        return _void(plan, heard, lost, "a gate that was not judged")
    rest = [i for i, each in enumerate(plan.members) if each.gate is None]
    if plan.how == "cascade":
        return _cascade(plan, ask, rest, heard)
    for index in rest:
        if _heard(plan, ask, index, heard) is None:
            return None
    return _together(plan, heard)


def _heard(plan: Plan, ask: Ask, index: int, heard: list[Heard]) -> Heard | None:
    verdict = ask(index)
    if verdict is None:
        return None
    heard.append(Heard(plan.members[index], verdict))
    return heard[-1]


def _fails(heard: Heard) -> bool:
    reward, gate = heard.verdict.reward, heard.member.gate
    return reward is not None and gate is not None and reward < gate


def _cascade(plan: Plan, ask: Ask, order: Sequence[int], heard: list[Heard]) -> Verdict | None:
    decided: Heard | None = None
    last: Heard | None = None
    for index in order:
        last = _heard(plan, ask, index, heard)
        if last is None:
            return None
        if last.verdict.reward is not None:
            decided = last
            if not goes_on(last.member.onward, last.verdict):
                break
    if last is not None and last is not decided and (plan.missing == "void" or decided is None):
        return _void(plan, heard, last, "the last of the cascade")
    if decided is None:
        raise ValueError("a cascade has at least one teacher that is no gate")
    verdict = decided.verdict
    return _whole(plan, heard, verdict.reward or 0.0, verdict.status, f"decided by {decided.told}")


def goes_on(onward: Next, verdict: Verdict) -> bool:
    """Whether a cascade asks the next member after this verdict."""
    if verdict.reward is None or verdict.status.value in onward.statuses:
        return True
    if onward.below is None and onward.above is None:
        return False
    under = onward.below is None or verdict.reward < onward.below
    return under and (onward.above is None or verdict.reward > onward.above)


def _together(plan: Plan, heard: Sequence[Heard]) -> Verdict:
    """Make one reward of all members that count."""
    weighted = plan.how == "weighted"
    counted = [each for each in heard if (each.member.weight != 0.0 if weighted else each.member.gate is None)]
    if not counted:
        return _whole(plan, heard, 1.0, Status.CORRECT, "every gate passed")
    judged = [each for each in counted if each.verdict.reward is not None]
    lost = next((each for each in counted if each.verdict.reward is None), None)
    if lost is not None and (plan.missing == "void" or not judged):
        return _void(plan, heard, lost, "missing: void" if plan.missing == "void" else "no other was judged")
    rewards = [each.verdict.reward or 0.0 for each in judged]
    if weighted:
        reward, full = _weigh(plan, rewards, [each.member.weight for each in judged], counted)
    else:
        reward, full = _AT_ONCE[plan.how](rewards), 1.0
    terms = ", ".join(_term(each, weighted) for each in judged)
    left_out = ", ".join(each.member.name for each in counted if each.verdict.reward is None)
    kind = f"weighted {plan.total}" if weighted else plan.how
    reason = f"{kind} of {terms}" + (f"; not judged, left out: {left_out}" if left_out else "")
    return _whole(plan, heard, reward, _status(reward, full, judged), reason)


def _weigh(plan: Plan, rewards: list[float], weights: list[float], counted: Sequence[Heard]) -> tuple[float, float]:
    """Return the reward and what full marks would be."""
    summed = math.fsum(reward * weight for reward, weight in zip(rewards, weights, strict=True))
    if plan.total == "mean":
        return summed / math.fsum(weights), 1.0
    # What was not judged hands its share to the others, so that rows with and without it stay comparable.
    share = math.fsum(abs(each.member.weight) for each in counted) / math.fsum(map(abs, weights))
    return summed * share, math.fsum(max(each.member.weight, 0.0) for each in counted)


def _term(heard: Heard, weighted: bool) -> str:
    share = f" x {heard.member.weight:g}" if weighted else ""
    return f"{heard.member.name} {heard.verdict.reward:.4g}{share}"


def _status(reward: float, full: float, judged: Sequence[Heard]) -> Status:
    statuses = {each.verdict.status for each in judged}
    if reward <= 0.0:
        return statuses.pop() if len(statuses) == 1 and reward == 0.0 else Status.INCORRECT
    return Status.CORRECT if reward >= full else Status.PARTIAL


def _void(plan: Plan, heard: Sequence[Heard], lost: Heard, why: str) -> Verdict:
    verdict = not_judged(lost.verdict.status, f"not judged ({why}): {lost.told}"[:MAX_REASON_CHARS])
    return Verdict(None, verdict.status, verdict.reason, _answer(heard), _parts(plan, heard))


def _whole(plan: Plan, heard: Sequence[Heard], reward: float, status: Status, reason: str) -> Verdict:
    return Verdict(reward, status, reason[:MAX_REASON_CHARS], _answer(heard), _parts(plan, heard))


def _answer(heard: Sequence[Heard]) -> str | None:
    """Return the answer that the weightiest member found; of equals, that of the last one asked."""
    found = [each for each in heard if each.verdict.answer is not None]
    return max(reversed(found), key=lambda each: each.member.weight).verdict.answer if found else None


def _parts(plan: Plan, heard: Sequence[Heard]) -> tuple[Part, ...]:
    """Return a part for every member, in the plan's order, each followed by its own parts."""
    said = {each.member.name: each.verdict for each in heard}
    parts: list[Part] = []
    for member in plan.members:
        verdict = said.get(member.name)
        if verdict is None:
            parts.append(Part(member.name, None, "not asked: it was decided before", member.weight, {"asked": False}))
            continue
        details: dict[str, Json] = {"status": verdict.status.value}
        details |= {} if verdict.answer is None else {"answer": verdict.answer}
        details |= {} if member.gate is None else {"gate": member.gate}
        parts.append(Part(member.name, verdict.reward, verdict.reason, member.weight, details))
        inner = verdict.parts
        parts += [Part(f"{member.name}/{p.name}", p.reward, p.reason, p.weight, p.details) for p in inner]
    return tuple(parts)
