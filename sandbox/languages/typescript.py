"""TypeScript: its types are removed, not checked, and Node runs what is left."""

from __future__ import annotations

from dataclasses import replace

from sandbox.languages.javascript import LANGUAGE as JAVASCRIPT
from sandbox.languages.javascript import plan_script, testable
from sandbox.languages.language import CompileStep, File, Language, Plan, harness
from sandbox.types import Limits, Program, Stdio, Work


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin, calls, and tests written in TypeScript."""
    made = plan_script(program, work, limits)
    source = program.source
    if not isinstance(work, Stdio):
        source = testable(source, work, "(module as any).vh_evaluate = ")
    files = (
        File("main.ts", source.encode(errors="surrogatepass")),
        File("transpile.js", harness("transpile.js").encode()),
    )
    step = CompileStep(("node", "transpile.js", "main.ts", "main.js"), keep=("main.js",), address_space=False)
    return replace(made, language="typescript", files=(*files, *made.files), compile=step)


LANGUAGE = Language(
    "typescript",
    plan,
    aliases=("ts", "tsx", "deno"),
    calls=True,
    snippets=True,
    memory_signs=JAVASCRIPT.memory_signs,
    missing="build today's image: `verify sandbox build`",
)
