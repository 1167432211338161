"""Judging again what could not be judged, and what stands beside an output."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from io_runs import config_of, row, rows_of, score_rows, write

from verifiers.errors import InputError, UsageError
from verifiers.io.resume import sidecar_of
from verifiers.io.retry import retry_file
from verifiers.io.run import score_file


def broken_verdict(line: dict[str, Any], names: tuple[str, ...] = ("reward", "status")) -> dict[str, Any]:
    return {**line, **dict(zip(names, (None, "failed"), strict=True))}


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_retry_judges_only_what_has_no_reward(tmp_path: Path, name: str) -> None:
    rows = [row(i, "slow" if i % 5 == 0 else "fast") for i in range(40)]
    source = write(tmp_path / "in.jsonl", rows)
    output = tmp_path / name
    config = config_of(source, output, with_elapsed=False)
    score_file(config)
    pack, unpack = (gzip.compress, gzip.decompress) if name.endswith("gz") else (bytes, bytes)
    whole = unpack(output.read_bytes())
    lines = whole.splitlines()
    for i in (0, 7, 25):
        verdict = json.loads(lines[i])
        tail = b',"reward":%s,"status":"%s"' % (json.dumps(verdict["reward"]).encode(), verdict["status"].encode())
        assert tail in lines[i]
        lines[i] = lines[i].replace(tail, b',"reward":null,"status":"failed"')
    lines[8] = lines[8].replace(b'"reason":"the last word"', b'"reason":"by hand"')
    output.write_bytes(pack(b"\n".join(lines) + b"\n"))
    summary = retry_file(config)
    assert summary.not_judged == 0
    expected = whole.splitlines()
    expected[8] = lines[8]
    assert unpack(output.read_bytes()).splitlines() == expected
    assert list(tmp_path.glob(".*")) == []


def test_retry_of_a_group_keeps_the_verdicts_it_has(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"responses": ["a 1", "slow 1", "b 2"], "reference": "1"}])
    output = tmp_path / "out.jsonl"
    config = config_of(source, output)
    score_file(config)
    (line,) = rows_of(output)
    line.update(reward=[0.25, None, 0.0], status=["partial", "failed", "incorrect"], reason=["by hand", "broken", "r"])
    write(output, [line])
    summary = retry_file(config)
    (found,) = rows_of(output)
    assert found["reward"] == [0.25, 1.0, 0.0]
    assert found["reason"] == ["by hand", "the last word", "r"]
    assert summary.statuses == {"correct": 1, "incorrect": 1, "partial": 1}


def test_retry_leaves_bad_rows_and_their_places(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps(row(1)) + "\n\nbroken\n")
    config = config_of(source, tmp_path / "out.jsonl")
    score_file(config)
    before = (tmp_path / "out.jsonl").read_bytes()
    assert retry_file(config).not_judged == 1
    assert (tmp_path / "out.jsonl").read_bytes() == before


def test_retry_of_what_is_no_output_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    output = write(tmp_path / "out.jsonl", [row(0)])
    with pytest.raises(UsageError, match="no verdicts"):
        retry_file(config_of(output, output))
    with pytest.raises(UsageError, match="nothing to retry"):
        retry_file(config_of(output, tmp_path / "missing.jsonl"))
    score_file(config_of(output, tmp_path / "scored.jsonl"))
    other = replace(config_of(output, tmp_path / "scored.jsonl"), options={"x": "1"})
    with pytest.raises((UsageError, ValueError), match="option"):
        retry_file(other)


def test_damaged_output_is_not_replaced_by_a_retry(tmp_path: Path) -> None:
    config = config_of(write(tmp_path / "in.jsonl", [row(i) for i in range(100)]), tmp_path / "out.jsonl")
    score_file(config)
    damaged = (tmp_path / "out.jsonl").read_bytes() + b"{broken\n"
    (tmp_path / "out.jsonl").write_bytes(damaged)
    with pytest.raises(InputError, match=r"out\.jsonl:101"):
        retry_file(config)
    assert (tmp_path / "out.jsonl").read_bytes() == damaged


def test_sidecar_says_whether_the_run_is_finished(tmp_path: Path) -> None:
    score_rows(tmp_path, [row(i) for i in range(random.Random(0).randrange(5, 9))])
    facts = json.loads(sidecar_of(str(tmp_path / "out.jsonl")).read_text())
    assert facts["finished"] is True
    assert facts["teacher_version"] == "1"
