"""What the votes of a file mean: which are for the first and which for the second of two answers."""

from __future__ import annotations

from collections.abc import Set

from verifiers.errors import UsageError

Sides = tuple[frozenset[str], frozenset[str]]
"""The votes for the first and for the second answer, as text in small letters."""


def meaning(sides: tuple[str, str], column: str, numbers: Set[int], declared: bool) -> tuple[Sides, str]:
    """Say which votes are for which answer, and put it in words.

    Args:
        sides: The columns of the two answers.
        column: Of the votes.
        numbers: All that are in it, anywhere in the file: the first rows of a sorted file hold one side only.
        declared: Whether the user named the column as that of the winner.

    Raises:
        UsageError: If a vote is below 0 and the user has not said what that means.
    """
    by_index = sides[0].endswith("0") and sides[1].endswith("1")
    if min(numbers, default=0) < 0:
        if not declared:
            raise UsageError(_which_is_below_0(sides, column, min(numbers)))
        one, two = 1, -1
    elif by_index and numbers <= {0, 1}:
        one, two = 0, 1
    else:
        one, two = (1, 0) if numbers == {0, 1} else (1, 2)
    first = frozenset({"a", "1st", "first", "model_a", "left", "true", str(one), sides[0].lower()})
    second = frozenset({"b", "2nd", "second", "model_b", "right", "false", str(two), sides[1].lower()})
    tie = "" if 0 in (one, two) else ", 0 is a tie"
    return (first, second), f"a vote {one} is for {sides[0]!r}, {two} for {sides[1]!r}{tie}"


def _which_is_below_0(sides: tuple[str, str], column: str, lowest: int) -> str:
    one, two = sides
    return (
        f"{column!r} holds votes below 0 ({lowest}), and files differ in whose those are. Say it: "
        f"--map {column}=winner if 1 is for {one!r} and -1 for {two!r}; "
        f"--map {column}=strength if below 0 is for {one!r} and above 0 for {two!r}, and how far from 0 says by how "
        "much (as in HelpSteer3)."
    )
