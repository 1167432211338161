"""verl's `math_dapo` scorer, the default for its "math" and "aime" data sources."""

from __future__ import annotations

from driver import serve
from verl_files import scorer

math_dapo = scorer("math_dapo")


def judge(gold: str, text: str, bare: bool) -> tuple[bool, str]:
    """Compare; a bare answer gets the "Answer:" line that this scorer's prompt asks for."""
    result = math_dapo.compute_score(f"Answer: {text}" if bare else text, gold)
    return bool(result["acc"]), str(result["pred"])[:200]


if __name__ == "__main__":
    serve(judge, ("verl",))
