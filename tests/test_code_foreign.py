"""Tests written in C++ and JavaScript: how they are split, how literals are read, and when values are equal."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from native_plans import needs, told

from verifiers.catalog.code import foreign_cpp, foreign_js
from verifiers.catalog.code.foreign_tests import ForeignTests, Unread, split
from verifiers.catalog.code.foreign_text import NotSplit, tokens_of
from verifiers.catalog.code.foreign_values import read, same
from verifiers.catalog.code.joining_braces import brace_prompt, continued_braces
from verifiers.catalog.code.shapes_foreign import LANGUAGES

CPP_TEST = """
template <typename T> bool compare(T a, T b){
    return a == b;
}
int main(int argc, char* argv[]) {
    vector<int> x0 = f(vector<int>{25, 35}, 2);
    if (!(compare(x0, {35, 25}))) {
        throw runtime_error("Exception -- test case 0 did not pass.");
    }

    string x1 = g(string("a;}"));
    if (!(compare(x1, string("\\x62")))) {
        throw runtime_error("");
    }
    return 0;
}
"""
JS_TEST = """
const _ = require("lodash")

function compare(object1, object2){
    return _.isEqual(object1, object2)
}

var arg00 = [1, "};"];
var x0 = f(arg00);
var v0 = {'a': 1, b: [2]};
if(!compare(x0, v0)){
    throw 'Error at 1th assert statement. Value = ' + JSON.stringify(x)
}
"""


def cpp(text: str, type_: str = "") -> Any:
    """Return what a C++ literal of a type is read as."""
    return foreign_cpp.value_of(tokens_of(text), foreign_cpp.type_of(tokens_of(type_)) if type_ else None)


def js(text: str) -> Any:
    """Return what a JavaScript literal is read as."""
    return foreign_js.value_of(tokens_of(text))


def test_split_when_cpp_then_the_expected_values_are_not_in_what_is_run():
    tests = split("cpp", CPP_TEST, "f").tests
    assert [test.snippet.code for test in tests] == [
        "vector<int> x0 = f(vector<int>{25, 35}, 2);",
        'string x1 = g(string("a;}"));',
    ]
    assert [test.expected for test in tests] == [[35, 25], "b"]
    assert split("cpp", CPP_TEST).preamble == ""


def test_split_when_javascript_then_the_expected_values_are_not_in_what_is_run():
    foreign = split("javascript", JS_TEST, "f")
    (test,) = foreign.tests
    assert test.snippet.code == 'var arg00 = [1, "};"];\nvar x0 = f(arg00);'
    assert "v0" not in test.snippet.code
    assert test.expected == {"d": [["a", 1.0], ["b", [2.0]]]}
    assert test.shown == "f(arg00) == {'a': 1, b: [2]}"
    assert foreign.expected_work is None


@pytest.mark.parametrize(
    ("language", "text", "code", "expected"),
    [
        ("cpp", "int main() { assert(f(1) == 2); }", "auto vh_value = f(1);", 2),
        ("cpp", "int main() { assert((f({1,2}) == vector<int>{1})); }", "auto vh_value = f({1,2});", [1]),
        ("cpp", "int main() { int x = f(1); if (x != 2) abort(); }", "int x = f(1);", 2),
        ("javascript", "console.assert(f(1) === 2)", "const vh_value = f(1);", 2.0),
        ("javascript", "assert.deepStrictEqual(f(1), [2]);", "const vh_value = f(1);", [2.0]),
        ("javascript", "const assert = require('assert')\nassert.equal(f(1), 2)", "const vh_value = f(1);", 2.0),
        ("javascript", "let a = f(1)\nif (a !== 2) throw 'no'", "let a = f(1);", 2.0),
    ],
)
def test_split_when_other_ways_of_comparing_are_used_then_they_are_read(
    language: str, text: str, code: str, expected: object
):
    (test,) = split(language, text, "f").tests
    assert (test.snippet.code, test.expected) == (code, expected)


@pytest.mark.parametrize(
    ("language", "text", "why"),
    [
        ("cpp", "void check() {}", "int main"),
        ("cpp", "int main() { return 0; }", "no comparison"),
        ("cpp", "bool compare(double a, double b) { return abs(a - b) < 1; } int main() {}", "comparison of its own"),
        ("cpp", "int main() { for (int i = 0; i < 3; i++) assert(f(i) == i); }", "neither a call nor a comparison"),
        ("cpp", "int main() { int x = f(1); if (!(compare(x, f(1)))) throw 1; }", "the program itself computes"),
        ("cpp", "int main() { assert(f(1) == {1}); }", "without a type"),
        ("cpp", "int main() { assert(f(1) == 2); ", "brackets"),
        ("javascript", "var x = 1;", "no comparison"),
        (
            "javascript",
            "function compare(a, b) { return true; }\nif (!compare(f(1), 2)) throw 1",
            "comparison of its own",
        ),
        ("javascript", "var x = f(1); var v = f(2);\nif (!compare(x, v)) { throw 1 }", "the program itself computes"),
        ("javascript", "x" * 1_000_001, "at most"),
    ],
)
def test_split_when_it_cannot_be_split_then_it_says_why(language: str, text: str, why: str):
    with pytest.raises(NotSplit, match=why):
        split(language, text, "f")


def test_split_when_tests_share_variables_then_each_brings_what_it_needs():
    first = "int n = 3; int x = f(n); if (!compare(x, 4)) throw 1;"
    text = f"int main() {{ {first} int y = f(n + x); if (!compare(y, 8)) throw 1; }}"
    tests = split("cpp", text, "f").tests
    assert tests[1].snippet.code == "int n = 3;\nint x = f(n);\nint y = f(n + x);"


def test_split_when_an_expected_value_is_no_literal_then_a_trusted_program_tells_it(tmp_path: Path):
    needs("g++")
    text = "int main() { int n = 3; int x = f(n); if (!compare(x, n * 2 + 1)) throw 1; }"
    foreign = split("cpp", text, "f")
    assert isinstance(foreign.tests[0].expected, Unread)
    assert foreign.expected_work is not None
    assert told(tmp_path, "cpp", foreign.expected_program, foreign.expected_work) == [("v", "7")]


@pytest.mark.parametrize(
    ("text", "type_", "value"),
    [
        ("8", "int", 8),
        ("-8", "long long", -8),
        ("0x1F", "int", 31),
        ("017", "int", 15),
        ("1'000u", "unsigned int", 1000),
        ("18446744073709551615ull", "unsigned long long", {"i": "ffffffffffffffff"}),
        ("2", "double", 2.0),
        ("1e3", "double", 1000.0),
        (".5f", "float", 0.5),
        ("0.1f", "double", 0.10000000149011612),
        ("true", "bool", True),
        ("'a'", "char", "a"),
        (r'string("a\n\x41\101\"")', "string", 'a\nAA"'),
        ('"a" "b"', "std::string", "ab"),
        ("{}", "vector<int>", []),
        ("{1, 2,}", "std::vector<int>", [1, 2]),
        ("{{1}, {}}", "vector<vector<int>>", [[1], []]),
        ("vector<int>{1}", "", [1]),
        ("vector<int>({1, 2})", "vector<int>", [1, 2]),
        ('{{"a", {1, 2}}, {"a", {3}}}', "unordered_map<string, vector<int>>", {"d": [["a", [1, 2]]]}),
        ("{3, 1, 3}", "set<int>", {"s": [3, 1]}),
        ('{1, "x"}', "pair<int, string>", {"t": [1, "x"]}),
        ("((7))", "", 7),
    ],
)
def test_value_of_when_a_cpp_literal_then_it_is_read(text: str, type_: str, value: object):
    assert cpp(text, type_) == value


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("n", "int"), ("1 + 1", "int"), ("2147483648", "int"), ("-1", "unsigned"), ("1.5", "int"), ("{1}", "int"),
        ('{{"a", "b"}}', "vector<string>"), ('string("a") + "b"', "string"), ('"\\0"', "string"), ("'ab'", "char"),
        ("{1, 2}", "map<int, int>"), ("{1}", "pair<int, int>"), ("vector<int>(3, 1)", "vector<int>"), ("", "int"),
        ("vector<long>{1}", "vector<int>"), ("{1}", ""), ("0x", "int"), ("{1}", "Matrix"), ("1.5L", "double"),
        ("{" * 80 + "}" * 80, "vector<int>"), ("010", "double"), ("1e999f", "float"), ('R"(a)"', "string"),
    ],
)  # fmt: skip
def test_value_of_when_no_cpp_literal_then_a_compiler_must_tell(text: str, type_: str):
    with pytest.raises(foreign_cpp.NoLiteral):
        cpp(text, type_)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8.0), ("-0.5e1", -5.0), ("0xff", 255.0), ("1_000", 1000.0), ("10n", {"js": ["BigInt", "10"]}),
        ("true", True), ("null", None), ("undefined", {"js": ["undefined"]}), ("NaN", {"f": "nan"}),
        ("-Infinity", {"f": "-inf"}), (r"'a\'\n\u00e9\u{1F600}'", "a'\né\U0001f600"), (r'"https:\/\/x"', "https://x"),
        ("`a`", "a"), ('"\\ud83d\\ude00"', "\U0001f600"), ("[1, [2, 'x'],]", [1.0, [2.0, "x"]]), ("[]", []),
        ("{'a': 1, b: [2], 3: {}}", {"d": [["a", 1.0], ["b", [2.0]], ["3", {"d": []}]]}),
        ("{a: 1, a: 2}", {"d": [["a", 2.0]]}),
        ("new Set([1, 1, 2])", {"s": [1.0, 2.0]}), ("new Set([[1], [1]])", {"s": [[1.0], [1.0]]}),
        ("new Set()", {"s": []}),
        ("new Map([['a', 1], ['a', 2]])", {"js": ["Map", [["a", 2.0]]]}), ("(1)", 1.0),
    ],
)  # fmt: skip
def test_value_of_when_a_javascript_literal_then_it_is_read(text: str, value: object):
    assert js(text) == value


@pytest.mark.parametrize(
    "text",
    ["x", "1 + 1", "f(1)", "[1,,2]", "{...a}", "{a}", "{[a]: 1}", "{__proto__: 1}", "`${a}`", "new Date(1)", "'\\x1'",
     "[" * 80 + "]" * 80, "-'a'", "/a/", "017", ".", "", "() => 1", "new Map([1])", "new Set(3)"],
)  # fmt: skip
def test_value_of_when_no_javascript_literal_then_node_must_tell(text: str):
    with pytest.raises(foreign_js.NoLiteral):
        js(text)


@pytest.mark.parametrize(
    ("expected", "claimed", "lodash", "cpp_equal"),
    [
        (8.0, "8", True, True),
        (8, "8.0", True, True),
        (0, "-0.0", True, True),
        (1, "true", False, False),
        (1, '"1"', False, False),
        (None, "0", False, False),
        (None, '{"js":["undefined"]}', False, False),
        ({"f": "nan"}, '{"f":"nan"}', True, False),
        ({"f": "inf"}, '{"f":"-inf"}', False, False),
        ([1, [2]], "[1,[2]]", True, True),
        ([1, 2], "[2,1]", False, False),
        ({"d": [["a", 1], ["b", 2]]}, '{"d":[["b",2],["a",1]]}', True, True),
        ({"d": [["a", 1]]}, '{"d":[["a",1],["a",1]]}', False, False),
        ({"s": [1, 2]}, '{"s":[2,1]}', True, True),
        ({"s": [1, 2]}, "[1,2]", False, False),
        ({"s": [[1, 2]]}, '{"s":[[2,1]]}', True, False),
        ({"t": [1, "a"]}, '{"t":[1,"a"]}', True, True),
        ({"i": "ffffffffffffffff"}, '{"i":"ffffffffffffffff"}', True, True),
        (2**62, str(2**62), True, True),
        (2**62, str(2**62 + 1), False, False),
        ("a", '{"o":"a"}', False, False),
        ({"d": [["a", 1]]}, '{"o":"an object of a class"}', False, False),
        ({"js": ["Map", [[1, 2], [3, 4]]]}, '{"js":["Map",[[3,4],[1,2]]]}', True, True),
        ({"js": ["Date", 5]}, '{"js":["Date",6]}', False, False),
    ],
)
def test_same_when_values_are_compared_then_the_language_decides(
    expected: object, claimed: str, lodash: bool, cpp_equal: bool
):
    assert same(expected, claimed.encode(), lodash=True) is lodash
    assert same(expected, claimed.encode(), lodash=False) is cpp_equal


@pytest.mark.parametrize(
    "claimed",
    [b"", b"{", b'{"s":1}', b'{"d":[1]}', b'{"t":1}', b'{"i":1}', b'{"js":[]}', b'{"js":{}}', b'{"js":[1]}', b"{}",
     b'{"a":1,"b":2}', b"[" * 100_000, b"[" * 500 + b"]" * 500, b"1" * 5000, b'{"js":["Map"]}',
     b'{"js":["Map",1]}', b"\xff"],
)  # fmt: skip
@pytest.mark.parametrize("lodash", [True, False])
def test_same_when_a_claim_is_hostile_then_it_equals_nothing(claimed: bytes, lodash: bool):
    assert not same([1], claimed, lodash)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(lambda items: {"s": items}),
    max_leaves=12,
)


@given(_json)
def test_same_when_a_value_is_told_then_it_equals_itself(value: object):
    assert same(value, json.dumps(value).encode(), lodash=True)
    assert read(json.dumps(value).encode()) == value


@given(st.text(max_size=80), st.sampled_from(LANGUAGES))
def test_split_when_any_text_is_given_then_it_is_split_or_refused(text: str, language: str):
    with contextlib.suppress(NotSplit):
        assert split(language, text, "f").tests


PIECES = ["int main() {", "}", "{", "(", ")", "assert(", "f(1)", " == ", "2", ";", "if (!", "\n", "compare(", ","]
PIECES += ["throw 1;", "var x = ", "vector<int>", '"a']


@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_split_when_pieces_of_tests_are_given_then_they_are_split_or_refused(pieces: list[str]):
    for language in LANGUAGES:
        with contextlib.suppress(NotSplit):
            assert split(language, "".join(pieces), "f").tests


HEAD = "#include <bits/stdc++.h>\nusing namespace std;\n"
CPP_PROMPT = HEAD + "\n/** Say f(1). */\nint f(int a) {\n"


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        ("    return f(a - 1);\n}", CPP_PROMPT + "    return f(a - 1);\n}\n"),
        ("return 1; }", CPP_PROMPT + "return 1; }\n"),
        ("int f(int a) {\n  return 1;\n}", HEAD + "int f(int a) {\n  return 1;\n}\n"),
        ("#include <map>\nint f(int a) { return 1; }", "#include <map>\nint f(int a) { return 1; }"),
    ],
)  # fmt: skip
def test_continued_braces_when_cpp_then_the_program_is_whole(completion: str, program: str):
    prompt = brace_prompt(CPP_PROMPT, "f", "cpp")
    assert prompt == CPP_PROMPT
    assert continued_braces(prompt, completion, "f", "cpp") == program


def test_brace_prompt_when_prose_holds_code_then_that_is_the_prompt():
    code = "function f(a) {\n"
    assert brace_prompt(f"Complete this:\n```js\n{code}```\n", "f", "javascript") == code.rstrip()
    assert brace_prompt("Write f(a) in JavaScript.", "f", "javascript") == ""


def rows(shared_data: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of one of mxeval's files."""
    path = shared_data / "code" / "mxeval" / name
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    ("name", "language", "count"),
    [("mbcpp_release_v1.2.jsonl.gz", "cpp", 848), ("mbjsp_release_v1.2.jsonl.gz", "javascript", 966)],
)
def test_split_when_the_data_is_read_then_every_row_is_split(shared_data: Path, name: str, language: str, count: int):
    made = [split(language, row["test"], row["entry_point"]) for row in rows(shared_data, name)]
    assert len(made) == count
    assert all(each.tests for each in made)
    unread = [test for each in made for test in each.tests if isinstance(test.expected, Unread)]
    assert len(unread) <= 1
    assert not any(_leaks(each) for each in made)


def _leaks(foreign: ForeignTests) -> bool:
    """Whether a check itself, and so what is expected, is in what the program gets."""
    return any("compare" in test.snippet.code or "throw" in test.snippet.code for test in foreign.tests)
