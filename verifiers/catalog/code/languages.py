"""The languages' names: what references, data sets and code fences call them, and what the sandbox does."""

from __future__ import annotations

from typing import Final

_ALIASES: Final[dict[str, str]] = {
    "python": "py python3 py3 python2 pypy pypy3 cpython ipython sage",
    "c": "c99 c11 c17 gcc",
    "cpp": "c++ cxx cc c++11 c++14 c++17 c++20 c++23 cpp11 cpp14 cpp17 cpp20 g++ hpp",
    "javascript": "js node nodejs jsx mjs ecmascript",
    "typescript": "ts tsx",
    "java": "java8 java11 java17",
    "go": "golang",
    "rust": "rs",
    "bash": "sh shell zsh",
}
LANGUAGES: Final = tuple(_ALIASES)
_NAMES: Final = {
    **{name: name for name in _ALIASES},
    **{a: name for name, all_ in _ALIASES.items() for a in all_.split()},
}
_PROSE: Final = frozenset("text txt plain plaintext output console stdout markdown md json yaml xml html diff".split())


def language_named(name: str) -> str | None:
    """Return our name of a language, however it is written; `None` = it is none of ours."""
    return _NAMES.get(name.strip().lower())


def fence_language(tag: str) -> str:
    """Return the language that a code fence says: one of ours, `""` = it says none, `"?"` = something else."""
    words = tag.replace("{", " ").replace("}", " ").replace(",", " ").replace(":", " ").split()
    if not words:
        return ""
    first = words[0].lstrip(".")
    return _NAMES.get(first) or ("?" if first in _PROSE else "" if first in ("code", "solution") else "?")
