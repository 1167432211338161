"""The teacher that a plan describes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from verifiers.binding import SERVICE, Binding, bind, rebuild, steps_of, verdict_of
from verifiers.compose.combine import combine
from verifiers.compose.plan import META, NO_REFERENCE, REFERENCE, Member, Plan
from verifiers.errors import UsageError, WorkerError
from verifiers.judging import checked, judge_batch, not_judged
from verifiers.teacher import BaseTeacher, Teacher, has_machinery, stamp_of
from verifiers.types import Json, Sample, Status, Verdict
from verifiers.wire import WireError, pack_sample

if TYPE_CHECKING:
    from concurrent.futures import Future

_FIELDS = BaseTeacher.reads


@dataclass(frozen=True, slots=True)
class Seat:
    """A member with its teacher at hand."""

    member: Member
    teacher: Teacher
    preload: tuple[str, ...]
    config: bytes = b""
    """What a worker needs to have the teacher (`binding`); empty = it is found when needed."""

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
        if any(has_machinery(seat.teacher) for seat in self.seats):
            vars(self)["submit"] = self.fly

    def _seat(self, member: Member) -> Seat:
        if member.inner is not None:
            inner = Composed(member.inner, self.given)
            return Seat(member, inner, inner.preload)
        binding = self.given.get(member.teacher) or bind(member.teacher, member.options)
        return Seat(member, binding.teacher, binding.preload, binding.config)

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge at once if every member that is needed can."""
        return combine(self.plan, lambda index: _quick(self.seats[index], sample))

    def fly(self, sample: Sample) -> Future[Verdict]:
        """Begin to ask the members, for plans in which one has machinery of its own: this is their `submit`."""
        from verifiers.compose.flying import fly  # futures are not light, and few plans need them

        return fly(self.plan, [partial(_begin, seat, sample) for seat in self.seats])

    def repeated(self, sample: Sample) -> None:
        """Tell the members."""
        for seat in self.seats:
            seen = seat.sample(sample)
            if isinstance(seat.teacher, BaseTeacher) and not isinstance(seen, Verdict):
                seat.teacher.repeated(seen)

    def judge(self, sample: Sample) -> Verdict:
        """Ask the members one after another."""
        verdict = combine(self.plan, lambda index: _judge(self.seats[index], sample))
        if verdict is None:
            raise RuntimeError("a member that judges always answers")
        return verdict

    def stamp(self) -> str:
        """Return the members' stamps, each line after its member's name."""
        return "\n".join(
            f"{seat.member.name}: {line}" for seat in self.seats for line in stamp_of(seat.teacher).splitlines()
        )

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


def _begin(seat: Seat, sample: Sample) -> Verdict | Future[Verdict]:
    seen = seat.sample(sample)
    if isinstance(seen, Verdict):
        return seen
    at_once = _quick(seat, sample)
    if at_once is not None:
        return at_once
    if isinstance(seat.teacher, BaseTeacher) and has_machinery(seat.teacher):
        return seat.teacher.submit(seen) or not_judged(Status.FAILED, f"{seat.member.name}: submit() returned None")
    from verifiers.compose.flying import waiting_threads

    return waiting_threads().submit(_in_worker, seat, seen)


def _in_worker(seat: Seat, seen: Sample) -> Verdict:
    from verifiers.workers.pool import shared_pool  # sockets and processes: only when work needs them

    deadline_s = _deadline_s(seat.teacher)
    try:
        config = seat.config or bind(seat.teacher).config
        request = pack_sample(seen, tuple(getattr(seat.teacher, "reads", _FIELDS)))
        pool = shared_pool(SERVICE, config, preload=seat.preload)  # held until it has answered
        (reply,) = pool.run([request], deadline_s)
    except (UsageError, WireError, WorkerError) as error:
        return not_judged(Status.UNAVAILABLE, str(error))
    return verdict_of(reply, deadline_s)


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
