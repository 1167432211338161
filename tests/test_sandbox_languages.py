"""Languages: what they are called, what their plans are, and the harnesses that make calls in C++ and JavaScript."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from native_plans import needs, told

from sandbox.errors import UnsupportedLanguage, UnsupportedWork
from sandbox.languages.cpp import without_main
from sandbox.languages.java import read_classes
from sandbox.languages.registry import check_tools, find, get, languages, plan
from sandbox.types import MIB, Calls, Duet, Job, Limits, Program, Snippet, Snippets, Stdio, Work

ALL = ("bash", "c", "cpp", "go", "java", "javascript", "python", "rust", "typescript")
TWO = Stdio((b"2 3\n", b"4 5\n"))
CALL = Calls("f", (b'[[1],{"d":[]}]',))


def call(*args: object) -> bytes:
    """Return a call's arguments, which are plain JSON."""
    return json.dumps([list(args), {"d": []}]).encode()


def test_languages_when_listed_then_each_file_is_one():
    assert tuple(languages()) == ALL


@pytest.mark.parametrize(
    ("name", "language"),
    [("C++", "cpp"), ("py", "python"), (" JS ", "javascript"), ("ts", "typescript"), ("golang", "go"), ("sh", "bash")],
)
def test_find_when_an_alias_is_given_then_the_language_is_found(name: str, language: str):
    found = find(name)
    assert found is not None
    assert found.name == language


def test_get_when_unknown_then_the_error_lists_what_there_is():
    with pytest.raises(UnsupportedLanguage, match=r"'cobol'.*bash, c, cpp"):
        get("cobol")


@pytest.mark.parametrize("name", [name for name in ALL if name != "python"])
def test_plan_when_stdio_then_a_command_runs_with_fixed_surroundings(name: str):
    made = plan(Job(Program(name, "x"), TWO))
    assert made.argv
    assert made.env["TZ"] == "UTC"
    assert made.env["PYTHONHASHSEED"] == "0"
    assert made.tools
    assert made.files[0].content
    assert all(file.place == "job" for file in made.files)


def test_plan_when_python_then_the_box_runs_the_source_itself():
    made = plan(Job(Program("py", "import numpy as np\n"), TWO))
    assert (made.argv, made.source, made.preload) == ((), b"import numpy as np\n", ("numpy",))


@pytest.mark.parametrize("name", ["c", "rust", "go", "java", "bash"])
@pytest.mark.parametrize("work", [CALL, Duet("", ("assert f()",), ("f",)), Snippets((Snippet("", "1"),))])
def test_plan_when_the_language_has_no_calls_then_it_says_what_to_use(name: str, work: Work):
    with pytest.raises(UnsupportedWork, match="stdin"):
        plan(Job(Program(name, "x"), work))


@pytest.mark.parametrize("name", ["cpp", "javascript", "typescript"])
def test_plan_when_named_arguments_are_given_then_they_are_refused(name: str):
    with pytest.raises(UnsupportedWork, match="named arguments"):
        plan(Job(Program(name, "x"), Calls("f", (b'[[1],{"d":[["a",1]]}]',))))


@pytest.mark.parametrize("entry_point", ["f(); evil", "1f", "", "a..b", "f)(", "f\n#include"])
@pytest.mark.parametrize("name", ["cpp", "javascript"])
def test_plan_when_the_entry_point_is_no_name_then_it_is_refused(name: str, entry_point: str):
    with pytest.raises(UnsupportedWork, match="entry point"):
        plan(Job(Program(name, "x"), Calls(entry_point, (b"[[],{}]",))))


def test_check_tools_when_one_is_missing_then_it_says_how_to_get_it():
    made = plan(Job(Program("rust", "fn main(){}"), TWO))
    with pytest.raises(UnsupportedLanguage, match=r"no `rustc`.*verify sandbox build"):
        check_tools(made, {"gcc": "/usr/bin/gcc"})
    check_tools(made, {"rustc": "/usr/bin/rustc"})


def test_compile_key_when_anything_differs_then_it_is_another():
    def key(language: str = "cpp", source: str = "int main(){}", image: str = "a") -> bytes:
        return plan(Job(Program(language, source), TWO)).compile_key(image)

    assert key() == key()
    assert len({key(), key("c"), key(source="int main(){} "), key(image="b")}) == 4


