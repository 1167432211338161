"""`verify compare`: two teachers, or one with two sets of options, on the same rows: where do they disagree."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO

import click

from verifiers.cli.guard import guarded_stdout
from verifiers.cli.rows import Place, parse_map, read_places, refuse_own_input
from verifiers.cli.table import cell_text, paint, print_pairs, print_table, write
from verifiers.cli.task import checked_task, split_query, work_options
from verifiers.cli.text import escape
from verifiers.errors import InputError, UsageError

if TYPE_CHECKING:
    from verifiers.engine import Scorer
    from verifiers.types import Verdict

CHUNK = 512
"""Samples judged at a time."""
SAME = 1e-9
"""Rewards closer than this agree."""


class Difference(NamedTuple):
    """A row on which the two disagree."""

    place: Place
    a: Verdict
    b: Verdict


@dataclass
class Comparison:
    """What was counted.

    Attributes:
        judged: Samples by (judged by A, judged by B).
        same: Of those that both judged, how many have the same reward.
        differing: Samples whose rewards differ, also because only one side judged.
        cells: Samples by (status of A, status of B).
        skipped: Rows that are not samples.
        shown: The first differences.
    """

    judged: Counter[tuple[bool, bool]] = field(default_factory=Counter)
    same: int = 0
    differing: int = 0
    cells: Counter[tuple[str, str]] = field(default_factory=Counter)
    skipped: int = 0
    shown: list[Difference] = field(default_factory=list)

    @property
    def both(self) -> int:
        """How many samples both judged."""
        return self.judged[True, True]

    @property
    def agreement(self) -> float | None:
        """Share of the samples judged by both with the same reward; `None` without such samples."""
        return self.same / self.both if self.both else None


@click.command()
@click.argument("a")
@click.argument("b")
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option("--set-a", "sets_a", multiple=True, metavar="KEY=VALUE", help="An option of A; repeatable.")
@click.option("--set-b", "sets_b", multiple=True, metavar="KEY=VALUE", help="An option of B; repeatable.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="As of `verify score`.")
@work_options
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N rows.")
@click.option(
    "--show", type=click.IntRange(0), default=10, show_default=True, metavar="N", help="How many differences to print."
)
@click.option("-o", "--output", metavar="FILE", help="Write every difference as a JSON line; '-' = stdout.")
@click.option("--overwrite", is_flag=True, help="Replace the output file if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object instead of tables.")
def compare(
    a: str,
    b: str,
    files: tuple[str, ...],
    sets_a: tuple[str, ...],
    sets_b: tuple[str, ...],
    maps: tuple[str, ...],
    num_proc: int | None,
    deadline: float | None,
    limit: int | None,
    show: int,
    output: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Show where two teachers disagree on a file.

    A and B are as for `--task`, with options behind a question mark if you like:
    verify compare math 'math?backend=math_verify' answers.jsonl
    """
    if not files and sys.stdin.isatty():
        raise UsageError("Name the rows to compare on: verify compare A B answers.jsonl")
    scorers = tuple(_scorer(*each, num_proc, deadline) for each in ((a, sets_a), (b, sets_b)))
    if output is not None:
        refuse_own_input(output, files or ["-"])
    columns, places = read_places(files or ["-"], parse_map(maps), limit)
    click.echo(f"columns: {escape(columns.describe())}", err=True)
    with guarded_stdout(), ExitStack() as stack:
        sink = stack.enter_context(_open(output, overwrite)) if output else None
        result = _run(places, scorers, show, sink)
    stream = sys.stderr if output == "-" else sys.stdout
    names = _label(a, sets_a), _label(b, sets_b)
    if as_json:
        import json

        stream.write(json.dumps(_as_json(result, names), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(result, names, stream)


def _scorer(text: str, sets: Sequence[str], num_proc: int | None, deadline_s: float | None) -> Scorer:
    from verifiers.config import parse_assignments
    from verifiers.engine import Scorer

    name, query = split_query(text)
    task = checked_task(name, {**query, **parse_assignments(sets)})
    return Scorer(task.name, options=task.values, num_proc=num_proc, deadline_s=deadline_s)


def _label(text: str, sets: Sequence[str]) -> str:
    return " ".join([text, *sets])


def _open(output: str, overwrite: bool) -> AbstractContextManager[BinaryIO]:
    if output == "-":
        return nullcontext(sys.stdout.buffer)
    try:
        return open(output, "wb" if overwrite else "xb")
    except FileExistsError as error:
        raise UsageError(f"{output} exists; pass --overwrite to replace it, or name another file") from error
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror})") from error


