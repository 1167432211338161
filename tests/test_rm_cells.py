"""Scales, single cells, and the prompt that two texts share."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.data.cells import number_of, rating_of, side_of, thumb_of
from reward_models.data.prompts import implicit_prompt
from reward_models.data.rated import Scale, scale_of
from verifiers.io.values import BadRow


@pytest.mark.parametrize(
    ("values", "declared", "scale"),
    [
        ([1, 3, 5], None, Scale(1, 5, 2)),
        ([1, 3, 5], (0, 5), Scale(0, 5, 1)),
        ([0.5, 4.25], (0, 5), Scale(0, 5, 0)),
        ([0.1, 0.2, 0.3], None, Scale(0.1, 0.3, pytest.approx(0.1))),
        ([0.0, 0.5, 0.123], None, Scale(0, 0.5, 0)),
        ([4], None, Scale(4, 4, 0)),
        ([], None, None),
    ],
)
def test_scale_of_when_values_then_ends_and_step(values, declared, scale):
    assert scale_of(values, declared) == scale


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_cells_when_anything_then_a_number_or_a_bad_row(value):
    for read_cell in (
        number_of,
        lambda cell: rating_of(cell)[0],
        thumb_of,
        lambda cell: side_of(cell, frozenset({"1", "a"}), frozenset({"2", "b"})),
    ):
        try:
            number = read_cell(value)
        except BadRow:
            continue
        assert abs(number) <= 1e6


MARKS = [
    (4, (4, None)),
    ("4.5", (4.5, None)),
    ("4/5", (4, 5)),
    (" 7.5 / 10 ", (7.5, 10)),
    ("80%", (80, 100)),
    ("８０％", (80, 100)),
    ("4／5", (4, 5)),
    ("５", (5, None)),
    ("－１．５", (-1.5, None)),
    ("★★★★☆", (4, 5)),
    ("★★★", (3, None)),
    ("☆☆☆☆☆", (0, 5)),
    ("⭐️⭐️", (2, None)),
    ("4分", (4, None)),
    ("5颗星", (5, None)),
    ("1 star", (1, None)),
    ({"score": "4/5"}, (4, 5)),
]


@pytest.mark.parametrize(("cell", "found"), MARKS)
def test_rating_of_when_its_text_can_mean_one_thing_then_read(cell: object, found: tuple[float, float | None]):
    assert rating_of(cell) == found


def test_number_of_when_full_width_then_read():
    assert number_of("１２") == 12.0


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("4,5", "write a point, not a comma, as in 4.5"),
        ("6/5", "'6/5', which lies outside 0 to 5"),
        ("-1/5", "lies outside"),
        ("4/5/2024", "not a number"),
        ("4-5", "not a number"),
        ("", "'', not a number"),
        ("½", "not a number"),
    ],
)
def test_rating_of_when_its_text_can_mean_two_things_then_refused(cell: str, told: str):
    with pytest.raises(BadRow, match=re.escape(told)):
        rating_of(cell)


@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_implicit_prompt_when_texts_share_a_start_then_nothing_is_lost(start, one, two):
    try:
        prompt, chosen, rejected = implicit_prompt("", start + one, start + two)
    except BadRow:
        assert one == two
    else:
        assert prompt + chosen == start + one
        assert prompt + rejected == start + two
