"""The lane of teachers with machinery of their own: in order, bounded, shared, and never waited on for ever."""

import asyncio
import json
import os
import threading
import time
from concurrent.futures import Future
from typing import ClassVar

import pytest
import toy_teachers

from verifiers import lane as lane_module
from verifiers.compose.build import compose, member
from verifiers.engine import Scorer
from verifiers.lane import LANE_WINDOW, Lane
from verifiers.scoring import ascore
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample, Status, Verdict

RIGHT, WRONG = Verdict(1.0, Status.CORRECT), Verdict(0.0, Status.INCORRECT)


class Machine(BaseTeacher):
    """Judges on a thread of its own; keeps what it was asked and how much was under way."""

    name, version = "machine", "1"
    deadline_s: ClassVar[float] = 30.0
    reads: ClassVar[tuple[str, ...]] = ("completion", "reference")

    def __init__(self, hold=False):
        self.asked, self.held, self.hold = [], [], hold
        self.under_way = self.most = 0

    def submit(self, sample):
        self.asked.append(sample.completion)
        if sample.completion == "raise":
            raise ValueError("no")
        if sample.completion == "odd":
            future = Future()
            future.set_result("a text")
            return future
        future = Future()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        future.add_done_callback(self._ended)
        if self.hold:
            self.held.append(future)
        else:
            threading.Timer(0.001, self._answer, (future, sample)).start()
        return future

    def _ended(self, _):
        self.under_way -= 1

    def _answer(self, future, sample):
        if future.set_running_or_notify_cancel():
            future.set_result(RIGHT if sample.completion == sample.reference else WRONG)


def test_score_when_the_teacher_has_a_lane_then_in_order_and_equal_ones_once():
    machine = Machine()
    samples = [Sample(str(n % 7), reference="3") for n in range(50)]
    verdicts = Scorer(machine).score(samples)
    assert [verdict.reward for verdict in verdicts] == [float(n % 7 == 3) for n in range(50)]
    assert len(machine.asked) == 7


@pytest.mark.parametrize("how", ["score", "settle", "stream"])
def test_each_way_when_a_sample_is_bad_then_only_that_one_is_not_judged(how):
    samples = [
        Sample("3", reference="3"),
        Sample("raise"),
        Sample("odd"),
        WRONG,
        Sample(None),
        Sample("4", reference="3"),
    ]
    verdicts = list(getattr(Scorer(Machine()), how)(samples))
    assert [verdict.reward for verdict in verdicts] == [1.0, None, None, 0.0, None, 0.0]
    statuses = [verdict.status for verdict in verdicts if verdict.reward is None]
    assert statuses == [Status.FAILED, Status.FAILED, Status.BAD_ROW]


def test_stream_when_pulled_then_no_more_than_the_window_is_under_way():
    machine = Machine(hold=True)
    taken = []

    def samples():
        for n in range(LANE_WINDOW * 2):
            taken.append(n)
            yield Sample(str(n), reference="x")

    stream = Scorer(machine).stream(samples())
    reader = threading.Thread(target=next, args=(stream,), daemon=True)
    reader.start()
    while len(machine.held) < LANE_WINDOW:
        time.sleep(0.001)
    machine.held[0].set_result(WRONG)
    reader.join(10)
    assert len(taken) == LANE_WINDOW
    stream.close()
    assert all(future.done() for future in machine.held), "what is not asked for any more is given up"


def test_lane_when_nothing_ends_for_too_long_then_all_is_given_up(monkeypatch):
    monkeypatch.setattr(lane_module, "_LOOK_S", 0.01)
    machine = Machine(hold=True)
    verdicts = Scorer(machine, deadline_s=0.1).score([Sample("a"), Sample("b")])
    assert [verdict.status for verdict in verdicts] == [Status.DEADLINE_EXCEEDED] * 2
    assert "--deadline" in verdicts[0].reason
    assert all(future.cancelled() for future in machine.held)


