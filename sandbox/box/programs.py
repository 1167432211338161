"""The kinds of process that a plan can ask for. Each ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from typing import Any, NoReturn

from . import child, duet_grader, duet_program, folders, python_calls, python_program

SOURCE_FD = 3
"""Of "python" plans; calls and duets have their socket there and the source above it."""


def run(plan: child.Plan) -> NoReturn:
    """Run what `plan["kind"]` names, in this process, which is set up already."""
    if plan["kind"] != "exec":
        del plan["token"]
    KINDS[plan["kind"]](plan)
    raise AssertionError(f"a {plan['kind']} came back")


def _python(plan: child.Plan) -> None:
    python_program.run_main(python_program.read_all(SOURCE_FD), plan["args"])


def _sweep(plan: child.Plan) -> None:
    """End every process of this user but this one, then empty its folders as their owner."""
    if plan["uid"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
    failed = [path for path in plan["folders"] if not folders.empty(path)]
    os._exit(len(failed))


KINDS: dict[str, Callable[[dict[str, Any]], None]] = {
    "python": _python,
    "exec": child.execute,
    "calls": python_calls.run,
    "program": duet_program.run,
    "grader": duet_grader.run,
    "sweep": _sweep,
}
