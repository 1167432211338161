"""Where programs run: one shared sandbox for all teachers of a process with the same settings, used from anywhere."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from concurrent.futures import Future
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from sandbox.errors import SandboxError, SandboxUnavailable, UnsupportedLanguage, UnsupportedWork
from verifiers.catalog.code.foreign_judge import Untold, expected_values
from verifiers.catalog.code.judge import How, Infrastructure, Runs, judge_program, trusted_results
from verifiers.catalog.code.prelude import with_common_imports
from verifiers.catalog.code.program import Found
from verifiers.catalog.code.show import show_text
from verifiers.catalog.code.task import BadReference, CallTest, Task
from verifiers.types import Status, Verdict

if TYPE_CHECKING:
    from sandbox.settings import Settings

MAX_TRUSTED = 512
"""Most right solutions whose results are remembered."""
SHOWN_PROGRAM = 4_000
"""Longest program that a verdict quotes, in characters."""


class Host:
    """Begins jobs on the sandbox's loop and makes verdicts of what comes back.

    Args:
        sandbox, mode, slots, memory_bytes, runtime, image: As of `sandbox.settings.Settings`.
    """

    def __init__(
        self, sandbox: str, mode: Literal["uid", "strict"], slots: int, memory_bytes: int, runtime: str, image: str
    ) -> None:
        self._wanted: dict[str, Any] = {
            "backend": sandbox,
            "mode": mode,
            "slots": slots,
            "memory_bytes": memory_bytes,
            "runtime": runtime,
            "image": image,
        }
        self._settings: Settings | None = None
        self._trusted: OrderedDict[tuple[int, bytes], asyncio.Task[list[object]]] = OrderedDict()

    def submit(self, task: Task, language: str, found: Found, how: How) -> Future[Verdict]:
        """Begin to judge a program; never raises for what it does."""
        from sandbox import loop  # asyncio is not light, and only needed where something runs

        return loop.submit(self._verdict(task, language, found, how))

    async def _backend(self) -> Runs:
        from sandbox.run import shared
        from sandbox.settings import Settings

        if self._settings is None:
            self._settings = Settings(**self._wanted)
        return await shared(self._settings)

    async def _verdict(self, task: Task, language: str, found: Found, how: How) -> Verdict:
        source = with_common_imports(found.source) if task.common_imports and language == "python" else found.source
        try:
            backend = await self._backend()
            expected = await self._expected(backend, task, how)
            verdict = await judge_program(backend, task, language, source, how, expected)
        except BadReference as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        except UnsupportedWork as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        except UnsupportedLanguage as error:
            return Verdict(None, Status.UNAVAILABLE, str(error))
        except SandboxUnavailable as error:
            return Verdict(None, Status.UNAVAILABLE, f"there is no sandbox to run programs in: {error}")
        except (SandboxError, Infrastructure) as error:
            return Verdict(None, Status.FAILED, f"the sandbox failed: {show_text(str(error))}")
        return _with_answer(verdict, found.answer[:SHOWN_PROGRAM])

    async def _expected(self, backend: Runs, task: Task, how: How) -> list[object]:
        """Return what the right solution gives, which is run once for all samples of the task."""
        if task.foreign is not None and task.foreign.expected_work is None:
            return [test.expected for test in task.foreign.tests]
        if task.trusted is None and task.foreign is None:
            return []
        key = (id(asyncio.get_running_loop()), _digest(task))
        running = self._trusted.get(key)
        if running is None or (running.done() and (running.cancelled() or _failed_for_now(running))):
            running = self._trusted[key] = asyncio.create_task(_run_trusted(backend, task, how))
            while len(self._trusted) > MAX_TRUSTED:
                self._trusted.popitem(last=False)
        return await asyncio.shield(running)


def _digest(task: Task) -> bytes:
    """Return what tells the trusted program of a task from others, and what it is asked."""
    source = task.trusted.source if task.trusted else repr(task.foreign)
    digest = blake2b(source.encode("utf-8", "replace"))
    for test in task.tests:
        digest.update(test.arguments if isinstance(test, CallTest) else b"")
    return digest.digest()


async def _run_trusted(backend: Runs, task: Task, how: How) -> list[object]:
    if task.foreign is None:
        return await trusted_results(backend, task, how)
    try:
        return await expected_values(backend.run, task.foreign, how.limits_of(task))
    except Untold as error:
        raise Infrastructure(str(error)) from error


def _failed_for_now(running: asyncio.Task[list[object]]) -> bool:
    error = running.exception()
    return error is not None and not isinstance(error, BadReference)


def _with_answer(verdict: Verdict, answer: str) -> Verdict:
    return Verdict(verdict.reward, verdict.status, verdict.reason, answer, verdict.parts, verdict.elapsed_s)
