"""`verify list`: what there is to score with."""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

from verifiers.cli.table import paint, print_pairs, print_table, write
from verifiers.cli.text import escape, escape_lines

if TYPE_CHECKING:
    from verifiers.registry import Listing
    from verifiers.teacher import TeacherSpec


@click.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-v", "--verbose", is_flag=True, help="Also version, presets and every option.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array with everything.")
def list_teachers(names: tuple[str, ...], verbose: bool, as_json: bool) -> int:
    """List the teachers and their options.

    With NAMEs (ids, files, modules) only those, in full. Exit code 1 if one of them is broken.
    """
    from verifiers.registry import listings

    chosen = [_named(name) for name in names] if names else listings()
    if as_json:
        import json

        click.echo(json.dumps([_as_json(listing) for listing in chosen], indent=2, ensure_ascii=False))
    elif verbose or names:
        for listing in chosen:
            _print_full(listing, whole_doc=bool(names))
    else:
        print_table(("teacher", "from", "what it judges"), [_short(listing) for listing in chosen])
        write("\nOptions of one: verify list NAME. A teacher of your own: --task ./my_teacher.py")
    return int(bool(names) and any(listing.error for listing in chosen))


def _named(name: str) -> Listing:
    from verifiers.registry import Listing, find, listings

    listed = next((listing for listing in listings() if listing.name == name), None)
    if listed is not None:
        return listed
    spec = find(name)  # raises with close matches
    return Listing(name, spec.locator, spec.doc.partition("\n")[0])


def _short(listing: Listing) -> tuple[str, str, str]:
    return listing.name, listing.origin, f"broken: {listing.error}" if listing.error else listing.summary


def _spec(listing: Listing) -> tuple[TeacherSpec | None, str]:
    """Load a teacher; one that cannot be loaded is shown as broken."""
    from verifiers.errors import VerifyError
    from verifiers.registry import find

    if listing.error:
        return None, listing.error
    try:
        return find(listing.name), ""
    except VerifyError as error:
        return None, str(error)


def _as_json(listing: Listing) -> dict[str, Any]:
    from verifiers.options import describe_options

    spec, error = _spec(listing)
    shown = {"name": listing.name, "from": listing.origin, "summary": listing.summary, "error": error}
    if spec is None:
        return shown
    return {
        **shown,
        "version": spec.version,
        "doc": spec.doc,
        "options": [dataclasses.asdict(row) for row in describe_options(spec)],
        "presets": {name: dict(values) for name, values in spec.presets.items()},
        "cases": len(spec.cases),
    }


def _print_full(listing: Listing, whole_doc: bool) -> None:
    from verifiers.options import describe_options

    spec, error = _spec(listing)
    title = paint(listing.name, sys.stdout, bold=True)
    if spec is None:
        write(title)
        print_pairs([("broken", error)], indent=2)
        return
    first, _, rest = spec.doc.partition("\n")
    write(f"{title} (version {escape(spec.version)}): {escape(first)}")
    if whole_doc and rest.strip():
        write(textwrap.indent(escape_lines(rest.rstrip()), "  "))
    write()
    pairs = [(f"--set {row.name}={row.default}", f"{row.type}. {row.doc}".rstrip()) for row in describe_options(spec)]
    if spec.presets:
        pairs.append(("--set preset=NAME", f"one of {', '.join(spec.presets)}"))
    print_pairs(pairs or [("options", "none")], indent=2)
    write()