def test_plan_when_memory_is_limited_then_virtual_machines_are_told():
    limits = Limits(memory_bytes=256 * MIB)
    assert "-Xmx192m" in plan(Job(Program("java", "class A {}"), TWO, limits)).argv
    assert "--max-old-space-size=256" in plan(Job(Program("js", ""), TWO, limits)).argv


@pytest.mark.parametrize(
    ("source", "file_class", "main_class"),
    [
        ("public class Foo { public static void main(String[] a) {} }", "Foo", "Foo"),
        ("class A {} class B { public static void main(String[] a) {} }", "A", "B"),
        ("package x.y;\npublic class Foo { static class In {} public static void main(String[] a) {} }", "Foo", "Foo"),
        ('// public class No {}\nclass A { String s = "public class Q {"; static public void main() {} }', "A", "A"),
        ("public final class P {} class M { final static void main(){} static void main(String[] a) {} }", "P", "P"),
        ("record R(int x) {} interface I {} public class Z { public static void main (String[] a) {} }", "Z", "Z"),
        ("", "Main", "Main"),
    ],
)  # fmt: skip
def test_read_classes_when_java_then_file_and_main_class_are_found(source: str, file_class: str, main_class: str):
    text, found_file, found_main = read_classes(source)
    assert found_file == file_class
    assert found_main == main_class or "final static" in source
    assert "package" not in text


@pytest.mark.parametrize("piece", ["/*", '"\\"', "class ", "static ", "'", '"""', "public \n", "class A{"])
def test_read_classes_when_the_source_is_hostile_then_it_ends(piece: str):
    assert read_classes(piece * 50_000)[1]


@pytest.mark.parametrize(
    ("source", "first"),
    [
        ("#include <bits/stdc++.h>\nusing namespace std;\nint main() {}", "#include <bits/stdc++.h>"),
        ("int f() { return 1; }\nint main() {}", "#define main vh_program_main"),
        ("#include <bits/stdc++.h>\nint f() {}", "#include <bits/stdc++.h>"),
    ],
)
def test_without_main_when_a_header_comes_first_then_it_stays_first(source: str, first: str):
    made = without_main(source)
    assert made.splitlines()[0] == first
    assert ("#define main" in made) == ("main" in source)


CPP = """
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <vector>
#include <stdexcept>
#include <cstdlib>
using namespace std;
#define int long long
#define first one
int add(int a, int b = 7) { return a + b; }
vector<string> grow(vector<string> &v, const string &s) { v.push_back(s); return v; }
map<string, vector<pair<int, double>>> nest(const vector<vector<int>> &x) { return {{"a", {{x[0][0], 0.1}}}}; }
int total(int *a, int n) { int s = 0; for (int i = 0; i < n; i++) s += a[i]; return s; }
tuple<bool, char, unsigned long long, set<int>, unordered_set<int>, optional<int>> many(char c) {
    return {true, c, ~0ull, {2, 1}, {3, 1, 2}, nullopt};
}
double half(double x) { return x / 2; }
string bytes() { return "\\xff\\x01"; }
unordered_map<int, int> count(const vector<int> &v) { unordered_map<int, int> m; for (int x : v) m[x]++; return m; }
struct Odd {};
Odd odd() { return {}; }
struct Solution {
    void none(vector<int> &a) { a.clear(); }
    int step(int x) { if (x > 2) throw out_of_range("big"); if (x == 1) exit(0); if (x == 0) abort(); return x; }
};
auto square = [](int x) { return x * x; };
signed main() { return 1; }
"""


