"""The scorer that every trainer's adapter is a thin coat of: samples in, one `Scored` each out, in order.

    scorer = GroupScorer("math")
    scorer = GroupScorer("plan.yaml", on_failure="impute")
    scorer = GroupScorer({"gsm8k": "math", "ifeval": "ifeval"}, route_by="data_source")
    scorer.score(samples)          scorer.score_batch(prompts, completions, {"solution": [...]})

What could not be judged is never 0 unless `on_failure="zero"` says so; no infinity or NaN comes out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from grpo_bridge.batches import BatchReader
from grpo_bridge.errors import RewardError
from grpo_bridge.routes import AnyTask, Router, routes_of
from verifiers.errors import UsageError
from verifiers.teacher import Teacher
from verifiers.types import Part, Sample, Text, Verdict

OnFailure = Literal["mask", "impute", "raise", "zero"]
"""What a sample gets that was not judged: `None`; the mean of its group's judged rewards; an error; 0."""

MIN_COUNTED = 16
"""Fewest samples of which a share that could not be judged means something; smaller calls are added up."""
MAX_CAUSES = 3

_log = logging.getLogger("grpo_bridge")


@dataclass(frozen=True, slots=True)
class Scored:
    """What a trainer needs of a verdict.

    Attributes:
        reward: A finite float, or `None` = leave this sample out.
        valid: Whether it was judged; an imputed reward is not.
        status: As of the verdict.
        reason: Which rule decided.
        parts: Per-part rewards, in the teacher's order.
        teacher: Who judged.
        answer: The answer found in the completion.
        elapsed_s: CPU seconds of work.
    """

    reward: float | None
    valid: bool
    status: str
    reason: str
    parts: tuple[Part, ...]
    teacher: str
    answer: str | None = None
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch before it becomes `Scored` values: lists of equal length, in the samples' order.

    Attributes:
        rewards: By the policy for failures.
        verdicts: As the teachers gave them.
        teachers: Who gave them.
    """

    rewards: list[float | None]
    verdicts: list[Verdict]
    teachers: list[str]

    def scored(self) -> list[Scored]:
        """Return one value a sample."""
        return [
            Scored(reward, v.reward is not None, v.status, v.reason, v.parts, teacher, v.answer, v.elapsed_s)
            for reward, v, teacher in zip(self.rewards, self.verdicts, self.teachers, strict=True)
        ]


class GroupScorer:
    """Scores batches of samples for training. Picklable; usable in threads, event loops, forks and actors.

    Args:
        task: A teacher's name, file, dotted path, spec or object; a YAML or JSON file that names or composes teachers;
            the address of a server (`verify serve`); a `RayPool`; or a mapping from values of the column `route_by` to
            any of these (`"*"` = all other values).
        route_by: The column, or dotted path, that names each sample's task; `None` = `task`, `data_source`, ....
        options: Values of the teacher's options; with a mapping, by its keys.
        on_failure: See `OnFailure`. `impute` leaves `None` where nothing of the group was judged.
        max_not_judged: Largest share of samples that may fail, counted over at least `MIN_COUNTED`; `None` = all may.
        deadline_s: Wall-clock seconds for one sample in a worker; `None` = the teacher's own.
        num_proc: Most worker processes of a teacher; `None` = the CPUs, shared by the node's LOCAL_WORLD_SIZE ranks.
        reference: The column of the reference; `None` = found by its usual names.
        columns: Other columns, as `{"question_id": "group"}`.

    Raises:
        UsageError: If an argument is not allowed.
    """

    def __init__(
        self,
        task: AnyTask,
        *,
        route_by: str | None = None,
        options: Mapping[str, Any] | None = None,
        on_failure: OnFailure = "mask",
        max_not_judged: float | None = 0.5,
        deadline_s: float | None = None,
        num_proc: int | None = None,
        reference: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        if on_failure not in get_args(OnFailure):
            raise UsageError(f"on_failure is one of {', '.join(get_args(OnFailure))}, not {on_failure!r}")
        if max_not_judged is not None and not 0 <= max_not_judged <= 1:
            raise UsageError(f"max_not_judged is a share from 0 to 1 (or None: no limit), not {max_not_judged!r}")
        self.on_failure: OnFailure = on_failure
        self.max_not_judged = max_not_judged
        self._routes = routes_of(task, options)
        self._settings = (route_by, num_proc, deadline_s)
        self._named = (reference, dict(columns or {}))
        self._build()

    def _build(self) -> None:
        route_by, num_proc, deadline_s = self._settings
        self._router = Router(self._routes, route_by, num_proc, deadline_s)
        self._reader = BatchReader(*self._named, with_meta="meta" in self.reads)
        self._counted = (0, 0)
        self._told: set[tuple[str, str]] = set()

    @property
    def teachers(self) -> dict[str, str]:
        """The teachers' names by route; a single one's route is `*`."""
        return dict(self._router.names)

    @property
    def reads(self) -> frozenset[str]:
        """The fields of a sample that are looked at."""
        return self._router.reads if self._router.is_single else self._router.reads | {"meta"}

    @property
    def only_teacher(self) -> Teacher | None:
        """The teacher in this process, if one judges everything."""
        return self._router.only_teacher

    def keep_meta(self) -> None:
        """Let `samples` bring the other columns along, for somebody else who looks at them."""
        self._reader.with_meta = True

    def __getstate__(self) -> dict[str, Any]:
        """Leave workers and memory behind; a teacher that is an object travels as what builds it."""
        routes = {value: route.portable() for value, route in self._routes.items()}
        kept = ("on_failure", "max_not_judged", "_settings", "_named")
        return {**{name: getattr(self, name) for name in kept}, "_routes": routes}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        self._build()

    def score(self, samples: Sequence[Sample]) -> list[Scored]:
        """Judge samples; a group is what shares `group`, or else the prompt.

        Raises:
            RewardError: If `on_failure="raise"` and one was not judged, or more than `max_not_judged` were not.
        """
        return self.judge(samples).scored()

    async def ascore(self, samples: Sequence[Sample]) -> list[Scored]:
        """Judge samples as `score` does, in a thread, so that the event loop goes on."""
        return await asyncio.to_thread(self.score, samples)

    def score_batch(
        self, prompts: Sequence[Text], completions: Sequence[Text], columns: Mapping[str, Any]
    ) -> list[Scored]:
        """Judge a trainer's batch: lists of equal length; what is not a list in `columns` is passed over.

        Raises:
            UsageError: If lists differ in length, or a named column is not there.
            RewardError: As of `score`.
        """
        return self.judge(self.samples(prompts, completions, columns)).scored()

    def samples(self, prompts: Sequence[Text], completions: Sequence[Text], columns: Mapping[str, Any]) -> list[Sample]:
        """Return a trainer's batch as samples, the reference found by its usual names."""
        return self._reader.read(prompts, completions, columns)

    def judge(self, samples: Sequence[Sample]) -> Judged:
        """Judge samples as `score` does, for adapters to which each microsecond counts."""
        verdicts, teachers = self._router.judge(samples)
        rewards = [verdict.reward for verdict in verdicts]
        lost = [index for index, reward in enumerate(rewards) if reward is None] if None in rewards else []
        if lost:
            self._tell(verdicts, teachers, lost)
        self._count(len(rewards), verdicts, lost)
        if lost and self.on_failure == "raise":
            raise RewardError(f"{len(lost)} of {len(rewards)} samples were not judged: {_causes(verdicts, lost)}")
        if lost and self.on_failure == "zero":
            for index in lost:
                rewards[index] = 0.0
        if lost and self.on_failure == "impute":
            _impute(rewards, samples, lost)
        return Judged(rewards, verdicts, teachers)

    def _tell(self, verdicts: Sequence[Verdict], teachers: Sequence[str], lost: Sequence[int]) -> None:
        """Log each kind of failure once."""
        for index in lost:
            kind = (teachers[index], verdicts[index].status)
            if kind not in self._told:
                self._told.add(kind)
                _log.warning("%s: not judged (%s): %s", *kind, verdicts[index].reason)

    def _count(self, count: int, verdicts: Sequence[Verdict], lost: Sequence[int]) -> None:
        """Stop the run when too many could not be judged: it would learn from the few that could."""
        if self.max_not_judged is None:
            return
        seen, failed = self._counted[0] + count, self._counted[1] + len(lost)
        self._counted = (seen, failed) if seen < MIN_COUNTED else (0, 0)
        if seen >= MIN_COUNTED and failed > self.max_not_judged * seen:
            raise RewardError(
                f"{failed} of the last {seen} samples could not be judged, more than max_not_judged="
                f"{self.max_not_judged:g} allows. Mend the cause, or allow more (None = never stop). "
                f"Causes: {_causes(verdicts, lost)}"
            )


