"""What the benchmarks share: the data, processes that can be killed, statistics, and the file of results."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "RESULTS.md"
DEFAULT_DATA = ROOT.parent / "shared" / "data" / "math"
START_S = 60.0
"""How long a process may take to import its packages."""


@dataclass(frozen=True)
class Row:
    """One labelled pair.

    Attributes:
        text: The model's whole completion, or only its answer when `bare`.
        label: Whether it is right, after adjudication.
    """

    id: str
    gold: str
    text: str
    bare: bool
    label: bool
    note: str


def load_set(path: Path, corrections: dict[str, dict[str, Any]]) -> list[Row]:
    """Read a set of pairs; `corrections` replace labels or exclude rows."""
    opener = gzip.open if path.suffix == ".gz" else open
    rows = []
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            raw = json.loads(line)
            label = corrections.get(raw["id"], raw)["label"]
            if label == "exclude":
                continue
            bare = "completion" not in raw
            text = raw["pred"] if bare else raw["completion"]
            rows.append(Row(raw["id"], raw["gold"], text, bare, bool(label), str(raw.get("note", ""))))
    return rows


def load_cheats() -> list[Row]:
    """Read our own reward-hacking completions, all of which are wrong."""
    lines = (ROOT / "tests" / "cases" / "math_cheats.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [json.loads(line) for line in lines]
    return [Row(f"cheats/{n}", c["reference"], c["completion"], False, False, c["kind"]) for n, c in enumerate(cases)]


def load_corrections(data: Path) -> dict[str, dict[str, Any]]:
    """Read `adjudication.jsonl` by id; empty if there is none."""
    path = data / "adjudication.jsonl"
    if not path.exists():
        return {}
    return {row["id"]: row for row in map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def strided(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """Return at most `limit` rows, evenly spread, the same ones on every run."""
    if limit is None or len(rows) <= limit:
        return list(rows)
    return [rows[i * len(rows) // limit] for i in range(limit)]


class Hang(Exception):
    """The process did not answer within its time."""


class Process:
    """A scorer in its own process, spoken to in JSON lines; started again after it was killed for a hang."""

    def __init__(self, command: Sequence[str], cwd: Path) -> None:
        self._command, self._cwd = list(command), cwd
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.ready = self._start()

    def _start(self) -> dict[str, Any]:
        self._child = subprocess.Popen(
            self._command,
            cwd=self._cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._lines = queue.Queue()
        threading.Thread(target=_pump, args=(self._child.stdout, self._lines), daemon=True).start()
        return self._receive(START_S)

    def ask(self, request: dict[str, Any], limit_s: float) -> dict[str, Any]:
        """Send one request and wait for its answer.

        Raises:
            Hang: If none came within `limit_s`; the process was killed and a fresh one stands ready.
        """
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        try:
            return self._receive(limit_s)
        except Hang:
            self._child.kill()
            self._child.wait()
            self._start()
            raise

    def _receive(self, limit_s: float) -> dict[str, Any]:
        try:
            line = self._lines.get(timeout=limit_s)
        except queue.Empty:
            raise Hang(f"no answer within {limit_s} s") from None
        if line is None:
            raise RuntimeError(
                f"{' '.join(self._command)} ended with status {self._child.wait()}; run it by hand to see why"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()


def _pump(stream: IO[str] | None, lines: queue.Queue[str | None]) -> None:
    for line in stream or ():
        lines.put(line)
    lines.put(None)


def percentile(values: Sequence[float], q: float) -> float:
    """Return the value below which the share `q` of the values lies; nan for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else float("nan")


def hardware() -> str:
    """Name the processor, its cores, memory, system and Python, in one line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        found = re.search(r"^model name\s*: (.+)$", cpuinfo.read_text(), re.M)
        name = found[1] if found else name
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (
        f"{name}, {os.cpu_count()} cores, {memory_gb:.0f} GB, {platform.system()}, Python {platform.python_version()}"
    )


def write_section(name: str, body: str) -> None:
    """Put `body` between the markers of section `name` in RESULTS.md; other sections stay as they are."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Benchmark results\n"
    block = f"{begin}\n{body.strip()}\n{end}\n"
    if begin in old and end in old:
        head, _, rest = old.partition(begin)
        new = head + block.rstrip("\n") + rest.partition(end)[2]
    else:
        new = old.rstrip("\n") + "\n\n" + block
    RESULTS.write_text(new, encoding="utf-8")


def headline(command: str) -> str:
    """Return the lines under a section's title: when, where, how."""
    load = os.getloadavg()[0]
    return f"{time.strftime('%Y-%m-%d')}; {hardware()}; load {load:.1f}. Command: `{command}`\n"


def table(header: Sequence[str], rows: Iterator[Sequence[object]] | Sequence[Sequence[object]]) -> str:
    """Lay out a markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def command_line() -> str:
    """Return the command that is running, without paths of this machine."""
    return " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]])


def run_parts(
    parser: argparse.ArgumentParser, parts: Mapping[str, Callable[[], str]], asked: Sequence[str]
) -> list[str]:
    """Run the parts of a benchmark that were asked for, or all; return their reports."""
    if unknown := set(asked) - parts.keys():
        parser.error(f"no part {', '.join(unknown)}; there are: {', '.join(parts)}")
    return [parts[name]() for name in asked or parts]
