"""How fast the rule teachers are: against the official IFEval checker in the same run, and `format` by itself."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common import ROOT
from environments import official_ifeval

sys.path.insert(0, str(ROOT / "tests"))
from rules_bar import IFEVAL, instructions, rows

from verifiers.binding import bind
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample

ROUNDS = 3
"""Ours and theirs take turns; the best of each counts."""
GROUP = 8
"""Passes over the data in one of our rounds: a reference is read once for its group, as in training. The first pass, in
which every reference is new, is reported beside it. The official checker has nothing to remember: one pass."""
LOADING = 20
"""Samples that are judged before the clock starts."""
OFFICIAL_LIMIT_S = 300.0
THOUGHT_CHARS = 600
"""Of the responses that are put into `<think>` to make good forms."""
STRICTNESS = ("strict", "loose")


@dataclass(frozen=True)
class Speed:
    """Seconds of CPU a response, by strictness.

    Attributes:
        ours: By mode: the mean of a group's passes.
        first: By mode: the very first pass, with every reference and pattern new.
        official: The official checker's; `None` = it could not be run.
        why_none: Why not.
    """

    ours: dict[str, dict[str, float]]
    first: dict[str, dict[str, float]]
    official: dict[str, float] | None
    why_none: str = ""

    def ratio(self, mode: str, strictness: str) -> float:
        """Return how many times the official checker's time is ours."""
        return self.official[strictness] / self.ours[mode][strictness] if self.official else float("nan")


def ifeval_speed(folder: Path) -> Speed:
    """Time both checkers on the natural responses, in turns."""
    samples = [instructions(row) for row in rows(folder, IFEVAL)]
    ours: dict[str, dict[str, float]] = {"compat": {}, "robust": {}}
    first: dict[str, dict[str, float]] = {"compat": {}, "robust": {}}
    theirs: dict[str, float] = {}
    why = ""
    for _ in range(ROUNDS):
        for mode, found in ours.items():
            for strictness in STRICTNESS:
                taken = _passes("ifeval", samples, mode=mode, strictness=strictness)
                found[strictness] = min(found.get(strictness, math.inf), sum(taken) / len(taken))
                first[mode].setdefault(strictness, taken[0])
        why = why or _official(folder / f"{IFEVAL}.jsonl.gz", theirs)
    return Speed(ours, first, theirs if not why else None, why)


def _official(data: Path, best: dict[str, float]) -> str:
    """Time the official checker once; return why it could not be, or nothing."""
    try:
        command = [*official_ifeval(), str(data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=OFFICIAL_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    told = json.loads(done.stdout)
    for strictness, cpu_s in told["cpu_s"].items():
        taken = cpu_s / told["rows"]
        best[strictness] = min(best.get(strictness, taken), taken)
    return ""


def format_speed(folder: Path) -> tuple[float, float]:
    """Return completions a second of `format`: good forms of about 700 characters, and the hacks."""
    thoughts = [" ".join(row["response"][:THOUGHT_CHARS].replace("<", "").split()) for row in rows(folder, IFEVAL)]
    good = [Sample(f"<think>{text}</think>\n<answer>{text[-40:]}</answer>") for text in thoughts]
    hacks = [Sample(row["text"]) for row in rows(folder, "format_hacks")]
    return _rate(good), _rate(hacks)


def _rate(samples: Sequence[Sample]) -> float:
    return 1.0 / min(sum(taken) / len(taken) for taken in (_passes("format", samples) for _ in range(ROUNDS)))


def _passes(name: str, samples: Sequence[Sample], **options: str) -> list[float]:
    """Return CPU seconds a sample of each pass of a group, by a teacher that has seen none of the references."""
    _once(_quick(name, options), samples[:LOADING])  # loads modules and models
    judge = _quick(name, options)
    return [_once(judge, samples) for _ in range(GROUP)]


def _quick(name: str, options: Mapping[str, str]) -> BaseTeacher:
    judge = bind(name, dict(options)).teacher
    if not isinstance(judge, BaseTeacher):
        raise SystemExit(f"{name} has no fast path to measure")
    return judge


def _once(judge: BaseTeacher, samples: Sequence[Sample]) -> float:
    started = time.process_time()
    for sample in samples:
        judge.quick(sample) or judge.judge(sample)
    return (time.process_time() - started) / len(samples)
