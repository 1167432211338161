"""Go: one file of package main, with its caches in the job's folder."""

from __future__ import annotations

from dataclasses import replace

from sandbox.languages.language import (
    COMPILE_LIMITS,
    ENVIRONMENT,
    JOB,
    CompileStep,
    File,
    Language,
    Plan,
    own_files,
    refuse,
)
from sandbox.types import MIB, Limits, Program, Stdio, Work

BUILD = {
    "GOCACHE": f"{JOB}/.cache",
    "GOPATH": f"{JOB}/.go",
    "GO111MODULE": "off",
    "CGO_ENABLED": "0",
    "GOFLAGS": "-p=1",
}
BUILD_LIMITS = replace(COMPILE_LIMITS, cpu_s=60.0, file_bytes=512 * MIB)
"""Where the standard library does not come compiled, the first build does that too."""


def plan(program: Program, work: Work, limits: Limits) -> Plan:
    """Plan runs with stdin."""
    if not isinstance(work, Stdio):
        raise refuse("Go", work)
    source = File("main.go", program.source.encode(errors="surrogatepass"))
    step = CompileStep(
        ("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "main", "main.go"),
        keep=("main",),
        env=BUILD,
        limits=BUILD_LIMITS,
        address_space=False,
    )
    return Plan(
        "go",
        work,
        argv=(f"{JOB}/main", *work.args),
        files=(source, *own_files(program)),
        env={**ENVIRONMENT, "GOMEMLIMIT": str(limits.memory_bytes)},
        address_space=False,
        compile=step,
        tools=("go",),
    )


LANGUAGE = Language(
    "go",
    plan,
    aliases=("golang",),
    memory_signs=(b"runtime: out of memory", b"cannot allocate memory"),
    missing="build an image that has it: `verify sandbox build --with go`",
)
