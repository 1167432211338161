"""Checkers of stdout: right outputs pass, wrong ones do not, whatever they are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.code.checkers import output_fault
from verifiers.catalog.code.task import Checker

TOKENS, EXACT, FLOAT, LINES = (Checker(name) for name in ("tokens", "exact", "float", "unordered_lines"))


@pytest.mark.parametrize(
    ("checker", "expected", "seen", "right"),
    [
        (TOKENS, "5", "5\n", True),
        (TOKENS, "1 2\n3", "1\n2 3 \n\n", True),
        (TOKENS, "1 2", "2 1", False),
        (TOKENS, "5\n6", "5", False),
        (TOKENS, "5", "5\n6", False),
        (TOKENS, "5", "", False),
        (TOKENS, "", "", True),
        (TOKENS, "", "x", False),
        (TOKENS, "5", "5.0", False),
        (TOKENS, "5", "05", False),
        (TOKENS, "5", "\u0665", False),
        (TOKENS, "YES", "yes", False),
        (TOKENS, "1 2", "1\u00a02", False),
        (EXACT, "5\n", "5", True),
        (EXACT, "5", "5\r\n", True),
        (EXACT, "5", "5\n\n", False),
        (EXACT, "5\n", "5\r", False),
        (EXACT, "a b", "a  b", False),
        (EXACT, " a", "a", False),
        (FLOAT, "0.5", "0.5000001", True),
        (FLOAT, "0.5", "0.51", False),
        (FLOAT, "0.5", "5e-1", True),
        (FLOAT, "0.5", ".5", True),
        (FLOAT, "0.5", "nan", False),
        (FLOAT, "0.5", "inf", False),
        (FLOAT, "nan", "nan", True),
        (FLOAT, "1e999", "1e998", False),
        (FLOAT, "0.5", "0_5", False),
        (FLOAT, "0.5", "0.5 0.5", False),
        (FLOAT, "0.5", "\u0660.\u0665", False),
        (FLOAT, "777777", "777778", False),
        (FLOAT, "1000000000000000000000000", "1000000000000000000000001", False),
        (FLOAT, "1000000000000000000000000", "+1000000000000000000000000", True),
        (FLOAT, "-0", "0", True),
        (FLOAT, "007", "7", True),
        (FLOAT, "5", "5.0", True),
        (FLOAT, "5", "5.1", False),
        (FLOAT, "1e6", "1000000.5", True),
        (FLOAT, "YES 0.5", "NO 0.5", False),
        (LINES, "a\nb\nb", "b\na\nb\n", True),
        (LINES, "a\nb\nb", "a\na\nb", False),
        (LINES, "a\nb", "a", False),
        (LINES, "a b", "b a", False),
        (LINES, "a  b\n\nc", "c\na b", True),
    ],
)
def test_output_fault_when_an_output_is_given_then_right_or_why_not(checker, expected, seen, right):
    assert (output_fault(checker, expected.encode(), seen.encode()) == "") is right


@pytest.mark.parametrize("checker", [TOKENS, EXACT, FLOAT, LINES], ids=lambda checker: checker.name)
@given(st.binary(max_size=40), st.binary(max_size=40))
def test_output_fault_when_any_bytes_are_given_then_it_is_total_and_reflexive(checker, one, other):
    assert output_fault(checker, one, one) == ""
    assert bool(output_fault(checker, one, other)) == bool(output_fault(checker, other, one)) or checker is FLOAT


@pytest.mark.parametrize("checker", [TOKENS, EXACT, FLOAT, LINES], ids=lambda checker: checker.name)
@pytest.mark.parametrize("flood", [b"1 " * 5_000_000, b"\n" * 10_000_000, b"9" * 10_000_000, b"1\n" * 5_000_000])
def test_output_fault_when_an_output_is_a_flood_then_it_is_judged(checker, flood):
    assert output_fault(checker, b"5\n", flood)
    assert output_fault(checker, flood, flood + b"x\n")
