"""Read fields out of references: from the reference itself or, as data sets' rows have them, from the row's columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.catalog.code.languages import LANGUAGES, language_named
from verifiers.catalog.code.task import BadReference
from verifiers.types import Json

MAX_REFERENCE_CHARS = 256 * 1024 * 1024
SHOWN = 80


@dataclass(frozen=True)
class Fields:
    """Where a shape looks for its fields.

    Attributes:
        own: The mapping that is tried as a reference.
        row: The sample's other columns, for what a reference may leave to them (entry_point, prompt, language).
    """

    own: Mapping[str, Json]
    row: Mapping[str, Json]

    def __contains__(self, name: str) -> bool:
        return self.own.get(name) is not None

    def get(self, name: str) -> Any:
        """Return a field of the reference, JSON text decoded; `None` = it has none."""
        return decoded(self.own.get(name), name)

    def text(self, *names: str) -> str:
        """Return the first of some fields that is text, of the reference or of the row; else nothing."""
        for where in (self.own, self.row):
            for name in names:
                value = where.get(name)
                if isinstance(value, str) and value.strip():
                    return value
        return ""

    def number(self, name: str, least: float, most: float) -> float | None:
        """Return a number within bounds; `None` = there is none.

        Raises:
            BadReference: If it is something else.
        """
        value = self.own.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise BadReference(f"{name} is a number from {least:g} to {most:g}, not {shown(value)}")
        return float(value)

    def language(self) -> str:
        """Return the language that the reference or the row names; empty = none.

        Raises:
            BadReference: If it is none of ours.
        """
        if not isinstance(self.own.get("language"), str | None):
            raise BadReference(f"language is a text, not {shown(self.own['language'])}")
        told = self.text("language", "lang", "programming_language")
        found = language_named(told) if told else ""
        if found is None:
            raise BadReference(f"the language {told[:SHOWN]!r} is not known; allowed: {', '.join(LANGUAGES)}")
        return found


def decoded(value: Any, name: str) -> Any:
    """Return JSON text as what it says, anything else as it is.

    Raises:
        BadReference: If it begins like JSON and is not.
    """
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    return read_json(value, name)


def read_json(text: str, name: str) -> Any:
    """Return what JSON text says; NaN and infinities are read, as Python writes them.

    Raises:
        BadReference: If it is not JSON.
    """
    if len(text) > MAX_REFERENCE_CHARS:
        raise BadReference(f"{name} has {len(text):,} characters; at most {MAX_REFERENCE_CHARS:,} are read")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReference(f"{name} is not JSON: {error}") from error


def strings(value: Any, name: str) -> list[str]:
    """Return a text, or a list of texts, as a list.

    Raises:
        BadReference: If it is something else.
    """
    if isinstance(value, str):
        return [value]
    if not isinstance(value, Sequence) or not all(isinstance(each, str) for each in value):
        raise BadReference(f"{name} is a text or a list of texts, not {shown(value)}")
    return list(value)


def objects(value: Any, name: str) -> list[Mapping[str, Any]]:
    """Return a list of at least one object.

    Raises:
        BadReference: If it is something else.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise BadReference(f"{name} is a list of at least one test, not {shown(value)}")
    if not all(isinstance(each, Mapping) for each in value):
        raise BadReference(f"{name} is a list of objects")
    return list(value)


def lines(value: Any, name: str) -> str:
    """Return the text of a stdin or stdout, which data sets also give as a list of lines.

    Raises:
        BadReference: If it is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(line, str | int | float) for line in value):
        return "\n".join(map(str, value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise BadReference(f"{name} is text, or a list of lines, not {shown(value)}")


def function_name(name: str) -> str:
    """Return the name of a function, which may be `Class.method`; empty = none is told.

    Raises:
        BadReference: If it could be none in any language.
    """
    parts = name.replace("::", ".").replace("$", "_").split(".") if name else []
    if not all(part.isidentifier() for part in parts):
        raise BadReference(f"the entry point {name[:SHOWN]!r} is no function's name")
    return name


def shown(value: Any) -> str:
    """Return a value cut for a message."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
