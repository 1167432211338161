"""The math teacher's cases: what it accepts, rejects, must not be cheated with, and cannot score."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable

CASES = [
    accept("So the total is 12 + 30 = 42.\n#### 42", reference="42"),
    accept("The answer is $\\boxed{\\frac{1}{2}}$.", reference="0.5"),
    accept("\\boxed{x=5}", reference="5"),
    accept("\\boxed{(2,\\infty)}", reference="x>2"),
    accept("\\boxed{\\dfrac{\\sqrt{2}}{2}}", reference="1/sqrt(2)"),
    accept("\\boxed{25\\%}", reference="0.25"),
    accept("所以答案是三分之一。", reference="\\frac{1}{3}"),
    accept("\\boxed{5000\\text{ m}}", reference="5\\text{ km}"),
    accept("<think>maybe 7</think><answer>\\frac{d}{dx}x^3</answer>", reference="3x^2", note="needs sympy"),
    accept("\\boxed{1.41}", reference="\\sqrt{2}", options={"rounding": "places"}),
    accept("\\boxed{B}", reference=["A", "B"], note="several acceptable answers"),
    reject("\\boxed{1.41}", reference="\\sqrt{2}"),
    reject("\\boxed{5\\text{ m}}", reference="5\\text{ km}"),
    reject("\\boxed{\\frac{1}{2006!}}", reference="\\frac{1}{2004!}"),
    reject("\\boxed{4210}", reference="4210_5"),
    reject("\\boxed{(1,2)}", reference="\\{1,2\\}"),
    adversarial("\\boxed{1 \\text{ or } 2}", reference="1", note="hedging"),
    adversarial("The answer is not 7.", reference="7", note="negation"),
    adversarial("\\boxed{4=5}", reference="5", note="a false chain"),
    adversarial("<think>\\boxed{3}</think> I could not finish", reference="3", note="an abandoned box"),
    adversarial("Possible: 1 2 3 4 5 6 7", reference="7", note="enumeration"),
    adversarial("\\boxed{9^{9^{9^{9}}}}", reference="5", note="a tower"),
    adversarial("\\boxed{__import__('os').system('true')}", reference="0", note="code is text"),
    unscorable("\\boxed{5}", reference=None, note="no reference"),
    unscorable("\\boxed{5}", reference="\\frac{1}{", note="an unreadable reference"),
]
