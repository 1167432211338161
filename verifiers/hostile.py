"""Completions that break graders, for the contract suite: nothing here may be paid, hang, raise or run.

Each kind was seen in a peer: crashes on odd characters, exponential parsing, evaluation of model output.
"""

from __future__ import annotations

ENV_CANARY = "VERIFY_CANARY"
"""The environment variable that a canary would set."""

_DEEP = 10_000
_LONG = 1_000_000

HOSTILE: dict[str, str] = {
    "empty": "",
    "white space": " \t\n\r\u3000\u00a0 ",
    "1 MB of one letter": "a" * _LONG,
    "1 MB of digits": "7" * _LONG,
    "1 MB of spaces": " " * _LONG,
    "1 MB of backslashes": "\\" * _LONG,
    "1 MB of commas in a box": r"\boxed{" + "," * _LONG + "}",
    "NUL characters": "\x00" * 50,
    "a lone surrogate": "\ud800",
    "surrogates in a box": "\\boxed{\udfff\ud800}",
    "10k open braces": "{" * _DEEP,
    "10k nested braces": "{" * _DEEP + "}" * _DEEP,
    "10k nested brackets": "[" * _DEEP + "]" * _DEEP,
    "10k nested parentheses": "(" * _DEEP + ")" * _DEEP,
    "10k nested fractions": r"\frac{1}{" * _DEEP + "1" + "}" * _DEEP,
    "10k nested roots": r"$\sqrt{" * _DEEP + "}" * _DEEP,
    "10k open boxes": r"\boxed{" * _DEEP,
    "10k open tags": "<answer>" * _DEEP,
    "10k open think tags": "<think>" * _DEEP,
    "10k code fences": "```json\n" * _DEEP,
    "zero-width characters": "\u200b\u200c\u200d\ufeff\u2060" * 20,
    "right-to-left override": "\u202e\u2066\u2069\u200f",
    "combining marks": "e" + "\u0301" * 5000,
    "unassigned and private characters": "\U0010ffff\ue000\ufffe\uffff",
    "digits of other scripts": "\u0661\u0662\u0663 \u00b2\u00b3 \u2460 \U0001d7d9",
    "a huge exponent": r"\boxed{1e999999999}",
    "a tower": r"\boxed{9^{9^{9^{9^{9}}}}}",
    "a plain tower": "9**9**9**9**9",
    "a huge factorial": r"\boxed{1000000000!}",
    "a huge sum": r"\boxed{\sum_{k=1}^{1000000000} k^k}",
    "a huge power of a sum": r"\boxed{(x+1)^{1000000}}",
    "nan": "nan",
    "infinity": r"\boxed{-\infty} inf Infinity",
    "format directives": "%s%n%d {0.__class__} {} ${x} %(a)s",
    "a script tag": "<script>alert(1)</script>",
    "JSON of depth 10k": '{"a":' * _DEEP + "1" + "}" * _DEEP,
}
"""Name -> completion."""


def canaries(path: str) -> dict[str, str]:
    """Return completions that create a file, or set `ENV_CANARY`, when anything evaluates them.

    Args:
        path: The file, without quotes or spaces in its name.
    """
    touch = f"__import__('os').system('touch {path}')"
    setenv = f"__import__('os').environ.__setitem__('{ENV_CANARY}','1')"
    opened = f"open('{path}','w').close()"
    return {
        "python that runs a shell": touch,
        "python that opens a file": opened,
        "python that sets a variable": setenv,
        "boxed python": rf"The answer is $\boxed{{{touch}}}$",
        "boxed python with a call": rf"\boxed{{{opened}}}",
        "boxed python that sets a variable": rf"\boxed{{{setenv}}}",
        "a lambda": f"(lambda: {opened})()",
        "a comprehension": f"[x for x in [{opened}]]",
        "through subclasses": f"().__class__.__base__.__subclasses__() or {opened}",
        "a subscript": f"x[{opened}]",
        "exec": f"exec({opened!r})",
        "an f-string": f'f"{{{touch}}}"',
        "a shell substitution": f"$(touch {path}) `touch {path}`; touch {path}",
        "LaTeX write": rf"\immediate\write18{{touch {path}}} \input{{|touch {path}}}",
        "YAML tag": f"!!python/object/apply:os.system ['touch {path}']",
        "pickle": f"cos\nsystem\n(S'touch {path}'\ntR.",
        "a template": f"{{{{ ''.__class__.__mro__[1].__subclasses__() }}}} {{% {opened} %}}",
        "code block": f"```python\n{opened}\n{setenv}\n```",
        "an answer tag": f"<answer>{opened}</answer>",
        "JSON with a call": f'{{"name": "{touch}", "arguments": {{"x": "{setenv}"}}}}',
    }