def group_keys(samples: Sequence[Sample]) -> list[object]:
    """Return what equal groups share: the group's name, or else the prompt."""
    return [
        ("group", each.group)
        if each.group is not None
        else each.prompt
        if type(each.prompt) is str
        else repr(each.prompt)
        for each in samples
    ]


def _impute(rewards: list[float | None], samples: Sequence[Sample], lost: Sequence[int]) -> None:
    """Give each lost sample the mean of its group's judged rewards: its advantage is then exactly 0."""
    keys = group_keys(samples)
    judged: dict[object, list[float]] = {}
    for key, reward in zip(keys, rewards, strict=True):
        if reward is not None:
            judged.setdefault(key, []).append(reward)
    for index in lost:
        known = judged.get(keys[index])
        rewards[index] = sum(known) / len(known) if known else None


def _causes(verdicts: Sequence[Verdict], lost: Sequence[int]) -> str:
    counts: dict[str, int] = {}
    for verdict in map(verdicts.__getitem__, lost):
        cause = f"{verdict.status.value}: {verdict.reason}"
        counts[cause] = counts.get(cause, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    more = f"; and {len(ordered) - MAX_CAUSES} other causes" if len(ordered) > MAX_CAUSES else ""
    return "; ".join(f"{count} x {cause}" for cause, count in ordered[:MAX_CAUSES]) + more
