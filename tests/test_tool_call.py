"""The tool_call teacher: what it reads in each form, when a call is the wanted one, and the labelled data."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tool_calls import F_TEXT, SCHEMA, F, reward, tool_message, verdict

from verifiers.catalog.tool_call.values import loose
from verifiers.types import Status


@pytest.mark.parametrize(
    "completion",
    [
        F_TEXT,
        f"[{F_TEXT}]",
        '{"name": "f", "parameters": {"x": 1}}',
        '{"name": "f", "input": {"x": 1}}',
        '{"name": "f", "arguments": "{\\"x\\": 1}"}',
        '{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}',
        '{"tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\\"x\\": 1}"}}]}',
        '{"f": {"x": 1}}',
        f"<tool_call>{F_TEXT}</tool_call>",
        f"<tool_call>\n{F_TEXT}\n</tool_call>",
        f"I will call it.\n<tool_call>\n{F_TEXT}\n</tool_call>",
        f"<tool_call>\n{F_TEXT}",
        f"<tool_call>[{F_TEXT}]</tool_call>",
        "<tool_call>\n<function=f>\n<parameter=x>\n1\n</parameter>\n</function>\n</tool_call>",
        "<function=f>\n<parameter=x>1</parameter></function>",
        '<function=f>{"x": 1}</function>',
        '<|python_tag|>{"name": "f", "parameters": {"x": 1}}',
        '<|python_tag|>{"name": "f", "parameters": {"x": 1}}<|eom_id|>',
        "<|python_tag|>f(x=1)",
        f"[TOOL_CALLS] [{F_TEXT}]",
        f"```json\n{F_TEXT}\n```",
        f"Here:\n```\n{F_TEXT}\n```\nDone.",
        "```python\nf(x=1)\n```",
        "```tool_code\nf(x=1)\n```",
        f"The call is {F_TEXT}.",
        f"<think>f(x=2)</think>{F_TEXT}",
        f"<think>hm</think><answer>{F_TEXT}</answer>",
        "[f(x=1)]",
        "f(x=1)",
        "f( x = 1, )",
        "[f(x=1),]",
        "`f(x=1)`",
        "f(x=0x1)",
        tool_message('{"x": 1}'),
        tool_message({"x": 1}),
        [{"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": '{"x": 1}'}}],
        [{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"x": 1}}]}],
        [{"role": "assistant", "content": f"<tool_call>{F_TEXT}</tool_call>"}],
        [{"f": {"x": 1}}],
        [F],
    ],
    ids=str,
)
def test_call_when_in_any_form_then_is_read(completion):
    assert reward(completion, [F]) == 1.0


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "The answer is 1.",
        "x = 1",
        "f(x=2)",
        "f(x='1')",
        "f(x=True)",
        "f(x=1.0)",
        "f(x=1, y=2)",
        "f()",
        "f(1)",
        "F(x=1)",
        "g.f(x=1)",
        "f(x=1); f(x=1)",
        "f(x=1) f(x=1)",
        "f(x=1, x=1)",
        "f(x=0+1)",
        "f(x=int('1'))",
        "f(x=1",
        "f(x=1)]",
        "f(x=1) # and more\nprint(2)",
        "Let me see: f(x=1)",
        "<think>f(x=1)",
        f"<think>{F_TEXT}</think>",
        f"<tool_call>{F_TEXT} junk</tool_call>",
        f"<tool_call>{F_TEXT}</tool_call><tool_call>{F_TEXT}</tool_call>",
        f"<tool_call></tool_call>{F_TEXT}",
        f"<tool_call>f</tool_call><tool_call>{F_TEXT}</tool_call>",
        '{"name": "f", "arguments": {"x": 1, "x": 1}}',
        '{"name": "f", "arguments": {"x": NaN}}',
        '{"name": "f", "arguments": {"x": 1}, "parameters": {"x": 2}}',
        '{"name": "f", "arguments": {"x": 1}, "note": "hm"}',
        '{"name": "f", "arguments": [1]}',
        '{"name": "f", "arguments": "x=1"}',
        '{"name": "f", "arguments": {"x": 1}',
        '{"f": {"x": 1}, "g": {"y": 2}}',
        f'[{F_TEXT}, "junk"]',
        f'[{F_TEXT}, {{"name": "rm_rf", "arguments": {{}}}}]',
        tool_message("{x: 1}"),
        tool_message('{"x": 1}', name="g"),
        [*tool_message('{"x": 1}'), *tool_message('{"x": 1}')],
        [{"role": "user", "content": F_TEXT}],
    ],
    ids=str,
)
def test_call_when_not_the_wanted_one_then_zero(completion):
    assert reward(completion, [F]) == 0.0


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ("f(x=1)", 1.0),
        ("f(1)", 1.0),
        ("f(1, 'm')", 1.0),
        ("f(1, unit='m')", 1.0),
        ("f(x=1, unit=None)", 1.0),
        ("f(x=1, unit='km')", 0.0),
        ("f(x=1, colour='red')", 0.0),
        ("f(unit='m')", 0.0),
        ("f(1, x=1)", 0.0),
        ("f(1, 'm', 2, [], 5)", 0.0),
    ],
)
def test_optional_arguments_when_schemas_are_in_meta_then_defaults_are_known(completion, right):
    assert reward(completion, [F], meta={"tools": [{"type": "function", "function": SCHEMA}]}) == right


@pytest.mark.parametrize(
    ("completion", "right"),
    [
        ("f(x=1)", 1.0),
        ("f(x=2, unit='M')", 1.0),
        ("f(x=2, unit=None)", 1.0),
        ("f(x=3)", 0.0),
        ("f(x=1, rate=2)", 1.0),
        ("f(x=1, rate=2.0)", 1.0),
        ("f(x=1, rate=True)", 0.0),
        ("f(x=1, tags=[1, 2.5])", 1.0),
        ("f(x=1, tags=[2.5, 1])", 0.0),
        ("f(x=1, tags=(1, 2.5))", 1.0),
        ("f(x=1, tags=[])", 0.0),
        ("f(rate=2)", 0.0),
    ],
)
def test_accepted_values_when_of_bfcl_then_one_of_them_is_needed(completion, right):
    accepted = {"x": [1, 2], "unit": ["m", ""], "rate": [2.0, ""], "tags": [[1.0, 2.5], ""]}
    assert reward(completion, {"ground_truth": [{"f": accepted}], "functions": [SCHEMA]}) == right


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("New York", "new-york"),
        ("San Francisco, CA", "San Francisco CA"),
        ("don't", 'don"t'),
        ("2024-01-15", "2024/01/15"),
        ("1,500", "1500"),
        ("x**2", "x^2"),
        ("2*3", "2 * 3"),
        ("COVID-19", "covid 19"),
        ("ＮＹ", "ny"),
        ("e_mail", "e-mail"),
        ("3x^2 + 2x - 5", "3x^2+2x-5"),
    ],
)
def test_loose_texts_when_they_mean_the_same_then_are_equal(one, other):
    assert loose(one) == loose(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024-11-5", "2024-1-15"),
        ("11.2", "1.12"),
        ("1.5", "15"),
        ("-5", "5"),
        ("room -5", "room 5"),
        ("2 * 3", "23"),
        ("3x^2", "3x2"),
        ("x - 1", "x1"),
        ("10/3", "10-3"),
        ("1 2", "12"),
        ("C++", "C"),
        ("a<b", "a>b"),
        ("50%", "50"),
    ],
)
def test_loose_texts_when_they_mean_different_things_then_differ(one, other):
    assert loose(one) != loose(other)


@given(st.text(max_size=60))
def test_loose_when_applied_to_its_own_case_variants_then_same(text):
    assert loose(f" {text} ") == loose(text)
    assert loose(text.casefold()) == loose(text)


def test_calls_when_several_then_paired_as_well_as_possible():
    either = {"ground_truth": [{"f": {"x": [1, 2]}}, {"f": {"x": [1]}}]}
    assert reward("[f(x=1), f(x=2)]", either) == 1.0
    assert reward("[f(x=2), f(x=1)]", either) == 1.0
    assert reward("[f(x=2), f(x=2)]", either) == 0.0


def test_order_when_strict_then_counts():
    wanted = "[f(x=1), f(x=2)]"
    assert reward("[f(x=2), f(x=1)]", wanted) == 1.0
    assert reward("[f(x=2), f(x=1)]", wanted, order="strict") == 0.0


def test_scoring_when_fraction_then_extra_calls_cost():
    wanted = [F, {"name": "g", "arguments": {}}]
    assert reward("[f(x=1)]", wanted, scoring="fraction") == 0.5
    assert reward("[f(x=1), g(), g(), g()]", wanted, scoring="fraction") == 0.5
    assert verdict("[f(x=1)]", wanted, scoring="fraction").status is Status.PARTIAL


def test_prose_when_refused_then_text_beside_the_call_is_wrong():
    assert reward(f"Sure.\n<tool_call>{F_TEXT}</tool_call>", [F], prose="refuse") == 0.0
    assert reward(f"<tool_call>{F_TEXT}</tool_call>", [F], prose="refuse") == 1.0


@pytest.mark.parametrize(
    ("form", "completion", "right"),
    [
        ("hermes", f"<tool_call>{F_TEXT}</tool_call>", 1.0),
        ("hermes", F_TEXT, 0.0),
        ("python", "f(x=1)", 1.0),
        ("python", F_TEXT, 0.0),
        ("json", F_TEXT, 1.0),
        ("json", "f(x=1)", 0.0),
        ("llama3", f"<|python_tag|>{F_TEXT}", 1.0),
        ("llama3", f"<tool_call>{F_TEXT}</tool_call>", 0.0),
        ("openai", tool_message('{"x": 1}'), 1.0),
        ("hermes", tool_message('{"x": 1}'), 0.0),
    ],
)
def test_form_when_set_then_no_other_is_read(form, completion, right):
    assert reward(completion, [F], form=form) == right


def test_strings_when_plain_reference_then_exact_unless_asked():
    wanted = [{"name": "f", "arguments": {"path": "README.md"}}]
    assert reward("f(path='readme.md')", wanted) == 0.0
    assert reward("f(path='readme.md')", wanted, strings="loose") == 1.0
    assert reward("f(path='readme.md')", [{"f": {"path": ["README.md"]}}], strings="exact") == 0.0


@pytest.mark.parametrize(
    "reference",
    [None, 3, {"f": 1}, [{"name": "f", "arguments": "no"}], "f(x=", [1], {"calls": 3}, {"calls": [], "extra": 1}],
)
def test_reference_when_unreadable_then_not_judged(reference):
    assert verdict("f(x=1)", reference).status is Status.BAD_REFERENCE


def test_reference_when_it_lacks_a_required_argument_then_not_judged():
    reference = {"calls": [{"name": "f", "arguments": {"unit": "m"}}], "functions": [SCHEMA]}
    assert verdict("f(unit='m')", reference).status is Status.BAD_REFERENCE


def test_schemas_when_parameters_are_bare_then_defaults_are_known():
    tools = json.dumps([{"name": "f", "parameters": {"x": {"type": "int"}, "unit": {"type": "str", "default": "m"}}}])
    assert reward("f(1, unit='m')", [F], meta={"tools": tools}) == 1.0
    assert reward("f(1, colour='m')", [F], meta={"tools": tools}) == 0.0


def test_argument_when_it_holds_tags_as_text_then_stays_whole():
    text = "<answer>1</answer> <tool_call> ```json"
    call = {"name": "f", "arguments": {"x": text}}
    assert reward(f"<tool_call>{json.dumps(call)}</tool_call>", [call]) == 1.0
    assert reward(json.dumps(call).replace(" <tool_call>", ""), "[f(x='<answer>1</answer> ```json')]") == 1.0


def test_no_call_when_wanted_then_any_call_is_wrong():
    assert reward("I cannot do that (sorry).", []) == 1.0
    assert reward('The data is {"a": {"b": 1}}.', []) == 1.0
    assert reward("f(x=1)", []) == 0.0


def test_parts_when_calls_differ_then_each_says_why():
    parts = verdict("[f(x=2), h()]", [F, {"name": "g", "arguments": {}}]).parts
    assert [part.reward for part in parts] == [0.0, 0.0, 0.0, 0.0]
    assert "/x: 2 instead of 1" in parts[0].reason
    assert "g is not called" in parts[1].reason
    assert len({part.name for part in parts}) == len(parts)


@pytest.mark.parametrize(
    "completion",
    ["[" * 100_000, "f(x=" + "[" * 1000 + "]" * 1000 + ")", "f(x=1)," * 30_000, F_TEXT * 100, "<tool_call>" * 10_000],
    ids=lambda text: text[:12],
)
def test_hostile_when_scored_then_judged_zero(completion):
    assert reward(completion, [F]) == 0.0
