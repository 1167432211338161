"""What hostile texts cost the math teacher: CPU and memory on the fast path, wall time through the whole engine.

    python benchmarks/bench_hostile.py [--top N] [--only WORD] [--no-write]

Each text of `tests/cases/math_hostile.py` is judged as a boxed answer, as a bare completion, as a reference, and before
a good answer, each time in a fresh fork. Prints the worst and everything over the bar; writes the section `hostile` of
`benchmarks/RESULTS.md`. Linux only (it reads /proc).
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from common import ROOT, command_line, headline, table, write_section
from peers.driver import memory

from verifiers import Sample, score
from verifiers.registry import find
from verifiers.teacher import BaseTeacher

sys.path.insert(0, str(ROOT / "tests"))
from cases.math_hostile import ATTACKS

CPU_BAR_S = 0.050
MEMORY_BAR_MB = 16.0
KILL_S = 10.0
"""Wall seconds after which a fork is killed."""
DEADLINE_S = 1.0
OVERSHOOT_BAR_S = 0.250
WORKER_WARM_UP = Sample("\\boxed{\\int_0^1 x^2\\,dx}", reference="\\frac{1}{3}")
"""Starts the workers, so that the first attack does not pay for it."""
FORMS = ("boxed", "bare", "reference", "before")
RESET_PEAK = "5"
"""What /proc/self/clear_refs takes to forget the peak of resident memory."""


@dataclass(frozen=True)
class Cost:
    """What one text cost in one form; `verdict` tells status and reason, or "worker" if it was passed on."""

    name: str
    form: str
    cpu_s: float
    memory_mb: float
    reward: float | None
    verdict: str


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--top", type=int, default=20, help="how many of the dearest are shown")
    parser.add_argument("--only", default="", help="only attacks whose name holds this word")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    options = parser.parse_args()
    teacher = find("math").build()
    if not isinstance(teacher, BaseTeacher):
        raise SystemExit("the teacher 'math' has no fast path to measure")
    teacher.quick(Sample("The answer is $\\boxed{\\frac{1}{2}}$.", reference="0.5"))
    names = [name for name in ATTACKS if options.only in name]
    costs = [_forked(teacher, name, form) for name in names for form in FORMS]
    text = _report(costs, list(_through_engine(costs)), options.top)
    print(text)
    if not options.no_write:
        write_section("hostile", text)


def sample_of(name: str, form: str) -> Sample:
    """Build an attack in one of its forms; all but "before" deserve no reward."""
    text = ATTACKS[name]()
    if form == "reference":
        return Sample("The answer is $\\boxed{1}$.", reference=text)
    completion = {"boxed": f"The answer is $\\boxed{{{text}}}$.", "bare": text, "before": f"{text}\n\nSo \\boxed{{1}}."}
    return Sample(completion[form], reference="1")


def _forked(teacher: BaseTeacher, name: str, form: str) -> Cost:
    sample = sample_of(name, form)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, json.dumps(_measure(teacher, sample)).encode())
        os._exit(0)
    os.close(write_end)
    ready, _, _ = select.select([read_end], [], [], KILL_S)
    raw = os.read(read_end, 1 << 16) if ready else b""
    os.close(read_end)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if not raw:
        return Cost(name, form, KILL_S, float("nan"), None, "hang" if not ready else "crash")
    return Cost(name, form, *json.loads(raw))


def _measure(teacher: BaseTeacher, sample: Sample) -> tuple[float, float, float | None, str]:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as control:
        control.write(RESET_PEAK)
    before = float(str(memory()["rss_mb"]))
    started = time.process_time()
    try:
        verdict = teacher.quick(sample)
    except BaseException as error:  # a crash of the fast path is a finding, shown in the table
        return time.process_time() - started, 0.0, None, f"EXCEPTION {type(error).__name__}: {error}"[:200]
    cpu_s = time.process_time() - started
    grown = float(str(memory()["peak_mb"])) - before
    told = "worker" if verdict is None else f"{verdict.status.value}: {verdict.reason}"[:200]
    return cpu_s, grown, None if verdict is None else verdict.reward, told


def _through_engine(costs: list[Cost]) -> Iterator[tuple[Cost, float, str]]:
    """Send what the fast path passed on through the engine, one by one, with a short deadline."""
    passed_on = [cost for cost in costs if cost.verdict == "worker"]
    score([WORKER_WARM_UP], "math", deadline_s=KILL_S)
    for cost in passed_on:
        started = time.perf_counter()
        (verdict,) = score([sample_of(cost.name, cost.form)], "math", deadline_s=DEADLINE_S)
        yield cost, time.perf_counter() - started, f"{verdict.status.value}: {verdict.reason}"[:200]


def _report(costs: list[Cost], slow: list[tuple[Cost, float, str]], top: int) -> str:
    over = [c for c in costs if c.cpu_s > CPU_BAR_S or c.memory_mb > MEMORY_BAR_MB or c.verdict in {"hang", "crash"}]
    paid = [c for c in costs if c.reward == 1.0 and c.form != "before"]
    broken = [c for c in costs if c.verdict.startswith(("EXCEPTION", "failed"))]
    late = [s for s in slow if s[1] > DEADLINE_S + OVERSHOOT_BAR_S]
    dearest = sorted(costs, key=lambda c: -c.cpu_s)[:top]
    largest = sorted(costs, key=lambda c: -c.memory_mb)[:5]
    summary = (
        f"{len(costs)} judgements of {len({c.name for c in costs})} texts; "
        f"over {CPU_BAR_S * 1000:.0f} ms or {MEMORY_BAR_MB:.0f} MB: {len(over)}; paid: {len(paid)}; "
        f"exceptions: {len(broken)}; passed on to a worker: {len(slow)}, "
        f"later than the deadline of {DEADLINE_S} s + {OVERSHOOT_BAR_S * 1000:.0f} ms: {len(late)}.\n"
    )
    parts = ["## Math: hostile texts\n", headline(command_line()), summary]
    parts += [f"### {title}\n\n{_costs(chosen)}" for title, chosen in _sections(over, paid, broken, dearest, largest)]
    return "\n".join([*parts, "### Through the engine\n\n" + _slow(slow)])


def _sections(*chosen: list[Cost]) -> Iterator[tuple[str, list[Cost]]]:
    titles = ("Over the bar", "Paid", "Exceptions", "Dearest", "Largest")
    return ((title, costs) for title, costs in zip(titles, chosen, strict=True) if costs)


def _costs(costs: list[Cost]) -> str:
    rows = [
        [c.name, c.form, f"{c.cpu_s * 1000:.1f}", f"{c.memory_mb:.1f}", c.verdict.replace("|", "\\|")] for c in costs
    ]
    return table(["text", "form", "CPU ms", "MB", "verdict"], rows)


def _slow(slow: list[tuple[Cost, float, str]]) -> str:
    rows = [[c.name, c.form, f"{wall_s:.2f}", told.replace("|", "\\|")] for c, wall_s, told in slow]
    return table(["text", "form", "wall s", "verdict"], rows)


if __name__ == "__main__":
    main()
