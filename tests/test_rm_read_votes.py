"""`read_rated` on comparisons: what a vote means, how strong a preference is, margins."""

import re
from pathlib import Path
from typing import Any

import pytest
from rm_rows import read_rows

from reward_models.data.checks import inspected
from reward_models.data.findings import findings
from reward_models.data.rated import RatedData
from reward_models.training.material import tell_of_margins
from reward_models.types import Preference
from verifiers.errors import UsageError

MANY = 70
"""More rows than the first ones, by which the shape is found."""


def voted(folder: Path, votes: list[Any], sides: tuple[str, str] = ("a", "b"), **options: Any) -> RatedData:
    """Read one comparison for each vote."""
    rows = [{"prompt": f"p{n}", sides[0]: "x", sides[1]: "y", "winner": vote} for n, vote in enumerate(votes)]
    return read_rows(folder, rows, **options)


def shares(data: RatedData) -> list[float]:
    """Return how far each comparison is for the answer that stands first."""
    stated = [rated.preferences[0] for rated in data.prompts]
    return [each.probability if each.chosen == 0 else 1 - each.probability for each in stated]


@pytest.mark.parametrize("name", ["overall_preference", "preference_strength"])
@pytest.mark.parametrize("value", range(-3, 4))
def test_read_rated_when_helpsteer_prefers_then_below_0_is_the_first_and_the_size_is_the_margin(tmp_path, name, value):
    row = {"context": [{"role": "user", "content": "p"}], "response1": "x", "response2": "y", name: value}
    data = read_rows(tmp_path, [row])
    place = 1 if value > 0 else 0
    wanted = Preference(place, 1 - place, 1.0 if value else 0.5, abs(float(value)))
    assert (data.prompts[0].preferences, data.counts.bad) == ((wanted,), 0)
    assert f"{name!r} below 0 is for 'response1', above 0 for 'response2', 0 is a tie" in data.notes[0]


def test_read_rated_when_a_strength_is_mapped_then_read_as_one_and_several_count_as_votes(tmp_path):
    row = {"prompt": "p", "a": "x", "b": "y", "winner": "A", "liking": [1, 2, -1]}
    (rated,) = read_rows(tmp_path, [row], map={"liking": "strength"}).prompts
    assert rated.preferences == (Preference(1, 0, pytest.approx(2 / 3), pytest.approx(2 / 3), votes=3),)


def test_read_rated_when_votes_are_below_0_then_refused_until_their_meaning_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"'winner' holds votes below 0 \(-1\).*--map winner=winner.*winner=strength"):
        voted(tmp_path, [1] * MANY + [-1, 0])
    ones = shares(voted(tmp_path, [1, -1, 0], map={"winner": "winner"}))
    assert ones == [1.0, 0.0, 0.5]
    assert shares(voted(tmp_path, [1, -1, 0], map={"winner": "strength"})) == [0.0, 1.0, 0.5]


@pytest.mark.parametrize(
    ("sides", "early", "late", "found"),
    [
        (("a", "b"), 1, 0, (1.0, 0.0)),
        (("a", "b"), 0, 1, (0.0, 1.0)),
        (("a", "b"), 1, 2, (1.0, 0.0)),
        (("a", "b"), 0, 2, (0.5, 0.0)),
        (("a", "b"), "1", "0", (1.0, 0.0)),
        (("response_0", "response_1"), 1, 0, (0.0, 1.0)),
        (("response_0", "response_1"), 1, 2, (1.0, 0.0)),
    ],
)
def test_read_rated_when_votes_are_sorted_then_the_whole_file_says_what_they_mean(tmp_path, sides, early, late, found):
    data = voted(tmp_path, [early] * MANY + [late] * 3, sides)
    assert shares(data) == [found[0]] * MANY + [found[1]] * 3
    assert data.counts.bad == 0


def test_read_rated_when_zeros_are_ties_then_the_note_says_so(tmp_path):
    assert "a vote 1 is for 'a', 2 for 'b', 0 is a tie" in voted(tmp_path, [0, 1, 2]).notes


def test_read_rated_when_votes_are_words_or_booleans_then_both_sides_are_known(tmp_path):
    assert shares(voted(tmp_path, [True, False, "true", "B", "tie"])) == [1.0, 0.0, 1.0, 0.0, 0.5]


def test_read_rated_when_a_vote_is_unknown_then_each_known_one_is_told_once(tmp_path):
    told = voted(tmp_path, [1, 0, "C"]).bad[0].reason
    assert told == (
        "the vote is 'C'; known are 1/1st/a/first/left/model_a/true and 0/2nd/b/false/model_b/right/second, and ties"
    )


PAIR = {"prompt": "p", "chosen": "x", "rejected": "y"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"margin": -2.0}, "the margin is -2, and it says by how much.*swap chosen and rejected, or give it without"),
        ({"chosen_score": 1, "rejected_score": 3}, "chosen_score is below rejected_score, against the choice; swap"),
        ({"chosen": ["x", "z"], "rejected": ["y"], "margin": -1}, "the margin is -1"),
    ],
)
def test_read_rated_when_a_margin_is_below_0_then_a_bad_row_says_what_to_do(tmp_path, row, told):
    data = read_rows(tmp_path, [PAIR, PAIR | {"prompt": "q"} | row])
    assert [re.search(told, each.reason) is not None for each in data.bad] == [True]
    assert len(data.prompts) == 1


def test_read_rated_when_the_rejected_is_likelier_better_then_the_margin_is_its(tmp_path):
    (rated,) = read_rows(tmp_path, [PAIR | {"margin": 2, "probability": 0.25}]).prompts
    assert rated.preferences == (Preference(1, 0, 0.75, 2.0),)


def test_inspect_when_no_comparison_has_a_margin_then_says_which_losses_that_makes_alike(tmp_path):
    same = "no comparison has a margin, so margin and scaled would be the same as bt"
    without, stated = read_rows(tmp_path, [PAIR]), read_rows(tmp_path, [PAIR | {"margin": 1}])
    assert [any(same in each.found for each in findings(inspected(data))) for data in (without, stated)] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("loss", "row", "said"),
    [
        ("margin", PAIR, 1),
        ("scaled", PAIR, 1),
        ("bt", PAIR, 0),
        ("margin", PAIR | {"margin": 0.5}, 0),
        ("margin", {"prompt": "p", "responses": ["x", "y"], "ratings": [1, 2]}, 0),
    ],
)
def test_train_when_its_loss_needs_margins_and_there_are_none_then_says_it_is_bt(tmp_path, loss, row, said):
    lines: list[str] = []
    tell_of_margins(loss, read_rows(tmp_path, [row]).prompts, lines.append)
    assert [line.startswith(f"loss={loss}: no pair has a margin, so this is the same as bt") for line in lines] == (
        [True] * said
    )
