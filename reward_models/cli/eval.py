"""`verify rm eval`: measure a reward model on held-out ratings."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reward_models.cli.reading import read_options, read_with
from reward_models.types import CARD_FILE

if TYPE_CHECKING:
    from reward_models.evaluation.evaluate import Evaluation


@click.command("eval")
@click.argument("model")
@read_options
@click.option("--against", multiple=True, metavar="MODEL", help="Another model, on the same answers; repeatable.")
@click.option(
    "--base", metavar="MODEL", help="Of the frozen-head baseline.  [default: what the model was trained from]"
)
@click.option("--train", "train_files", multiple=True, metavar="FILE", help="Fit the frozen head on these ratings.")
@click.option("--frozen-head/--no-frozen-head", default=True, help="Run that baseline: the base reads all answers.")
@click.option("--raters", type=click.Choice(["auto", "on", "off"]), default="auto", help="Take raters' habits off.")
@click.option("-o", "--output", metavar="FILE", help="Write the report as one HTML page.")
@click.option("--json", "json_file", metavar="FILE", help="Write all figures as JSON; '-' = stdout.")
@click.option("--update", is_flag=True, help="Write calibration, figures and model card into the model's folder.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of resampling and folds.")
@click.option("--fail-under", type=float, metavar="X", help="Exit with 100 if the first figure is lower.")
def command(
    model: str,
    against: tuple[str, ...],
    base: str | None,
    train_files: tuple[str, ...],
    frozen_head: bool,
    raters: str,
    output: str | None,
    json_file: str | None,
    update: bool,
    seed: int,
    fail_under: float | None,
    **reading: object,
) -> int:
    """Measure a reward model on answers that humans rated and it was not trained on.

    MODEL is a folder that `verify rm train` wrote, or any teacher, options behind a question mark:

    \b
      verify rm eval my-rm held-out.jsonl -o report.html
      verify rm eval my-rm held-out.jsonl --against older-rm
      verify rm eval 'my-rm?dtype=bfloat16&device=cuda:0' reward-bench.jsonl
      verify rm eval 'remote_rm?url=http://host:8000' held-out.jsonl

    Beside it stand the length of the answer and, for a model with a known base, the base with a linear head.
    """  # noqa: D301 (click's own mark for "keep these lines" is a real backspace)
    from reward_models.evaluation.session import Request, run
    from verifiers.cli.exits import EXIT_GATE
    from verifiers.cli.guard import guarded_stdout
    from verifiers.cli.table import write

    request = Request(
        _model(model),
        tuple(map(_model, against)),
        base,
        frozen_head,
        raters,  # type: ignore[arg-type]  # click has checked it
        seed,
        update,
        tuple(str(file) for file in reading["files"]),  # type: ignore[attr-defined]
    )
    card = str(request.model.folder / CARD_FILE) if update and request.model.folder is not None else None
    _refuse_outputs((output, json_file, card), (*request.files, *train_files))
    with guarded_stdout():
        data = read_with(reading)
        train = read_with({**reading, "files": train_files}) if train_files else None
        evaluation = run(request, data, train, lambda line: write(line, sys.stderr))
    _hand_out(evaluation, output, json_file)
    value = evaluation.quality.headline[1]
    missed = fail_under is not None and (value is None or value.value < fail_under)
    return EXIT_GATE if missed else 0


def _refuse_outputs(outputs: Iterable[str | None], inputs: Iterable[str]) -> None:
    """Say before the work, not after it, that a file cannot be written."""
    from reward_models.data.writing import check_file
    from verifiers.cli.rows import refuse_own_input
    from verifiers.errors import UsageError

    local = [file for file in inputs if not file.startswith("hf:")]
    for output in filter(None, outputs):
        if Path(output).is_dir():
            raise UsageError(f"{output} is a folder; name a file, e.g. {Path(output) / 'report.html'}")
        refuse_own_input(output, local)
        if output != "-":
            check_file(Path(output))


def _model(text: str) -> Any:
    from reward_models.evaluation.judged import model_of
    from verifiers.cli.task import checked_task, split_query
    from verifiers.errors import TeacherNotFound

    name, options = split_query(text)
    model = model_of(name, options)
    try:
        checked_task(model.teacher, model.options)
    except TeacherNotFound as error:
        raise TeacherNotFound(f"there is no folder {name} with a model, and {error}") from error
    return model


def _hand_out(evaluation: Evaluation, output: str | None, json_file: str | None) -> None:
    from reward_models.data.writing import writing
    from reward_models.evaluation.page import write_page
    from verifiers.cli.table import write
    from verifiers.io.json_text import encode_json

    # Printed first: a full disk must not take the figures with it.
    if json_file == "-":
        write(encode_json(evaluation.to_json()).decode())
    else:
        _print(evaluation)
    if json_file is not None and json_file != "-":
        with writing(Path(json_file)):
            Path(json_file).parent.mkdir(parents=True, exist_ok=True)
            Path(json_file).write_bytes(encode_json(evaluation.to_json()) + b"\n")
    if output is not None:
        with writing(Path(output)):
            write_page(evaluation, Path(output))
        write(f"report: {output}", sys.stderr)


def _print(evaluation: Evaluation) -> None:
    from reward_models.evaluation.findings import findings
    from verifiers.cli.table import print_findings, print_pairs, print_table, write

    print_pairs(_figures(evaluation))
    write()
    rows = list(_standing(evaluation))
    print_table(("", "pair accuracy", "within raters", "Spearman", "in prompts", "ahead by", "p"), rows)
    write()
    print_findings([(str(each.level), "", each.text, "") for each in findings(evaluation)])


def _figures(evaluation: Evaluation) -> Iterator[tuple[str, object]]:
    quality = evaluation.quality
    yield "model", evaluation.model
    yield "data", f"{quality.prompts:,} prompts, {quality.answers:,} answers, {quality.pairs:,.0f} pairs told apart"
    for name, value in quality.measures:
        if value is not None:
            ends = "" if value.low is None else f"  (95 %: {value.low:.3f} to {value.high:.3f})"
            yield name, f"{value.value:.3f}{ends}"
    if quality.kendall is not None:
        yield "Kendall's tau-b", f"{quality.kendall:.3f}"
    bench = evaluation.rewardbench
    if bench is not None:
        yield from bench.sections.items()
        yield "RewardBench", bench.score


def _standing(evaluation: Evaluation) -> Iterator[tuple[object, ...]]:
    from reward_models.evaluation.sections import numbers

    measure = evaluation.quality.headline[0]
    yield numbers(evaluation.model, evaluation.quality, None, measure)
    for beside in (*evaluation.others, *evaluation.baselines):
        yield numbers(beside.name, beside.quality, beside, measure)
