"""verl's `prime_math`: the prm800k grader (OpenAI) with Hendrycks' normalisation and PRIME's `math_equal` behind it.

prm800k itself is no package; its `grade_answer` is the first stage here. This grader evaluates text from the answer as
Python (CVE-2026-6878): never feed it hostile text outside a sandbox. The benchmark gives it only its data sets.
"""

from __future__ import annotations

from driver import serve
from verl_files import scorer

prime_math = scorer("prime_math")


def judge(gold: str, text: str, bare: bool) -> tuple[bool, str]:
    """Compare; a bare answer is boxed, which is where this scorer looks."""
    correct, _, answer = prime_math.compute_score(f"\\boxed{{{text}}}" if bare else text, gold)
    return bool(correct), str(answer)[:200]


if __name__ == "__main__":
    serve(judge, ("verl", "sympy", "antlr4-python3-runtime", "pylatexenc"), children=True)
