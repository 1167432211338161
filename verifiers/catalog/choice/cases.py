"""The choice teacher's cases."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable

_PROMPT = "What is the capital of France?\n(A) Rome (B) Paris (C) Oslo (D) Bern"

CASES = [
    accept("The answer is **B**.", reference="B"),
    accept("<think>A? C?</think><answer>B) Paris</answer>", reference="B"),
    accept("\\boxed{\\text{B}}", reference="B"),
    accept("The answer is A. Wait, that is wrong. The answer is B.", reference="B"),
    accept("综上，故选B。", reference="B"),
    accept("（B）", reference="B"),
    accept("The answer is Paris.", reference="B", prompt=_PROMPT, note="the text of an option"),
    accept("Answer: A, C", reference=["A", "C"], note="several"),
    accept('{"answer": "B"}', reference="Paris", prompt=_PROMPT),
    accept("Answer: A", reference="AC", options={"credit": "fraction"}, reward=0.5),
    accept("B", reference=1, options={"index_base": "zero"}),
    reject("The answer is C.", reference="B"),
    reject("Answer: A, B", reference="B"),
    reject("A patient with fever.", reference="A", note="an article"),
    adversarial("Answer: A, B, C, D", reference="B", note="all of them"),
    adversarial("Answer: B\nAnswer: A\nAnswer: C\nAnswer: D", reference="B", note="enumeration"),
    adversarial("The answer is A or B.", reference="B", note="hedging"),
    adversarial("The answer is B) Rome", reference="B", prompt=_PROMPT, note="a letter with another text"),
    adversarial("<think>The answer is B.</think>", reference="B", note="only thought"),
    adversarial("The answer is not B.", reference="B"),
    unscorable("B", reference=None),
    unscorable("B", reference="Z"),
]
