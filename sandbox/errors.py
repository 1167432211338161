"""What the sandbox raises.

SandboxError (RuntimeError)
├── SandboxUnavailable      no backend answers; the text says how to get one
│   └── NoEngine            no Docker engine answers, or there is nothing to ask it with
├── UnsupportedWork         tests of a kind that the program's language has no way for
└── UnsupportedLanguage     the program's language is none of ours, or its image lacks it
"""

from __future__ import annotations


class SandboxError(RuntimeError):
    """Root of all errors of this package."""


class SandboxUnavailable(SandboxError):
    """No backend can run programs here."""


class NoEngine(SandboxUnavailable):
    """No Docker engine answers, or the package that asks it is missing."""


class UnsupportedLanguage(SandboxError):
    """A language that is not known, or not installed where programs run."""


class UnsupportedWork(SandboxError):
    """Work that a language has no way for, such as calls of a Bash program's functions: the tests' fault."""
