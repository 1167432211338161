"""Run the corpus of cheats against a teacher and tell which were paid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from verifiers.attacks.corpus import KINDS, Cheat, Target, cheats
from verifiers.engine import Scorer
from verifiers.registry import find
from verifiers.types import Json, Sample, Verdict, text_of

PAID = 0.5
"""From this reward on a cheat counts as paid."""
MAX_MODELS = 3
"""How many of a teacher's own accepted cases are attacked."""
MAX_WORD_CHARS = 100
_NAMING = ("text", "titles", "header", "keys", "value", "name")
"""Fields of rules whose texts a cheat may stuff."""


@dataclass(frozen=True)
class Attempt:
    """A cheat and what the teacher gave for it.

    Attributes:
        cheat: The completion.
        sample: Against which prompt and reference.
        verdict: The teacher's answer.
    """

    cheat: Cheat
    sample: Sample
    verdict: Verdict

    def paid(self, threshold: float = PAID) -> bool:
        """Whether the reward reaches the threshold."""
        return self.verdict.reward is not None and self.verdict.reward >= threshold


def attack(
    teacher: str,
    options: Mapping[str, Json] | None = None,
    models: Sequence[Sample] = (),
    *,
    words: Iterable[str] = (),
    rules: str = "",
    kinds: Sequence[str] = KINDS,
    num_proc: int | None = None,
    deadline_s: float | None = None,
) -> list[Attempt]:
    """Score every cheat against every model sample.

    Args:
        teacher: A catalog id, file or dotted path.
        options: The teacher's options.
        models: Samples whose completion is replaced; the teacher's own accepted cases if there are none, and if it has
            none of its own, one without prompt and reference.
        words: Words that the cheats stuff.
        rules: The rules' text, which a cheat copies.
        kinds: Families of cheats, of `KINDS`.
        num_proc: Most worker processes.
        deadline_s: Wall-clock seconds for one sample in a worker.

    Raises:
        UsageError: If there is no such teacher or option.
    """
    samples = list(models) or own_models(teacher, dict(options or {}))
    with Scorer(teacher, options=options, num_proc=num_proc, deadline_s=deadline_s) as scorer:
        pairs = [pair for sample in samples for pair in _against(sample, tuple(words), rules, kinds)]
        verdicts = scorer.score([sample for _, sample in pairs])
    return [Attempt(cheat, sample, verdict) for (cheat, sample), verdict in zip(pairs, verdicts, strict=True)]


def own_models(teacher: str, options: Mapping[str, Json]) -> list[Sample]:
    """Return what to attack of a teacher's own cases: accepted ones that need no other options."""
    accepted = [case.sample for case in find(teacher).cases if case.kind == "accept" and dict(case.options) == {}]
    return accepted[:MAX_MODELS] if accepted and not options.get("rules") else [Sample("")]


def _against(
    sample: Sample, words: tuple[str, ...], rules: str, kinds: Sequence[str]
) -> Iterator[tuple[Cheat, Sample]]:
    prompt = sample.prompt if isinstance(sample.prompt, str) else ""
    known = tuple(dict.fromkeys([*words, *named_words(sample.meta.get("rules"))]))
    right = text_of(sample.completion).strip()
    for cheat in cheats(Target(prompt, known, rules), kinds):
        if not right or cheat.completion.strip() != right:
            yield cheat, replace(sample, completion=cheat.completion)


def named_words(rules: Json) -> list[str]:
    """Return the texts that rules name, as a cheat that knows the rules would use them."""
    found: list[str] = []
    if isinstance(rules, Mapping):
        for key, value in rules.items():
            if isinstance(value, str) and (key in _NAMING or key.startswith(("contain", "start", "end", "order"))):
                found.append(value)
            else:
                found += named_words(value)
    elif isinstance(rules, Sequence) and not isinstance(rules, str):
        for each in rules:
            found += [each] if isinstance(each, str) else named_words(each)
    return [word for word in found if 0 < len(word) <= MAX_WORD_CHARS]
