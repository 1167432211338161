"""What `verify rm inspect` says of agreement, of copies and of slips."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from reward_models.data.checks import inspected
from reward_models.data.findings import findings
from reward_models.data.rated import RatedData
from reward_models.data.reading import read_rated
from reward_models.types import Answer, RatedPrompt, Rating


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


def read(tmp_path: Path, rows: list[dict[str, Any]]) -> RatedData:
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return read_rated([tmp_path / "in.jsonl"])


STARS = [{"prompt": f"q{n}", "response": f"a{k}", "rating": 1 + (n + k) % 5} for n in range(15) for k in range(2)]
PAIRS = [{"prompt": f"q{n}", "chosen": "good", "rejected": "bad"} for n in range(30)]
VOTES = [{"prompt": f"q{n}", "response_a": "a", "response_b": "b", "winner": "ab"[n % 2]} for n in range(30)]


@pytest.mark.parametrize("rows", [STARS, PAIRS, VOTES], ids=["stars", "pairs", "votes"])
def test_inspected_when_rows_stand_twice_then_counted_and_no_agreement_is_told(tmp_path: Path, rows):
    figures = inspected(read(tmp_path, [*rows, *rows]))
    assert figures["duplicates"]["rows"] == len(rows)
    assert any(each.found.startswith(f"{len(rows)} rows say the same as an earlier row") for each in findings(figures))
    assert figures["votes"] is None
    assert not figures["raters"] or (figures["raters"]["icc"], figures["raters"]["alpha"]["interval"]) == (None, None)
    assert inspected(read(tmp_path, rows))["duplicates"]["rows"] == 0


def test_inspected_when_raters_are_not_named_but_differ_then_their_agreement_is_told(tmp_path: Path):
    others = [{**row, "rating": min(5, int(row["rating"]) + n % 2)} for n, row in enumerate(STARS)]
    figures = inspected(read(tmp_path, [*STARS, *others]))
    assert figures["raters"]["icc"]["units"] == len(STARS)
    assert 0.5 < figures["raters"]["alpha"]["interval"] < 1


def test_inspected_when_rows_differ_in_what_they_say_then_none_is_a_copy(tmp_path: Path):
    one = {**STARS[0], "rater": "", "source": "r", "response_id": "0"}
    for told in ({"rater": "x"}, {"response_id": "1"}, {"rating": 3}, {"source": "s"}):
        assert inspected(read(tmp_path, [one, {**one, **told}]))["duplicates"]["rows"] == 0
    named = {**one, "rater": "x"}
    assert inspected(read(tmp_path, [named, named]))["duplicates"] == {
        "ratings": 1,
        "rows": 0,
        "prompts_alike": 0,
        "answers_at_several_prompts": 0,
    }


def test_inspected_when_votes_of_one_row_all_agree_then_agreement_is_told(tmp_path: Path):
    rows = [{"prompt": f"q{n}", "response_a": "a", "response_b": "b", "votes": ["a", "a", "a"]} for n in range(24)]
    assert inspected(read(tmp_path, rows))["votes"]["alpha"] == pytest.approx(1)


def agreement_told(data: RatedData) -> list[str]:
    return [each.found for each in findings(inspected(data)) if each.name == "agreement"]


def test_findings_when_no_two_judgements_differ_then_that_is_why_agreement_cannot_be_told():
    (said,) = agreement_told(votes_of([(0.5, 0.5)] * 24))
    assert said.endswith("24 answers or comparisons were judged by several, and no two judgements differ")
    ratings = (Rating(3.0, "x"), Rating(3.0, "y"))
    alike = [RatedPrompt(f"q{n}", (Answer("a", 3.0, ratings=ratings),)) for n in range(24)]
    assert agreement_told(RatedData(alike, "ratings")) == [said]
    (said,) = agreement_told(votes_of([(1.0, 0.0)] * 3))
    assert said.endswith("3 answers or comparisons were judged by several; 20 are needed")
