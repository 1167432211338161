"""Workers: who survives whom. Kills from outside, forks of the caller, and that nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verifiers.errors import WorkerError
from verifiers.workers.channel import Channel
from verifiers.workers.launch import SpawnLauncher, ZygoteLauncher
from verifiers.workers.pool import Failure, StartMethod, WorkerPool
from verifiers.workers.roster import MAX_SPARES, Roster
from verifiers.workers.spec import WorkerSpec

LONG_S = 60.0
HERE = Path(__file__).resolve().parent
LINUX = sys.platform.startswith("linux")
METHODS: tuple[StartMethod, ...] = ("fork", "spawn") if LINUX else ("spawn",)

pytestmark = pytest.mark.timeout(120)
needs_zygote = pytest.mark.skipif(not LINUX, reason="there is a zygote on Linux only")


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> StartMethod:
    return request.param  # type: ignore[no-any-return]


def wait_until(happens: Callable[[], object], what: str) -> None:
    give_up_s = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < give_up_s, f"waited 30 s in vain until {what}"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if LINUX:
        try:
            return stat.read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False
    return subprocess.run(["kill", "-0", str(pid)], stderr=subprocess.DEVNULL, check=False).returncode == 0


def assert_gone(*pids: int) -> None:
    for pid in pids:
        wait_until(lambda pid=pid: not alive(pid), f"process {pid} is gone")


def workers_of(caller: int) -> set[int]:
    """Return the pids of a process's descendants."""
    table = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in table.splitlines())}
    found: set[int] = set()
    while more := {pid for pid, parent in parents.items() if parent in found | {caller}} - found:
        found |= more
    return found


def start_script(folder: Path, body: str) -> subprocess.Popen[str]:
    """Run a script without a `__main__` guard, as users write them."""
    script = folder / "script.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(HERE)!r})\n{body}")
    return subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=60)
    return out, err


def read_pids(path: Path) -> list[int]:
    wait_until(path.exists, "the worker has begun")
    return [int(pid) for pid in path.read_text().split()]


