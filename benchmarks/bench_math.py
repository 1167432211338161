"""The math teacher against its peers: same pairs, same run, in turns on the same machine.

    python benchmarks/bench_math.py [--data FOLDER] [--sets ...] [--peers ...] [--limit N] [--quick]

Each scorer lives in its own process and environment (made on first use under `.bench/`). Chunks of pairs go to every
scorer in turn, so that they meet the same load. CPU time is measured inside each process around the judgement alone.
Prints the tables and writes the section `math` of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common import (
    DEFAULT_DATA,
    Hang,
    Process,
    Row,
    command_line,
    headline,
    load_cheats,
    load_corrections,
    load_set,
    strided,
    write_section,
)
from environments import CATALOG, command_of
from report_math import report

SETS = {
    "perturb_real_golds": "perturb_real_golds.jsonl.gz",
    "mathverify_tests": "mathverify_tests.jsonl.gz",
    "qwen_math_cot": "qwen_math_cot.jsonl.gz",
    "reference_solutions": "reference_solutions.jsonl.gz",
    "gsm8k_openai_solutions": "gsm8k_openai_solutions.jsonl.gz",
    "mr_gsm8k": "mr_gsm8k.jsonl.gz",
    "hard_cases": "hard_cases.jsonl",
    "cheats": "",
}
"""Files below `--data`; the cheats are this project's own."""
CHUNK = 250
"""Pairs that one scorer judges before the next one has its turn."""
CHUNK_LIMIT_S = 60.0
"""Wall seconds after which a scorer is killed and its chunk judged pair by pair."""
PAIR_LIMIT_S = 15.0
"""Wall seconds after which a scorer is killed and the pair counted as a hang; peers' own timeouts are 5 to 10 s."""
QUICK_ROWS = 40


@dataclass
class Judgement:
    """What a scorer said about one pair."""

    row: Row
    correct: bool
    cpu_s: float
    error: str = ""
    reason: str = ""
    passed_on: bool = False


@dataclass
class Outcome:
    """All that one scorer did: judgements by set, memory, versions."""

    ready: dict[str, Any]
    judged: dict[str, list[Judgement]] = field(default_factory=lambda: defaultdict(list))
    memory: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    """Run the benchmark and write its report."""
    options = _parse(sys.argv[1:])
    rows = _load(options)
    processes: dict[str, Process] = {}
    try:
        for name in options.peers:
            processes[name] = Process(command_of(CATALOG[name]), Path(__file__).parent)
        outcomes = _run(processes, rows, sampled=options.limit is None)
    finally:
        for process in processes.values():
            process.close()
    text = report(outcomes, options.sets, headline(command_line()))
    print(text)
    if not options.no_write:
        write_section("math", text)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder with the sets")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--peers", nargs="+", default=list(CATALOG), choices=list(CATALOG))
    parser.add_argument("--limit", type=int, help="at most this many rows of each set, for every scorer")
    parser.add_argument(
        "--quick", action="store_true", help=f"smoke test: {QUICK_ROWS} rows of each set, nothing written"
    )
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    options = parser.parse_args(arguments)
    if options.quick:
        options.limit, options.no_write = QUICK_ROWS, True
    return options


def _load(options: argparse.Namespace) -> dict[str, list[Row]]:
    corrections = load_corrections(options.data)
    sets = {}
    for name in options.sets:
        if name == "cheats":
            sets[name] = strided(load_cheats(), options.limit)
            continue
        path = options.data / SETS[name]
        if not path.exists():
            raise SystemExit(f"{path} is not there; --data must name the folder that holds {SETS[name]}")
        sets[name] = strided(load_set(path, corrections), options.limit)
    return sets


def _run(processes: dict[str, Process], sets: dict[str, list[Row]], sampled: bool) -> dict[str, Outcome]:
    outcomes = {name: Outcome(process.ready) for name, process in processes.items()}
    for title, rows in sets.items():
        chosen = {
            name: {row.id for row in strided(rows, CATALOG[name].sample if sampled else None)} for name in processes
        }
        for start in range(0, len(rows), CHUNK):
            chunk = rows[start : start + CHUNK]
            for name, process in processes.items():
                mine = [row for row in chunk if row.id in chosen[name]]
                outcomes[name].judged[title] += _judge(process, mine) if mine else []
        print(f"{title}: {len(rows)} pairs done", file=sys.stderr)
    for name, process in processes.items():
        outcomes[name].memory = process.ask({"op": "memory"}, PAIR_LIMIT_S)
        _judge_slowly(process, outcomes[name])
    return outcomes


def _judge(process: Process, rows: list[Row], op: str = "judge") -> list[Judgement]:
    """Judge a chunk in one go; if that takes too long, pair by pair, so that only the pair at fault is a hang."""
    pairs = [{"gold": row.gold, "text": row.text, "bare": row.bare} for row in rows]
    try:
        answers = process.ask({"op": op, "pairs": pairs}, PAIR_LIMIT_S if len(rows) == 1 else CHUNK_LIMIT_S)["answers"]
    except Hang as error:
        if len(rows) > 1:
            return [judged for row in rows for judged in _judge(process, [row], op)]
        return [Judgement(rows[0], False, PAIR_LIMIT_S, error=f"hang: {error}")]
    return [
        Judgement(row, bool(a["correct"]), a["cpu_s"], a["error"], a["reason"], passed_on=a["correct"] is None)
        for row, a in zip(rows, answers, strict=True)
    ]


def _judge_slowly(process: Process, outcome: Outcome) -> None:
    """Judge what the fast path passed on, after its memory was read; the pair's CPU time is the sum of both."""
    for judged in outcome.judged.values():
        for index, first in enumerate(judged):
            if first.passed_on:
                (second,) = _judge(process, [first.row], "slow")
                second.cpu_s += first.cpu_s
                second.passed_on = True
                judged[index] = second


if __name__ == "__main__":
    main()
