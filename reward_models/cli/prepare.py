"""`verify rm prepare`: from files of ratings to training and validation files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reward_models.cli.reading import read_options, read_with

if TYPE_CHECKING:
    from reward_models.data.preparing import Prepared
    from reward_models.data.rated import RatedData

BY = ("prompt", "rater", "both")


@click.command("prepare")
@read_options
@click.option(
    "-o", "--output", required=True, metavar="FOLDER", help="Gets train.jsonl, validation.jsonl, manifest.json."
)
@click.option("--validation", "share", type=float, default=0.1, show_default=True, help="Share of held-out prompts.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one gives another split.")
@click.option("--split-by", "by", type=click.Choice(BY), default="prompt", help="What is never in both parts.")
@click.option(
    "--raters",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    help="Correct strict and kind raters; auto: where two gave enough ratings.",
)
@click.option("--overwrite", is_flag=True, help="Replace an earlier run's files.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def command(
    output: str, share: float, seed: int, by: Any, raters: Any, overwrite: bool, quiet: bool, **reading: Any
) -> None:
    """Write training and validation files, split by prompt.

    Equal prompts and answers are merged, votes counted, strict and kind raters corrected. One row is a prompt with all
    that is known of its answers. No prompt, in other case or punctuation, and no turn of the same conversation is in
    both files. `verify rm train FOLDER` takes them as they are divided.
    """
    from reward_models.data.prepared import MANIFEST
    from reward_models.data.preparing import prepare, write_prepared
    from reward_models.data.writing import check_file

    check_file(Path(output) / MANIFEST)
    data = read_with(reading)
    made = prepare(data, share=share, seed=seed, by=by, raters=raters)
    told = {"sources": list(reading["files"]), "validation_share": share, "seed": seed, "split_by": by}
    write_prepared(Path(output), data, made, {**told, "reference_in_prompt": reading["reference"]}, overwrite)
    if not quiet:
        from verifiers.cli.table import print_pairs

        print_pairs(_told(data, made, output), sys.stderr)


def _told(data: RatedData, made: Prepared, output: str) -> Iterator[tuple[str, str]]:
    from reward_models.data.prepared import PARTS
    from reward_models.data.preparing import described

    yield "shape", f"{data.shape}: {', '.join(f'{name} <- {column}' for name, column in data.columns.items())}"
    for remark in data.remarks():
        yield "note", remark
    offsets = made.raters.offsets.values()
    largest = f"; offsets up to {max(map(abs, offsets)):.2f}" if offsets else ""
    yield "raters", f"{'corrected' if made.raters.on else 'not corrected'}: {made.raters.why}{largest}"
    for name, part in zip(PARTS, (made.train, made.validation), strict=True):
        held = described(part)
        counts = ", ".join(f"{held[what]:,} {what}" for what in ("prompts", "answers", "ratings", "preferences"))
        yield str(Path(output) / name), counts
    if made.split.shared_prompts:
        yield "note", f"{made.split.shared_prompts:,} prompts are in both files, as it is with a split by rater"
    if made.split.shared_answers:
        yield "note", f"{made.split.shared_answers:,} answers of validation are also answers of training"
