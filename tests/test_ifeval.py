"""IFEval: the official verdicts, the right ones, and what a reference may hold."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.catalog.ifeval import punkt, treebank
from verifiers.catalog.ifeval.answer import Answer, loosened, normalised
from verifiers.catalog.ifeval.language import official_detect
from verifiers.catalog.ifeval.tables import IFEVAL
from verifiers.options import build_options
from verifiers.registry import find
from verifiers.teacher import BaseTeacher
from verifiers.types import Sample, Status, Verdict

RELATION = {"relation": "at least"}
CAPITALS = {"capital_frequency": 2, "capital_relation": "at least"}
PART = "detectable_format:multiple_sections"
# kind, arguments, answer, the official verdict, the right one
VERDICTS: list[tuple[str, dict[str, Any], str, bool, bool]] = [
    ("keywords:existence", {"keywords": ["a.c"]}, "abc", True, False),
    ("keywords:existence", {"keywords": ["cat"]}, "a concatenation", True, False),
    ("keywords:existence", {"keywords": ["New York"]}, "in new\nyork", False, True),
    ("keywords:existence", {"keywords": ["中国"]}, "我爱中国人民", True, True),
    ("keywords:existence", {"keywords": ["iPhone"]}, "我的iPhone很好", True, True),
    ("keywords:frequency", {"keyword": "he", "frequency": 2, **RELATION}, "the other", True, False),
    ("keywords:frequency", {"keyword": "he", "frequency": 2, **RELATION}, "He said he", True, True),
    ("keywords:forbidden_words", {"forbidden_words": ["C#"]}, "We use C# here", True, False),
    ("keywords:forbidden_words", {"forbidden_words": ["cat"]}, "a concatenation", True, True),
    ("keywords:letter_frequency", {"letter": "Q", "let_frequency": 2, "let_relation": "at least"}, "Q", False, False),
    ("length_constraints:number_words", {"num_words": 3, **RELATION}, "it's well-known", True, False),
    ("length_constraints:number_words", {"num_words": 4, **RELATION}, "今天天气", False, True),
    ("length_constraints:number_sentences", {"num_sentences": 2, **RELATION}, "One. Two!", True, True),
    ("length_constraints:number_sentences", {"num_sentences": 2, **RELATION}, "今天很好。明天下雨。", False, True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", True, True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "it is ***bold", True, False),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "then"},
        "First.\n\n**Then** more.",
        False,
        True,
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "Dear [name],", True, True),
    ("detectable_content:number_placeholders", {"num_placeholders": 1}, "See [12].", True, False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\n\nP.S. I forgot.", True, True),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "P.S. a\n\nb\n\nc\n\nd\n\ne", True, False),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", True, True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "- a\n\n---", True, False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "2*3*4", True, False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "**one** and *two*", True, True),
    (PART, {"section_spliter": "Part", "num_sections": 1}, "Part 1\na\nPart 2\nb", True, False),
    (PART, {"section_spliter": "Part", "num_sections": 2}, "**Part 1**\na\nPart 2", True, True),
    ("detectable_format:json_format", {}, "```json\n[1]\n```", True, True),
    ("detectable_format:json_format", {}, "[Infinity]", True, False),
    ("detectable_format:json_format", {}, "[" * 50_000, False, False),
    ("detectable_format:title", {}, "<<Dawn>>\ntext", True, True),
    ("detectable_format:title", {}, "if (x << 2 && y >> 1)", True, False),
    ("detectable_format:constrained_response", {}, "My answer is yes.", True, True),
    ("detectable_format:constrained_response", {}, "My answer is yes. My answer is no.", True, False),
    ("startend:end_checker", {"end_phrase": "the end"}, "This is the end", True, True),
    ("startend:end_checker", {"end_phrase": "end"}, "My weekend", True, False),
    ("startend:quotation", {}, '"All of it."', True, True),
    ("startend:quotation", {}, '"He said "no" to me."', True, True),
    ("startend:quotation", {}, '"A" and "B"', True, False),
    ("combination:two_responses", {}, "one\n******\ntwo", True, True),
    ("combination:two_responses", {}, "Same\n******\nsame", True, False),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Why so?"}, "Why so? Because.", True, True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Why so?"}, "why so?", True, False),
    ("punctuation:no_comma", {}, "one，two", True, False),
    ("language:response_language", {"language": "de"}, "123 !", True, False),
    ("language:response_language", {"language": "de"}, "Das ist ein Satz über das Wetter in Berlin.", True, True),
    ("change_case:english_capital", {}, "OK", False, True),
    ("change_case:english_capital", {}, "Not all CAPITALS", False, False),
    ("change_case:english_lowercase", {}, "this is a small sentence about the sea and the sky.", True, True),
    ("change_case:capital_word_frequency", CAPITALS, "I am A", True, False),
    ("change_case:capital_word_frequency", CAPITALS, "NO way, YES", True, True),
]  # fmt: skip


def teacher(**options: str) -> BaseTeacher:
    spec = find("ifeval")
    built = spec.build(spec.options(**options))
    assert isinstance(built, BaseTeacher)
    return built


def score(answer: str, ids: list[str], kwargs: list[Any], **options: str) -> Verdict:
    return teacher(**options).judge(Sample(answer, reference={"instruction_id_list": ids, "kwargs": kwargs}))


@pytest.mark.parametrize(("kind", "args", "answer", "official", "right"), VERDICTS)
def test_kind_when_checked_then_official_and_right_verdicts(
    kind: str, args: dict[str, Any], answer: str, official: bool, right: bool
) -> None:
    compat, robust = score(answer, [kind], [args], mode="compat"), score(answer, [kind], [args])
    assert (compat.reward, robust.reward) == (float(official), float(right)), (compat.reason, robust.reason)


def test_kinds_when_counted_then_all_25_have_verdict_rows() -> None:
    assert len(IFEVAL) == 25
    assert {row[0] for row in VERDICTS} == set(IFEVAL)


def test_loose_when_only_a_first_line_is_in_the_way_then_followed_and_said() -> None:
    ids, kwargs = ["punctuation:no_comma"], [{}]
    assert score("Sure, here:\nyes", ids, kwargs).reward == 0.0
    verdict = score("Sure, here:\nyes", ids, kwargs, strictness="loose")
    assert verdict.reward == 1.0
    assert "only loosely" in verdict.parts[0].reason


def test_loosened_when_three_lines_then_the_seven_other_texts() -> None:
    assert loosened("a\n*b*\nc") == ["a\nb\nc", "*b*\nc", "a\n*b*", "*b*", "b\nc", "a\nb", "b"]


AT_LEAST: list[tuple[str, dict[str, Any]]] = [
    ("keywords:existence", {"keywords": ("a b",)}),
    ("keywords:frequency", {"keyword": "a b a", "frequency": 2, **RELATION}),
    ("keywords:letter_frequency", {"letter": "a", "let_frequency": 3, "let_relation": "at least"}),
    ("length_constraints:number_words", {"num_words": 4, **RELATION}),
    ("length_constraints:number_sentences", {"num_sentences": 3, **RELATION}),
    ("change_case:capital_word_frequency", CAPITALS),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}),
]
PIECES = [
    "a b",
    "a b a",
    "A",
    "B. A",
    "c. ",
    ".",
    "! ",
    "\n",
    "\n\n",
    " ",
    "    ",
    "*",
    "* ",
    "1. ",
    "[a]",
    "[",
    "]",
    "中。",
]


def test_kinds_when_their_parts_may_be_hopeless_then_all_have_a_row() -> None:
    assert {kind.id for kind in IFEVAL.values() if kind.parts_hopeless} == {name for name, _ in AT_LEAST}


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.sampled_from(AT_LEAST))
@settings(max_examples=500)
def test_loose_when_parts_are_said_to_be_hopeless_then_none_follows(
    text: str, asked: tuple[str, dict[str, Any]]
) -> None:
    kind, answer = IFEVAL[asked[0]], Answer(normalised(text), robust=True)
    assert kind.parts_hopeless is not None
    if not kind.right(answer, asked[1]).followed and kind.parts_hopeless(answer, asked[1]):
        tried = loosened(answer.text)
        followed = [each for each in tried if kind.right(Answer(each, robust=True), asked[1]).followed]
        assert followed[:1] in ([], [answer.text.replace("*", "")])


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.sampled_from(AT_LEAST))
def test_total_when_summed_over_paragraphs_then_as_of_the_whole(text: str, asked: tuple[str, dict[str, Any]]) -> None:
    kind, whole = IFEVAL[asked[0]], Answer(normalised(text), robust=True)
    assert kind.right(Answer(whole.text, True, {}), asked[1]) == kind.right(whole, asked[1])


def test_parts_when_several_instructions_then_one_each_with_expected_and_observed() -> None:
    ids = ["punctuation:no_comma", "detectable_format:title", "punctuation:no_comma"]
    verdict = score("a, b", ids, [{}, {}, {}], reward="fraction")
    assert [part.name for part in verdict.parts] == [*ids[:2], "punctuation:no_comma#2"]
    assert verdict.parts[0].details == {"expected": "no comma", "observed": "1 commas"}
    assert verdict.reward == 0.0
    partial = score("a b", ids, [{}, {}, {}], reward="fraction")
    assert (partial.reward, partial.status) == (2 / 3, Status.PARTIAL)


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        (None, "no reference"),
        ("{", "no JSON"),
        ([1, 2], "JSON object"),
        ({"instruction_id_list": ["keywords:nothing"], "kwargs": [{}]}, "keywords:nothing"),
        ({"instruction_id_list": [], "kwargs": []}, "1 to 100 ids"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []}, "1 objects"),
        ({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"x": 1}]}, "'x'"),
        ({"instruction_id_list": ["keywords:existence"], "kwargs": [{}]}, "'keywords'"),
        ({"instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": [""]}]}, "not empty"),
        ({"instruction_id_list": ["startend:end_checker"], "kwargs": [{"end_phrase": 5}]}, "end_phrase"),
        (
            {"instruction_id_list": ["length_constraints:number_words"], "kwargs": [{"num_words": -1, **RELATION}]},
            "0 or more",
        ),
        (
            {
                "instruction_id_list": ["length_constraints:number_words"],
                "kwargs": [{"num_words": 5, "relation": "more than"}],
            },
            "less than",
        ),
    ],
)
def test_reference_when_unusable_then_not_judged_and_named(reference: Any, named: str) -> None:
    verdict = teacher().judge(Sample("text", reference=reference))
    assert (verdict.reward, verdict.status) == (None, Status.BAD_REFERENCE)
    assert named in verdict.reason


@pytest.mark.parametrize(
    "reference",
    [
        json.dumps(
            {
                "instruction_id_list": ["keywords:letter_frequency"],
                "kwargs": [{"letter": "w", "let_frequency": 2.0, "let_relation": "at least", "x": None}],
            }
        ),
        '[{"instruction_id": ["punctuation:no_comma"], "kwargs": [null]}]',
        {"instruction_id_list": ["punctuation:no_comma"], "kwargs": "[{}]"},
        {"instruction_id_list": ["punctuation:no_comma"]},
    ],
)
def test_reference_when_in_a_dataset_s_other_form_then_read(reference: Any) -> None:
    assert teacher().judge(Sample("two words", reference=reference)).reward == 1.0


def test_repeat_prompt_when_not_given_then_taken_from_the_row() -> None:
    reference = {"instruction_id_list": ["combination:repeat_prompt"], "kwargs": [{}]}
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "Why?"}]
    assert teacher().judge(Sample("Why? So.", "Why?", reference)).reward == 1.0
    assert teacher().judge(Sample("Why? So.", chat, reference)).reward == 1.0
    assert teacher().judge(Sample("How? So.", "Why?", reference)).reward == 0.0
    assert teacher().judge(Sample("Why? So.", "", reference)).reward is None


def test_regular_expression_of_a_reference_when_it_may_run_long_then_left_to_a_worker() -> None:
    reference = {"instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": ["(a+)+b"]}]}
    sample = Sample("aab", reference=reference)
    assert teacher(mode="compat").quick(sample) is None
    assert teacher(mode="compat").judge(sample).reward == 1.0
    verdict = teacher().quick(sample)
    assert verdict is not None
    assert verdict.reward == 0.0


def test_thinking_when_before_the_answer_then_only_the_answer_counts_in_robust() -> None:
    ids, kwargs = ["punctuation:no_comma"], [{}]
    text = "<think>well, let me see</think>No."
    assert score(text, ids, kwargs).reward == 1.0
    assert score(text, ids, kwargs, mode="compat").reward == 0.0
    assert score("<think>well", ids, kwargs).status is Status.UNPARSABLE


def test_answer_when_too_long_then_limit_exceeded() -> None:
    assert score("a" * 100_001, ["punctuation:no_comma"], [{}]).status is Status.LIMIT_EXCEEDED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith left. He ran.", ["Mr. Smith left.", "He ran."]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("1. First\n2. Second", ["1.", "First\n2.", "Second"]),
        ("The U.S. Senate met. Wow!!! Really?", ["The U.S. Senate met.", "Wow!!!", "Really?"]),
        ("Plan B. The end... But not", ["Plan B.", "The end...", "But not"]),
        ("J. Bach (1700.) wrote.", ["J. Bach (1700.)", "wrote."]),
        ("", []),
    ],
)
def test_punkt_when_cutting_then_as_nltk_does(text: str, expected: list[str]) -> None:
    assert punkt.sentences(text) == expected
    assert punkt.count(text) == len(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("They can't. It's 3,36!", ["They", "ca", "n't", ".", "It", "'s", "3,36", "!"]),
        ('"Cannot," he said.', ["``", "Can", "not", ",", "''", "he", "said", "."]),
        ("a--b (c) $5 x:y", ["a", "--", "b", "(", "c", ")", "$", "5", "x", ":", "y"]),
        ("well-known U.S. law…", ["well-known", "U.S.", "law…"]),
    ],
)
def test_treebank_when_cutting_then_as_nltk_does(text: str, expected: list[str]) -> None:
    assert treebank.tokens(text) == expected


@given(st.text(alphabet="aB .!?'\"()\n,—中-", max_size=80))
@settings(deadline=None)
def test_capitals_when_counted_quickly_then_as_over_all_tokens(text: str) -> None:
    assert punkt.count(text) == len(punkt.sentences(text))
    if "'" not in text and '"' not in text:
        assert treebank.count_capitals(text) == sum(map(str.isupper, treebank.tokens(text)))


@given(st.text(max_size=200), st.sampled_from(VERDICTS))
@settings(deadline=None)
def test_any_text_when_checked_then_judged_the_same_twice(
    text: str, row: tuple[str, dict[str, Any], str, bool, bool]
) -> None:
    kind, args = IFEVAL[row[0]], IFEVAL[row[0]].read(row[1])
    for check, robust in ((kind.official, False), (kind.right, True)):
        assert check(Answer(text, robust), args) == check(Answer(text, robust), args)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("the cat sat on the mat and looked at the moon for a long time", "en"),
        ("ฉันชอบกินข้าวผัดกับเพื่อนของฉันทุกวัน", "th"),
        ("12 34 !", ""),
        ("Le chat dort sur la table de la cuisine pendant que la pluie tombe.", "fr"),
    ],
)
def test_official_language_when_clear_then_langdetect_s(text: str, code: str) -> None:
    assert official_detect(text) == code


@pytest.mark.parametrize("strictness", ["strict", "loose"])
def test_compat_when_on_the_published_answers_then_every_stable_verdict(shared_data: Path, strictness: str) -> None:
    judge = teacher(mode="compat", strictness=strictness)
    wrong, stable = [], 0
    with gzip.open(shared_data / "rules" / "ifeval_gpt4_20231107.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            reference = {"instruction_id_list": row["instruction_id_list"], "kwargs": row["kwargs"]}
            parts = judge.judge(Sample(row["response"], row["prompt"], reference)).parts
            for part, official, unstable in zip(parts, row[strictness], row["unstable"], strict=True):
                stable += not unstable
                if part.reward != official and not unstable:
                    wrong.append((row["key"], part))
    assert stable > 800
    assert wrong == []


def test_robust_when_on_the_hard_cases_then_at_least_39_of_40_right(shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / "rules" / "ifeval_hard.jsonl").read_text("utf-8").splitlines()]
    verdicts = [score(row["response"], [row["instruction_id"]], [row["kwargs"]]) for row in rows]
    wrong = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict.reward != row["right"]]
    assert len(rows) == 40
    assert len(wrong) <= 1, wrong


PIECES = [
    "'tis ",
    "can't. ",
    '"No!" ',
    "a,",
    ":",
    "( ",
    ".) ",
    "gonna ",
    "-- ",
    "...",
    "x ",
    "Mr. ",
    "\n",
    "’s ",
    "\udfff",
    "I ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_treebank_when_sentences_are_cut_at_once_then_as_one_by_one(text: str) -> None:
    alone = [token for sentence in punkt.sentences(text) for token in treebank._cut(sentence).split()]
    found = treebank.tokens(text)
    assert treebank.tokens(text) == found  # what was kept is what was cut
    if "\udfff" not in text:
        assert found == alone


def test_quick_when_loose_and_long_then_leaves_it_to_a_worker() -> None:
    sample = Sample("word " * 6_000, reference={"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]})
    spec = find("ifeval")
    for strictness, at_once in (("strict", True), ("loose", False)):
        teacher = spec.build(build_options(spec, {"strictness": strictness}))
        assert isinstance(teacher, BaseTeacher)
        assert (teacher.quick(sample) is not None) is at_once
        assert teacher.judge(sample).reward == 1.0
