"""`verify score` as the shell sees it: rows, exit codes, pipes, terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

TEACHER = str(Path(__file__).parent / "cases" / "parity_teacher.py")
VERIFY = [sys.executable, "-m", "verifiers"]
ROWS = [
    {"q": "a", "response": "4", "gold": "even"},
    {"q": "a", "response": "3", "gold": "even"},
    {"q": "b", "response": "7", "gold": "odd"},
    {"q": "b", "response": "x", "gold": "odd"},
    {"q": "c", "response": "8", "gold": None},
]


def score(*arguments: str, text: str | None = None, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [*VERIFY, "score", "--task", TEACHER, *arguments]
    source: dict[str, object] = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, cwd=cwd, **source)  # type: ignore[call-overload, no-any-return]


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.05)


def lines(rows: Sequence[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text(lines(ROWS))
    return path


def test_score_when_piped_then_rows_go_to_stdout_and_the_rest_to_stderr(answers: Path) -> None:
    outcome = score(str(answers))
    assert outcome.returncode == 0
    rows = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert [row["reward"] for row in rows] == [1.0, 0.0, 1.0, 0.0, None]
    assert [{name: row[name] for name in old} for row, old in zip(rows, ROWS, strict=True)] == ROWS
    assert list(rows[0])[-6:] == ["reward", "status", "reason", "answer", "parts", "elapsed_s"]
    assert "columns: completion <- response, reference <- gold" in outcome.stderr
    assert "mean reward  0.5000 over 4 judged" in outcome.stderr
    assert "\x1b" not in outcome.stderr


def test_score_when_quiet_then_stderr_is_empty(answers: Path) -> None:
    assert score(str(answers), "--quiet").stderr == ""


def test_score_when_rows_come_by_stdin_then_they_are_read(answers: Path) -> None:
    outcome = score(text=answers.read_text())
    assert len(outcome.stdout.splitlines()) == len(ROWS)
    assert score("-", "-q", text=answers.read_text()).stdout == outcome.stdout


def test_score_when_there_is_no_stdin_then_it_is_as_if_it_were_empty() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *VERIFY, "score", "--task", TEACHER]
    outcome = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert (outcome.returncode, "holds no rows" in outcome.stderr) == (0, True), outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["--max-errors", "1"], 0, ""),
        (["--max-errors", "0"], 3, "1 of 5"),
        (["--max-errors", "20%"], 0, ""),
        (["--max-errors", "19%"], 3, "--max-errors"),
        (["--max_errors", "100%"], 0, ""),
        (["--fail-under", "0.5"], 0, ""),
        (["--fail-under", "0.51"], 100, "--fail-under asks for 0.51"),
        (["--max-errors", "0", "--fail-under", "0.9"], 3, "--max-errors"),
        (["--max-errors", "many"], 2, "'many'"),
        (["--max-errors", "101%"], 2, "101%"),
        (["--shard", "3"], 2, "--shard"),
        (["--summary", "-"], 2, "both go to standard output"),
        (["--summary", "no/such/folder/sum.json"], 1, "no folder no/such/folder"),
        (["--seed", "1"], 2, "--limit"),
        (["--map", "nope=completion"], 2, "nope"),
        (["--map", "response"], 2, "COLUMN=FIELD"),
        (["--set", "zer=even"], 2, "Did you mean 'zero'"),
        (["--set", "zero"], 2, "key=value"),
        (["--config", "nope.yaml"], 1, "nope.yaml"),
        (["--resume"], 2, "-o scored.jsonl"),
        (["--retry-errors"], 2, "-o scored.jsonl"),
        (["--retry-errors", "-o", "x.jsonl", "--limit", "0", "--resume"], 2, "leave out --limit, --resume"),
        (["--fail-under", "nan"], 2, "--fail-under nan"),
        (["--num-proc", "0"], 2, "--num-proc"),
        (["--deadline", "0"], 2, "--deadline"),
    ],
)
def test_score_when_gates_or_options_are_given_then_the_exit_code_tells(
    answers: Path, arguments: list[str], code: int, hint: str
) -> None:
    outcome = score(str(answers), *arguments)
    assert outcome.returncode == code, outcome.stderr
    assert hint in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_score_when_input_is_missing_then_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.jsonl").touch()
    missing = score("nope.jsonl", cwd=tmp_path)
    assert (missing.returncode, "nope.jsonl: no such file" in missing.stderr) == (1, True)
    folder = score("folder", cwd=tmp_path)
    assert (folder.returncode, "holds no file that ends in .jsonl" in folder.stderr) == (1, True)
    empty = score("empty.jsonl", cwd=tmp_path)
    assert (empty.returncode, empty.stdout, "the input holds no rows" in empty.stderr) == (0, "", True)


def test_score_when_the_task_is_unknown_or_missing_then_names_are_listed(answers: Path) -> None:
    unknown = subprocess.run([*VERIFY, "score", "-t", "mth", str(answers)], capture_output=True, text=True, timeout=60)
    assert unknown.returncode == 2
    assert "Did you mean 'math'" in unknown.stderr
    missing = subprocess.run([*VERIFY, "score", str(answers)], capture_output=True, text=True, timeout=60)
    assert missing.returncode == 2
    assert "--task NAME" in missing.stderr


def test_score_when_nothing_is_a_row_then_it_says_so_and_names_the_lines(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello\nworld\n")
    outcome = score("notes.txt", cwd=tmp_path)
    assert outcome.returncode == 0
    assert "notes.txt:2" in json.loads(outcome.stdout.splitlines()[1])["reason"]
    assert "Not one row could be read" in outcome.stderr


def test_score_when_the_output_is_the_input_then_it_refuses(answers: Path) -> None:
    before = answers.read_bytes()
    outcome = score(str(answers), "-o", str(answers), "--overwrite")
    assert outcome.returncode == 2
    assert "both input and output" in outcome.stderr
    for same in (str(answers), f"{answers.parent}/./{answers.name}"):
        summary = score(str(answers), "--summary", same)
        assert (summary.returncode, "also input or output" in summary.stderr) == (2, True)
    output = answers.parent / "new.jsonl"
    assert score(str(answers), "-o", str(output), "--summary", f"{answers.parent}/./new.jsonl").returncode == 2
    assert answers.read_bytes() == before
    assert not output.exists()


def test_score_when_the_output_exists_then_it_asks_for_resume_or_overwrite(answers: Path, tmp_path: Path) -> None:
    output = tmp_path / "scored.jsonl"
    assert score(str(answers), "-o", str(output)).returncode == 0
    again = score(str(answers), "-o", str(output))
    assert again.returncode == 2
    assert "--resume" in again.stderr
    before = output.read_bytes()
    assert score(str(answers), "-o", str(output), "--resume").returncode == 0
    assert output.read_bytes() == before
    assert score("-o", str(output), "--retry-errors").returncode == 0
    assert output.read_bytes() == before


def test_score_when_a_summary_is_asked_for_then_it_is_json(answers: Path, tmp_path: Path) -> None:
    path = tmp_path / "sum.json"
    outcome = score(str(answers), "--summary", str(path), "--group-by", "q", "-q")
    found = json.loads(path.read_text())
    assert outcome.returncode == 0
    assert (found["rows"], found["not_judged"], found["mean_reward"], found["groups"]) == (5, 1, 0.5, 2)


def test_score_when_it_is_a_dry_run_then_a_table_is_printed_and_nothing_written(answers: Path, tmp_path: Path) -> None:
    output = tmp_path / "scored.jsonl"
    outcome = score(str(answers), "-o", str(output), "--dry-run")
    assert outcome.returncode == 0
    assert "row  reward  status" in outcome.stdout
    assert not output.exists()


def test_score_when_options_come_from_a_file_then_set_wins_and_errors_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(f"task: {TEACHER}\nset:\n  zero: odd\n")
    (tmp_path / "bad.yaml").write_text("zero: seven\n")
    row = lines([{"response": "0", "answer": "odd"}])
    command = [*VERIFY, "score", "--config", "c.yaml", "-q"]
    by_file = subprocess.run(command, input=row, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert json.loads(by_file.stdout)["reward"] == 1.0
    set_wins = subprocess.run(
        [*command, "--set", "zero=even"], input=row, capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert json.loads(set_wins.stdout)["reward"] == 0.0
    bad = score("--config", "bad.yaml", text=row, cwd=tmp_path)
    assert bad.returncode == 2
    assert "bad.yaml:1" in bad.stderr


def test_score_when_the_reader_goes_away_then_it_ends_quietly(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text(lines(ROWS) * 20_000)
    command = [*VERIFY, "score", "-t", TEACHER, str(path), "--num-proc", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read().decode()
        assert process.wait(timeout=60) == 141
    assert "rror" not in errors
    assert "mean reward" not in errors


def test_score_when_interrupted_then_it_says_how_to_go_on_and_resume_finishes(tmp_path: Path) -> None:
    path, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text(lines([*ROWS, {"response": "slow", "gold": "even"}]))
    command = [*VERIFY, "score", "-t", TEACHER, str(path), "-o", str(output), "--deadline", "50"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        wait_until(output.exists)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert b"--resume" in errors
    assert b"Traceback" not in errors
    resumed = score(str(path), "-o", str(output), "--resume", "--deadline", "1")
    assert resumed.returncode == 0, resumed.stderr
    statuses = [json.loads(line)["status"] for line in output.read_text().splitlines()]
    assert statuses == ["correct", "incorrect", "correct", "unparsable", "bad_reference", "deadline_exceeded"]


def on_terminal(command: Sequence[str], cwd: Path, **environment: str) -> tuple[str, int]:
    """Run a command on a pseudo-terminal of 100 columns; return what it printed and its exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    settings = {**os.environ, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=settings) as process:
        os.close(theirs)
        printed = b"".join(_read_terminal(ours))
        os.close(ours)
        return printed.decode("utf-8", "replace"), process.wait(timeout=60)


