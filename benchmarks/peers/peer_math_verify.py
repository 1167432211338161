"""math-verify, in its documented use: `verify(parse(gold), parse(prediction))` with its default timeouts."""

from __future__ import annotations

from driver import serve
from math_verify import parse, verify

DELIMITERS = ("$", "\\(", "\\[", "\\boxed", "\\begin{equation")


def judge(gold: str, text: str, bare: bool) -> tuple[bool, str]:
    """Compare; a reference without delimiters is put between dollars, as its README and TRL do; a bare answer too."""
    reference = parse(_delimited(gold))
    prediction = parse(_delimited(text) if bare else text)
    return bool(verify(reference, prediction)), str(prediction)[:200]


def _delimited(text: str) -> str:
    return text if any(mark in text for mark in DELIMITERS) else f"${text}$"


if __name__ == "__main__":
    serve(judge, ("math-verify", "latex2sympy2-extended", "antlr4-python3-runtime", "sympy"))
