"""Which column is what, for the files that trainers and toolkits write."""

from __future__ import annotations

from typing import Any

import pytest

from verifiers.errors import UsageError
from verifiers.io.columns import ALIASES, FIELDS, OUT_FIELDS, find_columns
from verifiers.io.rows import SampleReader, sample_from_mapping
from verifiers.io.values import BadRow, completions_of, split_chat

CHAT = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
VERDICT = {"reward": 1.0, "status": "correct", "reason": "r", "answer": "4", "parts": [], "elapsed_s": 0.0}

# source, row, completion, prompt, reference, group
FORMATS: list[tuple[str, dict[str, Any], str, str | None, str | None, str | None]] = [
    ("TRL", {"prompt": "q", "completion": "a", "solution": "4"}, "completion", "prompt", "solution", None),
    ("TRL chat", {"prompt": CHAT[:1], "completion": CHAT[1:]}, "completion", "prompt", None, None),
    (
        "verl",
        {"data_source": "x", "prompt": CHAT[:1], "reward_model": {"ground_truth": "4"}, "responses": ["a", "b"]},
        *("responses", "prompt", "reward_model.ground_truth", None),
    ),
    ("verl dump", {"input": "q", "output": "a", "gts": "4", "score": 1, "step": 3}, "output", "input", "gts", None),
    ("verl function", {"solution_str": "a", "ground_truth": "4"}, "solution_str", None, "ground_truth", None),
    ("OpenRLHF", {"input": "q", "output": "a", "label": "4"}, "output", "input", "label", None),
    (
        "ms-swift",
        {"response": "a", "labels": "4", "logprobs": None, "messages": CHAT},
        *("response", "messages", "labels", None),
    ),
    (
        "open-instruct",
        {"messages": CHAT, "ground_truth": "4", "dataset": "gsm8k"},
        *("messages", "messages", "ground_truth", None),
    ),
    (
        "inspect",
        {"id": 1, "input": "q", "target": "4", "output": {"completion": "a", "choices": [{"message": CHAT[1]}]}},
        *("output.completion", "input", "target", None),
    ),
    (
        "ShareGPT",
        {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
        "conversations",
        "conversations",
        None,
        None,
    ),
    ("OpenAI", {"choices": [{"message": {"role": "assistant", "content": "a"}}]}, "choices", None, None, None),
    (
        "OpenAI batch",
        {"custom_id": "1", "response": {"body": {"choices": [{"message": {"content": "a"}}]}}},
        *("response.body.choices", None, None, None),
    ),
    ("lm-eval", {"doc": {}, "target": "4", "resps": [["a"]], "filtered_resps": ["a"]}, "resps", None, "target", None),
    ("vLLM", {"prompt": "q", "outputs": [{"text": "a"}, {"text": "b"}]}, "outputs", "prompt", None, None),
    ("GSM8K", {"question": "q", "answer": "#### 4", "generation": "a"}, "generation", "question", "answer", None),
    ("extracted", {"pred": "4", "gold": "4", "label": True}, "pred", None, "gold", None),
    ("bool label", {"completion": "4", "label": True}, "completion", None, None, None),
    ("group", {"prompt_id": 3, "completion": "4"}, "completion", None, None, "prompt_id"),
    ("uid", {"uid": "x", "completion": "4"}, "completion", None, None, "uid"),
    ("null first", {"completion": None, "response": "a"}, "response", None, None, None),
    ("better than answer", {"completion": "a", "answer": "5", "target": "4"}, "completion", None, "target", None),
    ("scored", {"completion": "a", "target": "4", **VERDICT}, "completion", None, "target", None),
    ("scored without reference", {"completion": "a", **VERDICT}, "completion", None, None, None),
    (
        "scored with answer",
        {"completion": "a", **VERDICT, "answer": "4", "verify_answer": "5"},
        *("completion", None, "answer", None),
    ),
]


@pytest.mark.parametrize(("source", "row", *FIELDS), FORMATS, ids=[row[0] for row in FORMATS])
def test_columns_of_known_formats_are_found(
    source: str, row: dict[str, Any], completion: str, prompt: str | None, reference: str | None, group: str | None
) -> None:
    found = find_columns([row])
    assert (found.completion, found.prompt, found.reference, found.group) == (completion, prompt, reference, group)
    samples, _, _ = SampleReader(found).read(row)
    assert samples


def test_every_alias_of_text_is_found_alone() -> None:
    for alias in ALIASES["completion"]:
        if "." not in alias and alias not in ("messages", "conversations", "conversation", "choices"):
            assert find_columns([{"x": 1, alias: "text"}]).completion == alias


def test_alias_that_fits_in_half_of_the_rows_wins_over_one_that_fits_once() -> None:
    rows = [{"completion": "a", "response": "x"}, {"response": "b"}, {"response": "c"}]
    assert find_columns(rows).completion == "response"


@pytest.mark.parametrize(
    ("mapping", "completion", "reference"),
    [
        ({"mine": "completion"}, "mine", "target"),
        ({"completion": "mine"}, "mine", "target"),
        ({"mine": "completion", "deep.er": "reference"}, "mine", "deep.er"),
        ({"target": "completion", "mine": "reference"}, "target", "mine"),
    ],
    ids=["column=field", "field=column", "dotted", "two"],
)
def test_mapping_wins_over_aliases(mapping: dict[str, str], completion: str, reference: str) -> None:
    found = find_columns([{"mine": "a", "response": "b", "target": "t", "deep": {"er": "5"}}], mapping)
    assert (found.completion, found.reference) == (completion, reference)


def test_mapping_between_two_names_of_ours_reads_left_as_the_column() -> None:
    found = find_columns([{"prompt": "a", "completion": "b"}], {"prompt": "completion", "completion": "prompt"})
    assert (found.completion, found.prompt) == ("prompt", "completion")


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"nothing": "completion"}, "no column 'nothing'. Columns: a, b"),
        ({"a": "b"}, "COLUMN=FIELD"),
        ({"a": "completion", "b": "completion"}, "given twice"),
    ],
)
def test_mapping_that_does_not_fit_says_what_would(mapping: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_columns([{"a": "x", "b": "y"}], mapping)


def test_missing_completion_names_the_columns_and_the_option() -> None:
    with pytest.raises(UsageError, match=r"Columns: question, notes.*--map question=completion"):
        find_columns([{"question": "q", "notes": "n"}])


def test_choice_is_described_in_words() -> None:
    row = {"response": "a", "reward_model": {"ground_truth": "4"}}
    assert find_columns([row]).describe() == "completion <- response, reference <- reward_model.ground_truth"


def test_column_of_the_input_with_a_name_of_ours_is_kept() -> None:
    found = find_columns([{"completion": "a", "answer": "4", "reward": 0.5}])
    assert dict(zip(OUT_FIELDS, found.written, strict=True))["answer"] == "verify_answer"
    assert "verify_reward" in found.notes()[0]


def test_column_with_a_dot_in_its_name_wins_over_a_path() -> None:
    row = {"a.b": "literal", "a": {"b": "path"}}
    assert SampleReader(find_columns([row], {"a.b": "completion"})).read(row)[0][0].completion == "literal"


@pytest.mark.parametrize(
    ("value", "completions", "is_group"),
    [
        ("a", ["a"], False),
        (42, ["42"], False),
        (["a", "b"], ["a", "b"], True),
        (["a"], ["a"], True),
        (CHAT, [CHAT], False),
        ([CHAT, CHAT], [CHAT, CHAT], True),
        (CHAT[1], [[CHAT[1]]], False),
        ([{"text": "a"}, {"text": "b"}], ["a", "b"], True),
        ([["a"]], ["a"], True),
        ([{"message": CHAT[1], "index": 0}], [[CHAT[1]]], False),
        ([{"message": CHAT[1]}, {"message": CHAT[1]}], [[CHAT[1]], [CHAT[1]]], True),
    ],
)
def test_shapes_of_completions_are_understood(value: object, completions: list[object], is_group: bool) -> None:
    assert completions_of(value) == (completions, is_group)


@pytest.mark.parametrize("value", [None, True, [], {}, [None], [None, None], {"text": 3}, [[]]])
def test_value_without_a_completion_is_a_bad_row(value: object) -> None:
    with pytest.raises(BadRow):
        completions_of(value)


def test_conversation_is_split_behind_the_last_user_message() -> None:
    tool = {"role": "tool", "content": "5"}
    chat = [{"role": "system", "content": "s"}, *CHAT, CHAT[0], CHAT[1], tool, CHAT[1]]
    assert split_chat(chat) == (chat[:4], chat[4:])
    with pytest.raises(BadRow, match="without an answer"):
        split_chat(CHAT[:1])


def test_sample_from_mapping_keeps_other_columns_as_meta() -> None:
    row = {"response": "a", "query": "q", "ground_truth": '{"x": 1}', "level": 3}
    sample = sample_from_mapping(row)
    assert (sample.completion, sample.prompt, sample.reference, sample.meta) == ("a", "q", '{"x": 1}', {"level": 3})


def test_sample_from_mapping_of_a_group_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="score_groups"):
        sample_from_mapping({"responses": ["a", "b"]})
