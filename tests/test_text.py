"""Words, sentences, paragraphs, lines and normalised text, in every script."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.text import (
    MAX_MARKS,
    MAX_SENTENCES,
    count_words,
    lines,
    normalise,
    paragraphs,
    sentences,
    visible,
    words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("don't stop, well-known thing", ["don't", "stop", "well-known", "thing"]),
        ("3.14 of 1,234.5. End.Next", ["3.14", "of", "1,234.5", "End", "Next"]),
        ("C++ **bold** snake_case _x_", ["C", "bold", "snake_case", "x"]),
        ("café e\u0301te\u0301 l’homme", ["café", "e\u0301te\u0301", "l’homme"]),
        ("我爱 Python3编程", ["我", "爱", "Python3", "编", "程"]),
        ("かなカナー漢字", list("かなカナー漢字")),
        ("안녕하세요 세계", ["안녕하세요", "세계"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("ที่นี่", ["ที่", "นี่"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("... !!! \u200b", []),
    ],
)
def test_words_in_any_script_are_found(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("One. Two! Three? four", ["One.", "Two!", "Three? four"]),
        ("Dr. A. Smith, e.g. here. Pi is 3.14. Yes", ["Dr. A. Smith, e.g. here.", "Pi is 3.14.", "Yes"]),
        ('He said "Stop!" Then left... Maybe.', ['He said "Stop!"', "Then left...", "Maybe."]),
        ("1. First\n2. Second.\n\nTitle\n\nText", ["1. First", "2. Second.", "Title", "Text"]),
        ("It cost 5. Then it fell.", ["It cost 5.", "Then it fell."]),
        ("wrapped\nline. Next", ["wrapped\nline.", "Next"]),
        ("你好。“我来了！”他说。对吗？", ["你好。", "“我来了！”", "他说。", "对吗？"]),
        ("दुनिया। ठीक है।", ["दुनिया।", "ठीक है।"]),
        ("! . ? ...", []),
    ],
)
def test_sentences_in_any_script_are_cut_at_their_ends(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_sentences_of_a_flood_stop_at_the_limit() -> None:
    assert len(sentences("Ab. " * (MAX_SENTENCES + 50))) == MAX_SENTENCES + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\n\nb\n \t\nc", ["a", "b", "c"]), ("a\nb", ["a\nb"]), ("\r\n\r\na\r\n\r\nb\r\n", ["a", "b"]), (" \n\n ", [])],
)
def test_paragraphs_between_empty_lines_are_cut(text: str, expected: list[str]) -> None:
    assert paragraphs(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", []), ("a", ["a"]), ("a\n", ["a"]), ("a\r\nb\rc\u2028d", ["a", "b", "c", "d"]), ("\n\na", ["", "", "a"])],
)
def test_lines_of_any_line_break_are_cut(text: str, expected: list[str]) -> None:
    assert lines(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＡＢＣ１２３！（）　x", "ABC123!() x"),
        ("a\u200bb\u00adc\ufeff\u202ed\U000e0041", "abcd"),
        ("e\u0301", "é"),
        ("a\u00a0b\r\nc", "a b\nc"),
        ("你好。", "你好。"),
        ("ﬁ x²", "ﬁ x²"),
        ("\ud800", "\ud800"),
    ],
)
def test_normalise_of_any_form_is_the_plain_one(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_normalise_of_endless_marks_orders_them_in_pieces() -> None:
    marked = "a" + "\u0301\u0327" * 5000
    assert len(normalise(marked)) == len(marked) - 1
    short = "a" + "\u0301\u0327" * (MAX_MARKS // 2 - 1)
    assert normalise(short) == unicodedata.normalize("NFC", short)


@given(st.text(max_size=60))
def test_normalise_of_any_text_is_nfc_and_visible(text: str) -> None:
    plain = normalise(text)
    assert unicodedata.is_normalized("NFC", plain)
    assert visible(plain) == plain
    assert normalise(plain) == plain


@given(st.text(max_size=60))
def test_words_sentences_and_lines_of_any_text_lie_in_it(text: str) -> None:
    for pieces in (words(text), sentences(text)):
        at = 0
        for piece in pieces:
            at = text.index(piece, at) + len(piece)
    assert not any(set(line) & set("\r\n\u2028\u2029\x85") for line in lines(text))


@given(st.one_of(st.text(max_size=60), st.text("ab1 23'-_.,!\n", max_size=40)))
def test_count_words_of_any_text_is_the_number_of_its_words(text: str) -> None:
    assert count_words(text) == len(words(text))
