"""Bash: a script."""

from __future__ import annotations

from sandbox.languages.language import JOB, File, Language, Plan, own_files, refuse
from sandbox.types import Limits, Program, Stdio, Work


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin."""
    if not isinstance(work, Stdio):
        raise refuse("Bash", work)
    source = File("main.sh", program.source.encode(errors="surrogatepass"))
    return Plan(
        "bash",
        work,
        argv=("bash", "--noprofile", "--norc", f"{JOB}/main.sh", *work.args),
        files=(source, *own_files(program)),
        tools=("bash",),
    )


LANGUAGE = Language("bash", plan, aliases=("sh", "shell", "zsh", "shellscript", "console"))
