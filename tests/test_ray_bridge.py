"""Ray: a pool of scorers for rewards, and files scored part by part, while workers are killed."""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from serve_driver import toy

from grpo_bridge import ray_pool
from grpo_bridge.ray_pool import RayEngine, RayPool
from grpo_bridge.scorer import GroupScorer
from verifiers.cli.main import run
from verifiers.errors import UsageError
from verifiers.types import Sample, Status, Verdict

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]

SHARDS, ROWS, KILLED = 20, 60, 10


@pytest.fixture(scope="module")
def ray() -> Iterator[object]:
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    ray = pytest.importorskip("ray", reason="needs the extra ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def pool(ray: object) -> Iterator[RayPool]:
    made = RayPool(toy("Does"), actors=2, num_cpus=0.25, options={"worker": True}, sample_deadline_s=2)
    yield made
    made.close()


def samples(*completions: str) -> list[Sample]:
    return [Sample(completion, "p", "x") for completion in completions]


def test_pool_when_it_judges_then_order_is_kept(pool: RayPool):
    wanted = ["x" if n % 3 else "y" for n in range(500)]
    found = GroupScorer(pool).score(samples(*wanted))
    assert [each.reward for each in found] == [float(text == "x") for text in wanted]


def test_pool_when_pickled_then_the_same_actors(pool: RayPool):
    copy = pickle.loads(pickle.dumps(GroupScorer(pool)))
    assert [each.reward for each in copy.score(samples("x", "y"))] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("completion", "status"),
    [("hang", Status.DEADLINE_EXCEEDED), ("raise", Status.FAILED), ("exit", Status.FAILED), ("nan", Status.FAILED)],
)
def test_pool_when_the_teacher_breaks_then_none_and_its_neighbours_are_judged(pool, completion, status):
    found = GroupScorer(pool, max_not_judged=None).score(samples("x", completion, "y"))
    assert [each.reward for each in found] == [1.0, None, 0.0]
    assert found[1].status == status


def test_pool_when_actors_are_killed_then_started_again_and_every_sample_is_judged(ray, pool):
    scorer = GroupScorer(pool)
    scorer.score(samples("x"))
    pids = ray.get([handle.__ray_call__.remote(lambda actor: os.getpid()) for handle in pool.start()])
    killing = threading.Timer(0.05, lambda: [os.kill(pid, signal.SIGKILL) for pid in pids])
    killing.start()
    wanted = [f"x{n}" if n % 2 else "x" for n in range(3000)]
    found = scorer.score(samples(*wanted))
    killing.join()
    assert [each.reward for each in found] == [float(text == "x") for text in wanted]
    assert [each.reward for each in scorer.score(samples("x", "y"))] == [1.0, 0.0]


