"""APPS, TACO, LiveCodeBench, verl's prime_code, CodeContests and open-r1's rows, as they are."""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from verifiers.catalog.code.compare import JSON
from verifiers.catalog.code.fields import Fields, decoded, objects, read_json, shown, strings
from verifiers.catalog.code.shapes_own import MAX_TESTS, asserts_task, call_test, read_checker, stdio_test, task
from verifiers.catalog.code.task import BadReference, CallTest, StdioTest, Task

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
_KINDS = {
    **dict.fromkeys(("stdin", "stdin_stdout", "stdio"), "stdin"),
    **dict.fromkeys(("functional", "function_call", "call"), "call"),
}
_FUNCTION_NAMES = ("fn_name", "func_name", "entry_point")


def input_output(fields: Fields) -> Task | None:
    """Read APPS' and TACO's `input_output`, and the same as the whole reference (prime_code): `{inputs, outputs}`."""
    told = fields.get("input_output")
    if told is None and "inputs" in fields and "outputs" in fields:
        told = fields.own
    if told is None:
        return None
    if isinstance(told, list | tuple):
        return _listed(objects(told, "input_output"), fields)
    if not isinstance(told, Mapping) or not {"inputs", "outputs"} <= told.keys():
        raise BadReference(f"input_output is {{inputs, outputs, fn_name?}}, not {shown(told)}")
    return _columns(Fields(told, {**fields.row, **fields.own}), told["inputs"], told["outputs"], "input_output")


def columns(fields: Fields) -> Task | None:
    """Read `{input: [..], output: [..]}` of the same length."""
    inputs, outputs = fields.own.get("input"), fields.own.get("output")
    if not isinstance(inputs, list | tuple) or not isinstance(outputs, list | tuple):
        return None
    return _columns(fields, inputs, outputs, "input_output")


def _columns(fields: Fields, inputs: Any, outputs: Any, shape: str) -> Task:
    for name, told in (("inputs", inputs), ("outputs", outputs)):
        if not isinstance(told, Sequence) or isinstance(told, str) or not told:
            raise BadReference(f"{name} is a list of at least one test, not {shown(told)}")
    if len(inputs) != len(outputs):
        raise BadReference(f"{len(inputs)} inputs and {len(outputs)} outputs")
    name = fields.text(*_FUNCTION_NAMES)
    if name:
        calls = _calls(list(zip(inputs, outputs, strict=True)), name)
        return _task(shape, fields, calls, entry_point=name)
    return _task(shape, fields, [stdio_test(*pair) for pair in zip(inputs, outputs, strict=True)])


def _calls(pairs: list[tuple[Any, Any]], name: str) -> list[CallTest]:
    """Return call tests; outputs that are all lists of one are taken out of their lists, as APPS wraps them."""
    expected = [_value(output) for _, output in pairs]
    if all(isinstance(each, list) and len(each) == 1 for each in expected):
        expected = [each[0] for each in expected]
    return [
        call_test(_arguments(given), {}, each, JSON, name) for (given, _), each in zip(pairs, expected, strict=True)
    ]


def _arguments(given: Any) -> list[Any]:
    """Return the arguments of a call: a list of them, or text with one JSON value a line (LiveCodeBench)."""
    if isinstance(given, str):
        return [read_json(line, "an argument") for line in given.split("\n") if line.strip()]
    if isinstance(given, list | tuple):
        return list(given)
    return [given]


def _value(output: Any) -> Any:
    if not isinstance(output, str):
        return output
    try:
        return read_json(output, "an output")
    except BadReference:
        return output  # a text without quotes


def _task(shape: str, fields: Fields, tests: Sequence[StdioTest | CallTest], **more: Any) -> Task:
    if not tests:
        raise BadReference("there are no tests")
    if len(tests) > MAX_TESTS:
        raise BadReference(f"{len(tests):,} tests; at most {MAX_TESTS:,} are run")
    return task(shape, fields, tuple(tests), checker=read_checker(fields), common_imports=True, **more)


def live_code_bench(fields: Fields) -> Task | None:
    """Read LiveCodeBench's rows: `public_test_cases`, `private_test_cases`, `metadata.func_name`."""
    names = [name for name in ("public_test_cases", "private_test_cases") if name in fields]
    if not names:
        return None
    tests = [test for name in names for test in objects(_unpacked(fields.get(name), name), name)]
    return _listed(tests, fields)


def _function_name(fields: Fields) -> str:
    """Return the name of the function that tests call: a field, or LiveCodeBench's `metadata.func_name`."""
    metadata = decoded(fields.own.get("metadata") or fields.row.get("metadata"), "metadata")
    inner = Fields(metadata, {}) if isinstance(metadata, Mapping) else fields
    return fields.text(*_FUNCTION_NAMES) or inner.text(*_FUNCTION_NAMES)


