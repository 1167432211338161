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
    KINDS[plan["kind"]](plan)
    raise AssertionError(f"a {plan['kind']} came back")


def _python(plan: child.Plan) -> None:
    python_program.run_main(python_program.read_all(SOURCE_FD), plan["args"])


def _exec(plan: child.Plan) -> None:
    try:
        child.execute(plan["argv"], plan["env"])
    except OSError as error:
        os.write(2, f"{plan['argv'][0]}: {error.strerror}\n".encode())
        os._exit(CANNOT_EXECUTE)


def _sweep(plan: child.Plan) -> None:
    """End every process of this user but this one, then empty its folders as their owner."""
    if plan["uid"]:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(0 if all([folders.empty(path) for path in plan["folders"]]) else 1)


CANNOT_EXECUTE = 126
KINDS: Dict[str, Callable[[Dict[str, Any]], None]] = {  # noqa: UP006
    "python": _python,
    "exec": _exec,
    "calls": python_calls.run,
    "program": duet_program.run,
    "grader": duet_grader.run,
    "sweep": _sweep,
}
