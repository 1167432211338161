"""What the bridge costs: the reward function around the engine, HTTP, coalescing, Ray.

    python benchmarks/bench_bridge.py [wrapper http coalescing ray] [--no-write]

The teacher costs next to nothing (`flat_teacher.py`), but for Ray, where it is math on GSM8K. Completions are 2 kB of
text and all different. Needs the extras serve and ray. Writes the section `bridge` of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from common import DEFAULT_DATA, command_line, headline, load_corrections, load_set, run_parts, table, write_section

from grpo_bridge.coalesce import Coalescer
from grpo_bridge.ray_pool import RayPool
from grpo_bridge.ray_score import engine
from grpo_bridge.remote import RemoteEngine
from grpo_bridge.scorer import GroupScorer
from grpo_bridge.trl import trl_reward
from verifiers.engine import Scorer
from verifiers.io.config import RunConfig
from verifiers.types import Sample

FLAT = str(Path(__file__).with_name("flat_teacher.py"))
TEXT_CHARS = 2000
REPEATS = 12
CALLS = 16
BATCHES = (8, 64, 256, 1024)
COMPLETIONS = 24_576
"""Sent at each batch size."""
CLIENTS = 2
SINGLES = 4096
SHARDS = 8
RAY_ROWS = 4000
_number = count()


def texts(amount: int) -> list[str]:
    """Return completions of 2 kB, no two of them alike."""
    rng = random.Random(0)
    body = "".join(rng.choices('abcdefgh ijklm nopq\n"\\', k=2 * TEXT_CHARS))
    starts = [rng.randrange(TEXT_CHARS) for _ in range(amount)]
    return [f"{next(_number):08d} {body[start : start + TEXT_CHARS - 11]}42" for start in starts]


def main() -> None:
    """Run the parts that are asked for, print and write the report."""
    parts: dict[str, Callable[[], str]] = {
        "wrapper": wrapper,
        "http": over_http,
        "coalescing": coalescing,
        "ray": on_ray,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(parts)}; none = all")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    options = parser.parse_args()
    found = run_parts(parser, parts, options.parts)
    text = "\n".join(["## The bridge\n", headline(command_line()), *found])
    print(text)
    if not options.no_write:
        write_section("bridge", text)


def wrapper() -> str:
    """Compare a call of the reward function with the engine's own call on ready samples."""
    reward, scorer = trl_reward(FLAT, log_columns=False), Scorer(FLAT)
    costs: dict[int, tuple[float, float]] = {}
    for size in (8, 64, 512):
        pairs = [(_engine_s(scorer, size), _reward_s(reward, size)) for _ in range(REPEATS)]
        costs[size] = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    small, large = (costs[size][1] - costs[size][0] for size in (8, 512))
    each_us = 1e6 * (large - small) / (512 - 8)
    call_us = 1e6 * small - 8 * each_us
    rows = [[size, f"{1e6 * a:.0f}", f"{1e6 * b:.0f}", f"{1e6 * (b - a):.0f}"] for size, (a, b) in costs.items()]
    header = ["completions", "engine, CPU us", "trl_reward, CPU us", "difference"]
    cost = f"{call_us:.0f} us a call + {each_us:.2f} us a completion (goal: 50 + 1)"
    note = f"Overhead: {cost}. Best of {REPEATS} x {CALLS} calls.\n"
    return "\n".join(["### The reward function around the engine\n", table(header, rows), note])


def _engine_s(scorer: Scorer, size: int) -> float:
    calls = [[Sample(text, "prompt", "42") for text in texts(size)] for _ in range(CALLS)]
    return _cpu_s(scorer.score, calls)


def _reward_s(reward: Any, size: int) -> float:
    columns: dict[str, Any] = {"answer": ["42"] * size, "completion_ids": [[1]] * size}
    calls = [texts(size) for _ in range(CALLS)]
    return _cpu_s(lambda completions: reward(["prompt"] * size, completions, **columns), calls)


