"""The options that name a teacher (`--task`, `--set`, `--config`), and the teacher they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import click

from verifiers.errors import UsageError

if TYPE_CHECKING:
    from verifiers.teacher import TeacherSpec
    from verifiers.types import Json

_Function = TypeVar("_Function", bound=Callable[..., Any])
RULES = "rules"
"""The one teacher that `--rules` belongs to."""


def task_options(function: _Function) -> _Function:
    """Add `--task`, `--set` and `--config` to a command."""
    for option in (
        click.option("--config", type=click.Path(), metavar="FILE", help="YAML with the teacher's options (and task)."),
        click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="An option of the teacher; repeatable."),
        click.option("-t", "--task", metavar="NAME", help="The teacher: an id of `verify list`, a file, a module."),
    ):
        function = option(function)
    return function


def deadline_option(function: _Function) -> _Function:
    """Add `--deadline` to a command."""
    return click.option(
        "--deadline",
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="Wall-clock limit for one completion in a worker.  [default: the teacher's]",
    )(function)


def work_options(function: _Function) -> _Function:
    """Add `--num-proc` and `--deadline` to a command."""
    option = click.option(
        "--num-proc", type=click.IntRange(1), metavar="N", help="Worker processes.  [default: the CPUs]"
    )
    return option(deadline_option(function))


def with_rules(task: str | None, sets: Sequence[str], rules: str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return task and settings with `--rules FILE`, which is short for `--task rules --set rules=FILE`.

    Raises:
        UsageError: If another teacher is named.
    """
    if rules is None:
        return task, tuple(sets)
    if task not in (None, RULES):
        raise UsageError(f"--rules {rules} is for --task {RULES}; the teacher {task!r} takes no rules file")
    return RULES, (*sets, f"rules={rules}")


class Task(NamedTuple):
    """A teacher with checked options.

    Attributes:
        name: What the engine finds it by.
        spec: The teacher.
        values: The value of every option.
    """

    name: str
    spec: TeacherSpec
    values: dict[str, Json]


def find_task(task: str | None, sets: Sequence[str], config: str | None) -> Task:
    """Return the teacher that the options name; `--set` wins over the file.

    Raises:
        UsageError: If no task is named or there is none of that name.
        OptionError, InputError: If an option, or the config file, is not allowed.
    """
    from verifiers.config import load_config, parse_assignments
    from verifiers.registry import catalog_names, declared, find

    loaded = load_config(config) if config else None
    name = task or (loaded.task if loaded else None)
    if not name:
        known = ", ".join(sorted({*catalog_names(), *(point.name for point in declared())}))
        raise UsageError(f"Name the teacher: --task NAME. Known: {known}; or a file, ./my_teacher.py")
    given = parse_assignments(sets)
    if loaded is None:
        return checked_task(name, given)
    whole = getattr(find(name).options, "config_file", "")
    if whole and whole not in loaded.options:
        return checked_task(name, {whole: str(config), **given})  # the file is what this teacher reads itself
    origins = {key: place for key, place in loaded.origins.items() if key not in given}
    return checked_task(name, {**loaded.options, **given}, origins)


def checked_task(name: str, values: Mapping[str, Json], origins: Mapping[str, str] | None = None) -> Task:
    """Return the teacher of that name with these options.

    Args:
        name: A catalog id, a file or a dotted path.
        values: Some of its options; the others have their defaults.
        origins: Where a value came from, for messages.

    Raises:
        TeacherNotFound, OptionError: If there is no such teacher or option.
    """
    from verifiers.loading import is_file
    from verifiers.options import build_options, option_values
    from verifiers.registry import find

    spec = find(name)
    # A file by its full path: a run resumed from another folder is the same run.
    return Task(spec.locator if is_file(name) else name, spec, option_values(build_options(spec, values, origins)))


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
