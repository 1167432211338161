"""Python: run by the box's own warm interpreter, without starting one."""

from __future__ import annotations

import re

from sandbox.languages.language import File, Language, Plan, own_files, refuse
from sandbox.types import Limits, Program, Snippets, Work

_IMPORTS = re.compile(r"^[ \t]*+(?:import|from)[ \t]++(numpy)\b", re.M)
"""Modules that are dear to load, and may be kept loaded: ours, never a program's."""
_OWN_FILE = re.compile(r"__file__|\bargv\b|main\.py|\bspawn\b|\bforkserver\b")
"""What a program that reads, or starts, its own file says: for others there is none."""


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan any work."""
    if isinstance(work, Snippets):
        raise refuse("Python", work)
    source = program.source.encode(errors="surrogatepass")
    preload = tuple(sorted(set(_IMPORTS.findall(program.source))))
    files = own_files(program)
    if "main.py" not in program.files and _OWN_FILE.search(program.source):
        files = (File("main.py", source, "work"), *files)
    return Plan("python", work, source=source, preload=preload, files=files)


LANGUAGE = Language(
    "python",
    plan,
    aliases=("py", "python3", "py3", "python2", "pypy", "pypy3", "cpython", "ipython"),
    calls=True,
    memory_signs=(b"MemoryError",),
)
