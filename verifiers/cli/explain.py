"""`verify explain`: one completion: what was extracted from it, how it was compared, and why it was judged so."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import click

from verifiers.cli.rows import find_place, parse_map
from verifiers.cli.table import cell_text, paint, print_pairs, print_table, write
from verifiers.cli.task import deadline_option, find_task, task_options
from verifiers.cli.text import escape, json_safe
from verifiers.errors import InputError, UsageError

if TYPE_CHECKING:
    from verifiers.teacher import Teacher
    from verifiers.types import Json, Sample, Text, Verdict


@click.command()
@click.argument("row", required=False, metavar="[FILE:LINE]")
@task_options
@click.option("--completion", metavar="TEXT", help="What the model answered; '-' reads standard input.")
@click.option("--reference", metavar="TEXT", help="The known right answer.")
@click.option("--prompt", default="", metavar="TEXT", help="What the model was asked.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="As of `verify score`.")
@click.option("--nth", type=click.IntRange(1), metavar="N", help="Which completion, where a row holds several.")
@deadline_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def explain(
    row: str | None,
    task: str | None,
    sets: tuple[str, ...],
    config: str | None,
    completion: str | None,
    reference: str | None,
    prompt: str,
    maps: tuple[str, ...],
    nth: int | None,
    deadline: float | None,
    as_json: bool,
) -> None:
    """Show how one completion was judged, and why.

    Either the row that `verify score` names (FILE:LINE), or --completion and --reference.
    """
    if (row is None) == (completion is None):
        raise UsageError("Give either a row as FILE:LINE (answers.jsonl:7), or --completion and --reference.")
    from verifiers.engine import Scorer

    found = find_task(task, sets, config)
    scorer = Scorer(found.name, options=found.values, num_proc=1, deadline_s=deadline)
    teacher = scorer.teacher
    if row is not None:
        sample = _row_sample(row, maps, nth)
    else:
        sample = _given_sample(completion or "", reference, prompt)
    verdict = scorer.score([sample])[0]
    steps = scorer.explain(sample)
    if as_json:
        click.echo(_json(sample, teacher, verdict, steps))
    else:
        _print(sample, teacher, verdict, steps)


def _given_sample(completion: str, reference: str | None, prompt: str) -> Sample:
    from verifiers.types import Sample

    return Sample(sys.stdin.read() if completion == "-" else completion, prompt, reference)


def _row_sample(text: str, maps: Sequence[str], nth: int | None) -> Sample:
    place = find_place(text, parse_map(maps), nth)
    if place.sample is None:
        raise InputError(f"{place.name} is not a sample: {place.problem}")
    return place.sample


def _flat(value: Json | Text) -> str:
    """Return text as it is and anything else (messages, lists) as JSON."""
    from verifiers.io.json_text import encode_json

    return value if isinstance(value, str) else encode_json(value).decode()


def _json(sample: Sample, teacher: Teacher, verdict: Verdict, steps: list[tuple[str, str]]) -> str:
    from verifiers.io.json_text import encode_json

    shown = {"teacher": teacher.name, "version": teacher.version, "sample": sample, "steps": steps, "verdict": verdict}
    return json_safe(encode_json(shown).decode())


def _print(sample: Sample, teacher: Teacher, verdict: Verdict, steps: list[tuple[str, str]]) -> None:
    _section("sample", _sample_pairs(sample))
    if steps:
        _section("steps", steps)
    reward = "not judged" if verdict.reward is None else cell_text(verdict.reward)
    found = [("status", verdict.status.value), ("reward", reward), ("answer", verdict.answer)]
    _section(f"verdict of {teacher.name} {teacher.version}", [*found, ("reason", verdict.reason)])
    if verdict.parts:
        write()
        rows = [(part.name, part.reward, part.weight, part.reason) for part in verdict.parts]
        print_table(("part", "reward", "weight", "reason"), rows, indent=2)


def _section(title: str, pairs: Iterable[tuple[str, object]]) -> None:
    write(paint(escape(title), sys.stdout, bold=True))
    print_pairs(pairs, indent=2)


def _sample_pairs(sample: Sample) -> Iterator[tuple[str, object]]:
    if sample.prompt:
        yield "prompt", _flat(sample.prompt)
    yield "completion", _flat(sample.completion)
    yield "reference", sample.reference if isinstance(sample.reference, str | None) else _flat(sample.reference)