@pytest.mark.parametrize(
    ("entry_point", "arguments", "expected"),
    [
        ("add", [(1, 2), (1,), ("x", 2)], [("v", "3"), ("v", "8"), ("e", "vh_tests::BadArgument")]),
        ("grow", [(["é\n", "\U0001f600"], 'c"\\')], [("v", '["é\\u000a","\U0001f600","c\\"\\\\"]')]),
        ("nest", [([[1, 2], [3]],)], [("v", '{"d":[["a",[{"t":[1,0.10000000000000001]}]]]}')]),
        ("total", [([1, 2, 3], 3)], [("v", "6")]),
        ("many", [("c",)], [("v", '{"t":[true,"c",{"i":"ffffffffffffffff"},[1,2],[1,2,3],null]}')]),
        ("half", [(4,), (1,), ({"f": "inf"},), ({"f": "nan"},)],
         [("v", "2.0"), ("v", "0.5"), ("v", '{"f":"inf"}'), ("v", '{"f":"nan"}')]),
        ("bytes", [()], [("v", '{"b":"/wE="}')]),
        ("count", [([5, 5],)], [("v", '{"d":[[5,2]]}')]),
        ("odd", [()], [("v", '{"o":"Odd"}')]),
        ("Solution.none", [([1],)], [("v", "null")]),
        ("Solution().step", [(1,), (2,), (3,), (0,), (2,)],
         [("end", "0"), ("v", "2"), ("e", "std::out_of_range: big"), ("end", ""), ("v", "2")]),
        ("square", [(9,)], [("v", "81")]),
        ("nothing", [(1,)], [("compile", "")]),
    ],
)  # fmt: skip
def test_calls_when_cpp_then_values_are_told(
    tmp_path: Path, entry_point: str, arguments: list[tuple[object, ...]], expected: list[tuple[str, str]]
):
    needs("g++")
    answers = told(tmp_path, "cpp", CPP, Calls(entry_point, tuple(call(*args) for args in arguments)))
    assert [tag for tag, _ in answers] == [tag for tag, _ in expected]
    assert all(seen.startswith(text) for (_, seen), (_, text) in zip(answers, expected, strict=True))


def test_snippets_when_cpp_then_each_tells_its_value(tmp_path: Path):
    needs("g++")
    snippets = (Snippet("vector<int> x = {1, 2};", "x"), Snippet("set<int> y = {2, 1, 2};", "y"))
    answers = told(tmp_path, "cpp", "#include <bits/stdc++.h>\nusing namespace std;\n", Snippets(snippets))
    assert answers == [("v", "[1,2]"), ("v", '{"s":[1,2]}')]


JS = """#!/usr/bin/env node
const K = 3;
function add(a, b = 7) { return a + b; }
const same = (x) => x;
class Solution {
    step(x) { if (x > 2) throw new RangeError("big"); if (x === 1) process.exit(0); return x; }
    static twice(x) { return x * 2; }
}
async function later(x) { await new Promise((done) => setTimeout(done, 5)); return x + K; }
function cyclic() { const a = []; a.push(a); return a; }
function wide() { let a = []; for (let i = 0; i < 90; ++i) a = [a, a]; return a; }
function deep() { let a = []; for (let i = 0; i < 500; ++i) a = [a]; return a; }
function never() { return new Promise(() => {}); }
function record() { return { a: undefined, b: [1, , 2], c: 2 ** 60, d: new Map([[1, 2]]) }; }
if (require.main === module) throw new Error("run as a program");
"""
POLLUTED = """
Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = Number.prototype.toJSON = () => 5;
Array.prototype[Symbol.iterator] = () => { throw 1; };
Array.prototype.map = Array.prototype.push = Array.prototype.join = null;
Object.defineProperty(Array.prototype, 0, { get: () => 5, set: () => {} });
JSON.stringify = () => '7'; JSON.parse = () => [[9]];
Object.keys = () => ['x']; Array.isArray = () => false; Number.isInteger = () => false;
Buffer.prototype.write = Buffer.prototype.toString = Buffer.from = Buffer.alloc = null;
require('fs').readSync = require('fs').writeSync = null;
function f(x) { return [x, { a: 'b' }]; }
"""


@pytest.mark.parametrize(
    ("entry_point", "arguments", "expected"),
    [
        ("add", [(1, 2), (1,), ("x", 2)], [("v", "3"), ("v", "8"), ("v", '"x2"')]),
        ("same", [({"d": [["__proto__", 1]]},), ({"s": [1, 2]},), ({"i": "-ff"},), ({"f": "-inf"},), (-0.0,), ("é\n",)],
         [("v", '{"d":[["__proto__",1]]}'), ("v", '{"s":[1,2]}'), ("v", '{"i":"-ff"}'), ("v", '{"f":"-inf"}'),
          ("v", "-0.0"), ("v", '"é\\n"')]),
        ("Solution.step", [(1,), (2,), (3,)], [("end", "0"), ("v", "2"), ("e", "RangeError: big")]),
        ("Solution().twice", [(4,)], [("v", "8")]),
        ("later", [(1,), (2,)], [("v", "4"), ("v", "5")]),
        ("cyclic", [()], [("v", '{"o":"a value that contains itself"}')]),
        ("wide", [()], [("v", '{"o":"a value too large"}')]),
        ("deep", [()], [("v", '{"o":"a value nested deeper')]),
        ("never", [()], [("end", "0")]),
        ("record", [()], [("v", '{"d":[["b",[1,null,2]],["c",1152921504606847000.0],["d",{"d":[[1,2]]}]]}')]),
        ("nothing", [()], [("e", "ReferenceError: nothing")]),
    ],
)  # fmt: skip
def test_calls_when_javascript_then_values_are_told(
    tmp_path: Path, entry_point: str, arguments: list[tuple[object, ...]], expected: list[tuple[str, str]]
):
    needs("node")
    answers = told(tmp_path, "javascript", JS, Calls(entry_point, tuple(call(*args) for args in arguments)))
    assert [tag for tag, _ in answers] == [tag for tag, _ in expected]
    assert all(seen.startswith(text) for (_, seen), (_, text) in zip(answers, expected, strict=True))


