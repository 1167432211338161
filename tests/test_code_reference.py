"""Every shape of reference is read as it is; what is none says what is allowed."""

import base64
import json
import pickle
import zlib

import pytest

from verifiers.catalog.code.plans import PlanCache
from verifiers.catalog.code.reference import read_task
from verifiers.catalog.code.task import BadReference, CallTest, CheckTest, StdioTest
from verifiers.types import Sample

IO = {"inputs": ["2 3\n", "1 1\n"], "outputs": ["5\n", "2\n"]}
FN = {"fn_name": "add", "inputs": [[2, 3], [1, 1]], "outputs": [[5], [2]]}
CHECK = "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(1, 1) == 2\n"
PACKED = base64.b64encode(
    zlib.compress(pickle.dumps(json.dumps([{"input": "1 1\n", "output": "2", "testtype": "stdin"}])))
).decode()


def read(reference, meta=None, prompt=""):
    return read_task(Sample("", prompt, reference, meta or {}))


def nested(depth):
    """Return a list of lists so deep."""
    inner = []
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "reference",
    [
        {"language": "python", "tests": [{"stdin": "2 3\n", "stdout": "5\n"}, {"stdin": "1 1\n", "stdout": "2\n"}]},
        {"tests": json.dumps([{"input": "2 3\n", "output": "5\n"}, {"input": "1 1\n", "output": "2\n"}])},
        {"input_output": IO},
        {"input_output": json.dumps(IO)},
        IO,
        json.dumps(IO),
        {"input": IO["inputs"], "output": IO["outputs"]},
        {
            "public_tests": {"input": ["2 3\n"], "output": ["5\n"]},
            "private_tests": {"input": ["1 1\n"], "output": ["2\n"]},
        },
        [
            {"input": "2 3\n", "output": "5\n", "testtype": "stdin"},
            {"input": "1 1\n", "output": "2\n", "testtype": "stdin"},
        ],
        {"public_test_cases": json.dumps([{"input": "2 3\n", "output": "5\n"}]), "private_test_cases": PACKED},
        {
            "language": "python",
            "test_cases": [
                {"fn_name": None, "input": "2 3\n", "output": "5\n", "type": "stdin_stdout"},
                {"fn_name": None, "input": "1 1\n", "output": "2\n", "type": "stdin_stdout"},
            ],
        },
        {
            "test": json.dumps(
                [
                    {"input": {"stdin": "2 3\n"}, "output": {"stdout": "5\n"}},
                    {"input": {"stdin": "1 1\n"}, "output": {"stdout": "2\n"}},
                ]
            )
        },
        {"ground_truth": json.dumps(IO)},
        {"official_tests": [{"input": "2 3\n", "output": "5\n"}, {"input": "1 1\n", "output": "2\n"}]},
    ],
)
@pytest.mark.parametrize("where", ["reference", "row"])
def test_read_task_when_tests_are_stdin_and_stdout_then_those_are_read(reference, where):
    if where == "row" and isinstance(reference, dict):
        task = read(None, reference)
    else:
        task = read(reference)
    assert [type(test) for test in task.tests] == [StdioTest, StdioTest]
    assert [(test.stdin.strip(), test.expected.strip()) for test in task.tests] == [(b"2 3", b"5"), (b"1 1", b"2")]


