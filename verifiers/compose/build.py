"""Compose teachers in Python: `compose("format", member("math", weight=2))`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from verifiers.binding import AnyTeacher, Binding, bind
from verifiers.compose.composed import Composed
from verifiers.compose.plan import How, Missing, Plan, Total
from verifiers.compose.reading import plan_from_data
from verifiers.errors import UsageError
from verifiers.registry import find
from verifiers.teacher import Teacher
from verifiers.types import Json


@dataclass(frozen=True)
class Seated:
    """What `member` returns: a teacher and its place in a composition."""

    teacher: AnyTeacher
    settings: Mapping[str, Json] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)


def member(
    teacher: AnyTeacher,
    *,
    name: str | None = None,
    weight: float | None = None,
    gate: bool | float = False,
    reference: str = "reference",
    go_on: Mapping[str, Json] | None = None,
    options: Mapping[str, Json] | None = None,
    **set_options: Json,
) -> Seated:
    """Give a teacher its place in `compose`.

    Args:
        teacher: A catalog id, file, dotted path, spec, teacher (composed ones too) or plain function.
        name: Of its part; `None` = the teacher's.
        weight: Its share; `None` = 1, for a gate 0.
        gate: `True` = without full marks from it the reward is 0; a number = without at least this much.
        reference: Where its reference stands: `reference`, `meta.COLUMN`, or `none`.
        go_on: In a cascade, when the next is asked: `{"below": 1}`, `{"above": 0, "below": 1}`,
            `{"statuses": ["unparsable"]}`; `None` = only when it was not judged.
        options: Option values of the teacher.
        **set_options: Option values as keywords; they win over `options`.
    """
    settings: dict[str, Json] = {"reference": reference}
    if gate is not False:
        settings["gate"] = gate
    given: dict[str, Json] = {"name": name, "weight": weight, "next": dict(go_on) if go_on is not None else None}
    settings |= {key: value for key, value in given.items() if value is not None}
    return Seated(teacher, settings, {**(options or {}), **set_options})


def compose(
    *members: AnyTeacher | Seated,
    how: How | str = "weighted",
    missing: Missing = "void",
    total: Total = "mean",
) -> Teacher:
    """Make one teacher of many.

    Args:
        *members: Teachers, or what `member` returns.
        how: `weighted`, `gated` (weighted, the first is the gate), `cascade`, `min`, `max`, `product`.
        missing: What a member that was not judged does: `void` the row, or `renormalise` the others.
        total: Whether `weighted` divides by the sum of the weights (`mean`) or not (`sum`).

    Returns:
        A teacher for `score(samples, teacher)`.

    Raises:
        UsageError: If something does not fit; the text names the member and the key.
    """
    objects: dict[str, Binding] = {}
    data: dict[str, Any] = {"how": how, "missing": missing, "teachers": [_entry(each, objects) for each in members]}
    if total != "mean":
        data["total"] = total
    plan = plan_from_data(data, "compose()", {key: binding.teacher for key, binding in objects.items()})
    return Composed(plan, objects) if objects else from_plan(plan)


def from_plan(plan: Plan) -> Teacher:
    """Return the catalog's teacher for a plan whose members all have names: any worker can build it."""
    spec = find("compose")
    return spec.build(spec.options(compose=plan.text()))


def _entry(given: AnyTeacher | Seated, objects: dict[str, Binding]) -> dict[str, Any]:
    """Return a member as it would stand in a plan; objects are kept aside under a name of their own."""
    seated = given if isinstance(given, Seated) else Seated(given)
    teacher = seated.teacher
    if isinstance(teacher, str):
        return {**seated.settings, "teacher": teacher, "set": dict(seated.options)}
    if isinstance(teacher, Composed) and not seated.options:
        objects |= teacher.given
        return {**seated.settings, **teacher.plan.data()}
    if isinstance(teacher, Seated):
        raise UsageError("member(member(...)): give the teacher itself")
    binding = bind(teacher, seated.options)
    key = f"object:{id(binding.teacher):x}"
    objects[key] = binding
    return {**seated.settings, "teacher": key}