def _read_terminal(terminal: int) -> Iterator[bytes]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux: nobody has the other side open any more
            return
        if not piece:
            return
        yield piece


def test_score_on_a_terminal_when_no_output_is_named_then_first_rows_are_a_table(tmp_path: Path) -> None:
    (tmp_path / "many.jsonl").write_text(lines(ROWS) * 40)
    printed, code = on_terminal([*VERIFY, "score", "-t", TEACHER, "many.jsonl"], tmp_path)
    assert code == 0
    assert "... 190 more; write them with -o scored.jsonl" in printed
    assert '{"q"' not in printed
    assert "\x1b[32mcorrect" in printed


def test_score_on_a_terminal_when_no_color_is_set_then_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "few.jsonl").write_text(lines(ROWS))
    printed, code = on_terminal([*VERIFY, "score", "-t", TEACHER, "few.jsonl"], tmp_path, NO_COLOR="1")
    assert code == 0
    assert "\x1b" not in printed


def test_score_on_a_terminal_when_text_is_hostile_then_it_is_shown_not_obeyed(tmp_path: Path) -> None:
    attack = "\x1b]0;owned\x07\x9b2J\u202e"
    (tmp_path / "bad.jsonl").write_text(lines([{"response": attack, "gold": "even"}]))
    printed, code = on_terminal([*VERIFY, "score", "-t", TEACHER, "bad.jsonl"], tmp_path, NO_COLOR="1")
    assert code == 0
    assert r"\x1b]0;owned\x07\x9b2J\u202e" in printed
    assert not set("\x1b\x07\x9b\u202e") & set(printed)


def test_score_on_a_terminal_when_rows_are_asked_for_then_they_are_escaped_and_equal(tmp_path: Path) -> None:
    text = "\x9b2J\u202e答案"
    row = json.dumps({"response": text, "gold": "even"}, ensure_ascii=False)
    (tmp_path / "raw.jsonl").write_text(row, encoding="utf-8")
    printed, code = on_terminal([*VERIFY, "score", "-t", TEACHER, "raw.jsonl", "-o", "-", "-q"], tmp_path)
    assert code == 0
    assert not set("\x1b\x9b\u202e") & set(printed)
    assert "答案" in printed
    assert json.loads(printed)["response"] == text


def test_score_on_a_terminal_when_it_takes_long_then_a_bar_counts_rows(tmp_path: Path) -> None:
    path = tmp_path / "slow.jsonl"
    path.write_text(lines(ROWS) * 2000 + lines([{"response": "slow", "gold": "even"}]))
    command = [*VERIFY, "score", "-t", TEACHER, "slow.jsonl", "-o", "out.jsonl", "--deadline", "1"]
    printed, code = on_terminal(command, tmp_path)
    assert code == 0
    assert "━" in printed
    assert " rows, " in printed
    assert "not judged" in printed
