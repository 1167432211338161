#!/usr/bin/env python3
"""Everything that a developer of this project runs. Needs Python 3.11 or newer and pip, nothing else.

    python3 dev.py demo                  score examples/math.jsonl with the real command line
    python3 dev.py test [PYTEST ARGS]    what CI runs: ruff, mypy, import rules, every test this machine can run
    python3 dev.py test --fast [ARGS]    the inner loop: ruff and the quick tests only
    python3 dev.py trainers [NAME ...]   the tests that drive real trainers, each in its own environment (see there)
    python3 dev.py lint [--fix]          ruff, mypy and import rules; --fix mends and formats what ruff can
    python3 dev.py bench [NAME] [ARGS]   a benchmark of benchmarks/: math (side by side with peers), cli, hostile
    python3 dev.py docs [--check]        write (or check) the generated pages under docs/
    python3 dev.py clean                 remove what this script and the tools made

It keeps its own environment in .venv and installs there only when pyproject.toml changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "dev-stamp.json"
DATA = ROOT.parent / "shared" / "data"
DEMO_OUTPUT = ROOT / "build" / "demo.jsonl"
MIN_PYTHON = (3, 11)
TEST_PROCESSES = 2

LINTERS: tuple[tuple[str, list[str]], ...] = (
    ("ruff check", ["ruff", "check", "--output-format=concise", "."]),
    ("ruff format --check", ["ruff", "format", "--check", "."]),
    ("mypy --strict", ["mypy"]),
    # Its cache forgets that a module that was added makes an old import an import of ours.
    ("import rules", ["lint-imports", "--no-cache"]),
)
FAST_LINTERS = LINTERS[:2]

NEVER_HERE = ("gpu", "net", "trainers")
"""Tests for machines that have these; run them with `python3 dev.py test -m gpu`, and so on."""
NOT_FAST = ("slow", "ray", "docker", "bwrap")
DEBIAN_PROGRAMS = {
    "dockerd": "docker.io",
    "bwrap": "bubblewrap",
    "mmdebstrap": "mmdebstrap",
    "cgroupfs-mount": "cgroupfs-mount",
}
"""What CI needs for the sandbox's tests: programs, and the packages that have them."""
ENGINE_START_S = 60.0
ENGINE_OPTIONS = ("--bridge=none", "--iptables=false", "--ip6tables=false")
"""Of CI's own engine: boxes have no network."""

CACHES = (
    ".bench",
    ".hypothesis",
    ".import_linter_cache",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".trainers",
    "build",
    "dist",
)


class DevError(Exception):
    """Something that the developer must act on; the text says what."""


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    commands: dict[str, Callable[[list[str]], int]] = {
        "demo": demo,
        "test": test,
        "trainers": trainers,
        "lint": lint,
        "bench": bench,
        "docs": docs,
        "clean": clean,
    }
    if not argv or argv[0] in {"-h", "--help", "help"}:
        print(__doc__)
        return 0
    if argv[0] not in commands:
        print(f"dev.py: no command {argv[0]!r}; there are: {', '.join(commands)}", file=sys.stderr)
        return 2
    try:
        return commands[argv[0]](list(argv[1:]))
    except DevError as error:
        print(f"dev.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndev.py: interrupted", file=sys.stderr)
        return 130


def demo(args: list[str]) -> int:
    """Score the example file as a user would, and print its rows."""
    ensure(extra="")
    DEMO_OUTPUT.parent.mkdir(exist_ok=True)
    scored = str(DEMO_OUTPUT.relative_to(ROOT))
    # A file left by an earlier demo would otherwise be refused.
    DEMO_OUTPUT.unlink(missing_ok=True)
    code = shown(["verify", "score", "--task", "math", "examples/math.jsonl", "-o", scored, *args])
    return code or shown(["python", "examples/show.py", scored])


def test(args: list[str]) -> int:
    """Run the linters and the tests; the last line is pytest's."""
    fast = "--fast" in args
    args = [arg for arg in args if arg != "--fast"]
    ensure(extra="dev")
    failed = run_linters(FAST_LINTERS if fast else LINTERS)
    if failed:
        print(f"-- FAILED before the tests: {', '.join(failed)} (see above)")
    parallel = [] if any(arg.startswith(("-n", "--pdb")) for arg in args) else ["-n", str(TEST_PROCESSES)]
    with contextlib.nullcontext() if fast else sandboxes_in_ci():
        left_out = left_out_markers(fast)
        print(f"-- not run here: {not_run(left_out)}", flush=True)
        chosen = any(arg == "-m" or arg.startswith("-m=") for arg in args)
        select = [] if chosen else ["-m", " and ".join(f"not {marker}" for marker in left_out)]
        code = in_venv(["python", "-m", "pytest", "-q", "-rfEs", *parallel, *select, *args])
    if in_ci() and not fast and not args:
        code = trainers([]) or code
    return code or (1 if failed else 0)