def starts_of(launcher: type[SpawnLauncher | ZygoteLauncher], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the pid of every worker that is started from now on."""
    started: list[int] = []
    start = launcher.start

    def noted(self: Any) -> Channel:
        channel = start(self)
        started.append(channel.pid)
        return channel

    monkeypatch.setattr(launcher, "start", noted)
    return started


def worker_of(pool: WorkerPool) -> int:
    """Return the pid of the worker that answers a request to `worker_services:pid`."""
    (reply,) = pool.run([b""], LONG_S)
    return int((reply.payload or b"").split()[0])


def killer_of(path: Path, which: int, *signals: int) -> Callable[[int], None]:
    """Return an `on_start` that signals the worker (0) or its parent (1) that will write its pids to `path`."""

    def kill() -> None:
        pid = read_pids(path)[which]
        path.unlink()
        for number in signals:
            os.kill(pid, number)

    def on_start(index: int) -> None:
        if index == 1:
            threading.Thread(target=kill).start()

    return on_start


def test_run_when_a_worker_is_killed_from_outside_then_only_its_request_is_lost(
    tmp_path: Path, method: StartMethod
) -> None:
    requests = [b"a", str(tmp_path / "pids").encode(), b"b", b"c"]
    on_start = killer_of(tmp_path / "pids", 0, signal.SIGKILL)
    with WorkerPool("worker_services:pid_then_sleep", start_method=method) as pool:
        replies = {r.index: r for r in pool.run(requests, LONG_S, on_start=on_start)}
    assert (replies[1].failure, "SIGKILL" in replies[1].detail) == (Failure.CRASHED, True)
    assert [replies[i].payload for i in (0, 2, 3)] == [b"a", b"b", b"c"]


def test_run_when_idle_workers_were_killed_then_the_next_run_has_others(method: StartMethod) -> None:
    with WorkerPool("worker_services:pid", size=2, start_method=method) as pool:
        for _ in range(3):
            answers = {r.payload for r in pool.run([b""] * 20, LONG_S)}
            for pid in {int((answer or b"").split()[0]) for answer in answers}:
                os.kill(pid, signal.SIGKILL)
        assert [r.failure for r in pool.run([b""] * 20, LONG_S)] == [None] * 20


def test_run_when_workers_start_slower_than_the_deadline_then_spares_stand_by_and_end_with_the_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SpawnLauncher, "start_s", 2 * LONG_S)  # no machine is fast enough
    started = starts_of(SpawnLauncher, monkeypatch)
    with WorkerPool("worker_services:pid", start_method="spawn") as pool:
        first = worker_of(pool)
        assert len(started) == 1 + MAX_SPARES
        os.kill(first, signal.SIGKILL)
        second = worker_of(pool)
        assert second in started[: 1 + MAX_SPARES]
        assert second != first
        for _ in range(10):
            worker_of(pool)
        assert len(started) <= 2 + MAX_SPARES
    assert_gone(*started)


@pytest.mark.parametrize(
    ("start_s", "at_risk", "deadline_s", "spares"),
    [(0.005, 3, 5.0, 3), (0.3, 1, 5.0, 1), (0.3, 3, 5.0, 3), (0.3, 1, 0.1, 4), (0.3, 3, 0.1, 4), (0.005, 1, 0.1, 1)],
)
def test_warm_spares_when_workers_are_at_risk_then_so_many_stand_by(
    start_s: float, at_risk: int, deadline_s: float, spares: int
) -> None:
    started: list[Channel] = []

    class Starter(SpawnLauncher):
        def start(self) -> Channel:
            started.append(Channel(socket.socket(), 0, None))
            return started[-1]

    starter = Starter(WorkerSpec("worker_services:echo"))
    starter.start_s = start_s
    roster = Roster(starter, 3)
    for _ in range(2):
        roster.warm_spares(at_risk, deadline_s)
        assert len(started) == spares
    roster.close()


def test_run_when_requests_are_far_from_their_deadline_then_no_spare_is_started(
    monkeypatch: pytest.MonkeyPatch, method: StartMethod
) -> None:
    started = starts_of(ZygoteLauncher if method == "fork" else SpawnLauncher, monkeypatch)
    with WorkerPool("worker_services:pid", start_method=method) as pool:
        assert {worker_of(pool) for _ in range(10)} == set(started)
    assert len(started) == 1


@needs_zygote
def test_run_when_the_zygote_is_killed_then_requests_under_way_are_tried_again() -> None:
    requests = [b"0.01", b"0.4", b"0.3", b"0.02"]
    with WorkerPool("worker_services:sleep", size=2) as pool:
        zygote = int(next(pool.run([b"parent"], LONG_S)).payload or b"")

        def on_start(index: int) -> None:
            if index == 1:
                os.kill(zygote, signal.SIGKILL)

        replies = {r.index: r.payload for r in pool.run(requests, LONG_S, on_start=on_start)}
    assert replies == dict(enumerate(requests))


@needs_zygote
def test_run_when_a_request_kills_the_zygote_each_time_then_it_is_tried_twice_and_given_up() -> None:
    with WorkerPool("worker_services:misbehave", size=2) as pool:
        replies = {r.index: r for r in pool.run([b"a", b"kill zygote", b"b"], LONG_S)}
        assert (replies[1].failure, replies[0].payload, replies[2].payload) == (Failure.CRASHED, b"a", b"b")
        assert [r.payload for r in pool.run([b"c"], LONG_S)] == [b"c"]


@needs_zygote
def test_run_when_work_leaves_children_then_they_die_with_the_worker(tmp_path: Path) -> None:
    with WorkerPool("worker_services:leave_children") as pool:
        replies = list(pool.run([str(tmp_path / "pids").encode()], 5.0))
        assert [r.failure for r in replies] == [Failure.DEADLINE]
        assert_gone(*read_pids(tmp_path / "pids"))


def test_close_when_workers_are_idle_or_at_work_then_all_are_gone(tmp_path: Path, method: StartMethod) -> None:
    errors: list[BaseException] = []
    with WorkerPool("worker_services:pid_then_sleep", size=2, start_method=method) as pool:
        assert [r.payload for r in pool.run([b"a"], LONG_S)] == [b"a"]

        def work() -> None:
            try:
                list(pool.run([str(tmp_path / "pids").encode()], LONG_S))
            except WorkerError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        worker, parent = read_pids(tmp_path / "pids")
    thread.join(30)
    assert "closed" in str(errors[0])
    assert_gone(worker, *([parent] if parent != os.getpid() else []))
    with pytest.raises(WorkerError, match="closed"):
        list(pool.run([b"a"], LONG_S))


def test_script_when_it_has_no_guard_then_its_main_runs_once_and_leaves_nothing(
    tmp_path: Path, method: StartMethod
) -> None:
    body = f"""
print("side effect", flush=True)
from verifiers.workers.pool import WorkerPool
pool = WorkerPool("worker_services:pid", size=2, start_method={method!r})
print(*sorted({{r.payload.decode() for r in pool.run([b""] * 50, 60.0)}}), flush=True)
"""
    out, err = finish(start_script(tmp_path, body))
    lines = out.splitlines()
    assert (lines[0], len(lines), err) == ("side effect", 2, "")
    assert_gone(*(int(pid) for pid in lines[1].split() if int(pid) > 1 and int(pid) != os.getpid()))


def test_caller_when_killed_then_nothing_is_left_behind(tmp_path: Path, method: StartMethod) -> None:
    body = f"""
from verifiers.workers.pool import WorkerPool
pool = WorkerPool("worker_services:pid_then_sleep", size=2, start_method={method!r})
list(pool.run([b"/{tmp_path}/one", b"/{tmp_path}/two"], 60.0))
"""
    process = start_script(tmp_path, body)
    pids = read_pids(tmp_path / "one") + read_pids(tmp_path / "two")
    process.kill()
    finish(process)
    assert_gone(*pids)


def test_caller_when_killed_while_its_fork_lives_then_nothing_is_left_behind(
    tmp_path: Path, method: StartMethod
) -> None:
    body = f"""
import os, threading, time
from pathlib import Path
from verifiers.workers.pool import WorkerPool
pool = WorkerPool("worker_services:pid_then_sleep", start_method={method!r})
list(pool.run([b"a"], 60.0))
child = os.fork()
if child == 0:
    time.sleep(600)
Path("{tmp_path}/child").write_text(str(child))
list(pool.run([b"/{tmp_path}/one"], 60.0))
"""
    process = start_script(tmp_path, body)
    pids = read_pids(tmp_path / "one")
    process.kill()
    process.wait()
    try:
        assert_gone(*pids)
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)
        finish(process)


def test_caller_when_killed_while_workers_are_stuck_in_c_then_they_end_at_last(
    tmp_path: Path, method: StartMethod
) -> None:
    body = f"""
from verifiers.workers.pool import WorkerPool
pool = WorkerPool("worker_services:misbehave", start_method={method!r})
list(pool.run([b"bigint"], 1.0, on_start=lambda index: print("started", flush=True)))
"""
    process = start_script(tmp_path, body)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    mine = workers_of(process.pid)
    process.kill()
    finish(process)
    assert mine
    assert_gone(*mine)


def test_caller_when_interrupted_then_it_raises_and_leaves_nothing(tmp_path: Path, method: StartMethod) -> None:
    body = f"""
from verifiers.workers.pool import WorkerPool
pool = WorkerPool("worker_services:pid_then_sleep", start_method={method!r})
try:
    list(pool.run([b"/{tmp_path}/one"], 60.0))
except KeyboardInterrupt:
    print("interrupted", [r.payload for r in pool.run([b"a"], 60.0)], flush=True)
"""
    process = start_script(tmp_path, body)
    pids = read_pids(tmp_path / "one")
    process.send_signal(signal.SIGINT)
    out, err = finish(process)
    assert (out, err) == ("interrupted [b'a']\n", "")
    assert_gone(*pids)


def test_worker_and_zygote_when_interrupted_by_the_terminal_then_they_go_on(method: StartMethod) -> None:
    with WorkerPool("worker_services:pid", start_method=method) as pool:
        first = next(iter(pool.run([b""], LONG_S))).payload or b""
        worker, parent, _ = (int(word) for word in first.split())
        for pid in {worker, parent} - {os.getpid()}:
            os.kill(pid, signal.SIGINT)
        assert next(iter(pool.run([b""], LONG_S))).payload == first


def test_fork_of_the_caller_when_it_runs_then_it_has_workers_of_its_own(tmp_path: Path, method: StartMethod) -> None:
    body = f"""
import os
from verifiers.workers.pool import WorkerPool, shared_pool
mine = WorkerPool("worker_services:pid", start_method={method!r})
shared = shared_pool("worker_services:pid", size=1)
ask = lambda pool: next(iter(pool.run([b""], 60.0))).payload.split()[0]
before = {{ask(mine), ask(shared)}}
unfinished = mine.run([b"", b""], 60.0)
next(unfinished)
child = os.fork()
if child == 0:
    again = shared_pool("worker_services:pid", size=1)
    after = {{ask(mine), ask(again)}}
    try:
        next(unfinished)
    except Exception as error:
        print(type(error).__name__, flush=True)
    print("child", len(before & after), again is shared, flush=True)
    sys.exit(0)
os.waitpid(child, 0)
list(unfinished)
print("parent", {{ask(mine), ask(shared)}} == before, flush=True)
"""
    out, err = finish(start_script(tmp_path, body))
    assert (out.splitlines(), err) == (["WorkerError", "child 0 False", "parent True"], "")


@needs_zygote
def test_preload_when_it_prints_and_forks_are_made_then_modules_are_imported_once(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(
        "import os\nopen(__file__ + '.log', 'a').write(f'{os.getpid()}\\n')\nprint('noise')\n"
        "def factory(config):\n    return lambda request: str(os.getppid()).encode()\n"
    )
    body = f"""
sys.path.insert(0, {str(tmp_path)!r})
from verifiers.workers.pool import WorkerPool
with WorkerPool("heavy:factory", preload=["heavy"], size=3) as pool:
    print(*{{r.payload.decode() for r in pool.run([b""] * 100, 60.0)}})
"""
    out, err = finish(start_script(tmp_path, body))
    assert err == ""
    assert out.split() == (tmp_path / "heavy.py.log").read_text().split()
