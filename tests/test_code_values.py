"""Values between us and programs: what is encoded is decoded, equality is Python's, and hostile text harms nothing."""

import itertools
import json
import math
from collections import deque
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.box import values as box_values
from verifiers.catalog.code.compare import JSON, PYTHON, Rule, same, same_items, truth
from verifiers.catalog.code.expect import Expect, View
from verifiers.catalog.code.show import last_line, show_text, show_value, telling_line
from verifiers.catalog.code.values import Items, Opaque, Pairs, ValueFault, decode, encode, encode_call

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.dates()
    | st.datetimes()
)
KEYS = st.integers() | st.text() | st.booleans() | st.floats(allow_nan=False) | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(deque)
        | st.sets(KEYS, max_size=4)
        | st.frozensets(KEYS, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def told(value):
    """Return a value as the box tells it, decoded by us."""
    return decode(box_values.dumps(value))


@given(VALUES)
def test_value_when_the_box_tells_it_then_it_equals_itself(value):
    assert same(value, told(value))


@given(VALUES)
def test_value_when_we_hand_it_over_then_the_box_reads_the_same(value):
    args, kwargs = box_values.loads(encode_call([value], {"k": value}))
    assert args == [value]
    assert kwargs == {"k": value}
    assert type(args[0]) is type(value)


@given(VALUES, VALUES)
def test_same_when_two_values_are_compared_then_as_python_does(one, other):
    assert same(one, told(other)) == (one == other)


@given(st.sets(KEYS, max_size=5), st.lists(KEYS, max_size=7))
def test_same_items_when_lists_are_compared_as_sets_then_as_python_does(wanted, items):
    assert same_items(wanted, told(items)) == (wanted == set(items))


@pytest.mark.parametrize(
    ("expected", "seen", "equal"),
    [
        ([1, 2], (1, 2), True),
        ([[1], [2]], [(1,), (2,)], True),
        ([1, 2], {1, 2}, False),
        ({"1": "a"}, {1: "a"}, True),
        ({"null": 1, "true": 2}, {None: 1, True: 2}, True),
        ({"1.5": 1}, {1.5: 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        (math.nan, math.nan, True),
        (1, True, True),
        ("1", 1, False),
        ([1], [1, 1], False),
    ],
)
def test_same_when_the_expected_value_is_json_then_what_json_lacks_is_no_fault(expected, seen, equal):
    assert same(expected, told(seen), JSON) is equal


def test_same_when_python_then_nan_equals_nothing_and_tuples_are_no_lists():
    assert not same(math.nan, told(math.nan), PYTHON)
    assert not same([1], told((1,)), PYTHON)


@pytest.mark.parametrize(
    ("expected", "seen", "near"),
    [
        (1.0, 1.0 + 1e-7, True),
        (1.0, 1.1, False),
        (1.0, 1, True),
        (1, 1 + 1e-7, False),
        ([1.0, (2.0,)], [1.0, (2.0 + 1e-7,)], True),
        (math.inf, math.inf, True),
        (1.0, math.nan, False),
        (1.0, math.inf, False),
        (1.0, 10**400, False),
        (1.0, "1.0", False),
    ],
)
def test_same_when_floats_have_a_tolerance_then_only_expected_floats_use_it(expected, seen, near):
    assert same(expected, told(seen), Rule(atol=1e-6)) is near


def test_same_when_a_program_claims_colliding_items_then_no_set_is_made_of_them():
    claimed = json.dumps({"s": [k * (2**61 - 1) for k in range(1, 200_000)]}).encode()
    assert not same(set(range(199_999)), decode(claimed))
    pairs = json.dumps({"d": [[k * (2**61 - 1), 0] for k in range(1, 200_000)]}).encode()
    assert not same(dict.fromkeys(range(199_999), 0), decode(pairs))


def test_same_when_a_program_claims_an_item_twice_then_it_does_not_count_twice():
    assert not same({1, 2}, decode(b'{"s": [1, 1]}'))
    assert not same({1: 0, 2: 0}, decode(b'{"d": [[1, 0], [1, 0]]}'))
    assert not same({"1": 0, "2": 0}, decode(b'{"d": [["1", 0], [1, 0]]}'), JSON)


@pytest.mark.parametrize(
    "claimed",
    [
        b"",
        b"nonsense",
        b"NaN",
        b"[" * 100_000,
        b"[" * 200 + b"]" * 200,
        b'{"t": [' * 150 + b"]}" * 150,
        b"\xff\xfe",
        b"9" * 10_000,
        b'{"i": "xyz"}',
        b'{"i": 5}',
        b'{"f": "5"}',
        b'{"f": [1]}',
        b'{"c": ["1", 2]}',
        b'{"c": [1]}',
        b'{"D": "1e"}',
        b'{"r": [0, 1, 0]}',
        b'{"r": [0, 1]}',
        b'{"r": [0, 1, true]}',
        b'{"fr": [1, 0]}',
        b'{"fr": [1.5, 2]}',
        b'{"fr": [{"i": "%s"}, 3]}' % (b"7" * 100_000),
        b'{"d": [[1]]}',
        b'{"d": 5}',
        b'{"s": {"t": []}}',
        b'{"b": "*"}',
        b'{"b": 5}',
        b'{"dt": ["date", "never"]}',
        b'{"dt": ["year", "2020"]}',
        b'{"dt": 5}',
        b'{"zz": 1}',
        b"{}",
        b'{"a": 1, "b": 2, "c": 3}',
        b'{"i": "' + b"f" * 5_000_000 + b'"}',
    ],
    ids=lambda claimed: repr(claimed[:20]),
)
def test_decode_when_a_claim_is_hostile_then_a_fault_and_nothing_else(claimed):
    with pytest.raises(ValueFault):
        decode(claimed)
    assert Expect(5).fault(claimed)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]"tsdfbi:,0123.e-', max_size=60).map(str.encode))
def test_decode_when_any_bytes_are_given_then_a_value_or_a_fault(claimed):
    try:
        value = decode(claimed)
    except ValueFault:
        return
    assert isinstance(show_value(value), str)
    assert isinstance(truth(value), bool)


def test_encode_when_a_value_has_no_encoding_then_a_fault():
    with pytest.raises(ValueFault, match="object"):
        encode(object())
    nested = []
    for _ in range(200):
        nested = [nested]
    with pytest.raises(ValueFault, match="deeper"):
        encode(nested)


@pytest.mark.parametrize(
    ("expect", "result", "held"),
    [
        (Expect(True, view=View.TRUTH), [0], True),
        (Expect(True, view=View.TRUTH), set(), False),
        (Expect(False, view=View.TRUTH), {}, True),
        (Expect({1, 2}, view=View.SET), [2, 1, 1], True),
        (Expect({1, 2}, view=View.SET), [1], False),
        (Expect({1, 2}, view=View.SET), 5, False),
        (Expect([1, 2], view=View.SORTED), (2, 1), True),
        (Expect([1, 2], view=View.SORTED), ["a", 1], False),
        (Expect((1, 2), view=View.TUPLE), [1, 2], True),
        (Expect([0, 1, 2], view=View.LIST), range(3), True),
        (Expect([0], view=View.LIST), range(10**15), False),
        (Expect(3, view=View.LEN), "abc", True),
        (Expect(2, ">=", View.LEN), {"a": 1}, False),
        (Expect(1.23, view=View.ROUND, number=2), 1.2345, True),
        (Expect(1e-6, "<", View.APART, 0.5), 0.5, True),
        (Expect(1e-6, "<", View.APART, 0.5), math.nan, False),
        (Expect(1e-6, "<", View.APART, 0.5), "0.5", False),
        (Expect(1e-6, "<", View.APART, 0.5), 10**400, False),
        (Expect(True, view=View.CLOSE, number=2.0, tolerance=(0.1, 0.0)), 2.1, True),
        (Expect(True, view=View.CLOSE, number=2.0, tolerance=(0.1, 0.0)), 2.5, False),
        (Expect(True, "is"), 1, False),
        (Expect(True, "is"), True, True),
        (Expect(None, "is not"), 0, True),
        (Expect(5, "!="), 5, False),
        (Expect(5, "<"), 4, True),
        (Expect(5, "<"), "4", False),
        (Expect(5, "<="), math.nan, False),
    ],
)
def test_expect_when_a_result_is_claimed_then_as_the_assert_would(expect, result, held):
    assert (expect.fault(box_values.dumps(result)) == "") is held


def test_expect_when_a_result_cannot_be_told_then_only_its_truth_counts():
    claimed = b'{"o": "Match"}'
    assert Expect(5).fault(claimed)
    assert Expect(None, "is").fault(claimed)
    assert not Expect(True, view=View.TRUTH).fault(claimed)
    assert not Expect(None, "is not").fault(claimed)
    assert not same(Opaque("x"), Opaque("x"))


@pytest.mark.parametrize("given", [iter([1, 2]), (n for n in (1, 2)), map(int, "12"), {1: 0, 2: 0}.keys(), zip([1, 2])])
def test_expect_when_a_result_is_an_iterator_then_views_of_it_hold_and_it_equals_nothing(given):
    claimed = box_values.dumps(given)
    wanted = [(1,), (2,)] if isinstance(given, zip) else [1, 2]
    assert not Expect(wanted, view=View.LIST).fault(claimed)
    assert not Expect(tuple(wanted), view=View.TUPLE).fault(claimed)
    assert not Expect(wanted, view=View.SORTED).fault(claimed)
    assert not Expect(set(wanted), view=View.SET).fault(claimed)
    assert Expect([1, 3], view=View.LIST).fault(claimed)
    assert Expect(wanted).fault(claimed)
    assert Expect(2, view=View.LEN).fault(claimed)


def test_dumps_when_an_iterator_has_no_end_then_its_items_are_not_told():
    assert box_values.dumps(iter(int, 1)) == b'{"o":"callable_iterator"}'
    assert box_values.dumps(n for n in itertools.count()) == b'{"o":"generator"}'


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"Traceback (most recent call last)\n  raise Odd('Error: x')\nOdd: Error: y\n", "Odd: Error: y"),
        (b'  File "main.py", line 1\n    x = "error"\nSyntaxError: bad\n', "SyntaxError: bad"),
        (b"main.c: In function 'f':\nmain.c:1:9: error: no 'x'\n  1 | x\n    | ^\n", "main.c:1:9: error: no 'x'"),
        (b"main.c:1:9: fatal error: no.h: none\ncompilation terminated.\n", "main.c:1:9: fatal error: no.h: none"),
        (b"warning: x\nerror[E0308]: types\n --> main.rs\n\nFor more about this error, ..\n", "error[E0308]: types"),
        (b"Main.java:1: error: no\nint\n   ^\n1 error\n", "Main.java:1: error: no"),
        (b"main.ts(1,10): error TS1110: Type expected.\n", "main.ts(1,10): error TS1110: Type expected."),
        (b"main.js:1\nthrow 1\n^\n\nRangeError: far\n    at f\n\nNode.js v18\n", "RangeError: far"),
        (b"panic: index out of range\n\ngoroutine 1:\n\t./main.go:2\n", "panic: index out of range"),
        (b"thread 'main' panicked at 'no', main.rs:1\nnote: run with\n", "thread 'main' panicked at 'no', main.rs:1"),
        (b'Exception in thread "main" Odd: 3\n\tat Main.f\n', 'Exception in thread "main" Odd: 3'),
        (b"./main.go:2:14: undefined: x\n", "./main.go:2:14: undefined: x"),
        (b"what():  x\n", "what():  x"),
        (b"", ""),
    ],
)
def test_telling_line_when_a_tool_or_program_says_more_then_its_message(said: bytes, told: str):
    assert telling_line(said) == told


def test_show_when_values_are_hostile_then_cut_and_escaped():
    assert show_value([1, (2,), {"a": {3}}]) == "[1, (2,), {'a': {3}}]"
    assert show_value(Items(set, [1])) == "{1}"
    assert show_value(Items(frozenset, [])) == "frozenset()"
    assert show_value(Pairs([(1, 2)])) == "{1: 2}"
    assert "bits" in show_value(1 << 5000)
    assert "Fraction" in show_value(Fraction(1 << 20_000, 3)), "its text would have more digits than Python writes"
    assert "range" in show_value(range(1 << 20_000))
    assert len(show_value(list(range(10_000)))) < 300
    assert show_text("a\x1b[31m\u202e\n") == "a\\x1b[31m\\u202e\\n"
    assert show_text(b"\xff" * 300, 10).endswith("... (300 in all)")
    assert last_line(b"Traceback\n  x\nValueError: bad\n\n") == "ValueError: bad"
    moments = [datetime(2020, 1, 2, 3), date(2020, 1, 2), time(3), Decimal("1.5"), Fraction(1, 3), 1j]
    assert all(show_value(told(value)) == repr(value) for value in moments)
