"""Read the reference: the wanted calls, as plain calls or as BFCL's accepted values, and the functions' schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.catalog.tool_call.calls import MAX_CALLS, Call, Function, calls_in, functions_in, named
from verifiers.catalog.tool_call.python_form import NotCalls, parse_calls
from verifiers.json_values import JsonFault, parse_json, plain
from verifiers.types import Json, Sample

_CALLS = ("calls", "tool_calls", "ground_truth", "possible_answer", "answer")
_FUNCTIONS = ("functions", "tools", "function", "func")


class BadReference(ValueError):
    """A reference that cannot be read; its text says why."""


@dataclass(frozen=True)
class Wanted:
    """One call of the reference.

    Attributes:
        name: The function's.
        arguments: Argument -> its value, or the list of its accepted values.
        listed: Whether they are lists of accepted values, in which `""` means that the argument may be left out.
    """

    name: str
    arguments: Mapping[str, Any]
    listed: bool


@dataclass(frozen=True)
class Reference:
    """The wanted calls and the functions that could be called."""

    calls: tuple[Wanted, ...]
    functions: Mapping[str, Function]

    @property
    def names(self) -> frozenset[str]:
        """Names of every function that is known."""
        return frozenset(self.functions) | {call.name for call in self.calls}


def read_reference(sample: Sample) -> Reference:
    """Read a sample's reference; schemas may stand in it or in the sample's meta.

    Raises:
        BadReference: If it is missing or cannot be read.
    """
    value = plain(sample.reference)
    if value is None:
        raise BadReference("there is no reference: a list of calls is needed ([] = no call is right)")
    if isinstance(value, str):
        value = _from_text(value)
    listed, schemas = value, _in_meta(sample.meta)
    if isinstance(value, Mapping) and (key := next((key for key in _CALLS if key in value), None)):
        odd = sorted(value.keys() - {*_CALLS, *_FUNCTIONS, "id"})
        if odd:
            raise BadReference(f"a reference has no {odd[0]!r}; allowed: {', '.join((*_CALLS, *_FUNCTIONS))}")
        listed = _from_text(value[key]) if isinstance(value[key], str) else value[key]
        schemas = _first(value, _FUNCTIONS) or schemas
    try:
        functions = functions_in(plain(schemas)) if schemas else {}
    except (JsonFault, TypeError) as error:
        raise BadReference(f"the function schemas cannot be read: {error}") from error
    calls = _wanted(listed, functions)
    for call in calls:
        lacking = sorted(functions[call.name].required - call.arguments.keys()) if call.name in functions else []
        if lacking:
            raise BadReference(f"the reference's call of {call.name!r} lacks the required argument {lacking[0]!r}")
    return Reference(calls, functions)


def _first(values: Mapping[str, Json], keys: Sequence[str]) -> Json:
    return next((values[key] for key in keys if values.get(key)), None)


def _in_meta(meta: Mapping[str, Json]) -> Json:
    """Return the schemas among the row's other columns; text counts only where the column's name leaves no doubt."""
    found = [meta[key] for key in _FUNCTIONS if meta.get(key)]
    return next((each for each in found if not isinstance(each, str)), None) or _first(meta, ("functions", "tools"))


def _from_text(text: str) -> Any:
    try:
        return parse_json(text)
    except JsonFault as fault:
        try:
            return parse_calls(text) if text.strip() else None
        except NotCalls as error:
            raise BadReference(f"the reference is neither JSON ({fault}) nor Python calls ({error})") from error


def _wanted(value: Any, functions: Mapping[str, Function]) -> tuple[Wanted, ...]:
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, list):
        raise BadReference(f"a reference is a list of calls, not {type(value).__name__}")
    if len(items) > MAX_CALLS:
        raise BadReference(f"a reference has at most {MAX_CALLS} calls, not {len(items)}")
    return tuple(call for item in items for call in _each(item, functions))


def _each(item: Any, functions: Mapping[str, Function]) -> list[Wanted]:
    if isinstance(item, Mapping) and _is_listed(item):
        return [Wanted(name, arguments, listed=True) for name, arguments in item.items()]
    found = [item] if isinstance(item, Call) else calls_in(item, item.keys()) if isinstance(item, Mapping) else None
    if not found:
        raise BadReference("a call is {name, arguments}, {name: {argument: value}} or {name: {argument: [accepted]}}")
    calls = [named(call, functions) for call in found]
    fault = next((call for call in calls if call.fault), None)
    if fault:
        raise BadReference(f"the reference's call {fault.name!r} cannot be read: {fault.fault}")
    return [Wanted(call.name, call.arguments, listed=False) for call in calls]


def _is_listed(item: Mapping[str, Any]) -> bool:
    """Whether a call is BFCL's: `{name: {argument: [accepted values]}}`."""
    return len(item) == 1 and all(
        isinstance(arguments, Mapping) and all(isinstance(each, list) for each in arguments.values())
        for arguments in item.values()
    )
