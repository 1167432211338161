"""What a composed teacher is made of: a plan, its members, and when a cascade goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from verifiers.types import Json

How = Literal["weighted", "cascade", "min", "max", "product"]
Missing = Literal["void", "renormalise"]
Total = Literal["mean", "sum"]

REFERENCE, NO_REFERENCE, META = "reference", "none", "meta."
"""Where a member's reference stands: the sample's own, nowhere, or a column of its meta."""


@dataclass(frozen=True, slots=True)
class Next:
    """When a cascade asks the member after this one. A verdict that was not judged always goes on.

    Attributes:
        below, above: Go on if the reward lies under, over, or between both.
        statuses: Or if the verdict has one of these.
    """

    below: float | None = None
    above: float | None = None
    statuses: tuple[str, ...] = ()

    def data(self) -> dict[str, Json]:
        """Return it as it is written in a plan."""
        bounds = {name: value for name, value in (("below", self.below), ("above", self.above)) if value is not None}
        return {**bounds, **({"statuses": list(self.statuses)} if self.statuses else {})}


@dataclass(frozen=True, slots=True)
class Member:
    """One teacher in a plan.

    Attributes:
        name: Unique in its plan; the name of its part.
        teacher: What the registry finds it by; empty for a plan in a plan, or a teacher that was passed as an object.
        inner: The plan in the plan.
        options: The value of every option.
        version: The teacher's, when the plan was read.
        weight: Its share.
        gate: The least reward that lets a sample pass; `None` = it is no gate.
        reference: `reference`, `none`, or `meta.` and a column.
        onward: When a cascade goes on.
    """

    name: str
    teacher: str = ""
    inner: Plan | None = None
    options: dict[str, Json] = field(default_factory=dict)
    version: str = ""
    weight: float = 1.0
    gate: float | None = None
    reference: str = REFERENCE
    onward: Next = Next()

    def data(self) -> dict[str, Json]:
        """Return it as it is written in a plan, with nothing left to defaults that may change."""
        what: dict[str, Json] = {"name": self.name, "reference": self.reference, "gate": self.gate}
        if self.inner is not None:
            what |= self.inner.data()
        else:
            what |= {"teacher": self.teacher, "set": self.options, "version": self.version}
        return what


@dataclass(frozen=True, slots=True)
class Plan:
    """How members make one reward.

    Attributes:
        how: `weighted`; `cascade`: the first that decides; `min`, `max`, `product`.
        missing: What a member that was not judged does: `void` the row, or leave the others to be `renormalise`d.
        total: Whether `weighted` divides by the weights' sum.
        members: In order.
    """

    members: tuple[Member, ...]
    how: How = "weighted"
    missing: Missing = "void"
    total: Total = "mean"

    def data(self) -> dict[str, Json]:
        """Return it as JSON data that reads as an equal plan."""
        teachers: list[Json] = []
        for each in self.members:
            shown = each.data()
            if self.how == "weighted":
                shown["weight"] = each.weight
            elif self.how == "cascade" and each.onward != Next():
                shown["next"] = each.onward.data()
            teachers.append(shown)
        weighs: dict[str, Json] = {"total": self.total} if self.how == "weighted" else {}
        return {"how": self.how, "missing": self.missing, **weighs, "teachers": teachers}

    def text(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(self.data(), ensure_ascii=False, sort_keys=True)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Member]]:
        """Yield every member below, with its path (`outer/inner`)."""
        for each in self.members:
            path = prefix + each.name
            yield path, each
            if each.inner is not None:
                yield from each.inner.walk(f"{path}/")
