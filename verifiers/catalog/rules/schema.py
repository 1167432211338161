"""The language as JSON Schema, made from the table of kinds: for editors, and for whoever writes rules by program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from verifiers.catalog.rules.combine import COMBINATORS, Settings
from verifiers.catalog.rules.compiling import COMMON, EXAMPLE_KEYS, KEYS
from verifiers.catalog.rules.conditions import OPERATORS
from verifiers.catalog.rules.reading import field_types, required, schema_of
from verifiers.catalog.rules.table import Kind, kinds
from verifiers.catalog.rules.view import PARTS

_FROM_ROW = {"type": "string", "pattern": r"^\$(reference|prompt|meta)(\.[\w-]+)*$"}
_WEIGHT = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "object", "additionalProperties": {"type": "number"}}]}
_TEXT = {"type": ["string", "number", "boolean"]}


Describe = Callable[[type[Any]], Mapping[str, str]]
"""From a dataclass to what its docstring says of each field (`verifiers.options.option_docs`)."""


def language_schema(describe: Describe) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a rules document, with the fields' descriptions."""
    rules = {"type": "array", "items": {"$ref": "#/$defs/rule"}, "minItems": 1}
    properties: dict[str, Any] = {
        "version": {"const": 1},
        "name": _TEXT,
        "description": _TEXT,
        "in": {"enum": list(PARTS)},
        "empty": {"enum": ["fail", "judge"]},
        "combine": {"enum": [name for name, each in COMBINATORS.items() if not each.branches and name != "not"]},
        "rules": {"anyOf": [rules, {"$ref": "#/$defs/rule"}]},
        "examples": {"type": "array", "items": _example()},
    }
    if set(properties) != set(KEYS):
        raise TypeError("the schema and compiling.KEYS name different keys")
    document = {"type": "object", "properties": properties, "required": ["rules"], "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of the teacher 'rules'",
        "anyOf": [document, rules, {"$ref": "#/$defs/rule"}],
        "$defs": {"rule": _rule(rules, describe), "condition": _condition(), "weight": _WEIGHT, "from_row": _FROM_ROW},
    }


def _example() -> dict[str, Any]:
    properties: dict[str, Any] = {key: {} for key in EXAMPLE_KEYS}
    properties["text"] = _TEXT
    properties["expect"] = {"type": ["number", "null"]}
    return {
        "type": "object",
        "properties": properties,
        "required": ["text", "expect"],
        "additionalProperties": False,
    }


def _condition() -> dict[str, Any]:
    properties: dict[str, Any] = {operator: {} for operator in OPERATORS}
    mapping = {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [mapping, {"type": ["string", "number", "boolean", "null", "array"]}]}


def _rule(rules: dict[str, Any], describe: Describe) -> dict[str, Any]:
    common = {
        "name": _TEXT,
        "note": _TEXT,
        "weight": {"$ref": "#/$defs/weight"},
        "points": {"type": "number"},
        "critical": {"type": "boolean"},
        "in": {"enum": list(PARTS)},
        "when": {"type": "object", "additionalProperties": {"$ref": "#/$defs/condition"}, "minProperties": 1},
    }
    if set(common) != set(COMMON):
        raise TypeError("the schema and compiling.COMMON name different keys")
    own = {name: _kind(each, describe) for name, each in kinds().items()}
    own |= {name: _combinator(name, rules) for name in COMBINATORS}
    return {
        "type": "object",
        "properties": {**common, **own},
        "additionalProperties": False,
        "oneOf": [{"required": [name]} for name in own],
    }


def _kind(kind: Kind, describe: Describe) -> dict[str, Any]:
    types, docs = field_types(kind.cls), describe(kind.cls)
    fields = {name: {**_or_from_row(schema_of(wanted)), "description": docs[name]} for name, wanted in types.items()}
    mapping: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    if required(kind.cls):
        mapping["required"] = list(required(kind.cls))
    short = kind.cls.short
    if not short:
        return {"anyOf": [mapping, {"type": "null"}]} if not required(kind.cls) else mapping
    return {"anyOf": [_or_from_row(schema_of(types[short])), mapping]}


def _or_from_row(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"$ref": "#/$defs/from_row"}]} if schema else {}


def _combinator(name: str, rules: dict[str, Any]) -> dict[str, Any]:
    combinator = COMBINATORS[name]
    several = {"anyOf": [rules, {"$ref": "#/$defs/rule"}]}
    if not combinator.branches:
        return several if name == "not" else rules
    types = field_types(Settings)
    properties: dict[str, Any] = dict.fromkeys(combinator.branches, several)
    properties |= {setting: schema_of(types[setting]) for setting in combinator.settings}
    needed = [*combinator.branches, *(["n"] if name == "at_least" else [])]
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}
