"""The pool over boxes that are made up: order, retries, replacement, silence, and an engine that is gone."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from sandbox import pool as pool_module
from sandbox import slot as slot_module
from sandbox.box.frames import PROTOCOL_VERSION, Decoder, encode
from sandbox.errors import SandboxError
from sandbox.launcher import Started
from sandbox.pool import Pool
from sandbox.types import MIB, Job, JobReport, Limits, Outcome, Program, Report, Stdio

T = TypeVar("T")


class MadeUpBox:
    """The other end of a line: answers jobs by the words of their source."""

    def __init__(self, line: socket.socket, launcher: "MadeUpLauncher") -> None:
        self._line = line
        self._launcher = launcher
        self.given: list[str] = []
        self.cancelled: set[int] = set()
        self.queue: list[tuple[dict[str, Any], list[bytes]]] = []

    def say(self, header: dict[str, Any], blobs: tuple[bytes, ...] = ()) -> None:
        self._line.send(encode(header, blobs))

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        self._line.setblocking(False)
        self.say({"op": "hello", "version": self._launcher.version, "tools": {}})
        decoder, arrived = Decoder(), asyncio.Event()
        worker = loop.create_task(self._work(arrived))
        while not worker.done():
            reading = loop.create_task(loop.sock_recv(self._line, 65536))
            await asyncio.wait({reading, worker}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done() or reading.exception() or not reading.result():
                break
            for header, blobs in decoder.feed(reading.result()):
                if header["op"] == "job":
                    self.queue.append((header, blobs))
                elif (queued := [one for one in self.queue if one[0]["id"] == header["id"]]) != []:
                    self.queue.remove(queued[0])
                    self.say({"op": "done", "id": header["id"], "cancelled": True})
                else:
                    self.cancelled.add(header["id"])
                arrived.set()
        worker.cancel()
        self._line.close()

    async def _work(self, arrived: asyncio.Event) -> None:
        while True:
            while not self.queue:
                arrived.clear()
                await arrived.wait()
            header, blobs = self.queue.pop(0)
            word = blobs[header["launch"]["source"]].decode()
            self.given.append(word)
            self._launcher.seen.append(word)
            if word.startswith("die"):
                return
            if word == "hang":
                await asyncio.sleep(3600)
            if word == "slow":
                await asyncio.sleep(0.5)
            if word == "retire":
                self.say({"op": "retire", "reason": "unfit"})
                await asyncio.sleep(3600)
            failure = "no luck" if word == "fail" else ""
            if header["id"] not in self.cancelled and not failure:
                for run, stdin in enumerate(header["work"]["stdins"]):
                    answer = {"op": "report", "id": header["id"], "run": run, "outcome": "ok", "stdout": 0}
                    self.say(answer, (blobs[stdin],))
                    await asyncio.sleep(0)
                    if header["id"] in self.cancelled:
                        break
            cancelled = header["id"] in self.cancelled
            self.say({"op": "done", "id": header["id"], "cancelled": cancelled, "failure": failure})


class MadeUpLauncher:
    name = "made up"
    image = "none"

    def __init__(self) -> None:
        self.version = PROTOCOL_VERSION
        self.boxes: list[MadeUpBox] = []
        self.seen: list[str] = []
        self.ended: list[str] = []
        self.refuses = False
        self._serving: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        pass

    async def start(self) -> Started:
        if self.refuses:
            raise SandboxError("the engine is gone")
        ours, theirs = socket.socketpair()
        self.boxes.append(MadeUpBox(theirs, self))
        self._serving.append(asyncio.create_task(self.boxes[-1].serve()))
        line = ours.detach()
        return Started(str(len(self.boxes)), line, line)

    async def died(self, handle: str) -> str:
        return ""

    async def end(self, handle: str) -> str:
        self.ended.append(handle)
        return "it ran out of luck"

    async def close(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for box in self.boxes:
            box._line.close()


def job(word: str, *stdins: bytes, limits: Limits | None = None) -> Job:
    return Job(Program("python", word), Stdio(stdins or (b"x",)), limits or Limits())


def with_pool(work: Callable[[Pool, MadeUpLauncher], Awaitable[T]], slots: int = 2) -> T:
    async def main() -> T:
        launcher = MadeUpLauncher()
        pool = Pool(launcher, slots, 1024 * MIB)
        try:
            return await asyncio.wait_for(work(pool, launcher), 30)
        finally:
            await pool.close()

    before = len(os.listdir("/proc/self/fd"))
    result = asyncio.run(main())
    assert len(os.listdir("/proc/self/fd")) <= before, "a descriptor was left open"
    return result


def failure_of(report: JobReport) -> str:
    assert report.failure is not None
    assert report.failure.outcome is Outcome.INFRASTRUCTURE
    return report.failure.detail


def test_jobs_when_many_then_all_are_answered_and_boxes_are_few():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> tuple[list[JobReport], int]:
        jobs = (pool.run(job("say", b"%d" % number)) for number in range(300))
        return await asyncio.gather(*jobs), len(launcher.boxes)

    reports, boxes = with_pool(work)
    assert [report.runs[0].stdout for report in reports] == [b"%d" % number for number in range(300)]
    assert boxes == 2


def test_job_when_one_then_only_one_box_is_started():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> int:
        await pool.run(job("say"))
        return len(launcher.boxes)

    assert with_pool(work, slots=8) == 1


def test_job_when_its_box_dies_each_time_then_it_fails_with_the_reason_and_others_do_not():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> tuple[list[JobReport], list[str]]:
        jobs = [pool.run(job("die" if number == 7 else f"say {number}")) for number in range(40)]
        return await asyncio.gather(*jobs), launcher.seen

    reports, seen = with_pool(work)
    assert failure_of(reports[7]) == (
        "the sandbox failed 3 times at this, the last time because the box is gone; it ran out of luck"
    )
    assert all(report.failure is None for number, report in enumerate(reports) if number != 7)
    assert seen.count("die") == 3


def test_job_when_the_box_retires_before_it_then_it_is_not_blamed():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> JobReport:
        retiring = asyncio.create_task(pool.run(job("retire")))
        await asyncio.sleep(0.3)
        retiring.cancel()
        return await pool.run(job("say"))

    assert with_pool(work).failure is None


def test_job_when_the_box_says_that_it_failed_then_it_is_tried_three_times():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> tuple[JobReport, int]:
        return await pool.run(job("fail")), launcher.seen.count("fail")

    report, tries = with_pool(work)
    assert "no luck" in failure_of(report)
    assert tries == 3


def test_job_when_the_box_is_silent_then_it_is_tried_elsewhere_and_given_up(monkeypatch):
    monkeypatch.setattr(slot_module, "SILENCE_GRACE_S", 0.1)

    async def work(pool: Pool, launcher: MadeUpLauncher) -> JobReport:
        return await pool.run(job("hang", limits=Limits(cpu_s=0.01, memory_bytes=MIB)))

    monkeypatch.setattr(Limits, "wall_s", property(lambda limits: 0.1))
    assert "silent" in failure_of(with_pool(work))


def test_jobs_when_one_is_slow_then_those_behind_it_move_to_the_idle_box():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> list[int]:
        await asyncio.gather(*(pool.run(job("slow")) for _ in range(6)))
        return [len(box.given) for box in launcher.boxes]

    assert with_pool(work) == [3, 3]


def test_boxes_when_none_can_be_started_then_jobs_fail_with_the_reason_and_later_ones_at_once(monkeypatch):
    monkeypatch.setattr(pool_module, "PATIENCE_S", 0.3)
    monkeypatch.setattr(pool_module, "PAUSES_S", (0.05,))

    async def work(pool: Pool, launcher: MadeUpLauncher) -> list[JobReport]:
        launcher.refuses = True
        first = await asyncio.gather(*(pool.run(job("say")) for _ in range(20)))
        second = await pool.run(job("say"))
        launcher.refuses = False
        return [*first, second, await pool.run(job("say"))]

    *failed, last = with_pool(work)
    assert {failure_of(report) for report in failed} == {"no box can be started: the engine is gone"}
    assert last.failure is None


def test_box_when_it_speaks_another_version_then_it_is_not_used(monkeypatch):
    monkeypatch.setattr(pool_module, "PATIENCE_S", 0.1)
    monkeypatch.setattr(pool_module, "PAUSES_S", (0.05,))

    async def work(pool: Pool, launcher: MadeUpLauncher) -> JobReport:
        launcher.version = PROTOCOL_VERSION + 1
        return await pool.run(job("say"))

    assert "speaks version 2 of the protocol" in failure_of(with_pool(work))


def test_on_report_when_it_raises_then_the_caller_gets_its_own_error():
    def broken(run: int, report: Report) -> bool:
        raise KeyError("mine")

    async def work(pool: Pool, launcher: MadeUpLauncher) -> JobReport:
        return await pool.run(job("say", *[b"x"] * 20), broken)

    with pytest.raises(KeyError, match="mine"):
        with_pool(work)


def test_on_report_when_it_says_no_then_the_job_is_cancelled():
    async def work(pool: Pool, launcher: MadeUpLauncher) -> JobReport:
        return await pool.run(job("say", *[b"x"] * 5000), lambda run, report: run < 2)

    report = with_pool(work)
    assert report.failure is None
    assert 3 <= len(report.runs) < 5000


def test_close_when_jobs_are_queued_then_they_end_with_the_reason():
    async def main() -> list[JobReport]:
        launcher = MadeUpLauncher()
        pool = Pool(launcher, 1, 1024 * MIB)
        waiting = [asyncio.create_task(pool.run(job("hang"))) for _ in range(3)]
        await asyncio.sleep(0.2)
        await pool.close()
        return await asyncio.gather(*waiting)

    assert {failure_of(report) for report in asyncio.run(main())} == {"the sandbox was closed"}
