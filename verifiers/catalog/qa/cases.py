"""The qa teacher's cases."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable

CASES = [
    accept("<answer>The Eiffel Tower</answer>", reference="Eiffel tower"),
    accept("It was built in 1889. The answer is Gustave Eiffel.", reference=["Gustave Eiffel", "Eiffel"]),
    accept("<answer>Beyoncé</answer>", reference="Beyonce"),
    accept("\\boxed{\\text{1,000}}", reference=1000),
    accept("fifteen", reference="15"),
    accept('{"answer": ["Rome", "Paris"]}', reference={"all": ["Paris", "Rome"]}),
    accept(
        "<answer>Trinidad and Tobago, Cuba and Haiti</answer>",
        reference={"all": ["Cuba", "Haiti", "Trinidad and Tobago"]},
    ),
    accept("Yes, since the cells divide faster.", reference="yes"),
    accept("答案是北京。", reference="北京"),
    accept("<answer>Marie Skłodowska Curie</answer>", reference="Marie Curie", options={"metric": "f1"}, reward=0.8),
    accept("<answer>北京市</answer>", reference="北京", options={"metric": "f1"}, reward=0.8),
    reject("<answer>the</answer>", reference="A", note="articles are words where nothing else is there"),
    reject("<answer>15</answer>", reference="1.5"),
    reject("<answer>-5</answer>", reference="5"),
    reject("<answer>C</answer>", reference="C++"),
    reject("<answer>Paris, Rome, Oslo</answer>", reference={"all": ["Paris", "Rome"]}),
    reject("<answer>Rome, Paris</answer>", reference={"list": ["Paris", "Rome"]}),
    adversarial("<answer>Paris</answer><answer>Rome</answer>", reference="Rome", note="several tags"),
    adversarial("<answer>Paris or Rome</answer>", reference="Rome", note="hedging"),
    adversarial("<answer>not Rome</answer>", reference="Rome", options={"metric": "f1"}),
    adversarial("<think>The answer is Rome.</think>", reference="Rome", note="only thought"),
    adversarial("yes no", reference="yes", options={"metric": "f1"}),
    unscorable("Rome", reference=None),
    unscorable("Rome", reference={"aliases": ["Rome"]}),
]
