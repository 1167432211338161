"""The corpus of cheats, and what teachers pay for it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from verifiers.attacks.corpus import KINDS, Target, cheats
from verifiers.attacks.run import attack, named_words
from verifiers.errors import UsageError
from verifiers.types import Sample

MIN_CHEATS = 150
RULES = """
rules:
  - starts_with: Dear
    critical: true
  - contains: [refund, order]
  - words: 12..60
  - sentences: 2..
  - number: {value: 1234, which: any}
"""


def test_corpus_when_made_then_is_large_varied_and_the_same_each_time() -> None:
    corpus = cheats()
    assert len(corpus) >= MIN_CHEATS
    assert set(Counter(cheat.kind for cheat in corpus)) == set(KINDS)
    assert len({cheat.name for cheat in corpus}) == len({cheat.completion for cheat in corpus}) == len(corpus)
    assert cheats() == corpus
    assert len(cheats(Target("What is 2+2?", ("cat", "dog")))) >= MIN_CHEATS


def test_corpus_when_it_knows_the_prompt_and_the_words_then_uses_them() -> None:
    texts = [cheat.completion for cheat in cheats(Target("What is 2+2?", ("zebra",), "rules: secret"))]
    assert "What is 2+2?" in texts
    assert "zebra" in texts
    assert "rules: secret" in texts
    assert {cheat.kind for cheat in cheats(kinds=("hedge",))} == {"hedge"}


def test_attack_when_rules_ask_for_substance_then_no_cheat_is_paid(tmp_path: Path) -> None:
    file = tmp_path / "good.yaml"
    file.write_text(RULES)
    attempts = attack("rules", {"rules": str(file)}, words=["refund", "order", "Dear"], rules=RULES)
    assert len(attempts) >= MIN_CHEATS
    assert [attempt.cheat.name for attempt in attempts if attempt.paid()] == []
    assert all(attempt.verdict.reward is not None for attempt in attempts)


def test_attack_when_rules_are_careless_then_the_cheats_that_were_paid_are_named(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("contains: [refund, order]")
    paid = {attempt.cheat.name for attempt in attack("rules", {"rules": str(file)}, words=["refund", "order"])
            if attempt.paid()}  # fmt: skip
    assert "stuffing: keywords" in paid
    assert not any(name.startswith(("empty", "zero-width", "refusal")) for name in paid)


def test_attack_when_a_model_is_given_then_its_reference_counts() -> None:
    model = Sample("", "What is 2+2?", "4")
    attempts = attack("math", models=[model], kinds=("hedge", "injection"))
    assert attempts
    assert all(attempt.sample.reference == "4" for attempt in attempts)
    assert not [attempt.cheat.name for attempt in attempts if attempt.paid()]


def test_attack_when_a_file_of_your_own_then_it_is_attacked(tmp_path: Path) -> None:
    teacher = tmp_path / "generous.py"
    teacher.write_text(
        "from verifiers.teacher import teacher\n\n\n"
        "@teacher(version='1', bounded=True)\ndef generous(sample):\n"
        "    '''Pay every long text.'''\n    return len(sample.completion) > 100\n"
    )
    paid = [attempt.cheat.kind for attempt in attack(str(teacher)) if attempt.paid()]
    assert {"giant", "padding", "repetition"} <= set(paid)
    assert "refusal" not in paid


def test_attack_when_no_such_teacher_then_usage_error() -> None:
    with pytest.raises(UsageError, match="no teacher"):
        attack("nothing_like_that")


def test_named_words_when_rules_name_texts_then_only_these() -> None:
    rules = [{"contains": ["a b", "c"]}, {"all": [{"order": ["d"]}, {"contains": {"text": "e", "case": "keep"}}]}]
    assert named_words(rules) == ["a b", "c", "d", "e"]
