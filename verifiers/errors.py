"""Every error that this package raises on purpose.

A bad row is data, not a crash: it becomes a verdict with `reward=None`. An exception means that the *caller* must
act: the command line shows its text without a traceback, so each text says what was given, what is allowed, what to do.

    VerifyError
      UsageError (ValueError)        a wrong name, option or argument
        TeacherNotFound (LookupError)
        OptionError
      InputError (OSError)           a file that cannot be read or written at all
      MissingExtra (ImportError)     an optional package is needed; names the pip command
      WorkerError (RuntimeError)     worker processes cannot be started
      ContractError (AssertionError) a teacher breaks the contract
      TooManyNotJudged (RuntimeError)
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


class VerifyError(Exception):
    """Root of the package's errors."""


class UsageError(VerifyError, ValueError):
    """Something the caller passed is not allowed."""


class TeacherNotFound(UsageError, LookupError):
    """No teacher has this name, path or dotted path."""


class OptionError(UsageError):
    """A teacher has no such option, or the value does not fit."""


class InputError(VerifyError, OSError):
    """A file cannot be read or written."""


class MissingExtra(VerifyError, ImportError):
    """An optional package is needed and absent."""


class WorkerError(VerifyError, RuntimeError):
    """Worker processes cannot be started."""


class ContractError(VerifyError, AssertionError):
    """A teacher breaks the contract that every teacher must hold."""


class TooManyNotJudged(VerifyError, RuntimeError):
    """More samples than allowed could not be judged."""


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: Its import name, e.g. `"pyarrow.parquet"`.
        extra: The extra of `grpo-teachers` that installs it.
        purpose: What needs it, as the start of a sentence ("Reading parquet").

    Raises:
        MissingExtra: If it is not installed; the text names the pip command.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtra(
            f"{purpose} needs the package {package!r} ({error}). Install it with: pip install 'grpo-teachers[{extra}]'"
        ) from error
