"""Combinators against a reference evaluator, and lint against the evaluation, on random rules and texts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.catalog.rules.compiling import compile_document
from verifiers.catalog.rules.judge import judge
from verifiers.catalog.rules.lint import lint, outlook
from verifiers.catalog.rules.marks import from_data, parse
from verifiers.catalog.rules.view import View
from verifiers.types import Json, Sample, Status

WORDS = ("cat", "dog", "cow", "yes", "no", "一")
TEXTS = st.lists(st.sampled_from([*WORDS, "x1", ".", "\n\n", "!", "# a", "CAT"]), min_size=1, max_size=12).map(" ".join)

COUNTS = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: f"{min(pair)}..{max(pair)}")
OPEN = st.sampled_from(["0..", "1..", "..0", "..3", "2.."])
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(WORDS).map(lambda word: {"contains": word}),
    st.sampled_from(WORDS).map(lambda word: {"forbidden": word}),
    st.builds(
        lambda kind, count: {kind: count},
        st.sampled_from(["words", "chars", "lines", "sentences", "paragraphs", "unique_words", "tokens"]),
        COUNTS | OPEN,
    ),
    st.builds(
        lambda words: {"contains": {"text": words, "partial": True}},
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=3),
    ),
    st.sampled_from([{"regex": ".*"}, {"regex": "c.t"}, {"regex": "(x)?"}, {"script": {"name": "latin", "min": 0}}]),
    st.sampled_from([{"markdown": {"element": "heading", "count": "0.."}}, {"markdown": "heading"}]),
)


def _rules(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(st.builds(_with_weight, children, st.integers(0, 3)), min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda kind, rules: {kind: rules}, st.sampled_from(["all", "any", "weighted", "product"]), several),
        children.map(lambda rule: {"not": rule}),
        st.builds(
            lambda rules, n, partial: {"at_least": {"n": min(n, len(rules)), "of": rules, "partial": partial}},
            several,
            st.integers(1, 3),
            st.booleans(),
        ),
        st.builds(
            lambda a, b, other: {"gate": {"if": a, "then": b, "otherwise": other}},
            several,
            several,
            st.sampled_from([0, 0.5]),
        ),
        st.builds(
            lambda rules, points: {"rubric": _with_points(rules, points)},
            several,
            st.lists(st.integers(-4, 4), min_size=3, max_size=3),
        ),
    )


def _with_weight(rule: dict[str, Json], weight: int) -> dict[str, Json]:
    return {**rule, "weight": weight}


def _with_points(rules: list[dict[str, Json]], points: list[int]) -> list[dict[str, Json]]:
    plain = [{key: value for key, value in rule.items() if key != "weight"} for rule in rules]
    return [{**rule, "points": 5 if index == 0 else points[index]} for index, rule in enumerate(plain)]


RULES = st.recursive(LEAVES, _rules, max_leaves=8)


def leaf_reward(rule: dict[str, Any], text: str) -> float:
    (reward,) = [part.reward for part in judge(compile_document(from_data([rule]), "t"), Sample(text)).parts]
    assert reward is not None
    return reward


def expected(rule: dict[str, Any], text: str) -> float:
    """Evaluate a rule naively, from the documents' words."""
    kind = next(key for key in rule if key not in ("weight", "points"))
    value = rule[kind]
    if kind == "not":
        return 1 - expected(value, text)
    if kind in ("all", "any", "product"):
        rewards = [expected(each, text) for each in value]
        product = 1.0
        for reward in rewards:
            product *= reward
        return {"all": min(rewards), "any": max(rewards), "product": product}[kind]
    if kind == "weighted":
        return mean(value, text)
    if kind == "at_least":
        have = sum(expected(each, text) > 1 - 1e-9 for each in value["of"])
        return min(1.0, have / value["n"]) if value["partial"] else float(have >= value["n"])
    if kind == "gate":
        is_open = all(expected(each, text) > 1 - 1e-9 for each in value["if"])
        return mean(value["then"], text) if is_open else value["otherwise"]
    if kind == "rubric":
        best = sum(each["points"] for each in value if each["points"] > 0)
        return max(0.0, min(1.0, sum(each["points"] * expected(each, text) for each in value) / best))
    return leaf_reward({kind: value}, text)


