"""Any teachers as one: weighted, gated, a cascade from cheap to dear, the least, the largest, the product.

A plan says who and how, in YAML or JSON (`--config plan.yaml`, `--set compose=plan.yaml`), or in Python
(`verifiers.compose.compose`). Each member has its own options, its own reference (`reference: meta.COLUMN`) and, where
they count, its own weight; gates come first, and one that does not pass makes the reward 0. Every member's reward,
reason and parts are parts of the verdict (`math`, `math/...`).

A member that was not judged voids the row (`missing: void`) or leaves its share to the others (`missing: renormalise`);
a gate that was not judged always voids it. Wrong plans are refused with file, line, column and key.

Known limits: the members of one sample run one after another in one worker, so that a member that is killed at the
deadline (the sum of the members' deadlines) takes the row with it. Members with machinery of their own (`code`) run in
the caller's process, thousands at a time, and the others beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

from verifiers.compose.composed import Composed
from verifiers.compose.reading import read_plan
from verifiers.teacher import accept, adversarial, reject, teacher, unscorable

DEFAULT_PLAN = '{"how": "gated", "teachers": ["format", "math"]}'


@dataclass(frozen=True)
class Options:
    """Of a composed teacher.

    Attributes:
        compose: The plan: a YAML or JSON file, or the plan itself as JSON.
    """

    config_file: ClassVar[str] = "compose"
    """The option that `--config` fills with its file."""

    compose: str = DEFAULT_PLAN

    def __post_init__(self) -> None:
        """Replace the plan by itself in full, so that workers and resumed runs do not depend on files or defaults."""
        object.__setattr__(self, "compose", read_plan(self.compose).text())


@teacher(version="1", options=Options)
class ComposeTeacher(Composed):
    """See the module's docstring."""

    def __init__(self, options: Options) -> None:
        super().__init__(read_plan(options.compose))


def _plan(how: str, *teachers: object, **more: object) -> dict[str, str]:
    return {"compose": json.dumps({"how": how, "teachers": teachers, **more})}


_GOOD = "<think>12 and 30 make 42, since 12 + 30 = 42.</think>\n<answer>42</answer>"
_LETTER = {"teacher": "math", "name": "other", "reference": "meta.other"}
_HALVES = _plan("weighted", {"teacher": "math", "weight": 3}, {**_LETTER, "weight": 1})
_LENIENT = _plan("weighted", {"teacher": "math", "weight": 3}, {**_LETTER, "weight": 1}, missing="renormalise")
_CASCADE = _plan("cascade", {"teacher": "math", "next": {"below": 1}}, _LETTER)
_META = {"other": "41"}

CASES = [
    accept(_GOOD, reference="42"),
    accept("\\boxed{42}", reference="42", meta=_META, options=_HALVES, reward=0.75),
    accept("\\boxed{42}", reference="42", meta={"other": "42.0"}, options=_HALVES),
    accept("\\boxed{42}", reference="42", options=_LENIENT, note="what was not judged leaves its share to the others"),
    accept(
        "\\boxed{41}", reference="42", meta=_META, options=_CASCADE, note="the second is asked when the first is low"
    ),
    accept("\\boxed{41}", reference="42", meta=_META, options=_plan("max", "math", _LETTER)),
    accept("\\boxed{42}", reference="42", meta={"other": "42"}, options=_plan("product", "math", _LETTER)),
    accept("\\boxed{\\frac{d}{dx}x^3}", reference="3x^2", options=_plan("min", "math"), note="a member needs a worker"),
    reject("<think>12 and 30 make 41, I would say.</think>\n<answer>41</answer>", reference="42"),
    reject("\\boxed{41}", reference="42", meta=_META, options=_plan("min", "math", _LETTER)),
    adversarial("\\boxed{42}", reference="42", note="right, but the gate is shut"),
    adversarial("<think></think><answer>42</answer>", reference="42", note="right, but a hollow form"),
    unscorable(_GOOD, reference=None),
    unscorable("\\boxed{42}", reference="42", options=_HALVES, note="one part cannot be judged: the row is void"),
]
