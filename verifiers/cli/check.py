"""`verify check`: the contract that every teacher must hold, rule by rule."""

from __future__ import annotations

import sys

import click

from verifiers.cli.table import paint, print_findings, write
from verifiers.cli.task import deadline_option
from verifiers.cli.text import escape


@click.command()
@click.argument("teachers", nargs=-1, required=True, metavar="TEACHER...")
@deadline_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON array.")
def check(teachers: tuple[str, ...], deadline: float | None, as_json: bool) -> int:
    """Run the contract suite on a teacher.

    TEACHER is an id of `verify list`, a file (./my_teacher.py) or package.module:name. It runs in worker processes.
    Exit code 1 if a rule is broken.
    """
    from dataclasses import asdict

    from verifiers.contract import check as check_contract

    found = {name: check_contract(name, deadline_s=deadline) for name in teachers}
    broken = sum(not finding.ok for findings in found.values() for finding in findings)
    if as_json:
        import json

        rows = [{"teacher": name, **asdict(finding)} for name, findings in found.items() for finding in findings]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return int(broken > 0)
    for name, findings in found.items():
        write(paint(escape(name), sys.stdout, bold=True))
        print_findings([("pass" if each.ok else "fail", each.rule, each.seen, each.todo) for each in findings])
    rules = "1 rule is broken" if broken == 1 else f"{broken} rules are broken"
    write(f"\n{rules}." if broken else "\nEvery rule holds.")
    return int(broken > 0)
