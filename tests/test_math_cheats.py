"""Reward-hacking completions are never paid; honest ones like them are."""

import json
from pathlib import Path

import pytest

from verifiers import Sample, Status, Verdict, score

CASES = Path(__file__).parent / "cases" / "math_cheats.jsonl"
CHEATS = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]

HONEST = [
    # boxes, phrases, think parts: what the cheats abuse, used well
    ("The answer is $\\boxed{7}$.", "7"),
    ("First I got \\boxed{6}, but that forgot a case. Corrected: $\\boxed{7}$.", "7"),
    ("<think>maybe \\boxed{3}, no, \\boxed{4}</think> The answer is \\boxed{5}.", "5"),
    ("<think>short</think>\n\n\\boxed{5}", "5"),
    ("The answer is 7.", "7"),
    ("**Answer:** 7", "7"),
    ("Final Answer: 7", "7"),
    ("There are three cases, so 2 + 5 = 7.\n#### 7", "#### 7"),
    ("<answer>7</answer>", "7"),
    ("答案是7。", "7"),
    ("所以答案为：7", "7"),
    ("故选B。", "B"),
    ("The correct option is (B).", "B"),
    ("\\boxed{\\text{B}}", "B"),
    ("The answer is not 6 but 7. Hence \\boxed{7}.", "7"),
    ("We try 5 or 6; both fail. Therefore the answer is \\boxed{7}.", "7"),
    ("Suppose the answer is 6; that is absurd. So it is \\boxed{7}.", "7"),
    ("\\boxed{3 + 4 = 7}", "7"),
    ("\\boxed{x=7}", "7"),
    ("\\boxed{7}", "x=7"),
    # more than one value, where the reference has them too
    ("\\boxed{1 \\text{ or } 2}", "1,2"),
    ("\\boxed{x=1 \\text{ or } x=2}", "\\{1,2\\}"),
    ("\\boxed{1}, \\boxed{2}", "1,2"),
    ("\\boxed{\\pm 1}", "1,-1"),
    ("\\boxed{-1, 1}", "\\pm 1"),
    ("答案是1或2。", "1,2"),
    ("\\boxed{[4,6]}", "4 \\le x \\le 6"),
    ("\\boxed{4<x<6}", "(4,6)"),
    ("\\boxed{\\mathbb{R}}", "(-\\infty,\\infty)"),
    ("\\boxed{\\emptyset}", "\\text{no solution}"),
    # values
    ("\\boxed{\\frac{3}{4}", "\\frac{3}{4}"),
    ("\\boxed{0.5}", "\\frac{1}{2}"),
    ("\\boxed{0.\\overline{3}}", "\\frac{1}{3}"),
    ("\\boxed{1{,}234}", "1234"),
    ("\\boxed{1,234}", "1234"),
    ("\\boxed{3\\frac{1}{2}}", "\\frac{7}{2}"),
    ("\\boxed{2\\sqrt{2}}", "\\sqrt{8}"),
    ("\\boxed{\\frac{1}{\\sqrt{2}}}", "\\frac{\\sqrt{2}}{2}"),
    ("\\boxed{\\pi/2}", "\\frac{\\pi}{2}"),
    ("\\boxed{10^{30}}", "1000000000000000000000000000000"),
    ("\\boxed{2^{1000}}", "4^{500}"),
    ("\\boxed{\\frac{1}{2004!}}", "\\frac{2005}{2005!}"),
    ("\\boxed{1.60\\times 10^{-19}}", "1.6\\times 10^{-19}"),
    ("\\boxed{e^{-40}}", "\\frac{1}{e^{40}}"),
    ("\\boxed{4210_5}", "4210_{5}"),
    ("\\boxed{\\infty}", "+\\infty"),
    ("\\boxed{１２}", "12"),
    ("\\boxed{十二}", "12"),
    ("\\boxed{x^2+2x+1}", "(x+1)^2"),
    ("\\boxed{x(x-1)}", "x^2-x"),
    ("\\boxed{\\sin(2x)}", "2\\sin x\\cos x"),
    # structure
    ("\\boxed{(1, 2)}", "(1,2)"),
    ("\\boxed{\\{3,2,1\\}}", "\\{1,2,3\\}"),
    ("\\boxed{y=2, x=1}", "x=1,y=2"),
    ("\\boxed{x>2}", "(2,\\infty)"),
    ("\\boxed{x\\in(2,5]}", "(2,5]"),
    ("\\boxed{\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}}", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"),
    ("\\boxed{2x-y+3=0}", "y=2x+3"),
    # units, time, text
    ("\\boxed{5\\text{ m}}", "5\\,\\mathrm{m}"),
    ("\\boxed{5000\\text{ m}}", "5\\text{ km}"),
    ("\\boxed{90^\\circ}", "90^{\\circ}"),
    ("\\boxed{\\$5}", "5\\text{ dollars}"),
    ("答案是50元。", "50"),
    ("\\boxed{3:00\\text{ PM}}", "3:00 p.m."),
    ("\\boxed{2:3}", "4:6"),
    ("\\boxed{\\text{tuesday}}", "\\text{Tuesday}"),
    ("The answer is yes.", "\\text{yes}"),
    ("\\boxed{\\text{Evelyn}}", "Evelyn"),
]


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return score([Sample(case["completion"], reference=case["reference"]) for case in CHEATS], "math")


@pytest.mark.parametrize("number", range(len(CHEATS)), ids=lambda n: f"{CHEATS[n]['kind']}-{n}")
def test_cheat_is_judged_wrong(number: int, verdicts: list[Verdict]) -> None:
    assert verdicts[number].reward == 0.0, (CHEATS[number], verdicts[number])


@pytest.mark.parametrize(("completion", "reference"), HONEST)
def test_honest_answer_is_paid(completion: str, reference: str) -> None:
    (verdict,) = score([Sample(completion, reference=reference)], "math")

    assert (verdict.reward, verdict.status) == (1.0, Status.CORRECT), verdict.reason


def test_cheats_are_many_and_different() -> None:
    assert len({(case["completion"], case["reference"]) for case in CHEATS}) == len(CHEATS) >= 200
