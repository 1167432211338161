"""One job on its way: which reports have come, how often it was tried, and who waits for it."""

from __future__ import annotations

import asyncio

from sandbox.backend import OnReport
from sandbox.errors import SandboxError
from sandbox.languages.language import TOOL_MISSING, Plan
from sandbox.languages.registry import missing_tool
from sandbox.types import Job, JobReport, Outcome, Report

MAX_TRIES = 3
"""How often a job is run before its failure is reported; one try and two retries."""


class Task:
    """A job that somebody waits for. All methods belong to the loop's thread.

    Attributes:
        job: The job.
        plan: What its language makes of it.
        done: Its `JobReport`, once there is one.
        tries: How often a box was lost, or failed, while it worked on this job.
        settled: Whether the caller has asked for no more runs.
    """

    def __init__(self, job: Job, plan: Plan, on_report: OnReport | None) -> None:
        self.job = job
        self.plan = plan
        self.done: asyncio.Future[JobReport] = asyncio.get_running_loop().create_future()
        self.tries = 0
        self.settled = False
        self._on_report = on_report
        self._reports: dict[int, Report] = {}
        self._compiled: Report | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether it was in a box that was lost: such a job is run with no other job queued behind it."""
        return self.tries > 0

    @property
    def longest_s(self) -> float:
        """Seconds that its longest step may take by the wall clock."""
        compiling_s = self.plan.compile.limits.wall_s if self.plan.compile else 0.0
        return max(compiling_s, self.job.limits.wall_s)

    def compiled(self, report: Report) -> None:
        """Take the compiler's report."""
        self._compiled = report
        if report.exit_code == TOOL_MISSING:
            self.refuse(missing_tool(self.plan))

    def report(self, run: int, report: Report) -> bool:
        """Take the report of one run, unless an earlier try gave it; return whether more runs are wanted."""
        if run not in self._reports and not self.done.done():
            self._reports[run] = report
            if self._on_report is not None and not self._ask(run, report):
                self.settled = True
        return not self.settled and not self.done.done()

    def _ask(self, run: int, report: Report) -> bool:
        assert self._on_report is not None
        try:
            return self._on_report(run, report)
        except Exception as error:  # the caller's own code; it gets its own error back
            self.done.set_exception(error)
            return False

    def finish(self) -> None:
        """Give what has been reported to whoever waits."""
        refused = self._compiled if self._compiled and self._compiled.outcome is not Outcome.OK else None
        self._give(refused)

    def refuse(self, error: SandboxError) -> None:
        """Give an error to whoever waits."""
        if not self.done.done():
            self.done.set_exception(error)

    def fail(self, reason: str) -> None:
        """Report that the job could not be carried out, for our own reasons."""
        self._give(Report(Outcome.INFRASTRUCTURE, detail=reason))

    def _give(self, failure: Report | None) -> None:
        if not self.done.done():
            runs = tuple(self._reports[run] for run in sorted(self._reports))
            self.done.set_result(JobReport(runs, self._compiled, failure))
