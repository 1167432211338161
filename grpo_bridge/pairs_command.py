"""`verify pairs`: preference pairs of scored files."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifiers.cli.guard import guarded_stdout
from verifiers.cli.rows import parse_map
from verifiers.cli.table import print_pairs
from verifiers.errors import UsageError

if TYPE_CHECKING:
    from grpo_bridge.pairs_file import PairMaker, Tally
    from verifiers.io.sinks import Sink

WRITE_ROWS = 256
"""Rows handed to the file at a time."""
COLUMNS = ("prompt", "chosen", "rejected", "chosen_reward", "rejected_reward")


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option("-o", "--output", metavar="FILE", help="Where pairs go: .jsonl[.gz|.zst], .parquet, .csv; '-' = stdout.")
@click.option("--min-margin", type=float, default=0.0, metavar="X", help="Least difference of rewards; never a tie.")
@click.option("--min-chosen", type=float, metavar="X", help="Least reward of the chosen completion, e.g. 1.")
@click.option("--max-pairs", type=click.IntRange(1), metavar="N", help="Most pairs a prompt, widest margins first.")
@click.option("--max-uses", type=click.IntRange(1), metavar="N", help="Most pairs that one completion may be in.")
@click.option("--with-margin", is_flag=True, help="Add the column margin: TRL's RewardTrainer takes it into its loss.")
@click.option("--reward", metavar="COLUMN", help="The column of rewards, in files that verify score did not write.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Copy a column of the group's first row; repeatable.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="As of `verify score`.")
@click.option("--scattered", is_flag=True, help="Rows of a prompt are not neighbours: hold the whole file in memory.")
@click.option("--overwrite", is_flag=True, help="Replace the output file.")
@click.option("-q", "--quiet", is_flag=True, help="Print no counts.")
def pairs(
    files: tuple[str, ...],
    output: str | None,
    min_margin: float,
    min_chosen: float | None,
    max_pairs: int | None,
    max_uses: int | None,
    with_margin: bool,
    reward: str | None,
    keep: tuple[str, ...],
    maps: tuple[str, ...],
    scattered: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Make preference pairs of scored groups, for DPO and reward models.

    FILES hold one scored completion a row, those of a prompt next to each other, or groups (lists). Two completions
    of a prompt whose rewards differ make a pair: up to G(G-1)/2 for G completions. What was not judged is left out.
    Rows are in TRL's preference format: prompt, chosen, rejected; text or chat messages, as the input is.
    """
    from grpo_bridge.pairs import PairRules
    from grpo_bridge.pairs_file import PairMaker

    if not files and sys.stdin.isatty():
        raise UsageError("Name a scored file: verify pairs scored.jsonl -o pairs.jsonl")
    sources = files or ("-",)
    _check_output(output, sources, overwrite)
    rules = PairRules(min_margin, min_chosen, max_pairs, max_uses, with_margin)
    maker = PairMaker(sources, rules, parse_map(maps), reward, keep, scattered)
    names = (*COLUMNS, *(["margin"] if with_margin else []), *keep)
    with guarded_stdout(), _sink(output, names) as sink:
        _write(maker, sink)
    if not quiet:
        print_pairs(_counts(maker.tally), sys.stderr)


def _check_output(output: str | None, sources: tuple[str, ...], overwrite: bool) -> None:
    from verifiers.io.sinks import ending, is_plain
    from verifiers.io.sources import find_shards, is_same_file

    if output is None or not is_plain(output):
        return
    ending(output)
    if any(shard.path and is_same_file(shard.path, output) for shard in find_shards(sources)):
        raise UsageError(f"{output} is both input and output; name another output")
    if Path(output).exists() and not overwrite:
        raise UsageError(f"{output} exists; pass --overwrite to replace it, or name another file")


@contextmanager
def _sink(output: str | None, names: tuple[str, ...]) -> Iterator[Sink]:
    """Open the output; a file is renamed into place when all is written, so it is never half there."""
    from verifiers.io.sinks import is_plain, open_sink
    from verifiers.io.table_sinks import replace_file

    if not is_plain(output):
        sink = open_sink(output or "-")
        yield sink
        sink.close()
        return
    path = Path(str(output))
    built = path.with_name(f".{os.getpid()}.{path.name}")
    sink = open_sink(str(built), names)
    whole = False
    try:
        yield sink
        whole = True
    finally:
        sink.close(whole)
        if not whole:
            built.unlink(missing_ok=True)
    replace_file(built, path)


def _write(maker: PairMaker, sink: Sink) -> None:
    lines = maker.lines()
    while chunk := list(islice(lines, WRITE_ROWS)):
        sink.write(chunk)


def _counts(tally: Tally) -> Iterator[tuple[str, str]]:
    yield "pairs", f"{tally.pairs:,}"
    yield "groups", f"{tally.groups:,}, {tally.without_pair:,} of them without a pair (all the same, or too few judged)"
    yield "completions", f"{tally.completions:,}, {tally.not_judged:,} of them not judged and left out"
    if tally.bad_rows:
        yield "left out", f"{tally.bad_rows:,} rows that cannot be read"
    if tally.came_back:
        came_back = f"{tally.came_back:,} prompts came back after other prompts; only neighbouring rows were paired"
        yield "note", f"{came_back}. Sort the file by prompt, or pass --scattered"
