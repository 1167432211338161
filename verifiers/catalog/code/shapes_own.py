"""Our own shapes of references: stdin/stdout tests, call tests, asserts."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from verifiers.catalog.code.asserts import Asserts, parse, read_asserts
from verifiers.catalog.code.compare import JSON, Rule
from verifiers.catalog.code.expect import Expect
from verifiers.catalog.code.fields import Fields, function_name, lines, objects, shown, strings
from verifiers.catalog.code.joining import code_prompt, helpers_of
from verifiers.catalog.code.languages import language_named
from verifiers.catalog.code.show import show_text
from verifiers.catalog.code.task import BadReference, CallTest, Checker, CheckerProgram, StdioTest, Task
from verifiers.catalog.code.values import ValueFault, encode, encode_call

MAX_TESTS = 10_000
CPU_S = (0.01, 3600)
MEMORY_MB = (16, 1 << 20)
"""Least and most that a reference may ask for; with less, no program would start."""
_CHECKERS = ("tokens", "exact", "float", "unordered_lines")
_STDIO_KEYS = ({"stdin", "stdout"}, {"input", "output"})
_CALL_KEYS = {"args", "kwargs", "expected"}


def own_tests(fields: Fields) -> Task | None:
    """Read `{"tests": [{"stdin", "stdout"}], "checker"}` and `{"entry_point", "tests": [{"args", "expected"}]}`."""
    if "tests" not in fields:
        return None
    tests = objects(fields.get("tests"), "tests")
    if len(tests) > MAX_TESTS:
        raise BadReference(f"{len(tests):,} tests; at most {MAX_TESTS:,} are run")
    keys = set().union(*tests)
    if any(keys <= allowed for allowed in _STDIO_KEYS):
        told = tuple(
            stdio_test(test.get("stdin", test.get("input")), test.get("stdout", test.get("output"))) for test in tests
        )
        return task("stdin/stdout tests", fields, told, checker=read_checker(fields))
    if keys <= _CALL_KEYS:
        return _calls(fields, tests)
    told_keys = ", ".join(sorted(map(str, keys)))[:200]
    raise BadReference(f"a test has the keys {told_keys}; allowed: stdin and stdout, or args, kwargs and expected")


def stdio_test(stdin: Any, stdout: Any) -> StdioTest:
    """Return a test of one run.

    Raises:
        BadReference: If one of them is no text.
    """
    given = "" if stdin is None else lines(stdin, "stdin")
    return StdioTest(_bytes(given), _bytes(lines(stdout, "stdout")))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _calls(fields: Fields, tests: list[Mapping[str, Any]]) -> Task:
    entry_point = fields.text("entry_point")
    if not entry_point:
        raise BadReference("tests with args need entry_point, the function's name")
    checker = read_checker(fields)
    rule = Rule(json=True, nan=True, atol=checker.atol, rtol=checker.rtol) if checker.name == "float" else JSON
    made = tuple(_call(test, rule, entry_point) for test in tests)
    return task("call tests", fields, made, entry_point=entry_point, prompt=prompt_of(fields, entry_point))


def _call(test: Mapping[str, Any], rule: Rule, entry_point: str) -> CallTest:
    args, kwargs = test.get("args", []), test.get("kwargs") or {}
    if not isinstance(args, list | tuple) or not isinstance(kwargs, Mapping):
        raise BadReference(f"args is a list and kwargs an object, not {shown(args)} and {shown(kwargs)}")
    if "expected" not in test:
        raise BadReference("a call test needs expected")
    return call_test(args, dict(kwargs), test["expected"], rule, entry_point)


def call_test(
    args: list[Any] | tuple[Any, ...], kwargs: dict[str, Any], expected: Any, rule: Rule, name: str
) -> CallTest:
    """Return a test of one call whose data is JSON.

    Raises:
        BadReference: If the arguments cannot be handed over, or what is expected could not be told.
    """
    try:
        data = encode_call(args, kwargs)
    except ValueFault as fault:
        raise BadReference(f"the arguments cannot be handed over: {fault}") from fault
    try:
        encode(expected)
    except ValueFault as fault:
        raise BadReference(f"no program could return what is expected: {fault}") from fault
    told = (
        ", ".join([*map(repr, args), *(f"{key}={value!r}" for key, value in kwargs.items())])
        if len(data) < 400
        else "..."
    )
    return CallTest(data, Expect(expected, rule=rule), show_text(f"{name}({told})"))


def own_asserts(fields: Fields) -> Task | None:
    """Read `{"language", "entry_point", "asserts": text or list}`."""
    if "asserts" not in fields:
        return None
    # Not decoded: a text that begins with a bracket is an expression, not JSON.
    sources = [as_assert(source, fields.language()) for source in strings(fields.own["asserts"], "asserts")]
    return asserts_task("asserts", fields, fields.text("setup", "test_setup_code"), sources)


def as_assert(source: str, language: str) -> str:
    """Return a test as a Python assert: `f(1) == 2` alone is one, also with `===`, `true`, `null`."""
    if language in ("javascript", "typescript"):
        source = _from_javascript(source)
    return source


def _from_javascript(source: str) -> str:
    source = source.strip().rstrip(";").replace("!==", "!=").replace("===", "==")
    source = re.sub(r"^(?:console\.)?assert\s*\((.*)\)$", r"assert \1", source, flags=re.DOTALL)
    words = {"true": "True", "false": "False", "null": "None", "undefined": "None"}
    return re.sub(
        r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\b(true|false|null|undefined)\b""",
        lambda found: found[1] or words[found[2]],
        source,
    )


