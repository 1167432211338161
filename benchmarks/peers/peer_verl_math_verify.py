"""verl's wrapper around math-verify: the function that its worker processes run, called without the pool around it."""

from __future__ import annotations

from driver import serve
from verl_files import scorer

wrapper = scorer("math_verify")


def judge(gold: str, text: str, bare: bool) -> tuple[bool, str]:
    """Compare as `compute_score` does: the reference boxed, the model's text as it is; a bare answer boxed."""
    score = wrapper._verify_in_subprocess(f"\\boxed{{{gold}}}", f"\\boxed{{{text}}}" if bare else text)
    return score == 1.0, ""


if __name__ == "__main__":
    serve(judge, ("verl", "math-verify"))
