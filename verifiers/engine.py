"""The scoring engine: one teacher, any number of samples, one verdict for each, in order, whatever happens.

A sample's way: its key (the fields that the teacher reads) -> remembered? -> `teacher.quick` in this process -> a
worker process with a deadline, or the lane of a teacher that has machinery of its own (`submit`). Equal samples are
judged once and share the verdict, its `elapsed_s` included.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf
from operator import attrgetter
from time import thread_time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from verifiers.binding import EXPLAINER, SERVICE, AnyTeacher, bind, steps_of, verdict_of
from verifiers.errors import UsageError, WorkerError
from verifiers.judging import checked, from_error, not_judged
from verifiers.memo import Key, Memo
from verifiers.teacher import BaseTeacher, Teacher, has_machinery
from verifiers.types import JUDGED, Json, Sample, Status, Verdict
from verifiers.wire import MAX_SAMPLE_BYTES, WireError, pack, pack_sample, plain, unpack

if TYPE_CHECKING:
    from concurrent.futures import Future

    from verifiers.lane import Lane
    from verifiers.workers.pool import WorkerPool

WINDOW = 512
"""Most samples that `stream` has taken and not yet answered."""

_ALL_FIELDS = BaseTeacher.reads
_REMEMBERED = JUDGED | {Status.BAD_REFERENCE}


class Scorer:
    """Scores samples with one teacher. Safe to use from many threads, and in a fork of the process that made it.

    Args:
        teacher: A catalog id, file, dotted path, spec, teacher or plain function.
        options: Option values; text is parsed.
        num_proc: Most worker processes; `None` = the number of CPUs. They start when first needed.
        deadline_s: Wall-clock seconds for one sample in a worker; `None` = the teacher's own.

    Raises:
        UsageError: If the teacher, an option or a number is not allowed.
    """

    def __init__(
        self,
        teacher: AnyTeacher,
        *,
        options: Mapping[str, Json] | None = None,
        num_proc: int | None = None,
        deadline_s: float | None = None,
    ) -> None:
        if num_proc is not None and num_proc < 1:
            raise UsageError(f"num_proc is 1 or more (or None: the number of CPUs), not {num_proc!r}")
        if deadline_s is not None and not 0 < deadline_s < inf:
            raise UsageError(f"deadline_s is a number of seconds above 0 (or None: the teacher's), not {deadline_s!r}")
        self._binding = bind(teacher, options)
        self._num_proc = num_proc
        own = getattr(self.teacher, "deadline_s", BaseTeacher.deadline_s)
        self.deadline_s: float = own if deadline_s is None else deadline_s
        self._reads: tuple[str, ...] = tuple(getattr(self.teacher, "reads", _ALL_FIELDS))
        self._values: Any = attrgetter(*self._reads, "completion")  # never a single name: that gives no tuple
        self._quick: Any = self.teacher.quick if isinstance(self.teacher, BaseTeacher) else _never
        self._memo = Memo()
        self._lane = self._open_lane()
        self._workers: WorkerPool | None = None

    def _open_lane(self) -> Lane | None:
        teacher = self.teacher
        if not isinstance(teacher, BaseTeacher) or not has_machinery(teacher):
            return None
        from verifiers.lane import Lane  # futures are not light, and few teachers need them

        return Lane(teacher.submit, self.deadline_s, self._remember, lambda key: self._memo.get(key), self._repeated)

    @property
    def has_lane(self) -> bool:
        """Whether the teacher has machinery of its own, so that `begin` gives futures and needs no other process."""
        return self._lane is not None

    @property
    def teacher(self) -> Teacher:
        """The teacher in this process."""
        return self._binding.teacher

    @property
    def stamp(self) -> str:
        """What the teacher read besides its options when it was built; see `BaseTeacher.stamp`."""
        return self._binding.stamp

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields of a sample that the teacher reads."""
        return self._reads

    def __enter__(self) -> Self:
        """Return the scorer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the remembered verdicts. Workers are shared by all scorers of the process, and end with it."""
        self._memo = Memo()

    def retire(self) -> None:
        """Let this scorer's workers end with the last scorer that uses them: what they have read is out of date."""
        if self._workers is not None:
            from verifiers.workers.pool import retire

            retire(self._workers)

    def score(self, samples: Iterable[Sample | Verdict]) -> list[Verdict]:
        """Judge samples: exactly one verdict each, in the same order. Never raises for what a sample holds.

        Args:
            samples: A verdict among them (say of a row that is no sample) passes through.
        """
        if self._lane is not None:
            return list(self._fly(samples))
        verdicts: list[Verdict | None] = []
        waiting: dict[Key, list[int]] = {}
        jobs: list[Sample] = []
        for index, raw in enumerate(samples):
            key, sample = self._identify(raw)
            if isinstance(sample, Verdict):
                verdicts.append(sample)
            elif key in waiting:
                waiting[key].append(index)
                verdicts.append(None)
            else:
                verdict = self._memo.get(key) or self._at_once(key, sample)
                verdicts.append(verdict)
                if verdict is None:
                    waiting[key] = [index]
                    jobs.append(sample)
        for (key, indices), verdict in zip(waiting.items(), self._work(jobs), strict=True):
            self._remember(key, verdict)
            for index in indices:
                verdicts[index] = verdict
        return verdicts  # type: ignore[return-value]  # every None has been replaced

    def quick(self, sample: Sample | Verdict) -> Verdict | None:
        """Judge in this process, within the teacher's hard bounds; `None` = it needs a worker (`settle`)."""
        key, sound = self._identify(sample)
        if isinstance(sound, Verdict):
            return sound
        return self._memo.get(key) or self._at_once(key, sound)

    def begin(self, sample: Sample | Verdict) -> Future[Verdict]:
        """Begin to judge a sample on the teacher's lane (`has_lane`), and return at once."""
        from verifiers.lane import done

        key, sound = self._identify(sample)
        if isinstance(sound, Verdict):
            return done(sound)
        assert self._lane is not None
        found = self._memo.get(key)
        if found is not None:
            self._repeated(sound)
        else:
            found = self._at_once(key, sound)
        return done(found) if found else self._lane.begin(key, sound)

    def settle(self, samples: Sequence[Sample | Verdict]) -> list[Verdict]:
        """Judge samples in workers, for which `quick` has returned `None`; equal ones once."""
        if self._lane is not None:
            return list(self._fly(samples))
        found: dict[Key, Verdict | None] = {}
        jobs: dict[Key, Sample] = {}
        order: list[Key | Verdict] = []
        for raw in samples:
            key, sample = self._identify(raw)
            if isinstance(sample, Verdict):
                order.append(sample)
                continue
            order.append(key)
            if key not in found:
                found[key] = self._memo.get(key)
                if found[key] is None:
                    jobs[key] = sample
        for key, verdict in zip(jobs, self._work(list(jobs.values())), strict=True):
            self._remember(key, verdict)
            found[key] = verdict
        return [each if isinstance(each, Verdict) else found[each] for each in order]  # type: ignore[misc]

    def stream(self, samples: Iterable[Sample | Verdict]) -> Iterator[Verdict]:
        """Judge samples one after another: pulled lazily, at most `WINDOW` ahead; yields verdicts in input order."""
        if self._lane is not None:
            yield from self._fly(samples)
            return
        from concurrent.futures import ThreadPoolExecutor  # not light, and only needed here

        window: deque[tuple[Key, Verdict | Future[Verdict]]] = deque()
        flying: dict[Key, Future[Verdict]] = {}
        threads = ThreadPoolExecutor(self._num_proc or os.cpu_count() or 1, "verify-stream")
        try:
            for raw in samples:
                key, sample = self._identify(raw)
                if isinstance(sample, Verdict):
                    window.append((key, sample))
                else:
                    entry = flying.get(key) or self._memo.get(key) or self._at_once(key, sample)
                    if entry is None:
                        entry = flying[key] = threads.submit(self._work_one, key, sample)
                    window.append((key, entry))
                while window and (len(window) >= WINDOW or _is_ready(window[0][1])):
                    yield _taken(window, flying)
            while window:
                yield _taken(window, flying)
        finally:  # also when the caller stops asking: what has not begun never will
            threads.shutdown(wait=False, cancel_futures=True)

    def _fly(self, samples: Iterable[Sample | Verdict]) -> Iterator[Verdict]:
        """Judge samples on the lane: pulled lazily, at most `LANE_WINDOW` ahead; yields verdicts in input order."""
        from verifiers.lane import LANE_WINDOW

        window: deque[Future[Verdict]] = deque()
        try:
            for sample in samples:
                window.append(self.begin(sample))
                while window and (len(window) >= LANE_WINDOW or window[0].done()):
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:  # also when the caller stops asking
            for future in window:
                future.cancel()

    def explain(self, sample: Sample | Verdict) -> list[tuple[str, str]]:
        """Return the teacher's own (step, finding) pairs, made in a worker within the deadline.

        What is no sample, or a teacher that explains nothing, has none; where the explanation fails, the one step says
        why.
        """
        _, sound = self._identify(sample)
        if isinstance(sound, Verdict):
            return []
        if not self._binding.config:  # no worker can have this teacher: all that it does is bounded
            return steps_of(self.teacher, sound)
        from verifiers.workers.pool import WorkerPool

        try:
            # Without the teacher's preload: most explanations need nothing heavy.
            with WorkerPool(EXPLAINER, self._binding.config) as pool:
                (reply,) = pool.run([pack_sample(sound, self._reads)], self.deadline_s)
            if reply.payload is not None:
                return [(step, finding) for step, finding in unpack(reply.payload, MAX_SAMPLE_BYTES)]
        except (WireError, WorkerError) as error:
            return [("explanation", f"none: {error}")]
        return [("explanation", f"none: {verdict_of(reply, self.deadline_s).reason}")]

    def _work_one(self, key: Key, sample: Sample) -> Verdict:
        verdict = self._work([sample])[0]
        self._remember(key, verdict)
        return verdict

    def _identify(self, sample: Sample | Verdict) -> tuple[Key, Sample | Verdict]:
        """Return the key of equal work and the sample as JSON data, or the verdict that it is no sample."""
        if type(sample) is not Sample:
            if isinstance(sample, Verdict):
                return (), sample
            return (), _bad_row(f"not a sample but a {type(sample).__name__}")
        values = self._values(sample)
        for value in values:
            if type(value) is not str and value is not None:
                return self._identify_structured(sample)
        if values[-1] is None:
            return (), _bad_row("a completion is text or a list of chat messages, not None")
        return values, sample

    def _identify_structured(self, sample: Sample) -> tuple[Key, Sample | Verdict]:
        completion = sample.completion
        if not isinstance(completion, (str, list, tuple)):
            kind = type(completion).__name__
            return (), _bad_row(f"a completion is text or a list of chat messages, not {kind}")
        parts: list[str | bytes | None] = []
        changed: dict[str, Any] = {}
        for name in self._reads:
            value = getattr(sample, name)
            if value is None or type(value) is str:
                parts.append(value)
                continue
            try:
                data = pack(plain(value))
                changed[name] = unpack(data, MAX_SAMPLE_BYTES)  # exactly what a worker would see
            except WireError as error:
                return (), _bad_row(f"{name}: {error}")
            parts.append(data)
        return tuple(parts), replace(sample, **changed)

    def _repeated(self, sample: Sample) -> None:
        try:
            self.teacher.repeated(sample)  # type: ignore[attr-defined]  # those with a lane are of the base
        except Exception:  # the verdict is worth more than who hears of it
            import logging  # not light

            logging.getLogger("verifiers").exception("repeated() of the teacher %s failed", self.teacher.name)

    def _at_once(self, key: Key, sample: Sample) -> Verdict | None:
        start_s = thread_time()
        try:
            answer = self._quick(sample)
        except Exception as error:  # a teacher may raise anything; the verdict tells what
            return from_error(error, "quick()")
        if answer is None:
            return None
        verdict = checked(answer, thread_time() - start_s)
        self._remember(key, verdict)
        return verdict

    def _remember(self, key: Key, verdict: Verdict) -> None:
        if verdict.status in _REMEMBERED:
            self._memo.put(key, verdict)

    def _work(self, samples: Sequence[Sample]) -> list[Verdict]:
        """Judge in workers."""
        if not samples:
            return []
        if not self._binding.config:
            reason = "quick() left it to a worker, and no worker process can import this teacher; put it into a file"
            return [not_judged(Status.FAILED, reason)] * len(samples)
        verdicts: list[Verdict | None] = [None] * len(samples)
        sent: list[int] = []

        def requests() -> Iterator[bytes]:
            for index, sample in enumerate(samples):
                try:
                    data = pack_sample(sample, self._reads)
                except WireError as error:
                    verdicts[index] = _bad_row(str(error))
                    continue
                sent.append(index)
                yield data

        lost = not_judged(Status.FAILED, "the workers gave no reply")
        try:
            for reply in self._pool().run(requests(), self.deadline_s):
                verdicts[sent[reply.index]] = verdict_of(reply, self.deadline_s)
        except WorkerError as error:
            lost = not_judged(Status.UNAVAILABLE, str(error))
        return [verdict or lost for verdict in verdicts]

    def _pool(self) -> WorkerPool:
        from verifiers.workers.pool import shared_pool  # sockets and processes: only when work needs them

        binding = self._binding
        # Held, so that it stays while this scorer does, though it may be retired.
        self._workers = shared_pool(SERVICE, binding.config, preload=binding.preload, size=self._num_proc)
        return self._workers


def _never(_sample: Sample) -> None:
    return None


def _bad_row(reason: str) -> Verdict:
    return not_judged(Status.BAD_ROW, reason)


def _is_ready(entry: Verdict | Future[Verdict]) -> bool:
    return isinstance(entry, Verdict) or entry.done()


def _taken(window: deque[tuple[Key, Verdict | Future[Verdict]]], flying: dict[Key, Future[Verdict]]) -> Verdict:
    key, entry = window.popleft()
    if isinstance(entry, Verdict):
        return entry
    flying.pop(key, None)
    return entry.result()
