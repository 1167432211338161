"""Scales, single cells, and the prompt that two texts share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_models.data.cells import number_of, side_of, thumb_of
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
    for read_cell in (number_of, thumb_of, lambda cell: side_of(cell, frozenset({1, "a"}), frozenset({2, "b"}))):
        try:
            number = read_cell(value)
        except BadRow:
            continue
        assert abs(number) <= 1e6


@given(st.text(max_size=30), st.text(max_size=10), st.text(max_size=10))
def test_implicit_prompt_when_texts_share_a_start_then_nothing_is_lost(start, one, two):
    try:
        prompt, chosen, rejected = implicit_prompt("", start + one, start + two)
    except BadRow:
        assert one == two
    else:
        assert prompt + chosen == start + one
        assert prompt + rejected == start + two
