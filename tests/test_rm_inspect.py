"""What `verify rm inspect` says of agreement, of copies and of slips."""

from random import Random

import pytest

from reward_models.data.checks import inspected
from reward_models.data.rated import RatedData
from reward_models.types import Answer, RatedPrompt


def votes_of(shares: list[tuple[float, ...]]) -> RatedData:
    return RatedData([RatedPrompt("p", (Answer("a"), Answer("b")))], "votes", votes=shares)


def test_inspected_when_the_better_answer_always_stands_first_then_votes_agree_as_much():
    random = Random(0)
    better_first = [tuple(float(random.random() > 0.05) for _ in range(3)) for _ in range(60)]
    sides = [random.random() < 0.5 for _ in better_first]
    shuffled = [
        tuple(1 - vote for vote in votes) if side else votes for votes, side in zip(better_first, sides, strict=True)
    ]
    one, two = (inspected(votes_of(votes))["votes"]["alpha"] for votes in (better_first, shuffled))
    assert one == pytest.approx(two)
    assert one > 0.7
    tossed = [tuple(float(random.random() < 0.5) for _ in range(3)) for _ in range(300)]
    assert inspected(votes_of(tossed))["votes"]["alpha"] == pytest.approx(0, abs=0.1)
