"""When an argument's value is the one that was wanted: types exact, texts exact or loose.

Loose texts are equal up to letter case, quotes, spaces and punctuation between words ("New-York" = "new york", "San
Francisco, CA" = "San Francisco CA"), as BFCL's checker has it. Unlike there, nothing that carries meaning is dropped:
digits never merge ("1.12" is not "11.2", "2024-1-15" is not "2024-11-5"), a sign stays ("-5" is not "5"), and so do
operators ("2 * 3" is not "23", "3x^2" is not "3x2").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from verifiers.text import normalise

_FLOAT_TYPES = frozenset({"float", "number", "double"})
_QUOTES = str.maketrans(dict.fromkeys("'`´‘’‚“”„«»", '"') | dict.fromkeys("−‐‑‒–—", "-"))
_EXPRESSION = re.compile(r"[\^*+=<>|\\]|(?<!\w)[^\W\d_]\s*+[-/]\s*+(?:[^\W_](?!\w)|\d)|\d\s*+[-/]\s*+[^\W\d_](?!\w)")
"""What only formulas have: an operator, or a lone letter beside a minus or a slash."""
_TOKEN = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})++(?![\d,])(?:\.\d++)?|(?:(?<![\w.])\.)?\d++(?:\.\d++)*+)"
    r"|(?P<letters>[^\W\d_]++)|(?P<gap>[\s,./_\-]++)|(?P<power>\*\*)|(?P<other>.)",
    re.DOTALL,
)
_DATE = re.compile(r"\d{1,4}([-/. ])\d{1,2}\1\d{1,4}")
_DATE_MARK = str.maketrans("/. ", "---")


def loose(text: str) -> str:
    """Return a text's form in which loosely equal texts are equal. Linear time."""
    text = normalise(text).casefold().translate(_QUOTES).strip()
    if _DATE.fullmatch(text):
        return text.translate(_DATE_MARK)
    formula = _EXPRESSION.search(text) is not None
    pieces: list[str] = []
    kind, gap = "", ""
    for token in _TOKEN.finditer(text):
        this = token.lastgroup or ""
        if this == "gap":
            gap = token[0]
            continue
        piece = "^" if this == "power" else token[0].replace(",", "") if this == "number" else token[0]
        pieces += (_joint(gap, kind, this, formula), piece)
        kind, gap = this, ""
    pieces.append(gap.strip() if formula else "")
    return "".join(pieces) or text


def _joint(gap: str, before: str, after: str, formula: bool) -> str:
    """Return what is left of the spaces and punctuation between two tokens."""
    marks = "".join(gap.split())
    if formula:
        return marks or (" " if gap and before == after != "other" else "")
    if after == "number" and _is_sign(gap, before):
        return " -" if before == "number" else "-"
    if before == after == "number":
        return marks if marks in ("-", "/", ".") else " "
    return ""


def _is_sign(gap: str, before: str) -> bool:
    """Whether a minus before a number is its sign: nothing, a space or a bracket stands before it."""
    return (gap.endswith("-") and (before in ("", "other") or gap[-2:-1].isspace())) or (not before and "-" in gap)


class Comparer:
    """Compares values; keeps the loose forms of one completion's and reference's texts.

    Attributes:
        loosely: Whether texts are compared loosely.
    """

    def __init__(self, loosely: bool) -> None:
        self.loosely = loosely
        self._loose: dict[str, str] = {}

    def accepts(self, value: Any, accepted: list[Any], schema: Mapping[str, Any]) -> bool:
        """Whether a value is one of BFCL's accepted ones; an empty list of them accepts an empty value alone."""
        if not accepted:
            return value in ([], {})
        return any(self._accepted(value, each, schema) for each in accepted)

    def _accepted(self, value: Any, wanted: Any, schema: Mapping[str, Any]) -> bool:
        """As `same`, but each value inside a wanted object is a list of accepted ones (BFCL's objects)."""
        if isinstance(wanted, Mapping):
            return isinstance(value, Mapping) and self._accepted_object(value, wanted, _properties(schema))
        if isinstance(wanted, (list, tuple)):
            items = _items(schema)
            return (
                isinstance(value, (list, tuple))
                and len(value) == len(wanted)
                and all(self._accepted(a, b, items) for a, b in zip(value, wanted, strict=True))
            )
        return self.same(value, wanted, schema)

    def _accepted_object(self, value: Mapping[str, Any], wanted: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
        for key, each in value.items():
            choices = wanted.get(key, ())
            choices = choices if isinstance(choices, list) else [choices]
            absent = each is None and "" in choices
            if key not in wanted or not (absent or self.accepts(each, choices, _schema(schemas, key))):
                return False
        return all(key in value or "" in choices or choices == [] for key, choices in wanted.items())

    def same(self, value: Any, wanted: Any, schema: Mapping[str, Any]) -> bool:
        """Whether two values are equal: `1` is not `true`, not `"1"`, and `1.0` only where a float may stand."""
        if isinstance(value, str) and isinstance(wanted, str):
            return value == wanted or (self.loosely and self._form(value) == self._form(wanted))
        if isinstance(wanted, Mapping):
            schemas = _properties(schema)
            return (
                isinstance(value, Mapping)
                and value.keys() == wanted.keys()
                and all(self.same(value[key], each, _schema(schemas, key)) for key, each in wanted.items())
            )
        if isinstance(wanted, (list, tuple)):
            items = _items(schema)
            return (
                isinstance(value, (list, tuple))
                and len(value) == len(wanted)
                and all(self.same(a, b, items) for a, b in zip(value, wanted, strict=True))
            )
        return _same_scalar(value, wanted, schema)

    def _form(self, text: str) -> str:
        if text not in self._loose:
            self._loose[text] = loose(text)
        return self._loose[text]


def _same_scalar(value: Any, wanted: Any, schema: Mapping[str, Any]) -> bool:
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (value, wanted))
    if not numbers:
        return type(value) is type(wanted) and bool(value == wanted)
    may_be_float = isinstance(wanted, float) or schema.get("type") in _FLOAT_TYPES
    return (type(value) is type(wanted) or may_be_float) and bool(value == wanted)


def _schema(schemas: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = schemas.get(name)
    return found if isinstance(found, Mapping) else {}


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _schema(schema, "properties")


def _items(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return _schema(schema, "items")
