"""From what a user passes as `teacher` to a teacher here and the same teacher in worker processes.

Workers build their own from a locator and options. Only a live object of the user's, which has neither, is pickled: it
comes from the user's own program, never from a model.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from verifiers.errors import UsageError
from verifiers.judging import judge_batch, not_judged
from verifiers.loading import file_stamp, locator_of
from verifiers.options import build_options, option_values
from verifiers.registry import find
from verifiers.stamps import check_unchanged
from verifiers.teacher import BaseTeacher, Teacher, TeacherSpec, stamp_of
from verifiers.types import Json, Sample, Status, Verdict
from verifiers.wire import WireError, pack, pack_verdict, unpack_sample, unpack_verdict

if TYPE_CHECKING:
    from verifiers.workers.reply import Reply

SERVICE = f"{__name__}:serve"
"""The workers' factory."""
EXPLAINER = f"{__name__}:explainer"
"""The factory of workers that explain."""
MAX_STEPS = 1000
"""Most steps of one explanation."""

AnyTeacher: TypeAlias = "str | TeacherSpec | Teacher | Callable[[Sample], Any]"
"""A name, file or dotted path; a spec; a teacher; a plain function of a sample."""

_IN_A_FILE = (
    "Worker processes do not run your script or notebook again. Put it into a file and pass the file's path "
    "(score(samples, './my_teacher.py')), or import it from a module"
)


@dataclass(frozen=True)
class Binding:
    """A teacher, and what a worker needs to have the same one.

    Attributes:
        teacher: The one in this process.
        config: For `serve`; empty = no worker can have it, because everything is judged by `quick`.
        stamp: What the teacher read besides its options when it was bound; see `BaseTeacher.stamp`.
    """

    teacher: Teacher
    config: bytes
    stamp: str = ""

    @property
    def preload(self) -> tuple[str, ...]:
        """Modules that a worker's parent imports once: what the teacher names, and our own teacher's module."""
        home = type(self.teacher).__module__
        own = (home,) if home.startswith("verifiers.catalog.") else ()
        return (*getattr(self.teacher, "preload", ()), *own)


def bind(teacher: AnyTeacher, options: Mapping[str, Json] | None = None) -> Binding:
    """Build a teacher and what workers need for it.

    Raises:
        TeacherNotFound, OptionError: As of `find` and `build_options`.
        UsageError: If workers could not have the same teacher.
    """
    if isinstance(teacher, str):
        return _from_spec(find(teacher), options or {})
    if isinstance(teacher, TeacherSpec):
        return _from_spec(teacher, options or {})
    if inspect.isfunction(teacher) or inspect.isclass(teacher):
        locator = locator_of(teacher)
        if not locator:
            raise UsageError(f"{teacher.__qualname__} is defined where no worker process can import it. {_IN_A_FILE}.")
        return _from_spec(find(locator), options or {})
    if options:
        raise UsageError(f"{type(teacher).__name__} is built already and takes no options; pass its name or spec")
    if isinstance(teacher, BaseTeacher) and teacher.made_by is not None:
        return _built(teacher, *teacher.made_by)
    if not isinstance(teacher, Teacher):
        raise UsageError(
            f"a teacher is a name, a file, a dotted path, a function of a sample, or an object with name, version and "
            f"score(samples); this is a {type(teacher).__name__}"
        )
    return Binding(teacher, msgspec.msgpack.encode({"pickle": _pickled(teacher)}))


def _from_spec(spec: TeacherSpec, options: Mapping[str, Json]) -> Binding:
    built = build_options(spec, options)
    return _built(spec.build(built), spec, built)


def _built(teacher: Teacher, spec: TeacherSpec, options: object) -> Binding:
    locator = locator_of(spec)
    stamp = stamp_of(teacher)
    if locator:
        config: dict[str, Json] = {"locator": locator, "options": option_values(options)}
        # Workers that have read something older belong to another config, and so to another pool.
        seen: dict[str, Json] = {"stamp": stamp, "file": file_stamp(locator)}
        config |= {name: value for name, value in seen.items() if value}
        return Binding(teacher, msgspec.msgpack.encode(config), stamp)
    if isinstance(teacher, BaseTeacher) and type(teacher).quick is not BaseTeacher.quick:
        return Binding(teacher, b"", stamp)
    name = spec.name or "this teacher"
    raise UsageError(f"{name} is defined where no worker process can import it. {_IN_A_FILE}.")


def _pickled(teacher: Teacher) -> bytes:
    kind = type(teacher)
    try:
        data = pickle.dumps(teacher)
    except Exception as error:  # pickling runs the object's own code
        raise UsageError(f"{kind.__qualname__} cannot be sent to a worker process: {error}. {_IN_A_FILE}.") from error
    if b"__main__" in data:
        raise UsageError(f"{kind.__qualname__} is defined in your script or notebook. {_IN_A_FILE}.")
    return data


def rebuild(config: bytes) -> Teacher:
    """Build the teacher that `bind` described; `config` was made by a process of the same user."""
    told = msgspec.msgpack.decode(config)
    if "pickle" in told:
        return cast(Teacher, pickle.loads(told["pickle"]))
    spec = find(told["locator"])
    return spec.build(build_options(spec, told["options"]))


def serve(config: bytes) -> Callable[[bytes], bytes]:
    """Build the teacher in a worker; return the service from a packed sample to a packed verdict.

    Raises:
        UsageError: If what the teacher reads has changed since `bind`: the worker began later than others.
    """
    teacher = rebuild(config)
    if stamp := msgspec.msgpack.decode(config).get("stamp"):
        check_unchanged(stamp, stamp_of(teacher), teacher.name)

    def service(request: bytes) -> bytes:
        verdict = judge_batch(teacher, [unpack_sample(request)])[0]
        try:
            return pack_verdict(verdict)
        except WireError as error:
            raise TypeError(f"the teacher's verdict cannot be sent: {error}") from error

    return service


def verdict_of(reply: Reply, deadline_s: float) -> Verdict:
    """Return the verdict in a worker's reply, or what became of the worker.

    Args:
        reply: Of a worker that runs `serve`.
        deadline_s: Wall-clock seconds that it was given.
    """
    if reply.payload is not None:
        try:
            return replace(unpack_verdict(reply.payload), elapsed_s=reply.elapsed_s)
        except WireError as error:
            return not_judged(Status.FAILED, f"a worker's reply cannot be read: {error}", reply.elapsed_s)
    if reply.failure == "deadline":
        reason = f"no verdict within the deadline of {deadline_s:g} s; allow more with deadline_s (--deadline)"
        return not_judged(Status.DEADLINE_EXCEEDED, reason, reply.elapsed_s)
    return not_judged(Status.FAILED, f"{reply.failure}: {reply.detail}", reply.elapsed_s)


def explainer(config: bytes) -> Callable[[bytes], bytes]:
    """Build the teacher in a worker; return the service from a packed sample to its packed steps."""
    teacher = rebuild(config)
    return lambda request: pack([list(step) for step in steps_of(teacher, unpack_sample(request))])


def steps_of(teacher: Teacher, sample: Sample) -> list[tuple[str, str]]:
    """Return a teacher's own (step, finding) pairs for a sample; a teacher without `explain` has none."""
    explain: Callable[[Sample], Iterable[tuple[str, str]]] = getattr(teacher, "explain", lambda _sample: ())
    return [(str(step), str(finding)) for step, finding in islice(explain(sample), MAX_STEPS)]