def trainers(args: list[str]) -> int:
    """Run the tests that drive real trainers, each in its own environment; CI's `test` does so too."""
    return subprocess.run([sys.executable, "dev_trainers.py", *args], cwd=ROOT, check=False).returncode


def lint(args: list[str]) -> int:
    """Run the linters only."""
    ensure(extra="dev")
    if "--fix" in args:
        in_venv(["ruff", "check", "--fix", "--quiet", "."])
        in_venv(["ruff", "format", "."])
    failed = run_linters(LINTERS)
    return 1 if failed else 0


def bench(args: list[str]) -> int:
    """Run one benchmark, `math` unless named."""
    names = [path.stem.removeprefix("bench_") for path in sorted((ROOT / "benchmarks").glob("bench_*.py"))]
    name = args.pop(0) if args and not args[0].startswith("-") else "math"
    if name not in names:
        raise DevError(f"no benchmark {name!r}; there are: {', '.join(names)}")
    ensure(extra="")
    return in_venv(["python", f"benchmarks/bench_{name}.py", *args])


def docs(args: list[str]) -> int:
    """Write the generated pages, or check that they are current."""
    ensure(extra="")
    return in_venv(["python", "docs/generate.py", *args])


def clean(args: list[str]) -> int:
    """Remove the environment, caches and build outputs."""
    doomed = [ROOT / name for name in (".venv", *CACHES)] + list(ROOT.glob("*.egg-info"))
    doomed = [path for path in doomed if path.exists()]
    for path in doomed:
        shutil.rmtree(path)
    for path in ROOT.rglob("__pycache__"):
        shutil.rmtree(path)
    print(f"-- removed {', '.join(path.name for path in doomed) or 'nothing'}")
    return 0


def run_linters(linters: Sequence[tuple[str, list[str]]]) -> list[str]:
    """Run each linter, print its output only if it fails, and return the names of those that failed."""
    failed = []
    for name, command in linters:
        started = time.monotonic()
        done = subprocess.run(venv_command(command), cwd=ROOT, capture_output=True, text=True, check=False)
        verdict = "ok" if done.returncode == 0 else "FAILED"
        print(f"-- {name}: {verdict} ({time.monotonic() - started:.1f} s)", flush=True)
        if done.returncode != 0:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    return failed


def in_ci() -> bool:
    """Whether this is CI's machine, where every sandbox has to be there and nothing may be left out."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def left_out_markers(fast: bool) -> list[str]:
    """Return the markers of tests that this machine cannot run, or that were not asked for."""
    if fast:
        return [*NEVER_HERE, *NOT_FAST]
    if in_ci():
        return [*NEVER_HERE]
    docker = [] if engine_answers() and has_image() else ["docker"]
    return [*NEVER_HERE, *docker, *([] if shutil.which("bwrap") else ["bwrap"])]


def not_run(markers: Sequence[str]) -> str:
    """Say which tests this run leaves out, and why."""
    reasons = {
        "gpu": "gpu (a device)",
        "net": "net (the network)",
        "docker": "docker (a Docker engine that answers, and `verify sandbox build`)",
        "bwrap": "bwrap (bubblewrap)",
        "trainers": "trainers (environments of their own: `python3 dev.py trainers`; CI runs that next)",
    }
    left_out = [f"tests that need {', '.join(reasons[marker] for marker in markers if marker in reasons)}"]
    if "slow" in markers:
        left_out.append("slow and ray tests, mypy and import rules (--fast)")
    if not DATA.is_dir():
        left_out.append("tests on ../shared/data (no such folder beside this checkout; counted as skipped)")
    return "; ".join(left_out)


def engine_answers() -> bool:
    """Whether a Docker engine answers."""
    return shutil.which("docker") is not None and succeeds(["docker", "version"])


def has_image() -> bool:
    """Whether the engine has an image of the sandbox."""
    listed = subprocess.run(
        ["docker", "images", "--quiet", "grpo-teachers-sandbox"], capture_output=True, text=True, check=False
    )
    return bool(listed.stdout.strip())


def succeeds(command: list[str]) -> bool:
    """Whether a command ends well; its output is of no interest."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def sandboxes_in_ci() -> Iterator[None]:
    """In CI: install what the sandbox's tests need, start an engine, build the image; elsewhere do nothing.

    What fails here is printed, and the tests that need it then fail too: none is left out.
    """
    engine = None
    try:
        if in_ci():
            install_debian_programs()
            engine = None if engine_answers() else start_engine()
            print("-- building the sandbox's image", flush=True)
            quietly(venv_command(["verify", "sandbox", "build", "--from-debian", "--with", "java,go,rust"]))
    except DevError as error:
        print(f"-- FAILED: the sandbox's tests have no sandbox: {error}", flush=True)
    try:
        yield
    finally:
        if engine is not None:
            engine.terminate()
            engine.wait()


