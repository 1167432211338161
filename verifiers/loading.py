"""Import a teacher from a module or a file, and say how another process finds it again.

A locator is text that means the same in any process of this machine: a catalog id, an absolute path
(`/home/me/parity.py:parity`), or `package.module:attribute`.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import cast

from verifiers.errors import TeacherNotFound, UsageError
from verifiers.teacher import Case, Teacher, TeacherSpec, teacher

_loading = threading.RLock()
"""Held while a file is run as a module, so that no other thread sees half of it; a file may load another."""
_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>[^\W\d]\w*))?\Z", re.DOTALL)


def is_file(text: str) -> bool:
    """Whether a teacher's name is meant as a file."""
    return _FILE.match(text) is not None


def file_stamp(text: str) -> int:
    """Return the time of change of a teacher's file in nanoseconds, 0 if the name means no file."""
    match = _FILE.match(text) if ".py" in text else None
    try:
        return Path(match["path"]).expanduser().stat().st_mtime_ns if match else 0
    except OSError:
        return 0


def load(text: str) -> TeacherSpec:
    """Load a teacher by file path or dotted path.

    Raises:
        TeacherNotFound: If the file or module does not exist.
        UsageError: If it cannot be imported or holds no teacher.
    """
    match = _FILE.match(text)
    if match is None:
        return spec_from(text, name="", locator="")
    path = Path(match["path"]).expanduser().resolve()
    module = _import_file(path)
    return _pick(module, match["attribute"], name=match["attribute"] or path.stem, base=str(path))


def spec_from(target: str, *, name: str, locator: str) -> TeacherSpec:
    """Import `package.module` or `package.module:attribute` and return its teacher.

    Args:
        target: What to import.
        name: The id it gets, unless it names itself; empty = the attribute's name.
        locator: How a worker finds it; empty = `package.module:attribute`.

    Raises:
        TeacherNotFound: If there is no such module.
        UsageError: If it cannot be imported, or holds no teacher or several.
    """
    dotted, _, attribute = target.partition(":")
    spec = _pick(_import(dotted), attribute or None, name=name, base=dotted)
    return replace(spec, locator=locator) if locator else spec


def locator_of(target: object) -> str:
    """Return the locator of a spec, function or class that some imported module holds, or `""`.

    `__main__` never counts: worker processes do not run the user's script again.
    """
    own = getattr(target, "locator", "")
    if own:
        return str(own)
    home = getattr(target, "__module__", None)
    known_home = home and not isinstance(target, TeacherSpec)
    for module in [sys.modules.get(str(home))] if known_home else list(sys.modules.values()):
        if not isinstance(module, ModuleType) or module.__name__ == "__main__":
            continue
        for attribute, value in list(vars(module).items()):
            if value is target:
                return f"{getattr(module, '__teacher_file__', module.__name__)}:{attribute}"
    return ""


def _import(dotted: str) -> ModuleType:
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if error.name is not None and (dotted == error.name or dotted.startswith(error.name + ".")):
            raise TeacherNotFound(
                f"no module {error.name!r} (asked for by {dotted!r}). Install it, put its folder on PYTHONPATH, "
                "or pass the file's path (./my_teacher.py)."
            ) from error
        raise _broken(dotted, error) from error
    except (Exception, SystemExit) as error:
        raise _broken(dotted, error) from error


def _import_file(path: Path) -> ModuleType:
    try:
        stat = path.stat()
    except OSError as error:
        raise TeacherNotFound(f"cannot read the teacher file {str(path)!r}: {error.strerror}") from error
    # The time is part of the name so that an edited file is loaded anew, as notebook users expect.
    digest = hashlib.sha256(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}".encode()).hexdigest()[:12]
    with _loading:
        return _import_once(path, f"_verify_teacher_{path.stem}_{digest}")


def _import_once(path: Path, name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{str(path)!r} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__teacher_file__"] = str(path)
    sys.modules[name] = module  # before running it: dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a script that ends itself must not end us
        del sys.modules[name]
        raise _broken(str(path), error) from error
    return module


def _renew_lock() -> None:
    """In a fork: another thread of the parent may have held the lock."""
    global _loading
    _loading = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def _broken(what: str, error: BaseException) -> UsageError:
    return UsageError(f"cannot import the teacher {what!r}: {type(error).__name__}: {error}")


def _pick(module: ModuleType, attribute: str | None, *, name: str, base: str) -> TeacherSpec:
    specs = {key: value for key, value in vars(module).items() if isinstance(value, TeacherSpec)}
    if attribute is None:
        if len({id(spec) for spec in specs.values()}) != 1:
            raise UsageError(_not_one(base, sorted(specs)))
        attribute = next(iter(specs))
    elif not hasattr(module, attribute):
        raise TeacherNotFound(f"{base} has no {attribute!r}; its teachers: {', '.join(sorted(specs)) or 'none'}")
    spec = _as_spec(getattr(module, attribute), f"{base}:{attribute}")
    alone = len({id(each) for each in specs.values()}) <= 1
    # A file of several teachers describes each by its own docstring, and its CASES belong to none.
    doc = (inspect.getdoc(module) or spec.doc) if alone else spec.doc
    cases = _checked_cases(getattr(module, "CASES", ()), base) if alone else ()
    return spec.named(name or attribute, f"{base}:{attribute}", doc, cases)


_FOREIGN = frozenset(["prompts", "completions", "queries", "data_source", "solution_str", "responses", "reward_inputs"])
"""First parameters of the reward functions of trainers."""


def _not_one(base: str, names: list[str]) -> str:
    if not names:
        return f"{base} holds no teacher: decorate a function or class with @teacher, or name one ({base}:function)"
    return f"{base} holds several teachers ({', '.join(names)}); name one, e.g. {base}:{names[0]}"


def _as_spec(value: object, base: str) -> TeacherSpec:
    if isinstance(value, TeacherSpec):
        return value
    if inspect.isfunction(value):
        _check_signature(value, base)
        return teacher(version="0")(value)
    if inspect.isclass(value):
        made = cast(Callable[[], Teacher], value)  # without @teacher a class has no options to take
        return replace(teacher(version="0")(value), factory=lambda _options: made())
    raise UsageError(f"{base} is a {type(value).__name__}; a teacher is made by @teacher, or is a function f(sample)")


def _check_signature(function: Callable[..., object], base: str) -> None:
    """Refuse a trainer's reward function, which takes lists or strings where a teacher takes one sample."""
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = [p.name for p in parameters]
    needed = [p for p in parameters if p.default is p.empty]
    if len(needed) > 2 or not names or names[0] in _FOREIGN:
        raise UsageError(
            f"{base} takes ({', '.join(names)}): a teacher is f(sample) or f(sample, options), with a Sample. Wrap a "
            f"trainer's reward function: def mine(sample): return {function.__name__}(..., sample.completion, ...)"
        )


def _checked_cases(cases: object, base: str) -> tuple[Case, ...]:
    if not isinstance(cases, (list, tuple)) or not all(isinstance(case, Case) for case in cases):
        raise UsageError(f"CASES in {base} must be a list of accept(), reject(), adversarial(), unscorable() rows")
    return tuple(cases)