def _run(places: Iterator[Place], scorers: Sequence[Scorer], show: int, sink: BinaryIO | None) -> Comparison:
    result = Comparison()
    while chunk := list(islice(places, CHUNK)):
        judged = [place for place in chunk if place.sample is not None]
        result.skipped += len(chunk) - len(judged)
        samples = [place.sample for place in judged if place.sample is not None]
        for place, a, b in zip(judged, *(scorer.score(samples) for scorer in scorers), strict=True):
            _count(result, Difference(place, a, b), show, sink)
    return result


def _count(result: Comparison, pair: Difference, show: int, sink: BinaryIO | None) -> None:
    a, b = pair.a.reward, pair.b.reward
    result.judged[a is not None, b is not None] += 1
    result.cells[pair.a.status.value, pair.b.status.value] += 1
    if a is None and b is None:
        return
    if a is not None and b is not None and abs(a - b) <= SAME:
        result.same += 1
        return
    result.differing += 1
    if len(result.shown) < show:
        result.shown.append(pair)
    if sink is not None:
        from verifiers.io.json_text import encode_json

        row = {"place": pair.place.name, "sample": pair.place.sample, "a": pair.a, "b": pair.b}
        sink.write(encode_json(row) + b"\n")


def _as_json(result: Comparison, names: tuple[str, str]) -> dict[str, Any]:
    cells = [{"a": a, "b": b, "samples": count} for (a, b), count in result.cells.most_common()]
    return {
        "a": names[0],
        "b": names[1],
        "samples": result.judged.total(),
        "judged_by_both": result.both,
        "judged_by_a_only": result.judged[True, False],
        "judged_by_b_only": result.judged[False, True],
        "same": result.same,
        "agreement": result.agreement,
        "not_samples": result.skipped,
        "statuses": cells,
    }


def _print(result: Comparison, names: tuple[str, str], stream: TextIO) -> None:
    if not result.cells:
        write("Nothing to compare: no row is a sample.", stream)
        return
    print_pairs(_totals(result, names), stream)
    write(stream=stream)
    _print_confusion(result, stream)
    for difference in result.shown:
        _print_difference(difference, stream)
    left = result.differing - len(result.shown)
    if left:
        write(f"\n{left:,} more differences; all of them: -o diffs.jsonl", stream)


def _totals(result: Comparison, names: tuple[str, str]) -> Iterator[tuple[str, str]]:
    yield "A", names[0]
    yield "B", names[1]
    if result.agreement is None:
        yield "agreement", "none: no completion was judged by both"
    else:
        yield "agreement", f"{result.agreement:.2%}: {result.same:,} of {result.both:,} rewards are the same"
    for label, key in (("only A", (True, False)), ("only B", (False, True)), ("neither", (False, False))):
        if result.judged[key]:
            yield label, f"judged {result.judged[key]:,}" if True in key else f"could judge {result.judged[key]:,}"
    if result.skipped:
        yield "left out", f"{result.skipped:,} rows are not samples"


def _print_confusion(result: Comparison, stream: TextIO) -> None:
    rows = list(dict.fromkeys(a for (a, _), _ in result.cells.most_common()))
    columns = list(dict.fromkeys(b for (_, b), _ in result.cells.most_common()))
    table = [(a, *(result.cells[a, b] or None for b in columns)) for a in rows]
    print_table(("A \\ B", *columns), table, stream)


def _print_difference(difference: Difference, stream: TextIO) -> None:
    place, a, b = difference
    reference = place.sample.reference if place.sample is not None else None
    write(stream=stream)
    write(paint(escape(place.name), stream, bold=True), stream)
    pairs = [("reference", cell_text(reference)), ("A", _verdict_line(a)), ("B", _verdict_line(b))]
    print_pairs(pairs, stream, indent=2)


def _verdict_line(verdict: Verdict) -> str:
    reward = "not judged" if verdict.reward is None else cell_text(verdict.reward)
    found = "no answer found" if verdict.answer is None else f"answer {verdict.answer}"
    return f"{reward} {verdict.status.value}, {found}: {verdict.reason}"
