"""`verify rm inspect`: what a file of ratings holds, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from reward_models.cli.reading import read_options, read_with

if TYPE_CHECKING:
    from reward_models.data.checks import Figures
    from reward_models.data.findings import Finding

MAX_BAD_SHOWN = 5
MAX_RATERS_SHOWN = 12
"""With more raters their table is no table to look at; --json has the busiest ones."""


@click.command("inspect")
@read_options
@click.option("--validation", multiple=True, metavar="FILE", help="Count the prompts that these files hold too.")
@click.option("--json", "as_json", is_flag=True, help="Print all figures as one JSON object.")
@click.option("--strict", is_flag=True, help="Exit with 1 if there is a warning.")
def command(validation: tuple[str, ...], as_json: bool, strict: bool, **reading: object) -> int:
    """Say what a file of ratings holds, and what is wrong with it.

    FILES hold ratings, pairs, votes, rankings, thumbs or what `verify score` wrote; the shape is found by the columns.
    Reported are bad rows, duplicates, empties, contradictions, ratings far outside all others, agreement of raters
    (ICC, Krippendorff's alpha), how far raters and prompts are confounded, and how ratings go with length.
    """
    from reward_models.data.checks import inspected
    from reward_models.data.findings import findings

    held = read_with({**reading, "files": validation}).prompts if validation else ()
    figures = inspected(read_with(reading), held)
    found = findings(figures)
    if as_json:
        from verifiers.io.json_text import encode_json

        click.echo(encode_json({**figures, "findings": [each._asdict() for each in found]}).decode())
    else:
        _print(figures, found)
    return 1 if strict and any(each.level == "warn" for each in found) else 0


def _print(figures: Figures, found: Sequence[Finding]) -> None:
    from verifiers.cli.table import print_findings, print_pairs, print_table, write

    print_pairs([*_what(figures), *_people(figures), *_length(figures)])
    for each in figures["bad_rows"][:MAX_BAD_SHOWN]:
        print_pairs([("left out", f"{each['where']}: {each['reason']}")])
    raters = figures["raters"]["each"] if figures["raters"] else []
    if 1 < len(raters) <= MAX_RATERS_SHOWN:
        write()
        rows = [(each["rater"], each["ratings"], each["mean"], each["offset"]) for each in raters]
        print_table(("rater", "ratings", "mean", "offset"), rows)
    write()
    print_findings(found)


def _what(figures: Figures) -> Iterator[tuple[str, str]]:
    yield "shape", figures["shape"]
    yield "columns", ", ".join(f"{name} <- {column}" for name, column in figures["columns"].items())
    for note in figures["notes"]:
        yield "note", note
    several = figures["prompts_with_several_answers"]
    yield "rows", f"{figures['rows']['read']:,}, {figures['rows']['bad']:,} of them left out"
    yield "prompts", f"{figures['prompts']:,}, {several:,} of them with several answers"
    yield "answers", f"{figures['answers']:,}"
    if scale := figures["scale"]:
        step = f"in steps of {scale['step']:g}" if scale["step"] else "continuous"
        yield "ratings", f"{figures['ratings']:,} from {scale['lowest']:g} to {scale['highest']:g}, {step}"
        yield "spread", ", ".join(f"{value}: {count:,}" for value, count in figures["distribution"].items())
    for name, each in figures["aspects"].items():
        yield f"aspect {name}", f"weight {each['weight']:g}, {each['answers']:,} answers, mean {_shown(each['mean'])}"
    pairs = figures["comparisons"]
    if pairs["given"]:
        yield "comparisons", f"{pairs['given']:,} given, {pairs['ties']:,} ties, {pairs['unsure']:,} with split votes"
    if pairs["from_stars"]:
        yield "pairs", f"{pairs['from_stars']:,} follow from ratings of the same prompt"


def _people(figures: Figures) -> Iterator[tuple[str, str]]:
    raters, votes = figures["raters"], figures["votes"]
    if votes:
        yield "votes", f"{votes['comparisons']:,} comparisons with several; nominal alpha {_shown(votes['alpha'])}"
    if not raters:
        return
    each = f"{raters['count']:,}, {_shown(raters['median_ratings'])} ratings each (median)"
    yield "raters", each if raters["count"] else "none is named"
    if icc := raters["icc"]:
        told = f"ICC(1) {icc['single']:.2f}, of the mean of {icc['k']:.1f}: {icc['mean']:.2f}"
        alphas = ", ".join(f"{name} {_shown(value)}" for name, value in raters["alpha"].items())
        yield "agreement", f"{told}; alpha {alphas} ({icc['units']:,} answers)"
    if (apart := raters["confounding"]) and raters["count"] > 1:
        yield "between raters", f"{_shown(raters['share_of_variance'])} of the variance; {raters['correction']['why']}"
        beside = f"{apart['ratings_beside_another_rater']:.0%} of ratings beside another rater's of the same answer"
        yield "confounding", f"{beside}; {apart['prompts_with_several_raters']:.0%} of prompts have several raters"


def _length(figures: Figures) -> Iterator[tuple[str, str]]:
    length = figures["length"]
    yield "length", f"{length['median_chars']:,.0f} characters (median), {length['longest_chars']:,} (longest)"
    if length["with_stars"] is not None:
        yield "length, rating", f"Spearman {length['with_stars']:+.2f}"
    if length["longer_wins"] is not None:
        yield "longer wins", f"{length['longer_wins']:.1%} of {length['pairs']:,} pairs"


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
