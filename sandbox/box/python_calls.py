"""Make calls of a Python program's function, in the program's own process: all it says is the program's claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import python_program, records, values

CALL_FD, SOURCE_FD = 3, 4
MODULE_NAME = "solution"
MAX_ERROR_CHARS = 2_000


def load(source: bytes) -> dict[str, Any]:
    """Run the program as a module; return its names. Ends this process if it fails."""
    module = python_program.prepare(MODULE_NAME, source, [])
    loaded: list[bool] = []

    def work() -> None:
        exec(compile(source, python_program.FILE_NAME, "exec", dont_inherit=True), module.__dict__)
        loaded.append(True)

    status = python_program.guarded(work)
    if not loaded:  # it raised, or asked to leave
        python_program.end(status)
    return module.__dict__


def find(names: dict[str, Any], path: str) -> Callable[..., Any]:
    """Return what a dotted name stands for; a class before the last dot is instantiated without arguments.

    Raises:
        NameError, AttributeError: If there is none.
    """
    first, *rest = path.split(".")
    if first not in names:
        raise NameError(f"name '{first}' is not defined")
    found = names[first]
    for name in rest:
        found = getattr(found() if isinstance(found, type) else found, name)
    return found  # type: ignore[no-any-return]


def run(plan: dict[str, Any]) -> None:
    """Load the program, say ready, then answer calls until the socket ends."""
    names = load(python_program.read_all(SOURCE_FD))
    records.send(CALL_FD, b"r")
    reader = records.Reader(CALL_FD)
    while True:
        request = reader.receive()
        if request is None:
            python_program.end(0)
        tag, text = _answer(names, plan["entry_point"], request)
        records.send(CALL_FD, tag + text)


def _answer(names: dict[str, Any], entry_point: str, request: bytes) -> tuple[bytes, bytes]:
    try:
        arguments, keywords = values.loads(request)
        return b"v", values.dumps(find(names, entry_point)(*arguments, **keywords))
    except MemoryError:
        raise
    except BaseException as error:  # whatever a program raises, SystemExit included, is this call's result
        return b"e", describe(error).encode("utf-8", "replace")


def describe(error: BaseException) -> str:
    """Return "TypeName: message" of an exception that may lie or fail when asked."""
    name = values.type_name(type(error))
    try:
        text = str(error)
    except BaseException as second:
        text = f"(its text cannot be had: {values.type_name(type(second))})"
    return f"{name}: {text[:MAX_ERROR_CHARS]}"
