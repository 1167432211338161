"""Runs the suite."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

from sandbox.conformance.case import Case, Finding, program, says
from sandbox.conformance.cases import cases
from sandbox.errors import UnsupportedLanguage
from sandbox.run import backend_name, run
from sandbox.settings import UNSAFE_LOCAL, Settings

NO_WALLS = (UNSAFE_LOCAL,)


def check(settings: Settings) -> Iterator[Finding]:
    """Run every case, one after another, and yield what came of each.

    Raises:
        SandboxUnavailable: If the backend cannot run anything.
    """
    has_walls = backend_name(settings) not in NO_WALLS
    for case in cases():
        yield _finding(case, settings, has_walls)
    with tempfile.NamedTemporaryFile("w", prefix="grpo-sandbox-secret-", suffix=".txt") as secret:
        secret.write("secret")
        secret.flush()
        for case in _of_this_machine(secret.name):
            yield _finding(case, settings, has_walls)


def _finding(case: Case, settings: Settings, has_walls: bool) -> Finding:
    if case.walls and not has_walls:
        return Finding(case.name, skipped="this backend has no walls")
    try:
        return Finding(case.name, case.judge(run(case.job, settings)))
    except UnsupportedLanguage as error:
        return Finding(case.name, skipped=str(error))


def _of_this_machine(secret: str) -> Iterator[Case]:
    """Yield cases that name something of this machine's, which no program may see."""
    reading = f"try:\n    print(open({secret!r}).read())\nexcept OSError:\n    print('denied')"
    yield Case("no files of this machine", program(reading), says(b"denied"), walls=True)
    command = f"/proc/{os.getpid()}/cmdline"
    found = f"b'sandbox' in open({command!r}, 'rb').read()"
    looking = f"try:\n    print({found} or 'denied')\nexcept OSError:\n    print('denied')"
    yield Case("no processes of this machine", program(looking), says(b"denied"), walls=True)
