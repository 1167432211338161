"""`verify rm eval` on teachers that cost nothing."""

import json
from pathlib import Path
from random import Random

import pytest

from reward_models.data.reading import read_rated
from reward_models.evaluation import frozen, session
from reward_models.evaluation.evaluate import Rival
from reward_models.evaluation.judged import Model
from verifiers.cli.main import run

TEACHER = '''"""Reward long answers."""

from verifiers.teacher import teacher
from verifiers.types import Sample, Status, Verdict, text_of


@teacher(version="1")
def by_length(sample: Sample) -> Verdict | float:
    if "unknown" in text_of(sample.completion):
        return Verdict(None, Status.UNAVAILABLE, "not today")
    return float(len(text_of(sample.completion)))
'''


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    random = Random(1)
    rows = [
        {"prompt": f"q{n // 3}", "response": "word " * random.randint(1, 20) + str(n), "rating": random.randint(1, 5)}
        for n in range(90)
    ]
    (tmp_path / "held.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "long.py").write_text(TEACHER)
    return str(tmp_path / "long.py"), str(tmp_path / "held.jsonl")


def test_eval_when_a_teacher_is_named_then_measures_it(files: tuple[str, str], tmp_path: Path, capsys):
    report, figures = tmp_path / "report.html", tmp_path / "figures.json"
    code = run(["rm", "eval", *files, "-o", str(report), "--json", str(figures), "--no-frozen-head"])
    out = capsys.readouterr().out
    assert code == 0
    assert "pair accuracy" in out
    found = json.loads(figures.read_text())
    same = found["quality"]["pair_accuracy"]["value"]
    assert found["baselines"][0]["quality"]["pair_accuracy"]["value"] in (same, pytest.approx(1 - same))
    assert "long.py" in report.read_text()


def test_eval_when_the_ratings_were_scored_then_measures_against_the_ratings(files: tuple[str, str], tmp_path, capsys):
    assert run(["score", "--task", files[0], files[1], "-o", str(tmp_path / "scored.jsonl")]) == 0
    found = []
    for file in (files[1], str(tmp_path / "scored.jsonl")):
        capsys.readouterr()
        assert run(["rm", "eval", files[0], file, "--json", "-", "--no-frozen-head"]) == 0
        captured = capsys.readouterr()
        found.append(json.loads(captured.out)["quality"])
    assert found[0] == found[1]
    assert "what humans said (rating) is the label" in captured.err


def test_eval_when_a_file_is_of_rewardbench_2_then_counts_how_often_the_best_is_best(
    files: tuple[str, str], tmp_path: Path, capsys
):
    rows = [
        {
            "id": n,
            "prompt": f"q{n}",
            "chosen": ["right" * 3],
            "rejected": ["wrong", "no", "bad" * (n % 9)],
            "subset": subset,
        }
        for n, subset in enumerate(["Math", "Safety"] * 12)
    ]
    (tmp_path / "bench.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run(["rm", "eval", files[0], str(tmp_path / "bench.jsonl"), "--json", "-", "--no-frozen-head"]) == 0
    found = json.loads(capsys.readouterr().out)
    # The longest of four wins: the right one has 15 characters, "bad" x 6 and more have 18 and more.
    beaten = {subset: sum(n % 9 > 5 for n in range(start, 24, 2)) for start, subset in enumerate(["Math", "Safety"])}
    best = {each["name"]: each["best_is_best"]["value"] for each in found["by_source"]}
    assert best == {name: pytest.approx((12 - lost - 0.5 * ties) / 12) for name, (lost, ties) in {
        subset: (beaten[subset], sum(n % 9 == 5 for n in range(start, 24, 2)))
        for start, subset in enumerate(["Math", "Safety"])}.items()}  # fmt: skip


def test_eval_when_the_base_is_not_known_then_says_how_to_name_it(files: tuple[str, str], capsys):
    assert run(["rm", "eval", *files]) == 0
    assert "--base" in capsys.readouterr().out


def test_eval_when_under_the_gate_then_exits_with_100(files: tuple[str, str], capsys):
    assert run(["rm", "eval", *files, "--no-frozen-head", "--fail-under", "0.99"]) == 100
    assert run(["rm", "eval", *files, "--no-frozen-head", "--fail-under", "0.01"]) == 0


def test_eval_when_two_are_compared_then_on_the_answers_that_both_could_score(
    files: tuple[str, str], tmp_path: Path, capsys
):
    (tmp_path / "short.py").write_text(TEACHER.replace("float(len(", "-float(len(").replace("by_length", "by_size"))
    held = Path(files[1])
    held.write_text(held.read_text().replace('"word word word', '"unknown word word', 5))
    assert run(["rm", "eval", *files, "--against", str(tmp_path / "short.py"), "--json", "-", "--no-frozen-head"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["left_out"] == 5
    assert "not today" in captured.err
    ours, theirs = found["quality"]["pair_accuracy"]["value"], found["others"][0]["quality"]["pair_accuracy"]["value"]
    assert ours + theirs == pytest.approx(1)
    assert found["others"][0]["ahead"]["pair_accuracy"]["interval"]["value"] == pytest.approx(ours - theirs)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-teacher"], "no-such-teacher"),
        (["{folder}"], "holds no model"),
        (["{teacher}", "--update"], "--update"),
        (["{model}?scores=calibrated", "--update"], "leave 'scores' out"),
        (["{teacher}", "--against", "{model}?scores=centred"], "leave 'scores' out"),
        (["{model}?model=other"], "leave 'model' out"),
    ],
    ids=["no teacher", "no model", "nothing to update", "scores", "scores of the other one", "another model"],
)
def test_eval_when_it_cannot_then_says_what_to_do(
    arguments: list[str], said: str, files: tuple[str, str], tmp_path: Path, capsys
):
    for name in ("empty", "model"):
        (tmp_path / name).mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    given = [each.format(folder=tmp_path / "empty", model=tmp_path / "model", teacher=files[0]) for each in arguments]
    assert run(["rm", "eval", *given, files[1]]) in (1, 2)
    assert said in capsys.readouterr().err


def rated_rows(name: str, prompts: int) -> str:
    """Four answers a prompt by raters of whom one is harsh and one kind."""
    random = Random(name)
    rows = [
        {"prompt": f"{name} {n}", "response": f"{name} {n} {place}", "rater": f"r{rater}",
         "rating": round(random.gauss(5, 1) + (4, -4, 0, 0)[rater], 1)}
        for n in range(prompts) for place in range(4) for rater in [random.randrange(4)]
    ]  # fmt: skip
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_frozen_head_when_raters_are_corrected_then_those_of_the_training_file_too(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("train", "held"):
        (tmp_path / f"{name}.jsonl").write_text(rated_rows(name, 40))
    seen = []

    def rival(base, scored, train, seed):
        seen.append((scored, train))
        return Rival("frozen head", base, None, "not run here")

    monkeypatch.setattr(frozen, "frozen_rival", rival)
    held, train = (read_rated([tmp_path / f"{name}.jsonl"]) for name in ("held", "train"))
    said: list[str] = []
    session.run(session.Request(Model("m", files[0], {}), base="tiny"), held, train, said.append)
    ((_, fitted),) = seen
    of_kind = [a.stars - a.ratings[0].stars for r in fitted for a in r.answers if a.ratings[0].rater == "r0"]
    assert len(fitted) == 40
    assert max(of_kind) < -2
    habits = [line.partition(":")[0] for line in said if "habits" in line]
    assert habits == [f"raters' habits are taken off the labels{which}" for which in ("", " of --train")]
    session.run(session.Request(Model("m", files[0], {}), base="tiny", raters="off"), held, train, said.append)
    assert seen[1][1] == train.prompts
