"""Tests written as Python asserts, cut into what can be judged from outside the program's process.

An assert on one call with literal arguments becomes a call test: `f(1) == 2`, `f(1) is None`, `not f(1)`, `f(1)`,
`abs(f(1) - 2) < 1e-6`, `math.isclose(f(1), 2, rel_tol=1e-3)`, `set(f(1)) == {2}`, also with sorted, list, tuple, len,
round, frozenset, bool. If all are such, the tests are calls. Otherwise all of them go, in order, to a trusted grader in
a process of its own whose names that it does not define itself reach into the program.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.catalog.code.expect import Expect, View
from verifiers.catalog.code.literals import NotLiteral, literal
from verifiers.catalog.code.names import free_names, imports_for, looks_at_arguments, runs_text, top_names
from verifiers.catalog.code.task import BadReference, CallTest, CheckTest
from verifiers.catalog.code.values import ValueFault, encode_call

MAX_SOURCE_CHARS = 4_000_000
MAX_CHECKS = 20_000

_ORDERED = {ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not"}
_LESS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_VIEWS = {view.value: view for view in (View.SET, View.FROZENSET, View.SORTED, View.LIST, View.TUPLE, View.LEN)}
_SHADOWED = frozenset({*_VIEWS, "abs", "round", "bool", "math", "not"})


class NotACall(ValueError):
    """An assert that is more than one call with literal arguments."""


@dataclass(frozen=True, slots=True)
class Asserts:
    """Tests that were read: calls of `entry_point`, or else checks for a grader.

    Attributes:
        entry_point: What the calls call.
        calls: Not empty if all tests are such.
        checks, grader, names, write_back: Of the grader, if there are no calls.
    """

    entry_point: str
    calls: tuple[CallTest, ...] = ()
    checks: tuple[CheckTest, ...] = ()
    grader: str = ""
    names: tuple[str, ...] = ()
    write_back: bool = False


def parse(source: str, what: str) -> list[ast.stmt]:
    """Return the statements of trusted Python source.

    Raises:
        BadReference: If it is not Python.
    """
    if len(source) > MAX_SOURCE_CHARS:
        raise BadReference(f"{what} has {len(source):,} characters; at most {MAX_SOURCE_CHARS:,} are read")
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f" (line {error.lineno})" if isinstance(error, SyntaxError) else ""
        raise BadReference(f"{what} is not Python: {error.args[0] if error.args else error}{line}") from error


def read_asserts(
    setup: Sequence[ast.stmt],
    tests: Sequence[ast.stmt],
    entry_point: str = "",
    *,
    alias: str = "",
    helpers: Sequence[ast.stmt] = (),
) -> Asserts:
    """Cut tests into calls, or into checks for a grader.

    Args:
        setup: Statements that run before the tests.
        tests: The statements that test.
        entry_point: The tested function; empty = found in the tests.
        alias: Another name that the tests have for it (`candidate`).
        helpers: Trusted definitions that tests may use (of a prompt).

    Raises:
        BadReference: If nothing is tested, or the function cannot be found.
    """
    telling = [statement for statement in tests if not _is_idle(statement)]
    if not any(isinstance(node, ast.Assert | ast.Raise) for each in telling for node in ast.walk(each)):
        raise BadReference("the tests assert nothing")
    if len(telling) > MAX_CHECKS:
        raise BadReference(f"{len(telling):,} tests; at most {MAX_CHECKS:,} are read")
    entry_point = entry_point or _found_entry_point([*setup, *telling])
    known = {entry_point, alias or entry_point}
    if not _SHADOWED & top_names([*setup, *telling, *helpers]):
        try:
            calls = [_call_test(statement, known) for statement in telling]
        except NotACall:
            calls = []
        called = {name if name != alias else entry_point for name, _ in calls}
        if len(called) == 1:
            return Asserts(called.pop(), tuple(test for _, test in calls))
    return _for_grader(setup, telling, entry_point, alias, helpers)


def _is_idle(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: a docstring, a bare name, `pass`, `assert True`."""
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant) and bool(statement.test.value)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant | ast.Name)
    return isinstance(statement, ast.Pass)


