"""What is printed is safe on a terminal and lines up."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.cli.table import print_pairs, print_table
from verifiers.cli.text import clip, escape, escape_lines, pad, width, wrap

ANY_TEXT = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
        ("\x9b31m", r"\x9b31m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u202e24", r"\u202e24"),
        ("\ud800", r"\ud800"),
        ("a\u200bb\u2028c", r"a\u200bb\u2028c"),
        ("答案是 ½ é", "答案是 ½ é"),
    ],
    ids=["title", "clear", "C1", "newlines", "right-to-left", "surrogate", "invisible", "plain"],
)
def test_escape_when_text_is_hostile_then_it_is_visible(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(ANY_TEXT)
def test_escape_whatever_the_text_then_no_control_is_left_and_it_encodes(text: str) -> None:
    shown = escape(text)
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in shown)
    shown.encode("utf-8")
    assert escape(shown) == shown


@given(ANY_TEXT)
def test_escape_lines_whatever_the_text_then_only_newlines_and_tabs_stay(text: str) -> None:
    controls = {c for c in escape_lines(text) if unicodedata.category(c) == "Cc"}
    assert controls <= {"\n", "\t"}


@given(ANY_TEXT, st.integers(2, 40))
def test_clip_whatever_the_text_then_it_fits(text: str, cells: int) -> None:
    assert width(clip(text, cells)) <= cells


@given(ANY_TEXT.map(escape), st.integers(2, 40))
def test_wrap_whatever_the_text_then_lines_fit_and_no_character_is_lost(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wrap_when_words_fit_then_it_breaks_at_spaces() -> None:
    assert wrap("one two three", 8) == ["one two", "three"]


def test_pad_when_text_is_chinese_then_it_counts_two_cells() -> None:
    assert pad("答案", 6) == "答案  "
    assert pad("7", 3, right=True) == "  7"


def test_table_when_not_a_terminal_then_it_is_plain_and_aligned() -> None:
    out = io.StringIO()
    print_table(("name", "n", "why"), [("答", 1, "x\x1b[31m"), ("long", 22, None)], out)
    assert out.getvalue() == "name   n  why\n答     1  x\\x1b[31m\nlong  22  -\n"


def test_pairs_when_a_value_has_lines_then_they_stay_under_each_other() -> None:
    out = io.StringIO()
    print_pairs([("completion", "one\ntwo"), ("status", "correct")], out)
    assert out.getvalue() == "completion  one\n            two\nstatus      correct\n"


def test_pairs_when_a_value_is_huge_then_both_ends_are_shown() -> None:
    out = io.StringIO()
    print_pairs([("completion", "start" + "x" * 10**6 + "end")], out)
    assert len(out.getvalue()) < 6000
    assert "start" in out.getvalue()
    assert "end" in out.getvalue()
