"""Join a completion with the code that it continues, as HumanEval-like tasks have it.

A completion is the function's body, its body with the first line's indent lost, or the whole function once more (with
or without the prompt's imports). The prompt's imports and helpers stay in any case.
"""

from __future__ import annotations

import ast
import re
import textwrap
from functools import lru_cache

from verifiers.segment import Kind, segments

_INDENT = "    "
_SOLUTION = re.compile(r"^class[ \t]+Solution\b", re.MULTILINE)
MAX_PROMPT_CHARS = 200_000


@lru_cache(maxsize=256)
def _definition(name: str, language: str) -> re.Pattern[str]:
    word = re.escape(name)
    if language == "python":
        forms = (
            rf"(?:async[ \t]+)?def[ \t]+{word}[ \t]*+[(\[]|class[ \t]+{word}\b"
            rf"|{word}[ \t]*+(?::[^=\n]{{1,200}}+)?=(?!=)|from[ \t]+[\w.]++[ \t]+import[ \t][^\n]{{0,400}}\b{word}\b"
        )
    else:
        forms = (
            rf"(?:export[ \t]+)?(?:async[ \t]+)?(?:function|class|const|let|var|fn|func)[ \t*]+{word}\b"
            rf"|[\w:<>,*&\[\] \t]{{1,200}}[ \t*&]{word}[ \t]*+\("
        )
    return re.compile(f"^(?:{forms})", re.MULTILINE)


def defines(source: str, entry_point: str, language: str = "python") -> bool:
    """Whether source seems to define a name at its top level; of `Class.method`, the class."""
    return _definition(entry_point.partition(".")[0], language).search(source) is not None


def callable_name(source: str, entry_point: str) -> str:
    """Return how a Python program's function is called: by its name or, in LeetCode's way, as `Solution`'s method."""
    if defines(source, entry_point) or not _SOLUTION.search(source):
        return entry_point
    method = re.search(rf"^[ \t]++(?:async[ \t]+)?def[ \t]+{re.escape(entry_point)}\b", source, re.MULTILINE)
    return f"Solution.{entry_point}" if method else entry_point


def continued(prompt: str, completion: str, entry_point: str) -> str:
    """Return prompt and completion as one program.

    Args:
        prompt: Code that ends in the head (and docstring) of a function, as `code_prompt` returns it.
        completion: What the model wrote.
        entry_point: The function's name.
    """
    head, indent = prompt.rstrip() + "\n", indent_of(prompt)
    if _has_definition(completion, entry_point):
        # The prompt's own stub gets a body; the completion then defines the function anew.
        return f"{head}{indent}pass\n\n{textwrap.dedent(completion)}\n"
    return f"{head}{_as_body(completion, indent)}\n"


@lru_cache(maxsize=256)
def indent_of(prompt: str) -> str:
    """Return the indent of the body of a code prompt's last function."""
    try:
        last = ast.parse(prompt.rstrip()).body[-1]
    except (SyntaxError, ValueError, IndexError):
        return _INDENT  # there is no docstring to tell it
    first = last.body[0] if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) else last
    line = prompt.split("\n")[first.lineno - 1]
    return line[: len(line) - len(line.lstrip(" \t"))] or _INDENT


def _has_definition(completion: str, entry_point: str) -> bool:
    if re.search(rf"^[ \t]*+(?:async[ \t]+)?def[ \t]+{re.escape(entry_point)}[ \t]*+[(\[]", completion, re.MULTILINE):
        first = next((line for line in completion.split("\n") if line.strip()), "")
        # Indented lines before it are a body that has an inner function of that name.
        return not first[:1].isspace() or first.lstrip().startswith(("def ", "async def ", "import ", "from ", "@"))
    return bool(re.search(rf"^{re.escape(entry_point)}[ \t]*+=(?!=)", completion, re.MULTILINE))


def _as_body(completion: str, indent: str) -> str:
    """Return a completion indented as a function's body."""
    body = completion.strip("\n")
    lines = body.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if not first or first[0] in " \t":
        return _deep_enough(body, first, indent)
    rest = [line for line in lines[1:] if line.strip()]
    if rest and not rest[0].startswith(indent):
        return textwrap.indent(body, indent)  # no line is indented: all of it lost its indent
    if rest and lines[0].rstrip().endswith(":") and not rest[0].startswith(2 * indent):
        return textwrap.indent(body, indent)
    if any(re.match(r"(?:return|if|for|while)\b", line) for line in rest):
        return textwrap.indent(body, indent)
    return indent + body  # only the first line lost its indent, to a strip()


def _deep_enough(body: str, first: str, indent: str) -> str:
    """Indent a body whose first line has less than a function's indent."""
    depth = len(first) - len(first.lstrip(" "))
    if "\t" in indent or first[:1] == "\t" or depth >= len(indent):
        return body
    return textwrap.indent(body, " " * (len(indent) - depth))


def code_prompt(prompt: str, entry_point: str) -> str:
    """Return the code of a prompt that a completion may continue; empty = it is no such prompt.

    Args:
        prompt: Code, or prose with a block of code.
        entry_point: The function that it must begin.
    """
    if not entry_point.isidentifier() or f"def {entry_point}" not in prompt or len(prompt) > MAX_PROMPT_CHARS:
        return ""
    blocks = [part.inner(prompt) for part in segments(prompt) if part.kind is Kind.CODE] if "```" in prompt else []
    for code in (prompt, *reversed(blocks)):
        if _ends_in(code, entry_point):
            return code
    return ""


def _ends_in(code: str, entry_point: str) -> bool:
    """Whether code ends in the head of a function, with at most a docstring and imports after it."""
    try:
        body = helpers_of(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    last = body[-1] if body else None
    if not isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) or last.name != entry_point:
        return False
    return isinstance(last.body[-1], ast.Pass) and all(map(_is_heading, last.body[:-1]))


def _is_heading(statement: ast.stmt) -> bool:
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Import | ast.ImportFrom)


def helpers_of(prompt: str) -> list[ast.stmt]:
    """Return the statements of a code prompt: imports, helpers, and the function's stub."""
    return ast.parse(f"{prompt.rstrip()}\n{indent_of(prompt)}pass\n").body
