"""An honest double of a sandbox's backend, for the code teacher's own logic: it runs our own test programs in here."""

import contextlib
import io
import sys
import traceback

from sandbox.box import values
from sandbox.types import Calls, Job, JobReport, Outcome, Report, Stdio


class FakeBackend:
    """Runs trusted Python programs in this process. Knows no limits; a program says `LIMIT(name)` to reach one."""

    name = "fake"

    def __init__(self):
        self.jobs = []

    async def run(self, job: Job, on_report=None) -> JobReport:
        self.jobs.append(job)
        runs = []
        for run, report in enumerate(_reports(job)):
            runs.append(report)
            if on_report is not None and not on_report(run, report):
                break
            if job.stop_early and report.outcome is not Outcome.OK:
                break
        return JobReport(tuple(runs))

    async def close(self) -> None:
        pass


class Limit(BaseException):
    pass


def limit(name):
    raise Limit(name)


def _reports(job):
    work = job.work
    if isinstance(work, Stdio):
        for stdin in work.stdins:
            yield _stdio(job, stdin)
    elif isinstance(work, Calls):
        scope, failure = _loaded(job)
        for arguments in work.arguments:
            yield failure or _call(scope, work.entry_point, arguments)
    else:
        scope, failure = _loaded(job)
        tests = {name: scope[name] for name in work.names if name in scope} if scope else {}
        failure = failure or _guarded(lambda: exec(work.grader, tests), "grader")
        for check in work.checks:
            yield failure or _guarded(lambda check=check: exec(check, tests), "grader") or Report(Outcome.OK)


def _loaded(job):
    scope = {"__name__": "solution", "LIMIT": limit}
    return scope, _guarded(lambda: exec(job.program.source, scope), "program")


def _guarded(work, origin):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            work()
    except Limit as hit:
        return Report(Outcome(hit.args[0]))
    except BaseException as error:
        origin = "check" if isinstance(error, AssertionError) and origin == "grader" else origin
        return Report(Outcome.RUNTIME_ERROR, error=f"{type(error).__name__}: {error}", origin=origin, exit_code=1)
    return None


def _call(scope, name, arguments):
    made = []

    def work():
        args, kwargs = values.loads(arguments)
        first, *rest = name.split(".")
        found = scope[first]
        for step in rest:
            found = getattr(found() if isinstance(found, type) else found, step)
        made.append(values.dumps(found(*args, **kwargs)))

    failure = _guarded(work, "program")
    return failure or Report(Outcome.OK, value=made[0])


def _stdio(job, stdin):
    out, err, files = io.TextIOWrapper(io.BytesIO(), "utf-8"), "", dict(job.program.files)
    scope = {"__name__": "__main__", "LIMIT": limit, "FILES": files}
    kept = sys.stdin, sys.argv
    sys.stdin, sys.argv = io.TextIOWrapper(io.BytesIO(stdin), "utf-8"), ["main.py", *job.work.args]
    status = 0
    try:
        with contextlib.redirect_stdout(out):
            exec(job.program.source, scope)
    except Limit as hit:
        return Report(Outcome(hit.args[0]))
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:
        status, err = 1, traceback.format_exc()
    finally:
        sys.stdin, sys.argv = kept
    out.flush()
    outcome = Outcome.RUNTIME_ERROR if status else Outcome.OK
    return Report(outcome, stdout=out.buffer.getvalue(), stderr=err.encode(), exit_code=status)
