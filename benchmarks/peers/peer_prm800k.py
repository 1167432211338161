"""The prm800k grader's part of verl's `prime_math` alone: normalisation, then sympy on what looks evaluable."""

from __future__ import annotations

from driver import serve
from verl_files import scorer

prime_math = scorer("prime_math")
# verl starts a process for each comparison by sympy; the original grader does not, so neither does this peer.
prime_math.are_equal_under_sympy = prime_math.are_equal_under_sympy.__wrapped__


def judge(gold: str, text: str, bare: bool) -> tuple[bool, str]:
    """Compare with `grade_answer`, on the answer that `prime_math` extracts."""
    answer = text if bare else prime_math.match_answer(text)[1]
    return bool(prime_math.grade_answer(answer, gold)), str(answer)[:200]


if __name__ == "__main__":
    serve(judge, ("verl", "sympy", "pylatexenc"))