@pytest.mark.parametrize(
    ("reference", "meta"),
    [
        (
            {
                "entry_point": "add",
                "tests": [{"args": [2, 3], "expected": 5}, {"args": [1], "kwargs": {"b": 1}, "expected": 2}],
            },
            {},
        ),
        ({"entry_point": "add", "asserts": ["assert add(2, 3) == 5", "add(1, 1) == 2"]}, {}),
        ({"asserts": "assert add(2, 3) == 5\nassert add(1, 1) == 2"}, {}),
        ("assert add(2, 3) == 5\nassert add(1, 1) == 2", {}),
        (["assert add(2, 3) == 5", "assert add(1, 1) == 2"], {}),
        (
            {
                "test_list": ["assert add(2, 3) == 5"],
                "challenge_test_list": ["assert add(1, 1) == 2"],
                "test_setup_code": "",
            },
            {},
        ),
        ({"test": CHECK, "entry_point": "add"}, {}),
        (CHECK, {"entry_point": "add"}),
        (CHECK + "\ncheck(add)", {}),
        ({"input_output": json.dumps(FN)}, {}),
        (FN, {}),
        (
            [
                {"input": "2\n3", "output": "5", "testtype": "functional"},
                {"input": "1\n1", "output": "2", "testtype": "functional"},
            ],
            {"metadata": '{"func_name": "add"}'},
        ),
        (
            {
                "public_test_cases": [
                    {"input": "2\n3", "output": "5", "testtype": "functional"},
                    {"input": "1\n1", "output": "2", "testtype": "functional"},
                ],
                "metadata": {"func_name": "add"},
            },
            {},
        ),
        (
            {
                "language": "python",
                "test_cases": [
                    {"fn_name": "add", "input": [2, 3], "output": [5], "type": "function_call"},
                    {"fn_name": "add", "input": [1, 1], "output": [2], "type": "function_call"},
                ],
            },
            {},
        ),
        (
            None,
            {
                "verification_info": {
                    "language": "python",
                    "test_cases": [
                        {"fn_name": "add", "input": [2, 3], "output": [5], "type": "function_call"},
                        {"fn_name": "add", "input": [1, 1], "output": [2], "type": "function_call"},
                    ],
                }
            },
        ),
        ({"functional": CHECK + "\ncheck(add)"}, {}),
        ({"assert_case": ["assert add(2, 3) == 5", "assert add(1, 1) == 2"]}, {"fn_name": "add"}),
    ],
)
def test_read_task_when_tests_are_calls_then_those_are_read(reference, meta):
    task = read(reference, meta)
    assert [type(test) for test in task.tests] == [CallTest, CallTest]
    assert task.entry_point == "add"
    assert [test.expect.value for test in task.tests] == [5, 2]


def test_read_task_when_a_row_has_solutions_for_reference_then_its_tests_are_found_beside_them():
    task = read(["a, b = map(int, input().split())\nif a == b:\n    print(a)"] * 2, {"input_output": IO})
    assert len(task.tests) == 2


@pytest.mark.parametrize(
    "test",
    [
        "def check(candidate):\n    for x in range(3):\n        assert candidate(x) == x\n",
        "def check(candidate):\n    if candidate(1) == 1:\n        return\n    assert False\n",
        "def near(a, b):\n    return abs(a - b) < 1\ndef check(candidate):\n    assert near(candidate(1), 1)\n",
    ],
)
def test_read_task_when_check_does_more_than_calls_then_the_grader_runs_it(test):
    task = read({"test": test, "entry_point": "same"})
    assert [type(each) for each in task.tests] == [CheckTest]
    assert "same" in task.names


def test_read_task_when_an_evalplus_row_then_its_solution_tells_what_is_expected():
    row = {
        "prompt": "def pair(x):\n    '''Doc.'''\n",
        "entry_point": "pair",
        "canonical_solution": "    return x + x\n",
        "base_input": [[[1, 2]]],
        "plus_input": [[[3]]],
        "assertion": "assert pair((1, 2)) == (1, 2, 1, 2)",
        "atol": 0,
    }
    task = read(None, row)
    assert [test.expect for test in task.tests] == [None, None]
    assert [test.arguments for test in task.tests] == [b'[[{"t": [1, 2]}], {"d": []}]', b'[[{"t": [3]}], {"d": []}]']
    assert task.trusted.source.endswith("return x + x\n")
    assert task.prompt


@pytest.mark.parametrize(
    ("told", "name", "atol"),
    [
        ("float", "float", 1e-6),
        ({"name": "float", "abs": 0.1, "rel": 0}, "float", 0.1),
        ("unordered_lines", "unordered_lines", 1e-6),
        (None, "tokens", 1e-6),
    ],
)
def test_read_task_when_a_checker_is_named_then_it_is_used(told, name, atol):
    checker = read({"tests": [{"stdin": "", "stdout": "1"}], "checker": told}).checker
    assert (checker.name, checker.atol) == (name, atol)


def test_read_task_when_the_reference_sets_limits_then_they_are_kept():
    task = read({"tests": [{"stdin": "", "stdout": "1"}], "cpu_s": 2, "memory_mb": 64, "language": "C++"})
    assert (task.cpu_s, task.memory_bytes, task.language) == (2.0, 64 * 1024 * 1024, "cpp")


