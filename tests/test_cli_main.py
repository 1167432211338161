"""The group of commands: help, spellings, errors and plug-ins, as the shell sees them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from verifiers import __version__
from verifiers.cli import main as cli_main
from verifiers.cli.commands import BUILT_IN, UPPER_HELP, load_command
from verifiers.errors import TeacherNotFound, TooManyNotJudged, VerifyError

BROKEN_AND_GOOD = """
import click

@click.command()
@click.option("--big-number", type=int, default=1)
def good(big_number):
    "Say the number."
    click.echo(f"good {big_number}")

not_a_command = 7
"""


def verify(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "verifiers", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
    )


@pytest.fixture(scope="module")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installed package with one good command, one that cannot be imported, one that is no command."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "acme_plugin.py").write_text(BROKEN_AND_GOOD)
    info = folder / "acme-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text(
        "[verify.commands]\n"
        "good = acme_plugin:good\nbroken = acme_missing_module:cmd\nodd = acme_plugin:not_a_command\n"
        "score = acme_plugin:good\n"
    )
    return folder


@pytest.mark.parametrize("name", [*BUILT_IN, *UPPER_HELP])
def test_help_line_when_listed_then_it_is_the_commands_own(name: str) -> None:
    command = load_command(name)
    assert command is not None
    assert command.get_short_help_str(limit=200) == (BUILT_IN[name].help if name in BUILT_IN else UPPER_HELP[name])
    assert command.name == name


def test_help_when_asked_then_it_imports_no_command() -> None:
    code = (
        "import sys; from verifiers.cli.main import run; run(['--help']);"
        "heavy = {'rich', 'msgspec', 'yaml', 'sympy', 'multiprocessing', 'asyncio', 'verifiers.registry'};"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert outcome.returncode == 0, outcome.stderr
    assert all(name in outcome.stdout for name in BUILT_IN)


def test_version_when_asked_then_it_is_the_packages() -> None:
    outcome = verify("--version")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, f"verify, version {__version__}")


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["--nope"], 2, "No such option"),
        ([], 2, "Commands:"),
        (["dcotr"], 2, "Did you mean 'doctor'?"),
        (["list", "--nope"], 2, "No such option"),
    ],
)
def test_usage_when_wrong_then_exit_2_and_a_hint(arguments: list[str], code: int, hint: str) -> None:
    outcome = verify(*arguments)
    assert outcome.returncode == code
    assert hint in outcome.stderr
    assert outcome.stdout == ""
    assert outcome.stderr.count("Usage:") == 1


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_streams_when_closed_by_the_parent_then_the_command_still_runs(closed: str) -> None:
    redirection = {"stdout": ">&-", "stderr": "2>&-"}[closed]
    command = f'"{sys.executable}" -m verifiers list math {redirection}'
    outcome = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stderr == ""


def test_plugins_when_help_is_asked_then_names_are_listed_and_nothing_imported(plugin_folder: Path) -> None:
    outcome = verify("--help", PYTHONPATH=str(plugin_folder))
    assert outcome.returncode == 0
    assert outcome.stdout.count("from acme 2.5") == 3
    assert "acme_missing_module" not in outcome.stdout + outcome.stderr


def test_plugin_when_good_then_it_runs_with_both_spellings_and_debug(plugin_folder: Path) -> None:
    outcome = verify("good", "--big_number", "7", "--debug", PYTHONPATH=str(plugin_folder))
    assert (outcome.returncode, outcome.stdout) == (0, "good 7\n")


@pytest.mark.parametrize(("name", "why"), [("broken", "acme_missing_module"), ("odd", "is a int")])
def test_plugin_when_broken_then_it_is_named_and_others_run(plugin_folder: Path, name: str, why: str) -> None:
    outcome = verify(name, PYTHONPATH=str(plugin_folder))
    assert outcome.returncode == 1
    assert "acme 2.5" in outcome.stderr
    assert why in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert verify("list", PYTHONPATH=str(plugin_folder)).returncode == 0


def test_doctor_when_a_plugin_is_broken_then_it_says_fix_and_exits_1(plugin_folder: Path) -> None:
    outcome = verify("doctor", PYTHONPATH=str(plugin_folder))
    assert outcome.returncode == 1
    assert "acme_missing_module" in outcome.stdout
    assert "command score" in outcome.stdout


def test_doctor_when_another_package_owns_our_import_name_then_it_says_fix(tmp_path: Path) -> None:
    info = tmp_path / "verifiers-0.1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: verifiers\nVersion: 0.1.5\n")
    (info / "top_level.txt").write_text("verifiers\n")
    outcome = verify("doctor", PYTHONPATH=str(tmp_path))
    assert outcome.returncode == 1
    assert "pip uninstall verifiers" in outcome.stdout


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (TeacherNotFound("no teacher 'x'"), 2, "Error: no teacher 'x'"),
        (VerifyError("disk is full"), 1, "Error: disk is full"),
        (TooManyNotJudged("9 of 10"), 3, "Error: 9 of 10"),
        (ZeroDivisionError("oops"), 1, "Error: ZeroDivisionError: oops"),
        (VerifyError("bad \x1b[31m name"), 1, r"bad \x1b[31m name"),
        (KeyboardInterrupt(), 130, "Interrupted"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_error_when_a_command_raises_then_one_line_and_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, shown: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setitem(cli_main.cli.commands, "fail", click.Command("fail", callback=fail))
    monkeypatch.setattr(cli_main, "load_command", lambda name: cli_main.cli.commands.get(name))
    assert cli_main.run(["fail"]) == code
    captured = capsys.readouterr().err
    assert shown in captured
    assert "Traceback" not in captured
    assert cli_main.run(["fail", "--debug"]) == code
    assert ("Traceback" in capsys.readouterr().err) == (code in {1, 2, 3})
