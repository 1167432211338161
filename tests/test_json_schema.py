"""The json_schema teacher and the JSON reader below it: what is found, what is refused, which violations are told."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifiers.catalog.json_schema import JsonSchemaTeacher
from verifiers.json_values import JsonFault, Policy, find_json, is_deep, parse_json, pointer, read_json
from verifiers.options import build_options
from verifiers.types import Sample, Status

POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer", "minimum": 0}, "tag": {"type": "string", "pattern": "^[a-z]+$"}},
    "required": ["x"],
    "additionalProperties": False,
}


def verdict(completion, reference=POINT, **options):
    teacher = JsonSchemaTeacher.build(build_options(JsonSchemaTeacher, options))
    return teacher.judge(Sample(completion, reference=reference))


def reward(completion, reference=POINT, **options):
    return verdict(completion, reference, **options).reward


@pytest.mark.parametrize(
    "completion",
    [
        '{"x": 1}',
        ' \n{"x": 1}\n',
        '{"x": 1, "tag": "ab"}',
        '{"x": 1.0}',
        '```json\n{"x": 1}\n```',
        '```\n{"x": 1}\n```',
        'Here:\n```json\n{"x": 1}\n```\nThat is all [1].',
        '```python\nprint({"x": 2})\n```\n```json\n{"x": 1}\n```',
        '<answer>{"x": 1}</answer>',
        '<answer>\n```json\n{"x": 1}\n```\n</answer>',
        '<think>{"x": "no"}</think>{"x": 1}',
        'The point is {"x": 1}, as {said}.',
        'See [1] and [2]: {"x": 1}',
        [{"role": "assistant", "content": '{"x": 1}'}],
        [{"role": "assistant", "content": [{"type": "text", "text": '{"x": 1}'}, {"type": "image_url"}]}],
    ],
    ids=str,
)
def test_json_when_it_holds_the_schema_then_paid(completion):
    assert reward(completion) == 1.0


@pytest.mark.parametrize(
    ("completion", "status"),
    [
        ("", Status.UNPARSABLE),
        ("no JSON", Status.UNPARSABLE),
        ("{x: 1}", Status.UNPARSABLE),
        ("{'x': 1}", Status.UNPARSABLE),
        ('{"x": 1', Status.UNPARSABLE),
        ('{"x": 1,}', Status.UNPARSABLE),
        ('{"x": 01}', Status.UNPARSABLE),
        ('{"x": 1} // done', Status.CORRECT),
        ('{"x": 1}}', Status.CORRECT),
        ('<think>{"x": 1}', Status.UNPARSABLE),
        ('<think>{"x": 1}</think>', Status.UNPARSABLE),
        ('{"x": "1"}', Status.INCORRECT),
        ('{"x": true}', Status.INCORRECT),
        ('{"x": null}', Status.INCORRECT),
        ('{"x": -1}', Status.INCORRECT),
        ('{"x": 1.5}', Status.INCORRECT),
        ('{"x": 1, "y": 2}', Status.INCORRECT),
        ('{"tag": "ab"}', Status.INCORRECT),
        ('{"x": 1, "tag": "AB"}', Status.INCORRECT),
        ('[{"x": 1}]', Status.INCORRECT),
        ('"x"', Status.INCORRECT),
        ('{"x": 1} {"x": 2}', Status.INCORRECT),
        ('{"x": 1}\n{"x": 1}', Status.INCORRECT),
        ('<answer>{"x": 1}</answer><answer>{"x": 2}</answer>', Status.INCORRECT),
        ('```json\n{"x": 1}\n```\n```json\n{"x": 2}\n```', Status.INCORRECT),
        ('<answer>I think {"x": 1}</answer>', Status.UNPARSABLE),
        ('{"x": 1, "x": 1}', Status.INCORRECT),
        ('{"x": NaN}', Status.INCORRECT),
        ('{"x": Infinity}', Status.INCORRECT),
        ('{"x": 1e999}', Status.LIMIT_EXCEEDED),
        ('{"x": ' + "9" * 5000 + "}", Status.LIMIT_EXCEEDED),
        ('{"x": ' * 200 + "1" + "}" * 200, Status.LIMIT_EXCEEDED),
        ("[" * 100_000, Status.LIMIT_EXCEEDED),
        ('{"x": 1}' + " a" * 200_000, Status.LIMIT_EXCEEDED),
        ('{"tag": "\\ud800", "x": 1}', Status.INCORRECT),
    ],
    ids=lambda value: str(value)[:40],
)
def test_json_when_not_as_asked_then_its_status_says_so(completion, status):
    found = verdict(completion)
    assert found.status is status
    assert found.reward == float(status is Status.CORRECT)


@pytest.mark.parametrize(
    ("options", "completion", "right"),
    [
        ({"prose": "refuse"}, '{"x": 1}', 1.0),
        ({"prose": "refuse"}, '```json\n{"x": 1}\n```', 1.0),
        ({"prose": "refuse"}, '<think>hm</think><answer>{"x": 1}</answer>', 1.0),
        ({"prose": "refuse"}, 'So {"x": 1}', 0.0),
        ({"prose": "refuse"}, '{"x": 1} Done.', 0.0),
        ({"prose": "refuse"}, 'So\n```json\n{"x": 1}\n```', 0.0),
        ({"wrapping": "bare"}, '```json\n{"x": 1}\n```', 1.0),
        ({"wrapping": "bare", "prose": "refuse"}, '```json\n{"x": 1}\n```', 0.0),
        ({"wrapping": "fenced"}, '```json\n{"x": 1}\n```', 1.0),
        ({"wrapping": "fenced"}, '{"x": 1}', 0.0),
        ({"wrapping": "tagged"}, '<answer>{"x": 1}</answer>', 1.0),
        ({"wrapping": "tagged"}, '{"x": 1}', 0.0),
        ({"wrapping": "tagged", "tag": "json"}, '<json>{"x": 1}</json>', 1.0),
        ({"several": "first"}, '{"x": 1} {"x": -2}', 1.0),
        ({"several": "last"}, '{"x": 1} {"x": -2}', 0.0),
        ({"several": "last"}, '<answer>no</answer><answer>{"x": 1}</answer>', 1.0),
        ({"duplicate_keys": "last"}, '{"x": -1, "x": 1}', 1.0),
        ({"duplicate_keys": "last"}, '{"x": 1, "x": -1}', 0.0),
    ],
    ids=str,
)
def test_option_when_set_then_decides(options, completion, right):
    assert reward(completion, **options) == right


@pytest.mark.parametrize(
    ("value", "expected", "numbers", "right"),
    [
        ("1", 1, "value", 1.0),
        ("1.0", 1, "value", 1.0),
        ("1.0", 1, "exact", 0.0),
        ("true", 1, "value", 0.0),
        ("1", True, "value", 0.0),
        ('"1"', 1, "value", 0.0),
        ("0", False, "value", 0.0),
        ("null", None, "value", 1.0),
        ("null", 0, "value", 0.0),
        ("[]", {}, "value", 0.0),
        ("[1, 2]", [2, 1], "value", 0.0),
        ("[1]", [1, 2], "value", 0.0),
        ('{"a": 1, "b": 2}', {"b": 2, "a": 1}, "value", 1.0),
        ('{"a": 1}', {"a": 1, "b": None}, "value", 0.0),
        ('{"a": 1, "b": null}', {"a": 1}, "value", 0.0),
        ("9007199254740993", 9007199254740992.0, "value", 0.0),
    ],
)
def test_expected_value_when_compared_then_types_are_exact(value, expected, numbers, right):
    assert reward(value, {"expected": expected}, numbers=numbers) == right


@pytest.mark.parametrize(
    "reference",
    [
        None,
        3,
        [],
        {},
        "{",
        "[1]",
        {"x": 1},
        {"schema": 3},
        {"schema": {}},
        {"type": "objekt"},
        {"type": "object", "properties": 3},
        {"$ref": "https://example.com/s.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "#/$defs/none"},
        {"$schema": "https://example.com/dialect", "type": "object"},
        {"type": "string", "pattern": "(?=a)b"},
        {"type": "string", "pattern": r"(a)\1"},
        {"type": "string", "pattern": "("},
        {"type": "string", "pattern": "(a{1000}){1000}"},
        {"schema": {"type": "string"}, "expected": 1},
    ],
    ids=str,
)
def test_reference_when_not_a_sound_schema_then_not_judged(reference):
    for completion in ('{"x": 1}', "nothing"):
        assert verdict(completion, reference).status is Status.BAD_REFERENCE


@pytest.mark.parametrize(
    ("reference", "completion"),
    [
        (json.dumps(POINT), '{"x": 1}'),
        ({"type": "json_schema", "json_schema": {"name": "point", "strict": True, "schema": POINT}}, '{"x": 1}'),
        ({"$defs": {"n": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/n"}}}, '{"x": 1}'),
        ({"type": "string"}, '"text"'),
        ({"type": "string"}, '<answer>"text"</answer>'),
        ({"type": "array", "items": {"type": "integer"}}, "The list is [1, 2, 3]."),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"}, '{"x": 1}'),
        ({"type": "string", "format": "date"}, '"2024-02-29"'),
    ],
    ids=str,
)
def test_reference_when_in_any_allowed_form_then_read(reference, completion):
    assert reward(completion, reference) == 1.0


def test_format_when_ignored_then_not_checked():
    assert reward('"2023-02-29"', {"type": "string", "format": "date"}) == 0.0
    assert reward('"2023-02-29"', {"type": "string", "format": "date"}, formats=False) == 1.0


def test_pattern_when_catastrophic_for_a_backtracker_then_judged():
    schema = {"type": "string", "pattern": "^(a+)+$"}
    assert reward(json.dumps("a" * 5000 + "!"), schema) == 0.0
    assert reward(json.dumps("a" * 5000), schema) == 1.0


def test_parts_when_several_violations_then_each_has_its_pointer():
    found = verdict('{"x": -1, "tag": "A", "a/b": 1}')
    assert {part.details["pointer"] for part in found.parts} == {"/x", "/tag", ""}
    assert {part.details["keyword"] for part in found.parts} == {"minimum", "pattern", "additionalProperties"}
    assert len({part.name for part in found.parts}) == 3


def test_parts_when_expected_differs_then_each_place_is_told():
    found = verdict('{"a": [1, {"b": 2}], "d": 0}', {"expected": {"a": [1, {"b": 3}], "c": 0}})
    assert [part.details["pointer"] for part in found.parts] == ["/a/1/b", "/c", "/d"]


def test_parts_when_value_is_long_then_violation_is_told_in_short():
    found = verdict(json.dumps(["a"] * 10_000))
    assert found.status is Status.INCORRECT
    assert "too long" in found.reason


def test_quick_when_the_schema_refers_to_itself_then_left_to_a_worker():
    teacher = JsonSchemaTeacher.build()
    tree = {"$defs": {"t": {"properties": {"a": {"$ref": "#/$defs/t"}}}}, "$ref": "#/$defs/t"}
    assert teacher.quick(Sample("{}", reference=tree)) is None
    assert teacher.quick(Sample("{}", reference=POINT)) is not None
    assert teacher.judge(Sample('{"a": {"a": {}}}', reference=tree)).reward == 1.0


@pytest.mark.parametrize(
    "unit", ["[", "{", '{"', '{"a":', "[1,", '"', "{} ", '["a ', "<answer>", "```json\n", "\\", '{"a" ']
)
def test_hostile_when_scored_then_judged_zero(unit):
    for size in (1_000, 190_000, 1_000_000):
        assert reward(unit * (size // len(unit))) == 0.0


# Marks such as <|endoftext|> end a completion wherever they stand, in a string of its JSON too.
TEXTS = st.text().filter(lambda text: "<" not in text)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(VALUES)
def test_json_when_written_then_equal_to_itself_everywhere(value):
    text = json.dumps(value)
    assert parse_json(text) == value
    for completion in (text, f"```json\n{text}\n```", f"<answer>{text}</answer>"):
        if "</answer>" not in text:
            assert reward(completion, {"expected": value}, numbers="exact") == 1.0


@given(VALUES, VALUES)
def test_json_when_values_differ_then_not_paid(value, other):
    one, two = (json.dumps(each, sort_keys=True).replace("-0.0", "0.0") for each in (value, other))
    assert reward(json.dumps(value), {"expected": other}, numbers="exact") == float(one == two)


@given(st.text(alphabet='{}[]",:1ae.- \n\\', max_size=60))
def test_find_json_when_any_text_then_values_lie_where_told(text):
    try:
        found = find_json(text)
    except JsonFault:
        return
    for value, start, end in found:
        assert parse_json(text[start:end]) == value
    assert all(one.end <= two.start for one, two in pairwise(found))


@given(st.text(alphabet='{}[]",:1aeEN.- \n\\', max_size=40))
def test_parse_json_when_any_text_then_agrees_with_the_standard_library(text):
    try:
        wanted = json.loads(text, object_pairs_hook=no_twins, parse_constant=refuse, parse_float=finite)
    except ValueError:
        with pytest.raises(JsonFault):
            parse_json(text)
    else:
        assert parse_json(text) == wanted


def no_twins(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("twice")
    return dict(pairs)


def refuse(name):
    raise ValueError(name)


def finite(digits):
    return float(digits) if abs(float(digits)) != float("inf") else refuse(digits)


def test_read_json_when_text_follows_then_end_is_told():
    assert read_json('x {"a": 1} y', 2).end == 10
    with pytest.raises(JsonFault, match="line 1, column 3"):
        read_json("{ a", 0)


def test_policy_when_constants_are_allowed_then_read():
    assert parse_json("[Infinity]", Policy(constants=True)) == [float("inf")]


def test_pointer_when_keys_hold_marks_then_escaped():
    assert pointer(["a/b", 0, "~"]) == "/a~1b/0/~0"
    assert pointer([]) == ""


def test_is_deep_when_counted_then_the_limit_itself_is_allowed():
    value = [[[1]]]
    assert not is_deep(value, 3)
    assert is_deep(value, 2)
