"""Tests written in C++ or JavaScript: mxeval's rows (MBCPP, MBJSP and the like), and asserts of C++."""

from __future__ import annotations

from verifiers.catalog.code.fields import Fields, strings
from verifiers.catalog.code.foreign_tests import split
from verifiers.catalog.code.foreign_text import NotSplit
from verifiers.catalog.code.joining_braces import brace_prompt
from verifiers.catalog.code.shapes_own import task
from verifiers.catalog.code.task import BadReference, Task

LANGUAGES = ("cpp", "javascript", "typescript")


def foreign_test(fields: Fields) -> Task | None:
    """Read `{language, prompt?, entry_point, test}` whose test is code of that language, or C++'s `asserts`."""
    language = fields.language()
    if language not in LANGUAGES:
        return None
    text = fields.own.get("test")
    if "asserts" in fields.own and language == "cpp":
        text = _main(strings(fields.own["asserts"], "asserts"))
    if not isinstance(text, str):
        return None
    entry_point = fields.text("entry_point")
    try:
        foreign = split(language, text, entry_point)
    except NotSplit as error:
        raise BadReference(
            f"the {language} test cannot be split into calls and expected values: {error}. Allowed are comparisons, "
            "such as `int x = f(2); if (!(compare(x, 8))) throw ...;` or `assert(f(2) == 8);`"
        ) from error
    prompt = brace_prompt(fields.text("prompt"), entry_point, language)
    return task(f"{language} test", fields, foreign.tests, entry_point=entry_point, prompt=prompt, foreign=foreign)


def _main(asserts: list[str]) -> str:
    """Return C++ asserts, or the comparisons in them alone, as a test's `main`."""
    told = [text.strip().rstrip(";") for text in asserts]
    lines = [text if text.startswith("assert") else f"assert({text})" for text in told]
    return f"int main() {{ {' '.join(f'{line};' for line in lines)} }}"
