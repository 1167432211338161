"""Write what comes from the code: the pages of teachers and commands, and the READMEs' parts that a run prints.

Run by `python3 dev.py docs`; with `--check` it writes nothing and fails if a page is not current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from inspect import cleandoc
from pathlib import Path

import click
from readme import readmes, timeless
from rules_page import rules_page

from verifiers.cli.commands import BUILT_IN, UPPER_HELP, load_command
from verifiers.errors import VerifyError
from verifiers.options import describe_options
from verifiers.registry import catalog_names, find
from verifiers.teacher import Case, TeacherSpec
from verifiers.types import text_of

FOLDER = Path(__file__).resolve().parent
NOTE = "<!-- Written by `python3 dev.py docs`; edit the code, not this page. -->"
CASE_KINDS = ("accept", "reject", "adversarial", "unscorable")
UPPER_TEACHERS = ("remote_rm", "reward_model")
"""Our own that are declared as entry points, as a third party's would be."""
MAX_CASES_SHOWN = 5
"""Per kind; the rest is in the teacher's file."""
MAX_CELL_CHARS = 90


def main(arguments: Sequence[str]) -> int:
    """Write or check every page and return the exit code."""
    check = "--check" in arguments
    stale = []
    for path, text in pages().items():
        current = path.read_text(encoding="utf-8") if path.is_file() else ""
        if timeless(current) == timeless(text):
            continue
        stale.append(path.relative_to(FOLDER.parent).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8")
    verb = "not current; run: python3 dev.py docs" if check else "written"
    print(f"{', '.join(stale)}: {verb}" if stale else "docs: current")
    return 1 if check and stale else 0


def pages() -> dict[Path, str]:
    """Return each page's path and text."""
    return {
        FOLDER / "teachers.md": teachers_page(),
        FOLDER / "commands.md": commands_page(),
        FOLDER / "rules.md": rules_page(NOTE),
        **readmes(),
    }


def teachers_page() -> str:
    """Return the catalog: what each teacher accepts and refuses, its options, presets and cases."""
    specs = [find(name) for name in sorted((*catalog_names(), *UPPER_TEACHERS))]
    lines = ["# Teachers", "", NOTE, "", "Pass the name as `--task`, an option as `--set name=value`.", ""]
    lines += [f"- [`{spec.name}`](#{anchor(spec.name)}): {spec.doc.partition(chr(10))[0]}" for spec in specs]
    for spec in specs:
        lines += ["", *teacher_section(spec)]
    return "\n".join(lines) + "\n"


def teacher_section(spec: TeacherSpec) -> Iterator[str]:
    """Yield one teacher's lines."""
    yield from (f"## {spec.name}", "", f"Version {spec.version}.", "", "```text", spec.doc.strip(), "```")
    rows = describe_options(spec)
    if rows:
        yield from ("", "### Options", "", "| option | values | default | what it does |", "|---|---|---|---|")
        yield from (table_row(f"`{row.name}`", row.type, code(row.default), row.doc) for row in rows)
    if spec.presets:
        yield from ("", "### Presets", "", "| `--set preset=` | stands for |", "|---|---|")
        for name, values in spec.presets.items():
            yield table_row(
                f"`{name}`", code(" ".join(f"{key}={value}" for key, value in values.items()) or "defaults")
            )
    if spec.cases:
        yield from ("", "### Cases", "", *cases_table(spec.cases))


def cases_table(cases: Sequence[Case]) -> Iterator[str]:
    """Yield a table of a few cases of each kind."""
    counts = ", ".join(f"{sum(case.kind == kind for case in cases)} {kind}" for kind in CASE_KINDS)
    yield from (f"{len(cases)} in the teacher's file ({counts}); `verify check` runs them.", "")
    yield from ("| kind | completion | reference | note |", "|---|---|---|---|")
    for kind in CASE_KINDS:
        for case in [case for case in cases if case.kind == kind][:MAX_CASES_SHOWN]:
            yield table_row(kind, code(text_of(case.sample.completion)), code(str(case.sample.reference)), case.note)


def commands_page() -> str:
    """Return every command with its arguments and options."""
    lines = ["# Commands", "", NOTE, "", "`verify COMMAND --help` prints the same.", ""]
    helps = {**{name: built_in.help for name, built_in in BUILT_IN.items()}, **UPPER_HELP}
    commands = {name: command for name in helps if (command := load_command(name)) is not None}
    lines += [f"- [`verify {name}`](#{anchor(f'verify {name}')}): {helps[name]}" for name in commands]
    for name, command in with_subcommands(commands):
        lines += ["", *command_section(name, command)]
    return "\n".join(lines) + "\n"


def with_subcommands(commands: Mapping[str, click.Command]) -> Iterator[tuple[str, click.Command]]:
    """Yield each command, and after a group its own commands."""
    for name, command in commands.items():
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            inner = {each: command.get_command(context, each) for each in command.list_commands(context)}
            yield from with_subcommands({f"{name} {each}": found for each, found in inner.items() if found is not None})


def command_section(name: str, command: click.Command) -> Iterator[str]:
    """Yield one command's lines."""
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    usage = " ".join(["verify", name, "[OPTIONS]", *(argument.human_readable_name.upper() for argument in arguments)])
    yield from (f"## verify {name}", "", "```text", usage, "", cleandoc(command.help or "").replace("\b\n", ""), "```")
    options = [
        parameter for parameter in command.params if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    if options:
        yield from ("", "| option | what it does |", "|---|---|")
        yield from (table_row(option_names(option), option.help or "") for option in options)


def option_names(option: click.Option) -> str:
    """Return an option's spellings, with what it takes."""
    spellings = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    if option.is_flag or option.count:
        return spellings
    takes = option.metavar or (
        " / ".join(map(str, option.type.choices)) if isinstance(option.type, click.Choice) else option.type.name
    )
    return f"{spellings} {escape(takes)}"


def anchor(heading: str) -> str:
    """Return a heading's anchor as Markdown viewers make it."""
    return "".join(char for char in heading.lower().replace(" ", "-") if char.isalnum() or char in "-_")


def table_row(*cells: str) -> str:
    """Return a Markdown table row."""
    return f"| {' | '.join(cell.replace(chr(10), ' ').replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: str) -> str:
    """Return text as inline code that holds on one line of a table."""
    text = " ".join(text.split())
    shown = text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]} …"
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)
    fence = "``" if "`" in shown else "`"
    return f"{fence}{shown}{fence}" if shown else ""


def escape(text: str) -> str:
    """Return text with Markdown's angle brackets shown as they are."""
    return text.replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except VerifyError as error:
        sys.exit(f"docs: {error}")
