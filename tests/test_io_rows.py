"""One line in, one line out: bytes kept, bad rows told, groups in lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.io.batch import Batch
from verifiers.io.columns import OUT_FIELDS, Columns, find_columns
from verifiers.io.json_text import decode_clean_row, decode_row, encode_json
from verifiers.io.readback import RowReader
from verifiers.io.rows import RowResult, RowScorer, without_fields
from verifiers.types import Part, Sample, Status, Verdict

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Judge:
    """Right if the completion is the reference; `None` for the word slow."""

    reads = ("completion", "reference", "meta")

    def quick(self, sample: Sample) -> Verdict | None:
        if sample.completion == "slow":
            return None
        if sample.completion is None:
            return Verdict(None, Status.BAD_ROW, "no completion")
        right = sample.completion == sample.reference
        status = Status.CORRECT if right else Status.INCORRECT
        return Verdict(float(right), status, "why", str(sample.completion), (Part("one", 1.0),), 0.25)


def batch_of(*lines: bytes) -> Batch:
    return Batch("file.jsonl", list(range(1, len(lines) + 1)), list(lines))


def score(line: bytes, columns: Columns | None = None) -> RowResult | None:
    return RowScorer(Judge(), columns or Columns("completion", reference="gold")).score(batch_of(line))[0]


def scored(line: bytes, columns: Columns | None = None) -> dict[str, Any]:
    result = score(line, columns)
    assert result is not None
    return dict(json.loads(result.line))


@given(row=st.dictionaries(st.text(), JSON), completion=st.text(), spaces=st.booleans(), ascii_only=st.booleans())
def test_output_begins_with_the_inputs_bytes(
    row: dict[str, Any], completion: str, spaces: bool, ascii_only: bool
) -> None:
    row = {**{name: value for name, value in row.items() if name not in OUT_FIELDS}, "completion": completion}
    line = json.dumps(row, ensure_ascii=ascii_only, separators=None if spaces else (",", ":")).encode("utf-8")
    result = RowScorer(Judge(), Columns("completion")).score(batch_of(line))[0]
    if result is None:
        assert completion == "slow"
        return
    assert result.line.startswith(line[:-1])
    assert json.loads(result.line) == {**row, **{name: json.loads(result.line)[name] for name in OUT_FIELDS}}


@given(
    row=st.dictionaries(st.text() | st.sampled_from(["answer", "reward", "parts"]), JSON),
    completion=st.text().filter(lambda text: text != "slow"),
)
def test_scoring_an_output_again_gives_the_same_bytes(row: dict[str, Any], completion: str) -> None:
    row = {**row, "completion": completion}
    mapping = {"completion": "completion"}
    first = score(json.dumps(row).encode(), find_columns([row], mapping))
    assert first is not None
    again = find_columns([json.loads(first.line)], mapping)
    assert again.rescored
    second = score(first.line, again)
    assert second is not None
    assert second.line == first.line


def test_row_of_one_completion_gets_plain_fields_in_order() -> None:
    row = scored(b'{"completion": "4", "gold": "4"}')
    assert list(row) == ["completion", "gold", *OUT_FIELDS]
    assert row["reward"] == 1.0
    assert row["parts"][0]["name"] == "one"
    assert row["elapsed_s"] == 0.0


def test_row_of_a_group_gets_lists() -> None:
    row = scored(b'{"completion": ["4", "5"], "gold": "4"}')
    assert row["reward"] == [1.0, 0.0]
    assert row["status"] == ["correct", "incorrect"]
    assert row["answer"] == ["4", "5"]
    assert row["elapsed_s"] == [0.0, 0.0]


@pytest.mark.parametrize("value", [b'"slow"', b'["4", "slow"]'])
def test_row_with_a_slow_sample_is_left_open(value: bytes) -> None:
    assert score(b'{"completion": %b}' % value) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{not json", "not JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"3", "not a JSON object"),
        (b'{"completion": NaN}', "NaN is not JSON, write null"),
        (b'{"completion": -Infinity}', "Infinity is not JSON"),
        (b'{"completion": "\xff"}', "not UTF-8"),
        ('{"completion": "答案是二"}'.encode("gbk"), "iconv -f GB18030 -t UTF-8"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "too deeply"),
        (b'{"other": 1}', "(column 'completion') is missing"),
        (b'{"completion": null}', "(column 'completion') is null"),
        (b'{"completion": []}', "empty"),
        (b"{}", "missing"),
    ],
)
def test_bad_row_has_no_reward_and_names_its_place(line: bytes, reason: str) -> None:
    row = scored(line)
    assert row["reward"] is None
    assert row["status"] == "bad_row"
    assert row["reason"].startswith("file.jsonl:1: ")
    assert reason in row["reason"]


def test_line_that_is_no_object_is_kept_under_raw() -> None:
    assert scored(b"{not \xff json")["raw"] == "{not � json"
    assert scored(b'{"other": 1}')["other"] == 1


def test_duplicate_keys_count_by_their_last_value() -> None:
    row = scored(b'{"completion": "5", "completion": "4", "gold": "4"}')
    assert row["reward"] == 1.0


def test_column_of_the_input_with_a_name_of_ours_stays() -> None:
    columns = Columns(
        "completion", reference="answer", written=("reward", "status", "reason", "verify_answer", "parts", "elapsed_s")
    )
    row = scored(b'{"completion": "4", "answer": "4"}', columns)
    assert (row["answer"], row["verify_answer"], row["reward"]) == ("4", "4", 1.0)
    odd = scored(b'{"completion": "4", "answer": "4", "status": "mine"}', columns)
    assert (odd["status"], odd["verify_status"]) == ("mine", "correct")


def test_earlier_verdicts_are_replaced_and_the_rest_keeps_its_bytes() -> None:
    line = b'{"completion": "4",  "gold":"4", "x": "\\u00e9"}'
    once = score(line)
    assert once is not None
    columns = Columns("completion", reference="gold", rescored=True)
    again = score(once.line, columns)
    assert again is not None
    assert again.line == once.line


@given(row=st.dictionaries(st.text(), JSON, max_size=4), fields=st.dictionaries(st.sampled_from(OUT_FIELDS), JSON))
def test_fields_can_be_taken_out_wherever_they_stand(row: dict[str, Any], fields: dict[str, Any]) -> None:
    rest = {name: value for name, value in row.items() if name not in OUT_FIELDS}
    line = json.dumps({**fields, **rest}).encode()
    assert json.loads(without_fields(line, json.loads(line), OUT_FIELDS)) == rest


@pytest.mark.parametrize(
    "value", ["\ud800", {"a": ["\udfff"]}, {"x": {1, 2}.__class__}], ids=["text", "nested", "object"]
)
def test_what_json_cannot_hold_is_replaced(value: object) -> None:
    json.loads(encode_json({"reason": value}))


def test_rows_of_one_prompt_share_a_group_and_others_do_not() -> None:
    scorer = RowScorer(Judge(), Columns("completion", prompt="q"))
    lines = [b'{"q": "a", "completion": "1"}', b'{"q": "a", "completion": "2"}', b'{"q": "b", "completion": "1"}']
    groups = [result.group for result in scorer.score(batch_of(*lines)) if result]
    assert groups[0] == groups[1] != groups[2]
    named = RowScorer(Judge(), Columns("completion", prompt="q", group="g"))
    lines = [b'{"q": "a", "g": 1, "completion": "1"}', b'{"q": "a", "g": 2, "completion": "2"}']
    groups = [result.group for result in named.score(batch_of(*lines)) if result]
    assert groups[0] != groups[1]


def test_meta_is_what_no_field_uses() -> None:
    seen: list[Sample] = []

    class Look(Judge):
        def quick(self, sample: Sample) -> Verdict | None:
            seen.append(sample)
            return super().quick(sample)

    columns = Columns("completion", prompt="q", reference="rm.gt")
    RowScorer(Look(), columns).score(batch_of(b'{"q": "a", "rm": {"gt": "4"}, "completion": "4", "id": 7}'))
    assert seen[0].meta == {"id": 7}
    assert seen[0].reference == "4"


@pytest.mark.parametrize(
    "line",
    [
        b'{"completion": "\\ud83d x", "gold": "\\ud83d x"}',
        b'{"completion": "\\uDC00", "gold": "\\udc00", "more": {"\\ud800": ["\\ud83d\\ude00"]}}',
        b'{"completion": [{"role": "assistant", "content": "\\ud83d"}], "gold": "x"}',
    ],
    ids=["text", "keys", "chat"],
)
def test_half_a_surrogate_pair_is_judged_and_the_bytes_are_kept(line: bytes) -> None:
    result = score(line)
    assert result is not None
    assert result.line.startswith(line[:-1])
    assert result.rewards[0] is not None
    again = RowReader(Columns("completion", reference="gold")).read(result.line)
    assert (again.line, again.rewards, again.statuses) == (result.line, result.rewards, result.statuses)
    json.dumps(decode_clean_row(result.line), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    "line", [b'{"completion": "\\ud83d", "n": NaN}', b'["\\ud83d"]', b'{"completion": "\\ud83d', b"\\ud83d"]
)
def test_half_a_surrogate_pair_excuses_nothing_else(line: bytes) -> None:
    assert scored(line)["status"] == "bad_row"


def test_null_in_a_group_is_not_judged_alone() -> None:
    row = scored(b'{"completion": ["a", null, "b"], "gold": "a"}')
    assert row["reward"] == [1.0, None, 0.0]
    assert row["status"] == ["correct", "bad_row", "incorrect"]
    assert row["reason"][1].startswith("file.jsonl:1: ")
    assert scored(b'{"completion": [null, null]}')["status"] == "bad_row"


def test_half_a_surrogate_pair_when_scored_again_then_only_our_fields_go() -> None:
    line = b'{"reward":1.0,"status":"correct","reason":"","x":"\\ud83d"}'
    assert json.loads(without_fields(line, decode_row(line), OUT_FIELDS)) == {"x": "\ud83d"}
