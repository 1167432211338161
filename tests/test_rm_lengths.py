"""How scores go with length, and what is said of it."""

from random import Random

import pytest
from rm_scored import prompt

from reward_models.evaluation.evaluate import evaluate
from reward_models.evaluation.findings import Level, findings
from reward_models.evaluation.lengths import length_bias, length_scores, plain
from reward_models.evaluation.scored import ScoredPrompt
from reward_models.types import Answer, Preference, RatedPrompt


def test_plain_when_chat_then_all_that_was_said():
    assert plain("text") == "text"
    assert plain([{"role": "assistant", "content": "yes"}]) == "yes"
    assert plain([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]) == "user: a\nassistant: b"


def test_length_bias_when_worked_by_hand_then_agrees():
    # Humans: longer, longer, shorter; the model takes the longer one each time. Equal lengths say nothing.
    scored = [
        prompt("1", ("long answer", 5, 0.9), ("short", 1, 0.1)),
        prompt("2", ("long answer", 5, 0.9), ("short", 1, 0.1)),
        prompt("3", ("long answer", 1, 0.9), ("short", 5, 0.1)),
        prompt("4", ("same", 1, 0.9), ("size", 5, 0.1)),
    ]
    bias = length_bias(scored)
    assert bias.humans_longer == pytest.approx(2 / 3)
    assert bias.model_longer == 1.0
    assert (bias.accuracy_longer, bias.accuracy_shorter) == (1.0, 0.0)
    assert bias.pull_of_pairs.value == 1.0
    assert bias.pull_of_stars.value == pytest.approx(bias.score_length_fixed_stars)
    assert length_scores(scored)[0].scores_N == (11.0, 5.0)
    assert length_bias([]).score_length is None


def lengthy(kind: str, stars: bool) -> list[ScoredPrompt]:
    """Answers that are the better the longer they are, scored by a model with much noise."""
    random = Random(0)
    found = []
    for number in range(300 if stars else 1000):
        sizes = [random.randrange(20, 200) for _ in range(4 if stars else 2)]
        merits = [size / 100 + random.gauss(0, 1) for size in sizes]
        paid = {"random": (0, 0), "true": (1, 0), "longer": (1, 1 / 60), "shorter": (1, -1 / 30)}[kind]
        scores = [paid[0] * q + paid[1] * size + random.gauss(0, 2) for q, size in zip(merits, sizes, strict=True)]
        answers = [Answer("x" * size, round(2 * q) / 2 if stars else None)
                   for q, size in zip(merits, sizes, strict=True)]  # fmt: skip
        chosen = int(merits[1] > merits[0])
        preferences = () if stars else (Preference(chosen, 1 - chosen),)
        found.append(ScoredPrompt(RatedPrompt(str(number), tuple(answers), preferences), tuple(scores)))
    return found


@pytest.mark.parametrize("stars", [True, False], ids=["stars", "pairs"])
@pytest.mark.parametrize(
    ("kind", "level", "said"),
    [
        ("random", Level.GOOD, "no pull of length"),
        ("true", Level.GOOD, "no pull of length"),
        ("longer", Level.BAD, "it rewards longer answers"),
        ("shorter", Level.BAD, "it rewards shorter answers"),
    ],
)
def test_findings_when_scores_are_noisy_then_only_a_pull_of_length_is_told(kind, level, said, stars):
    beginning = "With stars held fixed, score and length" if stars else "Where the longer answer is the better one"
    (told,) = (each for each in findings(evaluate(lengthy(kind, stars), "m")) if each.text.startswith(beginning))
    assert (told.level, said in told.text) == (level, True)


def test_findings_when_prompts_are_few_then_a_pull_of_length_may_be_chance():
    told = findings(evaluate(lengthy("longer", True)[:8], "m"))
    assert any(f.level is Level.WATCH and "score and length" in f.text and "too few" in f.text for f in told)
    told = findings(evaluate(lengthy("random", True)[:20], "m"))
    assert any(f.level is Level.WATCH and "or chance" in f.text for f in told)
