"""Whether memory stays flat: 10,000 programs in a row in the sandbox, and 10 million rows through standard input.

    python benchmarks/bench_endurance.py [programs rows] [--programs N] [--rows N] [--image IMAGE] [--no-write]

Of 20 programs in a row 5 do harm: they raise, fill memory, flood the output, leave a process or a file behind; and one
in 400 spins until it is stopped. Each one's outcome is checked, as is the order and reward of each row. Linux only;
programs need docker. Writes the section `endurance` of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from common import command_line, headline, run_parts, table, write_section
from cpu_meter import containers_of

from sandbox import loop
from sandbox.owner import me
from sandbox.run import close_all, run_many, shared
from sandbox.settings import Settings
from sandbox.types import Job, Limits, Outcome, Program, Stdio

MIB = 1 << 20
LINES = 10
"""Rows of each table."""
LIMITS = Limits(cpu_s=0.5, memory_bytes=256 * MIB, output_bytes=MIB)
RIGHT = "print(int(input()) * 2)"
HARM = (
    ("raise SystemError('no')", Outcome.RUNTIME_ERROR),
    ("while True: pass", Outcome.TIME_LIMIT),
    ("x = bytearray(2 << 30)", Outcome.MEMORY_LIMIT),
    ("while True: print('x' * 65536)", Outcome.OUTPUT_LIMIT),
    ("import os\nif os.fork(): print(int(input()) * 2)\nelse:\n    os.setsid()\n    while True: pass", Outcome.OK),
    ("open('/tmp/left', 'wb').write(bytes(1 << 20))\nprint(int(input()) * 2)", Outcome.OK),
)
EVERY = 20
"""Of as many programs in a row, one of each harm; the spinning one only once in `EVERY` times as many."""
BATCH_ROWS = 1000
LOOK_S = 0.5


def main() -> None:
    """Run the parts that are asked for, print and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=[], help="of programs, rows; none = both")
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--image", default="", help="an image of your own; default: the one that was built")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    options = parser.parse_args()
    parts: dict[str, Callable[[], str]] = {
        "programs": lambda: programs(options.programs, options.image),
        "rows": lambda: rows(options.rows),
    }
    found = run_parts(parser, parts, options.parts)
    text = "\n".join(["## Memory over a long run\n", headline(command_line()), *found])
    print(text)
    if not options.no_write:
        write_section("endurance", text)


def programs(count: int, image: str) -> str:
    """Run programs in a row in two warm containers; tell memory and lost slots on the way."""
    settings = Settings(backend="docker", slots=2, image=image)
    lines, wrong, done, start_s = [], 0, 0, time.monotonic()
    wanted = (_program(number)[1] for number in range(count))
    for report in run_many((_job(number) for number in range(count)), settings):
        wrong += not report.runs or report.runs[0].outcome is not next(wanted)
        done += 1
        if done % max(1, count // LINES) == 0:
            lost, ids = loop.wait(_lost(settings)), containers_of(me())
            lines.append((done, wrong, f"{_own_mb():.1f}", f"{_containers_mb(ids):.1f}", len(ids), lost))
    rate = done / (time.monotonic() - start_s)
    close_all()
    header = ("programs", "other than expected", "this process, MB", "containers, MB", "containers", "slots lost")
    return f"### {count:,} programs in a row, {rate:,.0f} a second\n\n{table(header, lines)}"


def _program(number: int) -> tuple[str, Outcome]:
    kind = number % EVERY
    if kind >= len(HARM) or (HARM[kind][1] is Outcome.TIME_LIMIT and number // EVERY % EVERY):
        return RIGHT, Outcome.OK
    return HARM[kind]


def _job(number: int) -> Job:
    return Job(Program("python", f"{_program(number)[0]}\n# {number}\n"), Stdio((str(number).encode(),)), LIMITS)


async def _lost(settings: Settings) -> int:
    return (await shared(settings)).lost_slots


def _own_mb() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


def _containers_mb(ids: list[str]) -> float:
    """Return what the kernel charges the containers for processes and files in memory (cgroup v1 or v2)."""
    total = 0
    for container in ids:
        for folder in (f"memory/docker/{container}", f"system.slice/docker-{container}.scope", f"docker/{container}"):
            with contextlib.suppress(OSError):
                stat = dict(map(str.split, Path("/sys/fs/cgroup", folder, "memory.stat").read_text().splitlines()))
                total += sum(int(stat.get(name, 0)) for name in ("rss", "shmem", "anon"))
                break
    return total / MIB


def rows(count: int) -> str:
    """Send rows through `verify score --task math -`; tell the memory of all its processes on the way."""
    command = [sys.executable, "-m", "verifiers", "score", "--task", "math", "-q", "-", "-o", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        threading.Thread(target=_feed, args=(child.stdin, count), daemon=True).start()
        threading.Thread(target=child.stderr.read, daemon=True).start()
        peaks, ended = [0.0], threading.Event()
        watch = threading.Thread(target=_watch, args=(child.pid, peaks, ended))
        watch.start()
        lines, wrong, start_s = [], 0, time.monotonic()
        for number, line in enumerate(child.stdout, 1):
            row = json.loads(line)
            wrong += row["id"] != number - 1 or row["reward"] != float(_answers(number - 1))
            if number % max(1, count // LINES) == 0:
                lines.append((f"{number:,}", wrong, f"{peaks[-1]:.0f}"))
                peaks.append(0.0)
        ended.set()
        watch.join()
    rate = number / (time.monotonic() - start_s)
    if child.returncode or number != count:
        raise SystemExit(f"the command line ended with {child.returncode} after {number:,} rows of {count:,}")
    header = ("rows", "out of order or wrong", "most memory of all its processes since the line before, MB")
    return f"### {count:,} rows through standard input, {rate:,.0f} a second\n\n{table(header, lines)}"


def _answers(number: int) -> bool:
    return number % 97 == number % 89


def _feed(pipe: IO[bytes], count: int) -> None:
    with pipe:
        for start in range(0, count, BATCH_ROWS):
            pipe.write(b"".join(_lines(start, min(count, start + BATCH_ROWS))))


def _lines(start: int, end: int) -> Iterator[bytes]:
    for number in range(start, end):
        asked = f'"id": {number}, "prompt": "Question {number // 8}", "reference": "{number % 89}"'
        yield f'{{{asked}, "completion": "Attempt {number}: so it is \\\\boxed{{{number % 97}}}."}}\n'.encode()


def _watch(root: int, peaks: list[float], ended: threading.Event) -> None:
    while not ended.wait(LOOK_S):
        peaks[-1] = max(peaks[-1], sum(_pss_mb(pid) for pid in _family(root)))


def _family(root: int) -> set[int]:
    """Return a process and its living descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _pss_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
