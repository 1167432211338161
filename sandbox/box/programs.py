"""The kinds of process that a plan can ask for. Each ends the process."""

from __future__ import annotations

import os
import signal
from typing import Any, Callable, Dict, NoReturn  # noqa: UP035  (Python 3.9 runs this file too)

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
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(0 if all([folders.empty(path) for path in plan["folders"]]) else 1)


KINDS: Dict[str, Callable[[Dict[str, Any]], None]] = {  # noqa: UP006
    "python": _python,
    "exec": child.execute,
    "calls": python_calls.run,
    "program": duet_program.run,
    "grader": duet_grader.run,
    "sweep": _sweep,
}
