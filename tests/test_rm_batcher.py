"""The batcher of reward models, against engines without a model."""

import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.serving import batcher as batcher_module
from reward_models.serving.batcher import Batcher
from reward_models.serving.engine import Ask, Marked, NotAnswered
from reward_models.serving.plan import token_batches
from verifiers.errors import UsageError

WAIT_S = 20.0


class Lengths:
    """An engine whose score is the response's length; keeps what it was asked."""

    def __init__(self, lanes: int = 1, rows: int = 4) -> None:
        self.lanes = lanes
        self.rows = rows
        self.batches: list[list[str]] = []
        self.running: set[int] = set()
        self.clashes: list[int] = []
        self.most_running = 0
        self.gate = threading.Event()
        self.gate.set()

    def prepare(self, asks: Sequence[Ask]) -> list[str]:
        if any(ask.response == "bad" for ask in asks):
            raise ValueError("cannot be read")
        if any(ask.response == "worse" for ask in asks):
            raise KeyError("role")
        return [str(ask.response) for ask in asks]

    def plan(self, items: Sequence[str]) -> list[list[int]]:
        return token_batches([len(item) for item in items], 10**9, self.rows)

    def run(self, lane: int, items: Sequence[str]) -> list[Marked]:
        if lane in self.running:
            self.clashes.append(lane)
        self.running.add(lane)
        self.most_running = max(self.most_running, len(self.running))
        self.gate.wait(WAIT_S)
        self.batches.append(list(items))
        if "boom" in items:
            self.running.discard(lane)
            raise RuntimeError("the device burns")
        self.running.discard(lane)
        return [Marked((float(len(item)),)) for item in items]


def scores(futures: Sequence[Future[Marked]]) -> list[float]:
    return [future.result(WAIT_S).outputs[0] for future in futures]


def test_submit_when_many_then_each_gets_its_own_score_in_batches():
    engine = Lengths()
    batcher = Batcher(lambda: engine)
    futures = [batcher.submit(Ask("p", "x" * n)) for n in range(1, 30)]
    assert scores(futures) == [float(n) for n in range(1, 30)]
    assert max(map(len, engine.batches)) == 4
    assert len(engine.batches) < 20


def test_submit_when_asks_are_equal_then_are_scored_once():
    engine = Lengths(rows=100)
    batcher = Batcher(lambda: engine)
    engine.gate.clear()
    first = batcher.submit(Ask("p", "hold"))
    futures = [batcher.submit(Ask("p", "same")) for _ in range(10)]
    other = batcher.submit(Ask([{"role": "user", "content": "p"}], "same"))
    engine.gate.set()
    assert scores([first, *futures, other]) == [4.0] * 12
    assert sum(batch.count("same") for batch in engine.batches) <= 3, "one for each prompt, and a late first window"


def test_submit_when_one_cannot_be_read_then_only_it_fails():
    batcher = Batcher(Lengths)
    futures = [batcher.submit(Ask("p", text)) for text in ("a", "bb", "bad", "dddd")]
    assert scores([futures[0], futures[1], futures[3]]) == [1.0, 2.0, 4.0]
    with pytest.raises(ValueError, match="cannot be read"):
        futures[2].result(WAIT_S)


def test_submit_when_rows_cannot_be_read_for_different_reasons_then_each_fails_with_its_own_and_the_rest_goes_on():
    batcher = Batcher(Lengths)
    futures = [batcher.submit(Ask("p", text)) for text in ("bad", "bb", "worse", "dddd")]
    assert scores([futures[1], futures[3]]) == [2.0, 4.0]
    assert [type(futures[index].exception(WAIT_S)) for index in (0, 2)] == [ValueError, KeyError]
    assert scores([batcher.submit(Ask("p", "later"))]) == [5.0]


def test_submit_when_planning_fails_after_a_row_did_then_nobody_waits_and_later_asks_are_scored():
    engine = Lengths()
    batcher = Batcher(lambda: engine)
    plan, engine.plan = engine.plan, lambda items: [[len(items)]]  # type: ignore[method-assign]
    futures = [batcher.submit(Ask("p", text)) for text in ("bad", "bb")]
    assert [type(future.exception(WAIT_S)) for future in futures] == [ValueError, IndexError]
    engine.plan = plan  # type: ignore[method-assign]
    assert scores([batcher.submit(Ask("p", "later"))]) == [5.0]


def test_submit_when_messages_are_too_deep_to_compare_then_only_they_fail():
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    batcher = Batcher(Lengths)
    futures = [batcher.submit(Ask(prompt, "a")) for prompt in ("p", [{"role": "user", "content": deep}])]
    assert scores(futures[:1]) == [1.0]
    assert isinstance(futures[1].exception(WAIT_S), RecursionError)


def test_submit_when_a_micro_batch_fails_then_the_others_do_not():
    batcher = Batcher(lambda: Lengths(rows=1))
    futures = [batcher.submit(Ask("p", text)) for text in ("a", "boom", "ccc")]
    assert scores([futures[0], futures[2]]) == [1.0, 3.0]
    with pytest.raises(RuntimeError, match="burns"):
        futures[1].result(WAIT_S)


