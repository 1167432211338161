"""Run programs, from anywhere: threads, event loops, forks. Equal settings share one pool of boxes in a process.

from sandbox.run import run
from sandbox.types import Job, Program, Stdio

run(Job(Program("python", "print(int(input()) * 2)"), Stdio((b"21",)))).runs[0].stdout
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import NamedTuple

from sandbox import loop
from sandbox.backend import Backend, OnReport
from sandbox.choose import choose
from sandbox.errors import SandboxUnavailable
from sandbox.settings import Settings
from sandbox.types import Job, JobReport

DEFAULTS = Settings()
IN_FLIGHT = 256
"""Jobs that `run_many` has under way at once: enough for any number of slots, and few enough to hold in memory."""
ASK_AGAIN_S = 5.0
"""For how long a missing sandbox is taken as missing without being looked for again."""
CLOSE_TIMEOUT_S = 30.0


class _Choice(NamedTuple):
    """A backend that is being, or was, chosen.

    Attributes:
        task: Gives it.
        since_s: When it was begun, by the loop's clock.
    """

    task: asyncio.Task[Backend]
    since_s: float


_choices: dict[Settings, _Choice] = {}


def run(job: Job, settings: Settings = DEFAULTS, on_report: OnReport | None = None) -> JobReport:
    """Carry out a job and wait for it.

    Args:
        job: The job.
        settings: Where and how.
        on_report: Called on the sandbox's own thread with each run's index and report; must be quick, and never waits
            for another job. `False` = run no more.

    Raises:
        SandboxUnavailable: If no backend can run programs here.
        UnsupportedLanguage: If there is no such language here.
    """
    return loop.wait(_run(job, settings, on_report))


def submit(job: Job, settings: Settings = DEFAULTS, on_report: OnReport | None = None) -> Future[JobReport]:
    """Begin a job and return its future, which raises what `run` would; cancelling that ends the program."""
    return loop.submit(_run(job, settings, on_report))


async def arun(job: Job, settings: Settings = DEFAULTS, on_report: OnReport | None = None) -> JobReport:
    """Carry out a job from any event loop; see `run`. Cancelling it ends the program."""
    return await asyncio.wrap_future(submit(job, settings, on_report))


def run_many(jobs: Iterable[Job], settings: Settings = DEFAULTS, in_flight: int = IN_FLIGHT) -> Iterator[JobReport]:
    """Carry out jobs side by side, and yield their reports in the jobs' order.

    Args:
        jobs: Any number of them; taken only as earlier ones are done.
        settings: Where and how.
        in_flight: How many are under way at once.

    Raises:
        SandboxUnavailable: If no backend can run programs here.
        UnsupportedLanguage: If there is no such language here.
    """
    begun: deque[Future[JobReport]] = deque()
    try:
        for job in jobs:
            begun.append(submit(job, settings))
            if len(begun) >= in_flight:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()


def backend_name(settings: Settings = DEFAULTS) -> str:
    """Return the name of the backend that these settings lead to.

    Raises:
        SandboxUnavailable: If there is none.
    """

    async def name() -> str:
        return (await shared(settings)).name

    return loop.wait(name())


def close_all() -> None:
    """End all programs and boxes of this process; what is begun later starts new ones."""
    if _choices:
        with contextlib.suppress(TimeoutError):
            loop.wait(_close_all(), CLOSE_TIMEOUT_S)


async def _run(job: Job, settings: Settings, on_report: OnReport | None) -> JobReport:
    return await (await shared(settings)).run(job, on_report)


async def shared(settings: Settings) -> Backend:
    """Return the backend that all users of these settings share; for work that is itself on the sandbox's loop.

    Raises:
        SandboxUnavailable: If there is none.
    """
    now_s = asyncio.get_running_loop().time()
    choice = _choices.get(settings)
    if choice is None or (_has_failed(choice.task) and now_s - choice.since_s > ASK_AGAIN_S):
        choice = _choices[settings] = _Choice(asyncio.create_task(choose(settings)), now_s)
    try:
        return await asyncio.shield(choice.task)
    except SandboxUnavailable as error:
        # The same object raised to many would grow by a traceback each time.
        raise SandboxUnavailable(*error.args) from None


def _has_failed(task: asyncio.Task[Backend]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _close_all() -> None:
    choices = list(_choices.values())
    _choices.clear()
    for choice in choices:
        choice.task.cancel()
    found = await asyncio.gather(*(choice.task for choice in choices), return_exceptions=True)
    await asyncio.gather(*(backend.close() for backend in found if not isinstance(backend, BaseException)))


def _forget_in_fork() -> object:
    """Let a fork choose anew; what its parent has stays the parent's."""
    global _choices
    kept, _choices = _choices, {}
    return kept


loop.call_at_fork(_forget_in_fork)
atexit.register(close_all)
