"""What hostile completions cost each rule teacher, from 10 kB to 10 MB, and how the cost grows.

Every setting that a teacher's own cases name (its options and references), every kind of rule of the rule language and
every kind of instruction meets every shape of text at 190 kB and at 1 MB; the dearest pairs of both are measured at all
sizes. A pair's exponent is the slope of a line through log(seconds) over log(bytes), of those sizes that take long
enough to be timed and that the teacher reads (beyond its limit the verdict is `limit_exceeded`, at once).
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import linear_regression

from common import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from rules_bar import IFBENCH, IFEVAL, rows
from rules_shapes import SHAPES, Setting, instruction_settings, settings_of

from verifiers.binding import bind
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample, Status, Verdict

SIZES = (10_000, 100_000, 190_000, 1_000_000, 10_000_000)
"""In bytes. The third is just below the limits that some teachers set."""
FIRST = SIZES[2:4]
BAR_SIZE = SIZES[3]
BAR_S, BAR_EXPONENT = 0.050, 1.1
FOLLOWED = 3
"""Dearest pairs of a teacher at each of the first sizes that are measured at all sizes."""
MIN_TIMED_S = 0.0005
"""Shorter times say nothing about growth."""
MIN_SPAN = math.log(9.0)
"""Between nearer sizes a slope is noise."""
TRIES = 3
INSTRUCTIONS = {"ifeval": IFEVAL, "ifbench": IFBENCH}


@dataclass(frozen=True)
class Cost:
    """What one setting and shape cost.

    Attributes:
        teacher, setting, shape: Which.
        seconds: CPU seconds by size.
        statuses: Of the verdicts, by size.
    """

    teacher: str
    setting: str
    shape: str
    seconds: Mapping[int, float]
    statuses: Mapping[int, Status]

    @property
    def exponent(self) -> float:
        """How the cost grows; nan where too little can be timed."""
        read = [size for size in SIZES if self.statuses[size] is not Status.LIMIT_EXCEEDED]
        timed = [(math.log(size), math.log(self.seconds[size])) for size in read if self.seconds[size] >= MIN_TIMED_S]
        if len(timed) < 2 or timed[-1][0] - timed[0][0] < MIN_SPAN:
            return math.nan
        sizes, times = zip(*timed, strict=True)
        return linear_regression(sizes, times).slope

    @property
    def most_s(self) -> float:
        """The largest cost of a text of up to 1 MB."""
        return max(s for size, s in self.seconds.items() if size <= BAR_SIZE)


Pair = tuple[BaseTeacher, Setting, str]


def costs(names: Sequence[str], data: Path, say: Callable[[str], None]) -> Iterator[Cost]:
    """Measure the teachers and yield the dearest pairs of each.

    Args:
        names: The teachers.
        data: The folder of the labelled data, which has every kind of instruction.
        say: Told what is being measured.
    """
    for name in names:
        settings = settings_of(name)
        if name in INSTRUCTIONS and data.is_dir():
            settings += instruction_settings(rows(data, INSTRUCTIONS[name]))
        say(f"{name}: {len(settings)} settings x {len(SHAPES)} shapes")
        for judge, setting, shape in _dearest(name, settings):
            taken = {size: _timed(judge, setting, shape, size, TRIES) for size in SIZES}
            seconds = {size: each for size, (each, _) in taken.items()}
            yield Cost(
                name, setting.name, shape, seconds, {size: verdict.status for size, (_, verdict) in taken.items()}
            )


def _dearest(name: str, settings: Sequence[Setting]) -> list[Pair]:
    """Return the pairs of setting and shape that cost most at the first sizes."""
    found: dict[int, Pair] = {}
    judges = [_built(name, setting) for setting in settings]
    pairs = [(judge, setting, shape) for judge, setting in zip(judges, settings, strict=True) for shape in SHAPES]
    for size in FIRST:
        taken = [_timed(*pair, size, 1)[0] for pair in pairs]
        for index in sorted(range(len(pairs)), key=lambda i: -taken[i])[:FOLLOWED]:
            found[index] = pairs[index]
    return list(found.values())


def _built(name: str, setting: Setting) -> BaseTeacher:
    judge = bind(name, setting.options).teacher
    if not isinstance(judge, BaseTeacher):
        raise SystemExit(f"{name}: not one of the catalog's teachers")
    judge.quick(setting.sample)  # loads what it needs
    return judge


def _timed(judge: BaseTeacher, setting: Setting, shape: str, size: int, tries: int) -> tuple[float, Verdict]:
    """Return the least CPU seconds of some tries, and the verdict."""
    sample: Sample = replace(setting.sample, completion=SHAPES[shape](size, setting.completion))
    least, verdict = math.inf, None
    for _ in range(tries):
        started = time.thread_time()
        verdict = judge.quick(sample) or judge.judge(sample)
        least = min(least, time.thread_time() - started)
    assert verdict is not None
    return least, verdict
