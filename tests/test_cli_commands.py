"""`verify list`, `explain`, `compare`, `check`, `doctor` by click's runner, and their page in the documentation."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from verifiers.cli.commands import BUILT_IN, load_command
from verifiers.cli.main import run
from verifiers.cli.rows import read_places

TEACHER = str(Path(__file__).parent / "cases" / "parity_teacher.py")
ATTACK = "\x1b]0;owned\x07\u202e"
ROWS = [
    {"question": "q", "response": "0", "answer": "even"},
    {"question": "q", "response": ["3", "4"], "answer": "odd"},
    {"question": "q", "response": ATTACK, "answer": "odd"},
    {"question": "q", "answer": "odd"},
]

SLOW_TO_EXPLAIN = """
import time

from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Status, Verdict


@teacher(version="1")
class Slow(BaseTeacher):
    def __init__(self, options):
        pass

    def quick(self, sample):
        return Verdict(1.0, Status.CORRECT, "at once")

    judge = quick

    def explain(self, sample):
        time.sleep(600)
"""


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Iterator[object]:
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_list_when_plain_then_every_teacher_has_a_line(verify) -> None:
    code, out, _ = verify("list")
    assert code == 0
    assert out.splitlines()[0].split() == ["teacher", "from", "what", "it", "judges"]
    assert any(line.startswith("math ") for line in out.splitlines())


def test_list_when_named_then_options_are_shown_with_default_and_meaning(verify) -> None:
    code, out, _ = verify("list", TEACHER)
    assert code == 0
    assert "--set zero=even  one of even, odd. What 0 counts as." in out
    assert "Accepts a number in digits" in out


def test_list_when_json_then_everything_is_there(verify) -> None:
    code, out, _ = verify("list", TEACHER, "--json")
    (found,) = json.loads(out)
    assert (code, found["version"], found["error"], found["cases"]) == (0, "1", "", 4)
    assert found["options"][0]["choices"] == ["even", "odd"]


@pytest.mark.parametrize("command", ["list", "check"])
def test_teacher_when_unknown_then_close_names_are_given(verify, command: str) -> None:
    code, _, err = verify(command, "mth")
    assert code == 2
    assert "Did you mean 'math'" in err


def test_explain_when_given_texts_then_steps_verdict_and_parts_are_shown(verify) -> None:
    code, out, _ = verify("explain", "-t", TEACHER, "--completion", "3", "--reference", "even")
    assert code == 0
    for expected in ("text read  3", "status  incorrect", "reward  0", "reason  3 is odd", "the last digit is 3"):
        assert expected in out


@pytest.mark.parametrize(
    ("place", "more", "code", "expected"),
    [
        ("1", [], 0, "status  correct"),
        ("1", ["--set", "zero=odd"], 0, "status  incorrect"),
        ("2", [], 2, ":2#1 to "),
        ("2", ["--nth", "2"], 0, "completion  4"),
        ("2", ["--nth", "3"], 2, "holds 2 completions"),
        ("2#2", [], 0, "completion  4"),
        ("2#0", [], 2, "holds 2 completions"),
        ("2#x", [], 2, "FILE:LINE"),
        ("3", [], 0, r"\x1b]0;owned\x07\u202e"),
        ("4", [], 1, "is missing"),
        ("5", [], 1, "no such row"),
        ("", [], 2, "FILE:LINE"),
        ("1", ["--map", "question=completion"], 0, "completion  q"),
    ],
)
def test_explain_when_given_a_place_then_that_row_is_shown(
    verify, answers: Path, place: str, more: list[str], code: int, expected: str
) -> None:
    got, out, err = verify("explain", f"{answers}:{place}", "-t", TEACHER, *more)
    assert got == code, err
    assert expected in out + err
    assert "\x1b" not in out + err


def test_places_when_rows_were_scored_or_are_null_then_samples_are_as_they_are_scored(tmp_path: Path) -> None:
    path = tmp_path / "scored.jsonl"
    verdict = {"reward": [1.0, None], "status": ["correct", "bad_row"], "reason": ["", ""], "answer": [None, None]}
    path.write_text(json.dumps({"response": ["4", None], "mine": 1, **verdict}))
    _, places = read_places([str(path)], {})
    first, second = places
    assert (first.sample.completion, dict(first.sample.meta)) == ("4", {"mine": 1})
    assert (second.sample, second.problem) == (None, "the completion is null")


def test_explain_when_the_files_name_has_a_mark_then_the_row_is_found(verify, answers: Path) -> None:
    marked = answers.rename(answers.with_name("a#1:b.jsonl"))
    code, out, err = verify("explain", f"{marked}:1", "-t", TEACHER)
    assert (code, "status  correct" in out) == (0, True), err


def test_explain_when_the_explanation_hangs_then_it_ends_at_the_deadline(verify, tmp_path: Path) -> None:
    path = tmp_path / "slow.py"
    path.write_text(SLOW_TO_EXPLAIN)
    code, out, _ = verify("explain", "-t", path, "--completion", "3", "--reference", "3", "--deadline", 0.3)
    assert code == 0
    assert "explanation  none: no verdict within the deadline of 0.3 s" in out
    assert "reward  1" in out


def test_explain_when_json_then_it_is_one_object(verify) -> None:
    code, out, _ = verify("explain", "-t", TEACHER, "--completion", ATTACK, "--reference", "even", "--json")
    found = json.loads(out)
    assert (code, found["verdict"]["status"], found["sample"]["completion"]) == (0, "unparsable", ATTACK)


@pytest.mark.parametrize("arguments", [[], ["a.jsonl:1", "--completion", "3"]])
def test_explain_when_both_or_neither_is_given_then_it_asks_for_one(verify, arguments: list[str]) -> None:
    code, _, err = verify("explain", "-t", TEACHER, *arguments)
    assert code == 2
    assert "FILE:LINE" in err


def test_compare_when_options_differ_then_rows_and_counts_are_shown(verify, answers: Path, tmp_path: Path) -> None:
    diffs = tmp_path / "diffs.jsonl"
    code, out, err = verify("compare", TEACHER, f"{TEACHER}?zero=odd", answers, "-o", diffs)
    assert code == 0
    assert "columns: completion <- response" in err
    assert "75.00%: 3 of 4 rewards are the same" in out
    assert "left out   1 rows are not samples" in out
    assert f"{answers}:1" in out
    assert "A          1 correct, answer 0: 0 is even" in out
    (row,) = [json.loads(line) for line in diffs.read_text().splitlines()]
    assert (row["place"], row["a"]["reward"], row["b"]["reward"]) == (f"{answers}:1", 1.0, 0.0)
    assert "\x1b" not in out
    again, _, err = verify("compare", TEACHER, TEACHER, answers, "-o", diffs)
    assert again == 2
    assert "--overwrite" in err


def test_compare_when_the_output_is_the_input_then_it_refuses(verify, answers: Path) -> None:
    before = answers.read_bytes()
    code, _, err = verify("compare", TEACHER, f"{TEACHER}?zero=odd", answers, "-o", answers, "--overwrite")
    assert (code, "both input and output" in err, answers.read_bytes() == before) == (2, True, True)


def test_compare_when_json_then_the_confusion_adds_up(verify, answers: Path) -> None:
    code, out, _ = verify("compare", TEACHER, TEACHER, answers, "--set-b", "zero=odd", "--json")
    found = json.loads(out)
    assert (code, found["samples"], found["same"], found["not_samples"]) == (0, 4, 3, 1)
    assert sum(cell["samples"] for cell in found["statuses"]) == 4


def test_compare_when_one_side_judges_nothing_then_it_is_said(verify, answers: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.py"
    silent.write_text(
        "from verifiers.teacher import teacher\n\n"
        '@teacher(version="1", bounded=True)\ndef silent(sample):\n    "Judge nothing."\n    return None\n'
    )
    code, out, _ = verify("compare", TEACHER, silent, answers, "--show", "1")
    assert code == 0
    assert "agreement  none: no completion was judged by both" in out
    assert "only A     judged 4" in out
    assert "3 more differences" in out


def test_compare_when_an_option_is_malformed_then_it_says_how(verify, answers: Path) -> None:
    code, _, err = verify("compare", TEACHER, f"{TEACHER}?zero", answers)
    assert code == 2
    assert "NAME?key=value" in err


def test_check_when_a_teacher_is_sound_then_every_rule_passes(verify) -> None:
    code, out, _ = verify("check", TEACHER)
    assert code == 0, out
    assert "Every rule holds." in out
    assert "fail" not in out


def test_check_when_a_teacher_pays_everything_then_rules_fail_with_advice(verify, tmp_path: Path) -> None:
    path = tmp_path / "generous.py"
    path.write_text(
        "from verifiers.teacher import accept, teacher\n\n"
        '@teacher(version="1")\ndef generous(sample):\n    "Pay."\n    return 1.0\n\nCASES = [accept("1")]\n'
    )
    code, out, _ = verify("check", path)
    assert code == 1
    assert "fail  case kinds" in out
    assert "-> " in out


def test_doctor_when_json_then_workers_start_and_survive_a_kill(verify) -> None:
    _, out, _ = verify("doctor", "--json")
    found = {finding["check"]: finding for finding in json.loads(out)}
    assert found["workers"]["level"] == "ok"
    assert found["deadline"]["level"] == "ok"
    assert found["import verifiers"]["level"] == "ok"
    assert found["python"]["level"] == "ok"


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BUILT_IN)
def test_page_when_a_command_has_an_option_then_the_page_names_it(page: str, name: str) -> None:
    command = load_command(name)
    assert command is not None
    _, _, section = page.partition(f"## verify {name}")
    section = section.partition("\n## ")[0]
    options = [each for each in command.params if isinstance(each, click.Option)]
    missing = [each.opts[-1] for each in options if f"`{max(each.opts, key=len)}" not in section]
    assert not [option for option in missing if option != "--debug"]


def test_page_when_it_shows_a_command_then_the_command_takes_these_options(page: str) -> None:
    shown = [line.strip() for line in page.splitlines() if line.strip().startswith("verify ")]
    assert len(shown) >= 8
    for line in shown:
        words = shlex.split(line.partition("  #")[0].partition(" | ")[0].partition(" > ")[0])
        command = load_command(words[1])
        if command is not None:
            command.make_context(words[1], words[2:], token_normalize_func=lambda token: token.replace("_", "-"))
