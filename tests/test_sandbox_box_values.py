from __future__ import annotations

import collections
import contextlib
import datetime
import decimal
import fractions
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.box import values

COMPLEX = st.complex_numbers(allow_nan=False)
ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | COMPLEX
HASHABLE = st.recursive(ATOMS, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=5)
VALUES = st.recursive(
    ATOMS
    | st.decimals(allow_nan=False)
    | st.fractions()
    | st.datetimes()
    | st.dates()
    | st.times()
    | st.binary().map(bytearray),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.lists(inner, max_size=3).map(collections.deque)
        | st.sets(HASHABLE, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_loads_of_what_dumps_wrote_gives_the_same_value_and_types(value: Any) -> None:
    again = values.loads(values.dumps(value))
    assert type(again) is type(value)
    assert again == value


def test_loads_of_what_dumps_wrote_keeps_what_is_not_a_number() -> None:
    text = values.dumps([float("nan"), complex("nan"), decimal.Decimal("NaN"), 2**70, -0.0])
    assert repr(values.loads(text)) == "[nan, (nan+0j), Decimal('NaN'), 1180591620717411303424, -0.0]"


class Liar(list[int]):
    def __iter__(self) -> Any:
        return iter([99])

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Seven(int):
    def __index__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return "7"


class Unspeakable:
    def __getattribute__(self, name: str) -> Any:
        raise SystemExit(0)


class LyingText(str):
    def __str__(self) -> str:
        return "expected"


class LyingDict(dict[str, int]):
    def items(self) -> Any:
        return [("expected", 1)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Liar([1, 2]), "[1,2]"),
        (Seven(3), "3"),
        ([Seven(3)], "[3]"),
        (LyingText("real"), '"real"'),
        (LyingDict(real=2), '{"d":[["real",2]]}'),
        (Unspeakable(), '{"o":"Unspeakable"}'),
        (collections.namedtuple("P", "x")(1), '{"t":[1]}'),
        (True, "true"),
        (2**63, '{"i":"0x8000000000000000"}'),
        (-(2**63), "-9223372036854775808"),
        (1.0, "1.0"),
        (float("-inf"), '{"f":"-inf"}'),
        (range(1, 9, 2), '{"r":[1,9,2]}'),
        (decimal.Decimal("1.50"), '{"D":"1.50"}'),
        (fractions.Fraction(1, 3), '{"fr":[1,3]}'),
        (datetime.date(2020, 1, 2), '{"dt":["date","2020-01-02"]}'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_dumps_writes_what_a_value_is_made_of_whatever_it_says(value: Any, text: str) -> None:
    assert values.dumps(value).decode() == text


def test_dumps_when_nested_too_deep_or_cyclic_is_refused() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    for value in (cyclic, deep):
        with pytest.raises(values.ValueTooLarge):
            values.dumps(value)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"x":1}', '{"t":1}', '{"s":[[1]]}', '{"d":[1]}', '{"i":"zz"}', '{"h":1}', '{"b":7}', "[" * 200_000,
     '{"fr":[1,0]}', '{"dt":["datetime","x"]}', '{"dt":["__class__","x"]}', '{"t":[],"u":1}', '{"r":[1,2]}',
     '{"D":"x"}', "[" * 300 + "]" * 300],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_loads_of_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        values.loads(text.encode())


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_loads_of_any_json_gives_a_value_or_a_value_error(data: Any) -> None:
    with contextlib.suppress(ValueError):
        values.loads(json.dumps(data).encode())
