"""Tool calls of any shape: what is written is read back, and nothing raises."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tool_calls import F_TEXT, reward, tool_message

from verifiers.catalog.tool_call.python_form import NotCalls, parse_calls
from verifiers.catalog.tool_call.read import read_calls

LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


@given(st.dictionaries(NAMES, LITERALS, max_size=4))
def test_python_form_when_written_by_repr_then_read_back(arguments):
    text = f"[f({', '.join(f'{name}={value!r}' for name, value in arguments.items())})]"
    (call,) = parse_calls(text)
    assert call.arguments == arguments
    assert repr(call.arguments) == repr(arguments)


@given(st.dictionaries(NAMES, LITERALS, max_size=4))
def test_json_when_written_then_every_form_agrees(arguments):
    text = json.dumps({"name": "f", "arguments": arguments})
    reference = [{"name": "f", "arguments": arguments}]
    for completion in (text, f"<tool_call>{text}</tool_call>", f"```json\n{text}\n```", tool_message(arguments)):
        assert reward(completion, reference) == 1.0


MARKS = ["<tool_call>", "</tool_call>", "<|python_tag|>", "[TOOL_CALLS]", "<function=f>", "<parameter=x>"]
MARKS += ["<answer>", "</answer>", "<answer>[]</answer>", "<ANSWER> x </ANSWER>"]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "form", ["{}", "```json\n{}\n```", "Here it is:\n```json\n{}\n```\nDone.", "<answer>{}</answer>"]
)
def test_json_when_an_argument_holds_a_mark_of_calls_then_it_is_text(form, mark):
    arguments = {"x": f"a {mark} b", "y": {mark: None}}
    text = json.dumps({"name": "f", "arguments": arguments})
    assert reward(form.replace("{}", text), [{"name": "f", "arguments": arguments}]) == 1.0


@pytest.mark.parametrize("mark", ["<tool_call>{}</tool_call>", "[TOOL_CALLS] [{}]", "<|python_tag|>{}"])
def test_calls_when_a_mark_stands_outside_of_a_fence_then_the_mark_decides(mark):
    fence = "```json\n" + json.dumps({"name": "f", "arguments": {"x": 1}}) + "\n```\n"
    call = {"name": "f", "arguments": {"x": 2}}
    assert reward(fence + mark.replace("{}", json.dumps(call)), [call]) == 1.0


@pytest.mark.parametrize("said", ["<answer>none</answer>", "```\n<answer>none</answer>\n```", "<answer>"])
def test_calls_when_an_answer_tag_states_none_then_earlier_calls_do_not_count(said):
    held = json.dumps({"name": "f", "arguments": {"x": "<answer>y</answer>"}})
    for earlier in (f"```json\n{held}\n```\n", f"<answer>{held}</answer>\n"):
        assert reward(earlier + said, [json.loads(held)]) == 0.0
        assert reward(earlier + said + f"<answer>{held}</answer>", [json.loads(held)]) == 1.0


@given(st.text(alphabet="f(x=1),[]{}'\"\\\n :ab#<>_.-", max_size=60))
def test_python_form_when_any_text_then_calls_or_a_reason(text):
    try:
        calls = parse_calls(text)
    except NotCalls as error:
        calls = []
        assert_told(str(error))
    assert all(call.name for call in calls)


def assert_told(reason: str):
    assert reason.strip()


PIECES = ["<tool_call>", "</tool_call>", F_TEXT, "<function=f>", "<parameter=x>", "1", "```json\n", "\n```\n", "f(x=1)"]
PIECES += ["<|python_tag|>", "[TOOL_CALLS]", "<answer>", "</answer>", "<think>", "</think>", *"{}[];\n"]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_read_calls_when_pieces_are_mixed_then_never_raises(pieces):
    reading = read_calls("".join(pieces), "auto", {}, frozenset({"f"}))
    assert all(isinstance(call.fault, str) for call in reading.calls)


def test_bfcl_when_all_cases_are_judged_then_only_deliberate_differences(shared_data: Path):
    path = shared_data / "rules" / "bfcl_ast_cases.jsonl.gz"
    if not path.exists():
        pytest.skip("needs bfcl_ast_cases.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    differing = [
        row
        for row in rows
        if reward(json.dumps(row["call"]), {"ground_truth": row["ground_truth"], "functions": row["functions"]})
        != float(row["official"])
    ]
    assert len(rows) > 10_000
    assert len(differing) <= 0.005 * len(rows)


def test_hard_calls_when_judged_then_all_right(shared_data: Path):
    path = shared_data / "rules" / "tool_call_hard.jsonl"
    if not path.exists():
        pytest.skip("needs tool_call_hard.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        found = reward(json.dumps(row["output"]), {"ground_truth": row["answer"], "functions": row["func"]})
        assert row["right"] is None or found == float(row["right"]), row["case"]
