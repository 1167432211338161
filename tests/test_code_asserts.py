"""Asserts become calls where they can, and checks of a trusted grader where not."""

import ast

import pytest

from verifiers.catalog.code.asserts import read_asserts
from verifiers.catalog.code.expect import View
from verifiers.catalog.code.literals import NotLiteral, literal
from verifiers.catalog.code.task import BadReference


def read(tests, setup="", entry_point="", **more):
    return read_asserts(ast.parse(setup).body, ast.parse(tests).body, entry_point, **more)


@pytest.mark.parametrize(
    ("test", "value", "op", "view"),
    [
        ("assert f(1) == 2", 2, "==", View.SAME),
        ("assert 2 == f(1), 'message'", 2, "==", View.SAME),
        ("assert f(x=[1], *(2, 3)) != {'a': -1}", {"a": -1}, "!=", View.SAME),
        ("assert f() is None", None, "is", View.SAME),
        ("assert f(1) is not True", True, "is not", View.SAME),
        ("assert f(1)", True, "==", View.TRUTH),
        ("assert not f(1)", False, "==", View.TRUTH),
        ("assert bool(f(1)) == False", False, "==", View.TRUTH),
        ("assert f(1) < 3", 3, "<", View.SAME),
        ("assert 3 < f(1)", 3, ">", View.SAME),
        ("assert set(f([1])) == {1, 2}", {1, 2}, "==", View.SET),
        ("assert set(f([1])) == set([1, 2])", {1, 2}, "==", View.SET),
        ("assert sorted(f([1])) == sorted((2, 1))", [1, 2], "==", View.SORTED),
        ("assert tuple(f(1)) == (1,)", (1,), "==", View.TUPLE),
        ("assert len(f(1)) >= 2", 2, ">=", View.LEN),
        ("assert round(f(1), 2) == 1.25", 1.25, "==", View.ROUND),
        ("assert abs(f(1) - 2.5) < 1e-6", 1e-6, "<", View.APART),
        ("assert abs(2.5 - f(1)) <= 10 ** -6", 1e-6, "<=", View.APART),
        ("assert math.isclose(f(1), 2.5, rel_tol=0.001)", True, "==", View.CLOSE),
        ("assert f(10 ** 20, 'ab' * 2, float('inf'), math.pi) == [0] * 3", [0, 0, 0], "==", View.SAME),
    ],
)
def test_assert_when_it_is_one_call_with_literals_then_a_call_test(test, value, op, view):
    found = read(test, entry_point="f")
    assert found.entry_point == "f"
    (call,) = found.calls
    assert (call.expect.value, call.expect.op, call.expect.view) == (value, op, view)


@pytest.mark.parametrize(
    "test",
    [
        "assert f(f(1)) == 2",
        "assert f(1) == f(2)",
        "assert f(1) == g(2)",
        "assert 0 <= f(1) <= 5",
        "assert f(1) in (1, 2)",
        "assert f(x) == 2",
        "assert f(1) + 1 == 2",
        "assert f(1) == 2 and f(2) == 3",
        "assert isinstance(f(1), int)",
        "assert f(1)[0] == 2",
        "assert f(1) is 5",
        "assert set(f(1)) < {1}",
        "assert f(**{'a': 1}) == 1",
        "assert f(object()) == 1",
        "assert f(10 ** 10 ** 10) == 1",
        "assert f([0] * 10 ** 9) == 1",
        "x = f(1)\nassert x == 2",
        "for i in range(3):\n    assert f(i) == i",
        "assert f(1) == 2\nassert f(f(1)) == 2",
        "def sorted(x): return 1\nassert sorted(f(1)) == 1",
    ],
)
def test_assert_when_it_is_more_than_that_then_the_grader_gets_all(test):
    found = read(test, entry_point="f")
    assert found.calls == ()
    assert found.checks
    assert "f" in found.names


@pytest.mark.parametrize("test", ["", "x = 1", "f(1)", "assert True", "'assert f(1)'"])
def test_asserts_when_they_test_nothing_then_a_bad_reference(test):
    with pytest.raises(BadReference, match="assert nothing"):
        read(test)


