"""Which backend is chosen, and what is said where there is none."""

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import bwrap as bwrap_module
from sandbox.choose import choose
from sandbox.docker import launcher as docker_launcher
from sandbox.docker.engine import connect
from sandbox.errors import NoEngine, SandboxUnavailable
from sandbox.run import close_all, run
from sandbox.settings import Settings
from sandbox.types import Job, JobReport, Program, Stdio


class Mine:
    """A third party's backend."""

    name = "mine"

    async def run(self, job: Job, on_report: object = None) -> JobReport:
        return JobReport()

    async def close(self) -> None:
        pass


def make_mine(settings: Settings) -> Mine:
    return Mine()


@pytest.fixture
def nothing_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def no_engine() -> None:
        raise NoEngine("no Docker engine answers")

    monkeypatch.setattr(docker_launcher, "connect", no_engine)
    monkeypatch.setattr(bwrap_module.shutil, "which", lambda name: None)
    yield
    close_all()


@pytest.mark.usefixtures("nothing_here")
def test_auto_when_nothing_is_here_then_says_how_to_get_one_and_never_runs_locally():
    with pytest.raises(SandboxUnavailable) as raised:
        run(Job(Program("python", "print(1)"), Stdio((b"",))), Settings())
    text = str(raised.value)
    assert "docker: no Docker engine answers" in text
    assert "apt install bubblewrap" in text
    assert "verify sandbox build" in text


@pytest.mark.usefixtures("nothing_here")
def test_auto_when_asked_often_then_the_error_stays_short():
    for _ in range(3):
        with pytest.raises(SandboxUnavailable) as raised:
            run(Job(Program("python", "print(1)"), Stdio((b"",))), Settings())
    assert len(raised.traceback) < 20


@pytest.mark.usefixtures("nothing_here")
@pytest.mark.parametrize("backend", ["docker", "bwrap"])
def test_backend_when_named_and_not_here_then_no_other_is_taken(backend: str):
    with pytest.raises(SandboxUnavailable):
        asyncio.run(choose(Settings(backend=backend)))


def test_backend_when_unknown_then_says_which_there_are():
    with pytest.raises(ValueError, match="No sandbox 'podman'; there are: auto, docker, bwrap, unsafe_local"):
        asyncio.run(choose(Settings(backend="podman")))


def test_backend_when_a_third_partys_then_its_function_makes_it():
    backend = asyncio.run(choose(Settings(backend=f"{__name__}:make_mine")))
    assert backend.name == "mine"


def test_backend_when_a_third_partys_is_missing_then_says_so():
    with pytest.raises(SandboxUnavailable, match="cannot be loaded"):
        asyncio.run(choose(Settings(backend="no_such_module:make")))


def test_engine_when_nobody_listens_then_the_socket_is_named_and_none_of_ours_is_left_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    before = set(os.listdir("/dev/fd"))
    with pytest.raises(NoEngine, match=str(path)) as raised:
        connect()
    assert len(os.listdir("/dev/fd")) == len(before), raised.value
