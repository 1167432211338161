"""Pair the calls of a completion with the wanted ones, each at most once, so that most are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from reprlib import Repr
from typing import Any

from verifiers.catalog.tool_call.calls import Call, Function
from verifiers.catalog.tool_call.reference import Wanted
from verifiers.catalog.tool_call.values import Comparer
from verifiers.json_values import pointer

SHOWN = 80
"""Longest value that a reason quotes, in characters."""
_EMPTY = Function({}, frozenset())
_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = SHOWN


@dataclass
class Matched:
    """What became of the calls.

    Attributes:
        pairs: Index of a wanted call -> index of the call that is it.
        faults: Index of a wanted call without a partner -> why.
        extra: Indexes of the calls that nobody wanted.
    """

    pairs: dict[int, int] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    extra: list[int] = field(default_factory=list)


def match_calls(
    wanted: Sequence[Wanted],
    given: Sequence[Call],
    functions: Mapping[str, Function],
    comparer: Comparer,
    ordered: bool,
) -> Matched:
    """Pair calls; a greedy pairing would call `[A or B, A]` against `[A, B]` wrong.

    Args:
        wanted: The reference's.
        given: The completion's.
        functions: Schemas by name, as far as known.
        comparer: Compares values.
        ordered: Whether the n-th call must be the n-th wanted one.
    """
    schema = {call.name: functions.get(call.name, _EMPTY) for call in wanted}

    def fits(i: int, j: int) -> bool:
        return not fault_of(wanted[i], given[j], schema[wanted[i].name], comparer)

    if ordered:
        pairs = {i: i for i in range(min(len(wanted), len(given))) if fits(i, i)}
    else:
        partners = [
            [j for j in range(len(given)) if given[j].name == wanted[i].name and fits(i, j)] for i in range(len(wanted))
        ]
        pairs = _pair(partners)
    used = set(pairs.values())
    result = Matched(pairs, extra=[j for j in range(len(given)) if j not in used])
    for i in range(len(wanted)):
        if i not in pairs:
            result.faults[i] = _why(wanted[i], given, result.extra, schema[wanted[i].name], comparer)
    return result


def _pair(partners: Sequence[Sequence[int]]) -> dict[int, int]:
    """Return a largest pairing (augmenting paths); `partners[i]` are those that `i` may have."""
    owner: dict[int, int] = {}

    def place(i: int, tried: set[int]) -> bool:
        for j in partners[i]:
            if j not in tried:
                tried.add(j)
                if j not in owner or place(owner[j], tried):
                    owner[j] = i
                    return True
        return False

    for i in range(len(partners)):
        place(i, set())
    return {i: j for j, i in sorted(owner.items(), key=lambda pair: pair[1])}


def _why(wanted: Wanted, given: Sequence[Call], free: Sequence[int], function: Function, comparer: Comparer) -> str:
    near = next((given[j] for j in free if given[j].name == wanted.name), None)
    if near is None:
        names = sorted({given[j].name for j in free})
        found = f"; found {', '.join(names)[:SHOWN]}" if names else ""
        return f"{wanted.name} is not called{found}"
    return fault_of(wanted, near, function, comparer) or "out of order"


def fault_of(wanted: Wanted, call: Call, function: Function, comparer: Comparer) -> str:
    """Return why a call is not the wanted one; empty = it is."""
    if call.fault or call.name != wanted.name:
        return call.fault or f"{call.name} is called, not {wanted.name}"
    missing = sorted(function.required - call.arguments.keys())
    if missing:
        return f"the required argument {missing[0]!r} is missing"
    for name, value in call.arguments.items():
        fault = _argument_fault(name, value, wanted, function, comparer)
        if fault:
            return fault
    left_out = [name for name in wanted.arguments if name not in call.arguments]
    return next((f"{name!r} is missing" for name in left_out if not _may_lack(name, wanted, function, comparer)), "")


def _argument_fault(name: str, value: Any, wanted: Wanted, function: Function, comparer: Comparer) -> str:
    if function.properties and name not in function.properties:
        return f"the function has no argument {name[:SHOWN]!r}"
    schema = function.properties.get(name, {})
    optional = name not in function.required
    if name not in wanted.arguments:
        default = "default" in schema and comparer.same(value, schema["default"], schema)
        stated = name in function.properties and optional and (value is None or default)
        return "" if stated and not wanted.listed else f"the argument {name[:SHOWN]!r} is not wanted"
    accepted = wanted.arguments[name]
    if not wanted.listed:
        ok = comparer.same(value, accepted, schema)
        return "" if ok else f"{pointer([name])}: {shown(value)} instead of {shown(accepted)}"
    if value is None and "" in accepted and optional:
        return ""
    ok = comparer.accepts(value, accepted, schema)
    return "" if ok else f"{pointer([name])}: {shown(value)} is none of {shown(accepted)}"


def _may_lack(name: str, wanted: Wanted, function: Function, comparer: Comparer) -> bool:
    """Whether an argument of the reference may be left out."""
    value = wanted.arguments[name]
    if wanted.listed:
        return "" in value
    schema = function.properties.get(name, {})
    if name not in function.properties or name in function.required:
        return False
    return value is None or ("default" in schema and comparer.same(value, schema["default"], schema))


def shown(value: Any) -> str:
    """Return a value in short, whatever its size."""
    return _SHORT.repr(value)
