"""The rules teacher's cases. Each row brings its own rules."""

from __future__ import annotations

from verifiers.teacher import accept, adversarial, reject, unscorable
from verifiers.types import Json

_SUMMARY: Json = {
    "combine": "all",
    "rules": [{"contains": "reward"}, {"words": "5..30"}, {"forbidden": ["sorry", "as an AI"]}],
}
_WEIGHTED: Json = [{"contains": "alpha", "weight": 3}, {"contains": "beta"}]
_RUBRIC: Json = {
    "combine": "rubric",
    "rules": [{"contains": "dose", "points": 5}, {"contains": "guaranteed", "points": -4}, {"urls": 1, "points": 3}],
}
_GATED: Json = [{"gate": {"if": [{"json": {}}], "then": [{"contains": "name"}]}}]
_TEXT = "rules:\n  - starts_with: Dear\n  - ends_with: Yours\n"

CASES = [
    accept("The reward is given once the answer is right.", reference=_SUMMARY),
    accept(
        "<think>sorry sorry</think>The reward is given once more.",
        reference=_SUMMARY,
        note="the thinking is not judged",
    ),
    accept("Dear Ann, see you soon. Yours", reference=_TEXT, note="rules as YAML text"),
    accept('{"name": "Ann"}', reference=_GATED),
    accept(
        "我选择了奖励，因为它更清楚。", reference=[{"contains": "奖励"}, {"words": "5..20"}], note="words in Chinese"
    ),
    accept("Take 0.5 g twice a day.", reference=[{"quantity": "500 mg"}], note="units are converted"),
    accept("alpha", reference=_WEIGHTED, reward=0.75),
    accept("The dose is guaranteed, see https://who.int/dose", reference=_RUBRIC, reward=0.5, note="negative points"),
    accept("It is over.", reference=[{"contains": "over"}, {"contains": "zh", "when": {"lang": "zh"}}], note="when"),
    reject("The reward is given, sorry to say so.", reference=_SUMMARY),
    reject("reward", reference=_SUMMARY, note="too short"),
    reject("The cat did concatenate", reference=[{"contains": "con"}], note="whole words only"),
    reject("I like Cobol", reference=[{"contains": "C++"}], note="text is no pattern"),
    reject('{"name": ', reference=_GATED),
    reject(
        "alpha", reference=[{"contains": "alpha", "weight": 9}, {"contains": "beta", "critical": True}], note="critical"
    ),
    adversarial("", reference=[{"forbidden": "sorry"}], note="nothing breaks no rule, and earns nothing"),
    adversarial("\u200b\u200b \u2060", reference=[{"not": {"contains": "sorry"}}], note="invisible characters"),
    adversarial("<think>reward", reference=[{"words": "..50"}], note="the thinking never ends"),
    adversarial(
        "re\u200bward? so\u200brry, five words and more", reference=_SUMMARY, note="invisible characters inside"
    ),
    unscorable("anything"),
    unscorable("anything", reference=[{"contans": "a"}], note="an unknown kind"),
    unscorable("anything", reference="rules: [&a {contains: x}, *a]", note="YAML aliases"),
    unscorable("anything", reference=[{"contains": "$meta.keyword"}], note="the row lacks the keyword"),
]
