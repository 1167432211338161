"""The teacher that a plan describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from verifiers.binding import Binding, bind, rebuild, steps_of
from verifiers.compose.combine import combine
from verifiers.compose.plan import META, NO_REFERENCE, REFERENCE, Member, Plan
from verifiers.errors import UsageError
from verifiers.judging import checked, judge_batch, not_judged
from verifiers.teacher import BaseTeacher, Teacher
from verifiers.types import Json, Sample, Status, Verdict

_FIELDS = BaseTeacher.reads


@dataclass(frozen=True, slots=True)
class Seat:
    """A member with its teacher at hand."""

    member: Member
    teacher: Teacher
    preload: tuple[str, ...]

    @property
    def reads(self) -> frozenset[str]:
        """The fields of the composed teacher's sample that this member depends on."""
        own = frozenset(getattr(self.teacher, "reads", _FIELDS))
        if "reference" not in own or self.member.reference == REFERENCE:
            return own
        return (own - {"reference"}) | ({"meta"} if self.member.reference.startswith(META) else frozenset())

    def sample(self, sample: Sample) -> Sample | Verdict:
        """Return the sample as this member sees it, or the verdict that its reference is missing."""
        place = self.member.reference
        if place == REFERENCE:
            return sample
        if place == NO_REFERENCE:
            return replace(sample, reference=None)
        found = column(sample.meta, place[len(META) :])
        if found is None:
            reason = f"the row has no column {place[len(META) :]!r}, which holds the reference of {self.member.name}"
            return not_judged(Status.BAD_REFERENCE, reason)
        return replace(sample, reference=found)


class Composed(BaseTeacher):
    """Many teachers as one.

    Args:
        plan: Who, and how they make one reward.
        given: The teachers that were passed as objects, by what the plan calls them.
    """

    def __init__(self, plan: Plan, given: Mapping[str, Binding] | None = None) -> None:
        self.plan = plan
        self.name, self.version = "compose", "1"
        self.given = dict(given or {})
        self.seats = tuple(self._seat(each) for each in plan.members)
        reads = frozenset[str]().union(*(seat.reads for seat in self.seats)) | {"completion"}
        # The base has these for the class; here each object has its own.
        vars(self).update(
            deadline_s=sum(_deadline_s(seat.teacher) for seat in self.seats),
            preload=tuple(dict.fromkeys(name for seat in self.seats for name in seat.preload)),
            reads=tuple(name for name in (*_FIELDS, "group") if name in reads),
        )

    def _seat(self, member: Member) -> Seat:
        if member.inner is not None:
            inner = Composed(member.inner, self.given)
            return Seat(member, inner, inner.preload)
        binding = self.given.get(member.teacher) or bind(member.teacher, member.options)
        return Seat(member, binding.teacher, binding.preload)

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge at once if every member that is needed can."""
        return combine(self.plan, lambda index: _quick(self.seats[index], sample))

    def judge(self, sample: Sample) -> Verdict:
        """Ask the members one after another."""
        verdict = combine(self.plan, lambda index: _judge(self.seats[index], sample))
        if verdict is None:
            raise RuntimeError("a member that judges always answers")
        return verdict

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return every member's steps under its name, and what became of them."""
        steps: list[tuple[str, str]] = []
        for seat in self.seats:
            seen = seat.sample(sample)
            own = [] if isinstance(seen, Verdict) else steps_of(seat.teacher, seen)
            steps += [(f"{seat.member.name}: {step}", finding) for step, finding in own]
        verdict = self.judge(sample)
        said = [(f"{part.name}: verdict", f"{part.reward} {part.reason}") for part in verdict.parts]
        return [*steps, *said, ("together", verdict.reason)]

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the plan and what each given teacher is built from."""
        configs = {key: binding.config for key, binding in self.given.items()}
        if not all(configs.values()):
            names = ", ".join(self.given[key].teacher.name for key, config in configs.items() if not config)
            raise UsageError(f"no worker process can import {names}")
        return _composed, (self.plan, configs)


def _composed(plan: Plan, configs: Mapping[str, bytes]) -> Composed:
    return Composed(plan, {key: Binding(rebuild(config), config) for key, config in configs.items()})


def _deadline_s(teacher: Teacher) -> float:
    return float(getattr(teacher, "deadline_s", BaseTeacher.deadline_s))


def _quick(seat: Seat, sample: Sample) -> Verdict | None:
    seen = seat.sample(sample)
    if isinstance(seen, Verdict):
        return seen
    answer = seat.teacher.quick(seen) if isinstance(seat.teacher, BaseTeacher) else None
    return None if answer is None else checked(answer, 0.0)


def _judge(seat: Seat, sample: Sample) -> Verdict:
    seen = seat.sample(sample)
    return seen if isinstance(seen, Verdict) else judge_batch(seat.teacher, [seen])[0]


def column(meta: Mapping[str, Json], path: str) -> Json:
    """Return a column of meta by name or by a dotted path; `None` if there is none."""
    if path in meta:
        return meta[path]
    found: Json = meta
    for key in path.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found