def _for_grader(
    setup: Sequence[ast.stmt],
    tests: Sequence[ast.stmt],
    entry_point: str,
    alias: str,
    helpers: Sequence[ast.stmt],
) -> Asserts:
    own = [statement for statement in helpers if entry_point not in top_names([statement])]
    before = [*own, *setup]
    if run := runs_text([*before, *tests]):
        raise BadReference(f"the tests run text as code ({run}), and it could be the program's")
    if alias and alias != entry_point:
        before.append(ast.parse(f"{alias} = {entry_point}").body[0])
    everything = [*before, *tests]
    free = free_names(everything)
    added = imports_for(everything, free - {entry_point})
    names = {entry_point} | (free - {name for name, _ in added})
    if not entry_point.isidentifier():
        raise BadReference(f"the entry point {entry_point!r} is no name")
    grader = "\n".join([*(line for _, line in added), _source(before)])
    checks = tuple(CheckTest(_source(group)) for group in _groups(tests))
    write_back = looks_at_arguments(everything, names | {alias})
    return Asserts(entry_point, (), checks, grader, tuple(sorted(names)), write_back)


def _groups(tests: Sequence[ast.stmt]) -> Iterable[list[ast.stmt]]:
    """Yield runs of statements that each end in one that asserts; what follows the last one belongs to it."""
    group: list[ast.stmt] = []
    groups: list[list[ast.stmt]] = []
    for statement in tests:
        group.append(statement)
        if any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(statement)):
            groups.append(group)
            group = []
    if group:
        groups[-1] += group
    return groups


def _source(statements: Sequence[ast.stmt]) -> str:
    try:
        return "\n".join(ast.unparse(statement) for statement in statements)
    except RecursionError as error:
        raise BadReference("the tests are nested too deep") from error


def _found_entry_point(statements: Sequence[ast.stmt]) -> str:
    """Return the function that the asserts call: the first name that is no builtin, else the first that is."""
    own = free_names(statements)
    calls = [node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Call)]
    called = [node.func.id for node in calls if isinstance(node.func, ast.Name)]
    methods = [name for name in map(_method, calls) if name]
    for name in called:
        if name in own and not imports_for(statements, {name}):
            return next((method for method in methods if method.startswith(f"{name}.")), name)
    if called:
        return called[-1] if called[0] in _VIEWS and len(called) > 1 else called[0]
    raise BadReference("no function is called in the tests; name it with entry_point")


def _method(node: ast.Call) -> str:
    """Return `Class.method` of `Class().method(...)`."""
    function = node.func
    if (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Call)
        and isinstance(function.value.func, ast.Name)
        and not (function.value.args or function.value.keywords)
    ):
        return f"{function.value.func.id}.{function.attr}"
    return ""


def _call_test(statement: ast.stmt, known: set[str]) -> tuple[str, CallTest]:
    """Return the called name and the test of one assert.

    Raises:
        NotACall: If it is more than that.
    """
    if not isinstance(statement, ast.Assert):
        raise NotACall("no assert")
    try:
        call, expect = _expectation(statement.test, known)
        args, kwargs = _arguments(call)
        data = encode_call(args, kwargs)
    except (NotLiteral, ValueFault) as error:
        raise NotACall(str(error)) from error
    name = call.func.id if isinstance(call.func, ast.Name) else _method(call)
    return name, CallTest(data, expect, ast.unparse(call))


