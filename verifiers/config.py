"""Options from the command line (`--set key=value`) and from files (`--config conf.yaml`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from verifiers.errors import InputError, OptionError
from verifiers.types import Json

if TYPE_CHECKING:
    import yaml

MAX_CONFIG_BYTES = 2**20


@dataclass(frozen=True)
class Config:
    """What a config file holds.

    Attributes:
        task: The teacher it names, if any.
        options: The teacher's options.
        origins: Option -> `file:line`, for error texts.
    """

    task: str | None
    options: Mapping[str, Json]
    origins: Mapping[str, str] = field(default_factory=dict)


def parse_assignments(texts: Iterable[str]) -> dict[str, Json]:
    """Return `("a=b", "c=d")` as a mapping; the last of equal keys wins.

    Raises:
        OptionError: If one is not `key=value`.
    """
    values: dict[str, Json] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise OptionError(f"--set {text!r} is not of the form key=value, e.g. --set percent=strict")
        values[key.strip().replace("-", "_")] = value.strip()
    return values


def load_config(path: str | Path) -> Config:
    """Read a YAML or JSON file: `{task: math, set: {percent: strict}}`, or the options alone.

    Raises:
        InputError: If the file cannot be read.
        OptionError: If it is not such a mapping; the text has file and line.
    """
    file = Path(path)
    try:
        with file.open("rb") as handle:
            data = handle.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read the config file {str(file)!r}: {error.strerror}") from error
    if len(data) > MAX_CONFIG_BYTES:
        raise InputError(f"the config file {str(file)!r} is longer than {MAX_CONFIG_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(f"{file}: not UTF-8 text ({error})") from error
    raw, lines = _parse_json(file, text) if file.suffix == ".json" else _parse_yaml(file, text)
    return _checked(file, raw, lines)


def _parse_json(file: Path, text: str) -> tuple[object, dict[str, int]]:
    try:
        return json.loads(text), {}
    except json.JSONDecodeError as error:
        raise OptionError(f"{file}:{error.lineno}: not JSON: {error.msg}") from error


def _parse_yaml(file: Path, text: str) -> tuple[object, dict[str, int]]:
    import yaml  # not light, and most runs have no config file

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        return yaml.safe_load(text), _lines(file, node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        raise OptionError(f"{place}: not YAML: {getattr(error, 'problem', None) or error}") from error


def _lines(file: Path, node: yaml.Node | None) -> dict[str, int]:
    """Return key -> line for a mapping and for the mapping under its `set`; refuse a key given twice."""
    import yaml

    lines: dict[str, int] = {}
    if not isinstance(node, yaml.MappingNode):
        return lines
    own: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.value in own:
            raise OptionError(f"{file}:{line}: {key.value!r} is given twice; keep one")
        own.add(key.value)
        lines[key.value] = line
        if key.value == "set":
            lines.update(_lines(file, value))
    return lines


def _checked(file: Path, raw: object, lines: Mapping[str, int]) -> Config:
    def place(key: str) -> str:
        return f"{file}:{lines[key]}" if key in lines else str(file)

    if raw is None:
        return Config(None, {})
    if not isinstance(raw, dict) or not all(isinstance(key, str) for key in raw):
        raise OptionError(f"{file}: a config is a mapping like {{task: math, set: {{key: value}}}}, or options alone")
    task = raw.get("task")
    if task is not None and not isinstance(task, str):
        raise OptionError(f"{place('task')}: task is a teacher's name, not {task!r}")
    options = {key: value for key, value in raw.items() if key not in ("task", "set")}
    if "set" in raw:
        if options:
            extra = next(iter(options))
            raise OptionError(f"{place(extra)}: {extra!r} stands beside 'set'; put options under 'set'")
        options = raw["set"] or {}
        if not isinstance(options, dict) or not all(isinstance(key, str) for key in options):
            raise OptionError(f"{place('set')}: 'set' is a mapping of options, not {type(options).__name__}")
    return Config(task, options, {key: place(key) for key in options})
