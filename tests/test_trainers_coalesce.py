"""Many calls with one sample become few with many: nobody waits for ever, whatever happens to a batch."""

import asyncio
import multiprocessing
import pickle
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from grpo_bridge import per_batch
from grpo_bridge.coalesce import Coalescer
from grpo_bridge.stand_ins import StandIns
from verifiers.errors import UsageError
from verifiers.types import Sample


class Recorder:
    """Judges by the completion's number; remembers the sizes of its batches."""

    def __init__(self, pause_s: float = 0.0) -> None:
        self.sizes: list[int] = []
        self.pause_s = pause_s

    def __call__(self, samples: Sequence[Sample]) -> list[int]:
        self.sizes.append(len(samples))
        time.sleep(self.pause_s)
        if any(sample.completion == "bad" for sample in samples):
            raise ValueError("a bad batch")
        return [int(str(sample.completion)) for sample in samples]


def test_tasks_of_a_loop_meet_in_few_batches() -> None:
    judge = Recorder(0.001)
    coalescer = Coalescer(judge, max_batch=64)

    async def ask() -> list[int]:
        return await asyncio.gather(*(coalescer.ascore(Sample(str(i))) for i in range(640)))

    assert asyncio.run(ask()) == list(range(640))
    assert sum(judge.sizes) == 640
    assert max(judge.sizes) <= 64
    assert len(judge.sizes) <= 20


def test_threads_meet_too_and_each_gets_its_own() -> None:
    judge = Recorder(0.005)
    coalescer = Coalescer(judge)
    with ThreadPoolExecutor(32) as threads:
        found = list(threads.map(lambda i: coalescer.score(Sample(str(i))), range(320)))
    assert found == list(range(320))
    assert len(judge.sizes) < 160


def test_a_single_call_waits_no_longer_than_the_linger() -> None:
    assert Coalescer(Recorder(), linger_s=0.0).score(Sample("7")) == 7


def test_an_error_reaches_all_callers_of_its_batch_and_no_other() -> None:
    coalescer = Coalescer(Recorder(), linger_s=0.05)
    bad = [coalescer.submit(Sample(text)) for text in ("1", "bad")]
    for future in bad:
        with pytest.raises(ValueError, match="a bad batch"):
            future.result(5)
    assert coalescer.score(Sample("2")) == 2


def test_a_short_answer_is_an_error_for_all() -> None:
    coalescer: Coalescer[int] = Coalescer(lambda samples: [1], linger_s=0.05)
    futures = [coalescer.submit(Sample(str(i))) for i in range(3)]
    for future in futures:
        with pytest.raises(RuntimeError, match="1 values for 3 samples"):
            future.result(5)


def test_a_caller_that_gives_up_leaves_the_others_alone() -> None:
    coalescer = Coalescer(Recorder(), linger_s=0.05)
    first, second = coalescer.submit(Sample("1")), coalescer.submit(Sample("2"))
    assert first.cancel()
    assert second.result(5) == 2


def test_a_slow_batch_holds_up_no_other() -> None:
    gate = threading.Event()

    def judge(samples: Sequence[Sample]) -> list[int]:
        if samples[0].completion == "0":
            gate.wait(10)
        return [int(str(sample.completion)) for sample in samples]

    coalescer = Coalescer(judge, linger_s=0.0)
    slow = coalescer.submit(Sample("0"))
    time.sleep(0.02)
    try:
        assert coalescer.submit(Sample("1")).result(5) == 1
    finally:
        gate.set()
    assert slow.result(5) == 0


def _in_child(coalescer: Coalescer[int], answers: "multiprocessing.Queue[int]") -> None:
    answers.put(coalescer.score(Sample("9")))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_has_runners_of_its_own() -> None:
    coalescer = Coalescer(Recorder())
    assert coalescer.score(Sample("8")) == 8
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_child, args=(coalescer, answers))
    child.start()
    try:
        assert answers.get(timeout=20) == 9
    finally:
        child.join(20)
    assert child.exitcode == 0


def _many_in_child(coalescer: Coalescer[int], answers: "multiprocessing.Queue[list[int]]") -> None:
    sys.setswitchinterval(1e-6)  # so that threads meet in every line
    start = threading.Barrier(16)

    def ask(number: int) -> int:
        start.wait()
        return coalescer.score(Sample(str(number)))

    with ThreadPoolExecutor(16) as threads:
        answers.put(list(threads.map(ask, range(16))))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_in_which_many_ask_at_once_loses_none() -> None:
    coalescer = Coalescer(Recorder(), linger_s=0.0)
    context = multiprocessing.get_context("fork")
    for _ in range(20):
        answers = context.Queue()
        child = context.Process(target=_many_in_child, args=(coalescer, answers))
        child.start()
        try:
            assert answers.get(timeout=10) == list(range(16))
        finally:
            child.kill()
            child.join(20)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("lock", ["coalescer", "stand-ins", "scorers"])
def test_a_fork_takes_no_lock_that_a_thread_of_its_parent_holds(lock: str) -> None:
    coalescer, known = Coalescer(Recorder()), StandIns()
    held: Any = {"coalescer": coalescer._changed, "stand-ins": known._changed, "scorers": per_batch._lock}[lock]

    def ask() -> None:
        coalescer.score(Sample("1"))
        known.note("g", 1.0)
        per_batch.kept_batches("numeric")

    let_go = threading.Event()
    is_held = threading.Event()

    def hold() -> None:
        with held:
            is_held.set()
            let_go.wait(30)

    holding = threading.Thread(target=hold)
    holding.start()
    is_held.wait()
    child = multiprocessing.get_context("fork").Process(target=ask)
    child.start()
    child.join(20)
    code = child.exitcode
    child.kill()
    let_go.set()
    holding.join()
    assert code == 0


def test_a_copy_works() -> None:
    coalescer = Coalescer(Recorder())
    coalescer.score(Sample("1"))
    assert pickle.loads(pickle.dumps(coalescer)).score(Sample("5")) == 5


@pytest.mark.parametrize("settings", [{"max_batch": 0}, {"runners": 0}, {"linger_s": -1.0}, {"linger_s": float("nan")}])
def test_numbers_that_are_not_allowed_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        Coalescer(Recorder(), **settings)  # type: ignore[arg-type]
