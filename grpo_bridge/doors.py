"""Modules that have one attribute for each teacher, made on first use (PEP 562): trainers want a path, not an object.

    pkg://grpo_bridge.verl + name: math      --custom-rm-path grpo_bridge.slime.math      grpo_bridge.axolotl.ifeval

Each such module also has the name that its trainer asks for by default (`compute_score`, `reward_func`, ...): its
teacher is named by the variable GRPO_BRIDGE_TASK: a teacher, a file (YAML, JSON, Python), or a server's address.
Shaping teachers are written with `_` for `/`: `shaping_length`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

from grpo_bridge.routes import AnyTask
from verifiers.errors import UsageError
from verifiers.registry import catalog_names

TASK_VARIABLE = "GRPO_BRIDGE_TASK"


def door(
    home: MutableMapping[str, Any], module: str, make: Callable[[AnyTask], Any], defaults: Sequence[str]
) -> Callable[[str], Any]:
    """Return a module's `__getattr__`.

    Args:
        home: The module's `globals()`; what is made is kept there, so that it is one object and pickles by its name.
        module: The name by which other processes import it, also where a trainer has loaded its file by path.
        make: Makes an attribute from a task; an empty one = GRPO_BRIDGE_TASK is not set, see `chosen_task`.
        defaults: Names whose task is that of GRPO_BRIDGE_TASK.
    """

    def find(name: str) -> Any:
        made = make(task_of(name, module, defaults))
        if hasattr(made, "__qualname__"):
            made.__module__, made.__name__, made.__qualname__ = module, name, name
        return home.setdefault(name, made)

    return find


def task_of(name: str, module: str, defaults: Sequence[str]) -> str:
    """Return the task that an attribute's name stands for; empty = that of a variable which is not set.

    Raises:
        AttributeError: If it stands for none.
    """
    names = attribute_names()
    if name in names:
        return names[name]
    if name in defaults:
        return os.environ.get(TASK_VARIABLE, "")
    known = ", ".join([*defaults, *names])
    raise AttributeError(f"module {module!r} has no attribute {name!r}; there are: {known}")


def chosen_task(task: AnyTask) -> AnyTask:
    """Return the task, which a setting or GRPO_BRIDGE_TASK has named.

    Raises:
        UsageError: If none has.
    """
    if task == "":
        raise UsageError(
            f"no task: set the variable {TASK_VARIABLE} to a teacher's name, a file, or a server's address "
            f"({TASK_VARIABLE}=math, {TASK_VARIABLE}=plan.yaml), or use a teacher's own name, as grpo_bridge.verl.math"
        )
    return task


def as_plain(value: Any) -> Any:
    """Return a trainer's configuration (OmegaConf and the like), or numpy's values, as plain dicts and lists."""
    if isinstance(value, Mapping):
        return {str(key): as_plain(each) for key, each in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [as_plain(each) for each in value]
    return value


def attribute_names() -> Mapping[str, str]:
    """Return the catalog's teachers by the names that a Python attribute may have."""
    return {name.replace("/", "_"): name for name in catalog_names()}
