"""`read_rated` on aspects: which weights they can have, and aspects that make up for each other."""

import json
from pathlib import Path

import pytest
from rm_rows import read_rows

from reward_models.data.checks import inspected
from reward_models.data.findings import findings
from reward_models.data.reading import read_rated
from verifiers.cli.main import run
from verifiers.errors import UsageError

ROWS = [{"prompt": "p", "response": f"r{n}", "helpful": n, "safe": 6 - n} for n in range(1, 6)]


@pytest.mark.parametrize("aspects", [{"helpful": -1}, {"helpful": 1, "safe": -0.5}])
def test_read_rated_when_an_aspect_weighs_less_than_0_then_refused(tmp_path, aspects):
    with pytest.raises(
        UsageError, match=r"--aspect (helpful=-1|safe=-0.5): a weight is 0 or more.*turn its column round"
    ):
        read_rows(tmp_path, ROWS, aspects=aspects)


@pytest.mark.parametrize("aspects", [{"helpful": 0}, {"helpful": 0, "safe": 0}])
def test_read_rated_when_all_aspects_weigh_0_then_refused(tmp_path, aspects):
    with pytest.raises(
        UsageError, match=r"--aspect helpful=0.*: no aspect is left to make stars of\. Give one of them"
    ):
        read_rows(tmp_path, ROWS, aspects=aspects)
    assert read_rows(tmp_path, ROWS, aspects={**aspects, "safe": 2}).prompts[0].answers[0].stars == 5.0


def test_read_rated_when_only_some_keys_are_named_0_then_the_others_count(tmp_path):
    rows = [{"prompt": "p", "response": "r", "rating": {"helpful": 4, "verbosity": 1}}]
    assert read_rows(tmp_path, rows, aspects={"helpful": 1, "verbosity": 0}).prompts[0].answers[0].stars == 4.0
    assert read_rows(tmp_path, rows, aspects={"verbosity": 0}).prompts[0].answers[0].stars == 4.0
    with pytest.raises(UsageError, match="--aspect verbosity=0: no aspect is left"):
        read_rows(tmp_path, [{"prompt": "p", "response": "r", "rating": {"verbosity": 1}}])


def test_read_rated_when_a_prepared_files_aspect_weighs_less_than_0_then_refused(tmp_path):
    row = {"prompt": "p", "answers": [{"response": "r", "ratings": [{"stars": 1, "aspect": "safe"}]}]}
    (tmp_path / "train.jsonl").write_text(json.dumps(row))
    (tmp_path / "manifest.json").write_text(json.dumps({"aspects": {"safe": -1}}))
    with pytest.raises(UsageError, match="--aspect safe=-1: a weight is 0 or more"):
        read_rated([tmp_path / "train.jsonl"])


@pytest.mark.parametrize("command", [["inspect"], ["prepare", "-o", "new"], ["train", "--base", "o/b", "-o", "new"]])
def test_rm_when_an_aspect_weighs_less_than_0_then_every_command_refuses(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    assert run(["rm", *command, "rows.jsonl", "--aspect", "helpful=-1"]) == 2
    assert "--aspect helpful=-1: a weight is 0 or more" in capsys.readouterr().err
    if command[0] != "train":
        assert run(["rm", *command, "rows.jsonl", "--aspect", "helpful=0"]) == 2
        assert "--aspect helpful=0: no aspect is left" in capsys.readouterr().err


def test_inspect_when_aspects_make_up_for_each_other_then_warns(tmp_path):
    alike = "all answers come to the same stars, though their ratings differ"
    both, one = ({"helpful": 1, "safe": weight} for weight in (1, 2))
    for aspects, warned in ((both, True), (one, False)):
        found = findings(inspected(read_rows(tmp_path, ROWS, aspects=aspects)))
        assert any(each.level == "warn" and each.found == alike for each in found) is warned
