"""Kill a run anywhere, resume it, and get the bytes of a run that was never killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verifiers.errors import InputError, UsageError
from verifiers.io import sinks
from verifiers.io.config import RunConfig
from verifiers.io.resume import recover, sidecar_of
from verifiers.io.run import score_file
from verifiers.io.selection import Selection

TOY = str(Path(__file__).parent / "cases" / "toy_teacher.py")
ROWS = 4000
KILLS = 20

SCORE = """
import sys
from threading import Event
from verifiers.io import chunks, resume, run, sinks
from verifiers.io.config import RunConfig
ready = Event()
ready.set()
sinks.BUFFER_BYTES = 4096
sinks.MEMBER_BYTES = resume.MEMBER_BYTES = 65536
run.PARALLEL_AFTER_S = run.PARALLEL_WORTH_S = 0.0
chunks.warm_up = lambda pool: ready
config = RunConfig(
    sys.argv[1], [sys.argv[2]], sys.argv[3], num_proc=int(sys.argv[4]), resume=True, with_elapsed=False
)
run.score_file(config)
"""


def write_input(path: Path, rows: int) -> Path:
    with path.open("w") as file:
        for i in range(rows):
            word = "slow" if i % 400 == 7 else "fast"
            completion: Any = [f"{word} {i} 1", "b 2"] if i % 10 == 3 else f"{word} {i} {i % 3}"
            file.write(json.dumps({"id": i, "prompt": f"p{i // 4}", "completion": completion, "gold": "1"}) + "\n")
            if i % 1000 == 5:
                file.write("\nbroken\n")
    return path


def run(source: Path, output: Path, num_proc: int, kill_after_s: float | None = None) -> int:
    """Score in a process of its own, killed with signal 9 after a while; return its exit code."""
    command = [sys.executable, "-c", SCORE, TOY, str(source), str(output), str(num_proc)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        return process.wait(timeout=kill_after_s or 120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


@pytest.mark.parametrize(("name", "num_proc"), [("out.jsonl", 1), ("out.jsonl", 2), ("out.jsonl.gz", 1)])
def test_run_killed_at_random_times_and_resumed_gives_the_same_bytes(tmp_path: Path, name: str, num_proc: int) -> None:
    source = write_input(tmp_path / "in.jsonl", ROWS)
    whole, output = tmp_path / f"whole-{name}", tmp_path / name
    started_s = time.monotonic()
    assert run(source, whole, num_proc) == 0
    took_s = time.monotonic() - started_s
    random_ = random.Random(num_proc)
    killed = 0
    for _ in range(KILLS):
        code = run(source, output, num_proc, random_.uniform(0.2, 1.0) * took_s)
        killed += code != 0
        if code == 0:  # it was too quick; a kill could have left any part of it
            os.truncate(output, random_.randrange(whole.stat().st_size))
    assert run(source, output, num_proc) == 0
    assert output.read_bytes() == whole.read_bytes()
    assert killed > 0


def config_of(tmp_path: Path, name: str = "out.jsonl", **fields: Any) -> RunConfig:
    source = tmp_path / "in.jsonl"
    if not source.exists():
        write_input(source, 300)
    return RunConfig(TOY, [str(source)], str(tmp_path / name), with_elapsed=False, **fields)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
def test_output_cut_anywhere_is_completed_to_the_same_bytes(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.endswith("zst"):
        pytest.importorskip("zstandard", reason="needs the extra 'zst'")
    monkeypatch.setattr(sinks, "MEMBER_BYTES", 10_000)
    monkeypatch.setattr("verifiers.io.resume.MEMBER_BYTES", 10_000)
    config = config_of(tmp_path, name)
    summary = score_file(config)
    output = tmp_path / name
    whole = output.read_bytes()
    for cut in (0, 1, 20, len(whole) // 3, len(whole) // 2, len(whole) - 1, len(whole)):
        output.write_bytes(whole[:cut])
        again = score_file(replace(config, resume=True))
        assert output.read_bytes() == whole
        same = ("rows", "samples", "statuses", "mean_reward", "pass_at_k", "groups", "groups_all_wrong")
        assert [getattr(again, field) for field in same] == [getattr(summary, field) for field in same]
    assert again.resumed_rows > 0


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.lists(st.sampled_from([b'{"a":1}', b"{}", b'{"b', b"x", b"\0\0\0"]), max_size=5), end=st.booleans())
def test_recovered_output_is_the_whole_rows_at_its_beginning(tmp_path: Path, data: list[bytes], end: bool) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes(b"\n".join(data) + (b"\n" if end and data else b""))
    kept: list[bytes] = []
    count = recover(str(path), kept.append)
    whole = data if end else data[:-1]
    good = next((i for i, line in enumerate(whole) if line not in (b'{"a":1}', b"{}")), len(whole))
    assert kept == whole[:good]
    assert count == good
    assert path.read_bytes() == b"".join(line + b"\n" for line in kept)


def test_resume_without_an_output_starts_from_the_beginning(tmp_path: Path) -> None:
    config = config_of(tmp_path, resume=True)
    assert score_file(config).resumed_rows == 0
    assert score_file(config).resumed_rows == 301


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"selection": Selection(limit=5)}, "limit was None and is 5"),
        ({"selection": Selection(shard=(0, 2))}, "shard"),
        ({"with_elapsed": True}, "with_elapsed"),
        ({"mapping": {"id": "group"}}, r"run: map\.id was None and is 'group'\. Use"),
    ],
)
def test_resume_with_other_settings_is_refused_by_name(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    config = config_of(tmp_path)
    score_file(config)
    before = (tmp_path / "out.jsonl").read_bytes()
    with pytest.raises(UsageError, match=named):
        score_file(replace(config, resume=True, **change))
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_resume_with_a_changed_input_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    score_file(config)
    with (tmp_path / "in.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(UsageError, match="inputs was"):
        score_file(replace(config, resume=True))


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are always UTF-8 there")
def test_input_whose_name_is_not_utf8_is_scored_and_resumed(tmp_path: Path) -> None:
    source = write_input(tmp_path / os.fsdecode("数据.jsonl".encode("gbk")), 10)
    config = replace(config_of(tmp_path), sources=(str(source),))
    score_file(config)
    with (tmp_path / "out.jsonl").open("rb+") as file:
        file.truncate(200)
    summary = score_file(replace(config, resume=True))
    assert summary.rows == 11
    assert json.dumps(summary.to_json()).encode()


def test_resume_without_the_sidecar_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    score_file(config)
    sidecar_of(str(tmp_path / "out.jsonl")).unlink()
    with pytest.raises(UsageError, match="--overwrite"):
        score_file(replace(config, resume=True))


def test_resume_with_a_damaged_sidecar_is_an_input_error(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    score_file(config)
    sidecar_of(str(tmp_path / "out.jsonl")).write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        score_file(replace(config, resume=True))


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_resume_of_a_table_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"--resume works for \.jsonl"):
        score_file(config_of(tmp_path, name, resume=True))


def test_resume_to_standard_output_is_refused() -> None:
    with pytest.raises(UsageError, match="output file"):
        RunConfig(TOY, ["x"], "-", resume=True)


def test_interrupted_run_keeps_whole_rows_and_can_be_resumed(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    write_input(tmp_path / "in.jsonl", 3000)
    calls = 0

    def interrupt(_progress: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("verifiers.io.recorder.PROGRESS_S", 0.0)
        with pytest.raises(KeyboardInterrupt):
            score_file(config, interrupt)
    part = (tmp_path / "out.jsonl").read_bytes()
    assert part.endswith(b"\n")
    assert json.loads(sidecar_of(str(tmp_path / "out.jsonl")).read_text())["finished"] is False
    assert 0 < score_file(replace(config, resume=True)).resumed_rows < 3000
    score_file(replace(config, output=str(tmp_path / "whole.jsonl")))
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
