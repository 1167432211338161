"""Pairs that are equal, and pairs that only look it, of every kind of answer, judged in both directions."""

import json
from collections import defaultdict
from pathlib import Path
from typing import TypedDict

import pytest

from verifiers import Sample
from verifiers.registry import find
from verifiers.teacher import BaseTeacher

CASES = Path(__file__).parent / "cases" / "math_equivalence.jsonl"


class Case(TypedDict):
    """One pair."""

    reference: str
    answer: str
    equal: bool
    kind: str


def by_kind() -> dict[str, list[Case]]:
    """Return the cases by their kind, in the file's order."""
    kinds: dict[str, list[Case]] = defaultdict(list)
    for line in CASES.read_text(encoding="utf-8").splitlines():
        case: Case = json.loads(line)
        kinds[case["kind"]].append(case)
    return kinds


KINDS = by_kind()


def judged(reference: str, answer: str) -> tuple[bool, str]:
    """Return (whether the boxed answer is paid, the reason), judged the slow way too if the fast path passes it on."""
    teacher = find("math").build()
    assert isinstance(teacher, BaseTeacher)
    sample = Sample(f"\\boxed{{{answer}}}", reference=reference)
    verdict = teacher.quick(sample) or teacher.judge(sample)
    return verdict.reward == 1.0, f"{verdict.status.value}: {verdict.reason}"


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_of_a_kind_when_judged_both_ways_then_as_labelled(kind: str) -> None:
    wrong: list[str] = []
    for case in KINDS[kind]:
        for reference, answer in ((case["reference"], case["answer"]), (case["answer"], case["reference"])):
            paid, reason = judged(reference, answer)
            if paid != case["equal"]:
                wrong.append(f"{reference}  |  {answer}  |  equal={case['equal']}, but {reason}")
    assert not wrong, "\n".join(wrong)


def test_cases_are_many_and_of_both_labels() -> None:
    total = sum(len(cases) for cases in KINDS.values())
    unequal = sum(not case["equal"] for cases in KINDS.values() for case in cases)
    assert total >= 500
    assert 150 <= unequal <= total - 150
