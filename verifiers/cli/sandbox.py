"""`verify sandbox`: build, list, check and try what programs are run in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verifiers.errors import VerifyError

if TYPE_CHECKING:
    from sandbox.settings import Settings
    from sandbox.types import JobReport

_SUFFIXES = {
    "py": "python", "c": "c", "cpp": "cpp", "cc": "cpp", "js": "javascript", "ts": "typescript",
    "java": "java", "go": "go", "rs": "rust", "sh": "bash",
}  # fmt: skip


class SandboxFailed(VerifyError):
    """The sandbox cannot do what was asked."""


@contextmanager
def _our_errors() -> Iterator[None]:
    """Show what the sandbox raises as a message, not as a fault of the program."""
    from sandbox.errors import SandboxError

    try:
        yield
    except (SandboxError, ValueError, OSError) as error:
        raise SandboxFailed(str(error)) from error


@click.group("sandbox")
def sandbox() -> None:
    """Build, list, check and try what programs are run in.

    \b
      verify sandbox build                  an image for Docker (needs a registry)
      verify sandbox build --from-debian    without a registry; also a root folder for bubblewrap
      verify sandbox check                  does it hold?
      echo 21 | verify sandbox run double.py
    """  # noqa: D301 (click's own mark for "keep these lines" is a real backspace)


def _where(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where programs run."""
    options = [
        click.option("--mode", type=click.Choice(["uid", "strict"]), default="uid", help="How programs are parted."),
        click.option("--slots", type=int, default=0, help="Programs at the same time; 0 = one for each CPU."),
        click.option("--runtime", default="", help="Docker's runtime, such as runsc."),
        click.option("--image", default="", help="An image of your own for docker."),
        click.option("--rootfs", default="", help="A root folder of your own for bwrap."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _settings(backend: str, **chosen: Any) -> Settings:
    from sandbox.settings import Settings

    return Settings(backend=backend, **chosen)


@sandbox.command("build")
@click.option("--from-debian", is_flag=True, help="From this machine's Debian packages; needs no registry of images.")
@click.option("--with", "extras", default="", help="Further languages, separated by commas: java, go, rust.")
@click.option("--for", "target", type=click.Choice(["docker", "bwrap"]), help="Only for this backend.")
@click.option("--base", default="", help="Another image than python:3.12-slim for the Dockerfile to start from.")
def build_command(from_debian: bool, extras: str, target: str | None, base: str) -> None:
    """Build what programs run in: Python with numpy, C, C++, JavaScript, TypeScript, Bash."""
    with _our_errors():
        from sandbox.building import build

        wanted = [name.strip() for name in extras.split(",") if name.strip()]
        build(wanted, [target] if target else [], from_debian, base, click.echo)


@sandbox.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def list_command(as_json: bool) -> None:
    """List what was built, with digests."""
    with _our_errors():
        from sandbox.building import built

        found = list(built())
    if as_json:
        click.echo(json.dumps([entry._asdict() for entry in found], indent=2))
        return
    for entry in found:
        age = "" if entry.is_current else "  (of an older recipe: verify sandbox prune)"
        click.echo(f"{entry.backend:8}{entry.name}  {entry.digest}{age}")
    if not found:
        click.echo("Nothing was built yet: verify sandbox build")


@sandbox.command("prune")
@click.option("--all", "everything", is_flag=True, help="Also what today's recipe made.")
def prune_command(everything: bool) -> None:
    """Remove what dead processes left, and what older versions built."""
    with _our_errors():
        from sandbox.building import prune

        prune(everything, click.echo)


@sandbox.command("check")
@click.argument("backend", default="auto")
@_where
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def check_command(backend: str, as_json: bool, **chosen: Any) -> int:
    """Run the suite that every backend must pass; BACKEND is auto, docker, bwrap, unsafe_local or module:function.

    Exit code 1 if something is wrong.
    """
    with _our_errors():
        from sandbox.conformance.suite import check
        from sandbox.run import backend_name, close_all

        settings = _settings(backend, **chosen)
        if not as_json:
            click.echo(f"backend {backend_name(settings)}")
        found = []
        for finding in check(settings):
            found.append(finding)
            if not as_json:
                mark = "skip" if finding.skipped else "FAIL" if finding.problem else "ok"
                click.echo(f"{mark:6}{finding.name}{_colon(finding.problem or finding.skipped)}")
        close_all()
    wrong = sum(bool(finding.problem) for finding in found)
    if as_json:
        rows = [{"name": one.name, "problem": one.problem, "skipped": one.skipped} for one in found]
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo(f"\n{len(found) - wrong} of {len(found)} right." if wrong else f"\nAll {len(found)} right.")
    return int(wrong > 0)


@sandbox.command("run")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--backend", default="auto", help="auto, docker, bwrap, unsafe_local or module:function.")
@click.option("--language", default="", help="Its language; else told by its name.")
@click.option("--cpu", "cpu_s", type=float, default=6.0, help="CPU seconds that it may use.")
@_where
def run_command(file: Path, backend: str, language: str, cpu_s: float, **chosen: Any) -> int:
    """Run a program; stdin is passed on. What it wrote comes out, and how it ended is said on stderr."""
    from sandbox.types import Job, Limits, Program, Stdio

    name = language or _SUFFIXES.get(file.suffix.lstrip("."), "")
    if not name:
        raise click.UsageError(f"The language of {file.name!r} cannot be told by its name: give --language.")
    stdin = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    with _our_errors():
        from sandbox.run import close_all, run

        source = file.read_text(encoding="utf-8", errors="surrogateescape")
        report = run(Job(Program(name, source), Stdio((stdin,)), Limits(cpu_s=cpu_s)), _settings(backend, **chosen))
        close_all()
    return _show(report)


def usable_backend() -> tuple[str, str]:
    """Return the name of the sandbox that is used where none is named, or why there is none."""
    from sandbox.errors import SandboxError
    from sandbox.run import backend_name, close_all

    try:
        return backend_name(), ""
    except SandboxError as error:
        return "", str(error)
    finally:
        close_all()


def _show(report: JobReport) -> int:
    run = report.failure or report.runs[0]
    sys.stdout.buffer.write(run.stdout)
    sys.stdout.flush()
    sys.stderr.buffer.write(run.stderr)
    used = f"{run.cpu_s * 1000:.1f} ms CPU, {run.memory_bytes / 2**20:.0f} MiB"
    click.echo(f"{run.outcome.value}{_colon(run.detail)} ({used})", err=True)
    return int(run.outcome.value != "ok")


def _colon(text: str) -> str:
    return f": {text}" if text else ""
