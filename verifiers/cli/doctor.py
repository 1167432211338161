"""`verify doctor`: is this installation sound, and what would repair it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from verifiers import __version__
from verifiers.cli.commands import BUILT_IN, PLUGIN_GROUP, PluginError, plugin_commands
from verifiers.cli.doctor_probe import HANG
from verifiers.cli.sandbox import usable_backend
from verifiers.cli.table import print_findings
from verifiers.errors import VerifyError, WorkerError

if TYPE_CHECKING:
    from verifiers.workers.pool import WorkerPool

DISTRIBUTION = "grpo-teachers"
IMPORT_NAMES = ("verifiers", "sandbox", "reward_models", "grpo_bridge")
"""Top-level names that this distribution owns; another distribution that ships one of them would be mixed with it."""
ENGINE_TIMEOUT_S = 5.0
PROBE_START_S = 60.0
PROBE_DEADLINE_S = 0.2
NOT_FOR_USERS = ("dev",)
"""Extras whose absence nobody needs to hear of."""
Level = Literal["ok", "warn", "fix"]


class Finding(NamedTuple):
    """One line of the report: `fix` = broken, `warn` = something is absent that some jobs need."""

    level: Level
    check: str
    found: str
    advice: str = ""


def findings() -> Iterator[Finding]:
    """Yield every finding, cheap ones first."""
    yield from _versions()
    yield from _dependencies()
    yield from _name_clashes()
    yield from _plugins()
    yield from _sandboxes()
    yield from _workers()


def _versions() -> Iterator[Finding]:
    yield Finding("ok", "python", f"{platform.python_version()} at {sys.executable}")
    yield Finding("ok", "platform", f"{platform.platform()}, {os.cpu_count()} CPUs")
    yield Finding("ok", DISTRIBUTION, __version__)


def _requirements() -> Iterator[tuple[str, str]]:
    """Yield (extra, distribution) as the installed package declares them; the core's extra is ''."""
    for requirement in metadata.requires(DISTRIBUTION) or ():
        name = re.match(r"[\w.-]+", requirement)
        extra = re.search(r"""extra\s*==\s*['"]([\w.-]+)""", requirement)
        if name is not None and not (extra and extra[1] in NOT_FOR_USERS):
            yield (extra[1] if extra else "", name[0])


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _name_clashes() -> Iterator[Finding]:
    owners = metadata.packages_distributions()
    for name in IMPORT_NAMES:
        others = sorted({owner for owner in owners.get(name, ()) if owner != DISTRIBUTION})
        if others:
            yield Finding(
                "fix",
                f"import {name}",
                f"also installed by {', '.join(others)}: their files are mixed with ours",
                f"pip uninstall {' '.join(others)} && pip install --force-reinstall --no-deps {DISTRIBUTION}"
                " (keep the other package in an environment of its own)",
            )
        else:
            yield Finding("ok", f"import {name}", "no other package claims the name")


def _plugins() -> Iterator[Finding]:
    for entry in metadata.entry_points(group=PLUGIN_GROUP):
        if entry.name in BUILT_IN:
            yield Finding("warn", f"command {entry.name}", f"{entry.value} is ignored: the name is built in")
    for name, plugin in plugin_commands().items():
        try:
            plugin.load()
        except PluginError as error:
            yield Finding("fix", f"command {name}", str(error), "repair or uninstall that package")
        else:
            yield Finding("ok", f"command {name}", plugin.origin)


def _dependencies() -> Iterator[Finding]:
    seen = set()
    missing: dict[str, list[str]] = {}
    for extra, name in _requirements():
        version = _version(name)
        if name in seen or name == DISTRIBUTION:
            continue
        seen.add(name)
        if version is not None:
            yield Finding("ok", name, version)
        elif extra:
            missing.setdefault(extra, []).append(name)
        else:
            yield Finding("fix", name, "missing", f"pip install --force-reinstall {DISTRIBUTION}")
    for extra, names in missing.items():
        advice = f"pip install '{DISTRIBUTION}[{extra}]'"
        yield Finding("warn", f"extra {extra}", f"missing: {', '.join(names)}", advice)


def _sandboxes() -> Iterator[Finding]:
    docker = shutil.which("docker")
    if docker is None:
        yield Finding("warn", "docker", "no docker program: code cannot be scored in containers", "install Docker")
    else:
        yield _docker_engine(docker)
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        yield Finding("warn", "bwrap", "missing: the sandbox without Docker", "install the package bubblewrap")
    else:
        yield Finding("ok", "bwrap", bwrap)
    name, problem = usable_backend()
    if problem:
        yield Finding("warn", "sandbox", f"the teacher of code cannot judge here: {problem}", "see the lines above")
    else:
        yield Finding("ok", "sandbox", f"programs run in {name}; `verify sandbox check` tests it")


def _docker_engine(docker: str) -> Finding:
    """Ask the engine itself: the program alone runs nothing."""
    command = [docker, "version", "--format", "{{.Server.Version}}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ENGINE_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("warn", "docker", f"the engine does not answer: {error}", "start the Docker engine")
    if answer.returncode == 0:
        return Finding("ok", "docker", f"engine {answer.stdout.strip()}")
    problem = (answer.stderr.strip().splitlines() or ["no message"])[-1]
    return Finding("warn", "docker", f"the engine does not answer: {problem}", "start the Docker engine")


def _workers() -> Iterator[Finding]:
    from verifiers.workers.pool import WorkerPool

    with WorkerPool("verifiers.cli.doctor_probe:service") as pool:
        try:
            cold_s = _seconds(pool, b"hello", PROBE_START_S)
            kill_s = _seconds(pool, HANG, PROBE_DEADLINE_S) + _seconds(pool, b"hello", PROBE_START_S)
        except VerifyError as error:
            yield Finding("fix", "workers", str(error), "anything that is not judged at once will be `unavailable`")
            return
    yield Finding("ok", "workers", f"the first answers after {cold_s * 1000:.0f} ms")
    late_ms = (kill_s - PROBE_DEADLINE_S) * 1000
    yield Finding("ok", "deadline", f"a hanging worker is killed; the next answers {late_ms:.0f} ms after the deadline")


def _seconds(pool: WorkerPool, request: bytes, deadline_s: float) -> float:
    """Return the wall-clock seconds that a request takes.

    Raises:
        WorkerError: If it ends in another way than it must.
    """
    start_s = time.monotonic()
    reply = next(iter(pool.run([request], deadline_s)))
    if (reply.failure or "") != ("deadline" if request == HANG else ""):
        raise WorkerError(f"a worker process gave {reply.failure or 'an answer'} for {request!r}: {reply.detail}")
    return time.monotonic() - start_s


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON array.")
def doctor(as_json: bool) -> int:
    """Check this installation and say what to repair.

    ok = fine; warn = absent, and only some jobs need it; fix = broken. Exit code 1 if something must be fixed.
    """
    found = list(findings())
    if as_json:
        import json

        click.echo(json.dumps([finding._asdict() for finding in found], indent=2))
    else:
        print_findings(found)
        broken = sum(finding.level == "fix" for finding in found)
        click.echo(f"\n{broken} to fix." if broken else "\nNothing to fix.")
    return int(any(finding.level == "fix" for finding in found))
