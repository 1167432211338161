"""Workers: what comes back for a request, whatever it does."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifiers.errors import UsageError, WorkerError
from verifiers.workers import run as run_module
from verifiers.workers.frames import HEADER, FrameError, FrameReader, Kind, encode
from verifiers.workers.pool import Failure, Reply, StartMethod, WorkerPool, shared_pool

LONG_S = 60.0
"""A deadline that is not meant to be reached."""
METHODS: tuple[StartMethod, ...] = ("fork", "spawn") if sys.platform.startswith("linux") else ("spawn",)

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> StartMethod:
    return request.param  # type: ignore[no-any-return]


def by_index(replies: Iterator[Reply]) -> list[Reply]:
    return sorted(replies, key=lambda reply: reply.index)


def test_run_when_service_echoes_then_every_index_has_its_own_payload(method: StartMethod) -> None:
    with WorkerPool("worker_services:echo", b"<", size=2, start_method=method) as pool:
        replies = by_index(pool.run((b"%d" % i for i in range(500)), LONG_S))
    assert [(r.index, r.payload, r.failure) for r in replies] == [(i, b"<%d" % i, None) for i in range(500)]
    assert all(0 <= r.elapsed_s < LONG_S for r in replies)


def test_run_when_there_are_no_requests_then_it_ends_without_workers() -> None:
    with WorkerPool("no_such_module:factory") as pool:
        assert list(pool.run([], LONG_S)) == []


def test_run_when_iterable_is_endless_then_it_is_pulled_a_bounded_number_ahead(method: StartMethod) -> None:
    pulled: list[int] = []
    with WorkerPool("worker_services:echo", size=2, start_method=method) as pool:
        replies = pool.run((pulled.append(i) or b"%d" % i for i in itertools.count()), LONG_S)  # type: ignore[func-returns-value]
        for answered, _ in enumerate(itertools.islice(replies, 300)):
            assert len(pulled) - answered <= 100
        replies.close()  # type: ignore[attr-defined]


def test_run_when_deadline_passes_then_only_that_request_fails(method: StartMethod) -> None:
    requests = [b"0"] * 20 + [b"600"] + [b"0"] * 20
    with WorkerPool("worker_services:sleep", size=2, start_method=method) as pool:
        replies = by_index(pool.run(requests, 1.0))
    assert [r.index for r in replies if r.failure is not None] == [20]
    assert replies[20].failure is Failure.DEADLINE
    assert replies[20].elapsed_s >= 1.0
    assert "1 s" in replies[20].detail


@pytest.mark.parametrize("deed", [b"loop", b"bigint"])
def test_run_when_work_never_returns_then_it_is_killed_and_the_next_is_answered(
    deed: bytes, method: StartMethod
) -> None:
    with WorkerPool("worker_services:misbehave", start_method=method) as pool:
        replies = by_index(pool.run([deed, b"next", deed, b"last"], 0.5))
    assert [r.failure for r in replies] == [Failure.DEADLINE, None, Failure.DEADLINE, None]


def test_run_when_requests_queue_then_waiting_does_not_count_against_their_deadline(method: StartMethod) -> None:
    with WorkerPool("worker_services:sleep", size=1, start_method=method) as pool:
        replies = list(pool.run([b"0.6"] * 4, 1.0))
    assert [r.failure for r in replies] == [None] * 4


def test_run_when_a_fast_worker_turns_slow_then_pipelined_requests_are_not_blamed(method: StartMethod) -> None:
    requests = [b"0"] * 100 + [b"0.6"] * 3 + [b"0"] * 100
    with WorkerPool("worker_services:sleep", size=1, start_method=method) as pool:
        replies = by_index(pool.run(requests, 1.0))
    assert [(r.payload, r.failure) for r in replies] == [(request, None) for request in requests]


@pytest.mark.parametrize(
    ("deed", "failure", "text"),
    [
        (b"exit", Failure.CRASHED, "code 3"),
        (b"segv", Failure.CRASHED, "SIGSEGV"),
        (b"raise", Failure.ERROR, "KeyError: 'no such key'"),
        (b"sys.exit", Failure.ERROR, "SystemExit: left"),
        (b"memory", Failure.MEMORY, "memory"),
        (b"huge", Failure.ERROR, "67108864"),
        (b"not bytes", Failure.ERROR, "returned a str, not bytes"),
    ],
)
def test_run_when_work_fails_then_its_reply_says_how_and_others_are_answered(
    deed: bytes, failure: Failure, text: str, method: StartMethod
) -> None:
    requests = [b"a"] * 40 + [deed] + [b"b"] * 40
    with WorkerPool("worker_services:misbehave", size=2, start_method=method) as pool:
        replies = by_index(pool.run(requests, LONG_S))
    assert [r.index for r in replies if r.failure is not None] == [40]
    assert (replies[40].failure, replies[40].payload) == (failure, None)
    assert text in replies[40].detail


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits a process's memory")
def test_run_when_work_grows_beyond_its_memory_then_memory_is_the_failure(method: StartMethod) -> None:
    with WorkerPool("worker_services:misbehave", start_method=method, memory_bytes=256 << 20) as pool:
        replies = by_index(pool.run([b"a", b"grow", b"b"], LONG_S))
    assert [r.failure for r in replies] == [None, Failure.MEMORY, None]


@pytest.mark.parametrize("deed", [b"interrupt", b"print"])
def test_run_when_work_is_interrupted_or_prints_then_nothing_is_disturbed(
    deed: bytes, method: StartMethod, capfd: pytest.CaptureFixture[str]
) -> None:
    with WorkerPool("worker_services:misbehave", start_method=method) as pool:
        replies = by_index(pool.run([deed, b"a"], LONG_S))
    assert [r.payload for r in replies] == [deed, b"a"]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("factory", "preload", "text"),
    [
        ("worker_services:fail", (), "no such thing as salt"),
        ("worker_services:absent", (), "absent"),
        ("no_such_module:factory", (), "No module named 'no_such_module'"),
        ("worker_services:echo", ("no_such_extra",), "No module named 'no_such_extra'"),
        ("worker_services:ESCAPE", (), "is a str, not a function"),
    ],
)
def test_run_when_service_cannot_be_built_then_every_request_has_the_text(
    factory: str, preload: tuple[str, ...], text: str, method: StartMethod
) -> None:
    with WorkerPool(factory, b"salt", preload=preload, size=2, start_method=method) as pool:
        replies = by_index(pool.run([b"a", b"b", b"c"], LONG_S))
    assert [r.failure for r in replies] == [Failure.ERROR] * 3
    assert all(text in r.detail for r in replies)


def test_run_when_workers_die_in_the_factory_then_an_error_says_so(method: StartMethod) -> None:
    with WorkerPool("worker_services:die", start_method=method) as pool, pytest.raises(WorkerError, match="code 9"):
        list(pool.run([b"a", b"b"], LONG_S))


def test_run_when_a_worker_was_never_ready_then_the_next_run_has_another(
    method: StartMethod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "START_TIMEOUT_S", 1.0)
    with WorkerPool("worker_services:hang_once", str(tmp_path / "made").encode(), start_method=method) as pool:
        with pytest.raises(WorkerError, match="factory hangs"):
            list(pool.run([b"a"], LONG_S))
        monkeypatch.undo()
        assert [reply.payload for reply in pool.run([b"b"], LONG_S)] == [b"b"]


def test_factory_when_many_requests_come_then_it_was_called_once_in_each_worker(method: StartMethod) -> None:
    with WorkerPool("worker_services:pid", size=2, start_method=method) as pool:
        answers = {r.payload for _ in range(3) for r in pool.run([b""] * 50, LONG_S)}
    assert 1 <= len(answers) <= 2
    assert all(answer is not None and answer.endswith(b" 1") for answer in answers)


def test_run_when_payloads_are_large_then_nothing_deadlocks(method: StartMethod) -> None:
    requests = [bytes([i]) * (20 << 20) for i in range(4)]
    with WorkerPool("worker_services:echo", size=2, start_method=method) as pool:
        replies = by_index(pool.run(requests, LONG_S))
    assert [r.payload for r in replies] == requests


def test_run_when_a_request_is_too_large_then_only_that_one_is_refused() -> None:
    with WorkerPool("worker_services:echo") as pool:
        replies = by_index(pool.run([b"a", bytes((64 << 20) + 1), b"b"], LONG_S))
    assert [r.failure for r in replies] == [None, Failure.ERROR, None]
    assert "67108865 bytes" in replies[1].detail


def test_run_when_on_start_is_given_then_it_hears_of_each_request_once(method: StartMethod) -> None:
    started: list[int] = []
    with WorkerPool("worker_services:misbehave", size=2, start_method=method) as pool:
        replies = list(pool.run([b"a", b"exit", b"b", b"c"] * 5, LONG_S, on_start=started.append))
    assert sorted(started) == sorted(r.index for r in replies) == list(range(20))


def test_run_when_iterator_is_abandoned_then_the_next_run_has_no_stale_replies(method: StartMethod) -> None:
    with WorkerPool("worker_services:echo", size=2, start_method=method) as pool:
        for round_ in range(10):
            replies = pool.run((b"%d.%d" % (round_, i) for i in range(200)), LONG_S)
            first = list(itertools.islice(replies, 3))
            replies.close()  # type: ignore[attr-defined]
            assert all(r.payload == b"%d.%d" % (round_, r.index) for r in first)
        assert [r.payload for r in by_index(pool.run([b"x", b"y"], LONG_S))] == [b"x", b"y"]


def test_run_when_requests_raise_then_the_error_passes_through_and_the_pool_lives(method: StartMethod) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise OSError("the disk is gone")

    with WorkerPool("worker_services:echo", start_method=method) as pool:
        with pytest.raises(OSError, match="the disk is gone"):
            list(pool.run(broken(), LONG_S))
        assert [r.payload for r in pool.run([b"b"], LONG_S)] == [b"b"]


def test_run_when_nested_in_a_paused_run_of_the_same_pool_then_both_finish(method: StartMethod) -> None:
    with WorkerPool("worker_services:echo", size=1, start_method=method) as pool:
        pairs = [
            (outer.payload, inner.payload)
            for outer in pool.run([b"a", b"b"], LONG_S)
            for inner in pool.run([b"c", b"d"], LONG_S)
        ]
    assert len(pairs) == 4


@pytest.mark.parametrize(("size", "threads"), [(1, 4), (3, 8)])
def test_run_when_many_threads_share_a_pool_then_each_gets_its_own_replies(
    size: int, threads: int, method: StartMethod
) -> None:
    found: dict[int, list[bytes | None]] = {}
    with WorkerPool("worker_services:sleep", size=size, start_method=method) as pool:

        def work(number: int) -> None:
            requests = [b"0.%03d" % (number + 1)] * 10
            found[number] = [r.payload for r in pool.run(requests, LONG_S)]

        crew = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    assert found == {number: [b"0.%03d" % (number + 1)] * 10 for number in range(threads)}


def test_run_when_many_threads_send_requests_that_fail_then_each_reply_fits_its_request(method: StartMethod) -> None:
    fates = {b"a": None, b"b": None, b"exit": Failure.CRASHED, b"raise": Failure.ERROR, b"memory": Failure.MEMORY}
    wrong: list[tuple[bytes, Reply]] = []
    answered = itertools.count()
    with WorkerPool("worker_services:misbehave", size=2, start_method=method) as pool:

        def work(seed: int) -> None:
            choose = random.Random(seed)
            for _ in range(6):
                requests = choose.choices(list(fates), weights=[20, 20, 1, 1, 1], k=30)
                for reply in pool.run(requests, LONG_S):
                    next(answered)
                    if reply.failure is not fates[requests[reply.index]]:
                        wrong.append((requests[reply.index], reply))

        crew = [threading.Thread(target=work, args=(seed,)) for seed in range(5)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    assert wrong == []
    assert next(answered) == 5 * 6 * 30


def test_run_when_a_long_run_has_all_workers_then_a_short_one_gets_its_turn(method: StartMethod) -> None:
    with WorkerPool("worker_services:sleep", size=2, start_method=method) as pool:
        stop = threading.Event()
        endless = threading.Thread(
            target=lambda: list(pool.run(iter(lambda: b"" if stop.is_set() else b"0.01", b""), LONG_S))
        )
        endless.start()
        try:
            assert [r.payload for r in pool.run([b"0.02"] * 3, LONG_S)] == [b"0.02"] * 3
            assert endless.is_alive()
        finally:
            stop.set()
            endless.join()


def test_run_when_called_by_asyncio_to_thread_then_deadlines_hold() -> None:
    async def main() -> list[list[Reply]]:
        with WorkerPool("worker_services:sleep", size=2) as pool:
            calls = [asyncio.to_thread(lambda: by_index(pool.run([b"0", b"600"], 0.5))) for _ in range(3)]
            return await asyncio.gather(*calls)

    for replies in asyncio.run(main()):
        assert [r.failure for r in replies] == [None, Failure.DEADLINE]


def test_shared_pool_when_arguments_are_equal_then_the_pool_is_the_same() -> None:
    first = shared_pool("worker_services:echo", b"1", size=1)
    assert shared_pool("worker_services:echo", b"1", size=1) is first
    assert shared_pool("worker_services:echo", b"2", size=1) is not first
    assert [r.payload for r in first.run([b"a"], LONG_S)] == [b"1a"]
    first.close()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"factory": "no colon"}, "importable.module:function"),
        ({"factory": "__main__:service"}, "importable.module:function"),
        ({"factory": "m:f", "size": 0}, "at least 1 worker"),
        ({"factory": "m:f", "start_method": "forkserver"}, "'spawn'"),
    ],
)
def test_pool_when_an_argument_is_not_allowed_then_the_error_says_what_is(
    arguments: dict[str, object], text: str
) -> None:
    with pytest.raises(UsageError, match=text):
        WorkerPool(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("deadline_s", [0.0, -1.0, float("nan"), float("inf")])
def test_run_when_deadline_is_not_allowed_then_it_is_refused_at_once(deadline_s: float) -> None:
    with WorkerPool("worker_services:echo") as pool, pytest.raises(UsageError, match="deadline"):
        pool.run([b"a"], deadline_s)


@pytest.mark.parametrize("cut", [1, 5, 13, 14, 1000])
def test_frames_when_the_stream_is_cut_anywhere_then_the_same_frames_come_out(cut: int) -> None:
    stream = encode(Kind.REPLY, b"abc", 0.5) + encode(Kind.READY) + encode(Kind.ERROR, b"x" * 300)
    reader = FrameReader()
    frames = [frame for at in range(0, len(stream), cut) for frame in reader.feed(stream[at : at + cut])]
    assert [tuple(f) for f in frames] == [(Kind.REPLY, 0.5, b"abc"), (Kind.READY, 0, b""), (Kind.ERROR, 0, b"x" * 300)]


def test_frames_when_a_length_is_absurd_then_it_is_refused() -> None:
    with pytest.raises(FrameError, match="4294967295"):
        FrameReader().feed(HEADER.pack(2**32 - 1, Kind.REPLY, 0.0))