def test_lane_when_a_caller_gives_up_then_others_who_wait_for_an_equal_sample_still_get_it():
    machine = Machine(hold=True)
    lane = Lane(machine.submit, 30.0, lambda key, verdict: None, lambda key: None)
    one, other = lane.begin(("a",), Sample("a")), lane.begin(("a",), Sample("a"))
    assert one.cancel()
    assert not machine.held[0].cancelled()
    machine.held[0].set_result(RIGHT)
    assert other.result(5) == RIGHT
    assert len(machine.asked) == 1
    last = lane.begin(("b",), Sample("b"))
    last.cancel()
    assert machine.held[1].cancelled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_lane_when_the_process_forks_then_the_child_begins_anew():
    machine = Machine()
    scorer = Scorer(machine)
    assert scorer.score([Sample("1", reference="1")])[0].reward == 1.0
    child = os.fork()
    if child == 0:
        verdict = scorer.score([Sample("2", reference="2")])[0]
        os._exit(0 if verdict.reward == 1.0 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_ascore_when_cancelled_then_what_is_under_way_is_given_up():
    machine = Machine(hold=True)

    async def main():
        task = asyncio.create_task(ascore([Sample("a"), Sample("b")], machine))
        while len(machine.held) < 2:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert all(future.cancelled() for future in machine.held)


def test_ascore_when_called_many_times_then_no_thread_waits_for_each():
    machine = Machine(hold=True)
    before = threading.active_count()  # other tests' own

    async def main():
        calls = [asyncio.create_task(ascore([Sample(str(n), reference="5")], machine)) for n in range(300)]
        while len(machine.held) < 300:
            await asyncio.sleep(0.001)
        threads = threading.active_count()
        for future in machine.held:
            future.set_result(RIGHT)
        await asyncio.gather(*calls)
        return threads

    assert asyncio.run(main()) < before + 20
    assert machine.most == 300


def test_score_file_when_the_teacher_has_a_lane_then_rows_come_out_in_order(tmp_path, monkeypatch):
    from verifiers.io.config import RunConfig
    from verifiers.io.run import score_file

    machine = Machine()
    monkeypatch.setattr("verifiers.io.run.Scorer", lambda *_, **__: Scorer(machine))
    rows = [{"completion": str(n % 50), "reference": "7", "n": n} for n in range(3000)]
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(map(json.dumps, rows)) + "\nbroken\n", encoding="utf-8")
    summary = score_file(RunConfig(teacher="machine", sources=(str(source),), output=str(output), num_proc=2))
    written = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["reward"] for row in written[:-1]] == [float(n % 50 == 7) for n in range(3000)]
    assert written[-1]["status"] == "bad_row"
    assert summary.samples == 3001
    assert len(machine.asked) == 50


class Easy(BaseTeacher):
    """Says at once whether the completion is a 1."""

    name, version = "easy", "1"

    def quick(self, sample):
        return RIGHT if sample.completion == "1" else WRONG

    def judge(self, sample):
        return self.quick(sample)


@pytest.mark.parametrize("other", [Easy(), member(toy_teachers.Good, worker=True)], ids=["at once", "in a worker"])
def test_compose_when_a_member_has_machinery_then_the_whole_has_a_lane(other):
    machine = Machine()
    scorer = Scorer(compose(member(machine, weight=3), other))
    assert scorer.has_lane
    samples = [Sample(str(n % 4), reference="1") for n in range(40)]
    assert [verdict.reward for verdict in scorer.score(samples)] == [float(n % 4 == 1) for n in range(40)]
    assert len(machine.asked) == 4


def test_compose_when_a_gate_is_shut_then_the_member_with_machinery_is_not_asked():
    machine = Machine()
    scorer = Scorer(compose(member(Easy(), gate=True), machine))
    assert [verdict.reward for verdict in scorer.score([Sample("1", reference="1"), Sample("2", reference="2")])] == [
        1,
        0,
    ]
    assert machine.asked == ["1"]


def test_compose_when_the_machinery_fails_then_the_row_is_void_and_says_why():
    verdict = Scorer(compose(Machine(), Easy())).score([Sample("raise", reference="1")])[0]
    assert (verdict.reward, verdict.status) == (None, Status.FAILED)
    assert "no" in verdict.reason


def test_compose_when_given_up_then_its_members_are():
    machine = Machine(hold=True)
    scorer = Scorer(compose(machine, Easy()))
    future = scorer.begin(Sample("1", reference="1"))
    future.cancel()
    assert machine.held[0].cancelled()


def test_compose_when_no_member_has_machinery_then_there_is_no_lane():
    assert not Scorer(compose(Easy(), "format")).has_lane
    assert not Scorer("math").has_lane
