"""C: gcc, GNU C17, optimised."""

from __future__ import annotations

from sandbox.languages.language import JOB, CompileStep, File, Language, Plan, own_files, refuse
from sandbox.types import Limits, Program, Stdio, Work

FLAGS = ("-O2", "-std=gnu17", "-w")


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin."""
    if not isinstance(work, Stdio):
        raise refuse("C", work)
    source = File("main.c", program.source.encode(errors="surrogatepass"))
    step = CompileStep(("gcc", *FLAGS, "-s", "-o", "main", "main.c", "-lm"), keep=("main",))
    return Plan(
        "c",
        work,
        argv=(f"{JOB}/main", *work.args),
        files=(source, *own_files(program)),
        compile=step,
        tools=("gcc",),
    )


LANGUAGE = Language("c", plan, aliases=("c11", "c17", "c99", "gcc", "gnu c"))
