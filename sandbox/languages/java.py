"""Java: one source file; the class with `main` is found, and its public class names the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sandbox.languages.language import COMPILE_LIMITS, JOB, CompileStep, File, Language, Plan, own_files, refuse
from sandbox.types import MIB, Limits, Program, Stdio, Work

_QUIET = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")
_COMPILER = (
    *("javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-Xmx512m"),
    *("-nowarn", "-proc:none", "-encoding", "UTF-8"),
)
_NOISE = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:""")?+|"(?:[^"\\\n]|\\.)*+"?+|\'(?:[^\'\\\n]|\\.)*+\'?+'
    r"|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?+",
    re.S,
)
"""Strings, characters and comments: what may hold words that are no code."""
_PACKAGE = re.compile(r"^[ \t]*+package[ \t]++[\w.]++[ \t]*+;", re.M)
_TYPE = re.compile(
    r"\b(public[ \t]++)?(?:(?:final|abstract|strictfp|static|sealed)\s{1,9}+){0,4}+"
    r"(?:class|record|enum|interface)\s++(\w++)"
)
_MAIN = re.compile(r"\bstatic\s++(?:final\s++)?+(?:public\s++)?+void\s++main\s*+\(")
DEFAULT_CLASS = "Main"
HEAP_SHARE = 0.75
"""Of the memory limit, for objects; the rest is the virtual machine's own."""


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin."""
    if not isinstance(work, Stdio):
        raise refuse("Java", work)
    text, file_class, main_class = read_classes(program.source)
    name = f"{file_class}.java"
    step = CompileStep(
        (*_COMPILER, "-d", ".", name),
        keep=("*.class",),
        limits=replace(COMPILE_LIMITS, processes=64),
        address_space=False,
    )
    heap = f"-Xmx{max(16, int(limits.memory_bytes * HEAP_SHARE) // MIB)}m"
    stack = f"-Xss{max(1, limits.stack_bytes // MIB)}m"
    return Plan(
        "java",
        work,
        argv=("java", *_QUIET, heap, stack, "-cp", JOB, main_class, *work.args),
        files=(File(name, text.encode(errors="surrogatepass")), *own_files(program)),
        address_space=False,
        compile=step,
        tools=("javac", "java"),
    )


def read_classes(source: str) -> tuple[str, str, str]:
    """Find what a source file is to be called.

    Returns:
        The text without its package line (all classes lie in one folder), the class that names the file, and the
        class that has `main`.
    """
    code = _NOISE.sub(lambda found: " " * len(found[0]), source)
    package = _PACKAGE.search(code)
    if package:
        source = source[: package.start()] + source[package.end() :]
        code = code[: package.start()] + code[package.end() :]
    types = list(_outer_types(code))
    public = next((name for _, is_public, name in types if is_public), None)
    main = _MAIN.search(code)
    before = [name for start, _, name in types if main and start < main.start()]
    first = types[0][2] if types else DEFAULT_CLASS
    return source, public or first, before[-1] if before else public or first


def _outer_types(code: str) -> Iterator[tuple[int, bool, str]]:
    """Yield where each type that lies in no other one begins, whether it is public, and its name."""
    depth = at = 0
    for found in _TYPE.finditer(code):
        depth += code.count("{", at, found.start()) - code.count("}", at, found.start())
        at = found.start()
        if depth <= 0:
            yield at, bool(found[1]), found[2]


LANGUAGE = Language(
    "java",
    plan,
    aliases=("java8", "java11", "java17", "jdk"),
    memory_signs=(b"java.lang.OutOfMemoryError",),
    missing="build an image that has it: `verify sandbox build --with java`",
)
