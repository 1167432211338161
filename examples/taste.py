"""Judge the style of an answer with a small reward model, fitted to the six preference pairs of taste.jsonl.

Accepts: any text. The reward is the chance (Bradley-Terry, linear in four features) that the answer is liked better
than an average one of the pairs. Known limits: four features know nothing of truth; combine it with a verifier.
"""

import json
from functools import cache
from math import exp
from pathlib import Path

from verifiers.teacher import NoOptions, teacher
from verifiers.types import Sample, Status, Verdict, text_of

PAIRS = Path(__file__).with_suffix(".jsonl")
MAX_CHARS = 4000
"""The rest of an answer is not looked at."""
ROUNDS, RATE, DECAY = 200, 0.5, 0.01
HEDGES = ("maybe", "perhaps", "i think", "i guess", "not sure")


def features(text: str) -> list[float]:
    """Return: shows work, shouts, hedges, says things again; each from 0 to 1."""
    text = text[:MAX_CHARS]
    words = text.lower().split()
    return [
        float("=" in text),
        min(1.0, text.count("!") / 3 + sum(word.isupper() and len(word) > 1 for word in text.split()) / 5),
        min(1.0, sum(text.lower().count(hedge) for hedge in HEDGES) / 2),
        1 - len(set(words)) / len(words) if words else 0.0,
    ]


def chance(difference: float) -> float:
    """Return the logistic function."""
    return 1 / (1 + exp(-max(-50.0, min(50.0, difference))))


@cache
def fitted() -> tuple[list[float], float]:
    """Return the weights, and the mean score of all answers of the pairs."""
    pairs = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    sides = [(features(pair["chosen"]), features(pair["rejected"])) for pair in pairs]
    weights = [0.0] * 4
    for _ in range(ROUNDS):
        for chosen, rejected in sides:
            apart = [a - b for a, b in zip(chosen, rejected, strict=True)]
            surprise = 1 - chance(sum(w * x for w, x in zip(weights, apart, strict=True)))
            weights = [w + RATE * surprise * x - DECAY * w for w, x in zip(weights, apart, strict=True)]
    scores = [sum(w * x for w, x in zip(weights, side, strict=True)) for pair in sides for side in pair]
    return weights, sum(scores) / len(scores)


@teacher(version="1", options=NoOptions, bounded=True)
def taste(sample: Sample, options: NoOptions) -> Verdict:
    """Return the chance, and the features as the reason."""
    weights, middle = fitted()
    found = features(text_of(sample.completion))
    reward = chance(sum(w * x for w, x in zip(weights, found, strict=True)) - middle)
    return Verdict(reward, Status.PARTIAL, "work {:.1f}, shouts {:.1f}, hedges {:.1f}, repeats {:.1f}".format(*found))
