"""HumanEval, MBPP (also mxeval's) and EvalPlus, as their rows are."""

from __future__ import annotations

import ast
from typing import Any

from verifiers.catalog.code.asserts import parse, read_asserts
from verifiers.catalog.code.compare import Rule
from verifiers.catalog.code.fields import Fields, function_name, read_json, shown, strings
from verifiers.catalog.code.joining import continued, helpers_of
from verifiers.catalog.code.oracles import oracle_for
from verifiers.catalog.code.shapes_own import asserts_task, from_asserts, prompt_of, task
from verifiers.catalog.code.task import BadReference, CallTest, Task, Trusted
from verifiers.catalog.code.templates import retyper
from verifiers.catalog.code.values import ValueFault, encode_call

CHECK = "check"
"""The function that HumanEval's tests define."""
MAX_INPUTS = 20_000
_WITHOUT_RETURN = (ast.Assert, ast.Assign, ast.Expr, ast.FunctionDef, ast.ClassDef)
"""Statements that cannot return from the function that they stand in."""


def human_eval(fields: Fields) -> Task | None:
    """Read `{prompt?, test with check(candidate), entry_point}`; mxeval's rows are such."""
    test = fields.own.get("test")
    if not isinstance(test, str) or f"def {CHECK}(" not in test:
        return None
    language = fields.language()
    if language not in ("", "python"):
        raise BadReference(f"check(candidate) is Python, and the reference's language is {language}")
    statements = parse(test, "test")
    check = next((each for each in statements if isinstance(each, ast.FunctionDef) and each.name == CHECK), None)
    if check is None or len(check.args.args) != 1:
        raise BadReference(f"test defines {CHECK}(candidate) with one argument")
    entry_point = function_name(fields.text("entry_point")) or _called_with(statements)
    if not entry_point:
        raise BadReference(f"a test with {CHECK}(candidate) needs entry_point, the function's name")
    prompt = prompt_of(fields, entry_point)
    setup = [each for each in statements if each is not check and not _calls_check(each)]
    helpers = helpers_of(prompt) if prompt else []
    blocks = [each for each in check.body if not isinstance(each, _WITHOUT_RETURN)]
    if any(isinstance(node, ast.Return) for each in blocks for node in ast.walk(each)):
        body: list[ast.stmt] = [_as_one(check, entry_point)]
        found = read_asserts(setup, body, entry_point, helpers=helpers)
    else:
        found = read_asserts(setup, check.body, entry_point, alias=check.args.args[0].arg, helpers=helpers)
    return from_asserts("HumanEval", fields, found, prompt)


def _calls_check(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and isinstance(statement.value.func, ast.Name)
        and statement.value.func.id == CHECK
    )


def _called_with(statements: list[ast.stmt]) -> str:
    """Return the name in a final `check(name)`."""
    for statement in reversed(statements):
        if _calls_check(statement):
            args = statement.value.args  # type: ignore[attr-defined]
            return args[0].id if len(args) == 1 and isinstance(args[0], ast.Name) else ""
    return ""


def _as_one(check: ast.FunctionDef, entry_point: str) -> ast.stmt:
    """Return a check that leaves early as one statement: its definition and call in a block that always runs."""
    call = ast.parse(f"{check.name}({entry_point})").body
    block = ast.If(ast.Constant(True), [check, *call], [])
    return ast.fix_missing_locations(block)


def mbpp(fields: Fields) -> Task | None:
    """Read `{test_list, test_setup_code?, challenge_test_list?}`."""
    if "test_list" not in fields:
        return None
    tests = strings(fields.get("test_list"), "test_list")
    more = fields.get("challenge_test_list") or []
    setup = [fields.text("test_setup_code"), *strings(fields.own.get("test_imports") or [], "test_imports")]
    return asserts_task("MBPP", fields, "\n".join(setup).strip(), [*tests, *strings(more, "challenge_test_list")])


def eval_plus(fields: Fields) -> Task | None:
    """Read `{base_input, plus_input, canonical_solution, entry_point, atol}`.

    What is expected is what the canonical solution returns, run as a program of its own. Inputs are JSON; where the
    row's asserts (`assertion`) show a tuple, set or other type in the place of a list, it is made so.
    """
    if "base_input" not in fields and "plus_input" not in fields:
        return None
    entry_point, solution = fields.text("entry_point"), fields.text("canonical_solution")
    if not entry_point or not solution:
        raise BadReference("base_input and plus_input need canonical_solution and entry_point")
    base, plus = (_inputs(fields.get(name), name) for name in ("base_input", "plus_input"))
    prompt = prompt_of(fields, entry_point)
    retype = retyper(fields.text("assertion"), entry_point, base)
    atol = fields.own.get("atol") or 0
    if isinstance(atol, bool) or not isinstance(atol, int | float) or atol < 0:
        raise BadReference(f"atol is a number, not {shown(atol)}")
    tests = tuple(_input_test(retype(args), entry_point) for args in [*base, *plus])
    if not tests:
        raise BadReference("there are neither base_input nor plus_input")
    rule = Rule(nan=True, atol=float(atol) or 1e-6, rtol=1e-7)
    program = continued(prompt, solution, entry_point) if prompt else solution
    trusted = Trusted(program, rule, oracle_for(entry_point))
    return task("EvalPlus", fields, tests, entry_point=entry_point, prompt=prompt, trusted=trusted)


def _inputs(value: Any, name: str) -> list[list[Any]]:
    if not value:
        return []
    value = read_json(value, name) if isinstance(value, str) else value
    if not isinstance(value, list | tuple) or not all(isinstance(args, list | tuple) for args in value):
        raise BadReference(f"{name} is a list of lists of arguments, not {shown(value)}")
    if len(value) > MAX_INPUTS:
        raise BadReference(f"{name} has {len(value):,} inputs; at most {MAX_INPUTS:,} are run")
    return [list(args) for args in value]


def _input_test(args: list[Any], entry_point: str) -> CallTest:
    try:
        data = encode_call(args, {})
    except ValueFault as fault:
        raise BadReference(f"an input cannot be handed over: {fault}") from fault
    told = ", ".join(map(repr, args)) if len(data) < 400 else "..."
    return CallTest(data, None, f"{entry_point}({told})"[:200])