def install_debian_programs() -> None:
    """Install the missing ones of `DEBIAN_PROGRAMS`; needs root, and sources of apt.

    Raises:
        DevError: If that fails.
    """
    missing = [package for program, package in DEBIAN_PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        print(f"-- installing {', '.join(missing)}", flush=True)
        quietly(["apt-get", "update", "-q"])
        quietly(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing])


def start_engine() -> subprocess.Popen[bytes]:
    """Start a Docker engine of our own, and wait until it answers.

    Raises:
        DevError: If it does not.
    """
    if not any(Path("/sys/fs/cgroup", name).exists() for name in ("cgroup.controllers", "memory")):
        quietly(["cgroupfs-mount"])
    folder = ROOT / "build" / "engine"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "log", "wb") as log:
        engine = subprocess.Popen(
            ["dockerd", "--pidfile", str(folder / "pid"), *ENGINE_OPTIONS], stdout=log, stderr=log
        )
    deadline_s = time.monotonic() + ENGINE_START_S
    while not engine_answers():
        if engine.poll() is not None or time.monotonic() > deadline_s:
            engine.kill()
            tail = "\n".join((folder / "log").read_text(errors="replace").splitlines()[-15:])
            raise DevError(f"dockerd does not answer:\n{tail}")
        time.sleep(0.2)
    return engine


def ensure(extra: str) -> None:
    """Make .venv and install the project into it, editable, unless that was done for this pyproject.toml.

    Args:
        extra: `"dev"` for everything that the tests need, `""` for the core alone.

    Raises:
        DevError: If Python is too old, or the environment cannot be made.
    """
    if sys.version_info < MIN_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise DevError(f"this is Python {found}; 3.11 or newer is needed. Try: python3.11 dev.py ...")
    wanted = {"pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(), "root": str(ROOT)}
    usable = works(PYTHON)
    if usable and STAMP.is_file():
        stamp = json.loads(STAMP.read_text())
        if {key: stamp.get(key) for key in wanted} == wanted and extra in stamp.get("extras", []):
            return
    started = time.monotonic()
    what = "the project and what its tests need, about a minute" if extra else "the project"
    print(f"-- installing into .venv: {what}", flush=True)
    if not usable:
        make_venv()
    target = f".[{extra}]" if extra else "."
    quietly([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "-e", target])
    STAMP.write_text(json.dumps({**wanted, "extras": ["", extra]}))
    print(f"-- installed ({time.monotonic() - started:.1f} s)", flush=True)


def make_venv() -> None:
    """Make .venv with pip in it, also where the system's Python has no ensurepip (Debian without python3-venv)."""
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], cwd=ROOT, capture_output=True, check=False)
    if made.returncode == 0:
        return
    quietly([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)])
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        raise DevError(f"{sys.executable} has neither ensurepip nor pip. On Debian or Ubuntu: apt install python3-venv")
    # `--python` lets the system's pip install into the environment, also where PEP 668 guards the system itself.
    quietly([sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--disable-pip-version-check", "pip"])


def works(python: Path) -> bool:
    """Whether this interpreter starts, is new enough, and has pip (an upgrade of the system's Python breaks a venv)."""
    if not python.exists():
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {MIN_PYTHON})"
    return subprocess.run([str(python), "-c", probe], capture_output=True, check=False).returncode == 0


def quietly(command: list[str]) -> None:
    """Run a command; show its output only if it fails.

    Raises:
        DevError: If it fails, or there is no such program.
    """
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
    except FileNotFoundError as error:
        raise DevError(f"there is no program {command[0]!r}") from error
    if done.returncode != 0:
        raise DevError(f"this command failed with exit code {done.returncode}: {' '.join(command)}\n{done.stdout}")


def in_venv(command: list[str]) -> int:
    """Run a command of the environment with the terminal attached; return its exit code."""
    return subprocess.run(venv_command(command), cwd=ROOT, check=False).returncode


def shown(command: list[str]) -> int:
    """Print a command as one would type it, and run it."""
    print(f"\n$ {' '.join(command)}", flush=True)
    return in_venv(command)


def venv_command(command: list[str]) -> list[str]:
    """Name the program by its path inside .venv."""
    program = VENV / "bin" / command[0]
    if not program.exists():
        raise DevError(f"{command[0]!r} is not in .venv; remove .venv/{STAMP.name} and run this again")
    return [str(program), *command[1:]]


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main(sys.argv[1:]))
