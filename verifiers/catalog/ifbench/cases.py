"""The IFBench teacher's cases."""

from __future__ import annotations

from verifiers.catalog.ifeval.cases import instructions
from verifiers.teacher import Case, accept, adversarial, reject, unscorable
from verifiers.types import Json

_SENTENCE: Json = {"instruction_id_list": ["sentence:keyword"], "kwargs": [{"word": "harbour", "N": 2}]}
_FIVE: Json = {"keyword1": "one", "keyword2": "two", "keyword3": "three", "keyword4": "five", "keyword5": "seven"}
_COMPAT: Json = {"mode": "compat"}

CASES: list[Case] = [
    accept("We sail at dawn. The harbour is quiet.", reference=_SENTENCE),
    accept(
        "one two two three three three five five five five five seven seven seven seven seven seven seven",
        reference=instructions(count__keywords_multiple=_FIVE),
    ),
    accept("Run to the hills 😀 Now! 😀", reference=instructions(format__emoji={}, words__start_verb={})),
    accept("Ants bring cake daily", reference=instructions(words__alphabet={})),
    accept("a(b[c{d(e[f]g)h}i]j)k", reference=instructions(format__parentheses={}, format__no_whitespace={})),
    accept(
        "- one\n* two",
        reference='{"instruction_id_list": ["format:sub-bullets"], "kwargs": [{}]}',
        options=_COMPAT,
        reward=0.0,
    ),
    accept(
        "one, two",
        reference=instructions(count__numbers={"N": 0}, punctuation__no_comma={}),
        options={"reward": "fraction"},
        reward=0.5,
    ),
    reject("We sail at dawn.", reference=_SENTENCE),
    reject("level radar", reference=instructions(words__palindrome={})),
    reject("14, 21, 28, 35, 42", reference=instructions(custom__multiples={})),
    adversarial("", reference=instructions(count__numbers={"N": 0})),
    adversarial("We sail at dawn. The harbourmaster sleeps.", reference=_SENTENCE),
    adversarial(
        "No question and no statement", reference=instructions(ratio__sentence_type={}, ratio__sentence_balance={})
    ),
    adversarial("My Answer: My Conclusion: Future Outlook:", reference=instructions(format__output_template={})),
    adversarial("Is not", reference=instructions(format__options={"options": "yes/no"})),
    unscorable("any", reference=None),
    unscorable("any", reference=instructions(words__unheard_of={})),
    unscorable("any", reference=instructions(sentence__keyword={"word": "x", "N": 0})),
    unscorable("any", reference={"instruction_id_list": ["words:vowel"], "kwargs": []}),
]