class Unreachable:
    """Stands in for Ray and for its only actor, which takes its first calls while nobody has seen yet that it died."""

    def __init__(self, exceptions: Any, calls: int) -> None:
        self.exceptions, self._left = exceptions, calls
        self.score = self

    def remote(self, given: list[Sample]) -> Callable[[], list[Verdict]]:
        self._left -= 1
        return partial(self._answer, given, self._left < 0)

    def _answer(self, given: list[Sample], there: bool) -> list[Verdict]:
        if not there:
            raise self.exceptions.ActorUnavailableError("it is unavailable", None)
        return [Verdict(1.0, Status.CORRECT) for _ in given]

    def wait(self, calls: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return calls[:num_returns], calls[num_returns:]

    def get(self, call: Callable[[], list[Verdict]]) -> list[Verdict]:
        return call()


def test_pool_when_an_actor_cannot_be_reached_for_long_then_its_samples_wait_for_it(ray: Any, monkeypatch):
    actor = Unreachable(ray.exceptions, calls=8)
    monkeypatch.setattr(ray_pool, "connected", lambda: actor)
    monkeypatch.setattr(ray_pool, "CALM_S", 0.01)
    pool: Any = SimpleNamespace(task="x", actors=1, start=lambda: [actor])
    found = RayEngine(pool, deadline_s=60).score(samples("x", "y", "z"))
    assert [each.reward for each in found] == [1.0] * 3


def test_pool_when_it_is_stuck_then_none_by_the_deadline_and_later_calls_work(ray):
    pool = RayPool(toy("Does"), actors=1, num_cpus=0.25, options={"worker": True}, sample_deadline_s=60)
    scorer = GroupScorer(pool, deadline_s=1.5, max_not_judged=None)
    GroupScorer(pool).score(samples("x"))
    start_s = time.monotonic()
    found = scorer.score(samples("hang", "x"))
    assert time.monotonic() - start_s <= 1.5 + 0.25
    assert [each.reward for each in found] == [None, None]
    assert GroupScorer(pool).score(samples("x"))[0].reward == 1.0
    pool.close()


def test_pool_when_the_teacher_does_not_exist_then_none_and_loud(ray):
    pool = RayPool("no-such-teacher", actors=1, num_cpus=0.25)
    (found,) = GroupScorer(pool, max_not_judged=None).score(samples("x"))
    assert (found.reward, found.status) == (None, Status.UNAVAILABLE)
    assert "no-such-teacher" in found.reason


@pytest.mark.parametrize("settings", [{"actors": 0}, {"num_cpus": -1}, {"num_proc": 0}])
def test_pool_when_a_number_is_wrong_then_refused(settings: dict[str, int]):
    with pytest.raises(UsageError):
        RayPool("math", **settings)  # type: ignore[arg-type]


def write_shards(folder: Path) -> None:
    folder.mkdir()
    for shard in range(SHARDS):
        with (folder / f"{shard:02d}.jsonl").open("w") as file:
            for row in range(ROWS):
                row_id = f"{shard}-{row}"
                file.write(json.dumps({"id": row_id, "completion": f"\\boxed{{{row}}}", "answer": str(row % 5)}) + "\n")


def written_ids(folder: Path) -> Counter[str]:
    return Counter(json.loads(line)["id"] for file in folder.glob("part-*.jsonl") for line in file.open())


def expected_ids() -> Counter[str]:
    return Counter(f"{shard}-{row}" for shard in range(SHARDS) for row in range(ROWS))


def score(*arguments: str) -> int:
    return run(["score", "-t", "math", "--engine", "ray", "-q", *arguments])


def test_score_when_ten_workers_are_killed_then_every_row_once(ray, tmp_path: Path):
    write_shards(tmp_path / "in")
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW)
    command = ["score", "-t", str(slow), "--engine", "ray", "-q", "--no-elapsed", "-o", str(tmp_path / "out")]
    done: list[int] = []
    scoring = threading.Thread(target=lambda: done.append(run([*command, str(tmp_path / "in")])))
    scoring.start()
    killed: set[int] = set()
    while len(killed) < KILLED and scoring.is_alive():
        fresh = [pid for pid in scoring_workers(slow) if pid not in killed]
        if fresh:
            killed.add(fresh[0])
            os.kill(fresh[0], signal.SIGKILL)
        time.sleep(0.1)
    scoring.join(300)
    assert len(killed) == KILLED
    assert done == [0]
    assert written_ids(tmp_path / "out") == expected_ids()
    assert not (tmp_path / "out" / ".unfinished").exists()


SLOW = '''
import os, time
from pathlib import Path

from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Status, Verdict

@teacher(version="1")
class Slow(BaseTeacher):
    """Takes its time, and says where it works."""

    def __init__(self, options=None):
        self.place = Path(__file__).with_name("workers")
        self.place.mkdir(exist_ok=True)

    def quick(self, sample):
        (self.place / str(os.getpid())).touch()
        time.sleep(0.02)
        return Verdict(1.0, Status.CORRECT, "slowly")

    judge = quick
'''


