"""A teacher's options: from text, JSON or YAML to an instance of its options dataclass.

Field types: `bool`, `int`, `float`, `str`, `Literal[...]`, a `StrEnum`, `tuple[X, ...]`, and `X | None` of these.
`preset=NAME` stands for the values of `spec.presets[NAME]`; values given besides it win.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union

import msgspec

from verifiers.errors import OptionError
from verifiers.teacher import TeacherSpec
from verifiers.types import Json

PRESET = "preset"
"""The reserved key that names a set of values."""

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_NONE = ("none", "null")


@dataclass(frozen=True)
class OptionRow:
    """What a user must know about one option.

    Attributes:
        name: As in `--set name=value`.
        type: The type in words, e.g. `text`, `number`, `one of strict, lenient`.
        choices: The allowed values, where they can be listed.
        default: Its default as one would write it.
        doc: From the `Attributes:` section of the options class.
    """

    name: str
    type: str
    choices: tuple[str, ...]
    default: str
    doc: str


def build_options(spec: TeacherSpec, values: Mapping[str, Json], origins: Mapping[str, str] | None = None) -> object:
    """Make an instance of the teacher's options.

    Args:
        spec: Whose options.
        values: Text is parsed to the field's type; other values must fit it.
        origins: Where a value came from (`conf.yaml:3`), for the error's text.

    Raises:
        OptionError: If a key is unknown or a value does not fit; lists what is allowed.
    """
    hints, where = _hints(spec.options), origins or {}
    parsed: dict[str, object] = {}
    for key, value in {**_preset(spec, values), **values}.items():
        if key == PRESET and PRESET not in hints:
            continue
        place = f"{where[key]}: " if key in where else ""
        if key not in hints:
            raise OptionError(place + _unknown(spec, key, tuple(hints)))
        try:
            parsed[key] = convert(value, hints[key])
        except ValueError as error:
            raise OptionError(f"{place}{spec.name}: {key} = {value!r}: {error}") from error
    try:
        return spec.options(**parsed)
    except OptionError:
        raise  # it says more: a file and a line
    except (TypeError, ValueError) as error:
        raise OptionError(f"{spec.name}: these options do not fit together: {error}") from error


def _preset(spec: TeacherSpec, values: Mapping[str, Json]) -> Mapping[str, Json]:
    name = values.get(PRESET)
    if name is None or PRESET in _hints(spec.options):
        return {}
    if not spec.presets:
        raise OptionError(f"{spec.name} has no presets, so preset={name} is not allowed")
    if not isinstance(name, str) or name not in spec.presets:
        raise OptionError(
            f"{spec.name} has no preset {name!r}.{_did_you_mean(str(name), list(spec.presets))} "
            f"Allowed: {', '.join(spec.presets)}."
        )
    return spec.presets[name]


def _unknown(spec: TeacherSpec, key: str, names: Sequence[str]) -> str:
    known = [*names, *([PRESET] if spec.presets else [])]
    allowed = f"Allowed: {', '.join(known)}." if known else "It has no options."
    return f"{spec.name} has no option {key!r}.{_did_you_mean(key, known)} {allowed}"


def _did_you_mean(given: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given.replace("-", "_"), known, n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""


def _hints(options: type[Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(options)
    return {field.name: hints[field.name] for field in dataclasses.fields(options) if field.init}


def option_values(options: object) -> dict[str, Json]:
    """Return an options instance as JSON data that `build_options` turns into an equal instance."""
    names = _hints(type(options))
    return {name: msgspec.to_builtins(getattr(options, name)) for name in names}


def convert(value: Json, wanted: Any) -> object:
    """Return `value` as the type `wanted`; text is parsed.

    Raises:
        ValueError: If it does not fit; the text says what is allowed.
        TypeError: If `wanted` is a type that options cannot have.
    """
    origin = typing.get_origin(wanted)
    if origin in (Union, types.UnionType):
        return _optional(value, [arm for arm in typing.get_args(wanted) if arm is not type(None)])
    if origin is Literal:
        return _choice(value, typing.get_args(wanted))
    if origin is tuple:
        return _tuple(value, typing.get_args(wanted)[0])
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return wanted(_choice(value, tuple(member.value for member in wanted)))
    if wanted not in _SCALARS:
        raise TypeError(f"an option cannot have the type {wanted}")
    return _SCALARS[wanted](value)


def _optional(value: Json, arms: Sequence[Any]) -> object:
    if value is None or (isinstance(value, str) and value.strip().casefold() in _NONE):
        return None
    errors = []
    for arm in arms:
        try:
            return convert(value, arm)
        except ValueError as error:
            errors.append(str(error))
    raise ValueError(", or ".join([*errors, "none"]))


def _choice(value: Json, allowed: tuple[Any, ...]) -> object:
    if isinstance(value, bool) and not any(isinstance(each, bool) for each in allowed):
        # YAML reads `off`, `no`, `on`, `yes` as booleans.
        words = [each for each in allowed if each in (_TRUE if value else _FALSE)]
        if len(words) == 1:
            return words[0]
    for each in allowed:
        if type(value) is type(each) and value == each:
            return each
    text = str(value).strip().casefold().replace("-", "_")
    same = [each for each in allowed if str(each).casefold().replace("-", "_") == text]
    if isinstance(value, (str, int)) and len(same) == 1:
        return same[0]
    raise ValueError(f"allowed: {', '.join(map(str, allowed))}")


def _tuple(value: Json, item: Any) -> object:
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            try:
                value = msgspec.json.decode(value.encode("utf-8", "replace"))
            except ValueError as error:
                raise ValueError(f"allowed: a,b,c or a JSON list ({error})") from error
        else:
            value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise ValueError("allowed: a list, or text with commas between the items")
    return tuple(convert(each, item) for each in value)


def _bool(value: Json) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().casefold()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise ValueError("allowed: true or false")


def _int(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9](_?[0-9]){0,30}", value.strip()):
        return int(value)
    raise ValueError("allowed: a whole number")


def _float(value: Json) -> float:
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError("allowed: a finite number")


def _str(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ValueError("allowed: text (in YAML, put it in quotes)")


_SCALARS: dict[Any, Any] = {bool: _bool, int: _int, float: _float, str: _str}
_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def describe_options(spec: TeacherSpec) -> list[OptionRow]:
    """Return one row per option, in the order of the class.

    Raises:
        TypeError: If an option has a type that is not allowed.
    """
    docs, rows = option_docs(spec.options), []
    fields = {field.name: field for field in dataclasses.fields(spec.options)}
    for name, wanted in _hints(spec.options).items():
        words, choices = _describe(wanted)
        rows.append(OptionRow(name, words, choices, _default(fields[name]), docs.get(name, "")))
    return rows


def _describe(wanted: Any) -> tuple[str, tuple[str, ...]]:
    origin = typing.get_origin(wanted)
    if origin in (Union, types.UnionType):
        arms = [_describe(arm) for arm in typing.get_args(wanted) if arm is not type(None)]
        return " or ".join([*(words for words, _ in arms), "none"]), sum((choices for _, choices in arms), ())
    if origin is tuple:
        words, choices = _describe(typing.get_args(wanted)[0])
        return f"list of {words}", choices
    if origin is Literal:
        choices = tuple(map(str, typing.get_args(wanted)))
    elif isinstance(wanted, type) and issubclass(wanted, Enum):
        choices = tuple(str(member.value) for member in wanted)
    elif wanted in _WORDS:
        return _WORDS[wanted], ("true", "false") if wanted is bool else ()
    else:
        raise TypeError(f"an option cannot have the type {wanted}")
    return f"one of {', '.join(choices)}", choices


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    elif field.default is not dataclasses.MISSING:
        value = field.default
    else:
        return ""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


_ENTRY = re.compile(r"(?P<names>\*{0,2}\w+(?:, \w+)*)(?: \([^)]*\))?:\s*(?P<doc>.*)")


def option_docs(options: type[Any]) -> dict[str, str]:
    """Return field -> text from the `Attributes:` section of a class's docstring."""
    lines = (options.__doc__ or "").expandtabs().splitlines()
    docs: dict[str, str] = {}
    inside, indent, names = False, 0, list[str]()
    for line in lines:
        text, depth = line.strip(), len(line) - len(line.lstrip())
        if text in ("Attributes:", "Args:"):
            inside, indent, names = True, 0, []
        elif inside and text:
            indent = indent or depth
            if depth < indent:
                inside = False
            elif depth == indent and (match := _ENTRY.fullmatch(text)):
                names = match["names"].split(", ")
                docs.update(dict.fromkeys(names, match["doc"]))
            else:
                docs.update({name: f"{docs[name]} {text}".strip() for name in names})
    return docs