def mean(rules: list[dict[str, Any]], text: str) -> float:
    total = sum(each["weight"] for each in rules)
    return sum(each["weight"] * expected(each, text) for each in rules) / total if total else 0.0


def is_blank(text: str) -> bool:
    return re.search(r"[^\W_]", text) is None


@settings(max_examples=150, deadline=None)
@given(RULES, TEXTS)
def test_combinators_when_nested_at_random_then_equal_the_reference_evaluator(rule: dict[str, Any], text: str) -> None:
    document = compile_document(from_data([rule]), "t")
    verdict = judge(document, Sample(text))
    assert verdict.reward == pytest.approx(0.0 if is_blank(text) else expected(rule, text), abs=1e-9)
    assert len({part.name for part in verdict.parts}) == len(verdict.parts) == len(document.root.walk()) - 1


def test_lint_when_what_is_behind_a_gate_weighs_nothing_then_is_not_certain_that_it_passes():
    gate = {"gate": {"if": [{"regex": ".*"}], "then": [{"regex": ".*", "weight": 0}]}}
    for rule, reward in ((gate, 0.0), ({"not": gate}, 1.0)):
        document = compile_document(from_data([rule]), "t")
        assert judge(document, Sample("cat")).reward == reward
        assert outlook(document.root.children[0]) is not (not reward)


@settings(max_examples=150, deadline=None)
@given(RULES, st.lists(TEXTS, min_size=1, max_size=5))
def test_lint_when_it_is_certain_then_evaluation_agrees(rule: dict[str, Any], texts: list[str]) -> None:
    document = compile_document(from_data([rule]), "t")
    looks = {entry.name: outlook(entry) for entry in document.root.walk() if entry.name}
    for text in texts:
        if not is_blank(text):
            for part in judge(document, Sample(text)).parts:
                if looks[part.name] is not None:
                    assert part.reward == float(bool(looks[part.name])), (part, text)


@settings(max_examples=150, deadline=None)
@given(st.lists(LEAVES, min_size=2, max_size=4), st.lists(TEXTS, min_size=1, max_size=5))
def test_lint_when_it_finds_a_conflict_then_no_text_gets_full_marks(rules: list[Any], texts: list[str]) -> None:
    document = compile_document(from_data({"combine": "all", "rules": rules}), "t")
    if any("can never hold together" in each.text for each in lint(document)):
        assert all(judge(document, Sample(text)).reward < 1 for text in texts)  # type: ignore[operator]


@settings(max_examples=100, deadline=None)
@given(RULES, st.text(max_size=60))
def test_judge_when_text_is_arbitrary_then_reward_is_bounded_and_repeats(rule: dict[str, Any], text: str) -> None:
    document = compile_document(from_data([rule]), "t")
    verdict = judge(document, Sample(text))
    assert verdict.reward is not None
    assert 0.0 <= verdict.reward <= 1.0
    assert judge(document, Sample(text)) == verdict


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_view_when_text_is_arbitrary_then_folding_keeps_its_length(one: str, two: str) -> None:
    view = View(one + two)
    assert len(view.folded) == len(view.text)
    assert "\u200b" not in view.text


def reward(rules: str, text: str, **more: Any) -> float | None:
    return judge(compile_document(parse(rules, "t.yaml"), "t.yaml"), Sample(text, **more)).reward


def test_critical_when_it_fails_anywhere_then_everything_is_zero() -> None:
    rules = "- contains: a\n- all: [{contains: b, critical: true}]\n  weight: 0.1\n"
    assert reward(rules, "a b") == 1.0
    assert reward(rules, "a") == 0.0
    verdict = judge(compile_document(parse(rules, "t"), "t"), Sample("a"))
    assert verdict.status is Status.INCORRECT
    assert "all/contains" in verdict.reason


def test_critical_when_its_row_is_exempt_then_it_does_not_bite() -> None:
    assert reward("- contains: a\n- contains: b\n  critical: true\n  when: {lang: zh}\n", "a") == 1.0


def test_empty_when_judged_by_the_rules_then_they_decide() -> None:
    assert reward("rules: [{forbidden: a}]", "") == 0.0
    assert reward("empty: judge\nrules: [{forbidden: a}]", "") == 1.0
    assert reward("empty: judge\nrules: [{not: {contains: a}}]", "") == 1.0