def scoring_workers(slow: Path) -> list[int]:
    """Return the processes that have scored and still run, but for this one."""
    pids = [int(path.name) for path in slow.with_name("workers").glob("*")]
    return [pid for pid in pids if pid != os.getpid() and Path(f"/proc/{pid}/stat").exists()]


def test_score_when_parts_were_lost_then_resume_does_only_these(ray, tmp_path: Path, capsys):
    write_shards(tmp_path / "in")
    output = tmp_path / "out"
    assert score("-o", str(output), str(tmp_path / "in")) == 0
    before = {path.name: path.stat().st_mtime_ns for path in output.glob("part-*.jsonl")}
    (output / "part-00003.jsonl").unlink()
    (output / "part-00007.jsonl").write_text("{}\n")
    assert score("-o", str(output), str(tmp_path / "in")) == 2
    assert "--resume" in capsys.readouterr().err
    assert score("-o", str(output), "--resume", str(tmp_path / "in")) == 0
    after = {path.name: path.stat().st_mtime_ns for path in output.glob("part-*.jsonl")}
    assert {name for name in before if before[name] != after[name]} == {"part-00003.jsonl", "part-00007.jsonl"}
    assert written_ids(output) == expected_ids()
    assert score("-o", str(output), "--resume", "--set", "case=keep", str(tmp_path / "in")) == 2
    assert "another run" in capsys.readouterr().err
    assert score("-o", str(output), "--overwrite", "--set", "case=keep", str(tmp_path / "in")) == 0


def test_score_when_one_file_is_cut_then_rows_and_sums_are_those_of_one_process(ray, tmp_path: Path):
    source = tmp_path / "in.jsonl"
    rows = [{"prompt": f"p{n // 4}", "completion": f"\\boxed{{{n % 7}}}", "answer": "3"} for n in range(400)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    here, there = tmp_path / "here.jsonl", tmp_path / "there"
    common = ["--no-elapsed", str(source)]
    assert run(["score", "-t", "math", "-q", "-o", str(here), "--summary", str(tmp_path / "a.json"), *common]) == 0
    assert score("-o", str(there), "--parts", "3", "--summary", str(tmp_path / "b.json"), *common) == 0
    lines = [line for part in sorted(there.glob("part-*.jsonl")) for line in part.read_text().splitlines()]
    assert sorted(lines) == sorted(here.read_text().splitlines())
    assert len(list(there.glob("part-*.jsonl"))) == 3
    one, other = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    same = ("rows", "samples", "mean_reward", "statuses", "groups", "pass_at_k", "groups_all_wrong")
    assert {name: one[name] for name in same} == {name: other[name] for name in same}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "-o scored/"),
        (["-o", "-"], "-o scored/"),
        (["-o", "OUT", "--limit", "3"], "--limit"),
        (["-o", "OUT", "--dry-run"], "--dry-run"),
        (["-o", "IN"], "both input and output"),
    ],
)
def test_score_when_options_do_not_fit_then_says_why(ray, tmp_path: Path, capsys, arguments, says):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"completion": "4", "answer": "4"}\n')
    places = {"OUT": str(tmp_path / "out"), "IN": str(folder)}
    assert score(*[places.get(argument, argument) for argument in arguments], str(folder)) == 2
    assert says in capsys.readouterr().err


def test_score_when_the_engine_is_unknown_then_says_which_there_are(capsys):
    assert run(["score", "-t", "math", "--engine", "slurm", "-o", "x", __file__]) == 2
    assert "there are: ray" in capsys.readouterr().err
    assert run(["score", "-t", "math", "--parts", "3", "-o", "x", __file__]) == 2
    assert "--parts is for --engine" in capsys.readouterr().err


def test_import_bridge_when_fresh_then_loads_neither_ray_nor_a_server():
    program = (
        "import sys, grpo_bridge.scorer, grpo_bridge.ray_pool, grpo_bridge.remote;"
        "print([n for n in ('ray', 'fastapi', 'uvicorn', 'torch') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