@pytest.mark.parametrize(
    ("reference", "meta", "words"),
    [
        (None, {}, "there is no reference"),
        (5, {}, "none of the known shapes"),
        ("5", {}, "none of the known shapes"),
        ({}, {}, "none of the known shapes"),
        ({"solution": "x"}, {}, "keys solution"),
        ("{broken", {}, "not JSON"),
        ({"tests": []}, {}, "at least one test"),
        ({"tests": "x"}, {}, "at least one test"),
        ({"tests": [5]}, {}, "list of objects"),
        ({"tests": [{"in": 1}]}, {}, "allowed: stdin and stdout"),
        ({"tests": [{"args": [1], "expected": 1}]}, {}, "entry_point"),
        ({"tests": [{"args": [1]}], "entry_point": "f"}, {}, "needs expected"),
        ({"tests": [{"args": 1, "expected": 1}], "entry_point": "f"}, {}, "args is a list"),
        ({"tests": [{"stdin": {}, "stdout": ""}]}, {}, "stdin is text"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "checker": "fuzzy"}, {}, "checker is one of"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "checker": {"name": "float", "abs": -1}}, {}, "checker is one of"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "language": "cobol"}, {}, "allowed: python"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "cpu_s": "5"}, {}, "from 0.01 to 3600"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "cpu_s": 1e-9}, {}, "from 0.01 to 3600"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "memory_mb": 1}, {}, "from 16 to"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "language": 5}, {}, "language is a text"),
        ({"tests": [{"stdin": "", "stdout": "1"}], "checker": {"source": " "}}, {}, "checker is one of"),
        ({"tests": [{1: 2}]}, {}, "allowed: stdin and stdout"),
        ({"tests": [{"args": [], "expected": 1}], "entry_point": "f g"}, {}, "no function's name"),
        ({"tests": [{"args": [], "expected": nested(101)}], "entry_point": "f"}, {}, "nested deeper than 100"),
        ({"test": CHECK, "entry_point": "["}, {}, "no function's name"),
        ({"test": CHECK, "entry_point": "\ud800"}, {}, "no function's name"),
        ({"asserts": "assert f(1) == 1", "entry_point": "'"}, {}, "no function's name"),
        ({"asserts": "assert(f\x001) == 2", "language": "cpp"}, {}, "with nothing"),
        ({"public_tests": {"input": 1, "output": 2}}, {}, "public_tests.input is a list"),
        ({"public_tests": {"input": None, "output": None}}, {}, "public_tests.input is a list"),
        ({"test_cases": [{"fn_name": 5, "input": 1, "output": 1, "type": "call"}]}, {}, "no function's name"),
        ({"asserts": "assert"}, {}, "not Python"),
        ({"asserts": "x = 1"}, {}, "assert nothing"),
        ({"asserts": 5}, {}, "text or a list of texts"),
        ({"asserts": "assert 1 == 1"}, {}, "no function is called"),
        ({"asserts": "assert f(x) == 1", "language": "go"}, {}, "literal arguments"),
        ({"test": "def check(a, b): pass"}, {}, "one argument"),
        ({"test": CHECK}, {}, "entry_point"),
        ({"inputs": ["1"], "outputs": []}, {}, "at least one test"),
        ({"inputs": ["1", "2"], "outputs": ["1"]}, {}, "2 inputs and 1 outputs"),
        ({"input_output": {"inputs": []}}, {}, "inputs, outputs"),
        ({"public_tests": {"input": ["1"]}}, {}, "public_tests is"),
        ({"public_test_cases": "!!!"}, {}, "neither JSON nor packed"),
        ({"test_cases": [{"input": "1"}]}, {}, "input and output"),
        ({"test_cases": [{"input": "1", "output": "1", "type": "odd"}]}, {}, "not known"),
        ({"test_cases": [{"input": "1", "output": "1", "type": "functional"}]}, {}, "function's name"),
        ({"base_input": [[1]]}, {}, "canonical_solution"),
        ({"base_input": [1], "canonical_solution": "x", "entry_point": "f"}, {}, "lists of arguments"),
    ],
)
def test_read_task_when_the_reference_cannot_be_used_then_it_says_why(reference, meta, words):
    with pytest.raises(BadReference, match=words):
        read(reference, meta)


@pytest.mark.parametrize("reference", [{"ground_truth": nested(5000)}, nested(5000), {1: "x", "asserts": "assert"}])
def test_task_when_a_reference_is_odd_or_too_deep_then_a_bad_reference(reference):
    with pytest.raises(BadReference):
        PlanCache().task_of(Sample("", reference=reference))
    with pytest.raises(BadReference):
        PlanCache().task_of(Sample("", reference=None, meta={"test_cases": reference}))


def test_read_task_when_a_packed_test_is_a_pickle_of_something_else_then_it_is_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "made"), "w"))

    packed = base64.b64encode(zlib.compress(pickle.dumps(Bomb()))).decode()
    with pytest.raises(BadReference):
        read({"private_test_cases": packed})
    assert not (tmp_path / "made").exists()
