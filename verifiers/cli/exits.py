"""Exit codes, and the error that an interrupted run ends with."""

from __future__ import annotations

from verifiers.errors import VerifyError

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_NOT_JUDGED = 3
"""More completions could not be judged than `--max-errors`."""
EXIT_GATE = 100
"""The gate `--fail-under` was missed."""
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
"""Whoever read our output went away."""


class Interrupted(VerifyError):
    """The user pressed Ctrl-C; the text says how to go on."""
