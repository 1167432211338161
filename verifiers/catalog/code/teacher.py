"""Programs, run against tests in a sandbox: the expected values and the comparison never enter the program's process.

Accepts as reference (see docs/code.md):
  - `{"language", "tests": [{"stdin", "stdout"}], "checker"}`; checker: tokens (default), exact, float, unordered_lines,
    `{"name": "float", "abs": 1e-6, "rel": 1e-6}`, or a program `{"language", "source"}`
  - `{"language", "entry_point", "tests": [{"args", "kwargs", "expected"}]}`
  - `{"language", "entry_point", "asserts": text or list}`
  - rows of HumanEval, MBPP, mxeval, EvalPlus, APPS / TACO (`input_output`), LiveCodeBench, verl's prime_code,
    CodeContests and open-r1 verifiable code, as the reference or as the sample's own columns.

The program stands in the last code fence of the language (of those that define the entry point), or is the whole
answer; a completion that goes on where the prompt's function ends is joined with it.

Refuses: whatever a program says of itself (its exit status, a printed "passed", a result whose `__eq__` lies). A
program past its limits of CPU time, memory or output is judged `limit_exceeded`. Without a backend nothing is judged.

Known limits: tests run in the order given, all literal calls of a program in one process; floats are equal or not
unless the reference says otherwise; asserts for other languages than Python must be calls with literal arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import ClassVar, Literal

from sandbox.types import MIB, Limits
from verifiers.catalog.code.cases import CASES
from verifiers.catalog.code.host import Host
from verifiers.catalog.code.judge import How
from verifiers.catalog.code.languages import LANGUAGES, language_named
from verifiers.catalog.code.plans import PlanCache
from verifiers.catalog.code.program import Found, NoProgram, TooLong, find_program
from verifiers.catalog.code.task import BadReference, Task
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Sample, Status, Verdict, text_of

__all__ = ["CASES", "CodeTeacher"]

SHOWN_PROGRAM = 4_000
"""Longest program that a verdict quotes, in characters."""
MIN_SLOT_MB = 1024


@dataclass(frozen=True)
class Options:
    """Options of the code teacher.

    Attributes:
        sandbox: Where programs run: docker, bwrap, unsafe_local (no protection at all), or auto = docker if an engine
            answers, else bwrap; a third party's as `module:function`.
        mode: uid (a user of its own for each program), or strict (also fresh namespaces and file systems).
        slots: Programs that run at the same time; 0 = one for each CPU.
        cpu_s: CPU seconds of one run, where the reference says nothing else.
        memory_mb: Memory of one run in MiB, where the reference says nothing else.
        output_mb: What one run may write, in MiB.
        credit: all = 1.0 if every test passes, else 0.0; fraction = the share of tests that pass, if it is more than a
            guess would pass.
        language: The programs' language where the reference names none; auto = as the code fence says, else python.
        runtime: The container engine's runtime, e.g. runsc; empty = its default.
        image: A container image of your own; empty = the one that `verify sandbox build` makes.
    """

    sandbox: str = "auto"
    mode: Literal["uid", "strict"] = "uid"
    slots: int = 0
    cpu_s: float = 6.0
    memory_mb: int = 512
    output_mb: int = 16
    credit: Literal["all", "fraction"] = "all"
    language: str = "auto"
    runtime: str = ""
    image: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: If a number is out of its range, or the language is not known.
        """
        if not (0 < self.cpu_s <= 3600 and 16 <= self.memory_mb <= 1 << 20 and 1 <= self.output_mb <= 512):
            raise ValueError("allowed: cpu_s to 3600, memory_mb from 16, output_mb 1 to 512")
        if not 0 <= self.slots <= 256:
            raise ValueError("allowed: slots 0 to 256")
        if self.language != "auto" and language_named(self.language) is None:
            raise ValueError(f"allowed as language: auto, {', '.join(LANGUAGES)}")


@teacher(version="1", options=Options)
class CodeTeacher(BaseTeacher):
    """See the module's docstring."""

    deadline_s: ClassVar[float] = 600.0

    def __init__(self, options: Options) -> None:
        self.options = options
        slot_mb = max(MIN_SLOT_MB, 2 * options.memory_mb)
        limits = Limits(cpu_s=options.cpu_s, memory_bytes=options.memory_mb * MIB, output_bytes=options.output_mb * MIB)
        self._how = How(limits, options.credit, slot_mb * MIB)
        self._host = Host(options.sandbox, options.mode, options.slots, slot_mb * MIB, options.runtime, options.image)
        self._plans = PlanCache()

    def submit(self, sample: Sample) -> Future[Verdict] | None:
        """Begin to judge a sample; what needs no program to run is settled at once."""
        begun = self._begin(sample)
        if isinstance(begun, Verdict):
            future: Future[Verdict] = Future()
            future.set_result(begun)
            return future
        task, found, language = begun
        return self._host.submit(task, language, found, self._how)

    def _begin(self, sample: Sample) -> Verdict | tuple[Task, Found, str]:
        try:
            task = self._plans.task_of(sample)
        except BadReference as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        try:
            found = find_program(text_of(sample.completion), task, self._language(task))
        except NoProgram as error:
            status = Status.LIMIT_EXCEEDED if isinstance(error, TooLong) else Status.UNPARSABLE
            return Verdict(0.0, status, str(error))
        return task, found, found.language

    def _language(self, task: Task) -> str:
        """Return the language of a task's programs; empty = whichever the code fence says."""
        return task.language or ("" if self.options.language == "auto" else language_named(self.options.language) or "")

    def judge(self, sample: Sample) -> Verdict:
        """Judge one sample, and wait for it."""
        return self.score([sample])[0]

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Judge samples at the same time, as many as there are slots."""
        futures = [self.submit(sample) for sample in samples]
        return [future.result() for future in futures if future is not None]

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return how the reference was read and which program was found; the verdict's parts say what became of it."""
        begun = self._begin(sample)
        if isinstance(begun, Verdict):
            return [("not run", begun.reason)]
        task, found, language = begun
        kind = {"StdioTest": "stdin/stdout", "CallTest": "calls", "CheckTest": "checks of a grader"}
        kind["ForeignTest"] = "calls written in the language"
        steps = [
            ("reference", f"{task.shape}: {len(task.tests)} tests, {kind[type(task.tests[0]).__name__]}"),
            ("language", language),
        ]
        if task.entry_point:
            steps.append(("entry point", task.entry_point))
        steps += [(name, told) for name, told in self._details(task) if told]
        return [*steps, ("found in", found.place), ("program", found.source[:SHOWN_PROGRAM])]

    def _details(self, task: Task) -> list[tuple[str, str]]:
        limits = self._how.limits_of(task)
        checker = "a program" if task.checker.program else task.checker.name
        return [
            ("checker", checker if hasattr(task.tests[0], "stdin") else ""),
            ("proxies in the grader", ", ".join(task.names)),
            ("expected", "what the canonical solution returns" if task.trusted else ""),
            ("limits", f"{limits.cpu_s:g} s CPU, {limits.memory_bytes // MIB} MiB of memory"),
        ]
