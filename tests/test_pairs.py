"""Preference pairs: of lists, of files, and through the command."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from grpo_bridge.pairs import PairRules, pair_rows, pairs
from grpo_bridge.pairs_command import pairs as command
from grpo_bridge.pairs_file import PairMaker
from verifiers.errors import UsageError

REWARDS = st.lists(st.one_of(st.none(), st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(-5, 5)), max_size=10)


def named(rewards: list[float | None]) -> list[str]:
    return [f"c{i}" for i in range(len(rewards))]


def of(rewards: list[float | None], **rules: Any) -> list[tuple[str, str]]:
    rows = pairs(["p"], [named(rewards)], [rewards], **rules)
    return [(row["chosen"], row["rejected"]) for row in rows]


@given(REWARDS)
def test_pairs_without_limits_are_all_that_differ(rewards: list[float | None]) -> None:
    known = [(f"c{i}", r) for i, r in enumerate(rewards) if r is not None]
    expected = {(a, b) for a, x in known for b, y in known if x - y > 1e-9}
    found = of(rewards)
    assert set(found) == expected
    assert len(found) == len(expected)


@given(REWARDS)
def test_pairs_come_widest_first(rewards: list[float | None]) -> None:
    rows = pairs(["p"], [named(rewards)], [rewards], with_margin=True)
    margins = [row["margin"] for row in rows]
    assert margins == sorted(margins, reverse=True)


@given(REWARDS, st.integers(1, 6), st.integers(1, 3), st.floats(0, 2), st.floats(-1, 1))
def test_pairs_hold_their_limits(
    rewards: list[float | None], max_pairs: int, max_uses: int, min_margin: float, min_chosen: float
) -> None:
    limits: dict[str, Any] = {"max_pairs": max_pairs, "max_uses": max_uses, "min_margin": min_margin}
    rows = pairs(["p"], [named(rewards)], [rewards], min_chosen=min_chosen, **limits)
    assert len(rows) <= max_pairs
    assert all(
        count <= max_uses for count in Counter(row[side] for row in rows for side in ("chosen", "rejected")).values()
    )
    assert all(row["chosen_reward"] - row["rejected_reward"] >= min_margin for row in rows)
    assert all(row["chosen_reward"] >= min_chosen for row in rows)


def test_pairs_with_equal_margins_use_all_completions_about_as_often() -> None:
    found = of([1, 1, 1, 0, 0, 0], max_pairs=3)
    assert len({chosen for chosen, _ in found}) == len({rejected for _, rejected in found}) == 3


def test_pairs_of_equal_texts_count_the_first_only() -> None:
    rows = pairs(["p"], [["same", "same", "other"]], [[1.0, 0.0, 0.5]])
    assert [(row["chosen"], row["rejected"]) for row in rows] == [("same", "other")]


def test_pairs_of_what_was_not_judged_are_none() -> None:
    assert of([None, math.nan, 1.0]) == []


def test_pairs_of_chats_are_messages() -> None:
    answer = [{"role": "assistant", "content": "4"}]
    (row,) = pairs([[{"role": "user", "content": "2+2"}]], [[answer, "5"]], [[1, 0]])
    assert row["prompt"] == [{"role": "user", "content": "2+2"}]
    assert row["chosen"] == answer
    assert row["rejected"] == [{"role": "assistant", "content": "5"}]


def test_pairs_without_prompt_have_no_such_column() -> None:
    (row,) = pairs([""], [["a", "b"]], [[1, 0]])
    assert row == {"chosen": "a", "rejected": "b", "chosen_reward": 1, "rejected_reward": 0}


def test_pairs_of_a_large_group_cost_no_memory_for_pairs_not_taken() -> None:
    size = 4096
    rules = PairRules(max_pairs=3)
    rows = list(pair_rows("p", named([0.0] * size), [i / size for i in range(size)], rules))
    assert [row["rejected"] for row in rows] == ["c0", "c0", "c1"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"rewards_PG": [[1]]}, "2 completions and 1 rewards"),
        ({"prompts_P": []}, "0 prompts"),
        ({"min_margin": -1}, "min_margin"),
        ({"max_pairs": 0}, "max_pairs"),
        ({"max_uses": 0}, "max_uses"),
    ],
)
def test_pairs_of_what_does_not_fit_say_so(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        pairs(**{"prompts_P": ["p"], "completions_PG": [["a", "b"]], "rewards_PG": [[1, 0]], **arguments})


def scored(path: Path, rows: list[dict[str, Any]]) -> str:
    verdict = {"status": "correct", "reason": "", "answer": None, "parts": [], "elapsed_s": 0.0}
    path.write_text("".join(json.dumps({**row, **verdict, **_status(row["reward"])}) + "\n" for row in rows))
    return str(path)


def _status(reward: Any) -> dict[str, Any]:
    if isinstance(reward, list):
        return {"status": ["correct" if each is not None else "failed" for each in reward]}
    return {"status": "correct" if reward is not None else "failed"}


ROWS = [
    {"prompt": "p", "response": "a", "solution": "a", "id": 7, "reward": 1.0},
    {"prompt": "p", "response": "b", "solution": "a", "id": 7, "reward": 0.0},
    {"prompt": "p", "response": "c", "solution": "a", "id": 7, "reward": None},
    {"prompt": "q", "response": "d", "solution": "d", "id": 8, "reward": 1.0},
    {"prompt": "p", "response": "e", "solution": "a", "id": 7, "reward": 0.0},
]


def run(*arguments: str) -> Any:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_command_on_rows_pairs_neighbours_and_counts_the_rest(tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    result = run(scored(tmp_path / "s.jsonl", ROWS), "-o", str(out), "--keep", "id")
    (row,) = read(out)
    assert row == {"prompt": "p", "chosen": "a", "rejected": "b", "chosen_reward": 1, "rejected_reward": 0, "id": 7}
    assert "1 prompts came back" in result.stderr
    assert "1 of them not judged" in result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_command_with_scattered_rows_finds_all_of_a_prompt(tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    run(scored(tmp_path / "s.jsonl", ROWS), "-o", str(out), "--scattered", "--with-margin")
    assert [(row["chosen"], row["rejected"], row["margin"]) for row in read(out)] == [("a", "b", 1), ("a", "e", 1)]


def test_command_on_groups_takes_each_rows_list(tmp_path: Path) -> None:
    rows = [{"completions": ["a", None, "b"], "reward": [0.0, 1.0, 1.0]}, {"completions": ["c", "d"], "reward": [0, 1]}]
    out = tmp_path / "pairs.jsonl"
    run(scored(tmp_path / "s.jsonl", rows), "-o", str(out))
    assert [(row["chosen"], row["rejected"]) for row in read(out)] == [("b", "a"), ("d", "c")]


def test_command_on_conversations_splits_prompt_and_answer(tmp_path: Path) -> None:
    user = {"role": "user", "content": "2+2"}
    rows = [
        {"messages": [user, {"role": "assistant", "content": text}], "reward": reward}
        for text, reward in (("4", 1.0), ("5", 0.0))
    ]
    out = tmp_path / "pairs.jsonl"
    run(scored(tmp_path / "s.jsonl", rows), "-o", str(out))
    (row,) = read(out)
    assert row["prompt"] == [user]
    assert row["chosen"] == [{"role": "assistant", "content": "4"}]


def test_command_on_the_scorers_own_output_pairs_it(tmp_path: Path) -> None:
    from verifiers.cli.main import run as verify

    answers = tmp_path / "answers.jsonl"
    rows = [{"prompt": "2+2", "completion": text, "reference": "4"} for text in ("4", "5", "4.0", "no idea")]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    middle, out = str(tmp_path / "scored.jsonl"), tmp_path / "pairs.jsonl"
    assert verify(["score", "--task", "math", str(answers), "-o", middle, "-q"]) == 0
    run(middle, "-o", str(out))
    assert {(row["chosen"], row["rejected"]) for row in read(out)} == {
        (right, wrong) for right in ("4", "4.0") for wrong in ("5", "no idea")
    }


def test_command_with_broken_rows_leaves_them_out(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    scored(path, ROWS[:2])
    path.write_text(path.read_text() + "{broken\n" + '{"prompt": "p", "reward": 1e400}\n[1]\n')
    maker = PairMaker([str(path)], PairRules())
    assert len(list(maker.rows())) == 1
    assert maker.tally.bad_rows == 3


@pytest.mark.parametrize("name", ["pairs.jsonl.gz", "pairs.csv", "pairs.parquet"])
def test_command_writes_other_formats(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    out = tmp_path / name
    run(scored(tmp_path / "s.jsonl", ROWS), "-o", str(out))
    assert out.stat().st_size > 0


def refusal(*arguments: str) -> str:
    with pytest.raises(UsageError) as raised:
        run(*arguments)
    return str(raised.value)


def test_command_on_a_file_without_verdicts_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"prompt": "p", "completion": "a", "points": 3}\n{"prompt": "p", "completion": "b", "points": 1}\n'
    )
    assert "verify score" in refusal(str(path))
    out = tmp_path / "pairs.jsonl"
    run(str(path), "-o", str(out), "--reward", "points")
    assert read(out)[0]["chosen"] == "a"


def test_command_without_groups_says_what_to_do(tmp_path: Path) -> None:
    rows = [{"completion": "a", "reward": 1.0}, {"completion": "b", "reward": 0.0}]
    assert "--map COLUMN=prompt" in refusal(scored(tmp_path / "s.jsonl", rows), "-o", str(tmp_path / "pairs.jsonl"))
    assert [path.name for path in tmp_path.iterdir()] == ["s.jsonl"]


def test_command_never_overwrites_unasked(tmp_path: Path) -> None:
    path = scored(tmp_path / "s.jsonl", ROWS)
    out = tmp_path / "pairs.jsonl"
    run(path, "-o", str(out))
    assert "--overwrite" in refusal(path, "-o", str(out))
    assert "both input and output" in refusal(path, "-o", path, "--overwrite")
    assert run(path, "-o", str(out), "--overwrite").exit_code == 0
