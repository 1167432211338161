"""Faults that the docker backend must survive: every job ends, judged or with the reason, and nothing is left."""

import asyncio
import concurrent.futures
import contextlib
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.owner import OWNER
from sandbox.run import arun, close_all, run, run_many, submit
from sandbox.settings import Settings
from sandbox.types import Job, JobReport, Limits, Outcome, Program, Stdio

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]
TWO = Settings(backend="docker", slots=2)
SLOW = "import time\nx = input()\ntime.sleep(0.05)\nprint(int(x) * 2)"
ENGINE_START_S = 240
"""A dockerd needs seconds, and minutes on a machine with too few CPUs for what else it does."""
FOREVER = "import time\ntime.sleep(100)"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_all()


def double(number: int, source: str = SLOW) -> Job:
    return Job(Program("python", source), Stdio((b"%d\n" % number,)))


def is_right(number: int, report: JobReport) -> bool:
    return report.failure is None and report.runs[0].stdout == b"%d\n" % (2 * number)


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def containers(owner: int | None = None) -> list[str]:
    """Ids of the running containers of a process."""
    lines = docker("ps", "-a", "--format", f'{{{{.ID}}}} {{{{.Label "{OWNER}"}}}}', "--filter", f"label={OWNER}")
    prefix = f"{owner or os.getpid()}-"
    return [line.split()[0] for line in lines.splitlines() if line.split()[1].startswith(prefix)]


def test_batch_when_containers_are_killed_then_every_job_is_judged():
    assert is_right(0, run(double(0), TWO))
    futures = [submit(double(number), TWO) for number in range(120)]
    for _ in range(3):
        time.sleep(0.7)
        for container in containers():
            subprocess.run(["docker", "kill", container], capture_output=True, check=False)
    reports = [future.result(120) for future in futures]
    assert all(is_right(number, report) for number, report in enumerate(reports))


def test_job_when_its_box_is_lost_each_time_then_failure_says_so():
    one = Settings(backend="docker", slots=1)
    assert is_right(1, run(double(1), one))
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(3):
            for container in containers():
                subprocess.run(["docker", "kill", container], capture_output=True, check=False)

    killer = threading.Thread(target=kill)
    future = submit(Job(Program("python", FOREVER), Stdio((b"",)), Limits(cpu_s=20)), one)
    killer.start()
    try:
        report = future.result(120)
    finally:
        stop.set()
        killer.join()
    assert report.failure is not None
    assert report.failure.outcome is Outcome.INFRASTRUCTURE
    assert "failed 3 times" in report.failure.detail
    assert is_right(2, run(double(2), one))


def test_caller_when_killed_then_nothing_is_left_after_the_next_start():
    program = (
        "import sys; from sandbox.run import submit, run; from sandbox.settings import Settings; "
        "from sandbox.types import *; s = Settings(backend='docker', slots=2); "
        "job = Job(Program('python', 'import time; time.sleep(60)'), Stdio((b'',)), Limits(cpu_s=30)); "
        "run(Job(Program('python', 'print(1)'), Stdio((b'',))), s); "
        "futures = [submit(job, s) for _ in range(4)]; print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        assert containers(child.pid)
        child.kill()
    assert is_right(3, run(double(3), TWO))
    deadline = time.monotonic() + 20
    while containers(child.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not containers(child.pid)
    assert not list(Path(tempfile.gettempdir()).glob(f"grpo-sandbox-*/{child.pid}-*"))


def test_close_when_programs_run_then_no_container_is_left():
    futures = [submit(Job(Program("python", FOREVER), Stdio((b"",))), TWO) for _ in range(4)]
    assert is_right(4, asyncio.run(arun(double(4), Settings(backend="docker", slots=1))))
    close_all()
    assert not containers()
    assert not list(Path(tempfile.gettempdir()).glob(f"grpo-sandbox-*/{os.getpid()}-*"))
    assert [future.result(10).failure.detail for future in futures] == ["the sandbox was closed"] * 4


# Around 0.2 s boxes say hello; those that end then are removed by the engine itself, and close waits for it.
@pytest.mark.parametrize("wait_s", [0.0, 0.02, 0.05, *(0.1 + 0.02 * step for step in range(10))])
def test_close_when_containers_are_being_started_then_none_is_left(wait_s):
    futures = [submit(double(number), Settings(backend="docker", slots=4)) for number in range(4)]
    time.sleep(wait_s)
    close_all()
    assert not containers()
    assert not concurrent.futures.wait(futures, 10).not_done


@pytest.fixture
def own_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator["Engine"]:
    """A second dockerd that the test may stop; its folder's path must be short enough for a socket's."""
    with contextlib.ExitStack() as stack:  # also undoes a set-up that fails half-way
        folder = Path(tempfile.mkdtemp(prefix="engine-"))
        stack.callback(remove_tree, folder)
        engine = Engine(folder)
        stack.callback(engine.stop)
        engine.start()
        image = docker("images", "grpo-teachers-sandbox", "--format", "{{.Repository}}:{{.Tag}}").splitlines()[0]
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saved:
            subprocess.run(["docker", "-H", engine.host, "load"], stdin=saved.stdout, check=True, capture_output=True)
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        stack.callback(close_all)
        yield engine
    with warnings.catch_warnings():
        # The SDK leaves sockets open when an engine does not answer.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def remove_tree(folder: Path) -> None:
    """Remove an engine's folder, with what it left mounted there."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((place for place in mounts if place.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=False)
    shutil.rmtree(folder)


class Engine:
    def __init__(self, folder: Path) -> None:
        self.host = f"unix://{folder}/d.sock"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        folder = self._folder
        command = ["dockerd", "--host", self.host, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
        command += ["--pidfile", f"{folder}/pid", "--bridge", "none", "--iptables=false", "--ip6tables=false"]
        with open(folder / "log", "ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + ENGINE_START_S
        while subprocess.run(["docker", "-H", self.host, "version"], capture_output=True, check=False).returncode:
            assert self._process.poll() is None, f"dockerd ended: {(folder / 'log').read_text()}"
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.2)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:  # its containerd is a child that dies with it
            self._process.kill()
            self._process.wait()
        self._process = None


# The SDK leaves a socket open when an engine does not answer.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(os.getuid() != 0, reason="starts a second dockerd, which needs root")
def test_batch_when_the_engine_stops_and_comes_back_then_every_job_ends(own_engine: Engine):
    settings = Settings(backend="docker", slots=2, memory_bytes=1 << 30)
    assert is_right(5, run(double(5), settings))
    futures = [submit(double(number), settings) for number in range(150)]
    time.sleep(1)
    own_engine.stop()
    time.sleep(1)
    own_engine.start()
    reports = [future.result(150) for future in futures]
    assert all(is_right(number, report) for number, report in enumerate(reports))
    own_engine.stop()
    started = time.monotonic()
    reports = [submit(double(number), settings).result(150) for number in range(3)]
    assert all(report.failure and report.failure.outcome is Outcome.INFRASTRUCTURE for report in reports)
    assert all("no box can be started" in (report.failure.detail if report.failure else "") for report in reports)
    assert time.monotonic() - started < 120
    own_engine.start()
    time.sleep(3)
    assert all(is_right(number, report) for number, report in enumerate(run_many(map(double, range(10)), settings)))
