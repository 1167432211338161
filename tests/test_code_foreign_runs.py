"""C++ and JavaScript through the code teacher, in real sandboxes: right and wrong programs, and cheats."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from verifiers.engine import Scorer
from verifiers.types import Sample, Status, Verdict

BACKENDS = [pytest.param("docker", marks=pytest.mark.docker), pytest.param("bwrap", marks=pytest.mark.bwrap)]
CPP_TEST = """
template <typename T> bool compare(T a, T b){
    return a == b;
}
int main(int argc, char* argv[]) {
    int x0 = add(2, 3);
    if (!(compare(x0, 5))) { throw runtime_error("case 0"); }
    int x1 = add(10, -4);
    if (!(compare(x1, 6))) { throw runtime_error("case 1"); }
    return 0;
}
"""
JS_TEST = """
const _ = require("lodash")
function compare(object1, object2){
    return _.isEqual(object1, object2)
}
var arg00 = 2;
var x0 = add(arg00, 3);
var v0 = 5;
if(!compare(x0, v0)){ throw 'Error at 1th assert statement.' }
var x1 = add(10, -4);
var v1 = 6;
if(!compare(x1, v1)){ throw 'Error at 2th assert statement.' }
"""
TESTS = {"cpp": CPP_TEST, "javascript": JS_TEST}
HEAD = "#include <bits/stdc++.h>\nusing namespace std;\n"
RIGHT = {
    "cpp": HEAD + "int add(int a, int b) { return a + b; }",
    "javascript": "function add(a, b) { return a + b; }",
}
RECORDS = r"\0\0\0\1r\0\0\0\2v1\0\0\0\2v1"
FORGE = f'static void forge() {{ const char r[] = "{RECORDS}"; write(3, r, sizeof r - 1); }}'
CHEATS = {
    "cpp": [
        "int add(int a, int b) { exit(0); }",
        "int add(int a, int b) { _exit(0); }",
        (
            "struct A { operator int() const { return 0; } }; bool operator==(A, int) { return true; }\n"
            "A add(int, int) { return {}; }"
        ),
        f"{FORGE} static int once = (forge(), _exit(0), 0); int add(int a, int b) {{ return 0; }}",
        "template <typename T> bool compare(T a, T b) { return true; } int add(int a, int b) { return 0; }",
        "#define compare(...) true\n#define throw if (0) throw\nint add(int a, int b) { return 0; }",
        "int add(int a, int b) { return 0; }\n#define main other\n#define return exit(0); return",
        "int add(int a, int b) { return 0; }\nint main() { exit(0); }\n#if 0",
        "bool operator==(const string &, const string &) { return true; } int add(int a, int b) { return 0; }",
    ],
    "javascript": [
        "function add() { process.exit(0); }",
        "process.exit(0);",
        "function add() { return { valueOf() { return 5; }, toString() { return '5'; } }; }",
        "Object.is = () => true; Number.prototype.valueOf = () => 5; function add() { return new Number(0); }",
        "Object.defineProperty(globalThis, 'x0', { get: () => 5, set() {} }); function add() { return 0; }",
        "require('module').prototype.require = () => ({ isEqual: () => true }); function add() {}",
        "require('fs').writeSync(3, Buffer.from([0, 0, 0, 1, 114, 0, 0, 0, 2, 118, 53])); process.exit(0);",
        "globalThis.compare = () => true; function compare() { return true; } function add() { return 0; }",
        "function add() { return new Proxy({}, { get: () => 5 }); }",
        "module.vh_evaluate = () => 5; Object.freeze(module); function add() { return 0; }",
    ],
}


def judged(language: str, programs: list[str], backend: str, test: str = "") -> list[Verdict]:
    """Return the verdicts on programs against the test of `add`."""
    reference = {"language": language, "entry_point": "add", "test": test or TESTS[language]}
    samples = [Sample(f"```{language}\n{program}\n```", reference=reference) for program in programs]
    return Scorer("code", options={"sandbox": backend}).score(samples)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("language", TESTS)
def test_foreign_when_right_or_wrong_then_it_is_judged_so(language: str, backend: str):
    right = RIGHT[language]
    verdicts = judged(language, [right, right.replace("a + b", "a - b"), right.replace("a + b", "a +")], backend)
    assert [verdict.reward for verdict in verdicts] == [1.0, 0.0, 0.0]
    assert [verdict.status for verdict in verdicts] == [Status.CORRECT, Status.INCORRECT, Status.INCORRECT]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("language", TESTS)
def test_foreign_when_a_program_cheats_then_it_is_not_paid(language: str, backend: str):
    head = HEAD if language == "cpp" else ""
    programs = [head + cheat for cheat in CHEATS[language]]
    verdicts = judged(language, [*programs, RIGHT[language]], backend)
    assert [(cheat, verdict) for cheat, verdict in zip(programs, verdicts, strict=False) if verdict.reward != 0.0] == []
    assert verdicts[-1].reward == 1.0


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
def test_foreign_when_expected_values_are_expressions_then_a_trusted_program_tells_them(backend: str):
    test = "int main() { int n = 3; int x = add(n, 4); if (!compare(x, n * 2 + 1)) throw 1; }"
    programs = [RIGHT["cpp"], RIGHT["cpp"].replace("a + b", "a * b")]
    assert [verdict.reward for verdict in judged("cpp", programs, backend, test)] == [1.0, 0.0]
    broken = judged("cpp", programs[:1], backend, test.replace("n * 2 + 1", "n * nothing"))
    assert [(verdict.reward, verdict.status) for verdict in broken] == [(None, Status.BAD_REFERENCE)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("language", ["cpp", "javascript", "typescript"])
def test_call_tests_when_in_another_language_then_values_are_compared(language: str, backend: str):
    programs = {
        "cpp": HEAD + "vector<string> f(vector<string> v, int n) { v.resize(n); return v; }",
        "javascript": "const f = (v, n) => v.slice(0, n);",
        "typescript": "export function f(v: string[], n: number): string[] { return v.slice(0, n); }",
    }
    reference = {"language": language, "entry_point": "f", "tests": [{"args": [["é", "b"], 1], "expected": ["é"]}]}
    sample = Sample(f"```{language}\n{programs[language]}\n```", reference=reference)
    (verdict,) = Scorer("code", options={"sandbox": backend}).score([sample])
    if language == "typescript" and backend == "bwrap" and verdict.status is Status.UNAVAILABLE:
        # This machine's own files may lack a TypeScript compiler; the image has one.
        assert "no `compiler`, which typescript programs need" in verdict.reason
    else:
        assert (verdict.reward, verdict.status) == (1.0, Status.CORRECT), verdict.reason


@pytest.mark.timeout(600)
@pytest.mark.docker
@pytest.mark.parametrize(
    ("name", "least"),
    [("mbcpp_release_v1.2.jsonl.gz", 39), ("mbjsp_release_v1.2.jsonl.gz", 30)],
)
def test_mxeval_when_canonical_solutions_are_scored_then_they_pass(shared_data: Path, name: str, least: int):
    with gzip.open(shared_data / "code" / "mxeval" / name, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["canonical_solution"]][:40]
    samples = [
        Sample(
            row["canonical_solution"],
            prompt=row["prompt"],
            reference={key: row[key] for key in ("language", "entry_point", "test")},
        )
        for row in rows
    ]
    verdicts = Scorer("code", options={"sandbox": "docker"}).score(samples)
    assert sum(verdict.reward == 1.0 for verdict in verdicts) >= least
    assert all(verdict.reward is not None for verdict in verdicts)
