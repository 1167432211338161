"""Long runs: worker processes that judge whole batches, and what becomes of a run when they fail."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_io_run import config_of, ids, row, rows_of, score_rows, write

from verifiers.engine import Scorer
from verifiers.errors import WorkerError
from verifiers.io import chunks
from verifiers.io import run as run_module
from verifiers.io.batch import Batch
from verifiers.io.columns import Columns
from verifiers.io.config import RunConfig
from verifiers.io.pipeline import Slot
from verifiers.io.run import score_file
from verifiers.io.selection import Meter, Selection
from verifiers.types import Status, Verdict
from verifiers.workers.pool import Failure, Reply, WorkerPool


@pytest.fixture
def parallel_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "PARALLEL_AFTER_S", -1.0)
    monkeypatch.setattr(run_module, "PARALLEL_WORTH_S", -1.0)
    ready = threading.Event()
    ready.set()
    monkeypatch.setattr(chunks, "warm_up", lambda _: ready)


@pytest.mark.usefixtures("parallel_at_once")
def test_several_processes_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [row(i, "slow" if i % 900 == 5 else "fast") for i in range(6000)])
    source.write_bytes(source.read_bytes() + b"broken\n" + source.read_bytes()[:200_000])
    one = score_file(config_of(source, tmp_path / "one.jsonl", with_elapsed=False))
    two = score_file(config_of(source, tmp_path / "two.jsonl", num_proc=2, with_elapsed=False))
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    same = ("rows", "statuses", "pass_at_k", "groups", "mean_reward")
    assert [getattr(one, name) for name in same] == [getattr(two, name) for name in same]


KILLER = '''
import os
from verifiers.teacher import BaseTeacher, NoOptions, accept, adversarial, reject, teacher, unscorable
from verifiers.types import Sample, Status, Verdict


@teacher(version="1")
class Killer(BaseTeacher):
    """Breaks the contract: its quick path ends the process in a worker."""

    def __init__(self, options: NoOptions) -> None:
        self.parent = os.environ.get("KILLER_PARENT") == str(os.getpid())

    def quick(self, sample: Sample) -> Verdict | None:
        if sample.completion == "die" and not self.parent:
            os._exit(9)
        return Verdict(1.0, Status.CORRECT)

    def judge(self, sample: Sample) -> Verdict:
        return Verdict(1.0, Status.CORRECT)


CASES = [accept("a"), reject("b"), adversarial("c"), unscorable("d")]
'''


@pytest.mark.usefixtures("parallel_at_once")
def test_row_that_kills_its_process_takes_no_other_row_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("KILLER_PARENT", str(os.getpid()))
    (tmp_path / "killer.py").write_text(KILLER)
    rows = [{"completion": "die" if i == 1500 else f"live {i}"} for i in range(2200)]
    source = write(tmp_path / "in.jsonl", rows)
    config = RunConfig(str(tmp_path / "killer.py"), [str(source)], str(tmp_path / "out.jsonl"), num_proc=2)
    score_file(config)
    out = rows_of(tmp_path / "out.jsonl")
    assert [each["completion"] for each in out] == [each["completion"] for each in rows]
    assert [i for i, each in enumerate(out) if each["reward"] is None] == [1500]
    assert out[1500]["status"] == "failed"


@pytest.mark.usefixtures("parallel_at_once")
def test_run_goes_on_in_one_process_if_workers_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(_pool: WorkerPool, requests: Iterable[bytes], _deadline_s: float) -> Iterator[Reply]:
        for _ in zip(range(3), requests, strict=False):
            pass
        raise WorkerError("no more processes")
        yield

    monkeypatch.setattr(chunks.WorkerPool, "run", run)
    monkeypatch.setattr(Scorer, "settle", lambda _, samples: [Verdict(1.0, Status.CORRECT)] * len(samples))
    rows = [row(i, "slow" if i % 900 == 5 else "fast") for i in range(6000)]
    _, out = score_rows(tmp_path, rows, num_proc=2)
    assert ids(out) == list(range(6000))
    assert all(each["reward"] is not None for each in out)


@pytest.mark.usefixtures("parallel_at_once")
def test_rows_of_a_dead_batch_when_no_other_worker_starts_then_they_are_written_unjudged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(10**6))

    def run(_pool: WorkerPool, requests: Iterable[bytes], _deadline_s: float) -> Iterator[Reply]:
        if next(calls):
            raise WorkerError("no more processes")
        for index, _ in enumerate(requests):
            yield Reply(index, None, Failure.CRASHED, "killed")

    monkeypatch.setattr(chunks.WorkerPool, "run", run)
    rows = [row(i) for i in range(3000)]
    _, out = score_rows(tmp_path, rows, num_proc=2)
    assert ids(out) == list(range(3000))
    unjudged = [each for each in out if each["reward"] is None]
    assert unjudged
    assert {each["status"] for each in unjudged} == {"unavailable"}
    assert all("no more processes" in each["reason"] for each in unjudged)


def test_warm_up_when_workers_answer_then_it_says_so(tmp_path: Path) -> None:
    config = config_of(write(tmp_path / "in.jsonl", [row(0)]), tmp_path / "out.jsonl", num_proc=1)
    with chunks.open_pool(config, Columns("completion"), Scorer(config.teacher)) as pool:
        assert chunks.warm_up(pool).wait(60)


def test_warm_up_when_workers_cannot_start_then_the_run_ends_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "PARALLEL_AFTER_S", -1.0)
    monkeypatch.setattr(run_module, "PARALLEL_WORTH_S", -1.0)

    def fail(_pool: WorkerPool, _requests: Iterable[bytes], _deadline_s: float) -> Iterator[Reply]:
        raise WorkerError("no more processes")

    monkeypatch.setattr(chunks.WorkerPool, "run", fail)
    _, out = score_rows(tmp_path, [row(i, "fast") for i in range(4000)], num_proc=2)
    assert ids(out) == list(range(4000))
    assert all(each["reward"] is not None for each in out)


@pytest.mark.parametrize(
    ("changes", "left_s", "long"),
    [({}, 100.0, True), ({}, 0.1, False), ({"num_proc": 1}, 100.0, False), ({"selection": Selection(9)}, 100.0, False)],
    ids=["much is left", "little is left", "one process", "the limit is near"],
)
def test_outlook_when_so_much_is_left_then_more_processes_are_worth_it_or_not(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], left_s: float, long: bool
) -> None:
    clock = iter([0.0, 1.0])
    monkeypatch.setattr(run_module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    meter = Meter(total_bytes=1000 + int(1000 * left_s))
    outlook = run_module._Outlook(replace(RunConfig("math", ["-"], num_proc=2), **changes), meter)
    meter.leave(1000)
    batch = Batch("x", list(range(1, 9)), [b"{}"] * 8)
    assert outlook.long(Slot(batch, [])) is long
