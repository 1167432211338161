"""The choice teacher: own forms, options by letter and text, several letters, references; labelled data if present."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from answers_bar import medical_choices
from hypothesis import given
from hypothesis import strategies as st

from verifiers.binding import bind
from verifiers.catalog.choice.listed import LETTERS, Listed, listed_options, options_in
from verifiers.catalog.choice.teacher import chosen
from verifiers.types import Sample, Status

FORMS_FILE = Path(__file__).parent / "cases" / "choice_forms.jsonl"
FORMS = [json.loads(line) for line in FORMS_FILE.read_text(encoding="utf-8").splitlines()]
CAPITALS = {"A": "Rome", "B": "Paris", "C": "Oslo", "D": "Bern"}


def verdict(completion, reference, prompt="", meta=None, **options):
    sample = Sample(completion, prompt, reference, meta or {})
    return bind("choice", options).teacher.score([sample])[0]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["completion"][:40])
def test_form_when_read_then_the_right_letters_or_none(form):
    options = form.get("options")
    listed = Listed.of(dict(zip(LETTERS, options, strict=False))) if options else None
    assert (chosen(form["completion"], listed) or "-") == form["right"]


@given(st.text(alphabet="AB ()\n.:isoranweć答案选B或not,<>/", max_size=80))
def test_choice_when_any_text_then_known_letters_or_none(text):
    letters = chosen(text)
    assert letters is None or (letters == "".join(sorted(set(letters))) and set(letters) <= set(LETTERS) and letters)


@pytest.mark.parametrize(
    "prompt",
    [
        "Q?\n(A) Rome (B) Paris (C) Oslo (D) Bern",
        "Q?\nA. Rome\nB. Paris\nC. Oslo\nD. Bern\n\nThink first.",
        "Example\nA) x\nB) y\nAnswer: A\n\nQ?\nA) Rome\nB) Paris\nC) Oslo\nD) Bern",
        "问题？\nA、Rome\nB、Paris\nC、Oslo\nD、Bern",
        "a) Rome\nb) Paris\nc) Oslo\nd) Bern",
        "By type A. Or B. Or C.\n(A) Rome (B) Paris (C) Oslo (D) Bern",
    ],
)
def test_options_when_in_the_prompt_then_found(prompt):
    assert options_in(prompt) == CAPITALS


@pytest.mark.parametrize(
    "meta",
    [
        {"options": list(CAPITALS.values())},
        {"choices": CAPITALS},
        {"choices": {"label": list(CAPITALS), "text": list(CAPITALS.values())}},
        {"options": [f"{letter}. {text}" for letter, text in CAPITALS.items()]},
        {"options": json.dumps(CAPITALS)},
        CAPITALS,
    ],
)
def test_options_when_in_columns_then_found(meta):
    assert listed_options(Sample("", meta=meta)).texts == CAPITALS


@pytest.mark.parametrize(
    ("reference", "completion", "reward"),
    [
        (["A", "C"], "Answer: A, C", 1.0),
        ("AC", "Answer: C and A", 1.0),
        ("A, C", "Answer: A", 0.0),
        (["A", "C"], "Answer: A, B, C", 0.0),
        ("(B) Paris", "B", 1.0),
        ("b", "B", 1.0),
        ({"answer": "Paris", "options": list(CAPITALS.values())}, "B", 1.0),
        ("B", "Answer: A, B", 0.0),
    ],
)
def test_reference_when_of_any_shape_then_compared(reference, completion, reward):
    assert verdict(completion, reference).reward == reward


def test_index_when_its_base_is_known_then_names_an_option():
    assert verdict("B", 1, index_base="zero").reward == 1.0
    assert verdict("B", 2, index_base="one").reward == 1.0
    assert verdict("B", 1).status is Status.BAD_REFERENCE


def test_credit_when_fraction_then_part_of_the_right_ones_pays_and_a_wrong_one_never():
    assert verdict("Answer: A", "AC", credit="fraction").reward == 0.5
    assert verdict("Answer: A, B", "AC", credit="fraction").reward == 0.0


@pytest.mark.parametrize("reference", [None, "", "Q", [], {}, "Lisbon", True])
def test_reference_when_it_names_no_option_then_not_judged(reference):
    found = verdict("B", reference, meta={"options": list(CAPITALS.values())})
    assert (found.reward, found.status) == (None, Status.BAD_REFERENCE)


def rows(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


def test_extraction_data_when_read_then_all_but_one_and_never_a_wrong_letter(shared_data):
    found = [(row, chosen(row["text"])) for row in rows(shared_data / "rules" / "choice_extraction.jsonl")]
    single = [(row, letters if letters and len(letters) == 1 else "-") for row, letters in found]
    assert sum(letter != row["right"] for row, letter in single) <= 1
    assert [row["case"] for row, letter in single if letter not in ("-", row["right"])] == []


def test_medqa_when_answered_in_many_ways_then_nearly_all_as_meant_and_no_wrong_one_paid(shared_data):
    found = medical_choices(shared_data / "rules", limit=200)
    assert found.share >= 0.998, found.differences
    assert found.worst == 0.0
