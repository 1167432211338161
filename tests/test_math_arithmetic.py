"""The arithmetic below the math teacher: parser, exact rationals, residues, long numbers, sets of reals."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.catalog.math.compare import match
from verifiers.catalog.math.context import Context, NeedsWorker
from verifiers.catalog.math.equal import real_value
from verifiers.catalog.math.exact import NotExact, TooBig, rational
from verifiers.catalog.math.lex import TooLarge, Unreadable
from verifiers.catalog.math.parse import parse
from verifiers.catalog.math.policy import Options
from verifiers.catalog.math.read import Answer, read
from verifiers.catalog.math.realsets import explicit
from verifiers.catalog.math.residues import PRIMES, Residues
from verifiers.catalog.math.spans import complement, contains, intersection, same_set, union
from verifiers.catalog.math.steps import OutOfSteps, Steps
from verifiers.catalog.math.tree import Node


def context() -> Context:
    return Context(Options(), match)


def tree(text: str) -> Node:
    answer = read(text)
    assert isinstance(answer, Answer), answer
    return answer.node


@given(st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_read_when_given_any_text_then_returns(text: str) -> None:
    answer = read(text)
    assert isinstance(answer, Answer) or answer.reason


_PIECES = [
    *(
        "\\frac",
        "\\sqrt",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "1",
        "2.5",
        "x",
        "+",
        "-",
        "^",
        "_",
        ",",
        "|",
        "\\pm",
        "!",
        "%",
    ),
    *("=", "<", "\\text{cm}", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "\\int", "\\sum", "\\lim", "d"),
    *("\\cup", "sin", "≤", "或", "."),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=25))
@settings(max_examples=600, deadline=None)
def test_match_when_given_any_pieces_then_only_known_signals(pieces: list[str]) -> None:
    text = "".join(pieces)
    answer = read(text)
    if not isinstance(answer, Answer):
        return
    try:
        assert match(answer.node, answer.node, context())
        match(tree("1"), answer.node, context())
        match(answer.node, tree("x+1"), context())
    except (OutOfSteps, NeedsWorker):
        pass


@given(st.fractions(max_denominator=10**6), st.fractions(max_denominator=10**6), st.sampled_from("+-*/"))
@settings(max_examples=200, deadline=None)
def test_rational_when_two_fractions_then_as_fraction(a: Fraction, b: Fraction, op: str) -> None:
    text = f"({a}) {op} ({b})"
    if op == "/" and b == 0:
        with pytest.raises(NotExact):
            rational(parse(text), Steps())
        return
    expected = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}[op]
    assert rational(parse(text), Steps()) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.\\overline{3}", Fraction(1, 3)),
        ("1.2\\overline{34}", Fraction(611, 495)),
        ("3\\frac{1}{2}", Fraction(7, 2)),
        ("-3\\frac{1}{2}", Fraction(-7, 2)),
        ("1.5e3", 1500),
        ("10!", 3628800),
        ("\\binom{10}{3}", 120),
        ("\\sqrt{\\frac{9}{4}}", Fraction(3, 2)),
        ("8^{1/3}", 2),
        ("\\log_2 32", 5),
        ("\\lfloor -2.5 \\rfloor", -3),
        ("\\sum_{k=1}^{10} k^2", 385),
        ("\\prod_{k=1}^{5} k", 120),
        ("25\\%", Fraction(1, 4)),
        ("\\gcd(12, 18)", 6),
        ("101_2", 5),
    ],
)
def test_rational_when_exact_then_value(text: str, value: Fraction | int) -> None:
    assert rational(tree(text), Steps()) == value


def test_rational_when_too_large_then_refused_before_computing() -> None:
    with pytest.raises(TooBig):
        rational(tree("7^{7^7}"), Steps())
    with pytest.raises(TooBig):
        rational(tree("1000000!"), Steps())


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=5), st.lists(st.integers(-9, 9), min_size=2, max_size=5))
@settings(max_examples=150, deadline=None)
def test_residues_when_polynomials_multiplied_then_homomorphic(a: list[int], b: list[int]) -> None:
    def text(coefficients: list[int]) -> str:
        return "+".join(f"({c})*x^{{{i}}}" for i, c in enumerate(coefficients))

    field = Residues(Steps())
    product = field.value(parse(f"({text(a)})*({text(b)})"))
    assert product == field.value(parse(text(a))) * field.value(parse(text(b))) % PRIMES[0]
    expanded = [sum(a[i] * b[k - i] for i in range(len(a)) if 0 <= k - i < len(b)) for k in range(len(a) + len(b) - 1)]
    assert match(parse(f"({text(a)})*({text(b)})"), parse(text(expanded)), context())


def test_primes_are_prime() -> None:
    for prime in PRIMES:
        assert all(pow(base, prime - 1, prime) == 1 for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37))


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("\\frac{1}{2004!}", "\\frac{1}{2006!}", False),
        ("e^{-40}", "e^{-41}", False),
        ("2^{1000000}", "4^{500000}", True),
        ("2^{1000000}+1", "4^{500000}", False),
        ("\\sqrt{10^{20}+1}-10^{10}", "\\frac{1}{\\sqrt{10^{20}+1}+10^{10}}", True),
        ("\\sqrt{2}+\\sqrt{3}-\\sqrt{5+2\\sqrt{6}}", "0", True),
        ("10^{-80}", "0", False),
        ("\\pi", "3.14159265358979323846264338327950288419716939937510582097494459", False),
        ("(x-1)^{6000}", "(1-x)^{6000}", True),
        ("(x-1)^{6001}", "(1-x)^{6001}", False),
        ("|x|", "x", False),
        ("\\sqrt{x^2}", "|x|", True),
        ("\\sin^2 x+\\cos^2 x", "1", True),
        ("\\ln(x^2)", "2\\ln x", True),
        ("\\lfloor x\\rfloor", "x", False),
    ],
)
def test_match_when_numbers_are_extreme_then_exact(left: str, right: str, equal: bool) -> None:
    assert match(tree(left), tree(right), context()) is equal
    assert match(tree(right), tree(left), context()) is equal


def test_real_value_when_irrational_then_close() -> None:
    value = real_value(tree("\\sqrt{2}"), context())
    assert value is not None
    assert abs(float(value) - math.sqrt(2)) < 1e-15
    assert real_value(tree("\\sqrt{-2}"), context()) is None


_ENDS = st.integers(-6, 6)
_SPANS = st.lists(st.tuples(_ENDS, _ENDS, st.sampled_from(["()", "[]", "(]", "[)"])), min_size=1, max_size=4)


def _set_text(spans: list[tuple[int, int, str]]) -> str:
    parts = [f"{k[0]}{min(a, b)},{max(a, b)}{k[1]}" if a != b else f"\\{{{a}\\}}" for a, b, k in spans]
    return "\\cup".join(parts)


@given(_SPANS, _SPANS)
@settings(max_examples=150, deadline=None)
def test_real_sets_when_combined_then_pointwise(a: list[tuple[int, int, str]], b: list[tuple[int, int, str]]) -> None:
    left, right = (explicit(tree(_set_text(one)), context()) for one in (a, b))
    for twice in range(-14, 15):
        point = Fraction(twice, 2)
        inside = contains(left, point), contains(right, point)
        assert contains(union(left, right), point) == any(inside)
        assert contains(intersection(left, right), point) == all(inside)
        assert contains(complement(left), point) != inside[0]
    assert same_set(complement(complement(left)), union(left))


@pytest.mark.parametrize(
    "text", ["(" * 60 + "1" + ")" * 60, "{" * 100 + "x" + "}" * 100, "\\frac{1}{" * 60 + "2" + "}" * 60]
)
def test_parse_when_too_deep_then_refused(text: str) -> None:
    with pytest.raises((TooLarge, Unreadable)):
        parse(text)


def test_steps_when_used_up_then_same_point_every_time() -> None:
    counts = []
    for _ in range(3):
        steps = Steps(50)
        with pytest.raises(OutOfSteps):
            rational(tree("+".join("1" * 100)), steps)
        counts.append(steps.left)
    assert len(set(counts)) == 1
