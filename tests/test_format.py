"""The format teacher: every good form is paid in full, no hollow or gamed form is paid at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.errors import OptionError
from verifiers.scoring import score
from verifiers.types import Sample, Status

FORMS = [json.loads(line) for line in (Path(__file__).parent / "cases" / "format_forms.jsonl").read_text().splitlines()]
PIECES = ["<think>", "</think>", "<answer>", "</answer>", "2 + 2 = 4 apples", "\\boxed{", "}", "```\n", "\u200b", "\n"]
GOOD = "<think>Two apples and two more make four.</think><answer>4</answer>"


def text_of_row(row):
    text = row["text"]
    return text if isinstance(text, str) else text[0] + text[1] * text[2] + text[3]


@pytest.mark.parametrize("row", FORMS, ids=[row["form"] for row in FORMS])
def test_form_when_judged_then_good_ones_get_all_and_others_nothing(row):
    (verdict,) = score([Sample(text_of_row(row), row.get("prompt", ""))], "format", options=row.get("options"))
    assert verdict.reward == float(row["good"]), verdict.reason
    assert verdict.reason
    assert {part.name for part in verdict.parts} == {"tags", "thinking", "answer"}


def test_forms_when_counted_then_cover_both_sides():
    assert sum(row["good"] for row in FORMS) >= 40
    assert sum(not row["good"] for row in FORMS) >= 60


@pytest.mark.parametrize("options", [{}, {"tags": "think"}, {"tags": "answer"}, {"preset": "think_boxed"}], ids=str)
def test_peers_hacks_when_judged_then_none_is_paid(shared_data, options):
    rows = [json.loads(line) for line in (shared_data / "rules" / "format_hacks.jsonl").read_text().splitlines()]
    assert len(rows) >= 18
    verdicts = score([Sample(row["text"]) for row in rows], "format", options=options)
    assert {row["case"]: v.reward for row, v in zip(rows, verdicts, strict=True) if v.reward != 0.0} == {}


def test_chat_messages_when_judged_then_as_their_text():
    parts = [{"type": "image_url", "image_url": "x"}, {"type": "text", "text": GOOD}]
    (verdict,) = score([Sample([{"role": "assistant", "content": parts}])], "format")
    assert verdict.status is Status.CORRECT
    assert verdict.answer == "4"


def test_chat_prompt_when_it_opens_the_tag_then_the_completion_need_not():
    prompt = [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "<think>\n"}]
    (verdict,) = score([Sample(GOOD.removeprefix("<think>"), prompt)], "format")
    assert verdict.reward == 1.0


@pytest.mark.parametrize("tags", ["think,think", "a b", "<think>", ",".join("abcdefghi"), "9x"])
def test_tags_when_not_allowed_then_the_error_says_what_is(tags):
    with pytest.raises(OptionError, match="different names"):
        score([Sample(GOOD)], "format", options={"tags": tags})


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_mix_of_pieces_when_paid_then_has_each_tag_once_in_order(text):
    (verdict,) = score([Sample(text)], "format")
    if verdict.reward:
        places = [text.index(tag) for tag in PIECES[:4]]
        assert places == sorted(places)
        assert all(text.count(tag) == 1 for tag in PIECES[:4])
