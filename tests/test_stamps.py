"""What a teacher reads besides its options: when that changes, `score` builds anew, and runs are not mixed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import toy_teachers
from io_runs import rows_of, write

from verifiers.binding import SERVICE, bind
from verifiers.compose import compose, member
from verifiers.engine import Scorer
from verifiers.errors import UsageError
from verifiers.io.chunks import open_pool
from verifiers.io.columns import Columns
from verifiers.io.config import RunConfig
from verifiers.io.resume import READS, sidecar_of
from verifiers.io.retry import retry_file
from verifiers.io.run import score_file
from verifiers.scoring import score, scorer_for
from verifiers.stamps import MAX_READ_BYTES, MISSING, stamp_line
from verifiers.types import Status
from verifiers.workers.pool import WorkerPool, shared_pool

READER = f"{toy_teachers.__file__}:Reader"
RIGHT = ("42", "any")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose file says which completion the teacher pays."""
    made = tmp_path / "my model"
    made.mkdir()
    (made / "right.txt").write_text("42")
    return made


def reward(folder: Path, **options: Any) -> float | None:
    return score([RIGHT], READER, folder=str(folder), num_proc=1, **options)[0].reward


@pytest.mark.parametrize("worker", [False, True])
def test_score_when_what_the_teacher_reads_has_changed_then_it_is_built_anew(folder: Path, worker: bool):
    assert [reward(folder, worker=worker), reward(folder, worker=worker)] == [1.0, 1.0]
    (folder / "right.txt").write_text("43")
    assert reward(folder, worker=worker) == 0.0
    (folder / "notes.md").write_text("not read")
    (folder / "right.txt").write_text("42")
    assert reward(folder, worker=worker) == 1.0


def test_scorer_when_nothing_that_is_read_has_changed_then_it_is_the_same(folder: Path):
    options = {"folder": str(folder)}
    first = scorer_for(READER, options)
    os.utime(folder / "right.txt", ns=(1, 1))
    (folder / "notes.md").write_text("not read")
    assert scorer_for(READER, options) is first


def test_score_when_a_teachers_file_is_edited_then_workers_have_the_new_one(tmp_path: Path):
    file = tmp_path / "mine.py"
    text = "from verifiers.teacher import teacher\n@teacher(version='1')\ndef mine(sample):\n    return "
    for paid in (0.0, 1.0):
        file.write_text(f"{text}{paid}\n")
        assert score([RIGHT], str(file), num_proc=1)[0].reward == paid


def plan(folder: Path, worker: bool = False) -> str:
    reader = {"teacher": READER, "name": "reader", "set": {"folder": str(folder), "worker": worker}}
    inner = {"how": "min", "name": "inner", "teachers": [reader]}
    return json.dumps({"how": "max", "teachers": [inner]})


@pytest.mark.parametrize("worker", [False, True])
def test_compose_when_what_a_member_reads_has_changed_then_it_is_built_anew(folder: Path, worker: bool):
    def one() -> float | None:
        return score([RIGHT], "compose", compose=plan(folder, worker), num_proc=1)[0].reward

    assert one() == 1.0
    (folder / "right.txt").write_text("43")
    assert one() == 0.0


def test_compose_when_members_read_files_then_its_stamp_names_them(folder: Path):
    seated = member(READER, name="mine", options={"folder": str(folder)})
    line = stamp_line(str(folder), [folder], {".txt"})
    assert bind(compose("format", seated)).stamp == f"mine: {line}"
    assert bind("compose", {"compose": plan(folder)}).stamp == f"inner: reader: {line}"
    assert bind("compose", {"compose": '{"how": "min", "teachers": ["math"]}'}).stamp == ""


def test_score_when_given_a_teachers_object_then_it_is_kept_as_it_is(folder: Path):
    held: Any = bind(READER, {"folder": str(folder)}).teacher
    assert score([RIGHT], held)[0].reward == 1.0
    (folder / "right.txt").write_text("43")
    assert score([RIGHT], held)[0].reward == 1.0


def test_config_when_nothing_is_read_then_it_is_as_ever():
    assert msgspec.msgpack.decode(bind("math").config).keys() == {"locator", "options"}


def test_worker_when_files_changed_before_it_took_anothers_place_then_nothing_is_judged(folder: Path):
    scorer = Scorer(READER, options={"folder": str(folder), "worker": True}, num_proc=1)
    (folder / "right.txt").write_text("43")
    (verdict,) = scorer.score(_samples())
    assert (verdict.reward, verdict.status) == (None, Status.FAILED)
    assert f"{folder} changed while it was in use" in verdict.reason


def _samples() -> Any:
    return [toy_teachers.Sample(*RIGHT[:1], reference=RIGHT[1])]


