"""Hold the scores of a running job against the calibration set: drift, scores out of range, ties in groups.

A policy that learns to please a reward model moves away from the answers that humans have rated. The scores tell it
before the answers do: they leave the range that was ever calibrated, their spread within a group falls, groups tie.

    watch = ScoreWatch(calibration.shape)
    watch.heard(prompt, response, score)   for each answer that was scored
    watch.again(prompt, response)          for each equal one, which nobody scored again
    watch.figures()                        numbers for a trainer's log
    watch.alarms()                         {"rm_range": "31 % of the last 2,048 scores lie ..."}

The teacher `reward_model` keeps one of its own, which logs each alarm once; `watching` makes a callback of it.
"""

from __future__ import annotations

import bisect
import logging
import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from reward_models.evaluation.calibration import ScoreShape
from verifiers.callbacks import log_before_reporters
from verifiers.errors import require
from verifiers.types import Text

WINDOW = 2048
"""Scores that are looked at together: the latest."""
MIN_SCORES = 200
"""With fewer nothing is said."""
MAX_KNOWN = 16_384
"""Latest answers whose scores are kept for equal ones, and prompts whose groups may still grow."""
PAUSE_S = 0.5
"""A group ends when an answer to its prompt is asked for so long after the last one was scored: a policy makes its
next answers later than that, and answers that one loop has made are asked for at once or one after another."""
DECILES = 10
MAX_OUT_OF_RANGE = 0.05
MAX_SHIFT = 2.0
"""Largest sound distance of the means, in standard deviations of the calibration set."""
MAX_PSI = 0.25
"""Above it a population counts as another one, by the usual rule of thumb for the population stability index; what few
or dependent scores reach by chance is allowed besides."""
SURE = 3.0
"""Standard deviations of chance that are allowed."""
MAX_TIES, TIE_FACTOR = 0.2, 3.0
MIN_WITHIN = 0.25
"""Least sound spread within groups, relative to the calibration set's."""
_MIN_SHARE = 1e-4
_MIN_STD = 1e-12

Value = TypeVar("Value")
_log = logging.getLogger("reward_models")


