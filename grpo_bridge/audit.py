"""Ask somebody else whether the reward still means what it should: a held-out teacher, humans, the lengths.

A policy that learns to please its teacher rather than to be right shows it first where the teacher does not look.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, sqrt
from pathlib import Path

from grpo_bridge.metrics import RIGHT, mean_and_std
from grpo_bridge.scorer import GroupScorer
from verifiers.types import Json, Sample, text_of

MIN_POINTS = 8
"""Fewest measurements of which a trend is told."""
WINDOW = 40
"""Most measurements that a trend looks back."""
CLEAR = 2.0
"""Standard errors that the later half of a window must lie above the earlier one to be called higher."""
MAX_GROWTH = 2.0
"""Completions this many times longer or shorter than at first have drifted."""
MAX_AUDITED = 64
"""Most samples that the held-out teacher judges at a time."""
MIN_CHECKS, MIN_AGREEMENT = 10, 0.8
"""Human spot checks: fewest that count, and the share that must agree."""
MAX_CHECK_BYTES = 64 * 2**20

_log = logging.getLogger("grpo_bridge")


def rise(values: Sequence[float]) -> float:
    """Return how far the later half lies above the earlier half, in standard errors; 0 if there are too few."""
    values = values[-WINDOW:]
    half = len(values) // 2
    if len(values) < MIN_POINTS:
        return 0.0
    (low, low_std), (high, high_std) = mean_and_std(values[:half]), mean_and_std(values[-half:])
    error = sqrt((low_std**2 + high_std**2) / half)
    return (high - low) / error if error else (0.0 if high == low else inf if high > low else -inf)


@dataclass
class Trends:
    """What the audits have measured so far, and what is alarming about it."""

    reward: list[float] = field(default_factory=list)
    held_out: list[float] = field(default_factory=list)
    length: list[float] = field(default_factory=list)
    agreement: tuple[float, int] | None = None

    def alarms(self) -> dict[str, str]:
        """Return what is wrong, by name."""
        found: dict[str, str] = {}
        # The same steps of both: a reward that is higher now than when the held-out teacher was first asked.
        if rise(self.reward) >= CLEAR and len(self.held_out) >= MIN_POINTS and rise(self.held_out) <= 0:
            found["held_out"] = "the reward rises and the held-out teacher's does not: the policy may cheat its teacher"
        if self.agreement is not None and self.agreement[1] >= MIN_CHECKS and self.agreement[0] < MIN_AGREEMENT:
            share, count = self.agreement
            found["humans"] = f"humans agree with only {share:.0%} of {count} checked rewards"
        if len(self.length) >= MIN_POINTS:
            first, _ = mean_and_std(self.length[: MIN_POINTS // 2])
            now, _ = mean_and_std(self.length[-MIN_POINTS // 2 :])
            if first and not 1 / MAX_GROWTH <= now / first <= MAX_GROWTH:
                found["length"] = f"completions were {first:.0f} long at first and are {now:.0f} now"
        return found


def held_out_mean(scorer: GroupScorer, samples: Sequence[Sample]) -> float | None:
    """Return the mean reward of a teacher that does not train; `None` if it judged nothing."""
    rewards = [each for each in scorer.judge(_spread(samples)).rewards if each is not None]
    return sum(rewards) / len(rewards) if rewards else None


def _spread(samples: Sequence[Sample]) -> list[Sample]:
    step = -(-len(samples) // MAX_AUDITED)
    return list(samples[:: max(1, step)])


class SpotChecks:
    """Samples for humans: written to one file, read back from another in which they filled in `human`.

    Args:
        path: JSON lines for humans are appended here; what they send back is looked for beside it, as
            `NAME.checked.jsonl`: the same rows with `human` from 0 (wrong) to 1 (right).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checked = self.path.with_name(f"{self.path.stem}.checked.jsonl")

    def write(self, step: int, samples: Sequence[Sample], rewards: Sequence[float | None], count: int) -> None:
        """Append `count` judged samples: the highest and the lowest rewards, where a teacher errs most dearly."""
        order = [i for i in sorted(range(len(samples)), key=lambda i: -(rewards[i] or 0.0)) if rewards[i] is not None]
        chosen = dict.fromkeys([*order[: (count + 1) // 2], *order[len(order) - count // 2 :]])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as out:
            for i in chosen:
                sample = samples[i]
                row: dict[str, Json] = {"step": step, "prompt": sample.prompt, "completion": text_of(sample.completion)}
                row |= {"reference": sample.reference, "reward": rewards[i], "human": None}
                out.write(json.dumps(row, ensure_ascii=True, default=str) + "\n")

    def agreement(self) -> tuple[float, int] | None:
        """Return the share of checked rewards that humans agree with, and how many were checked."""
        try:
            with self.checked.open("rb") as handle:
                lines = handle.read(MAX_CHECK_BYTES).splitlines()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("cannot read %s: %s", self.checked, error)
            return None
        agreed = [agrees for line in lines if (agrees := _agrees(line)) is not None]
        return (sum(agreed) / len(agreed), len(agreed)) if agreed else None


def _agrees(line: bytes) -> bool | None:
    """Return whether a human agrees; `None` for a row that nobody has rated, or that is none."""
    try:
        row = json.loads(line)
        return bool((float(row["human"]) > RIGHT) == (float(row["reward"]) > RIGHT))
    except (ValueError, TypeError, KeyError):
        return None
