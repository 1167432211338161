"""The trainer callback that watches a reward function: `callbacks=[reward.callback]`.

    reward = trl_reward("math")
    callback = reward.watch(max_kl=0.5, patience=3, held_out="numeric", report="report.html")
    GRPOTrainer(reward_funcs=reward, callbacks=[callback], ...)

What it measures goes to the trainer's own log, under `rewards/`, `audit/` and `kl_probe`, and to a report in HTML. A
checkpoint remembers it, so that a resumed run measures KL from the very start. Evaluations are not audited.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from grpo_bridge.audit import SpotChecks, Trends, held_out_mean
from grpo_bridge.distributed import mean_over_ranks, straddles
from grpo_bridge.kl import KlProbe, KlStop
from grpo_bridge.metrics import Call
from grpo_bridge.report import Report
from grpo_bridge.routes import AnyTask
from grpo_bridge.scorer import GroupScorer
from verifiers.callbacks import log_before_reporters
from verifiers.types import Sample

if TYPE_CHECKING:
    from grpo_bridge.trl import TrlReward

REPORT_NAME = "reward_report.html"
REPORT_EVERY_S = 30.0
"""Seconds between two writings of the report."""
MEMORY = "grpo_bridge"
"""Under which name a checkpoint remembers what was measured, with the reward function's."""

_log = logging.getLogger("grpo_bridge")


