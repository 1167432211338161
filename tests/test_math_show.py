"""The line that `verify explain` prints for a tree."""

import json
from pathlib import Path

import pytest

from verifiers.catalog.math.read import Answer, read
from verifiers.catalog.math.show import MAX_SHOWN, show

READINGS = Path(__file__).parent / "cases" / "math_readings.jsonl"
REFERENCES = sorted({json.loads(line)["reference"] for line in READINGS.read_text(encoding="utf-8").splitlines()})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1-\\frac{1}{2005}", "1 - 1/2005"),
        ("[2,5)\\cup\\{7\\}", "[2, 5) ∪ {7}"),
        ("x=5", "x = 5"),
        ("-3x^2+2\\sqrt{x+1}", "-3·x^2 + 2·sqrt(x + 1)"),
        ("\\frac{a+b}{c-d}", "(a + b)/(c - d)"),
        ("a-(b-c)", "a - (b - c)"),
        ("(-2)^2", "(-2)^2"),
        ("-2^2", "-2^2"),
        ("2^{-1}", "2^(-1)"),
        ("0.050", "0.050"),
        ("25\\%", "25%"),
        ("5\\text{ cm}", "5 [cm]"),
        ("x<1 \\text{ or } x\\ge 3", "x < 1 or x ≥ 3"),
        ("\\{x\\mid x>2\\}", "{x | x > 2}"),
        ("1\\pm\\sqrt{2}", "1 ± sqrt(2)"),
        ("4210_5", "4210 (base 5)"),
        ("2:3", "2 : 3"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "[1, 2; 3, 4]"),
        ("\\sum_{k=1}^{n}k", "sum(k, k = 1 .. n)"),
        ("\\int_0^1 x\\,dx", "integral(x, x = 0 .. 1)"),
        ("\\mathbb{R}", "ℝ"),
    ],
)
def test_tree_is_shown_on_one_line(text: str, line: str) -> None:
    answer = read(text)

    assert isinstance(answer, Answer)
    assert show(answer.node) == line


@pytest.mark.parametrize("text", REFERENCES)
def test_every_kind_of_tree_can_be_shown(text: str) -> None:
    answer = read(text)

    assert isinstance(answer, Answer)
    assert 0 < len(show(answer.node)) <= MAX_SHOWN
