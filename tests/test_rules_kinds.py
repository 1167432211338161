"""Every kind of rule: texts that pass and texts that do not."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.catalog.rules.compiling import compile_document
from verifiers.catalog.rules.document import Document
from verifiers.catalog.rules.judge import judge
from verifiers.catalog.rules.marks import parse
from verifiers.catalog.rules.table import kinds
from verifiers.catalog.rules.view import PARTS
from verifiers.types import Sample, Verdict
from verifiers.wire import pack_verdict

TABLE = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
LETTER = "Dear Ann,\nthe refund is on its way.\nYours, Bob"
ENGLISH = "The committee decided to postpone the meeting until the end of the month because of the weather."
FRENCH = "Le comité a décidé de reporter la réunion à la fin du mois à cause du mauvais temps."

ROWS = [
    # (rule in YAML, text, reward)
    ("contains: cat", "the Cat sat", 1.0),
    ("contains: cat", "concatenate", 0.0),
    ("contains: {text: cat, match: substring}", "concatenate", 1.0),
    ("contains: {text: Cat, case: keep}", "the cat sat", 0.0),
    ("contains: [cat, dog]", "a dog and a cat", 1.0),
    ("contains: [cat, dog]", "a cat", 0.0),
    ("contains: {text: [cat, dog], partial: true}", "a cat", 0.5),
    ("contains: {text: [cat, dog, cow], need: 2}", "cow and cat", 1.0),
    ("contains: {text: cat, times: 2}", "cat, cat", 1.0),
    ("contains: {text: cat, times: 2}", "cat, cat, cat", 0.0),
    ("contains: {text: cat, times: ..1}", "dog", 1.0),
    ("contains: 'C++'", "I know C++.", 1.0),
    ("contains: C++", "Cobol", 0.0),
    ("contains: C", "I know C++ and C#", 0.0),
    ("contains: 5", "it is 1.5 or 2,500", 0.0),
    ("contains: 5", "it is 5.", 1.0),
    ("contains: no", "Oh no!", 1.0),
    ("contains: 2024-01-05", "on 2024-01-05", 1.0),
    ("contains: don", "don't", 0.0),
    ("contains: as an AI", "as   an\nAI model", 1.0),
    ("contains: 选择", "我选择了它", 1.0),
    ("contains: カメラ", "新しいカメラです", 1.0),
    ("contains: 사과", "사과는 맛있다", 1.0),
    ("contains: 사과", "참사과", 0.0),
    ("contains: काम", "कामना", 0.0),
    ("contains: café", "un cafe\u0301 noir", 1.0),
    ("contains: reward", "the re\u200bward", 1.0),
    ("contains: reward", "ｒｅｗａｒｄ", 1.0),
    ("contains: .*", "anything", 0.0),
    ("contains: cat", "snake_cat_case and _cat_", 1.0),
    ("contains: cat", "cat_food", 0.0),
    ("forbidden: sorry", "I am sorry.", 0.0),
    ("forbidden: sorry", "sorrysorry", 1.0),
    ("forbidden: [a b, c]", "x a  b", 0.0),
    ("forbidden: {text: '!', match: substring}", "Hi!", 0.0),
    ("forbidden: {text: '!', match: substring}", "Hi.", 1.0),
    ("forbidden: sorry", "so\u200brry", 0.0),
    ("starts_with: Dear", LETTER, 1.0),
    ("starts_with: [Hello, Dear]", "  dear Ann", 1.0),
    ("starts_with: Hello", LETTER, 0.0),
    ("starts_with: {text: dear, case: keep}", LETTER, 0.0),
    ("ends_with: Yours, Bob", LETTER, 1.0),
    ("ends_with: 'Yours,  Bob'", LETTER + " \n", 1.0),
    ("ends_with: Bob Smith", LETTER, 0.0),
    ("position: {text: however, unit: sentence, at: 2}", "It rains. However, I go.", 1.0),
    ("position: {text: however, unit: sentence, at: 1}", "It rains. However, I go.", 0.0),
    ("position: {text: go, unit: word, at: -1}", "It rains. However, I go.", 1.0),
    ("position: {text: b, unit: paragraph, at: 2}", "a\n\nb", 1.0),
    ("position: {text: b, unit: line, at: 3}", "a\nb", 0.0),
    ("order: [first, second]", "first this, second that", 1.0),
    ("order: [first, second]", "second that, first this", 0.0),
    ("order: [a, a]", "a", 0.0),
    ("order: [a, a]", "a a", 1.0),
    ("case: upper", "ALL UP 3", 1.0),
    ("case: upper", "ALL Up", 0.0),
    ("case: {style: upper, min: 0.5}", "ALl", 1.0),
    ("case: lower", "straße über", 1.0),
    ("case: lower", "Ünder", 0.0),
    ("case: lower", "中文", 0.0),
    ("case: title", "A Tale of Two Cities", 1.0),
    ("case: title", "A tale of two cities", 0.0),
    ("case: sentence", "It is so. We know.", 1.0),
    ("equals: ['yes', 'no']", " Yes. ", 1.0),
    ("equals: ['yes', 'no']", "yes and no", 0.0),
    ("equals: {text: 'Yes', case: keep, punctuation: keep}", "Yes.", 0.0),
    ("words: 3", "one two three", 1.0),
    ("words: 2..", "one", 0.0),
    ("words: {min: 2, max: 3}", "one two", 1.0),
    ("words: 4", "我爱北京", 1.0),
    ("words: {count: 10.., slack: 0.5}", "one two three four five six seven eight", 0.6),
    ("words: {count: 10.., slack: 0.5}", "one two", 0.0),
    ("unique_words: ..1", "no No NO", 1.0),
    ("unique_words: 2..", "no No NO", 0.0),
    ("unique_words: 2", "no yes", 1.0),
    ("chars: 3", " abc ", 1.0),
    ("chars: {count: 3, blanks: ignore}", "a b c", 1.0),
    ("chars: ..3", "abcd", 0.0),
    ("chars: 1", "a\u200b\u200b", 1.0),
    ("sentences: 2", "It is. It was.", 1.0),
    ("sentences: 2", "今天很好。明天更好。", 1.0),
    ("sentences: 2", "Mr. Smith is here.", 0.0),
    ("paragraphs: 2", "a\n\nb", 1.0),
    ("paragraphs: 2", "a\nb", 0.0),
    ("paragraphs: {count: 2, separator: '***'}", "a\n***\nb ***bold***", 1.0),
    ("lines: 2", "a\n\nb\n", 1.0),
    ("lines: 1", "a\nb", 0.0),
    ("lines: 3..", "a\nb\nc", 1.0),
    ("tokens: 1..3", "twelve chars", 1.0),
    ("tokens: ..2", "twelve chars", 0.0),
    ("tokens: 4", "汉字汉字", 1.0),
    ("markdown: heading", "# Title\ntext", 1.0),
    ("markdown: heading", "#hashtag", 0.0),
    ("markdown: {element: heading, level: 2, count: 1}", "# A\n## B", 1.0),
    ("markdown: {element: bullet, count: 2}", "- a\n* b\n- [ ] c", 1.0),
    ("markdown: {element: numbered, count: 2}", "1. a\n2) b", 1.0),
    ("markdown: {element: checkbox, count: 1}", "- [x] c", 1.0),
    ("markdown: {element: code, language: python}", "```python\nx\n```", 1.0),
    ("markdown: {element: code, language: python}", "```js\nx\n```", 0.0),
    ("markdown: {element: bold, count: 1}", "a **b** c ** d", 1.0),
    ("markdown: {element: italic, count: 1}", "*a* and snake_case_name and 2 * 3 * 4", 1.0),
    ("markdown: {element: link, count: 1}", "[a](http://b) ![i](c)", 1.0),
    ("markdown: {element: table, count: 1}", TABLE, 1.0),
    ("markdown: {element: rule, count: 1}", "a\n\n---\n\nb", 1.0),
    ("markdown: {element: any, count: 0}", "plain text, 3 < 4", 1.0),
    ("markdown: {element: any, count: 0}", "```\n# code\n```", 0.0),
    ("markdown: heading", "```\n# code\n```", 0.0),
    ("sections: [Summary, Limits]", "# Summary\na\n## Limits:\nb", 1.0),
    ("sections: [Summary, Limits]", "# Limits\na\n# Summary\nb", 0.0),
    ("sections: [Summary]", "# Summary\n\n# Other\nb", 0.0),
    ("sections: {titles: [Summary], only: true}", "# Summary\na\n# Other\nb", 0.0),
    ("sections: [Summary]", "# 1. Summary\na", 1.0),
    ("regex: '\\d{3}-\\d{4}'", "call 555-1234", 1.0),
    ("regex: '\\d{3}-\\d{4}'", "call 5551234", 0.0),
    ("regex: {pattern: 'a|b', count: 2}", "a b", 1.0),
    ("regex: {pattern: 'a|b', count: 2}", "a b a", 0.0),
    ("regex: {pattern: 'A+', how: full, ignore_case: true}", " aaa\n", 1.0),
    ("regex: {pattern: '\\d+', how: start}", "12 apples", 1.0),
    ("regex: '^b$'", "a\nb", 1.0),
    ("regex: {pattern: '^b$', multiline: false}", "a\nb", 0.0),
    ("regex: '汉+'", "一汉汉二", 1.0),
    ("number: 42", "I count 7, so 42.", 1.0),
    ("number: 42", "42, no, 43", 0.0),
    ("number: {value: 42, which: first}", "42, no, 43", 1.0),
    ("number: {value: 42, which: any}", "1 42 3", 1.0),
    ("number: {min: 1, max: 10, which: all}", "1, 5 and 10", 1.0),
    ("number: {min: 1, max: 10, which: all}", "1, 5 and 11", 0.0),
    ("number: 1234.5", "about 1,234.5", 1.0),
    ("number: {value: 3.14, tolerance: 0.01}", "3.1459", 1.0),
    ("number: {value: 3.14, tolerance: 0.01}", "3.2", 0.0),
    ("number: 25", "a share of 25%", 1.0),
    ("number: {value: 0.25, percent: value}", "a share of 25%", 1.0),
    ("number: 15000", "1.5万", 1.0),
    ("number: -3", "it is −3", 1.0),
    ("number: 1", "none", 0.0),
    ("quantity: 5 km", "It is 5000 m long.", 1.0),
    ("quantity: 5 km", "It is 5 m long.", 0.0),
    ("quantity: 5 km", "It is 5.", 0.0),
    ("quantity: {value: 500 mg, relative: 0.05}", "Take 0.51 g now", 1.0),
    ("quantity: {value: 500 mg, same_unit: true}", "Take 0.5 g now", 0.0),
    ("quantity: {unit: mL/min, min: 60, max: 120}", "a clearance of 1.5 mL/s", 1.0),
    ("quantity: 5 km", "一共5公里", 1.0),
    ("date: 2024-05-31", "on May 31, 2024", 1.0),
    ("date: 2024-05-31", "on 31 May 2024.", 1.0),
    ("date: 2024-05-31", "2024年5月31日", 1.0),
    ("date: 2024-05-31", "2024-05-30", 0.0),
    ("date: {after: 2024-01-01, before: 2024-12-31}", "from 2023-02-02 to 2024-05-05", 1.0),
    ("date: {after: 2024-01-01, which: all}", "from 2023-02-02 to 2024-05-05", 0.0),
    ("date: {value: 2024-05-31, format: iso}", "5/31/2024", 0.0),
    ("date: 2024-02-30", "2024-02-30", None),
    ("json: {}", '{"a": [1, 2]}', 1.0),
    ("json: {}", '```json\n{"a": 1}\n```', 1.0),
    ("json: {}", '{"a": 1,}', 0.0),
    ("json: {}", 'Here: {"a": 1}', 0.0),
    ("json: {where: found, keys: [a]}", 'Here: {"a": 1}', 1.0),
    ("json: {keys: [b]}", '{"a": 1}', 0.0),
    ("json: {schema: {type: object, properties: {a: {type: integer}}}}", '{"a": 1}', 1.0),
    ("json: {schema: {type: object, properties: {a: {type: integer}}}}", '{"a": "1"}', 0.0),
    ("table: {columns: 2, rows: 2}", f"See:\n\n{TABLE}\n", 1.0),
    ("table: {columns: 3}", TABLE, 0.0),
    ("table: {header: [A, b]}", TABLE, 1.0),
    ("table: {}", TABLE + "\n| 5 |", 0.0),
    ("table: {format: csv, header: [name, age]}", "name,age\nAnn,3\n", 1.0),
    ("table: {format: csv}", "name,age\nAnn\n", 0.0),
    ("table: {format: tsv, rows: 1}", "a\tb\n1\t2", 1.0),
    ("table: {filled: true}", "| a | b |\n|---|---|\n| 1 | |", 0.0),
    ("language: en", ENGLISH, 1.0),
    ("language: fr", ENGLISH, 0.0),
    ("language: [en, fr]", FRENCH, 1.0),
    ("language: zh", "今天的天气非常好，我们决定去公园散步，然后一起吃午饭。", 1.0),
    ("language: zh", ENGLISH, 0.0),
    ("language: ja", "今日はとても天気がいいので、公園まで散歩に行くことにしました。", 1.0),
    ("language: en", "Hi", 1.0),
    ("language: en", "你好", 0.0),
    ("script: han", "今天很好。", 1.0),
    ("script: {name: latin, min: 0.95}", "good 很 day today", 0.0),
    ("script: {name: han, max: 0}", "only latin", 1.0),
    ("script: {name: han, max: 0}", "latin 中", 0.0),
    ("script: cyrillic", "Привет, мир", 1.0),
    ("urls: 1", "see https://who.int/a.", 1.0),
    ("urls: 1", "see https://bad_host/a and https://who.int", 0.0),
    ("urls: {hosts: [who.int]}", "https://www.who.int/x", 1.0),
    ("urls: {hosts: [who.int]}", "https://evilwho.int/x", 0.0),
    ("urls: {https: true}", "http://who.int", 0.0),
    ("urls: 0", "no address", 1.0),
    ("citations: {style: numbered, sources: 3}", "so [1] and [2, 3]", 1.0),
    ("citations: {style: numbered, sources: 3}", "so [1] and [4]", 0.0),
    ("citations: {style: author_year, count: 2}", "as (Smith, 2020; Wu et al., 2021) said", 1.0),
    ("citations: {style: author_year, count: 1}", "Smith et al. (2020) said", 1.0),
    ("citations: {style: author_year}", "the year (2020)", 0.0),
    ("citations: {style: footnote}", "so[^1]\n\n[^1]: Smith", 1.0),
    ("citations: {style: footnote}", "so[^1]", 0.0),
    ("citations: {style: doi}", "doi:10.1000/182.", 1.0),
    ("similarity: {to: the cat sat, min: 0.9}", "The cat sat.", 1.0),
    ("similarity: {to: the cat sat, min: 0.9}", "a dog ran", 0.0),
    ("similarity: {to: the cat sat on the mat, min: 0.8, how: ratio}", "the cat sat on the mat!", 1.0),
    ("similarity: {to: one two three four five six, how: copied, max: 0.1}", "one two three four five six", 0.0),
    ("similarity: {to: one two three four five six, how: copied, max: 0.1}", "six five four three two one", 1.0),
    ("similarity: {to: a b c d, min: 0.5, partial: true}", "a x y z", 0.5),
]


def verdict_of(rules: str, text: str, **more: object) -> Verdict:
    return judge(compile_document(parse(rules, "t.yaml"), "t.yaml"), Sample(text, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "text", "reward"), ROWS, ids=[f"{rule[:40]} / {text[:30]!r}" for rule, text, _ in ROWS]
)
def test_rule_when_it_judges_a_text_then_gives_this_reward(rule: str, text: str, reward: float | None) -> None:
    if reward is None:
        with pytest.raises(ValueError, match="2024-02-30"):
            verdict_of(rule, text)
        return
    verdict = verdict_of(rule, text)
    assert verdict.reward == pytest.approx(reward), verdict.parts
    part = verdict.parts[0]
    assert part.details["expected"]
    assert part.reason == "holds" or "expected" in part.reason


@pytest.mark.parametrize("name", kinds())
def test_kind_when_in_the_table_then_has_three_rows_and_both_outcomes(name: str) -> None:
    rewards = [reward for rule, _, reward in ROWS if rule.startswith(f"{name}:")]
    assert len(rewards) >= 3
    assert 1.0 in rewards
    assert 0.0 in rewards


@pytest.mark.parametrize("name", kinds())
def test_kind_when_the_text_is_blank_then_fails(name: str) -> None:
    example = kinds()[name].examples[0].replace("$reference", "some other text")
    for text in ("", " \n", "\u200b\u2060", "..."):
        assert verdict_of(example, text).reward == 0.0


@pytest.mark.parametrize(
    ("rule", "text", "seen"),
    [
        ("contains: cat", "the cat sat", "cat"),
        ("forbidden: [cat]", "the CAT sat", "CAT"),
        ("regex: 'c.t'", "the cat sat", "cat"),
        ("number: 42", "so 41", "41"),
        ("quantity: 5 km", "run 3 km now", "3 km"),
        ("date: 2024-05-31", "on 2024-05-30.", "2024-05-30"),
        ("order: [the, sat]", "x the cat sat", "the cat sat"),
        ("urls: {https: true}", "a http://b.org c", "http://b.org"),
    ],
)
def test_part_when_something_decided_then_its_span_shows_it(rule: str, text: str, seen: str) -> None:
    text = f"<think>no</think>{text}"
    start, end = verdict_of(rule, text).parts[0].details["span"]  # type: ignore[misc]
    assert text[start:end] == seen  # type: ignore[misc]


def test_part_when_code_is_in_two_places_then_no_span_is_claimed() -> None:
    text = "```\none\n```\nx\n```\ntwo\n```"
    part = verdict_of("contains: two\nin: code", text).parts[0]
    assert part.reward == 1.0
    assert "span" not in part.details


def test_regex_when_python_then_the_document_is_slow_and_lookaround_works() -> None:
    document = compile_document(parse("regex: {pattern: '(?<=a)b', engine: python}", "t"), "t")
    assert document.slow
    assert judge(document, Sample("ab")).reward == 1.0
    assert judge(document, Sample("cb")).reward == 0.0


@pytest.mark.parametrize(
    ("part", "reward"),
    [("final", 0.0), ("completion", 1.0), ("think", 1.0), ("answer", 0.0), ("code", 0.0), ("last_line", 0.0)],
)
def test_rule_when_it_looks_elsewhere_then_judges_that_part(part: str, reward: float) -> None:
    text = "<think>secret</think>\n<answer>one</answer>\n```\ntwo\n```\nthree"
    assert verdict_of(f"contains: secret\nin: {part}", text).reward == reward


def test_rule_when_its_part_is_missing_then_fails_even_under_not() -> None:
    verdict = verdict_of("not: {contains: x, in: answer}", "no tag here")
    assert verdict.reward == 0.0
    assert "no <answer>" in verdict.parts[1].reason


PIECES = (
    *(
        "<think>",
        "</think>",
        "<answer>",
        "</answer>",
        "```",
        "\n",
        "# A",
        "|a|b|",
        "|-|-|",
        "1,234.5",
        "5 km",
        "$5",
        "万",
    ),
    *(
        "2024-02-30",
        "31/12/2024",
        "[1]",
        "[^1]",
        "{",
        "}",
        '"a":1',
        "a,b",
        "\ud800",
        "\udc00",
        "İ",
        "ß",
        "ς",
        "é",
        "\u0301",
    ),
    *(
        "汉",
        "か",
        "ก",
        "한",
        "\u200b",
        "٣",
        "²",
        "😀",
        "http://a.b",
        "(Smith, 2020)",
        "**",
        "_",
        "`",
        "\x00",
        "%",
        "5e999",
    ),
    *("9" * 50, "Mr. ", "\u2028", "\r\n", "\\boxed{1}", "<|im_end|>", "final<|message|>", "cat", "Dear", " ", ".", "-"),
)


@cache
def _everywhere(example: str) -> Document:
    """Return one rule in every part of a completion."""
    rules = "".join(f"- {example}\n  in: {part}\n  name: {part}\n" for part in PARTS)
    return compile_document(parse(rules, "t"), "t")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@pytest.mark.parametrize("name", kinds())
def test_kind_when_the_text_is_odd_then_judges_every_part_of_it(name: str, text: str) -> None:
    for example in kinds()[name].examples:
        verdict = judge(_everywhere(example), Sample(text, "what is asked here", "some reference"))
        assert verdict.reward is not None
        pack_verdict(verdict)
        for part in verdict.parts:
            start, end = part.details.get("span", (0, 0))  # type: ignore[misc]
            assert 0 <= start <= end <= len(text)  # type: ignore[operator]
