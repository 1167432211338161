from __future__ import annotations

from typing import Any

import pytest
from sandbox_driver import Box
from test_sandbox_box import box, boxes, everywhere, one

__all__ = ["box", "boxes"]
ADD = "def add(a, b): return a + b"
LIAR = """
class Liar:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    def __sub__(self, other): return 0
    def __abs__(self): return 0
    def __contains__(self, other): return True
    def __hash__(self): return 0
    def __getattr__(self, name): return lambda *a: True
def add(a, b): return Liar()
"""


FORGER = """
import os
for fd in range(64):
    try: os.write(fd, b"\\0\\0\\0\\1p")
    except OSError: pass
def add(a, b): return 0
"""
EARLY = """
import os
os.write(3, b'\\0\\0\\0\\5["r"]')
def add(a, b): return 3
"""
STOPPER = """
class Add:
    def __len__(self): raise StopIteration
def add(a, b): raise StopIteration
"""
SCALAR = """
class int64:
    __module__, ndim = "numpy", 0
    def item(self): return 3
def add(a, b): return int64()
"""
NO_MINUS = "grader: TypeError: unsupported operand type(s) for -: 'Handle' and 'int'"
NO_METHOD = "program: AttributeError: 'Liar' object has no attribute 'startswith'"
NO_PLUS = "program: TypeError: unsupported operand type(s) for +: 'function' and 'int'"


def graded(box: Box, source: str, *checks: str, **fields: Any) -> list[str]:
    names = fields.pop("names", ["add", "Add"])
    reports = box.do(box.duet(source, fields.pop("grader", ""), checks, names, **fields))[0]
    return [
        r["outcome"] if r["outcome"] != "runtime_error" else f"{r.get('origin')}: {r.get('error', '')}" for r in reports
    ]


@everywhere
@pytest.mark.parametrize(
    ("source", "check", "result"),
    [
        (ADD, "assert add(2, 3) == 5", "ok"),
        (ADD, "assert add(2, 3) == 6, 'no'", "check: AssertionError: no"),
        (ADD, "assert add((1,), (2,)) == (1, 2) and type(add((1,), (2,))) is tuple", "ok"),
        (ADD, "assert add(1, 'x')", "program: TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
        (ADD, "try: add(1, 'x')\nexcept TypeError: pass", "ok"),
        (ADD, "undefined", "grader: NameError: name 'undefined' is not defined"),
        (ADD, "assert add(lambda: 1, 1)", NO_PLUS),
        ("def add(f, x): return [f(y) for y in x]", "assert add(lambda y: y * 2, [1, 2]) == [2, 4]", "ok"),
        ("def add(n):\n  for i in range(n): yield i", "assert list(add(3)) == [0, 1, 2]", "ok"),
        ("def add(n): return lambda m: n + m", "assert add(1)(2) == 3", "ok"),
        ("def add(n): return map(str, range(n))", "assert tuple(add(2)) == ('0', '1')", "ok"),
        ("class add:\n  def __init__(s, n): s.n = n\n  def twice(s): return s.n * 2",
         "a = add(4)\nassert a.twice() == 8\na.n = 5\nassert a.twice() == 10 and a.n == 5", "ok"),
        ("def other(): pass", "assert add(1, 2) == 3", "program: NameError: name 'add' is not defined"),
        ("def add(a, b): raise AssertionError('mine')", "assert add(1, 2) == 3", "program: AssertionError: mine"),
        ("def add(a, b): raise SystemExit(0)", "assert add(1, 2) == 3", "program: RuntimeError: SystemExit: 0"),
        ("import os\ndef add(a, b): os._exit(0)", "assert add(1, 2) == 3", "program: "),
        ("import os; os._exit(0)", "assert add(1, 2) == 3", "program: "),
        ("import sys; sys.exit(0)", "pass", "program: "),
        ("import os\nos.closerange(0, 99)\ndef add(a, b): return 3", "assert add(1, 2) == 3", "program: "),
        ("import os\nos.write(3, b'\\0\\0\\0\\1x' * 9)\ndef add(a, b): return 3", "assert add(1, 2) == 3", "program: "),
        ("import os\nos.write(3, b'\\xff' * 9)\ndef add(a, b): return 3", "assert add(1, 2) == 3", "program: "),
        (EARLY, "assert add(1, 2) == 3", "program: "),
        (FORGER, "assert add(1, 2) == 3", "program: "),
        (STOPPER, "assert all(map(lambda n: add(n, 1) == n + 1, [1, 2]))", "program: RuntimeError: StopIteration: "),
        (STOPPER, "assert all(map(lambda n: len(Add()) == n, [1, 2]))", "program: RuntimeError: StopIteration: "),
        (SCALAR, "assert add(1, 2) == 3", "ok"),
        (LIAR, "assert add(1, 2) == 3", "check: AssertionError: "),
        (LIAR, "assert not add(1, 2) != 3", "check: AssertionError: "),
        (LIAR, "assert 3 in [add(1, 2)]", "check: AssertionError: "),
        (LIAR, "assert abs(add(1, 2) - 3) < 1e-6", NO_MINUS),
        (LIAR, "assert add(1, 2).startswith('a')", NO_METHOD),
        (LIAR, "assert isinstance(add(1, 2), int)", "check: AssertionError: "),
    ],
)  # fmt: skip
def test_duet_judges_by_the_graders_own_values(box: Box, source: str, check: str, result: str) -> None:
    assert graded(box, source, check) == [result]
    assert one(box, "print(6)")["stdout"] == b"6\n"


@everywhere
def test_duet_when_a_check_hangs_or_ends_the_program_runs_the_others(box: Box) -> None:
    source = "import os\ndef add(a, b):\n  while a == 0: pass\n  if a == 1: os._exit(0)\n  return a + b"
    checks = [f"assert add({a}, 1) == {a + 1}" for a in (2, 0, 3, 1, 4)]
    results = graded(box, source, *checks, limits={"cpu_s": 0.3, "wall_s": 2.0})
    assert results == ["ok", "time_limit", "ok", "program: ", "ok"]


@everywhere
def test_duet_with_helpers_of_the_grader_uses_them(box: Box) -> None:
    grader = "import math\ndef check(f):\n    assert math.isclose(f(0.1, 0.2), 0.3)\n    assert f([1], [2]) == [1, 2]"
    assert graded(box, ADD, "check(add)", "check(max)", grader=grader) == [
        "ok",
        "check: AssertionError: ",
    ]


@everywhere
def test_duet_when_asked_to_writes_arguments_back(box: Box) -> None:
    source = "def add(a): a.sort(); a.append(9)"
    check = "x = [3, 1]\nadd(x)\nassert x == [1, 3, 9]"
    assert graded(box, source, check, write_back=True) == ["ok"]
    assert graded(box, source, check) == ["check: AssertionError: "]


@everywhere
def test_duet_when_the_grader_does_not_compile_blames_it(box: Box) -> None:
    (result,) = graded(box, ADD, "assert add(2, 3) == 5", grader="def (")
    assert result.startswith("grader: SyntaxError")
