"""`read_rated` on comparisons: what a vote means, how strong a preference is, margins."""

from pathlib import Path
from typing import Any

import pytest
from rm_rows import read_rows

from reward_models.data.rated import RatedData
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
    assert rated.preferences == (Preference(1, 0, pytest.approx(2 / 3), pytest.approx(2 / 3)),)


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
