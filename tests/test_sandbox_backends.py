"""Each backend on this machine: the conformance suite, and calls from threads, event loops and forks."""

import asyncio
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from sandbox.conformance.suite import check
from sandbox.docker import launcher as docker_launcher
from sandbox.errors import SandboxUnavailable, UnsupportedLanguage
from sandbox.local import UnsafeSandboxWarning, warn_once
from sandbox.run import arun, backend_name, close_all, run, run_many, shared, submit
from sandbox.settings import Settings
from sandbox.types import Job, Limits, Outcome, Program, Report, Stdio

pytestmark = pytest.mark.timeout(240)
BACKENDS = [
    pytest.param("docker", "uid", marks=pytest.mark.docker, id="docker"),
    pytest.param("docker", "strict", marks=pytest.mark.docker, id="docker-strict"),
    pytest.param("bwrap", "uid", marks=pytest.mark.bwrap, id="bwrap"),
]
NAMES = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("bwrap", marks=pytest.mark.bwrap),
    "unsafe_local",
]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsafeSandboxWarning)
        yield
    close_all()


def double(number: int) -> Job:
    return Job(Program("python", "print(int(input()) * 2)"), Stdio((b"%d\n" % number,)))


def problems(settings: Settings) -> list[str]:
    found = list(check(settings))
    assert len(found) > 40
    return [f"{finding.name}: {finding.problem}" for finding in found if finding.problem]


@pytest.mark.parametrize(("backend", "mode"), BACKENDS)
def test_backend_when_the_suite_runs_then_nothing_is_wrong(backend, mode):
    assert not problems(Settings(backend=backend, mode=mode, slots=1))


@pytest.mark.docker
def test_docker_when_the_engine_cannot_see_our_folders_then_its_stream_does(monkeypatch):
    monkeypatch.setattr(docker_launcher, "shares_files", lambda client, runtime: False)
    settings = Settings(backend="docker", slots=1)
    assert not problems(settings)
    assert [report.runs[0].stdout for report in run_many(map(double, range(50)), settings)] == [
        b"%d\n" % (2 * number) for number in range(50)
    ]


@pytest.mark.bwrap
@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, which needs root")
def test_bwrap_when_the_user_is_not_root_then_the_suite_passes(root, tmp_path):
    program = (
        "import os, sys; os.setgid(65534); os.setuid(65534); os.environ['HOME'] = '/nowhere'\n"
        f"sys.path.insert(0, {str(root)!r})\n"
        "from sandbox.conformance.suite import check\nfrom sandbox.settings import Settings\n"
        "print([one for one in check(Settings(backend='bwrap', slots=1)) if one.problem])"
    )
    if not os.stat(root).st_mode & 0o5 or not _others_may_enter(root):
        pytest.skip("the checkout is in a folder that other users may not enter")
    done = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True, check=False, cwd="/")
    if "unsupported" in done.stderr or sys.version_info < (3, 11):
        pytest.skip("the system's Python is too old")
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def _others_may_enter(path) -> bool:
    return all(parent.stat().st_mode & 0o1 for parent in [path, *path.parents])


@pytest.mark.parametrize("backend", NAMES)
def test_run_many_when_some_fail_then_the_order_is_kept(backend):
    jobs = (double(number) if number % 7 else Job(Program("python", "1 / 0"), Stdio((b"",))) for number in range(70))
    reports = list(run_many(jobs, Settings(backend=backend, slots=2), in_flight=20))
    expected = [b"%d\n" % (2 * number) if number % 7 else b"" for number in range(70)]
    assert [report.runs[0].stdout for report in reports] == expected


@pytest.mark.parametrize("backend", NAMES)
def test_run_when_called_from_threads_and_loops_then_all_are_right(backend):
    settings = Settings(backend=backend, slots=2)
    found: dict[int, bytes] = {}

    async def several(first: int) -> None:
        reports = await asyncio.gather(*(arun(double(first + offset), settings) for offset in range(8)))
        found.update({first + offset: report.runs[0].stdout for offset, report in enumerate(reports)})

    threads = [threading.Thread(target=lambda first=first: asyncio.run(several(first))) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {first + offset: b"%d\n" % (2 * (first + offset)) for first in (0, 100, 200) for offset in range(8)}


@pytest.mark.parametrize("backend", NAMES)
def test_run_when_the_process_was_forked_then_both_have_boxes_of_their_own(backend):
    settings = Settings(backend=backend, slots=1)
    assert run(double(1), settings).runs[0].stdout == b"2\n"
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if run(double(2), settings).runs[0].stdout == b"4\n" else 2
            close_all()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert run(double(3), settings).runs[0].stdout == b"6\n"


@pytest.mark.parametrize("backend", NAMES)
def test_on_report_when_it_says_no_then_later_inputs_are_not_run(backend):
    seen: list[tuple[int, Report]] = []

    def stop_at_second(run_number: int, report: Report) -> bool:
        seen.append((run_number, report))
        return run_number < 1

    slow = Program("python", "import time; time.sleep(0.1); print(input())")
    job = Job(slow, Stdio(tuple(b"%d" % number for number in range(50))))
    report = run(job, Settings(backend=backend, slots=1), stop_at_second)
    assert report.failure is None
    assert len(report.runs) < 10
    assert [number for number, _ in seen[:2]] == [0, 1]


@pytest.mark.parametrize("backend", NAMES)
def test_submit_when_cancelled_then_the_slot_is_free_again(backend):
    settings = Settings(backend=backend, slots=1)
    forever = Job(Program("python", "import time; time.sleep(100)"), Stdio((b"",)), Limits(cpu_s=60))
    assert run(double(1), settings).runs[0].stdout == b"2\n"
    future = submit(forever, settings)
    assert future.cancel()
    assert run(double(2), settings).runs[0].stdout == b"4\n"


@pytest.mark.parametrize("backend", NAMES)
def test_memory_when_thousands_ran_then_is_flat_and_no_slot_is_lost(backend):
    settings = Settings(backend=backend, slots=2)

    def batch(count: int) -> int:
        assert all(report.runs[0].outcome is Outcome.OK for report in run_many(map(double, range(count)), settings))
        return resident_bytes()

    before = max(batch(400) for _ in range(2))
    after = batch(1600)
    assert after - before < 8 * 1024 * 1024

    async def lost() -> int:
        return (await shared(settings)).lost_slots

    from sandbox import loop

    assert loop.wait(lost()) == 0


def resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_unsafe_local_when_first_used_then_warns_once():
    warn_once.cache_clear()
    with pytest.warns(UnsafeSandboxWarning, match="runs programs as you"):
        backend_name(Settings(backend="unsafe_local"))


def test_run_when_the_language_is_unknown_then_raises():
    with pytest.raises(UnsupportedLanguage, match="'klingon'"):
        run(Job(Program("klingon", ""), Stdio((b"",))), Settings(backend="unsafe_local"))


def test_run_when_the_limit_is_above_the_slot_then_raises():
    with pytest.raises(ValueError, match="raise the setting memory_bytes"):
        run(Job(Program("python", ""), Stdio((b"",)), Limits(memory_bytes=1 << 34)), Settings(backend="unsafe_local"))


@pytest.mark.docker
def test_docker_when_the_image_is_missing_then_says_how_to_get_it():
    with pytest.raises(SandboxUnavailable, match="verify sandbox build"):
        backend_name(Settings(backend="docker", image="no-such-image:1"))
