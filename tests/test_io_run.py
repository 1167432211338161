"""Whole runs with a toy teacher: order, formats, several processes, slow rows, selection, retry."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from io_runs import TOY, config_of, row, rows_of, score_rows, write

from verifiers.errors import InputError, TooManyNotJudged, UsageError
from verifiers.io import recorder
from verifiers.io.batch import BATCH_ROWS
from verifiers.io.config import Progress
from verifiers.io.resume import sidecar_of
from verifiers.io.run import check_not_judged, score_file
from verifiers.io.selection import Selection, open_input, parse_shard
from verifiers.io.summary import Summary


def test_run_writes_every_row_in_order_and_sums_up(tmp_path: Path) -> None:
    summary, out = score_rows(tmp_path, [row(i) for i in range(20)])
    assert [each["id"] for each in out] == list(range(20))
    assert [each["reward"] for each in out] == [float(i % 3 == 1) for i in range(20)]
    assert (summary.rows, summary.groups, summary.columns[:24]) == (20, 5, "completion <- completion")


def test_empty_input_gives_an_empty_output(tmp_path: Path) -> None:
    summary, out = score_rows(tmp_path, [])
    assert (summary.rows, out) == (0, [])


def test_input_of_bad_rows_only_is_told_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("one\n\ntwo\n")
    summary = score_file(config_of(tmp_path / "in.jsonl", tmp_path / "out.jsonl"))
    assert summary.statuses == {"bad_row": 2}
    assert rows_of(tmp_path / "out.jsonl")[1]["reason"].startswith(f"{tmp_path / 'in.jsonl'}:3: ")


def test_input_that_is_no_rows_at_all_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text("text\n" * 5000)
    with pytest.raises(InputError, match=r"in\.jsonl:1"):
        score_file(config_of(tmp_path / "in.jsonl", tmp_path / "out.jsonl"))


def test_bad_rows_between_good_ones_do_not_stop_the_run(tmp_path: Path) -> None:
    lines = [json.dumps(row(1)), "{broken", json.dumps({"prompt": "x"}), json.dumps(row(2))]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    score_file(config_of(tmp_path / "in.jsonl", tmp_path / "out.jsonl"))
    assert [each["status"] for each in rows_of(tmp_path / "out.jsonl")] == [
        "correct",
        "bad_row",
        "bad_row",
        "incorrect",
    ]


def test_rows_with_several_completions_are_groups(tmp_path: Path) -> None:
    rows = [{"prompt": i, "responses": ["a 1", "slow 1", "b 2"], "reference": "1"} for i in range(3)]
    summary, out = score_rows(tmp_path, rows)
    assert [each["reward"] for each in out] == [[1.0, 1.0, 0.0]] * 3
    assert (summary.rows, summary.samples, summary.groups) == (3, 9, 3)


def test_slow_rows_keep_their_place_and_do_not_hold_up_the_others(tmp_path: Path) -> None:
    words = ["hang" if i == 3 else "slow" if i % 7 == 0 else "die" if i == 30 else "fast" for i in range(60)]
    rows = [{**row(i, word), "completion": f"{word} {i} 1"} for i, word in enumerate(words)]
    summary, out = score_rows(tmp_path, rows, num_proc=2, deadline_s=0.5)
    assert [each["id"] for each in out] == list(range(60))
    assert out[3]["status"] == "deadline_exceeded"
    assert out[30]["status"] == "failed"
    assert sum(each["reward"] == 1.0 for each in out) == 58
    assert summary.not_judged == 2


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [each["id"] for each in rows]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(limit=3), [0, 1, 2]),
        (Selection(limit=0), []),
        (Selection(limit=99), list(range(10))),
        (Selection(shard=(1, 3)), [1, 4, 7]),
        (Selection(limit=2, shard=(0, 3)), [0, 3]),
        (Selection(limit=99, seed=1), list(range(10))),
    ],
)
def test_selection_takes_its_rows_in_order(tmp_path: Path, selection: Selection, expected: list[int]) -> None:
    _, out = score_rows(tmp_path, [row(i) for i in range(10)], selection=selection)
    assert ids(out) == expected


def test_random_sample_is_the_same_for_a_seed_and_fair(tmp_path: Path) -> None:
    rows = [row(i) for i in range(50)]
    taken: list[list[int]] = []
    for seed in (1, 1, *range(2, 40)):
        taken.append(ids(score_rows(tmp_path, rows, selection=Selection(limit=10, seed=seed), overwrite=True)[1]))
    assert taken[0] == taken[1] != taken[2]
    assert all(each == sorted(each) and len(set(each)) == 10 for each in taken)
    assert {i for each in taken for i in each} == set(range(50))


def test_random_sample_comes_in_full_batches_that_know_their_places(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write(tmp_path / name, [row(i) for i in range(3000)])
    sampled = open_input([str(tmp_path)], {}, Selection(limit=4000, seed=3))
    batches = list(sampled.batches)
    assert sum(map(len, batches)) == 4000
    assert len(batches) <= 4000 / BATCH_ROWS + 2
    assert len({batch.place(index) for batch in batches for index in range(len(batch))}) == 4000
    assert {batch.source for batch in batches} == {str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")}


def test_shards_of_a_folder_are_whole_files(tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    for part in range(4):
        write(folder / f"{part}.jsonl", [row(10 * part + i) for i in range(3)])
    score_file(config_of(folder, tmp_path / "out.jsonl", selection=Selection(shard=(1, 2))))
    assert ids(rows_of(tmp_path / "out.jsonl")) == [10, 11, 12, 30, 31, 32]


@pytest.mark.parametrize(("text", "expected"), [("1/4", (0, 4)), ("4/4", (3, 4))])
def test_shard_counts_from_one(text: str, expected: tuple[int, int]) -> None:
    assert parse_shard(text) == expected


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2"])
def test_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="1/4"):
        parse_shard(text)


def test_seed_without_limit_is_refused() -> None:
    with pytest.raises(UsageError, match="--limit"):
        Selection(seed=1)


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst", "out.csv", "out.parquet"])
def test_output_of_each_format_holds_the_same_rows(tmp_path: Path, name: str) -> None:
    from verifiers.io.sources import find_shards, read_shard

    if name.endswith("zst"):
        pytest.importorskip("zstandard", reason="needs the extra 'zst'")
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    rows = [row(i) for i in range(5000)]
    score_file(config_of(write(tmp_path / "in.jsonl", rows), tmp_path / name))
    found = [
        json.loads(line)
        for shard in find_shards([str(tmp_path / name)])
        for batch in read_shard(shard)
        for line in batch.lines
    ]
    assert [int(each["id"]) for each in found] == list(range(5000))
    assert [float(each["reward"]) for each in found] == [float(i % 3 == 1) for i in range(5000)]
    assert list(tmp_path.glob(".*")) == []


def test_csv_output_cannot_hold_a_column_that_comes_later(tmp_path: Path) -> None:
    rows = [row(i) for i in range(100)] + [{**row(100), "late": 1}]
    with pytest.raises(InputError, match="late"):
        score_file(config_of(write(tmp_path / "in.jsonl", rows), tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_table_when_the_run_is_broken_off_then_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    source = write(tmp_path / "in.jsonl", [row(i) for i in range(3000)])
    (tmp_path / name).write_bytes(b"old")
    monkeypatch.setattr(recorder, "PROGRESS_S", 0.0)

    def interrupt(_progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_file(config_of(source, tmp_path / name, overwrite=True), interrupt)
    assert (tmp_path / name).read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"in.jsonl", name, f"{name}.verify-run.json"}


def test_csv_in_and_out_keeps_text(tmp_path: Path) -> None:
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["response", "answer"], ["it is\n1", "1"], ['"no" 2', "1"]])
    score_file(config_of(tmp_path / "in.csv", tmp_path / "out.csv"))
    found = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [each["response"] for each in found] == ["it is\n1", '"no" 2']
    assert found[0]["answer"] == "1"
    assert found[0]["verify_answer"] == "is\n1"


@pytest.mark.parametrize("name", ["out.txt", "out.gz", "out"])
def test_output_of_unknown_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"must end in \.jsonl"):
        score_file(config_of(write(tmp_path / "in.jsonl", [row(0)]), tmp_path / name))


def test_existing_output_is_kept_unless_told(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [row(0)])
    output = write(tmp_path / "out.jsonl", [{"precious": 1}])
    with pytest.raises(UsageError, match="--overwrite"):
        score_file(config_of(source, output))
    assert rows_of(output) == [{"precious": 1}]
    score_file(config_of(source, output, overwrite=True))
    assert ids(rows_of(output)) == [0]


def test_output_that_is_also_input_is_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [row(0)])
    with pytest.raises(UsageError, match="both input and output"):
        score_file(config_of(source, source, overwrite=True))


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "out.parquet", "OUT.JSONL.GZ"])
def test_output_in_the_folder_that_is_scored_is_refused(tmp_path: Path, output: str) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    write(folder / "in.jsonl", [row(0)])
    with pytest.raises(UsageError, match="read it as input"):
        score_file(config_of(folder, folder / ".." / "rows" / output))
    assert [each.name for each in folder.iterdir()] == ["in.jsonl"]


def test_output_beside_a_file_or_below_the_folder_that_is_scored_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [row(0)])
    (tmp_path / "scored").mkdir()
    assert score_file(config_of(tmp_path, tmp_path / "scored" / "out.jsonl")).rows == 1
    assert score_file(config_of(source, tmp_path / "out.jsonl")).rows == 1


def test_output_without_a_place_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="missing"):
        score_file(config_of(write(tmp_path / "in.jsonl", [row(0)]), tmp_path / "missing" / "out.jsonl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device that is always full")
def test_full_disk_is_an_input_error_that_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "out.jsonl").symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"No space left.*--resume"):
        score_file(config_of(write(tmp_path / "in.jsonl", [row(0)]), tmp_path / "out.jsonl"))


def test_device_can_be_the_output(tmp_path: Path) -> None:
    assert score_file(config_of(write(tmp_path / "in.jsonl", [row(0)]), "/dev/null")).rows == 1
    assert not sidecar_of("/dev/null").exists()


def test_overwriting_a_link_writes_to_its_target(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [row(0)])
    (tmp_path / "out.jsonl").symlink_to(write(tmp_path / "target.jsonl", [row(i) for i in range(9)]))
    score_file(config_of(source, tmp_path / "out.jsonl", overwrite=True))
    assert (tmp_path / "out.jsonl").is_symlink()
    assert ids(rows_of(tmp_path / "target.jsonl")) == [0]


def test_progress_ends_with_all_rows_and_bytes(tmp_path: Path) -> None:
    seen: list[Progress] = []
    source = write(tmp_path / "in.jsonl", [row(i) for i in range(100)])
    score_file(config_of(source, None), seen.append)
    assert (seen[-1].rows, seen[-1].done_bytes, seen[-1].total_bytes) == (
        100,
        source.stat().st_size,
        source.stat().st_size,
    )


@pytest.mark.parametrize(("allowed", "fails"), [(0, True), (1, True), (2, False), (0.1, True), (0.5, False)])
def test_too_many_not_judged_is_an_error(allowed: float, fails: bool) -> None:
    summary = Summary(samples=10, not_judged=2, share_not_judged=0.2, statuses={"failed": 2, "correct": 8})
    if fails:
        with pytest.raises(TooManyNotJudged, match="failed 2"):
            check_not_judged(summary, allowed)
    else:
        check_not_judged(summary, allowed)


PIPE = """
import json, pathlib, resource, sys
from verifiers.io.config import RunConfig
from verifiers.io.run import score_file
summary = score_file(RunConfig(sys.argv[1], ["-"], sys.argv[2] if len(sys.argv) > 2 else "-"))
status = pathlib.Path("/proc/self/status")  # ru_maxrss would include the peak of the parent
peak_mb = (
    int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
    if status.exists()
    else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
)
print(json.dumps({"peak_mb": peak_mb, **summary.to_json()}), file=sys.stderr)
"""


def test_closed_standard_output_ends_the_run_quietly() -> None:
    lines = "".join(json.dumps(row(i)) + "\n" for i in range(20_000))
    command = f"{sys.executable} -c '{PIPE}' {TOY} | head -n 2"
    done = subprocess.run(command, shell=True, input=lines, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("\n") == 2
    assert json.loads(done.stderr)["stopped"] == "standard output was closed"


def test_long_input_from_a_pipe_needs_little_memory(tmp_path: Path) -> None:
    """220,000 rows of different prompts, more than are kept open; the bound holds for any number of rows."""
    program = [sys.executable, "-c", PIPE, TOY, str(tmp_path / "out.jsonl")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stderr
        for start in range(0, 220_000, 1000):
            lines = [
                b'{"prompt":"p%d","completion":"word %d","reference":"1"}\n' % (i, i)
                for i in range(start, start + 1000)
            ]
            process.stdin.write(b"".join(lines))
        process.stdin.close()
        found = json.loads(process.stderr.read())
    assert found["rows"] == 220_000
    assert found["peak_mb"] < 160
