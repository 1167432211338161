"""What the contract suite reports, and the rules that need no run: the description, the options, the kinds of cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from verifiers.errors import OptionError
from verifiers.options import PRESET, build_options, describe_options, option_values
from verifiers.teacher import CaseKind, TeacherSpec

SHOWN = 5
"""Most failures of one rule that are shown."""


@dataclass(frozen=True)
class Finding:
    """What one rule found.

    Attributes:
        rule: Its name.
        ok: Whether the teacher holds it.
        seen: What was seen, in one line.
        todo: What to do, if it does not hold.
    """

    rule: str
    ok: bool
    seen: str
    todo: str = ""


def finding(rule: str, bad: Sequence[str], good: str, todo: str) -> Finding:
    """Return a rule's finding from its failures; the first few are shown."""
    if not bad:
        return Finding(rule, True, good)
    more = f" (and {len(bad) - SHOWN} more)" if len(bad) > SHOWN else ""
    return Finding(rule, False, "; ".join(bad[:SHOWN]) + more, todo)


def described(spec: TeacherSpec) -> Iterator[Finding]:
    """Hold that the teacher has a name, a version and a docstring."""
    bad = [name for name in ("name", "version", "doc") if not getattr(spec, name).strip()]
    todo = "Give @teacher a version and the file a docstring: what it accepts, what it refuses, its known limits."
    yield finding("described", [f"no {name}" for name in bad], f"{spec.name} {spec.version}", todo)


def options_sound(spec: TeacherSpec) -> Iterator[Finding]:
    """Hold that the options are frozen, have defaults, descriptions and allowed types, and that presets fit."""
    bad: list[str] = []
    if not dataclasses.is_dataclass(spec.options) or not spec.options.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        bad.append(f"{spec.options.__name__} is not a frozen dataclass")
    else:
        bad += _option_faults(spec)
    todo = "Make the options a frozen dataclass; give each a default and a line under 'Attributes:' in its docstring."
    yield finding("options", bad, "each has a default and a description", todo)


def _option_faults(spec: TeacherSpec) -> Iterator[str]:
    missing = dataclasses.MISSING
    for each in dataclasses.fields(spec.options):
        if each.default is missing and each.default_factory is missing:
            yield f"{each.name} has no default"
    try:
        rows = describe_options(spec)
    except TypeError as error:
        yield str(error)
        return
    yield from (f"{row.name} has no description" for row in rows if not row.doc)
    for name in spec.presets:
        try:
            built = build_options(spec, {PRESET: name})
            if build_options(spec, option_values(built)) != built:
                yield f"preset {name} does not survive being sent to a worker"
        except OptionError as error:
            yield f"preset {name}: {error}"


def case_kinds(spec: TeacherSpec) -> Iterator[Finding]:
    """Hold that `CASES` has rows of every kind."""
    found = {case.kind for case in spec.cases}
    bad = [f"no {kind} case" for kind in get_args(CaseKind) if kind not in found]
    todo = "Add rows to CASES: accept(...), reject(...), adversarial(...) (a cheat that must not pay), unscorable(...)."
    yield finding("case kinds", bad, f"{len(spec.cases)} cases of all kinds", todo)
