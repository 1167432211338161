"""The qa teacher: own forms, normalisation, overlap, sets, references."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from answers_bar import YES_NO_FORMS, yes_no_maybe
from hypothesis import given
from hypothesis import strategies as st

from verifiers.binding import bind
from verifiers.catalog.qa.policy import Options
from verifiers.catalog.qa.words import overlap, same, words_of
from verifiers.types import Sample, Status

FORMS_FILE = Path(__file__).parent / "cases" / "qa_forms.jsonl"
FORMS = [json.loads(line) for line in FORMS_FILE.read_text(encoding="utf-8").splitlines()]
PLAIN = Options()


def verdict(completion, reference, **options):
    return bind("qa", options).teacher.score([Sample(completion, reference=reference)])[0]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["completion"][:40])
def test_form_when_judged_then_as_labelled(form):
    found = verdict(form["completion"], form["reference"], **form.get("options", {}))
    assert found.reward == pytest.approx(form["reward"]), found.reason


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The U.S. Army", ("us", "army")),
        ("vitamin A", ("vitamin", "a")),
        ("A", ("a",)),
        ("1,234.50 km", ("2469/2", "km")),
        ("C++ and C#", ("c++", "and", "c#")),
        ("北京 2008", ("北", "京", "2008")),
        ("don't", ("dont",)),
        ("-3%", ("-3", "percent")),
        ("3-4", ("3", "4")),
        ("--", ("-", "-")),
    ],
)
def test_words_when_cut_then_as_compared(text, words):
    assert words_of(text, PLAIN) == words


@given(st.text(max_size=40))
def test_answer_when_compared_with_itself_then_equal(text):
    assert same(text, text, PLAIN)
    assert overlap(text, text, PLAIN) == 1.0


@given(st.text(max_size=30), st.text(max_size=30))
def test_overlap_when_any_two_texts_then_between_0_and_1_and_1_only_if_the_same_words(left, right):
    share = overlap(left, right, PLAIN)
    assert 0.0 <= share <= 1.0
    if same(left, right, PLAIN):
        assert share == 1.0


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_numbers_when_compared_then_by_value(left, right):
    assert same(f"{left:,}", str(right), PLAIN) == (left == right)


@pytest.mark.parametrize(
    "reference",
    [None, "", "  ", [], {}, {"all": []}, {"all": "Paris"}, {"aliases": ["x"]}, [[[]]], {"all": [None]}],
)
def test_reference_when_unreadable_then_not_judged(reference):
    found = verdict("Paris", reference)
    assert (found.reward, found.status) == (None, Status.BAD_REFERENCE)


def test_set_when_part_is_missing_then_each_item_has_its_part():
    found = verdict("<answer>Paris, Oslo</answer>", {"all": ["Paris", "Rome"]}, metric="f1")
    assert [(part.name, part.reward, part.reason) for part in found.parts] == [
        ("item 1", 1.0, "Paris"),
        ("item 2", 0.0, "Rome"),
    ]
    assert (found.reward, found.status) == (0.5, Status.PARTIAL)


def test_yes_no_maybe_when_said_in_many_ways_then_only_the_right_one_counts():
    for right in ("yes", "no", "maybe"):
        for said in ("yes", "no", "maybe"):
            for form in YES_NO_FORMS:
                assert verdict(form.format(said), right).reward == float(said == right)


def test_pubmedqa_when_answered_in_words_then_all_as_meant(shared_data):
    found = yes_no_maybe(shared_data / "rules", limit=100)
    assert found.right == found.total, found.differences[:5]
