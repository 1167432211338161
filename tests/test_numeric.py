"""The numeric teacher: forms, locales, units, limits, tolerances; labelled data where it is present."""

from __future__ import annotations

import gzip
import json
from fractions import Fraction
from pathlib import Path

import pytest
from answers_bar import calculator_limits
from hypothesis import given
from hypothesis import strategies as st

from verifiers.binding import bind
from verifiers.catalog.numeric.digits import digits_value
from verifiers.catalog.numeric.reading import Reading, read_quantity
from verifiers.types import Sample, Status

FORMS_FILE = Path(__file__).parent / "cases" / "numeric_forms.jsonl"
FORMS = [json.loads(line) for line in FORMS_FILE.read_text(encoding="utf-8").splitlines()]


def verdict(completion, reference, meta=None, **options):
    return bind("numeric", options).teacher.score([Sample(completion, reference=reference, meta=meta or {})])[0]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form["completion"][:40])
def test_form_when_judged_then_as_labelled(form):
    found = verdict(form["completion"], form["reference"], **form.get("options", {}))
    assert (found.reward, found.reason) == (float(form["right"]), found.reason)


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("1 234,5", "1234.5"),
        ("1'234.5", "1234.5"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("12,34,567", "1234567"),
        ("22,38", "22.38"),
        ("0,123", "0.123"),
        ("1_000", "1000"),
        ("1.5e-3", "0.0015"),
        ("2 × 10⁻³", "0.002"),
        ("٣٫٥", "3.5"),
    ],
)
def test_digits_when_separated_then_value(token, value):
    assert digits_value(token) == Fraction(value)


@pytest.mark.parametrize("token", ["1,23,45", "1'23", "1.23.4", "1,2,3", "9" * 401, "1e9999"])
def test_digits_when_senseless_then_none(token):
    assert digits_value(token) is None


@given(st.integers(0, 10**15), st.integers(0, 99))
def test_digits_when_written_in_any_country_then_the_same_value(whole, cents):
    value = Fraction(f"{whole}.{cents:02d}")
    english = f"{whole:,}.{cents:02d}"
    german = english.translate(str.maketrans(",.", ".,"))
    swiss, french = english.replace(",", "'"), german.replace(".", "\u202f")
    assert {digits_value(text) for text in (english, german, swiss, french)} == {value}


@given(st.text(max_size=60))
def test_quantity_when_any_text_then_read_or_refused_twice_the_same(text):
    assert read_quantity(text) == read_quantity(text)


@given(st.decimals(-(10**9), 10**9, places=3, allow_nan=False), st.sampled_from(["", " kg", "%", " apples", "。"]))
def test_quantity_when_a_decimal_then_its_value(value, tail):
    reading = read_quantity(f"{value:f}{tail}")
    assert isinstance(reading, Reading)
    assert reading.value == Fraction(value)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (None, "no reference"),
        ("a few", "cannot be read"),
        ({"value": 1, "lowest": 0}, "no key 'lowest'"),
        ({"lower": 3, "upper": 2}, "above the upper"),
        ({"value": 1, "tolerance": -1}, "not negative"),
        ({"value": 1, "kind": "star"}, "kind"),
        ({"value": "5", "kind": "date"}, "no date"),
        (float("nan"), "finite"),
        ([], "1 to 64"),
        (True, "not bool"),
    ],
)
def test_reference_when_unreadable_then_not_judged_and_says_why(reference, words):
    found = verdict("<answer>5</answer>", reference)
    assert (found.reward, found.status) == (None, Status.BAD_REFERENCE)
    assert words in found.reason


def test_labelled_when_no_label_given_then_not_judged():
    assert verdict("Total: 5", 5, find="labelled").reward is None


def test_medcalc_preset_when_row_has_columns_then_limits_and_kind_hold():
    row = {"Lower Limit": "23.9761", "Upper Limit": "26.4999", "Output Type": "decimal"}
    score = {"Output Type": "integer", "Lower Limit": "3", "Upper Limit": "3"}
    assert verdict("The answer is 24.0", "25.238", row, preset="medcalc").reward == 1.0
    assert verdict("The answer is 26.6", "25.238", row, preset="medcalc").reward == 0.0
    assert verdict("<answer>3/9</answer>", "3", score, preset="medcalc").reward == 1.0
    assert verdict("<answer>3.1</answer>", "3", score, preset="medcalc").reward == 0.0


def rows(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in data.splitlines()]


def test_gsm8k_outputs_when_judged_then_999_of_1000_agree_with_the_official(shared_data):
    outputs = rows(shared_data / "rules" / "numeric_gsm_zeroeval_outputs.jsonl.gz")
    teacher = bind("numeric").teacher
    verdicts = teacher.score([Sample(row["output"], reference=row["gold"]) for row in outputs])
    differ = [row["id"] for row, each in zip(outputs, verdicts, strict=True) if (each.reward == 1) != row["official"]]
    assert len(differ) <= len(outputs) // 1000, differ


def test_medical_forms_when_judged_then_17_of_18(shared_data):
    folder = shared_data / "rules"
    kinds = {row["Calculator ID"]: row["Output Type"] for row in rows(folder / "medcalc_test_v1.jsonl.gz")}
    wrong = [
        row["case"]
        for row in rows(folder / "medical_numeric.jsonl")
        if verdict(row["text"], row["gt"], {"Output Type": kinds[str(row["calid"])]}, preset="medcalc").reward
        != row["right"]
    ]
    assert len(wrong) <= 1, wrong


def test_medcalc_rows_when_at_and_beyond_their_limits_then_judged_so(shared_data):
    found = calculator_limits(shared_data / "rules")
    assert found.right == found.total, found.differences[:5]
