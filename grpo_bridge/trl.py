"""A reward function for TRL's trainers: `GRPOTrainer(reward_funcs=trl_reward("math"), ...)`.

For GRPOTrainer, RLOOTrainer, and the experimental online DPO and asynchronous GRPO trainers; plain and chat data sets;
for whatever else speaks TRL's language (Unsloth, Open-R1, axolotl).

    reward = trl_reward("plan.yaml")
    GRPOTrainer(reward_funcs=reward, callbacks=[reward.callback], ...)
    GRPOTrainer(reward_funcs=reward.split(), args=GRPOConfig(multi_objective_aggregation="normalize_then_sum"), ...)

One function for a run: where one of two functions returns `None`, TRL counts it as 0. So what belongs together is
combined inside (`task` = a plan), and its parts are logged as `rewards/<teacher>/<part>`. GDPO needs the parts apart:
`split()` gives functions whose rewards are `None` together.

Known limits: the asynchronous trainer scores in a process of its own, which takes no metrics, so that there the
callback has none to report. Parts of `split()` are fixed by the plan or named by the caller.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grpo_bridge.distributed import Outcomes, gathered, groups_in, straddles
from grpo_bridge.metrics import RIGHT, Call, group_metrics, length_correlation, teacher_metrics
from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import GroupScorer, Judged, OnFailure, group_keys
from verifiers.compose.composed import Composed
from verifiers.errors import UsageError
from verifiers.types import Part, Sample, Text, Verdict

if TYPE_CHECKING:
    from grpo_bridge.callback import RewardCallback

MAX_REASON_CHARS = 300
"""Longest reason in the table of completions."""
MAX_SHARED = 64
"""Most batches whose verdicts wait for the other parts of `split()`."""

_live: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def trl_reward(
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
    name: str | None = None,
    num_generations: int | None = None,
    outcome: str | None = None,
    log_columns: bool = True,
) -> TrlReward:
    """Make a reward function for a TRL trainer.

    Args:
        task: See `GroupScorer`.
        route_by: See `GroupScorer`.
        options: See `GroupScorer`.
        on_failure: See `GroupScorer`.
        max_not_judged: See `GroupScorer`.
        deadline_s: See `GroupScorer`.
        num_proc: See `GroupScorer`.
        reference: See `GroupScorer`.
        columns: See `GroupScorer`.
        name: What the trainer logs it as; `None` = the teacher's. A number is added where it is taken.
        num_generations: The group's size, where the callback is not used and groups may lie across ranks.
        outcome: The part that tells right from wrong, for pass@k and the like; `None` = the reward itself.
        log_columns: Add status, reason and answer to the trainer's table of completions.

    Raises:
        UsageError: If an argument is not allowed.
    """
    scorer = GroupScorer(
        task,
        route_by=route_by,
        options=options,
        on_failure=on_failure,
        max_not_judged=max_not_judged,
        deadline_s=deadline_s,
        num_proc=num_proc,
        reference=reference,
        columns=columns,
    )
    return TrlReward(scorer, name=name, num_generations=num_generations, outcome=outcome, log_columns=log_columns)


class TrlReward:
    """What `trl_reward` returns. Picklable: the copy has the same name and starts its own workers.

    Attributes:
        base_name: Its name without the number that tells it from others.
        group_sizes: The sizes that groups may have; empty = not known.
    """

    def __init__(
        self,
        scorer: GroupScorer,
        *,
        name: str | None = None,
        num_generations: int | None = None,
        outcome: str | None = None,
        log_columns: bool = True,
    ) -> None:
        self.scorer = scorer
        self.base_name = name or "+".join(dict.fromkeys(scorer.teachers.values()))
        self.__name__ = _claimed(self.base_name, self)
        self.group_sizes: tuple[int, ...] = (num_generations,) if num_generations else ()
        self._outcome = outcome
        self._log_columns = log_columns
        self._callback: RewardCallback | None = None

    @property
    def callback(self) -> RewardCallback:
        """The trainer callback that watches these rewards; `watch` sets what it watches."""
        return self.watch()

    def watch(self, **settings: Any) -> RewardCallback:
        """Return the trainer callback with these settings; see `RewardCallback`."""
        from grpo_bridge.callback import RewardCallback  # loads transformers

        if self._callback is None:
            self._callback = RewardCallback(self, **settings)
        elif settings:
            raise UsageError("this reward function is watched already; call watch() once, before .callback")
        return self._callback

    def split(self, parts: Sequence[str] | None = None) -> list[PartReward]:
        """Return one reward function for each part, for trainers that normalise rewards apart (GDPO).

        Args:
            parts: Names of parts; `None` = the members of the composed teacher. Their plan's weights are `.weight`.

        Raises:
            UsageError: If the teacher's parts are not known beforehand, or `on_failure` is `impute` or `zero`.
        """
        if self.scorer.on_failure in ("impute", "zero"):
            raise UsageError(
                f"split() gives parts that are None together, which on_failure={self.scorer.on_failure!r} contradicts; "
                "use mask (the default) or raise"
            )
        weights = dict.fromkeys(parts, 1.0) if parts else _members(self.scorer)
        shared = _Shared(self, tuple(weights))
        return [PartReward(shared, part, weight) for part, weight in weights.items()]

    def __call__(
        self,
        prompts: Sequence[Text],
        completions: Sequence[Text],
        completion_ids: Sequence[Sequence[int]] | None = None,
        trainer_state: Any = None,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        environments: Any = None,
        **columns: Any,
    ) -> list[float | None]:
        """Return one reward a completion; `None` = not judged.

        Args:
            prompts: Text or chat messages, one for each completion.
            completions: Text or chat messages.
            completion_ids: Their tokens.
            trainer_state: Not used.
            log_extra: The trainer's, if it has it.
            log_metric: The trainer's, if it has it.
            environments: Not used.
            **columns: The data set's other columns.

        Raises:
            UsageError: If lists differ in length.
            RewardError: See `GroupScorer`.
        """
        told = {"log_extra": log_extra, "log_metric": log_metric, "trainer_state": trainer_state}
        return self.judge(prompts, completions, completion_ids, columns, **told).rewards

    def judge(
        self,
        prompts: Sequence[Text],
        completions: Sequence[Text],
        completion_ids: Sequence[Sequence[int]] | None,
        columns: Mapping[str, Any],
        *,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        trainer_state: Any = None,
    ) -> Judged:
        """Judge a trainer's batch, log it, and return what the teachers said."""
        samples = self.scorer.samples(prompts, completions, columns)
        judged = self.scorer.judge(samples)
        if not samples:
            return judged
        lengths = [len(each) for each in (completions if completion_ids is None else completion_ids)]
        call = Call(judged.rewards, judged.verdicts, judged.teachers, lengths)
        metrics = self._metrics(call, samples, logs_outcome=log_metric is not None)
        if log_metric is not None:
            for name, value in metrics.items():
                log_metric(name, value)
        if log_extra is not None and self._log_columns:
            self._log_table(judged.verdicts, log_extra)
        if self._callback is not None:
            self._callback.heard(call, samples, completion_ids, metrics, log_metric)
        return judged

    def _metrics(self, call: Call, samples: Sequence[Sample], logs_outcome: bool) -> dict[str, float]:
        """Return all numbers of a call; where groups lie across ranks, settle what depends on whole groups."""
        label = self.__name__
        if len(self.scorer.teachers) == 1:
            metrics = teacher_metrics(label, call.verdicts, logs_outcome)
        else:
            metrics = {}
            for teacher in dict.fromkeys(call.teachers):
                own = [v for v, name in zip(call.verdicts, call.teachers, strict=True) if name == teacher]
                metrics |= teacher_metrics(teacher, own)
        metrics |= group_metrics(label, *self._whole_groups(call, samples))
        correlation = length_correlation(call.rewards, call.lengths)
        if correlation is not None:
            metrics[f"rewards/{label}/length_correlation"] = correlation
        return metrics

    def _whole_groups(self, call: Call, samples: Sequence[Sample]) -> tuple[Outcomes, list[Sequence[int]]]:
        matters = bool(self.group_sizes) or self.scorer.on_failure == "impute"
        split = matters and straddles(len(samples), self.group_sizes)
        rewards = [verdict.reward for verdict in call.verdicts]
        outcomes = rewards if self._outcome is None else [self._part(verdict) for verdict in call.verdicts]
        right = [outcome is not None and outcome > RIGHT for outcome in outcomes]
        own = Outcomes(group_keys(samples), rewards, right)
        whole, start = gathered(own) if split else (own, 0)
        groups = groups_in(whole.keys, self.group_sizes)
        if self.scorer.on_failure == "impute":  # the scorer went by this rank's prompts, not by whole groups
            _impute_across(call.rewards, whole, groups, start)
        return whole, groups

    def _part(self, verdict: Verdict) -> float | None:
        return next((part.reward for part in verdict.parts if part.name == self._outcome), None)

    def _log_table(self, verdicts: Sequence[Verdict], log_extra: Callable[[str, list[Any]], None]) -> None:
        log_extra(f"{self.__name__}_status", [str(verdict.status) for verdict in verdicts])
        log_extra(f"{self.__name__}_reason", [verdict.reason[:MAX_REASON_CHARS] for verdict in verdicts])
        log_extra(f"{self.__name__}_answer", [verdict.answer for verdict in verdicts])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the callback behind: it belongs to one trainer."""
        return {**vars(self), "_callback": None}


@dataclass
class _Batch:
    """A list of completions, kept so that no other one can get its id; the parts that have asked; their verdicts."""

    completions: object
    asked: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    judged: Judged | None = None


class _Shared:
    """Judges a batch once for all parts, which a trainer asks one after another or in threads."""

    def __init__(self, reward: TrlReward, parts: tuple[str, ...]) -> None:
        self.reward, self.parts = reward, parts
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[int, _Batch] = OrderedDict()

    def judged(self, part: str, completions: Sequence[Text], judge: Callable[[], Judged]) -> Judged:
        """Return the verdicts on this very list of completions for a part, judging it if nobody has."""
        with self._lock:
            batch = self._known.get(id(completions))
            if batch is None or part in batch.asked:  # a part asks once: the same list again is filled anew
                batch = self._known[id(completions)] = _Batch(completions)
            batch.asked.add(part)
            if len(batch.asked) == len(self.parts) or len(self._known) > MAX_SHARED:
                self._known.pop(id(completions) if len(batch.asked) == len(self.parts) else next(iter(self._known)))
        with batch.lock:
            if batch.judged is None:
                batch.judged = judge()
            return batch.judged

    def __getstate__(self) -> dict[str, Any]:
        return {"reward": self.reward, "parts": self.parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._reset()


class PartReward:
    """One part of a teacher as a reward function of its own; see `TrlReward.split`.

    Attributes:
        weight: The part's in its plan, for the trainer's `reward_weights`.
    """

    def __init__(self, shared: _Shared, part: str, weight: float) -> None:
        self._shared, self._part, self.weight = shared, part, weight
        self.__name__ = f"{shared.reward.__name__}/{part}"

    @property
    def whole(self) -> TrlReward:
        """The reward function that this is a part of."""
        return self._shared.reward

    def __call__(
        self, prompts: Sequence[Text], completions: Sequence[Text], completion_ids: Any = None, **columns: Any
    ) -> list[float | None]:
        """Return the part's reward for each completion; see `TrlReward`."""
        told = {name: columns.pop(name, None) for name in ("log_extra", "log_metric", "trainer_state")}
        columns.pop("environments", None)
        reward = self._shared.reward
        judged = self._shared.judged(
            self._part, completions, lambda: reward.judge(prompts, completions, completion_ids, columns, **told)
        )
        return [self._of(verdict) for verdict in judged.verdicts]

    def _of(self, verdict: Verdict) -> float | None:
        if verdict.reward is None:
            return None
        parts = self._shared.parts
        rewards = {part.name: _asked(part, verdict.reward) for part in verdict.parts if part.name in parts}
        together = len(rewards) == len(parts) and None not in rewards.values()
        return rewards[self._part] if together else None


