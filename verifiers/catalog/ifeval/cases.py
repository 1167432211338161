"""The IFEval teacher's cases."""

from __future__ import annotations

from verifiers.teacher import Case, accept, adversarial, reject, unscorable
from verifiers.types import Json


def instructions(**kinds: Json) -> Json:
    """Return a reference; `keywords__existence={...}` stands for the id `keywords:existence`."""
    return {"instruction_id_list": [name.replace("__", ":") for name in kinds], "kwargs": list(kinds.values())}


_SEA: Json = {
    "instruction_id_list": ["keywords:existence", "length_constraints:number_words"],
    "kwargs": [{"keywords": ["ocean", "salt"]}, {"num_words": 5, "relation": "at least"}],
}
_COMPAT: Json = {"mode": "compat"}

CASES: list[Case] = [
    accept("The ocean holds a lot of salt.", reference=_SEA),
    accept('<think>which one?</think>"Nothing but a quote."', reference=instructions(startend__quotation={})),
    accept(
        "I love C++ very much.",
        reference='{"instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": ["C++"]}]}',
        note="a reference as JSON text",
    ),
    accept(
        "这是一个包含很多汉字的完整句子",
        reference=instructions(length_constraints__number_words={"num_words": 10, "relation": "at least"}),
    ),
    accept("Sure:\nyes no", reference=instructions(punctuation__no_comma={}), options={"strictness": "loose"}),
    accept("We love concatenation", reference=instructions(keywords__existence={"keywords": ["cat"]}), options=_COMPAT),
    accept(
        "no comma",
        reference={"instruction_id_list": ["punctuation:no_comma", "detectable_format:title"], "kwargs": [{}, {}]},
        options={"reward": "fraction"},
        reward=0.5,
    ),
    reject("Short: ocean salt.", reference=_SEA),
    reject("<<Title>> but, a comma", reference=instructions(detectable_format__title={}, punctuation__no_comma={})),
    reject(
        "don't can't won't",
        reference=instructions(length_constraints__number_words={"num_words": 6, "relation": "at least"}),
    ),
    adversarial("", reference=instructions(punctuation__no_comma={}), note="an empty answer follows nothing"),
    adversarial("The oceanic basalt of the sea floor", reference=_SEA, note="keywords inside other words"),
    adversarial(
        "<think>The ocean holds a lot of salt.</think>No.", reference=_SEA, note="followed in the thinking only"
    ),
    adversarial("You a\u200bss!", reference=instructions(keywords__forbidden_words={"forbidden_words": ["ass"]})),
    adversarial("NaN", reference=instructions(detectable_format__json_format={})),
    unscorable("any", reference=None),
    unscorable("any", reference=instructions(keywords__nothing={})),
    unscorable("any", reference=instructions(keywords__existence={"keywords": "ocean"})),
    unscorable("any", reference=instructions(length_constraints__number_words={"relation": "at least"})),
    unscorable("a(b", reference=instructions(keywords__existence={"keywords": ["a(b"]}), options=_COMPAT),
]
