"""JavaScript: Node, as a CommonJS module, or as an ES module if it has `import` lines.

Tests of functions run in the program's process behind a harness (`harness/calls.js`) that makes the calls that it is
asked for and tells what they returned. It never learns what was expected.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sandbox.errors import UnsupportedWork
from sandbox.languages.language import (
    ENVIRONMENT,
    JOB,
    File,
    Language,
    Plan,
    harness,
    own_files,
    positional,
    refuse,
)
from sandbox.types import MIB, Calls, Duet, Limits, Program, Snippets, Stdio, Work

_IMPORT = re.compile(r"""^[ \t]*+import(?:[ \t]*+["'{*]|[ \t]++\w)""", re.M)
_EXPORT_WORD = re.compile(
    r"^export[ \t]++(?:default[ \t]++)?+(?=(?:async[ \t]++)?+(?:function|class)\b|const\b|let\b|var\b)", re.M
)
_EXPORT_LINE = re.compile(r"^export[ \t]*+(?:\{[^{}]*+\}|default[ \t]++\w++)[ \t]*+;?+[ \t]*+$", re.M)
_NAME = r"[A-Za-z_$][\w$]*+"
_ENTRY_POINT = re.compile(rf"{_NAME}(?:(?:\(\))?+\.{_NAME})*+")
_EVALUATE = "(vh_code) => eval(vh_code);\n"
"""Placed at the program's end, where it sees all that the program declares."""
MODULE_FOLDERS = "/usr/share/nodejs:/usr/lib/node_modules:/usr/local/lib/node_modules"


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin, calls, and tests written in JavaScript."""
    made = plan_script(program, work, limits)
    is_module = bool(_IMPORT.search(program.source))
    if isinstance(work, Stdio):
        is_module = is_module or bool(_EXPORT_WORD.search(program.source) or _EXPORT_LINE.search(program.source))
        source = program.source
    else:
        source = testable(program.source, work, "export const vh_evaluate = " if is_module else "module.vh_evaluate = ")
    name = "main.mjs" if is_module else "main.js"
    file = File(name, source.encode(errors="surrogatepass"))
    argv = tuple(word.replace(f"{JOB}/main.js", f"{JOB}/{name}") for word in made.argv)
    return replace(made, argv=argv, files=(file, *made.files))


def plan_script(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan how the script `main.js` of the job's folder is run; it is not among the files yet."""
    node = ("node", f"--max-old-space-size={max(16, limits.memory_bytes // MIB)}")
    files = own_files(program)
    runs: Stdio | Calls
    argv: tuple[str, ...]
    match work:
        case Stdio():
            runs, argv = work, (*node, f"{JOB}/main.js", *work.args)
        case Calls():
            if not _ENTRY_POINT.fullmatch(work.entry_point.strip()):
                raise UnsupportedWork(
                    f"The entry point {work.entry_point[:60]!r} names no function or method (`name`, `Type.name`)."
                )
            for arguments in work.arguments:
                positional("JavaScript", arguments)
            runs, argv = work, (*node, f"{JOB}/calls.js", f"{JOB}/main.js", "plain", work.entry_point.strip())
        case Snippets():
            requests = tuple(f"{snippet.code}\n;({snippet.result})".encode() for snippet in work.snippets)
            runs, argv = Calls("", requests), (*node, f"{JOB}/calls.js", f"{JOB}/main.js", "exact", "")
        case Duet():
            raise refuse("JavaScript", work)
    if not isinstance(work, Stdio):
        files = (File("calls.js", harness("calls.js").encode()), *files)
    return Plan(
        "javascript",
        runs,
        argv=argv,
        files=files,
        env={**ENVIRONMENT, "NODE_PATH": MODULE_FOLDERS},
        address_space=False,
        tools=("node",),
    )


def testable(source: str, work: Calls | Snippets | Duet, evaluate: str) -> str:
    """Return a program with what its tests need behind it."""
    source = _EXPORT_LINE.sub("", _EXPORT_WORD.sub("", source))
    preamble = work.preamble if isinstance(work, Snippets) else ""
    return f"{source}\n{preamble}\n;{evaluate}{_EVALUATE}"


LANGUAGE = Language(
    "javascript",
    plan,
    aliases=("js", "node", "nodejs", "node.js", "ecmascript", "es6", "jsx", "mjs", "cjs"),
    calls=True,
    snippets=True,
    memory_signs=(b"JavaScript heap out of memory",),
)