def asserts_task(shape: str, fields: Fields, setup: str, sources: list[str]) -> Task:
    """Return the task of tests written as asserts.

    Raises:
        BadReference: If they cannot be read, or are not literal for a language other than Python.
    """
    tests: list[ast.stmt] = []
    for source in sources:
        for statement in parse(source, "a test"):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Compare | ast.UnaryOp):
                statement = ast.copy_location(ast.Assert(statement.value, None), statement)
            tests.append(statement)
    entry_point = function_name(fields.text("entry_point", "fn_name", "func_name"))
    prompt = prompt_of(fields, entry_point)
    found = read_asserts(
        parse(setup, "the setup") if setup else [], tests, entry_point, helpers=helpers_of(prompt) if prompt else ()
    )
    return from_asserts(shape, fields, found, prompt)


def from_asserts(shape: str, fields: Fields, found: Asserts, prompt: str) -> Task:
    """Return the task of asserts that were read.

    Raises:
        BadReference: If a language other than Python would need the grader.
    """
    language = fields.language() or "python"
    if found.calls:
        return task(shape, fields, found.calls, entry_point=found.entry_point, prompt=prompt)
    if language != "python":
        raise BadReference(f"asserts for {language} are calls with literal arguments, such as f(1, [2]) == 3")
    return task(
        shape,
        fields,
        found.checks,
        entry_point=found.entry_point,
        prompt=prompt,
        grader=found.grader,
        names=found.names,
        write_back=found.write_back,
    )


def prompt_of(fields: Fields, entry_point: str) -> str:
    """Return the code prompt that a completion may continue; empty = there is none."""
    return code_prompt(fields.text("prompt"), entry_point) if entry_point else ""


def task(shape: str, fields: Fields, tests: Any, **more: Any) -> Task:
    """Return a task with the limits and the language that the reference asks for.

    Raises:
        BadReference: If those cannot be read.
    """
    function_name(more.get("entry_point", ""))
    memory_mb = fields.number("memory_mb", *MEMORY_MB)
    bounds: dict[str, Any] = {"cpu_s": fields.number("cpu_s", *CPU_S)}
    if memory_mb is not None:
        bounds["memory_bytes"] = int(memory_mb * 1024 * 1024)
    return Task(shape, more.pop("language", None) or fields.language(), tests, **bounds, **more)


def read_checker(fields: Fields) -> Checker:
    """Return the checker that a reference names: text, `{"name", "abs", "rel"}` or `{"language", "source"}`.

    Raises:
        BadReference: If it is none of these.
    """
    told = fields.get("checker")
    if told is None:
        return Checker()
    if isinstance(told, str):
        told = {"name": told}
    if isinstance(told, Mapping) and isinstance(told.get("source"), str):
        language = language_named(str(told.get("language", "python")))
        if language and told["source"].strip():
            return Checker(program=CheckerProgram(language, told["source"]))
    elif isinstance(told, Mapping) and told.get("name") in _CHECKERS and told.keys() <= {"name", "abs", "rel"}:
        atol, rtol = told.get("abs", 1e-6), told.get("rel", 1e-6)
        if all(isinstance(number, int | float) and 0 <= number < 1e9 for number in (atol, rtol)):
            return Checker(told["name"], float(atol), float(rtol))
    raise BadReference(
        f"checker is one of {', '.join(_CHECKERS)}, {{name, abs, rel}} or a program {{language, source}}, "
        f"not {shown(told)}"
    )
