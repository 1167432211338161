"""Rust: one file, edition 2021, optimised."""

from __future__ import annotations

from sandbox.languages.language import JOB, CompileStep, File, Language, Plan, own_files, refuse
from sandbox.types import Limits, Program, Stdio, Work

FLAGS = tuple("--edition 2021 -O -C debuginfo=0 -C codegen-units=1 -C strip=symbols -A warnings".split())


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin."""
    if not isinstance(work, Stdio):
        raise refuse("Rust", work)
    source = File("main.rs", program.source.encode(errors="surrogatepass"))
    step = CompileStep(("rustc", *FLAGS, "-o", "main", "main.rs"), keep=("main",))
    return Plan(
        "rust",
        work,
        argv=(f"{JOB}/main", *work.args),
        files=(source, *own_files(program)),
        compile=step,
        tools=("rustc",),
    )


LANGUAGE = Language(
    "rust",
    plan,
    aliases=("rs",),
    memory_signs=(b"memory allocation of ",),
    missing="build an image that has it: `verify sandbox build --with rust`",
)