def _arguments(call: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    if any(key.arg is None for key in call.keywords):
        raise NotACall("** in a call")
    return literal(ast.List(call.args, ast.Load())), {str(key.arg): literal(key.value) for key in call.keywords}


def _is_known(node: ast.expr, known: set[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    return (isinstance(node.func, ast.Name) and node.func.id in known) or (_method(node) in known)


def _expectation(test: ast.expr, known: set[str]) -> tuple[ast.Call, Expect]:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        call, view, _ = _side(test.operand, known)
        if view is View.SAME:
            return call, Expect(False, view=View.TRUTH)
        raise NotACall("not of a view")
    if isinstance(test, ast.Compare):
        return _comparison(test, known)
    if _function(test) in ("math.isclose", "isclose"):
        assert isinstance(test, ast.Call)
        return _isclose(test, known)
    call, view, _ = _side(test, known)
    if view is not View.SAME:
        raise NotACall("the truth of a view")
    return call, Expect(True, view=View.TRUTH)


def _comparison(test: ast.Compare, known: set[str]) -> tuple[ast.Call, Expect]:
    if len(test.ops) != 1:
        raise NotACall("a chained comparison")
    left, kind, right = test.left, type(test.ops[0]), test.comparators[0]
    op = _ORDERED.get(kind) or _LESS.get(kind)
    if op is None:
        raise NotACall("in")
    try:
        call, view, number = _side(left, known)
        other = right
    except NotACall:
        call, view, number = _side(right, known)
        other, op = left, _MIRRORED.get(op, op)
    value = literal(other)
    if op in ("is", "is not") and (view is not View.SAME or not (value is None or isinstance(value, bool))):
        raise NotACall("the identity of a value")
    if view in (View.SET, View.FROZENSET):
        if not isinstance(value, set | frozenset) or op not in ("==", "!="):
            raise NotACall("a set compared with something else")
    elif op in _LESS.values() and not isinstance(value, int | float):
        raise NotACall("an order of what is no number")
    return call, Expect(value, op, view, number)


def _side(node: ast.expr, known: set[str]) -> tuple[ast.Call, View, Any]:
    """Return the call in one side of a comparison, and what is made of its result."""
    if isinstance(node, ast.Call) and _is_known(node, known):
        return node, View.SAME, None
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords or not node.args:
        raise NotACall("no call")
    name, inner = node.func.id, node.args[0]
    if name in _VIEWS and len(node.args) == 1 and _is_known(inner, known):
        return inner, _VIEWS[name], None  # type: ignore[return-value]
    if name == "bool" and len(node.args) == 1 and _is_known(inner, known):
        return inner, View.TRUTH, None  # type: ignore[return-value]
    if name == "round" and len(node.args) <= 2 and _is_known(inner, known):
        digits = literal(node.args[1]) if len(node.args) == 2 else None
        if digits is not None and type(digits) is not int:
            raise NotACall("round to what is no whole number")
        return inner, View.ROUND, digits  # type: ignore[return-value]
    if name == "abs" and len(node.args) == 1 and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
        return _difference(inner, known)
    raise NotACall(f"{name} of something")


def _difference(node: ast.BinOp, known: set[str]) -> tuple[ast.Call, View, Any]:
    call, other = (node.left, node.right) if _is_known(node.left, known) else (node.right, node.left)
    if not _is_known(call, known) or not isinstance(call, ast.Call):
        raise NotACall("abs of something")
    number = literal(other)
    if not isinstance(number, int | float):
        raise NotACall("the distance from what is no number")
    return call, View.APART, number


def _function(node: ast.expr) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _isclose(test: ast.Call, known: set[str]) -> tuple[ast.Call, Expect]:
    named = {str(key.arg): literal(key.value) for key in test.keywords}
    if len(test.args) != 2 or not named.keys() <= {"rel_tol", "abs_tol"}:
        raise NotACall("math.isclose with other arguments")
    call, other = test.args if _is_known(test.args[0], known) else reversed(test.args)
    number = literal(other)
    if not _is_known(call, known) or not isinstance(call, ast.Call) or not isinstance(number, int | float):
        raise NotACall("math.isclose of something else")
    tolerance = (float(named.get("rel_tol", 1e-9)), float(named.get("abs_tol", 0.0)))
    return call, Expect(True, "==", View.CLOSE, number, tolerance)
