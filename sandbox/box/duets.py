"""Duets: a program and a grader, each a process and a user of its own, joined by a socket."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any

from . import calls, duet_grader, limits, outcomes, runs, warm

if TYPE_CHECKING:
    from .jobs import Work

GONE = "gone"
"""The program left the grader alone: how it ended says why."""
GRACE_S = 0.25
MAX_REPORT_BYTES = 1 << 20


class _Checks(calls.Line):
    """Takes in the grader's reports."""

    def __init__(self, work: Work, sock: socket.socket, watch: limits.Watch, first: int) -> None:
        super().__init__(sock, MAX_REPORT_BYTES)
        self._work, self._watch = work, watch
        self._count = len(work.header["work"]["checks"])
        self.next = first
        self.loaded = True

    def record(self, record: bytes, run: runs.Finished) -> None:
        """Take in the report of one check."""
        tag, text = record[:1], record[1:]
        if tag == duet_grader.GONE:
            run.reason, run.spare_until = GONE, time.monotonic() + GRACE_S
            self.loaded = text != duet_grader.BEFORE_LOADED.encode()
            return
        if run.reason:
            return
        outcome = self._work.say(self.next, (_told(tag, text, self._watch), []))
        self.next += 1
        if self.next >= self._count or self._work.over(outcome):
            run.reason = calls.DONE
        self._watch.start(living=True)


def _told(tag: bytes, text: bytes, watch: limits.Watch) -> dict[str, Any]:
    spent = {"cpu_s": round(watch.spent_s(), 6), "wall_s": round(watch.wall_s, 6)}
    if tag == duet_grader.PASSED:
        return {**outcomes.plain(outcomes.OK, ""), **spent}
    origin, error = json.loads(text)
    header = outcomes.plain(outcomes.RUNTIME_ERROR, error.split("\n", 1)[0])
    return {**header, **spent, "error": error, "origin": origin}


def perform(work: Work) -> None:
    """Run all checks of a job."""
    count, at = len(work.header["work"]["checks"]), 0
    while at < count:
        at, told, final = _one_pair(work, at)
        if told is None:
            return
        outcome = work.say(at, told)
        at += 1
        while final and at < count and not work.over(outcome):
            work.say(at, told)
            at += 1
        if work.over(outcome):
            return


def _tests(work: Work) -> int:
    """Return a memory file with the grader's source and its checks."""
    asked = work.header["work"]
    sources = [work.blobs[blob].decode("utf-8", "replace") for blob in (asked["grader"], *asked["checks"])]
    return warm.memory_file("tests", json.dumps(sources).encode())


def _plans(work: Work, first: int) -> list[dict[str, Any]]:
    asked = work.header["work"]
    times = len(asked["checks"]) - first + 1
    grader = {
        **work.plan("grader", 6, work.limits, times=times), "dumpable": False, "first": first, "names": asked["names"],
        "write_back": bool(asked.get("write_back")),
    }  # fmt: skip
    program = work.plan("program", 5, work.limits, times=times)
    return [{**program, "names": asked["names"]}, grader]


def _one_pair(work: Work, first: int) -> tuple[int, Any, bool]:
    """Run checks until a process ends. Returns as `calls._one_process` does."""
    ours, reports = socket.socketpair()
    peers = socket.socketpair()
    files = [warm.memory_file(name) for name in ("stdin", "stdout", "stderr", "stdin", "stdout", "stderr")]
    sources = [work.source(), _tests(work)]
    fds = [*files[:3], peers[0].fileno(), sources[0], *files[3:], peers[1].fileno(), sources[1], reports.fileno()]

    def close_theirs() -> None:
        for sock in (reports, *peers):
            sock.close()

    try:
        work.lay_work_files()
        watch = limits.Watch(work.limits, work.runner.usage, (files[1], files[2]))
        talk = _Checks(work, ours, watch, first)
        run = work.runner.run(_plans(work, first), fds, watch, work.preload, talk, close_theirs)
        if run.reason in (calls.DONE, runs.CANCELLED):
            return talk.next, None, True
        return talk.next, _ended(work, run, watch, files), not talk.loaded
    finally:
        close_theirs()
        ours.close()
        for fd in (*files, *sources):
            os.close(fd)


def _ended(work: Work, run: runs.Finished, watch: limits.Watch, files: list[int]) -> tuple[dict[str, Any], list[bytes]]:
    """Return the report of a check that has none, by how the processes ended."""
    gone = run.reason == GONE
    grader_failed = not run.reason and not run.oom
    if gone:
        run.reason = ""
    header, blobs = outcomes.report(run, watch, (files[1], files[2]), work.runner.token, origin="program")
    if header["outcome"] == outcomes.OK:
        header.update(outcome=outcomes.RUNTIME_ERROR, detail="it ended before it answered the tests")
        if grader_failed and not gone:
            text = outcomes.tail(files[5]).decode("utf-8", "replace")
            header.update(
                origin="grader", error=f"the tests' process ended: {text[-500:]}", detail="the tests' process ended"
            )
    return header, blobs
