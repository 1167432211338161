"""The options of every command that reads ratings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, TypeVar

import click

from verifiers.cli.rows import parse_map
from verifiers.errors import UsageError

if TYPE_CHECKING:
    from reward_models.data.rated import RatedData

_Command = TypeVar("_Command", bound=Callable[..., Any])
NAMES = ("files", "maps", "aspects", "scale", "reference", "on_bad")
"""The parameters that `read_options` adds; `read_with` takes them."""


def read_options(function: _Command) -> _Command:
    """Add FILES and how they are read."""
    for option in (
        click.option(
            "--bad-rows",
            "on_bad",
            type=click.Choice(["skip", "refuse"]),
            default="skip",
            help="What to do with bad rows.",
        ),
        click.option("--reference", is_flag=True, help="Put each row's reference into its prompt."),
        click.option(
            "--scale",
            type=float,
            nargs=2,
            metavar="LOW HIGH",
            help="The lowest and the highest rating there can be; others are bad rows.",
        ),
        click.option(
            "--aspect",
            "aspects",
            multiple=True,
            metavar="NAME=WEIGHT",
            help="A column (or a key of the rating) that rates one aspect, and its weight in the stars; repeatable.",
        ),
        click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="Name a column, e.g. points=rating."),
        click.argument("files", nargs=-1, required=True, metavar="FILES..."),
    ):
        function = option(function)
    return function


def read_with(given: Mapping[str, Any]) -> RatedData:
    """Read the data that the options name.

    Args:
        given: The command's parameters, those of `NAMES` among them.

    Raises:
        UsageError: If one is malformed, or the files' shape is not known.
        InputError: If the files cannot be read.
    """
    from reward_models.data.reading import read_rated

    return read_rated(
        given["files"],
        map=parse_map(given["maps"]),
        aspects=parse_aspects(given["aspects"]),
        scale=parse_scale(given["scale"]),
        reference=given["reference"],
        on_bad=given["on_bad"],
    )


def parse_aspects(texts: Sequence[str]) -> dict[str, float]:
    """Return `("helpful=0.7",)` as a mapping; an aspect without a weight weighs 1.

    Raises:
        UsageError: If one is malformed, or weighs less than 0.
    """
    from reward_models.data.labels import check_weights

    found = {}
    for text in texts:
        name, _, weight = text.rpartition("=") if "=" in text else (text, "", "1")
        try:
            found[name] = float(weight)
        except ValueError:
            found[name] = nan
        if not name or not isfinite(found[name]):
            raise UsageError(f"--aspect {text!r}: write NAME=WEIGHT, e.g. --aspect helpfulness=0.7")
    check_weights(found)
    return found


def parse_scale(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the ends as they are.

    Raises:
        UsageError: If the lowest does not come first.
    """
    if ends is not None and not ends[0] < ends[1]:
        raise UsageError(
            f"--scale {ends[0]:g} {ends[1]:g}: give the lowest and then the highest rating, e.g. --scale 1 5"
        )
    return ends
