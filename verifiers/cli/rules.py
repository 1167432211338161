"""`verify rules`: tools for whoever writes rules: lint, test, explain, attack, schema."""

from __future__ import annotations

import click

from verifiers.cli.task import deadline_option, task_options


@click.group()
def rules() -> None:
    """Check, try and attack rules that you write.

    \b
      verify rules lint my.yaml
      verify rules test my.yaml
      verify rules explain my.yaml --completion "Dear Ann, ..."
      verify rules attack --rules my.yaml
      verify rules attack --task math
    """  # noqa: D301 (click's own mark for "keep these lines" is a real backspace)


@rules.command()
@click.argument("files", nargs=-1, required=True, metavar="RULES...")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON array.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
def lint(files: tuple[str, ...], as_json: bool, strict: bool) -> int:
    """Find mistakes, rules that never fail or never pass, unused weights, branches out of reach, regex pitfalls.

    Exit code 1 if there is an error.
    """
    from verifiers.cli.rules_work import run_lint

    return run_lint(files, as_json, strict)


@rules.command()
@click.argument("files", nargs=-1, required=True, metavar="RULES...")
@deadline_option
def test(files: tuple[str, ...], deadline: float | None) -> int:
    """Score the examples inside the files (`examples: [{text: ..., expect: 1.0}]`).

    Exit code 1 if one gets another reward than it expects.
    """
    from verifiers.cli.rules_work import run_test

    return run_test(files, deadline)


@rules.command()
@click.argument("file", metavar="RULES")
@click.argument("row", required=False, metavar="[FILE:LINE]")
@click.option("--completion", metavar="TEXT", help="What the model answered; '-' reads standard input.")
@click.option("--reference", metavar="TEXT", help="The row's reference, for rules that use $reference.")
@click.option("--prompt", default="", metavar="TEXT", help="What the model was asked.")
@click.option("--meta", metavar="JSON", help="The row's other columns, as a JSON object.")
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="As of `verify score`.")
@deadline_option
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as a JSON object.")
def explain(
    file: str,
    row: str | None,
    completion: str | None,
    reference: str | None,
    prompt: str,
    meta: str | None,
    maps: tuple[str, ...],
    deadline: float | None,
    as_json: bool,
) -> None:
    """Show each rule for one completion: expected, observed, where.

    Either a row as FILE:LINE, or --completion.
    """
    from verifiers.cli.rules_work import given_sample, run_explain

    run_explain(file, given_sample(row, completion, reference, prompt, meta, maps), deadline, as_json)


@rules.command()
@task_options
@click.option("--rules", "file", metavar="RULES", help="Attack the teacher `rules` with this file.")
@click.option("--row", metavar="FILE:LINE", help="Attack with this row's prompt, reference and columns.")
@click.option("--reference", metavar="TEXT", help="The reference to attack.")
@click.option("--prompt", default="", metavar="TEXT", help="What the model was asked.")
@click.option("--meta", metavar="JSON", help="The row's other columns, as a JSON object.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only these families of cheats; repeatable.")
@click.option("--threshold", type=float, default=0.5, show_default=True, help="From this reward on a cheat is paid.")
@deadline_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line a paid cheat.")
def attack(
    task: str | None,
    sets: tuple[str, ...],
    config: str | None,
    file: str | None,
    row: str | None,
    reference: str | None,
    prompt: str,
    meta: str | None,
    kinds: tuple[str, ...],
    threshold: float,
    deadline: float | None,
    as_json: bool,
) -> int:
    """Run the corpus of cheats against any teacher, also your own, and print which were paid.

    Without --row and --reference the teacher's own accepted cases are attacked. Exit code 1 if a cheat was paid.
    """
    from verifiers.cli.rules_work import given_sample, run_attack
    from verifiers.cli.task import with_rules

    task, sets = with_rules(task, sets, file)
    given = row is not None or reference is not None or prompt or meta is not None
    model = given_sample(row, None if row is not None else "", reference, prompt, meta, ()) if given else None
    return run_attack(task, sets, config, model, kinds, threshold, deadline, as_json)


@rules.command()
def schema() -> None:
    """Print the language as JSON Schema, for editors."""
    import json

    from verifiers.catalog.rules.schema import language_schema
    from verifiers.options import option_docs

    click.echo(json.dumps(language_schema(option_docs), indent=2, ensure_ascii=False))
