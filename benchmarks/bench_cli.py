"""The whole command line on GSM8K: `verify score --task math`, reading and writing included, against a plain loop.

    python benchmarks/bench_cli.py [--data FOLDER] [--rows N] [--sample N] [--no-write]

The rows are the GSM8K set over and over, each completion with a first line of its own, so that judging equal pairs
once does not help. The loop over math-verify runs on a sample of the same file, right before and right after ours.
Writes the section `cli` of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common import DEFAULT_DATA, Row, command_line, headline, load_corrections, load_set, table, write_section
from environments import PEERS, ensure

SOURCE = "gsm8k_openai_solutions.jsonl.gz"


@dataclass(frozen=True)
class Run:
    """One run of a command: `cpu_s` is that of all its processes."""

    title: str
    rows: int
    wall_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Rows for each second of wall time."""
        return self.rows / self.wall_s


def main() -> None:
    """Make the files, run both, print and write the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with the sets")
    parser.add_argument("--rows", type=int, default=50_000, help="rows that the command line scores")
    parser.add_argument("--sample", type=int, default=2_000, help="rows that the loop over math-verify scores")
    parser.add_argument("--num-proc", type=int, default=2, help="processes of the command line")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    options = parser.parse_args()
    rows = load_set(options.data / SOURCE, load_corrections(options.data))
    with tempfile.TemporaryDirectory() as folder:
        runs = _runs(Path(folder), rows, options)
    text = _report(runs)
    print(text)
    if not options.no_write:
        write_section("cli", text)


def _runs(folder: Path, rows: list[Row], options: argparse.Namespace) -> list[Run]:
    large, small, out = folder / "rows.jsonl", folder / "sample.jsonl", folder / "scored.jsonl"
    _write_rows(large, rows, options.rows)
    _write_rows(small, rows, options.sample)
    peer = [str(ensure("peers")), str(PEERS / "loop_math_verify.py"), str(small), str(out)]
    ours = [sys.executable, "-m", "verifiers", "score", "--task", "math", "-o", str(out)]
    title = "`verify score --task math`"
    return [
        _timed("loop over math-verify", peer, options.sample, out),
        _timed(title, [*ours, "--num-proc", str(options.num_proc), str(large)], options.rows, out),
        _timed(f"{title}, 1 process", [*ours, "--num-proc", "1", str(large)], options.rows, out),
        _timed("loop over math-verify", peer, options.sample, out),
    ]


def _write_rows(path: Path, rows: list[Row], count: int) -> None:
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            row = rows[number % len(rows)]
            completion = f"Attempt {number}.\n{row.text}"
            record = {"id": number, "completion": completion, "reference": row.gold}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def _timed(title: str, command: Sequence[str], rows: int, out: Path) -> Run:
    out.unlink(missing_ok=True)
    cpu_s, wall_s = _children_cpu_s(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    cpu_s, wall_s = _children_cpu_s() - cpu_s, time.perf_counter() - wall_s
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    with out.open(encoding="utf-8") as lines:
        written = sum(1 for _ in lines)
    if written != rows:
        raise SystemExit(f"{title} wrote {written} rows of {rows}")
    return Run(title, rows, wall_s, cpu_s)


def _children_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _report(runs: list[Run]) -> str:
    loop_rate = sum(run.rate for run in (runs[0], runs[-1])) / 2
    rows = [
        [
            run.title,
            run.rows,
            f"{run.wall_s:.2f}",
            f"{run.cpu_s:.2f}",
            f"{run.rate:,.0f}",
            f"{run.rate / loop_rate:.1f}x",
        ]
        for run in runs
    ]
    header = ["command", "rows", "wall s", "CPU s", "rows/s", "to the loop"]
    return "\n".join(["## The command line on GSM8K\n", headline(command_line()), table(header, rows)])


if __name__ == "__main__":
    main()