def _asked(part: Part, reward: float) -> float | None:
    """Return the part's reward; one that was not asked because a gate had made the reward 0 has 0."""
    return 0.0 if part.details.get("asked") is False and reward == 0.0 else part.reward


def _members(scorer: GroupScorer) -> dict[str, float]:
    plan = scorer.only_teacher.plan if isinstance(scorer.only_teacher, Composed) else None
    if plan is None:
        raise UsageError("only a composed teacher's parts are known beforehand; name them: split(['length', 'words'])")
    return {member.name: member.weight for member in plan.members}


def _impute_across(rewards: list[float | None], whole: Outcomes, groups: Sequence[Sequence[int]], start: int) -> None:
    """Give lost samples the mean of their whole group, of which another rank may hold a piece."""
    for group in groups:
        judged = [reward for i in group if (reward := whole.rewards[i]) is not None]
        for i in group:
            if whole.rewards[i] is None and 0 <= i - start < len(rewards):
                rewards[i - start] = sum(judged) / len(judged) if judged else None


def _claimed(name: str, owner: object) -> str:
    """Return the name, with a number where a living function has it: a trainer's logs would mix the two."""
    free, number = name, 1
    while free in _live:
        number += 1
        free = f"{name}_{number}"
    _live[free] = owner
    return free
