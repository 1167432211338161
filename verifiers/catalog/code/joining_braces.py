"""Join a completion with the code that it continues, in languages with braces (C++, JavaScript)."""

from __future__ import annotations

import re
from functools import lru_cache

from verifiers.catalog.code.joining import MAX_PROMPT_CHARS
from verifiers.segment import Kind, segments


@lru_cache(maxsize=256)
def _head(name: str, language: str) -> re.Pattern[str]:
    word = re.escape(name)
    if language == "cpp":
        typed = r"(?!return\b|else\b|using\b)[A-Za-z_][\w:<>,*&\[\] \t]{0,200}?[ \t*&>]"
        return re.compile(rf"^{typed}{word}[ \t]*+\([^;{{}}]{{0,2000}}\)[^;{{}}]{{0,100}}\{{", re.M)
    return re.compile(
        rf"^(?:export[ \t]+)?(?:default[ \t]+)?(?:async[ \t]+)?"
        rf"(?:function[ \t*]+{word}\b|(?:const|let|var)[ \t]+{word}\b|class[ \t]+{word}\b|{word}[ \t]*=)",
        re.M,
    )


def brace_prompt(prompt: str, entry_point: str, language: str) -> str:
    """Return the code of a prompt that a completion may continue: it ends in the function's `{`; empty = there is none.

    Args:
        prompt: Code, or prose with a block of code.
        entry_point: The function that it must begin.
        language: `cpp`, `javascript` or `typescript`.
    """
    if not entry_point or f"{entry_point}" not in prompt or len(prompt) > MAX_PROMPT_CHARS:
        return ""
    blocks = [part.inner(prompt) for part in segments(prompt) if part.kind is Kind.CODE] if "```" in prompt else []
    for code in (prompt, *reversed(blocks)):
        if code.rstrip().endswith("{") and _head(entry_point, language).search(code):
            return code
    return ""


def continued_braces(prompt: str, completion: str, entry_point: str, language: str) -> str:
    """Return prompt and completion as one program.

    Args:
        prompt: As `brace_prompt` returns it.
        completion: The rest of the function, or the whole function once more.
        entry_point: The function's name.
        language: `cpp`, `javascript` or `typescript`.
    """
    head = _head(entry_point, language)
    if not head.search(completion):
        return f"{prompt.rstrip()}\n{completion}\n"
    if language == "cpp" and "#include" in completion:
        return completion
    found = list(head.finditer(prompt))
    before = prompt[: found[-1].start()] if found else ""
    comment = before.rfind("/*") if before.rstrip().endswith("*/") else len(before)
    return f"{before[:comment].rstrip()}\n{completion}\n".lstrip("\n")