def test_calls_when_javascript_has_changed_its_builtins_then_values_are_told_all_the_same(tmp_path: Path):
    needs("node")
    assert told(tmp_path, "javascript", POLLUTED, Calls("f", (call(1), call("2")))) == [
        ("v", '[1,{"d":[["a","b"]]}]'),
        ("v", '["2",{"d":[["a","b"]]}]'),
    ]


@pytest.mark.parametrize("end", ["process.exit(0);", "process.reallyExit(0);", "process.kill(process.pid, 9);"])
def test_calls_when_javascript_leaves_early_then_there_is_no_value(tmp_path: Path, end: str):
    needs("node")
    answers = told(tmp_path, "javascript", f"{end}\nfunction f() {{ return 1; }}", Calls("f", (call(), call())))
    assert [tag for tag, _ in answers] == ["end", "end"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("undefined", '{"js":["undefined"]}'),
        ("10n", '{"js":["BigInt","10"]}'),
        ("new Map([[1, [2]]])", '{"js":["Map",[[1,[2]]]]}'),
        ("new Date(5)", '{"js":["Date",5]}'),
        ("new Float32Array([1, 2])", '{"js":["Float32Array",[1,2]]}'),
        ("/a/g", '{"js":["RegExp","/a/g"]}'),
        ("new Number(3)", '{"js":["boxed",3]}'),
        ("Object.create(null)", '{"d":[]}'),
        ("new (class A {})", '{"o":"an object of a class"}'),
        ("new Proxy([], {})", '{"o":"Proxy"}'),
        ("() => 1", '{"o":"function"}'),
    ],
)
def test_snippets_when_javascript_then_all_kinds_of_values_are_told(tmp_path: Path, expression: str, value: str):
    needs("node")
    work = Snippets((Snippet(f"const x = {expression};", "x"),))
    assert told(tmp_path, "javascript", "", work) == [("v", value)]


def test_calls_when_javascript_is_an_es_module_then_it_is_loaded_as_one(tmp_path: Path):
    needs("node")
    source = "import fs from 'fs';\nexport function f(a) { return fs.existsSync('/') ? a : 0; }\n"
    assert told(tmp_path, "javascript", source, Calls("f", (call(4),))) == [("v", "4")]


SUMS = {
    "c": ("gcc", '#include <stdio.h>\nint main() { int a, b; scanf("%d%d", &a, &b); printf("%d\\n", a + b); }'),
    "cpp": ("g++", '#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b << "\\n"; }'),
    "javascript": ("node", "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' '); console.log(+a + +b)"),
    "mjs": ("node", "import fs from 'fs';\nconst [a, b] = fs.readFileSync(0, 'utf8').split(' '); console.log(+a + +b)"),
    "bash": ("bash", "read a b; echo $((a + b))"),
    "rust": (
        "rustc",
        (
            "fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap();"
            'println!("{}", s.split_whitespace().map(|x| x.parse::<i32>().unwrap()).sum::<i32>()); }'
        ),
    ),
    "java": (
        "javac",
        (
            "package p; import java.util.*; public class Foo { public static void main(String[] a) {"
            "Scanner s = new Scanner(System.in); System.out.println(s.nextInt() + s.nextInt()); } }"
        ),
    ),
}


@pytest.mark.parametrize("language", SUMS)
def test_stdio_when_run_natively_then_each_input_has_its_output(tmp_path: Path, language: str):
    tool, source = SUMS[language]
    needs(tool)
    assert told(tmp_path, language, source, TWO) == [("out", "5\n"), ("out", "9\n")]