def test_thinking_when_it_never_ends_then_nothing_is_paid() -> None:
    for rules in ("forbidden: a", "empty: judge\nrules: [{forbidden: a}]", "not: {contains: a}", "words: 0.."):
        assert reward(rules, "<think>so so so") == 0.0


def test_names_when_nested_and_repeated_then_parts_have_paths() -> None:
    rules = "- contains: a\n- contains: b\n- name: both\n  all: [{contains: a}, {words: 1.., name: n}]\n"
    parts = judge(compile_document(parse(rules, "t"), "t"), Sample("a")).parts
    assert [part.name for part in parts] == ["contains", "contains 2", "both", "both/contains", "both/n"]
    assert [part.reward for part in parts] == [1.0, 0.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("rules", "words", "level"),
    [
        ("words: 0..", "passes whatever the text", "warning"),
        ("- not: {words: 0..}", "fails whatever the text", "error"),
        ("- all: [{words: 100..}, {chars: ..50}]", "can never hold together", "error"),
        ("- words: 100..\n- words: ..50", "can never hold together", "error"),
        ("- sentences: 9..\n- words: ..3", "can never hold together", "error"),
        ("- contains: sorry\n- forbidden: sorry", "can never hold together", "error"),
        ("- contains: I am sorry\n- forbidden: Sorry", "can never hold together", "error"),
        ("- contains: a\n- contains: a", "the same as", "warning"),
        ("- any: [{contains: a, weight: 2}, {contains: b}]", "weight is not used", "warning"),
        ("- gate: {if: [{contains: a, weight: 2}], then: [{contains: b}]}", "weight is not used", "warning"),
        ("- contains: a\n  weight: 0\n- contains: b", "its weight is 0", "warning"),
        ("- contains: a\n  weight: 3", "its weight changes nothing", "hint"),
        ("- gate: {if: [{words: 0..}], then: [{contains: b}]}", "always open", "warning"),
        ("- gate: {if: [{not: {words: 0..}}], then: [{contains: b}]}", "never opens", "error"),
        ("- any: [{words: 0..}, {contains: b}]", "the others do nothing", "warning"),
        ("- forbidden: [a, b]", "only forbid", "warning"),
        ("- words: 50", "hard to learn", "hint"),
        ("- regex: '^a|b$'", "bind to one alternative", "hint"),
        ("- regex: '(a|)'", "empty alternative", "hint"),
        ("- regex: '[A-z]+'", "[A-z]", "hint"),
        ("- regex: 'see who.int or site.com'", "unescaped dot", "hint"),
        ("- regex: '.*a'", "changes nothing", "hint"),
        ("- regex: {pattern: '(a+)+b(?=c)', engine: python}", "nested repetition", "hint"),
        ("- regex: {pattern: 'ab', engine: python}", "nothing here needs", "hint"),
        ("- contains: a", "no examples", "hint"),
        ("empty: judge\nrules: [{contains: a}]", "empty completion", "hint"),
    ],
)
def test_lint_when_rules_have_this_slip_then_it_is_found(rules: str, words: str, level: str) -> None:
    found = lint(compile_document(parse(rules, "t.yaml"), "t.yaml"))
    assert [each.level for each in found if words in each.text][:1] == [level], [each.text for each in found]


@pytest.mark.parametrize(
    "rules",
    [
        "- words: 5..\n- chars: ..500",
        "- contains: cat\n- forbidden: concatenate",
        "- contains: I am sorry\n- forbidden: {text: Sorry, case: keep}",
        "- contains: {text: sorry, times: 0}\n- forbidden: sorry",
        "- words: {count: 100.., slack: 1}\n- words: ..50",
        "- any: [{words: 100..}, {words: ..50}]",
        "- words: 100..\n- words: ..50\n  in: think",
        "- words: 100..\n- words: ..50\n  when: {lang: zh}",
        "- regex: 'a\\.com'",
        "- regex: '^(?:a|b)$'",
    ],
)
def test_lint_when_rules_can_hold_then_no_error(rules: str) -> None:
    found = lint(compile_document(parse(rules, "t.yaml"), "t.yaml"))
    assert [each.text for each in found if each.level != "hint"] == []
