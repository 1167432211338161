"""The imports that the harnesses of LiveCodeBench, APPS and others put before every program."""

from __future__ import annotations

import re
import sys

from verifiers.catalog.code.names import COMMON

_WORD = re.compile(r"(?<![\w.])([A-Za-z_]\w*+)(\.)?")
_FUTURE = re.compile(r"^[ \t]*+from[ \t]+__future__\b", re.MULTILINE)
_MODULES = frozenset(
    "bisect collections copy datetime decimal fractions functools heapq itertools json math operator os queue random "
    "re statistics string sys time".split()
)


def with_common_imports(source: str) -> str:
    """Return a Python program with the usual imports of the names that it uses, on the line of its first one.

    Programs that import something from `__future__`, which must come first, stay as they are.
    """
    if _FUTURE.search(source):
        return source
    used = {(word[1], bool(word[2])) for word in _WORD.finditer(source)}
    lines = {f"from {COMMON[name]} import {name}" for name, _ in used if name in COMMON}
    lines |= {
        f"import {name}" for name, dotted in used if dotted and name in _MODULES and name in sys.stdlib_module_names
    }
    return "; ".join(sorted(lines)) + "\n" + source if lines else source
