"""What a teacher is, and the decorator that makes one out of a function or a class.

A teacher file holds one `@teacher` and one table `CASES`:

    @teacher(version="1", options=Options)
    def parity(sample: Sample, options: Options) -> Verdict: ...

    CASES = [accept("4", reference="even"), reject("3", reference="even"), adversarial(...), unscorable("4")]

The registry names it by its path under the catalog.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, cast, runtime_checkable

from verifiers.errors import MissingExtra, UsageError
from verifiers.types import Json, Sample, Status, Text, Verdict

if TYPE_CHECKING:
    from concurrent.futures import Future


@runtime_checkable
class Teacher(Protocol):
    """Anything that scores samples: batch in, batch out, in the same order."""

    @property
    def name(self) -> str:
        """The id in the catalog, e.g. `math`."""

    @property
    def version(self) -> str:
        """Changes whenever a verdict may change."""

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Judge the samples; never raises for what a sample holds."""


@dataclass(frozen=True)
class NoOptions:
    """For teachers without options."""


class BaseTeacher:
    """A comfortable base: implement `judge`, or `quick` if the work is provably bounded, or both if part of it is.

    Attributes:
        name, version: Set by `TeacherSpec.build`.
        deadline_s: Default wall-clock seconds for one sample in a worker.
        preload: Modules that a worker process imports before it is forked.
        reads: The fields of `Sample` that decide the verdict; samples equal in them are judged once.
        made_by: The spec and the options it was built from: what a worker process needs to build it again.
    """

    name: str = "unnamed"
    version: str = "0"
    made_by: tuple[TeacherSpec, object] | None = None
    deadline_s: ClassVar[float] = 5.0
    preload: ClassVar[tuple[str, ...]] = ()
    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "prompt", "meta")

    def quick(self, sample: Sample) -> Verdict | None:
        """Judge within hard bounds on time and memory, in the caller's process; `None` = a worker must do it.

        Whatever it returns must equal what `judge` returns.
        """
        return None

    def submit(self, sample: Sample) -> Future[Verdict] | None:
        """Begin to judge with machinery of the teacher's own; `None` = it has none, as most have not.

        A teacher that overrides this one runs in the caller's process: it must return at once, whatever the sample
        holds, and its machinery must bound all work by itself. Thousands may be under way at the same time.
        """
        return None

    def repeated(self, sample: Sample) -> None:
        """Hear of a sample that was given the verdict of an equal one; only teachers with a `submit` are told."""

    def judge(self, sample: Sample) -> Verdict:
        """Judge one sample without bounds of its own: runs in a worker that is killed at the deadline.

        A teacher whose `quick` judges everything needs none.
        """
        verdict = self.quick(sample)
        if verdict is None:
            raise TypeError(f"{type(self).__name__} has no `judge` for what its `quick` leaves: write one")
        return verdict

    def score(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Judge the samples one by one."""
        return [self._judge_if_installed(sample) for sample in samples]

    def _judge_if_installed(self, sample: Sample) -> Verdict:
        """Judge one sample; a package that it alone needs and that is absent is no reason to fail the others."""
        try:
            return self.judge(sample)
        except MissingExtra as error:
            return Verdict(None, Status.UNAVAILABLE, str(error))

    def stamp(self) -> str:
        """Say what it reads besides its options, and in which state that is now: one line each, name and digest.

        For what may change under the same name, such as the folder of a model that is trained anew; `stamp_line` makes
        the lines. When the stamp changes, `score` builds the teacher anew and `--resume` refuses to go on. Each call of
        `score` asks for it, so it must be quick; `""` = there is no such thing, as with most.
        """
        return ""

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return (step, finding) pairs: what was extracted, how it was compared, why. For a human."""
        return []


def has_machinery(teacher: object) -> bool:
    """Whether a teacher judges with machinery of its own: whether its `submit` is not the base's."""
    return isinstance(teacher, BaseTeacher) and getattr(teacher.submit, "__func__", None) is not BaseTeacher.submit


def stamp_of(teacher: object) -> str:
    """Return what a teacher says that it reads besides its options; see `BaseTeacher.stamp`."""
    return teacher.stamp() if isinstance(teacher, BaseTeacher) else ""


CaseKind = Literal["accept", "reject", "adversarial", "unscorable"]


@dataclass(frozen=True)
class Case:
    """One row of a teacher's `CASES`: a sample and what must come out.

    Attributes:
        kind: accept = full marks (1.0, or `reward`); reject and adversarial = 0.0 (or `reward`);
            unscorable = `None`.
        sample: What is scored.
        options: Options of the teacher for this case.
        reward: The exact reward, where it is not the kind's usual one.
        note: What the case is about.
    """

    kind: CaseKind
    sample: Sample
    options: Mapping[str, Json] = field(default_factory=dict)
    reward: float | None = None
    note: str = ""


def _case(kind: CaseKind) -> Callable[..., Case]:
    def make(
        completion: Text,
        *,
        reference: Json = None,
        prompt: Text = "",
        meta: Mapping[str, Json] | None = None,
        options: Mapping[str, Json] | None = None,
        reward: float | None = None,
        note: str = "",
    ) -> Case:
        sample = Sample(completion, prompt, reference, meta or {})
        return Case(kind, sample, options or {}, reward, note)

    return make


accept = _case("accept")
reject = _case("reject")
adversarial = _case("adversarial")
unscorable = _case("unscorable")


@dataclass(frozen=True)
class TeacherSpec:
    """A teacher before it has options: what the registry holds.

    Attributes:
        name: The id; set by the registry from the file's path unless given.
        version: See `Teacher.version`.
        options: A frozen dataclass of the teacher's options, each with a default.
        factory: Makes the teacher from an instance of `options`.
        doc: The file's or the object's docstring.
        locator: How a worker process finds it again: a catalog id, a file path, or `package.module:attribute`.
        presets: Named sets of options (`--set preset=gsm8k`).
        cases: The file's `CASES`; filled in by the registry.
    """

    name: str
    version: str
    options: type[Any]
    factory: Callable[[Any], Teacher]
    doc: str = ""
    locator: str = ""
    presets: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()

    def build(self, options: object | None = None) -> Teacher:
        """Make the teacher; `options` is an instance of `self.options`, or `None` for the defaults."""
        options = self.options() if options is None else options
        built = self.factory(options)
        if isinstance(built, BaseTeacher):
            built.name, built.version = self.name, self.version
            built.made_by = (self, options)
        return built

    def named(self, name: str, locator: str, doc: str, cases: Sequence[Case]) -> TeacherSpec:
        """Return a copy with what the registry knows."""
        return replace(self, name=self.name or name, locator=locator, doc=doc or self.doc, cases=tuple(cases))


class _FunctionTeacher(BaseTeacher):
    def __init__(self, function: Callable[..., Verdict | float | bool | None], options: object) -> None:
        self._function = function
        self._options = options
        self._takes_options = len(inspect.signature(function).parameters) > 1

    def judge(self, sample: Sample) -> Verdict:
        raw = self._function(sample, self._options) if self._takes_options else self._function(sample)
        return as_verdict(raw)


class _BoundedFunctionTeacher(_FunctionTeacher):
    def quick(self, sample: Sample) -> Verdict | None:
        return self.judge(sample)


def as_verdict(value: Verdict | float | bool | None) -> Verdict:
    """Turn what a plain function returns into a verdict: 1.0 is correct, 0.0 incorrect, between is partial.

    Raises:
        TypeError: If it is something else.
    """
    if isinstance(value, Verdict):
        return value
    if value is None:
        return Verdict(None, Status.UNAVAILABLE, "the teacher returned None: not judged")
    if isinstance(value, (bool, int, float)):
        reward = float(value)
        status = Status.CORRECT if reward >= 1.0 else Status.INCORRECT if reward <= 0.0 else Status.PARTIAL
        return Verdict(reward, status)
    raise TypeError(f"a teacher returns a Verdict, a number, a bool or None, not {type(value).__name__}")


_T = TypeVar("_T", bound=Callable[..., Any])


def teacher(
    *,
    version: str,
    options: type[Any] = NoOptions,
    name: str = "",
    bounded: bool = False,
    presets: Mapping[str, Mapping[str, Json]] | None = None,
) -> Callable[[_T], TeacherSpec]:
    """Make a function `(sample, options) -> Verdict | float | bool | None` or a class `(options)` a teacher.

    Args:
        version: Change it whenever a verdict may change.
        options: A frozen dataclass whose fields all have defaults.
        name: Only for teachers outside the catalog; inside it the path is the name.
        bounded: For functions: its time and memory are bounded by constants, so that it may run in the caller's
            process. Leave it off for anything that could run long.
        presets: Named sets of option values.
    """

    def wrap(target: _T) -> TeacherSpec:
        doc = inspect.getdoc(target) or ""
        if inspect.isclass(target):
            if not callable(getattr(target, "score", None)):
                raise UsageError(f"@teacher: class {target.__name__} has no method score(samples)")
            factory = cast(Callable[[Any], Teacher], target)
        else:
            kind = _BoundedFunctionTeacher if bounded else _FunctionTeacher

            def factory(values: Any) -> Teacher:
                return kind(target, values)

        return TeacherSpec(name, version, options, factory, doc, presets=presets or {})

    return wrap
