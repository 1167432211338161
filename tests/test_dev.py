"""`dev.py`: commands, exit codes, when it installs."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent
FAILED = subprocess.CompletedProcess([], 1)


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A fresh import of dev.py whose project is an empty folder."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    venv = tmp_path / ".venv"
    for name, value in {
        "ROOT": tmp_path,
        "VENV": venv,
        "PYTHON": venv / "bin/python",
        "STAMP": venv / "s.json",
    }.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture
def ran(dev: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What dev.py would have run to install; nothing is."""
    commands: list[list[str]] = []

    def record(command: list[str]) -> None:
        commands.append(command)
        dev.VENV.mkdir(exist_ok=True)

    monkeypatch.setattr(dev, "quietly", record)
    monkeypatch.setattr(dev, "works", lambda python: python.parent.parent.exists())
    monkeypatch.setattr(dev, "make_venv", lambda: record(["venv"]))
    return commands


def test_main_when_no_command_then_prints_every_command(dev: ModuleType, capsys: pytest.CaptureFixture[str]):
    assert dev.main([]) == 0
    out = capsys.readouterr().out
    assert all(f"dev.py {name} " in out for name in ("demo", "test", "lint", "bench", "docs", "clean"))


def test_main_when_command_is_unknown_then_usage_error(dev: ModuleType, capsys: pytest.CaptureFixture[str]):
    assert dev.main(["tset"]) == 2
    assert "no command 'tset'; there are: demo, test" in capsys.readouterr().err


def test_ensure_when_done_before_then_installs_only_after_a_change(dev: ModuleType, ran: list[list[str]]):
    dev.ensure(extra="")
    assert [command[-1] for command in ran] == ["venv", "."]
    dev.ensure(extra="")
    assert len(ran) == 2
    dev.ensure(extra="dev")
    assert ran[2:][0][-2:] == ["-e", ".[dev]"]
    dev.ensure(extra="")
    assert len(ran) == 3, "what the tests need includes the core"
    (dev.ROOT / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    dev.ensure(extra="")
    assert len(ran) == 4


def test_ensure_when_the_checkout_moved_then_installs_again(dev: ModuleType, ran: list[list[str]]):
    dev.ensure(extra="")
    stamp = json.loads(dev.STAMP.read_text())
    dev.STAMP.write_text(json.dumps({**stamp, "root": "elsewhere"}))
    dev.ensure(extra="")
    assert len(ran) == 3


def test_ensure_when_python_is_old_then_says_what_to_do(
    dev: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch
):
    monkeypatch.setattr(dev.sys, "version_info", (3, 9, 2, "final", 0))
    assert dev.main(["docs"]) == 1
    assert "this is Python 3.9.2; 3.11 or newer is needed" in capsys.readouterr().err


def test_make_venv_when_neither_ensurepip_nor_pip_then_names_the_package(dev: ModuleType, monkeypatch):
    monkeypatch.setattr(dev, "quietly", lambda command: None)
    monkeypatch.setattr(dev.subprocess, "run", lambda *args, **kwargs: FAILED)
    with pytest.raises(dev.DevError, match="apt install python3-venv"):
        dev.make_venv()


def test_quietly_when_the_command_fails_then_shows_its_output(dev: ModuleType):
    with pytest.raises(dev.DevError, match=r"exit code 3: .*\nnot today"):
        dev.quietly([sys.executable, "-c", "import sys; print('not today'); sys.exit(3)"])


def test_linters_when_one_fails_then_all_run_and_it_is_named(dev: ModuleType, capsys: pytest.CaptureFixture[str]):
    (dev.VENV / "bin").mkdir(parents=True)
    for name, code in (("good", 0), ("bad", 1)):
        script = dev.VENV / "bin" / name
        script.write_text(f"#!/bin/sh\necho said by {name}\nexit {code}\n")
        script.chmod(0o755)
    assert dev.run_linters([("first", ["bad"]), ("second", ["good"])]) == ["first"]
    out = capsys.readouterr().out
    assert "-- first: FAILED" in out
    assert "said by bad" in out
    assert "-- second: ok" in out
    assert "said by good" not in out


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], "not gpu and not net and not trainers and not docker"),
        (["--fast"], "not gpu and not net and not trainers and not slow and not ray and not docker and not bwrap"),
        (["-m", "docker"], "docker"),
    ],
)
def test_test_when_called_then_selects_and_passes_arguments_on(dev: ModuleType, monkeypatch, args, expected):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(dev, "engine_answers", lambda: False)
    monkeypatch.setattr(dev.shutil, "which", lambda name: f"/usr/bin/{name}")
    calls: list[list[str]] = []
    monkeypatch.setattr(dev, "ensure", lambda extra: None)
    monkeypatch.setattr(dev, "run_linters", lambda linters: ["mypy"])
    monkeypatch.setattr(dev, "in_venv", lambda command: calls.append(command) or 0)
    assert dev.main(["test", *args, "-k", "interval"]) == 1, "a linter failed"
    (command,) = calls
    assert command[command.index("-m", 3) + 1] == expected
    assert command[-2:] == ["-k", "interval"]
    assert "--fast" not in command


@pytest.mark.parametrize(
    ("engine", "image", "bwrap", "expected"),
    [
        (True, True, True, ["gpu", "net", "trainers"]),
        (True, False, True, ["gpu", "net", "trainers", "docker"]),
        (False, False, False, ["gpu", "net", "trainers", "docker", "bwrap"]),
    ],
)
def test_left_out_markers_when_a_user_lacks_a_sandbox_then_says_so(
    dev: ModuleType, monkeypatch, engine, image, bwrap, expected
):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(dev, "engine_answers", lambda: engine)
    monkeypatch.setattr(dev, "has_image", lambda: image)
    monkeypatch.setattr(dev.shutil, "which", lambda name: "/usr/bin/bwrap" if bwrap else None)
    assert dev.left_out_markers(fast=False) == expected
    assert all(marker in dev.not_run(expected) for marker in expected)


def test_sandboxes_when_in_ci_then_installs_builds_and_leaves_nothing_out(dev: ModuleType, monkeypatch, capsys):
    ran: list[list[str]] = []
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(dev, "engine_answers", lambda: True)
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    monkeypatch.setattr(dev, "venv_command", lambda command: command)
    monkeypatch.setattr(dev, "quietly", ran.append)
    with dev.sandboxes_in_ci():
        assert dev.left_out_markers(fast=False) == ["gpu", "net", "trainers"]
    assert [command[:2] for command in ran] == [["apt-get", "update"], ["apt-get", "install"], ["verify", "sandbox"]]
    assert set(dev.DEBIAN_PROGRAMS.values()) <= set(ran[1])


def test_sandboxes_when_in_ci_without_an_engine_then_its_tests_are_run_and_fail(dev: ModuleType, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(dev, "engine_answers", lambda: False)
    monkeypatch.setattr(dev, "install_debian_programs", lambda: None)

    def fail():
        raise dev.DevError("no engine here")

    monkeypatch.setattr(dev, "start_engine", fail)
    with dev.sandboxes_in_ci():
        assert "docker" not in dev.left_out_markers(fast=False)
    assert "-- FAILED: the sandbox's tests have no sandbox: no engine here" in capsys.readouterr().out


def test_sandboxes_when_not_in_ci_then_nothing_is_installed_or_started(dev: ModuleType, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(dev, "quietly", lambda command: pytest.fail(f"ran {command}"))
    monkeypatch.setattr(dev, "start_engine", lambda: pytest.fail("started an engine"))
    with dev.sandboxes_in_ci():
        pass
