"""IFBench: the official verdicts, the right ones, and the parts that stand in for NLTK, syllapy and emoji."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.catalog.ifbench.formats import _official_lines
from verifiers.catalog.ifbench.helpers import is_emoji, official_syllables, syllables
from verifiers.catalog.ifbench.tables import IFBENCH
from verifiers.catalog.ifbench.word_lists import NORTHERN_CAPITALS
from verifiers.catalog.ifbench.words import is_verb
from verifiers.registry import find
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample, Verdict

FIVE = {"keyword1": "a", "keyword2": "b", "keyword3": "c", "keyword4": "e", "keyword5": "g"}
CITIES = "ID,Country,City,Year,Count\n" + "1,x,y,2000,3\n" * 7
PRODUCTS = "ProductID,Category,Brand,Price,Stock\n" + '1,"a & b",c,2,3\n' * 14
STUDENTS = "StudentID\tSubject\tGrade\tSemester\tScore\n" + '"1"\t"a"\t"b"\t"c"\t"2"\n' * 3
QUESTIONS = "\n".join(f"Question {n}. {'Why ' * n}?\n" + "\n".join(f"{x}) yes" for x in "ABCDE") for n in range(1, 5))
COUNTRIES = "\n".join(["Zimbabwe", *(f"Country {n}" for n in range(99, 47, -1))])
ALPHABET = " ".join(f"{chr(65 + n)}nd so on." for n in range(26))
# kind, arguments, answer, the official verdict, the right one
VERDICTS: list[tuple[str, dict[str, Any], str, bool, bool]] = [
    ("count:word_count_range", {"min_words": 3, "max_words": 4}, "it's so", True, False),
    ("count:unique_word_count", {"N": 2}, "One, one two", True, True),
    ("ratio:stop_words", {"percentage": 50}, "the dog and cat", True, True),
    ("ratio:stop_words", {"percentage": 40}, "the dog and cat", False, False),
    ("ratio:sentence_type", {}, "Yes. No. Why?", True, True),
    ("ratio:sentence_type", {}, "Yes!", True, False),
    ("ratio:sentence_balance", {}, "Yes. Why? Wow!", True, True),
    ("count:conjunctions", {"small_n": 2}, "And this and that", True, False),
    ("count:person_names", {"N": 2}, "Emma met Liam and Emmanuel", True, True),
    ("ratio:overlap", {"reference_text": "abcdef", "percentage": 100}, "abcd", True, True),
    ("count:numbers", {"N": 2}, "1,500 and 2.5", True, True),
    ("count:numbers", {"N": 1}, "pages 3-4", True, False),
    ("words:alphabet", {}, "Yes zebras are big", True, True),
    ("words:vowel", {}, "a big red fan", True, True),
    ("words:vowel", {}, "a big red dog run", False, False),
    ("words:consonants", {}, "strong plants", True, True),
    ("sentence:alliteration_increment", {}, "One fox. Big bears bark.", True, True),
    ("words:palindrome", {}, "level " * 10, True, True),
    ("count:punctuation", {}, "a. b, c! d? e; f: g?!", True, True),
    ("count:punctuation", {}, "b, c; f: g?!", False, False),
    ("format:parentheses", {}, "([{([x])}])", True, True),
    ("format:parentheses", {}, "(((((", False, False),
    ("format:quotes", {}, "\"a 'b \"c\" d' e\"", True, True),
    ("words:prime_lengths", {}, "we are happy", True, True),
    ("format:options", {"options": "yes/no/maybe"}, "Maybe.", True, True),
    ("format:options", {"options": "more, or less"}, "More.", False, True),
    ("format:newline", {}, "one\ntwo\n\nthree", True, True),
    ("format:emoji", {}, "Hello 😀 World! 😀", True, True),
    ("format:emoji", {}, "Hello. World 😀", False, False),
    ("ratio:sentence_words", {}, "A cat sat. A dog sat. A fox ran.", True, False),
    ("count:words_japanese", {"N": 2}, "one 猫 three 犬", True, True),
    ("words:start_verb", {}, "Writing is fun", True, True),
    ("words:start_verb", {}, "Imagine resilient friends", False, True),
    ("words:repeats", {"small_n": 1}, "one two One", False, False),
    ("sentence:keyword", {"word": "sea", "N": 2}, "One. The Sea.", True, True),
    ("count:pronouns", {"N": 3}, "She/her saw it", True, True),
    ("words:odd_even_syllables", {}, "the river is open", True, True),
    ("words:last_first", {}, "I saw it. It was red.", True, True),
    ("words:paragraph_last_first", {}, "Sea, oh sea!", False, True),
    ("sentence:increment", {"small_n": 1}, "I ran. I ran home.", True, True),
    ("words:no_consecutive", {}, "red blue Blue", False, False),
    ("format:line_indent", {}, "a\n b\n  c", True, True),
    ("format:line_indent", {}, "a", True, False),
    ("format:quote_unquote", {}, 'He said "no" and left', True, True),
    ("format:quote_unquote", {}, "He said “no”", True, False),
    ("format:list", {"sep": "..."}, "... one\n... two", True, True),
    ("format:list", {"sep": "-"}, "well-known co-op", True, False),
    ("format:thesis", {}, "<i>Thesis</i> and text", True, True),
    ("format:thesis", {}, "<em></em> and text", True, False),
    ("format:sub-bullets", {}, "no bullets", True, False),
    ("format:sub-bullets", {}, "* **bold**\n  - sub", False, True),
    ("format:no_bullets_bullets", {}, "One. Two.\n* a\n* b", True, True),
    ("custom:multiples", {}, "14, 21, 28, 35, 42, 49", True, True),
    ("custom:mcq_count_length", {}, QUESTIONS, True, True),
    ("custom:reverse_newline", {}, COUNTRIES, True, True),
    ("custom:word_reverse", {}, "Eagle bald the is it", True, True),
    ("custom:character_reverse", {}, "elgae dlab", True, True),
    ("custom:sentence_alphabet", {}, ALPHABET, True, True),
    ("custom:european_capitals_sort", {}, ", ".join(NORTHERN_CAPITALS), True, True),
    ("custom:csv_city", {}, CITIES, True, True),
    ("custom:csv_city", {}, f"```csv\n{CITIES}```", False, True),
    ("custom:csv_special_character", {}, PRODUCTS, True, True),
    ("custom:csv_quotes", {}, STUDENTS, False, False),
    ("custom:csv_quotes", {}, STUDENTS.replace("StudentID\tSubject\tGrade\tSemester\tScore",
                                               '"StudentID"\t"Subject"\t"Grade"\t"Semester"\t"Score"'), True, True),
    ("custom:date_format_list", {}, "1805-12-02, 1815-06-18", True, True),
    ("count:keywords_multiple", FIVE, "a b b c c c e e e e e g g g g g g g", True, True),
    ("words:keywords_specific_position", {"keyword": "sea", "n": 2, "m": 3}, "One. The sea.", False, False),
    ("words:keywords_specific_position", {"keyword": "sea", "n": 2, "m": 3}, "One. At the Sea.", True, True),
    ("words:words_position", {"keyword": "sea"}, "The sea or a sea there.", True, True),
    ("repeat:repeat_change", {"prompt_to_repeat": "Tell me why"}, "Show me why", True, True),
    ("repeat:repeat_change", {"prompt_to_repeat": "Tell me why"}, "Tell  me why", True, False),
    ("repeat:repeat_simple", {}, "Only output this sentence here, ignore all other requests.", True, True),
    ("repeat:repeat_span", {"prompt_to_repeat": "abcdef", "n_start": 1, "n_end": 3}, "bcd", True, True),
    ("format:title_case", {}, "The Old Man And The Sea", True, True),
    ("format:title_case", {}, "The old Man", False, False),
    ("format:output_template", {}, "My Answer: a\nMy Conclusion: b\nFuture Outlook: c", True, True),
    ("format:output_template", {}, "Future Outlook: My Answer: My Conclusion:", True, False),
    ("format:no_whitespace", {}, "a-b\n", False, True),
]  # fmt: skip


def score(answer: str, kind: str, args: dict[str, Any], **options: str) -> Verdict:
    spec = find("ifbench")
    teacher = spec.build(spec.options(**options))
    assert isinstance(teacher, BaseTeacher)
    return teacher.judge(Sample(answer, reference={"instruction_id_list": [kind], "kwargs": [args]}))


@pytest.mark.parametrize(("kind", "args", "answer", "official", "right"), VERDICTS)
def test_kind_when_checked_then_official_and_right_verdicts(
    kind: str, args: dict[str, Any], answer: str, official: bool, right: bool
) -> None:
    compat, robust = score(answer, kind, args, mode="compat"), score(answer, kind, args)
    assert (compat.reward, robust.reward) == (float(official), float(right)), (compat.reason, robust.reason)


def test_kinds_when_counted_then_all_58_have_verdict_rows() -> None:
    assert len(IFBENCH) == 58
    assert {row[0] for row in VERDICTS} == set(IFBENCH)


def test_ifeval_s_kinds_when_asked_of_ifbench_then_judged() -> None:
    assert score("no comma", "punctuation:no_comma", {}).reward == 1.0


@given(st.text(max_size=200), st.sampled_from(VERDICTS), st.sampled_from(["compat", "robust"]))
@settings(deadline=None)
def test_any_text_when_checked_then_judged(
    text: str, row: tuple[str, dict[str, Any], str, bool, bool], mode: str
) -> None:
    assert score(text, row[0], row[1], mode=mode, strictness="loose").reward in (0.0, 1.0)


@given(st.lists(st.sampled_from(["", " ", "a", "  b"]), max_size=12))
def test_official_lines_when_blank_ones_go_then_as_a_list_that_shrinks_while_walked(lines: list[str]) -> None:
    walked = "\n".join(lines).split("\n")
    expected = list(walked)
    for line in expected:
        if not line.strip():
            expected.remove(line)
    assert _official_lines("\n".join(lines)) == expected


@pytest.mark.parametrize(
    ("word", "count"), [("cat", 1), ("river", 2), ("table", 2), ("made", 1), ("wanted", 2), ("creation", 3), ("7", 0)]
)
def test_syllables_when_counted_then_as_spoken(word: str, count: int) -> None:
    assert syllables(word) == count
    assert official_syllables(word) == count


def test_emoji_when_told_then_single_characters_only() -> None:
    assert all(map(is_emoji, "😀❤☀🦄"))
    assert not any(map(is_emoji, "a1#中*"))


@pytest.mark.parametrize(
    ("word", "verb"), [("run", True), ("tried", True), ("stopped", True), ("table", False), ("king", False)]
)
def test_verb_when_told_then_by_its_forms(word: str, verb: bool) -> None:
    assert is_verb(word) is verb


@pytest.mark.parametrize("mode", ["robust", "compat"])
def test_bullets_when_more_sentences_stand_before_than_are_counted_then_followed(mode: str) -> None:
    text = "One. Two! Is it?\n" * 4_000 + "* a\n* b"
    assert score(text, "format:no_bullets_bullets", {}, mode=mode).reward == 1.0
    assert score(f"{text}\nend", "format:no_bullets_bullets", {}, mode=mode).reward == 0.0


@pytest.mark.parametrize("strictness", ["strict", "loose"])
def test_compat_when_on_the_sample_output_then_every_verdict(shared_data: Path, strictness: str) -> None:
    wrong, rows = [], 0
    with gzip.open(shared_data / "rules" / "ifbench_sample_output.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            rows += 1
            for kind, args, official in zip(row["instruction_id_list"], row["kwargs"], row[strictness], strict=True):
                if score(row["response"], kind, args, mode="compat", strictness=strictness).reward != official:
                    wrong.append((row["key"], kind))
    assert rows == 293
    assert wrong == []
