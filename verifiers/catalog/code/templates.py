"""Give JSON inputs back the types that JSON lost, as the asserts of the same row show them (MBPP+)."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.catalog.code.literals import NotLiteral, literal

MAX_ASSERTION_CHARS = 1_000_000
_LISTED = (tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Template:
    """The type of a value: `kind` in the place of a JSON list (or number), and the types in it.

    Attributes:
        kind: list, tuple, set, frozenset, dict, complex (any number); `None` = as it is.
        items: Templates by position where all examples have the same length and differ in them; else of every item.
        each: Whether `items` holds one template for every item.
    """

    kind: type | None = None
    items: tuple[Template, ...] = ()
    each: bool = True


_PLAIN = Template()
_ALL_TUPLES = Template(tuple)
_NUMBERS = (int, float, complex)


def retyper(assertion: str, entry_point: str, inputs: Sequence[list[Any]]) -> Callable[[list[Any]], list[Any]]:
    """Return a function that gives a list of arguments the types of a row's asserts.

    Args:
        assertion: Python asserts, in the order of `inputs`; where they do not tell all types, the JSON stays as it is.
        entry_point: The function that they call.
        inputs: The same arguments as JSON.
    """
    calls = _called(assertion, entry_point)
    if not calls or any(len(args) != len(calls[0]) for args in [*calls, *inputs]):
        return lambda args: args
    templates = [_column([args[at] for args in calls]) for at in range(len(calls[0]))]
    return lambda args: [_typed(arg, template) for arg, template in zip(args, templates, strict=False)]


def _column(values: list[Any]) -> Template:
    """Return the template of one argument in all calls."""
    kinds = {kind for value in values for kind in _container_kinds(value)}
    # Without a single list, all are tuples, also those that lie deeper than any example's.
    return _ALL_TUPLES if kinds == {tuple} else _merged([_template(value) for value in values])


def _container_kinds(value: Any) -> set[type]:
    if not isinstance(value, list | dict | tuple | set | frozenset):
        return set()
    items = [*value, *value.values()] if isinstance(value, dict) else value
    return {type(value)}.union(*map(_container_kinds, items))


def _called(assertion: str, entry_point: str) -> list[list[Any]]:
    """Return the literal arguments of all calls of the function."""
    if not assertion or len(assertion) > MAX_ASSERTION_CHARS:
        return []
    try:
        nodes = [node for node in ast.walk(ast.parse(assertion)) if isinstance(node, ast.Call) and not node.keywords]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = []
    for node in nodes:
        if isinstance(node.func, ast.Name) and node.func.id == entry_point:
            try:
                found.append(literal(ast.List(node.args, ast.Load())))
            except NotLiteral:
                return []
    return found


def _template(value: Any) -> Template:
    kind = type(value)
    if kind in (list, *_LISTED):
        items = [_template(item) for item in value]
        if kind in (set, frozenset) or len(set(items)) <= 1:
            return Template(kind, (_merged(items),) if items else ())
        return Template(kind, tuple(items), each=False)
    if kind is dict:
        return Template(dict, (_merged([_template(item) for item in value.values()]),) if value else ())
    return Template(complex) if kind in _NUMBERS else _PLAIN


def _merged(templates: list[Template]) -> Template:
    """Return the template that all share; what they disagree on stays as it is."""
    told = [each for each in templates if each.kind is not None]
    if not told or any(each.kind is not told[0].kind for each in told) or len(told) != len(templates):
        return _PLAIN
    filled = [each for each in told if each.items]
    if not filled:
        return told[0]
    if all(not each.each and len(each.items) == len(filled[0].items) for each in filled):
        columns = zip(*(each.items for each in filled), strict=True)
        return Template(told[0].kind, tuple(_merged(list(column)) for column in columns), each=False)
    return Template(told[0].kind, (_merged([item for each in filled for item in each.items]),))


def _typed(value: Any, template: Template) -> Any:
    if template is _ALL_TUPLES:
        return _tupled(value)
    if template.kind is complex and isinstance(value, str):
        return _number(value)
    if template.kind is dict and isinstance(value, dict) and template.items:
        return {key: _typed(item, template.items[0]) for key, item in value.items()}
    if template.kind not in (list, *_LISTED) or not isinstance(value, list):
        return value
    made = _typed_items(value, template)
    try:
        return template.kind(made)
    except TypeError:  # lists in a set
        return made


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _number(text: str) -> Any:
    """Return a number that JSON could only hold as text, as it does complex ones."""
    for kind in _NUMBERS:
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _typed_items(value: list[Any], template: Template) -> list[Any]:
    if not template.items:
        return value
    if template.each:
        return [_typed(item, template.items[0]) for item in value]
    if len(value) == len(template.items):
        return [_typed(item, part) for item, part in zip(value, template.items, strict=True)]
    return value
