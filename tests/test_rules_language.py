"""The language of rules: mistakes with their places, what depends on the row, where rules come from."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers import score
from verifiers.catalog.rules.combine import COMBINATORS
from verifiers.catalog.rules.compiling import MAX_RULES, compile_document
from verifiers.catalog.rules.marks import MAX_FILE_BYTES, MAX_PROBLEMS, RulesError, from_data, parse
from verifiers.catalog.rules.reading import field_types
from verifiers.catalog.rules.schema import language_schema
from verifiers.catalog.rules.table import kinds
from verifiers.catalog.rules.teacher import Options, RulesTeacher, load_rules
from verifiers.errors import InputError, MissingExtra
from verifiers.options import option_docs
from verifiers.types import Json, Sample, Status, Verdict

MISTAKES = [
    # (document, place, words of the message)
    ("rules:\n  - contans: a\n", "2:5", "Did you mean 'contains'?"),
    ("rules:\n  - contains: a\n    wieght: 2\n", "3:5", "Did you mean 'weight'?"),
    ("rule:\n  - contains: a\n", "1:1", "Did you mean 'rules'?"),
    ("rules:\n  - contains: {txt: a}\n", "2:16", "Did you mean 'text'?"),
    ("rules:\n  - contains: {text: a, case: kep}\n", "2:31", "Did you mean 'keep'?"),
    ("rules:\n  - contains: {match: word}\n", "2:15", "needs 'text'"),
    ("rules:\n  - contains:\n", "2:14", "needs 'text'"),
    ("rules:\n  - contains: ' '\n", "2:15", "no visible character"),
    ("rules:\n  - words: 5..3\n", "2:12", "min 5 is above max 3"),
    ("rules:\n  - words: many\n", "2:12", "bounds are a number"),
    ("rules:\n  - words: {count: {mn: 3}}\n", "2:20", "min and max"),
    ("rules:\n  - contains: a\n    words: 3\n", "3:5", "one kind"),
    ("rules:\n  - name: x\n", "2:5", "has no kind"),
    ("rules:\n  - hello\n", "2:5", "a rule is a mapping"),
    ("rules: []\n", "1:8", "at least one"),
    ("rules:\n  - all: []\n", "2:10", "all has no rules"),
    ("rules:\n  - not: [{contains: a}, {contains: b}]\n", "2:10", "not takes one rule"),
    ("rules:\n  - at_least: {of: [{contains: a}]}\n", "2:15", "needs 'n'"),
    ("rules:\n  - at_least: {n: 2, of: [{contains: a}]}\n", "2:19", "n is from 1 to 1"),
    ("rules:\n  - gate: {if: [{contains: a}]}\n", "2:11", "needs 'then'"),
    ("rules:\n  - contains: a\n    points: 3\n", "3:5", "in 'weighted' use weight"),
    ("combine: rubric\nrules:\n  - contains: a\n    weight: 3\n", "4:5", "counts points"),
    ("combine: rubric\nrules:\n  - contains: a\n    points: -3\n", "3:3", "points above 0"),
    ("rules:\n  - any:\n    - contains: a\n      critical: true\n", "4:7", "cannot be critical"),
    ("rules:\n  - contains: a\n    weight: -1\n", "3:13", "from 0 to"),
    ("rules:\n  - contains: a\n    weight: {x: 1}\n", "3:14", "a step is a whole number"),
    ("rules:\n  - contains: a\n    when: zh\n", "3:11", "when is a mapping"),
    ("rules:\n  - contains: a\n    when: {lang: {mx: 1}}\n", "3:19", "Did you mean 'max'?"),
    ("rules:\n  - contains: a\n    when: {n: {min: 3, max: 1}}\n", "3:15", "no row meets that"),
    ("rules:\n  - contains: a\n    in: anser\n", "3:9", "Did you mean 'answer'?"),
    ("rules:\n  - contains: a\n    critical: maybe\n", "3:15", "true or false"),
    ("rules:\n  - regex: '(?=a)b'\n", "2:12", "engine: python"),
    ("rules:\n  - regex: '(a'\n", "2:12", "not a regular expression"),
    ("rules:\n  - regex: {pattern: '(a', engine: python}\n", "2:12", "not a regular expression"),
    ("rules:\n  - json: {schema: {type: objekt}}\n", "2:11", "objekt"),
    ("rules:\n  - quantity: 5 foobars\n", "2:15", "no number with a unit"),
    ("rules:\n  - date: 31.5.2024\n", "2:11", "2024-05-31"),
    ("rules:\n  - language: english\n", "2:15", "ISO 639-1"),
    ("rules:\n  - number: {}\n", "2:13", "give value"),
    ("rules:\n  - markdown: headings\n", "2:15", "Did you mean 'heading'?"),
    ("rules:\n  - contains: a\n    name: x\n  - contains: b\n    name: x\n", "5:11", "two rules are called"),
    ("rules:\n  - contains: {text: $prompt, mach: word}\n", "2:31", "Did you mean 'match'?"),
    ("version: 2\nrules:\n  - contains: a\n", "1:10", "version is 1"),
    ("combine: best\nrules:\n  - contains: a\n", "1:10", "Allowed: weighted"),
    ("rules:\n  - contains: a\nexamples:\n  - txt: a\n    expect: 1\n", "4:5", "Did you mean 'text'?"),
    ("rules:\n  - contains: a\n  contains: b\n", "3:3", "not YAML"),
    ("rules:\n  - contains: 'a\n", "3:1", "not YAML"),
    ("rules:\n\t- contains: a\n", "2:1", "not YAML"),
    ("a: &x [1]\nb: *x\n", "1:4", "anchors and aliases"),
    ("rules: !!python/object/apply:os.system [ls]\n", "1:8", "tag"),
    ("rules: !mine [ls]\n", "1:8", "tag"),
    ("rules:\n  - contains: a\nrules: []\n", "3:1", "given twice"),
    ("rules:\n  - <<: {contains: a}\n", "2:5", "no kind or key '<<'"),
    ("? [a]\n: b\n", "1:3", "a key is a word"),
    ("rules: " + "[" * 60, "1:", "nested"),
    ("rules:\n  - contains: a\x00b\n", "2:16", "U+0000 is not allowed"),
    ("", "", "empty"),
    ("3", "1:1", "not '3'"),
]  # fmt: skip


def read(text: str) -> object:
    return compile_document(parse(text, "my.yaml"), "my.yaml")


@pytest.mark.parametrize(("text", "place", "words"), MISTAKES, ids=[repr(row[0])[:60] for row in MISTAKES])
def test_document_when_it_has_a_mistake_then_the_error_has_its_place(text: str, place: str, words: str) -> None:
    with pytest.raises(RulesError) as caught:
        read(text)
    said = str(caught.value)
    assert said.startswith(f"my.yaml:{place}" if place else "my.yaml")
    assert words in said
    assert str(pickle.loads(pickle.dumps(caught.value))) == said


def test_document_when_it_has_many_mistakes_then_all_are_named_in_order() -> None:
    with pytest.raises(RulesError) as caught:
        read("rules:\n  - words: x\n  - contans: a\n  - contains: {case: b}\n  - nothing\n")
    lines = str(caught.value).splitlines()
    assert [line.split(":")[1] for line in lines] == ["2", "3", "4", "4", "5"]
    assert len(caught.value.problems) == 5


def test_document_when_mistakes_are_endless_then_the_error_is_not() -> None:
    with pytest.raises(RulesError, match="and 50 more mistakes"):
        read("rules:\n" + "  - contans: a\n" * (MAX_PROBLEMS + 50))


def test_document_when_too_large_then_refused() -> None:
    with pytest.raises(RulesError, match="bytes"):
        parse("#" * (MAX_FILE_BYTES + 1), "my.yaml")
    with pytest.raises(RulesError, match=f"{MAX_RULES} rules"):
        read(json.dumps([{"contains": "a"}] * (MAX_RULES + 1)))
    deep: Json = "a"
    for _ in range(200):
        deep = {"not": deep}
    with pytest.raises(RulesError, match="nested"):
        from_data(deep)


def test_json_when_indented_by_tabs_with_escapes_then_read() -> None:
    rules = json.dumps({"rules": [{"contains": "a/\U0001f600"}]}, indent="\t").replace("/", "\\/")
    document = compile_document(parse(rules, "my.json"), "my.json")
    assert document.root.children[0].rule.text == ("a/\U0001f600",)  # type: ignore[union-attr]


SCRAPS = [
    "null",
    "{}",
    "-1",
    "1e309",
    ".nan",
    "'",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&a",
    "*a",
    "!!x ",
    "\n",
    "  ",
    "\x00",
]
SCRAPS += ["$reference", "..", "3..", "contains", "words", "weight", "when", "gate", "if", "2024-13-45", "<<", "?", "a"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SCRAPS), max_size=12).map("".join) | st.text(max_size=40))
def test_document_when_it_is_any_text_then_rules_or_an_error_that_names_the_file(text: str) -> None:
    assert mistakes_of(text).startswith("my.yaml")


def mistakes_of(text: str) -> str:
    try:
        read(text)
    except RulesError as error:
        return str(error)
    return "my.yaml: none"


def row(completion: str, reference: Json = None, meta: Mapping[str, Json] | None = None, prompt: str = "") -> Verdict:
    return RulesTeacher.build(Options()).score([Sample(completion, prompt, reference, meta or {})])[0]


@pytest.mark.parametrize(
    "rules",
    [
        {"rules": [{"contains": "a"}]},
        [{"contains": "a"}],
        {"contains": "a"},
        {"rules": {"contains": "a"}},
        "contains: a",
        "- contains: a",
        '{"rules": [{"contains": "a"}]}',
        [{"all": [{"contains": {"text": ["a"]}}]}],
    ],
)
def test_rules_when_in_the_row_then_every_form_is_read(rules: Json) -> None:
    assert row("a b", rules).reward == row("a b", None, {"rules": rules}).reward == 1.0
    assert row("b", rules).reward == 0.0


def test_rules_when_bad_in_one_row_then_the_others_are_scored() -> None:
    good: Json = [{"contains": "a"}]
    samples = [Sample("a", reference=rules) for rules in (good, [{"contans": "a"}], "x: *y", 3, None, good)]
    verdicts = score(samples, "rules")
    assert [verdict.reward for verdict in verdicts] == [1.0, None, None, None, None, 1.0]
    assert all(verdict.status is Status.BAD_REFERENCE for verdict in verdicts[1:5])
    assert "reference: [0].contans" in verdicts[1].reason
    assert verdicts[2].reason.startswith("reference:1:4:")


@pytest.mark.parametrize(
    ("when", "meta", "applies"),
    [
        ({"lang": "zh"}, {"lang": "zh"}, True),
        ({"lang": "zh"}, {"lang": "en"}, False),
        ({"lang": "zh"}, {}, False),
        ({"lang": ["zh", "en"]}, {"lang": "en"}, True),
        ({"lang": {"not": "zh"}}, {"lang": "en"}, True),
        ({"lang": {"not": "zh"}}, {"lang": "zh"}, False),
        ({"lang": {"in": ["zh"]}}, {"lang": "zh"}, True),
        ({"level": {"min": 3}}, {"level": 3}, True),
        ({"level": {"min": 3, "max": 5}}, {"level": 6}, False),
        ({"level": {"min": 3}}, {"level": "high"}, False),
        ({"level": 3}, {"level": "3"}, True),
        ({"flag": True}, {"flag": True}, True),
        ({"flag": True}, {"flag": 1}, False),
        ({"a": {"exists": True}}, {"a": None}, True),
        ({"a": {"exists": False}}, {}, True),
        ({"a": {"exists": False}}, {"a": 1}, False),
        ({"info.kind": "x"}, {"info": {"kind": "x"}}, True),
        ({"lang": "zh", "level": 1}, {"lang": "zh", "level": 2}, False),
    ],
)
def test_when_then_the_rule_applies_only_to_such_rows(when: Json, meta: dict[str, Json], applies: bool) -> None:
    verdict = row("a", [{"contains": "zzz", "when": when}, {"contains": "a"}], meta)
    assert verdict.reward == (0.5 if applies else 1.0)
    assert (verdict.parts[0].reward is None) is not applies


def test_when_no_rule_applies_then_not_judged() -> None:
    verdict = row("a", [{"contains": "a", "when": {"x": 1}}])
    assert verdict.reward is None
    assert verdict.status is Status.BAD_REFERENCE


@pytest.mark.parametrize(("step", "reward"), [(0, 0.5), (100, 0.8), (200, 1.0), (999, 1.0), (150, 1 / 1.125)])
def test_weight_when_it_changes_with_the_step_then_follows_the_lines(step: float, reward: float) -> None:
    rules: Json = [{"contains": "zzz", "weight": {"0": 1, "100": 0.25, "200": 0}}, {"contains": "a"}]
    assert row("a", rules, {"step": step}).reward == pytest.approx(reward)


def test_weight_when_no_step_is_known_then_not_judged_unless_set() -> None:
    rules: Json = [{"contains": "a", "weight": {"0": 1, "9": 2}}]
    assert "meta.step" in row("a", rules).reason
    assert row("a", rules).reward is None
    assert score([Sample("a", reference=rules)], "rules", options={"step": 3})[0].reward == 1.0


@pytest.mark.parametrize(
    ("rules", "completion", "reward"),
    [
        ("contains: $meta.keywords", "cat and dog", 1.0),
        ("contains: $meta.keywords", "cat", 0.0),
        ("contains: {text: $meta.info.word}", "deep", 1.0),
        ("words: $meta.count", "one two", 1.0),
        ("similarity: {to: $prompt, how: copied, max: 0.1}", "say the whole prompt please again", 0.0),
        ("contains: $meta.missing", "x", None),
        ("contains: $meta.nothing", "x", None),
        ("words: $meta.keywords", "x", None),
        ("contains: $reference", "x", None),
        ("contains: $metadata", "only $metadata", 1.0),
    ],
)
def test_rule_when_it_takes_values_from_the_row_then_each_row_has_its_own(
    rules: str, completion: str, reward: float | None
) -> None:
    meta: dict[str, Json] = {"rules": rules, "keywords": ["cat", "dog"], "count": 2, "nothing": None}
    meta["info"] = {"word": "deep"}
    verdict = row(completion, None, meta, "say the whole prompt please again")
    assert verdict.reward == reward
    assert verdict.reward is not None or verdict.status is Status.BAD_REFERENCE


def test_file_when_named_then_the_reference_is_a_value(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("number: $reference\n")
    samples = [Sample("so 42", reference=42), Sample("so 41", reference=42), Sample("so 42", reference="x")]
    verdicts = score(samples, "rules", options={"rules": str(file)})
    assert [verdict.reward for verdict in verdicts] == [1.0, 0.0, None]


def test_file_when_unreadable_or_bad_then_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.yaml"):
        load_rules(tmp_path / "none.yaml")
    file = tmp_path / "bad.yaml"
    file.write_bytes(b"contains: \xff")
    with pytest.raises(RulesError, match="UTF-8"):
        load_rules(file)
    file.write_text("contans: a")
    with pytest.raises(RulesError, match=r"bad\.yaml:1:1"):
        score([Sample("a")], "rules", options={"rules": str(file)})


def test_regex_when_catastrophic_then_ends_at_the_deadline_and_others_are_scored() -> None:
    slow: Json = [{"regex": {"pattern": "(?<!x)(a+)+$", "engine": "python"}}]
    samples = [Sample("a" * 64 + "!", reference=slow), Sample("aaa", reference=slow), Sample("b", reference=slow)]
    verdicts = score(samples, "rules", deadline_s=1.0)
    assert [verdict.reward for verdict in verdicts] == [None, 1.0, 0.0]
    assert verdicts[0].status is Status.DEADLINE_EXCEEDED
    assert "1 s" in verdicts[0].reason


def test_schema_when_generated_then_accepts_every_example_and_refuses_slips() -> None:
    validator_for = pytest.importorskip("jsonschema_rs").validator_for
    validator = validator_for(language_schema(option_docs))
    examples = [text for kind in kinds().values() for text in kind.examples]
    examples += [each.example for each in COMBINATORS.values()]
    for text in examples:
        data = json.loads(json.dumps(yaml.safe_load(text), default=str))
        assert validator.is_valid(data), text
        assert validator.is_valid({"rules": [data], "combine": "all", "version": 1}), text
    for bad in ({"contans": "a"}, {"contains": {"txt": "a"}}, {"contains": "a", "words": 3}, {"rules": []}, 3):
        assert not validator.is_valid(bad), bad


def test_every_field_when_documented_then_has_a_text() -> None:
    for kind in kinds().values():
        docs = option_docs(kind.cls)
        assert kind.cls.__doc__, kind.name
        for field in field_types(kind.cls):
            assert docs.get(field), f"{kind.name}.{field}"


@pytest.mark.parametrize(
    ("rules", "reads"),
    [
        ("contains: a", ("completion",)),
        ("- contains: a\n  when: {lang: zh}", ("completion", "meta")),
        ("- contains: a\n  weight: {0: 1, 9: 2}", ("completion", "meta")),
        ("- all: [{contains: $reference}]", ("completion", "reference", "prompt", "meta")),
    ],
)
def test_file_when_it_reads_little_of_a_row_then_the_teacher_says_so(
    rules: str, reads: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "my.yaml"
    file.write_text(rules)
    teacher = RulesTeacher.build(Options(rules=str(file)))
    assert getattr(teacher, "reads") == reads  # noqa: B009 (a class variable of the base)
    rows = [Sample("a b", reference="a", meta={"lang": lang, "step": 4, "junk": lang}) for lang in ("zh", "en", "zh")]
    assert [verdict.reward for verdict in score(rows, "rules", options={"rules": str(file)})] == [
        verdict.reward for verdict in teacher.score(rows)
    ]


def test_file_when_it_is_edited_then_the_next_call_reads_it_anew(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("rules:\n  - contains: a\n")
    rows = [Sample("a"), Sample("b")]
    assert [verdict.reward for verdict in score(rows, "rules", rules=str(file))] == [1.0, 0.0]
    file.write_text("rules:\n  - contains: b\n")
    assert [verdict.reward for verdict in score(rows, "rules", rules=str(file))] == [0.0, 1.0]
    file.unlink()
    with pytest.raises(InputError, match=r"my\.yaml"):
        score(rows, "rules", rules=str(file))


def test_prompt_when_chat_messages_then_the_rules_read_their_text(tmp_path: Path) -> None:
    file = tmp_path / "my.yaml"
    file.write_text("contains: $prompt")
    prompt = [{"role": "user", "content": [{"type": "text", "text": "cat"}, {"type": "image_url"}]}]
    completion = [{"role": "assistant", "content": "a cat"}]
    assert score([Sample(completion, prompt)], "rules", options={"rules": str(file)})[0].reward == 1.0


@pytest.mark.parametrize(("module", "rule"), [("re2", "regex: 'abc+'"), ("pycld2", "language: en")])
def test_rule_when_its_package_is_absent_then_not_judged_and_pip_is_named(
    module: str, rule: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # type: ignore[arg-type]
    verdicts = score([Sample("a", reference=rule), Sample("a", reference="contains: a")], "rules")
    assert [verdict.status for verdict in verdicts] == [Status.UNAVAILABLE, Status.CORRECT]
    assert "pip install 'grpo-teachers[rules]'" in verdicts[0].reason
    file = tmp_path / "my.yaml"
    file.write_text(rule)
    with pytest.raises(MissingExtra, match="grpo-teachers"):
        score([Sample("a")], "rules", options={"rules": str(file)})
