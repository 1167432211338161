"""From a sample to a task: which shape its reference has, tried in a fixed order.

The reference itself is looked at first, then the row's columns (a data set's row scored as it is).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from verifiers.catalog.code.fields import Fields, decoded, shown
from verifiers.catalog.code.shapes_foreign import foreign_test
from verifiers.catalog.code.shapes_io import (
    code_contests,
    columns,
    input_output,
    live_code_bench,
    prime_asserts,
    test_cases,
    test_rows,
)
from verifiers.catalog.code.shapes_own import own_asserts, own_tests
from verifiers.catalog.code.shapes_sets import eval_plus, human_eval, mbpp
from verifiers.catalog.code.task import BadReference, Task
from verifiers.types import Json, Sample, Text

_SHAPES: Final[tuple[Callable[[Fields], Task | None], ...]] = (
    own_tests,
    foreign_test,
    own_asserts,
    eval_plus,
    human_eval,
    mbpp,
    input_output,
    live_code_bench,
    test_cases,
    code_contests,
    test_rows,
    prime_asserts,
    columns,
)
_INNER: Final = ("ground_truth", "verification_info", "reward_model")
"""Fields in which data sets keep the whole reference."""
ALLOWED: Final = (
    'allowed: {"tests": [{"stdin", "stdout"}]}, {"entry_point", "tests": [{"args", "expected"}]}, {"entry_point", '
    '"asserts"}, or a row of HumanEval, MBPP, EvalPlus, APPS / TACO (input_output), LiveCodeBench, prime_code, '
    "CodeContests or open-r1 verifiable code"
)
_ASSERT: Final = re.compile(r"^[ \t]*assert\b", re.MULTILINE)

_COMPARISON: Final = re.compile(r"\s*[^\n]*==[^\n]*\s*")
"""One line that compares: an assert without the word."""


def read_task(sample: Sample) -> Task:
    """Read a sample's reference.

    Raises:
        BadReference: If it is missing, or none of the known shapes.
    """
    row: dict[str, Json] = dict(sample.meta)
    row.setdefault("prompt", _last_text(sample.prompt))
    reference = _reference(sample.reference)
    tried = [reference] if isinstance(reference, Mapping) else []
    if isinstance(reference, str) and reference.strip():
        tried.append(_from_text(reference))
    if isinstance(reference, list | tuple) and reference:
        tried.append(_from_list(reference))
    for own in [*tried, sample.meta]:
        found = _shaped(own, row)
        if found is not None:
            return found
    if sample.reference is None:
        raise BadReference(f"there is no reference; {ALLOWED}")
    raise BadReference(f"the reference {_brief(reference)} has none of the known shapes; {ALLOWED}")


def _reference(value: Json) -> Any:
    return decoded(value, "the reference") if not isinstance(value, str) or not _ASSERT.search(value) else value


def _from_list(reference: Sequence[Any]) -> dict[str, Any]:
    """Return what a list is: asserts, or test cases; right solutions (APPS' column) are neither."""
    if not isinstance(reference[0], str):
        return {"test_cases": reference}
    are_tests = all(
        isinstance(each, str) and (_ASSERT.search(each) or _COMPARISON.fullmatch(each)) for each in reference
    )
    return {"asserts": reference} if are_tests else {}


def _from_text(text: str) -> dict[str, Json]:
    if "def check(" in text:
        return {"test": text}
    return {"asserts": text} if _ASSERT.search(text) else {}


def _shaped(own: Mapping[str, Any], row: Mapping[str, Json]) -> Task | None:
    fields = Fields(own, row)
    for shape in _SHAPES:
        found = shape(fields)
        if found is not None:
            return found
    for name in _INNER:
        inner = decoded(own.get(name), name) if name in fields else None
        if isinstance(inner, list | tuple):
            inner = {"test_cases": inner}
        if isinstance(inner, Mapping):
            found = _shaped(inner, {**row, **{key: value for key, value in own.items() if key != name}})
            if found is not None:
                return found
    return None


def _last_text(prompt: Text) -> str:
    """Return the text of a prompt: itself, or its last message."""
    if isinstance(prompt, str):
        return prompt
    for message in reversed(prompt):
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, str):
            return content
    return ""


def _brief(reference: Any) -> str:
    if isinstance(reference, Mapping):
        return "with the keys " + (", ".join(map(str, reference))[:200] or "(none)")
    return shown(reference)
