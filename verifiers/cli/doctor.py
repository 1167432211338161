"""`verify doctor`: is this installation sound, and what would repair it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Literal, NamedTuple

import click

from verifiers import __version__
from verifiers.cli.commands import BUILT_IN, PLUGIN_GROUP, PluginError, plugin_commands
from verifiers.cli.table import COLOURS, paint, write
from verifiers.cli.text import escape

DISTRIBUTION = "grpo-teachers"
IMPORT_NAMES = ("verifiers", "sandbox", "reward_models", "grpo_bridge")
"""Top-level names that this distribution owns; another distribution that ships one of them would be mixed with it."""
ENGINE_TIMEOUT_S = 5.0
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
        if name is not None:
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
    for extra, name in _requirements():
        version = _version(name)
        if name in seen or name == DISTRIBUTION:
            continue
        seen.add(name)
        if version is not None:
            yield Finding("ok", name, version)
        elif extra:
            yield Finding("warn", name, f"missing (extra {extra})", f"pip install '{DISTRIBUTION}[{extra}]'")
        else:
            yield Finding("fix", name, "missing", f"pip install --force-reinstall {DISTRIBUTION}")


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
    yield from ()


def _print(found: Sequence[Finding]) -> None:
    names = max(len(finding.check) for finding in found)
    for finding in found:
        level = paint(finding.level.ljust(4), sys.stdout, fg=COLOURS[finding.level])
        write(f"{level}  {escape(finding.check.ljust(names))}  {escape(finding.found)}")
        if finding.advice:
            write(f"{'':6}{'':{names}}  -> {escape(finding.advice)}")


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
        _print(found)
        broken = sum(finding.level == "fix" for finding in found)
        click.echo(f"\n{broken} to fix." if broken else "\nNothing to fix.")
    return int(any(finding.level == "fix" for finding in found))
