"""`verify rm`: what its group and help load."""

import subprocess
import sys
from pathlib import Path

import pytest

from reward_models.cli.group import COMMANDS
from verifiers.cli.main import run

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ["torch", "transformers", "datasets", "peft", "accelerate", "numpy", "safetensors"]
RATINGS = '{"prompt": "a", "response": "b", "rating": 1}\n{"prompt": "a", "response": "c", "rating": 2}\n'


@pytest.fixture
def ratings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of ratings, alone in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("ratings.jsonl").write_text(RATINGS, encoding="utf-8")
    return "ratings.jsonl"


@pytest.mark.parametrize("arguments", [["rm", "--help"], ["rm", "inspect", "--help"], ["rm", "prepare", "--help"]])
def test_rm_help_when_printed_then_loads_nothing_heavy(arguments: list[str]):
    program = (
        f"import sys, reward_models; from verifiers.cli.main import run; code = run({arguments!r}); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[] 0"


def test_rm_help_when_printed_then_names_every_command(capsys: pytest.CaptureFixture[str]):
    assert run(["rm", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {text}" in out for name, text in COMMANDS.items())


def test_rm_when_the_command_is_unknown_then_usage_error(capsys: pytest.CaptureFixture[str]):
    assert run(["rm", "tarin"]) == 2
    assert "tarin" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("base", "output", "code", "told"),
    [
        ("./no/such", "new", 2, "there is no folder ./no/such"),
        ("org/base", ".", 2, "is not empty; pass --resume"),
        ("org/base", "ratings.jsonl", 2, "is a file; name a folder"),
        ("org/base", "/dev/null/a/b", 1, "/dev/null/a/b cannot be written"),
    ],
)
def test_train_when_base_or_output_cannot_be_then_says_so_before_anything_is_loaded(
    base: str, output: str, code: int, told: str, ratings: str, capsys: pytest.CaptureFixture[str]
):
    assert run(["rm", "train", ratings, "--base", base, "-o", output]) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("command", [["inspect"], ["train", "--base", "org/base", "-o", "new"]])
@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["--aspect", "helpful=nan"], "--aspect 'helpful=nan': write NAME=WEIGHT"),
        (["--aspect", "=1"], "--aspect '=1': write NAME=WEIGHT"),
        (["--aspect", "helpful=much"], "--aspect 'helpful=much': write NAME=WEIGHT"),
        (["--scale", "5", "1"], "give the lowest and then the highest rating"),
    ],
)
def test_rm_when_aspects_or_scale_are_malformed_then_every_command_says_how(
    command: list[str], option: list[str], told: str, ratings: str, capsys: pytest.CaptureFixture[str]
):
    assert run(["rm", *command, ratings, *option]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("base", "file", "inside"),
    [("rm", "ratings.jsonl", "rm"), ("rm/old", "ratings.jsonl", "rm/old"), ("org/base", "rm/r.jsonl", "rm/r.jsonl")],
)
def test_train_when_what_is_read_lies_in_what_would_be_replaced_then_refuses(
    base: str, file: str, inside: str, ratings: str, capsys: pytest.CaptureFixture[str]
):
    Path("rm").mkdir()
    Path("rm/run.json").write_text("{}", encoding="utf-8")
    assert run(["rm", "train", file, "--base", base, "-o", "./rm", "--overwrite"]) == 2
    assert f"{inside} lies in rm, which --overwrite replaces" in capsys.readouterr().err
    assert Path("rm/run.json").is_file()


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (["-o", "ratings.jsonl"], "both input and output"),
        (["--json", "ratings.jsonl"], "both input and output"),
        (["-o", "."], "is a folder; name a file"),
    ],
)
def test_eval_when_an_output_would_replace_the_data_then_is_refused(
    option: list[str], told: str, ratings: str, capsys: pytest.CaptureFixture[str]
):
    assert run(["rm", "eval", "shaping/length", ratings, *option]) == 2
    assert told in capsys.readouterr().err
    assert Path(ratings).read_text(encoding="utf-8") == RATINGS


@pytest.mark.parametrize("command", [["eval", "shaping/length", "-o"], ["eval", "shaping/length", "--json"]])
@pytest.mark.parametrize("output", ["/proc/nope/report.html", "file/report.html"])
def test_eval_when_an_output_cannot_be_written_then_says_so_before_anything_is_scored(
    command: list[str], output: str, ratings: str, capsys: pytest.CaptureFixture[str]
):
    Path("file").write_text("")
    assert run(["rm", *command, output, ratings]) == 1
    captured = capsys.readouterr()
    assert f"{output} cannot be written (" in captured.err
    assert "name another output" in captured.err
    assert "scores" not in captured.err


def test_eval_when_the_disk_is_full_then_the_figures_are_printed(ratings: str, capsys: pytest.CaptureFixture[str]):
    assert run(["rm", "eval", "shaping/length", ratings, "-o", "/dev/full"]) == 1
    captured = capsys.readouterr()
    assert "pair accuracy" in captured.out
    assert "/dev/full cannot be written (No space left" in captured.err


def test_eval_when_it_is_refused_then_no_folder_is_left(ratings: str):
    assert run(["rm", "eval", "shaping/length", ratings, "-o", "new/folder/r.html", "--json", "/proc/nope/f.json"]) == 1
    assert not Path("new").exists()


@pytest.mark.parametrize("output", ["/proc/nope", "file", "file/out"])
def test_prepare_when_the_folder_cannot_be_written_then_says_so(
    output: str, ratings: str, capsys: pytest.CaptureFixture[str]
):
    Path("file").write_text("")
    assert run(["rm", "prepare", ratings, "-o", output]) == 1
    assert "cannot be written (" in capsys.readouterr().err


def test_eval_when_the_model_is_neither_folder_nor_teacher_then_says_both(capsys: pytest.CaptureFixture[str]):
    assert run(["rm", "eval", "my-mr", "ratings.jsonl"]) == 2
    assert "there is no folder my-mr with a model, and no teacher is called 'my-mr'" in capsys.readouterr().err