def _cpu_s(work: Callable[[Any], object], calls: Sequence[Any]) -> float:
    """Return the mean of the calls' CPU seconds."""
    gc.collect()
    start_s = time.process_time()
    for call in calls:
        work(call)
    return (time.process_time() - start_s) / len(calls)


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """Run a server and lend its address and process id."""
    command = [sys.executable, "-m", "verifiers", "serve", "-t", FLAT, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        line = server.stderr.readline()
        if "http://" not in line:
            raise SystemExit(f"the server did not start: {line}{server.stderr.read()}")
        try:
            yield "http://" + line.rpartition("http://")[2].strip(), server.pid
        finally:
            server.terminate()
            server.wait()


def _process_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_http() -> str:
    """Send ready bodies to one server process and read its answers."""
    with serving() as (url, pid):
        port = int(url.rpartition(":")[2])
        rows = []
        for size in BATCHES:
            best = max((_http_rates(port, pid, size) for _ in range(3)), key=lambda rates: rates[0])
            rows.append([size, f"{best[0]:,.0f}", f"{best[1]:,.0f}"])
    header = ["completions a request", "completions/s", "per CPU second of the server"]
    note = (
        f"One server process, {CLIENTS} connections, bodies made beforehand, verdicts read as bytes; the best of 3, "
        "wall clock. Goal: 25,000/s from 64 on.\n"
    )
    return "\n".join(["### `verify serve`, 2 kB a completion\n", table(header, rows), note])


def _http_rates(port: int, pid: int, size: int) -> tuple[float, float]:
    bodies = [_body(texts(size)) for _ in range(max(2 * CLIENTS, COMPLETIONS // 3 // size))]
    parts = [bodies[client::CLIENTS] for client in range(CLIENTS)]
    cpu_s, start_s = _process_cpu_s(pid), time.perf_counter()
    threads = [threading.Thread(target=_post_all, args=(port, part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = size * len(bodies)
    return done / (time.perf_counter() - start_s), done / max(0.01, _process_cpu_s(pid) - cpu_s)


def _body(completions: Sequence[str]) -> bytes:
    return json.dumps({"samples": [{"completion": text, "reference": "42"} for text in completions]}).encode()


def _post_all(port: int, bodies: Sequence[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in bodies:
        connection.request("POST", "/v1/score", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        if answer.status != 200 or b'"status":"incorrect"' in answer.read():
            raise SystemExit(f"the server answered {answer.status}")
    connection.close()


def coalescing() -> str:
    """Ask for single samples, each in a request of its own and coalesced."""
    with serving() as (url, pid):
        remote = RemoteEngine(url)
        remote.score([Sample("42", "", "42")])
        alone = min((_call_costs(_alone, remote, pid) for _ in range(2)), key=lambda costs: costs[0])
        together = min((_call_costs(_together, remote, pid) for _ in range(4)), key=lambda costs: costs[0])
    rows = [
        [title, f"{1 / wall_s:,.0f}", f"{alone[0] / wall_s:.1f}x", f"{1e6 * cpu_s:.0f}", f"{alone[1] / cpu_s:.1f}x"]
        for title, (wall_s, cpu_s) in (("a request each, 8 threads", alone), ("coalesced", together))
    ]
    header = ["calls", "completions/s", "", "CPU us of both sides", ""]
    note = f"{SINGLES} calls of one sample each from one event loop, over `verify serve`. Goal: 10x.\n"
    return "\n".join(["### Per-sample trainers over HTTP\n", table(header, rows), note])


def _call_costs(ask: Callable[..., Any], remote: RemoteEngine, pid: int) -> tuple[float, float]:
    """Return wall and CPU seconds of one call."""
    samples = [Sample(text, "", "42") for text in texts(SINGLES)]
    cpu_s, start_s = _process_cpu_s(pid) + time.process_time(), time.perf_counter()
    asyncio.run(ask(remote, samples))
    wall_s = time.perf_counter() - start_s
    return wall_s / SINGLES, (_process_cpu_s(pid) + time.process_time() - cpu_s) / SINGLES


async def _alone(remote: RemoteEngine, samples: Sequence[Sample]) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(8) as threads:
        await asyncio.gather(*(loop.run_in_executor(threads, remote.score, [sample]) for sample in samples))


async def _together(remote: RemoteEngine, samples: Sequence[Sample]) -> None:
    coalescer = Coalescer(remote.score)
    await asyncio.gather(*(coalescer.ascore(sample) for sample in samples))


def on_ray() -> str:
    """Judge GSM8K with the math teacher: files in clusters of one and two CPUs, and samples in a pool."""
    import ray

    data = load_set(DEFAULT_DATA / "gsm8k_openai_solutions.jsonl.gz", load_corrections(DEFAULT_DATA))
    rates = {1: 0.0, 2: 0.0}
    with tempfile.TemporaryDirectory() as folder:
        _write_shards(Path(folder, "in"), data)
        for cpus in (1, 2, 1, 2):  # in turn, so that both meet the same load
            ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
            _score_files(Path(folder), 1)  # starts the workers
            rates[cpus] = max(rates[cpus], *(_score_files(Path(folder), SHARDS) for _ in range(2)))
            pool_rate = _pool_rate(RayPool("math", actors=2, num_cpus=0.5), data) if cpus == 2 else 0.0
            ray.shutdown()
    rows = [[cpus, f"{rate:,.0f}", f"{rate / rates[1]:.2f}x"] for cpus, rate in rates.items()]
    note = (
        f"{SHARDS} files of {RAY_ROWS:,} rows, each with a first line of its own, written and synced; the best of 4, "
        f"wall clock: for an idle machine only. Goal: 1.8x. A `RayPool` of 2 actors: {pool_rate:,.0f} completions/s.\n"
    )
    return "\n".join(["### `verify score --engine ray`, math\n", table(["workers", "rows/s", ""], rows), note])


def _write_shards(folder: Path, data: Sequence[Any]) -> None:
    folder.mkdir()
    for shard in range(SHARDS):
        rows = [data[(shard * RAY_ROWS + n) % len(data)] for n in range(RAY_ROWS)]
        lines = [{"completion": f"Attempt {next(_number)}.\n{row.text}", "reference": row.gold} for row in rows]
        (folder / f"{shard:02d}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _score_files(folder: Path, shards: int) -> float:
    """Score so many of the files; return rows a second."""
    sources = [str(path) for path in sorted((folder / "in").iterdir())[:shards]]
    summary = engine(RunConfig("math", sources, str(folder / "out"), overwrite=True), None, None, lambda columns: None)
    return summary.rows_per_s


def _pool_rate(pool: RayPool, data: Sequence[Any]) -> float:
    scorer = GroupScorer(pool, max_not_judged=None)
    scorer.score([Sample("4", "", "4")] * 128)
    rows = [data[n % len(data)] for n in range(SHARDS * RAY_ROWS)]
    samples = [Sample(f"Attempt {next(_number)}.\n{row.text}", "", row.gold) for row in rows]
    start_s = time.perf_counter()
    scorer.score(samples)
    return len(samples) / (time.perf_counter() - start_s)


if __name__ == "__main__":
    main()
