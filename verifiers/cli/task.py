"""The options that name a teacher (`--task`, `--set`, `--config`), and the teacher they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl

import click

from verifiers.errors import UsageError

if TYPE_CHECKING:
    from verifiers.teacher import Teacher, TeacherSpec
    from verifiers.types import Json

_Function = TypeVar("_Function", bound=Callable[..., Any])


def task_options(function: _Function) -> _Function:
    """Add `--task`, `--set` and `--config` to a command."""
    for option in (
        click.option("--config", type=click.Path(), metavar="FILE", help="YAML with the teacher's options (and task)."),
        click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="An option of the teacher; repeatable."),
        click.option("-t", "--task", metavar="NAME", help="The teacher: an id of `verify list`, a file, a module."),
    ):
        function = option(function)
    return function


def task_spec(
    task: str | None, sets: Sequence[str], config: str | None
) -> tuple[TeacherSpec, dict[str, Json], Mapping[str, str]]:
    """Return the teacher that the options name, its option values, and where each value came from.

    `--set` wins over the file.

    Raises:
        UsageError: If no task is named or there is none of that name.
        OptionError, InputError: As of the config file and the assignments.
    """
    from verifiers.config import load_config, parse_assignments
    from verifiers.registry import catalog_names, find

    loaded = load_config(config) if config else None
    name = task or (loaded.task if loaded else None)
    if not name:
        known = ", ".join(catalog_names())
        raise UsageError(f"Name the teacher: --task NAME. Known: {known}; or a file, ./my_teacher.py")
    given = parse_assignments(sets)
    origins = {key: place for key, place in loaded.origins.items() if key not in given} if loaded else {}
    return find(name), {**(loaded.options if loaded else {}), **given}, origins


def build(spec: TeacherSpec, values: Mapping[str, Json], origins: Mapping[str, str] | None = None) -> Teacher:
    """Make the teacher.

    Raises:
        OptionError: If an option is unknown or does not fit.
    """
    from verifiers.options import build_options

    return spec.build(build_options(spec, values, origins))


def split_query(text: str) -> tuple[str, dict[str, str]]:
    """Split `math?backend=math_verify&case=strict` into the teacher's name and its options.

    Raises:
        UsageError: If what follows the question mark is not `key=value&...`.
    """
    name, _, query = text.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError as error:
        raise UsageError(f"{text!r} is not NAME?key=value&key=value, e.g. 'math?backend=math_verify'") from error
    return name, {key.replace("-", "_"): value for key, value in pairs}