def test_worker_of_batches_when_files_have_changed_then_nothing_is_judged(folder: Path, tmp_path: Path):
    config = run_config(folder, write(tmp_path / "in.jsonl", [{"completion": "42"}]), tmp_path / "out.jsonl")
    engine = Scorer(config.teacher, options=config.options)
    (folder / "right.txt").write_text("43")
    with open_pool(config, Columns("completion"), engine) as pool:
        (reply,) = pool.run([b""], 60.0)
    assert reply.payload is None
    assert "changed while it was in use" in reply.detail


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(true: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + 20
    while not true() and time.monotonic() < end_s:
        time.sleep(0.05)
    return true()


def test_workers_when_files_have_changed_then_the_old_ones_end_with_their_last_user(folder: Path):
    def worker_of(scorer: Scorer) -> int:
        return int(scorer.score([toy_teachers.Sample("pid")])[0].reason)

    options = {"folder": str(folder), "worker": True}
    first = scorer_for(READER, options, 1)
    other = Scorer(READER, options=options, num_proc=1)
    old = worker_of(first)
    assert worker_of(other) == old
    (folder / "right.txt").write_text("43")
    assert worker_of(scorer_for(READER, options, 1)) != old
    del first
    other.close()
    assert worker_of(other) == old  # it was not taken from who still uses it
    del other
    assert wait_until(lambda: not alive(old))


def test_shared_pool_when_retired_and_held_then_it_is_found_again():
    held: WorkerPool = shared_pool(SERVICE, b"stamps", size=1)
    from verifiers.workers.pool import retire

    retire(held)
    retire(held)
    assert shared_pool(SERVICE, b"stamps", size=1) is held


def test_stamp_when_a_small_file_is_copied_then_equal_and_when_a_large_one_is_then_not(tmp_path: Path):
    folders = [tmp_path / name for name in "ab"]
    for number, each in enumerate(folders):
        each.mkdir()
        (each / "card.json").write_text("{}")
        os.utime(each / "card.json", ns=(number, number))
    stamps = [stamp_line("m", [each], {".json", ".bin"}) for each in folders]
    assert stamps[0] == stamps[1]
    for number, each in enumerate(folders):
        (each / "weights.bin").write_bytes(bytes(MAX_READ_BYTES + 1))
        os.utime(each / "weights.bin", ns=(number, number))
    later = [stamp_line("m", [each], {".json", ".bin"}) for each in folders]
    assert len({*stamps, *later}) == 3
    assert [stamp_line("m", [each], {".json"}) for each in folders] == stamps


def test_stamp_when_a_folder_is_gone_then_it_says_so(tmp_path: Path):
    assert stamp_line("my rm", [tmp_path / "none"], {".json"}) == f"my rm {MISSING}"


# -- files


def run_config(folder: Path, source: Path, output: Path, **fields: Any) -> RunConfig:
    return RunConfig(READER, [str(source)], str(output), {"folder": str(folder)}, num_proc=1, **fields)


@pytest.fixture
def killed(folder: Path, tmp_path: Path) -> Path:
    """An output of which only the first row is there."""
    source = write(tmp_path / "in.jsonl", [{"completion": "42", "id": number} for number in range(3)])
    output = tmp_path / "out.jsonl"
    score_file(run_config(folder, source, output))
    output.write_bytes(output.read_bytes().splitlines(keepends=True)[0])
    return output


def test_resume_when_what_the_teacher_reads_has_changed_then_refused(folder: Path, killed: Path, tmp_path: Path):
    config = run_config(folder, tmp_path / "in.jsonl", killed, resume=True)
    (folder / "right.txt").write_text("43")
    with pytest.raises(UsageError) as caught:
        score_file(config)
    for said in (str(killed), str(folder), "has changed", "--overwrite", "'reads'", str(sidecar_of(str(killed)))):
        assert said in str(caught.value)
    assert len(rows_of(killed)) == 1
    (folder / "right.txt").write_text("42")
    score_file(config)
    assert [each["reward"] for each in rows_of(killed)] == [1.0] * 3


def test_resume_when_the_sidecar_is_older_then_nothing_is_compared(folder: Path, killed: Path, tmp_path: Path):
    sidecar = sidecar_of(str(killed))
    facts = json.loads(sidecar.read_text())
    assert facts.pop(READS) == [stamp_line(str(folder), [folder], {".txt"})]
    sidecar.write_text(json.dumps(facts))
    (folder / "right.txt").write_text("43")
    score_file(run_config(folder, tmp_path / "in.jsonl", killed, resume=True))
    assert [each["reward"] for each in rows_of(killed)] == [1.0, 0.0, 0.0]
    assert READS in json.loads(sidecar.read_text())


def test_retry_when_what_the_teacher_reads_has_changed_then_refused(folder: Path, killed: Path, tmp_path: Path):
    config = run_config(folder, tmp_path / "in.jsonl", killed)
    facts = json.loads(sidecar_of(str(killed)).read_text())
    retry_file(config)
    (folder / "right.txt").write_text("43")
    with pytest.raises(UsageError, match="has changed since"):
        retry_file(config)
    assert facts["finished"]
