"""`read_rated` on columns that begin behind the first rows, and on empty cells."""

import io
import json
import sys
from types import SimpleNamespace

import pytest
from rm_rows import read_rows

from reward_models.data.reading import read_rated

MANY = 70
"""More rows than the first ones, by which the shape is found."""


@pytest.mark.parametrize("absent", [{}, {"margin": None, "weight": None, "probability": None}])
def test_read_rated_when_a_pairs_columns_begin_late_then_found(tmp_path, absent):
    pair = {"chosen": "good", "rejected": "bad"}
    rows = [{"prompt": f"p{number}", **pair, **absent} for number in range(MANY)]
    data = read_rows(tmp_path, [*rows, {"prompt": "q", **pair, "margin": 2, "weight": 3, "probability": 0.75}])
    assert [data.columns.get(name) for name in ("margin", "weight", "probability")] == [
        *("margin", "weight", "probability")
    ]
    last = data.prompts[-1].preferences[0]
    assert (last.margin, last.weight, last.probability) == (2.0, 3.0, 0.75)
    assert data.prompts[0].preferences[0].margin is None


@pytest.mark.parametrize("mapping", [{}, {"meta.by": "rater"}])
def test_read_rated_when_a_ratings_columns_begin_late_then_found(tmp_path, mapping):
    rows = [{"prompt": f"p{number}", "response": "r", "rating": 3} for number in range(MANY)]
    late = {"rater": "x"} if not mapping else {"meta": {"by": "x"}}
    last = {"prompt": "q", "response": "r", "rating": 4, "weight": 2, "scale": [1, 5], "source": "s", **late}
    data = read_rows(tmp_path, [*rows, last], map=mapping)
    rating = data.prompts[-1].answers[0].ratings[0]
    assert (rating.rater, rating.weight, data.prompts[-1].answers[0].source) == ("x", 2.0, "s")
    assert data.declared


def test_read_rated_when_margins_of_two_columns_and_aspects_begin_late_then_found(tmp_path):
    pair = {"chosen": "good", "rejected": "bad"}
    rows = [{"prompt": f"p{number}", **pair} for number in range(MANY)]
    data = read_rows(tmp_path, [*rows, {"prompt": "q", **pair, "chosen_score": 5, "rejected_score": 2}])
    assert data.prompts[-1].preferences[0].margin == 3.0
    rated = {"response": "r", "helpfulness": 3, "correctness": 1}
    rows = [{"prompt": f"p{number}", **rated} for number in range(MANY)]
    data = read_rows(tmp_path, [*rows, {"prompt": "q", **rated, "coherence": 2}])
    assert data.prompts[-1].answers[0].aspects == {"helpfulness": 3.0, "correctness": 1.0, "coherence": 2.0}
    data = read_rows(tmp_path, [*rows, {"prompt": "q", **rated, "wit": 5}], aspects={"helpfulness": 1, "wit": 1})
    assert data.prompts[-1].answers[0].stars == 4.0


def test_read_rated_when_a_late_column_is_another_name_then_the_first_rows_decide(tmp_path):
    rows = [{"question": f"p{number}", "response": "r", "rating": 3} for number in range(MANY)]
    data = read_rows(tmp_path, [*rows, {"question": "q", "prompt": "x", "response": "r", "rating": 4}])
    assert data.columns["prompt"] == "question"


def test_read_rated_when_csv_cells_are_empty_then_as_if_absent(tmp_path):
    path = tmp_path / "pairs.csv"
    rows = [f"p{number},good,bad,," for number in range(MANY)] + ["q,good,bad,2,3"]
    path.write_text("\n".join(["prompt,chosen,rejected,margin,weight", *rows]))
    data = read_rated([path])
    assert data.counts.bad == 0
    assert (data.prompts[-1].preferences[0].margin, data.prompts[-1].preferences[0].weight) == (2.0, 3.0)


def test_read_rated_when_from_a_pipe_then_looked_through_and_read_all_the_same(monkeypatch):
    rows = [{"prompt": f"p{number}", "a": "x", "b": "y", "winner": int(number < MANY)} for number in range(MANY + 1)]
    text = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=text))
    data = read_rated(["-"])
    assert (data.counts.rows, data.prompts[-1].preferences[0].chosen) == (MANY + 1, 1)