@pytest.mark.parametrize(
    "test",
    [
        "assert eval(f(1)) == 2",
        "for x in (1, 2):\n    exec(f(x))\n    assert x",
        "import pickle\nassert pickle.loads(f(1)) == 2",
        "import subprocess as s\nimport subprocess\nassert subprocess.run(['python3', '-c', f(1)]).returncode == 0",
    ],
)
def test_grader_when_it_would_run_what_a_program_returns_then_a_bad_reference(test):
    with pytest.raises(BadReference, match="run text as code"):
        read(test)


def test_grader_when_it_runs_text_of_its_own_then_it_may():
    assert read("for x in (1, 2):\n    assert f(x) == eval('1 + 1')").checks


@pytest.mark.parametrize(
    ("test", "name"),
    [
        ("assert area(2) == 4", "area"),
        ("assert math.isclose(area(2), 4)", "area"),
        ("assert set(area(2)) == {4}", "area"),
        ("assert sum(1, 2) == 3", "sum"),
        ("assert Solution().area(2) == 4", "Solution.area"),
    ],
)
def test_entry_point_when_not_named_then_it_is_what_the_tests_call(test, name):
    found = read(test)
    assert found.entry_point == name
    assert len(found.calls) == 1


def test_grader_when_it_uses_modules_then_they_are_imported_there_and_not_taken_from_the_program():
    found = read("for i in range(3):\n    assert math.isclose(area(i), Counter([i])[0] * np.pi)", entry_point="area")
    assert set(found.names) == {"area"}
    assert {"import math", "import numpy as np", "from collections import Counter"} <= set(found.grader.split("\n"))


def test_grader_when_a_test_needs_the_programs_own_class_then_it_reaches_into_it():
    found = read("assert longest([Pair(5, 24), Pair(39, 60)]) == 2", entry_point="longest")
    assert set(found.names) == {"longest", "Pair"}


def test_grader_when_the_prompt_has_helpers_then_they_are_trusted_and_its_stub_is_not():
    helpers = ast.parse("import math\ndef poly(x): return x\ndef root(x): pass").body
    found = read("x = candidate(1)\nassert poly(x) < 1", entry_point="root", alias="candidate", helpers=helpers)
    assert "def poly" in found.grader
    assert "def root" not in found.grader
    assert "candidate = root" in found.grader
    assert found.names == ("root",)


def test_checks_when_statements_lead_up_to_asserts_then_they_stay_together_in_order():
    found = read("x = f(1)\ny = 2\nassert x == y\nassert f(x) == 1\nz = 3", entry_point="f")
    assert [check.source for check in found.checks] == ["x = f(1)\ny = 2\nassert x == y", "assert f(x) == 1\nz = 3"]


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        ("a = [2, 1]\nf(a)\nassert a == [1, 2]", True),
        ("a = [2, 1]\nr = f(a)\nassert r is None and a == [1, 2]", True),
        ("for a, b in [([2, 1], [1, 2])]:\n    f(a)\n    assert a == b", True),
        ("a = [2, 1]\nassert f(a) == sorted(a)", False),
        ("a = [2, 1]\nr = f(a)\nassert r == sorted(a)", False),
        ("f()\nassert f([2, 1]) == [1, 2]\nassert [1] == f(a := [1])", False),
    ],
)
def test_grader_when_tests_look_at_an_argument_after_the_call_then_changes_are_written_back(tests, told):
    assert read(tests, entry_point="f").write_back is told


@pytest.mark.parametrize(
    "source",
    [
        "x",
        "f(1)",
        "open('a')",
        "[i for i in x]",
        "...",
        "a.b",
        "'%s' % 1",
        "10 ** 10 ** 9",
        "b'x' * 10 ** 9",
        "'a' * 10 ** 12",
    ],
)
def test_literal_when_an_expression_does_more_then_refused(source):
    with pytest.raises(NotLiteral):
        literal(ast.parse(source, mode="eval").body)


@pytest.mark.parametrize(
    "source", ["-1", "[1, *(2, 3)]", "{'a': {1}}", "set()", "frozenset([1])", "1 + 2j", "'a' * 3", "b'x'", "2 ** 64"]
)
def test_literal_when_an_expression_spells_a_value_then_python_agrees(source):
    assert literal(ast.parse(source, mode="eval").body) == eval(source)