def _listed(tests: list[Mapping[str, Any]], fields: Fields) -> Task:
    """Read a list of `{input, output, testtype?}`, or open-r1's `{fn_name, input, output, type}`."""
    if all(isinstance(test.get("input"), Mapping) for test in tests):
        return _nested(tests, fields)
    odd = next((test for test in tests if not {"input", "output"} <= test.keys()), None)
    if odd is not None:
        raise BadReference(f"a test has input and output, not {', '.join(map(str, odd))[:100]}")
    told = {str(test.get("testtype") or test.get("type") or "stdin") for test in tests}
    odd_kind = next((kind for kind in told if kind not in _KINDS), "")
    if odd_kind:
        raise BadReference(f"the kind of test {odd_kind[:40]!r} is not known; allowed: {', '.join(_KINDS)}")
    kinds = {_KINDS[kind] for kind in told}
    names = {str(test["fn_name"]) for test in tests if test.get("fn_name")}
    if len(names) > 1 or len(kinds) > 1:
        raise BadReference(f"tests of several kinds or functions: {', '.join(sorted(told | names))}")
    if kinds == {"stdin"}:
        return _task("LiveCodeBench", fields, [stdio_test(test["input"], test["output"]) for test in tests])
    name = names.pop() if names else _function_name(fields)
    if not name:
        raise BadReference("functional tests need the function's name: fn_name, or metadata.func_name")
    calls = _calls([(test["input"], test["output"]) for test in tests], name)
    return _task("LiveCodeBench", fields, calls, entry_point=name)


def _nested(tests: list[Mapping[str, Any]], fields: Fields) -> Task:
    """Read SandboxFusion's list of `{input: {stdin}, output: {stdout}}`."""
    made = []
    for test in tests:
        given, wanted = test.get("input"), test.get("output")
        if not isinstance(given, Mapping) or not isinstance(wanted, Mapping) or "stdout" not in wanted:
            raise BadReference("a test is {input: {stdin}, output: {stdout}}")
        made.append(stdio_test(given.get("stdin", ""), wanted["stdout"]))
    return _task("CodeContests", fields, made)


def test_rows(fields: Fields) -> Task | None:
    """Read a `test` that is JSON: SandboxFusion's CodeContests."""
    told = fields.own.get("test")
    if isinstance(told, str) and told.lstrip().startswith("["):
        told = read_json(told, "test")
    if not isinstance(told, list | tuple):
        return None
    return _listed(objects(told, "test"), fields)


def test_cases(fields: Fields) -> Task | None:
    """Read open-r1's `{language, test_cases: [{fn_name, input, output, type}]}`, and its `official_tests`."""
    name = next((name for name in ("test_cases", "official_tests") if name in fields), "")
    if not name:
        return None
    return _listed(objects(fields.get(name), name), fields)


def code_contests(fields: Fields) -> Task | None:
    """Read CodeContests' `public_tests`, `private_tests`, `generated_tests`: each `{input: [..], output: [..]}`."""
    names = [name for name in ("public_tests", "private_tests", "generated_tests") if name in fields]
    if not names:
        return None
    tests: list[StdioTest] = []
    for name in names:
        told = fields.get(name)
        if not isinstance(told, Mapping) or not {"input", "output"} <= told.keys():
            raise BadReference(f"{name} is {{input: [..], output: [..]}}, not {shown(told)}")
        inputs, outputs = (_column(told[side], f"{name}.{side}") for side in ("input", "output"))
        if len(inputs) != len(outputs):
            raise BadReference(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs")
        tests += [stdio_test(*pair) for pair in zip(inputs, outputs, strict=True)]
    return _task("CodeContests", fields, tests)


def _column(value: Any, name: str) -> Sequence[Any]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise BadReference(f"{name} is a list, not {shown(value)}")
    return value


def prime_asserts(fields: Fields) -> Task | None:
    """Read prime_code's `{functional: asserts}` and `{assert_case: [asserts]}`."""
    name = next((name for name in ("functional", "assert_case") if name in fields), "")
    if not name:
        return None
    sources = strings(fields.own[name], name)
    if any("def check(" in source for source in sources):
        from verifiers.catalog.code.shapes_sets import human_eval

        return human_eval(Fields({**fields.own, "test": "\n".join(sources)}, fields.row))
    return asserts_task("prime_code", fields, "", sources)


def _unpacked(value: Any, name: str) -> Any:
    """Return tests that LiveCodeBench packs as base64 of zlib of a pickled text; never unpickled, only read.

    Raises:
        BadReference: If they cannot be read.
    """
    if not isinstance(value, str):
        return value
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(value, validate=True), MAX_UNPACKED_BYTES)
        texts = [arg for op, arg, _ in pickletools.genops(data) if "UNICODE" in op.name]
    except (binascii.Error, zlib.error, ValueError) as error:
        raise BadReference(f"{name} is neither JSON nor packed as LiveCodeBench does: {error}") from error
    if len(texts) != 1 or not isinstance(texts[0], str):
        raise BadReference(f"{name} is packed, and holds no text")
    return read_json(texts[0], name)