def test_submit_when_the_engine_cannot_be_made_then_a_final_error_stays():
    made: list[int] = []

    def make() -> Lengths:
        made.append(1)
        raise UsageError("no such model")

    batcher = Batcher(make)
    for _ in range(3):
        with pytest.raises(NotAnswered, match="no such model"):
            batcher.submit(Ask("p", "a")).result(WAIT_S)
    assert len(made) == 1


def test_submit_when_the_engine_is_away_then_is_asked_for_again():
    made: list[int] = []

    def make() -> Lengths:
        made.append(1)
        if len(made) == 1:
            raise NotAnswered("starting up")
        return Lengths()

    batcher = Batcher(make)
    with pytest.raises(NotAnswered):
        batcher.submit(Ask("p", "a")).result(WAIT_S)
    assert scores([batcher.submit(Ask("p", "a"))]) == [1.0]


def test_run_when_there_are_lanes_then_all_work_and_none_twice_at_once():
    engine = Lengths(lanes=3, rows=1)
    batcher = Batcher(lambda: engine)
    engine.gate.clear()
    futures = [batcher.submit(Ask("p", "x" * n)) for n in range(1, 20)]
    end_s = time.monotonic() + WAIT_S
    while engine.most_running < 3 and time.monotonic() < end_s:
        time.sleep(0.005)
    engine.gate.set()
    assert scores(futures) == [float(n) for n in range(1, 20)]
    assert engine.most_running == 3
    assert not engine.clashes


def test_submit_when_cancelled_before_it_runs_then_is_not_scored():
    engine = Lengths(rows=1)
    batcher = Batcher(lambda: engine)
    engine.gate.clear()
    first = batcher.submit(Ask("p", "a"))
    while not engine.running:
        time.sleep(0.002)
    second = batcher.submit(Ask("p", "given up"))
    assert second.cancel()
    third = batcher.submit(Ask("p", "ccc"))
    engine.gate.set()
    assert scores([first, third]) == [1.0, 3.0]
    assert ["given up"] not in engine.batches


def test_submit_when_from_many_threads_then_nothing_is_lost():
    batcher = Batcher(lambda: Lengths(lanes=2))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: batcher.submit(Ask("p", "x" * n)).result(WAIT_S).outputs[0], range(400)))
    assert found == [float(n) for n in range(400)]


def test_threads_when_idle_then_end_and_come_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batcher_module, "IDLE_S", 0.05)
    batcher = Batcher(Lengths)
    assert scores([batcher.submit(Ask("p", "a"))]) == [1.0]
    end_s = time.monotonic() + WAIT_S
    while batcher._threads and time.monotonic() < end_s:
        time.sleep(0.01)
    assert batcher._threads == 0
    assert scores([batcher.submit(Ask("p", "bb"))]) == [2.0]


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_submit_when_the_system_gives_no_thread_then_says_so_and_later_asks_are_scored(monkeypatch: pytest.MonkeyPatch):
    batcher = Batcher(Lengths)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(NotAnswered, match="no thread"):
            batcher.submit(Ask("p", "a")).result(5)
    assert batcher.submit(Ask("p", "b")).result(5).outputs


def no_thread(self: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_submit_when_in_a_fork_then_makes_an_engine_of_its_own():
    batcher = Batcher(Lengths)
    assert scores([batcher.submit(Ask("p", "a"))]) == [1.0]
    child = os.fork()
    if child == 0:
        found = batcher.submit(Ask("p", "bb")).result(WAIT_S).outputs[0]
        os._exit(0 if found == 2.0 else 1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_submit_when_threads_of_a_fork_ask_at_once_then_nothing_is_lost(monkeypatch: pytest.MonkeyPatch):
    def slow() -> threading.Condition:
        time.sleep(0.2)  # others ask before the state is new
        return threading.Condition()

    def asked(n: int) -> float:
        time.sleep(n * 0.05)
        return batcher.submit(Ask("p", "x" * n)).result(2).outputs[0]

    batcher = Batcher(Lengths)
    assert scores([batcher.submit(Ask("p", "a"))]) == [1.0]
    monkeypatch.setattr(batcher_module, "threading", SimpleNamespace(Condition=slow, Thread=threading.Thread))
    child = os.fork()
    if child == 0:
        try:
            with ThreadPoolExecutor(3) as threads:
                found = list(threads.map(asked, range(3)))
        except BaseException:
            os._exit(2)
        os._exit(0 if found == [0.0, 1.0, 2.0] else 1)
    assert os.waitpid(child, 0)[1] == 0


@given(st.lists(st.integers(0, 300), max_size=80), st.integers(1, 1000), st.integers(1, 20))
def test_token_batches_when_any_then_every_index_once_within_the_budget(
    lengths: list[int], max_tokens: int, max_rows: int
):
    batches = token_batches(lengths, max_tokens, max_rows)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= max_rows
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= max_tokens
