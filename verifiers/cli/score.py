"""`verify score`: the command and its options; what it does is in `score_run`."""

from __future__ import annotations

from typing import Any

import click

from verifiers.cli.task import task_options, with_rules, work_options


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@task_options
@click.option("--rules", metavar="FILE", help="Rules of your own: short for --task rules --set rules=FILE.")
@click.option("-o", "--output", metavar="FILE", help="Where rows go: .jsonl[.gz|.zst], .csv, .parquet; '-' = stdout.")
@click.option(
    "--map",
    "maps",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="Which column is the completion, prompt, reference or group; repeatable.",
)
@click.option("--group-by", metavar="COLUMN", help="The column that names a group: --map COLUMN=group.")
@click.option("--limit", type=click.IntRange(0), metavar="N", help="Score only the first N rows.")
@click.option("--seed", type=int, metavar="N", help="With --limit: a random sample of the rows instead.")
@click.option("--shard", metavar="I/N", help="Score only the I-th of N parts, from 1.")
@work_options
@click.option("--engine", metavar="NAME", help="Where to judge: ray = on a Ray cluster; -o then names a folder.")
@click.option("--parts", type=click.IntRange(1), metavar="N", help="With --engine: least parts.  [default: its CPUs]")
@click.option("--resume", is_flag=True, help="Go on with the output that a killed run left.")
@click.option("--retry-errors", is_flag=True, help="Judge anew the rows of the output that could not be judged.")
@click.option("--overwrite", is_flag=True, help="Replace the output file.")
@click.option("--max-errors", metavar="N|X%", help="Exit with 3 if more completions could not be judged.")
@click.option("--fail-under", type=float, metavar="X", help="Exit with 100 if the mean reward is lower.")
@click.option("--summary", "summary_file", metavar="FILE", help="Write the summary as JSON.")
@click.option("--no-elapsed", is_flag=True, help="Leave out elapsed_s, so that equal runs give equal bytes.")
@click.option("--dry-run", is_flag=True, help="Score the first rows and print them; write nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Print neither progress nor columns nor summary.")
def score(rules: str | None, **given: Any) -> int:
    """Score files of completions with a teacher.

    FILES are jsonl, json, csv, parquet (text ones also .gz, .zst), folders of these or of `datasets`,
    hf:org/name[/config][:split], or - for standard input. Each output row is the input row with reward, status,
    reason, answer, parts and elapsed_s added. A completion that could not be judged has reward null, never 0.

    Without -o the rows go to stdout; on a terminal the first ones are shown as a table instead.

    Exit codes: 0 scored, 1 failure, 2 usage, 3 --max-errors exceeded, 100 --fail-under missed.
    """
    from verifiers.cli.score_run import ScoreArguments, run_score

    given["task"], given["sets"] = with_rules(given["task"], given["sets"], rules)
    return run_score(ScoreArguments(**given))
