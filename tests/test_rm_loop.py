"""The loop from scores to training data: what `verify score` and `verify pairs` write is what `read_rated` reads."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reward_models.data.reading import read_rated
from verifiers.cli.main import cli


def answers(path: Path, lists: bool = False) -> Path:
    """Write six questions with four answers each, of which half are right."""
    rows = []
    for question in range(6):
        prompt, right = f"What is {question} + {question}?", 2 * question
        given = [f"{right if index % 2 else right + 1 + index}" for index in range(4)]
        if lists:
            rows.append({"prompt": prompt, "completion": given, "answer": str(right)})
        else:
            rows += [{"prompt": prompt, "completion": one, "answer": str(right)} for one in given]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def verify(*arguments: str | Path) -> None:
    done = CliRunner().invoke(cli, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("lists", [False, True], ids=["a row an answer", "a row a group"])
def test_scored_groups_when_read_as_ratings_then_every_answer_has_its_reward(lists: bool, tmp_path: Path):
    scored = tmp_path / "scored.jsonl"
    verify("score", "--task", "numeric", answers(tmp_path / "a.jsonl", lists), "-o", scored, "-q")
    data = read_rated([scored])
    assert len(data.prompts) == 6
    for prompt in data.prompts:
        assert [answer.stars for answer in prompt.answers] == [0.0, 1.0, 0.0, 1.0][: len(prompt.answers)]


def test_pairs_when_read_as_preferences_then_chosen_is_the_right_answer(tmp_path: Path):
    scored, pairs = tmp_path / "scored.jsonl", tmp_path / "pairs.jsonl"
    verify("score", "--task", "numeric", answers(tmp_path / "a.jsonl"), "-o", scored, "-q")
    verify("pairs", scored, "-o", pairs)
    data = read_rated([pairs])
    assert len(data.prompts) == 6
    for prompt in data.prompts:
        right = str(2 * int(str(prompt.prompt).split()[2]))
        assert prompt.preferences
        for preference in prompt.preferences:
            assert str(prompt.answers[preference.chosen].response) == right
            assert str(prompt.answers[preference.rejected].response) != right
            assert preference.margin == 1.0


def test_scored_rows_when_not_judged_then_are_left_out_of_training(tmp_path: Path):
    source, scored = answers(tmp_path / "a.jsonl"), tmp_path / "scored.jsonl"
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    rows[0]["answer"] = None
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    verify("score", "--task", "numeric", source, "-o", scored, "-q")
    first = read_rated([scored]).prompts[0]
    assert [str(answer.response) for answer in first.answers] == ["0", "3"], "not '1', which was not judged"
