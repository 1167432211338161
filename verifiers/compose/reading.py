"""Read a plan from YAML, JSON or data; every mistake is named with file, line, column and key.

A plan is `how`, `missing`, `total`, and `teachers`: names, or mappings with `teacher`, `name`, `weight`, `gate`,
`reference`, `next` and `set`; or, instead of `teacher`, another plan.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from verifiers.catalog.rules.marks import Node, Problem, from_data, parse, rules_error
from verifiers.compose.plan import META, NO_REFERENCE, REFERENCE, How, Member, Missing, Next, Plan, Total
from verifiers.errors import InputError, OptionError, UsageError, VerifyError
from verifiers.loading import is_file
from verifiers.options import build_options, option_values
from verifiers.registry import find
from verifiers.teacher import Teacher, TeacherSpec
from verifiers.types import Json, Status

MAX_MEMBERS = 64
"""Most teachers in one plan, those of plans inside included."""
MAX_PLAN_BYTES = 2**20
MAX_WEIGHT = 1e6
MAX_NAME_CHARS = 1024
"""Longest file name that is looked for beside a plan."""
GATED = "gated"
"""Short for `weighted` with the first teacher as the gate."""
FULL_MARKS = 1.0

_HOWS = (*get_args(How), GATED)
_PLAN_KEYS = ("how", "missing", "total", "teachers")
_TOP_KEYS = ("task", "set", *_PLAN_KEYS)
_MEMBER_KEYS = ("teacher", "name", "weight", "gate", "reference", "next", "set", "version", *_PLAN_KEYS)
_NEXT_KEYS = ("below", "above", "statuses")
EXAMPLE = "{teachers: [{teacher: format, gate: true}, {teacher: math, weight: 1}]}"


def read_plan(text: str) -> Plan:
    """Read a plan: the name of a YAML or JSON file, or a plan itself as JSON or YAML text.

    Raises:
        InputError: If the file cannot be read.
        OptionError: If it is no plan; names every mistake with its place.
    """
    if text.lstrip()[:1] == "{" or "\n" in text:
        return plan_of(parse(text, "compose", MAX_PLAN_BYTES), "compose")
    path = Path(text).expanduser()
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_PLAN_BYTES + 1)
    except OSError as error:
        raise InputError(
            f"cannot read the plan {text!r}: {error.strerror}. Give a YAML or JSON file, or a plan as JSON: {EXAMPLE}"
        ) from error
    try:
        plan = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(f"{text}: not UTF-8 text ({error})") from error
    if not plan.strip():
        raise OptionError(f"{text}: the file is empty; write a plan, e.g. {EXAMPLE}")
    return plan_of(parse(plan, text, MAX_PLAN_BYTES), text, path.parent)


def plan_of(node: Node, source: str, folder: Path | None = None, given: Mapping[str, Teacher] | None = None) -> Plan:
    """Read a plan from marked data.

    Args:
        node: The data.
        source: Its name, for messages.
        folder: Where a teacher's file is looked for first.
        given: Teachers that were passed as objects, by what the data call them.

    Raises:
        OptionError: If it is no plan; names every mistake with its place.
    """
    reader = _Reader(folder, given or {})
    plan = reader.top(node)
    if plan is None or reader.problems:
        raise rules_error(source, reader.problems)
    return plan


def plan_from_data(value: Json, source: str, given: Mapping[str, Teacher]) -> Plan:
    """Read a plan from plain data; `source` is for messages, `given` are teachers that it names and no registry has.

    Raises:
        OptionError: If it is no plan.
    """
    return plan_of(from_data(value), source, given=given)


@dataclass
class _Reader:
    """Reads plans, collects mistakes.

    Attributes:
        folder: Where a teacher's file is looked for first.
        given: Teachers that were passed as objects.
        problems: The mistakes so far.
        members: How many teachers so far.
    """

    folder: Path | None
    given: Mapping[str, Teacher]
    problems: list[Problem] = field(default_factory=list)
    members: int = 0

    def bad(self, node: Node, text: str) -> None:
        self.problems.append(node.problem(text))

    def top(self, node: Node) -> Plan | None:
        """Read a whole file: a plan, or a config file with the plan under `set`."""
        if not self._mapping(node, _TOP_KEYS, f"a plan, e.g. {EXAMPLE}"):
            return None
        inner = node.value.get("set")
        if inner is None:
            return self.plan(node)
        beside = [key for key in _PLAN_KEYS if key in node.value]
        if beside:
            self.problems.append(node.key_problem(beside[0], "stands beside 'set'; put all of the plan under 'set'"))
            return None
        return self.plan(inner) if self._mapping(inner, _PLAN_KEYS, f"a plan, e.g. {EXAMPLE}") else None

    def plan(self, node: Node) -> Plan | None:
        """Read a plan from a mapping whose keys were checked."""
        how = self._choice(node, "how", _HOWS, "weighted")
        missing = self._choice(node, "missing", get_args(Missing), "void")
        total = self._choice(node, "total", get_args(Total), "mean")
        if "total" in node.value and how not in ("weighted", GATED):
            self.problems.append(node.key_problem("total", f"only means something with how: weighted, not {how}"))
        teachers = node.value.get("teachers")
        if teachers is None or not isinstance(teachers.value, list) or not teachers.value:
            self.bad(teachers or node, f"a plan has 'teachers', a list of at least one, e.g. {EXAMPLE}")
            return None
        gated = how == GATED and not any(isinstance(e.value, dict) and "gate" in e.value for e in teachers.value)
        how = "weighted" if how == GATED else how
        last = len(teachers.value) - 1
        read = [self.member(e, how, gated and i == 0, i == last) for i, e in enumerate(teachers.value)]
        found = [each for each in read if each is not None]
        self._unique(teachers.value, read)
        if how != "weighted" and found and all(each.gate is not None for each in found):
            self.bad(teachers, f"how: {how} needs a teacher that is no gate")
        if how == "weighted" and len(found) == len(read):
            self._weighs(teachers, found, total)
        return Plan(tuple(found), how, missing, total)  # type: ignore[arg-type]  # checked against the literals

    def member(self, node: Node, how: str, first_gate: bool, last: bool) -> Member | None:
        """Read one entry of `teachers`: a name, or a mapping."""
        if isinstance(node.value, str):
            node = Node({"teacher": node}, "", node.line, node.column, node.path)
        if not self._mapping(node, _MEMBER_KEYS, "a teacher's name, or {teacher: NAME, weight: 1, set: {...}}"):
            return None
        self.members += 1
        if self.members == MAX_MEMBERS + 1:
            self.bad(node, f"a plan may have {MAX_MEMBERS} teachers")
        nested = "teachers" in node.value
        if nested == ("teacher" in node.value):
            self.bad(node, "an entry has either 'teacher' (its name) or 'teachers' (a plan in the plan)")
            return None
        gate = self._gate(node) if "gate" in node.value else (FULL_MARKS if first_gate else None)
        inner = self.plan(node) if nested else None
        named = ("", {}, "") if nested else self._teacher(node)
        if (nested and inner is None) or named is None:
            return None
        name = self._name(node, named[0] if not nested else str(inner.how if inner else ""))
        weight = self._weight(node, how, 0.0 if gate is not None else 1.0)
        onward = self._next(node, how, gate is None and not last)
        return Member(name, named[0], inner, named[1], named[2], weight, gate, self._reference(node), onward)

    def _mapping(self, node: Node, allowed: Sequence[str], what: str) -> bool:
        if not isinstance(node.value, dict):
            self.bad(node, f"{node.what} is not {what}")
            return False
        for key in node.value:
            if key not in allowed:
                close = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
                hint = f", did you mean {close[0]!r}?" if close else ""
                shown = ", ".join(each for each in allowed if each != "version")
                self.problems.append(node.key_problem(key, f"there is no key {key!r}{hint}; allowed: {shown}"))
        return True

    def _choice(self, node: Node, key: str, allowed: Sequence[str], default: str) -> str:
        given = node.value.get(key)
        if given is None:
            return default
        if given.value in allowed:
            return str(given.value)
        self.bad(given, f"{given.what} is not allowed here; allowed: {', '.join(allowed)}")
        return default

    def _number(self, node: Node) -> float | None:
        value = node.value
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        self.bad(node, f"{node.what} is not a number")
        return None

    def _gate(self, node: Node) -> float | None:
        given = node.value["gate"]
        if given.value is None or given.value is False:
            return None
        return FULL_MARKS if given.value is True else self._number(given)

    def _weight(self, node: Node, how: str, default: float) -> float:
        given = node.value.get("weight")
        if given is None:
            return default
        if how != "weighted":
            self.problems.append(node.key_problem("weight", f"only means something with how: weighted, not {how}"))
        number = self._number(given)
        if number is not None and abs(number) > MAX_WEIGHT:
            self.bad(given, f"a weight is at most {MAX_WEIGHT:,.0f}, not {given.text}")
        return default if number is None else number

    def _next(self, node: Node, how: str, allowed: bool) -> Next:
        given = node.value.get("next")
        if given is None:
            return Next()
        if how != "cascade" or not allowed:
            text = "only means something with how: cascade, for a teacher that is neither the last nor a gate"
            self.problems.append(node.key_problem("next", text))
        if given.value == "undecided":
            return Next()
        if not self._mapping(given, _NEXT_KEYS, "undecided, {below: 1}, {above: 0}, or {statuses: [unparsable]}"):
            return Next()
        below, above = (self._number(given.value[key]) if key in given.value else None for key in ("below", "above"))
        return Next(below, above, self._statuses(given.value.get("statuses")))

    def _statuses(self, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        entries = node.value if isinstance(node.value, list) else [node]
        known = [status.value for status in Status]
        for each in entries:
            if each.value not in known:
                self.bad(each, f"{each.what} is no status; allowed: {', '.join(known)}")
        return tuple(str(each.value) for each in entries)

    def _reference(self, node: Node) -> str:
        given = node.value.get("reference")
        if given is None:
            return REFERENCE
        text = NO_REFERENCE if given.value is None else given.value
        if text in (REFERENCE, NO_REFERENCE) or (isinstance(text, str) and len(text) > len(META) and text[:5] == META):
            return str(text)
        self.bad(given, f"{given.what} is no place of a reference; allowed: reference, meta.COLUMN, none")
        return REFERENCE

    def _name(self, node: Node, teacher: str) -> str:
        given = node.value.get("name")
        if teacher in self.given:
            teacher = self.given[teacher].name
        if given is None:
            return Path(teacher.partition(":")[0]).stem if is_file(teacher) else teacher.rpartition("/")[2]
        if isinstance(given.value, str) and given.value.strip() and "/" not in given.value:
            return given.value
        self.bad(given, f"{given.what} is not a name; a name is text without '/'")
        return ""

    def _teacher(self, node: Node) -> tuple[str, dict[str, Json], str] | None:
        """Return what finds a teacher, all its options, and its version."""
        given = node.value["teacher"]
        if not isinstance(given.value, str):
            self.bad(given, f"{given.what} is not a teacher's name")
            return None
        if given.value in self.given:
            return given.value, {}, self.given[given.value].version
        try:
            spec = find(self._beside(given.value))
        except UsageError as error:
            self.bad(given, str(error))
            return None
        settings = node.value.get("set") or Node({})
        if not isinstance(settings.value, dict):
            self.bad(settings, f"{settings.what} is not a mapping of options, e.g. {{percent: strict}}")
            return None
        options = self._options(spec, settings, (given.line, given.column))
        if options is None:
            return None
        return (spec.locator if is_file(given.value) else spec.name), options, spec.version

    def _options(self, spec: TeacherSpec, settings: Node, place: tuple[int, int]) -> dict[str, Json] | None:
        """Return the value of every option, so that nothing depends on a file or a default that may change."""
        place = (settings.line, settings.column) if settings.line else place
        values = {key: self._option(spec.name, key, each.data()) for key, each in settings.value.items()}
        try:
            built = build_options(spec, values)
            spec.build(built)  # what a teacher reads itself, a file of rules, may be wrong too
            return option_values(built)
        except VerifyError as error:
            unset = _option_error(spec, {})  # one that must be given is not the fault of the others
            for key, value in values.items():  # whose fault is it alone?
                wrong = _option_error(spec, {key: value})
                if wrong not in ("", unset):
                    self.problems.append(settings.key_problem(key, wrong))
            if not any(each.path.startswith(settings.path) for each in self.problems if settings.path):
                self.problems.append(Problem(*place, settings.path or spec.name, str(error)))
            return None

    def _beside(self, name: str) -> str:
        """Return a file's name as seen from the plan's folder, if the file is there."""
        beside = self.folder / name.partition(".py:")[0] if self.folder is not None and is_file(name) else None
        if beside is None:
            return name
        path = beside if beside.suffix == ".py" else beside.with_name(beside.name + ".py")
        return str((self.folder or Path()) / name) if path.is_file() else name

    def _option(self, teacher: str, key: str, value: Json) -> Json:
        """Return an option's value; a file (`rules` of `rules`) is looked for beside the plan first."""
        if key != teacher or not isinstance(value, str) or self.folder is None or len(value) > MAX_NAME_CHARS:
            return value
        beside = self.folder / value
        return str(beside) if "\n" not in value and beside.is_file() else value

    def _unique(self, nodes: Sequence[Node], members: Sequence[Member | None]) -> None:
        seen: set[str] = set()
        for node, each in zip(nodes, members, strict=True):
            if each is not None and each.name in seen:
                self.bad(node, f"two teachers are called {each.name!r}; give one a 'name' of its own")
            elif each is not None:
                seen.add(each.name)

    def _weighs(self, node: Node, members: Sequence[Member], total: str) -> None:
        counted = [each for each in members if each.weight != 0.0]
        if not counted and not any(each.gate is not None for each in members):
            self.bad(node, "every weight is 0; give at least one teacher a weight")
        if total == "mean" and any(each.weight < 0.0 for each in members):
            self.bad(node, "a mean has no negative weights; use total: sum, or a teacher whose reward is negative")


def _option_error(spec: TeacherSpec, values: Mapping[str, Json]) -> str:
    try:
        build_options(spec, values)
    except VerifyError as error:
        return str(error)
    return ""