class RewardCallback(TrainerCallback):  # type: ignore[misc]  # transformers is not typed here
    """Checks the run's arithmetic, watches its rewards, and stops it when the policy has gone too far.

    Args:
        reward: What it watches.
        max_kl: Stop above this KL from the start, in nats a token; `None` = never.
        patience: Measurements in a row that must lie above it.
        probe_samples: Completions of the first step on which KL is measured where the trainer does not (beta 0).
        probe_every: Steps between two such measurements.
        held_out: A teacher that does not train: its mean reward on the policy's completions is logged.
        audit_every: Steps between two audits.
        spot_checks: A file to which samples for humans are appended; see `SpotChecks`.
        spot_samples: Samples for humans at each audit.
        report: The report's file; `None` = `reward_report.html` in the run's folder; `""` = none.
        stop_on_alarm: Stop when an audit finds something wrong.

    Raises:
        UsageError: If an argument is not allowed.
    """

    def __init__(
        self,
        reward: TrlReward,
        *,
        max_kl: float | None = None,
        patience: int = 3,
        probe_samples: int = 8,
        probe_every: int = 1,
        held_out: AnyTask | None = None,
        audit_every: int = 5,
        spot_checks: str | Path | None = None,
        spot_samples: int = 2,
        report: str | Path | None = None,
        stop_on_alarm: bool = False,
    ) -> None:
        self._reward = reward
        self._stop = KlStop(max_kl, patience) if max_kl is not None else None
        self._probe = KlProbe() if max_kl is not None else None
        self._probe_samples, self._probe_every = probe_samples, max(1, probe_every)
        self._held_out = GroupScorer(held_out, max_not_judged=None) if held_out is not None else None
        if self._held_out is not None and "meta" in self._held_out.reads:
            reward.scorer.keep_meta()
        self._audit_every = max(1, audit_every)
        self._checks = SpotChecks(spot_checks) if spot_checks is not None else None
        self._spot_samples = spot_samples
        self._report_path = None if report == "" else Path(report or REPORT_NAME)
        self._stop_on_alarm = stop_on_alarm
        self.report = Report(f"Rewards: {reward.__name__}")
        self.trends = Trends()
        self._written_s = 0.0
        self._is_in_step, self._first_step = False, 0
        self._pending: dict[str, list[float]] = {}
        self._last: tuple[Call, Sequence[Sample]] | None = None
        self._first: tuple[list[Any], list[Any]] | None = None
        self._log_metric: Callable[[str, float], None] | None = None

    def heard(
        self,
        call: Call,
        samples: Sequence[Sample],
        completion_ids: Sequence[Sequence[int]] | None,
        metrics: dict[str, float],
        log_metric: Callable[[str, float], None] | None,
    ) -> None:
        """Take what the reward function has just judged; what is judged between two steps is an evaluation."""
        self._log_metric = log_metric
        if not self._is_in_step:
            return
        self._last = (call, samples)
        if self._first is None and completion_ids is not None:
            kept = self._probe_samples
            self._first = ([each.prompt for each in samples[:kept]], [list(ids) for ids in completion_ids[:kept]])
        if log_metric is None:
            for name, value in metrics.items():
                self._pending.setdefault(name, []).append(value)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Check the batch arithmetic, and learn the groups' sizes."""
        log_before_reporters(self)
        sizes = (getattr(args, "num_generations", None), getattr(args, "num_generations_eval", None))
        self._reward.group_sizes = tuple(dict.fromkeys(size for size in sizes if size)) or self._reward.group_sizes
        self._check_batch(args)
        if self._report_path is not None and not self._report_path.is_absolute():
            folder = Path(getattr(args, "output_dir", None) or ".")
            self._report_path = folder / self._report_path if self._report_path.parent == Path() else self._report_path
        if float(getattr(args, "beta", 0.0) or 0.0) > 0 and hasattr(args, "num_generations"):
            self._probe = None  # the trainer reports kl itself
        if not hasattr(args, "num_generations") and self._reward.scorer.on_failure == "mask":
            _log.warning("%s counts None as 0: give trl_reward(on_failure='impute')", type(args).__name__)
        self._first_step = state.global_step
        if self._first_step:
            self._remember(state)

    def _remember(self, state: Any) -> None:
        """Go on with what was measured before the checkpoint."""
        memory = (getattr(state, "stateful_callbacks", None) or {}).get(self._memory_name)
        if not self.report.history:
            self.report.history = [_numbers(entry) for entry in state.log_history if not _is_evaluation(entry)]
        if memory is not None:
            self.trends = Trends(**memory["trends"])
            self.report.alarms = dict(memory["alarms"])
            if self._stop is not None:
                self._stop.above = memory["kl_above"]
        if self._probe is not None and memory is not None and memory["probe"]:
            self._probe.restore(memory["probe"])
        elif self._probe is not None and not self._probe.started:
            _log.warning("the checkpoint remembers no KL probe: max_kl counts from the checkpoint's policy on")

    @property
    def _memory_name(self) -> str:
        return f"{MEMORY}/{self._reward.base_name}"

    def _memory(self) -> dict[str, Any]:
        """Return what a checkpoint is to remember; it is written as JSON."""
        return {
            "trends": vars(self.trends),
            "alarms": self.report.alarms,
            "kl_above": self._stop.above if self._stop is not None else 0,
            "probe": self._probe.rows if self._probe is not None else [],
        }

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Listen to what is judged for this step."""
        self._is_in_step = True

    def _check_batch(self, args: Any) -> None:
        size = getattr(args, "num_generations", None)
        each = getattr(args, "per_device_train_batch_size", None)
        if not size or not each:
            return
        local = each * (getattr(args, "steps_per_generation", None) or 1)
        if straddles(local, (size,)):
            _log.warning(
                "groups lie across ranks: each rank generates %d completions (per_device_train_batch_size x "
                "steps_per_generation), which num_generations=%d does not divide. Rewards are gathered where it "
                "matters, at some milliseconds a step; a multiple of %d spares them",
                *(local, size, size),
            )

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> None:
        """Ask the policy about its own first completions before it is changed for the first time."""
        if self._probe is None or self._probe.started or self._first is None or model is None:
            return
        if state.global_step != self._first_step:  # the policy has changed since
            return
        self._probe.start(model, more.get("processing_class"), *self._first)

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **more: Any) -> Any:
        """Measure KL and audit, each when its time has come."""
        step = state.global_step
        self._is_in_step = False
        if self._probe is not None and not self._probe.started and step == self._first_step + 1:
            _log.warning("max_kl does nothing: this process has seen no completions (an asynchronous trainer's?)")
        if self._probe is not None and self._probe.started and step % self._probe_every == 0:
            kl = mean_over_ranks(self._probe.measure(model))
            if kl is not None:
                self._tell("kl_probe", kl)
                self._judge_kl(kl, step, control)
        if step % self._audit_every == 0 and self._last is not None:
            self._audit(step, state.is_world_process_zero)
            if self._stop_on_alarm and mean_over_ranks(float(bool(self.report.alarms))):  # all ranks stop, or none
                control.should_training_stop = True
        if getattr(state, "stateful_callbacks", None) is not None:
            state.stateful_callbacks[self._memory_name] = self._memory()
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **more: Any) -> Any:
        """Complete the trainer's log, and write the report."""
        if logs is None or _is_evaluation(logs):
            return control
        waiting, self._pending = self._pending, {}
        for name, values in waiting.items():
            logs.setdefault(name, sum(values) / len(values))
            if state.log_history:  # what the trainer saves: it copied the log before callbacks see it
                state.log_history[-1].setdefault(name, logs[name])
        numbers = {**_numbers(logs), "step": float(state.global_step)}
        self.report.history.append(numbers)
        if self._probe is None and "kl" in numbers:
            self._judge_kl(numbers["kl"], state.global_step, control)
        if time.monotonic() - self._written_s > REPORT_EVERY_S:
            self._write(state)
        return control

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Write the report for the last time, and let go of the trainer."""
        self._write(state)
        self._log_metric = None

    def _judge_kl(self, kl: float, step: int, control: Any) -> None:
        if self._stop is not None and self._stop.seen(kl) and not control.should_training_stop:
            limit, times = self._stop.max_kl, self._stop.patience
            told = f"stopped at step {step}: KL is {kl:.4g}, above {limit:g} for the {times}. time in a row"
            self._alarm("kl", told)
            control.should_training_stop = True

    def _audit(self, step: int, writes: bool) -> None:
        assert self._last is not None
        call, samples = self._last
        judged = [reward for reward in call.rewards if reward is not None]
        _append(self.trends.reward, sum(judged) / len(judged) if judged else None)
        _append(self.trends.length, sum(call.lengths) / len(call.lengths))
        if self._held_out is not None and _append(self.trends.held_out, held_out_mean(self._held_out, samples)):
            self._tell("audit/held_out", self.trends.held_out[-1])
        if self._checks is not None:
            if writes:
                self._checks.write(step, samples, call.rewards, self._spot_samples)
            self.trends.agreement = self._checks.agreement()
            if self.trends.agreement is not None:
                self._tell("audit/human_agreement", self.trends.agreement[0])
        for name, text in self.trends.alarms().items():
            if name not in self.report.alarms:
                self._alarm(name, f"step {step}: {text}")

    def _alarm(self, name: str, text: str) -> None:
        self.report.alarms[name] = text
        self._tell(f"audit/alarm_{name}", 1.0)
        _log.warning("%s", text)

    def _tell(self, name: str, value: float) -> None:
        """Put a number into the trainer's next log entry."""
        # TRL's trainers average what lies here when they log; a reward function's log_metric comes a step later.
        metrics = getattr(getattr(self._log_metric, "__self__", None), "_metrics", None)
        if isinstance(metrics, dict) and "train" in metrics:
            metrics["train"][name].append(value)
        else:
            self._pending.setdefault(name, []).append(value)

    def _write(self, state: Any) -> None:
        if self._report_path is None or not state.is_world_process_zero:
            return
        self._written_s = time.monotonic()
        try:
            self.report.write(self._report_path)
        except OSError as error:  # a full disk is no reason to end a run
            _log.warning("cannot write the report %s: %s", self._report_path, error)


def _append(trend: list[float], local: float | None) -> bool:
    """Append the mean over all ranks, if any has a value; every rank must call it."""
    mean = mean_over_ranks(local)
    if mean is not None:
        trend.append(mean)
    return mean is not None


def _is_evaluation(logs: Mapping[str, Any]) -> bool:
    return any(name.startswith("eval_") for name in logs)


def _numbers(logs: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items() if isinstance(value, (int, float))}
