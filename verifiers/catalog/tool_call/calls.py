"""Calls and function schemas: what completions and references are turned into before they are compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from verifiers.json_values import JsonFault, parse_json
from verifiers.types import Json

MAX_CALLS = 64
"""Most calls of one completion or reference."""

_NAME = re.compile(r"[^\W\d][\w.\-]{0,199}")
_ARGUMENT_KEYS = ("arguments", "parameters", "input")
_BESIDE = frozenset({"name", "id", "type", "index", "call_id", "status", "caller", *_ARGUMENT_KEYS})
"""Keys that a call in JSON may have."""


@dataclass(frozen=True)
class Call:
    """One call, as written.

    Attributes:
        name: The function's.
        arguments: By name.
        fault: Why it cannot be made; empty = it can.
        positional: Arguments without a name (Python form), which only the function's schema can name.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""
    positional: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Function:
    """What a call of a function may look like.

    Attributes:
        properties: Parameter -> JSON schema, in the order of declaration.
        required: Parameters that must be given.
    """

    properties: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]


def named(call: Call, functions: Mapping[str, Function]) -> Call:
    """Return the call with its positional arguments named by the function's schema."""
    if not call.positional or call.fault:
        return call
    function = functions.get(call.name)
    if function is None:
        return Call(call.name, fault="arguments without names, and no schema that names them")
    free = list(function.properties)[: len(call.positional)]
    if len(free) < len(call.positional) or any(name in call.arguments for name in free):
        return Call(call.name, fault="arguments without names that do not fit the function's parameters")
    return Call(call.name, {**dict(zip(free, call.positional, strict=True)), **call.arguments})


def calls_in(value: Json, known: Collection[str] = ()) -> list[Call] | None:
    """Return the calls that a JSON value states; `None` = it states none.

    Args:
        value: `{"name", "arguments" | "parameters" | "input"}`, OpenAI's `{"function": {...}}` and
            `{"tool_calls": [...]}`, `{name: {argument: value}}` for a known name, or a list of these.
        known: Names of functions.
    """
    if isinstance(value, Mapping):
        return _in_object(value, known)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    calls: list[Call] = []
    for item in value:
        found = _in_object(item, known) if isinstance(item, Mapping) else None
        if found is None:
            # A list that mixes calls with something else is a list of calls with junk in it.
            return [*calls, Call("", fault="a list of calls holds something that is no call")] if calls else None
        calls += found
    return calls


def _in_object(value: Mapping[str, Any], known: Collection[str]) -> list[Call] | None:
    listed = value.get("tool_calls")
    if isinstance(listed, Sequence) and not isinstance(listed, str):
        return calls_in(listed, known)
    inner = value.get("function")
    if isinstance(inner, Mapping):
        return _in_object(inner, ()) or [Call("", fault="a function without a name")]
    if isinstance(value.get("name"), str) and ("arguments" in value or "parameters" in value or "input" in value):
        return [_stated(value)]
    if value.keys() == {"name"} and value["name"] in known:
        return [Call(value["name"])]
    return _keyed(value, known)


def _keyed(value: Mapping[str, Any], known: Collection[str]) -> list[Call] | None:
    if not any(name in known for name in value) or not all(isinstance(each, Mapping) for each in value.values()):
        return None
    return [Call(name, arguments) for name, arguments in value.items()]


def _stated(value: Mapping[str, Any]) -> Call:
    name = value["name"]
    given = [value[key] for key in _ARGUMENT_KEYS if key in value]
    if not _NAME.fullmatch(name):
        return Call(name[:80], fault=f"{name[:80]!r} is no function's name")
    if len(given) > 1:
        return Call(name, fault="arguments are given twice")
    odd = [key for key in value if key not in _BESIDE]
    if odd:
        return Call(name, fault=f"a call has no {odd[0][:80]!r}")
    return with_arguments(name, given[0])


def with_arguments(name: str, arguments: Json) -> Call:
    """Return a call whose arguments are an object, or the JSON text of one (as OpenAI writes them)."""
    if isinstance(arguments, str):
        try:
            arguments = parse_json(arguments) if arguments.strip() else {}
        except JsonFault as fault:
            return Call(name, fault=f"its arguments are not JSON: {fault}")
    if arguments is None:
        return Call(name)
    if not isinstance(arguments, Mapping):
        return Call(name, fault=f"its arguments are an object, not {type(arguments).__name__}")
    return Call(name, arguments)


def functions_in(value: Json) -> dict[str, Function]:
    """Return name -> function of a list of function or tool schemas (or one, or the JSON text of them).

    Raises:
        JsonFault: If it is text and not JSON.
        TypeError: If it is something else; the text says what is allowed.
    """
    if isinstance(value, str):
        value = parse_json(value)
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, Sequence):
        raise TypeError(f"function schemas are a list of {{name, parameters}}, not {type(value).__name__}")
    found = {}
    for item in items:
        schema = item.get("function", item) if isinstance(item, Mapping) else None
        if not isinstance(schema, Mapping) or not isinstance(schema.get("name"), str):
            raise TypeError("a function schema is {name, parameters: {properties, required}}")
        found[str(schema["name"])] = _function(schema)
    return found


def _function(schema: Mapping[str, Any]) -> Function:
    parameters = schema.get("parameters") or schema.get("input_schema") or {}
    if not isinstance(parameters, Mapping):
        raise TypeError(f"the parameters of {schema['name']!r} are an object, not {type(parameters).__name__}")
    bare = "properties" not in parameters and all(isinstance(each, Mapping) for each in parameters.values())
    properties = parameters if bare else parameters.get("properties") or {}
    required = () if bare else parameters.get("required") or ()
    if not isinstance(properties, Mapping) or not isinstance(required, Sequence):
        raise TypeError(f"the parameters of {schema['name']!r} have properties (an object) and required (a list)")
    checked = {str(name): each if isinstance(each, Mapping) else {} for name, each in properties.items()}
    return Function(checked, frozenset(str(name) for name in required))