class ScoreWatch:
    """Keeps the latest raw scores. Safe in threads.

    Args:
        shape: The calibration set's.
        name: The model's, for messages.
    """

    def __init__(self, shape: ScoreShape, name: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._shape, self._name, self._clock = shape, name, clock
        self._scores: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        """(Group, score)"""
        self._open: OrderedDict[int, tuple[int, float]] = OrderedDict()
        """Prompt -> its group, and when the latest score of that came."""
        self._known: OrderedDict[int, float] = OrderedDict()
        """Prompt and response -> score."""
        self._count = 0
        self._lock = threading.Lock()
        self._told: dict[str, int] = {}
        """Alarm -> how many scores had come when it was last there."""

    def heard(self, prompt: Text, response: Text, score: float, asked_s: float | None = None) -> None:
        """Take the raw score of one answer; each alarm is logged when it begins. Never raises for what the scores are.

        Args:
            prompt: As it was scored.
            response: As it was scored.
            score: Raw.
            asked_s: When it was asked for, by the clock; now if absent.
        """
        with self._lock:
            _keep(self._known, _key(prompt, response), score)
            is_time = self._add(_key(prompt), score, self._clock() if asked_s is None else asked_s)
        if is_time:
            self._look()

    def again(self, prompt: Text, response: Text) -> None:
        """Count an answer that is equal to one that was scored, and got its score; one of long ago is not known."""
        with self._lock:
            score = self._known.get(_key(prompt, response))
            is_time = score is not None and self._add(_key(prompt), score, self._clock())
        if is_time:
            self._look()

    def _add(self, prompt: int, score: float, asked_s: float) -> bool:
        """Count a score; return whether it is time to look at them."""
        now_s = self._clock()
        group, last_s = self._open.get(prompt, (0, -math.inf))
        self._count += 1
        if asked_s > last_s + PAUSE_S:
            group = self._count
        _keep(self._open, prompt, (group, now_s))
        self._scores.append((group, score))
        return self._count % MIN_SCORES == 0

    def _look(self) -> None:
        """Log the alarms that have begun."""
        try:
            alarms = self.alarms()
        except Exception as error:  # the score that is watched is worth more than the watch
            alarms = {"rm_watch": f"the scores cannot be held against the calibration set: {error!r}"}
        for key, text in alarms.items():
            # One that comes and goes within the scores that are looked at is the same one.
            if self._count - self._told.get(key, -math.inf) > WINDOW:
                _log.warning("%s: %s", self._name or "reward model", text)
            self._told[key] = self._count

    def figures(self) -> dict[str, float]:
        """Return what is known of the latest scores, for a trainer's log; empty before the first ones."""
        return self._figures()[0]

    def _figures(self) -> tuple[dict[str, float], float]:
        """Return the figures, and how many independent scores tell as much as these."""
        with self._lock:
            heard = list(self._scores)
        if len(heard) < 2:
            return {}, 0.0
        scores = [score for _, score in heard]
        by_group: dict[int, list[float]] = {}
        for number, score in heard:
            by_group.setdefault(number, []).append(score)
        groups = list(by_group.values())
        shape, low, high = self._shape, self._shape.quantiles_Q[0], self._shape.quantiles_Q[-1]
        mean = math.fsum(scores) / len(scores)
        std = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
        figures = {
            "rm/mean_shift": (mean - shape.mean) / max(shape.std, _MIN_STD),
            "rm/std_ratio": std / max(shape.std, _MIN_STD),
            "rm/out_of_range": sum(not low <= score <= high for score in scores) / len(scores),
            "rm/psi": stability_index(scores, shape.quantiles_Q),
        }
        pairs = sum(_pairs(len(group)) for group in groups)
        if pairs:
            ties = sum(_pairs(count) for group in groups for count in Counter(group).values())
            figures["rm/tie_rate"] = ties / pairs
        within = _within_std(groups)
        if within is not None and shape.within_std:
            figures["rm/within_std_ratio"] = within / shape.within_std
        alike = 1 - min(1.0, (within / std) ** 2) if within is not None and std > 0 else 1.0
        size = sum(len(group) ** 2 for group in groups) / len(scores)
        return figures, len(scores) / (1 + (size - 1) * alike)

    def alarms(self) -> dict[str, str]:
        """Return what is wrong, by name; nothing before there are enough scores."""
        figures, independent = self._figures()
        count = len(self._scores)
        if count < MIN_SCORES:
            return {}
        found: dict[str, str] = {}
        if figures["rm/out_of_range"] > MAX_OUT_OF_RANGE:
            found["rm_range"] = (
                f"{figures['rm/out_of_range']:.0%} of the last {count:,} scores lie outside all that the model was "
                "calibrated on: nothing is known of how good such answers are; rate some of them"
            )
        # Of unchanged scores the index is about chi-square over their number.
        by_chance = (DECILES - 1 + SURE * math.sqrt(2 * (DECILES - 1))) / independent
        shift_by_chance = SURE / math.sqrt(independent)
        if abs(figures["rm/mean_shift"]) > MAX_SHIFT + shift_by_chance or figures["rm/psi"] > MAX_PSI + by_chance:
            found["rm_drift"] = (
                f"the scores have drifted from the calibration set: mean {figures['rm/mean_shift']:+.2f} standard "
                f"deviations, stability index {figures['rm/psi']:.2f} (over {MAX_PSI} is another population)"
            )
        ties = figures.get("rm/tie_rate", 0.0)
        if ties > max(MAX_TIES, TIE_FACTOR * (self._shape.tie_rate or 0.0)):
            found["rm_ties"] = (
                f"{ties:.0%} of the pairs in groups have equal scores, which teach nothing: scores far from 0 in bf16, "
                "equal completions, or a model that cannot tell them apart"
            )
        if figures.get("rm/within_std_ratio", 1.0) < MIN_WITHIN:
            found["rm_spread"] = (
                f"scores within a group spread {figures['rm/within_std_ratio']:.2f} times as far as in the calibration "
                "set: advantages come from noise"
            )
        return found


def stability_index(scores: Sequence[float], quantiles: Sequence[float]) -> float:
    """Return the population stability index of scores over the deciles of a calibration set.

    Sum over the bins of (share - expected) x ln(share / expected); 0 = the same distribution.
    """
    last = len(quantiles) - 1
    edges = sorted({quantiles[round(part * last / DECILES)] for part in range(1, DECILES)})
    # Where quantiles fall together their bins do, too.
    expected = _shares(quantiles, edges)
    return math.fsum(
        (share - wanted) * math.log(share / wanted)
        for share, wanted in zip(_shares(scores, edges), expected, strict=True)
    )


def _shares(scores: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [0] * (len(edges) + 1)
    for score in scores:
        counts[bisect.bisect_right(edges, score)] += 1
    return [max(count / len(scores), _MIN_SHARE) for count in counts]


def _key(*texts: Text) -> int:
    return hash(repr(texts))


def _keep(kept: OrderedDict[int, Value], key: int, value: Value) -> None:
    """Put the latest value behind the others; the oldest goes when there are too many."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > MAX_KNOWN:
        kept.popitem(last=False)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _within_std(groups: Sequence[Sequence[float]]) -> float | None:
    squares, free = 0.0, 0
    for group in groups:
        mean = math.fsum(group) / len(group)
        squares += math.fsum((score - mean) ** 2 for score in group)
        free += len(group) - 1
    return math.sqrt(squares / free) if free else None


class Watched(Protocol):
    """A `ScoreWatch`, or a teacher that keeps one."""

    def figures(self) -> dict[str, float]: ...


def watching(watched: Watched) -> Any:
    """Return a `transformers.TrainerCallback` that puts the figures into the trainer's log.

    Args:
        watched: A watch, or one of the teachers `reward_model` and `remote_rm`.

    Raises:
        MissingExtra: If transformers is not installed.
    """
    base = require("transformers", "rm", "A trainer's callback").TrainerCallback

    class WatchCallback(base):  # type: ignore[misc, valid-type]  # transformers is not typed here
        """Logs what the reward model's scores look like beside its calibration set."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            """Be heard by the trainer's reporters."""
            log_before_reporters(self)

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **more: Any) -> Any:
            """Add the figures to the entry that is being logged, and to the one that is saved."""
            if logs is not None and not any(name.startswith("eval_") for name in logs):
                figures = watched.figures()
                logs.update(figures)
                if state.log_history:
                    state.log_history[-1].update(figures)
            return control

    return WatchCallback()
