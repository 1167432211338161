"""The rule teachers against the labels and the clock: one line for each thing that they promise.

    python benchmarks/bench_rules.py [--only WORD] [--no-cost] [--no-official] [--no-write] [--data FOLDER]

Accuracy on the data of `../shared/data/rules`, every difference listed; determinism; CPU against the official IFEval
checker (cloned and installed into an environment of its own on first use); the cost of hostile completions from 10 kB
to 10 MB for every setting of every rule teacher. Writes the section `rules` of `benchmarks/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from common import ROOT, command_line, headline, table, write_section
from rules_cost import BAR_EXPONENT, BAR_S, SIZES, Cost, costs
from rules_speed import GROUP, STRICTNESS, format_speed, ifeval_speed

sys.path.insert(0, str(ROOT / "tests"))
from rules_bar import BAR, IFBENCH, IFEVAL, REPEATS, Agreement, Line, runs_differ
from rules_shapes import rule_teachers

from verifiers.catalog.ifeval.judging import MAX_CHARS
from verifiers.json_values import MAX_JSON_CHARS

DATA = ROOT.parent / "shared" / "data" / "rules"
COMPAT_BAR, ROBUST_BAR, FORMAT_BAR = 20.0, 30.0, 20_000.0
SHOWN_DIFFERENCES = 60
"""Most differences of one line that are listed."""
NOTES = Path(__file__).resolve().parent / "rules_notes.md"
"""Why we differ on purpose, and which labels we dispute."""

MODULES = ("rules_ifeval", "rules_answers", "rules_calls", "rules_engine")
"""Measurements of single teachers: each file has `lines(folder)`, which yields rows."""

Row = tuple[str, str, str, bool]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="only lines whose name holds this word")
    parser.add_argument("--no-cost", action="store_true", help="leave out the cost of hostile completions")
    parser.add_argument(
        "--no-official", action="store_true", help="leave out the times, ours and the official checker's"
    )
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    parser.add_argument("--data", type=Path, default=DATA, help="the folder with the labelled data")
    options = parser.parse_args()
    measured = [(line, line.measure(options.data)) for line in BAR if options.only in line.name]
    lines: list[Row] = [_accuracy(line, found) for line, found in measured]
    lines += _repeats(options.data, options.only)
    if not options.no_official:
        lines += [row for row in _speed(options.data) if options.only in row[0]]
    lines += [row for row in _more(options.data) if options.only in row[0]]
    names = [name for name in rule_teachers() if not options.only or options.only in name]
    dear = (
        []
        if options.no_cost
        else list(costs(names, options.data, lambda text: print(text, file=sys.stderr, flush=True)))
    )
    text = _report([*lines, *_cost_lines(dear)], measured, dear)
    print(text)
    if not options.no_write:
        write_section("rules", text)


def _accuracy(line: Line, found: Agreement) -> Row:
    measured = f"{found.right} of {found.total} ({found.share:.2%})"
    return line.name, line.wanted, measured, line.holds(found)


def _more(folder: Path) -> Iterator[Row]:
    """Yield what the teachers' own modules measure."""
    for name in MODULES:
        if (Path(__file__).resolve().parent / f"{name}.py").exists():
            yield from import_module(name).lines(folder)


def _repeats(folder: Path, only: str) -> Iterator[Row]:
    for teacher, data in (("ifeval", IFEVAL), ("ifbench", IFBENCH)):
        if only not in teacher:
            continue
        differing = runs_differ(folder, teacher, data)
        yield f"{teacher} compat, {REPEATS} runs", "identical", f"{differing} runs differ", differing == 0


def _speed(folder: Path) -> Iterator[Row]:
    speed = ifeval_speed(folder)
    for mode, bar in (("compat", COMPAT_BAR), ("robust", ROBUST_BAR)):
        for strictness in STRICTNESS:
            ours = speed.ours[mode][strictness] * 1e6
            first = speed.first[mode][strictness] * 1e6
            theirs = f"{speed.official[strictness] * 1e6:.0f} us" if speed.official else f"not run ({speed.why_none})"
            ratio = speed.ratio(mode, strictness)
            yield (
                f"ifeval {mode}, {strictness}: speed",
                f">= {bar:.0f}x official",
                f"{ratio:.1f}x: {ours:.1f} us a response in groups of {GROUP} (first {first:.1f}), official {theirs}",
                ratio >= bar,
            )
    good, hacks = format_speed(folder)
    yield (
        "format: speed",
        f">= {FORMAT_BAR:,.0f} completions/s",
        f"{good:,.0f}/s of 700 characters, {hacks:,.0f}/s hacks",
        min(good, hacks) >= FORMAT_BAR,
    )


def _cost_lines(dear: Sequence[Cost]) -> Iterator[Row]:
    for name in dict.fromkeys(each.teacher for each in dear):
        own = [each for each in dear if each.teacher == name]
        slopes = [each.exponent for each in own if not math.isnan(each.exponent)]
        slope, cost = max(slopes, default=0.0), max(each.most_s for each in own)
        yield (
            f"{name}: hostile, up to 1 MB",
            f"<= {BAR_S * 1000:.0f} ms, <= n^{BAR_EXPONENT}",
            f"{cost * 1000:.1f} ms, n^{slope:.2f}",
            cost <= BAR_S and slope <= BAR_EXPONENT,
        )


def _report(lines: Sequence[Row], measured: Sequence[tuple[Line, Agreement]], dear: Sequence[Cost]) -> str:
    rows = [[name, wanted, found, "yes" if holds else "**no**"] for name, wanted, found, holds in lines]
    parts = [
        "## Rules, formats, answer checks\n",
        headline(command_line()),
        table(["what", "bar", "measured", "holds"], rows),
    ]
    if dear:
        header = [
            "teacher",
            "setting",
            "text",
            *(f"{size / 1000:,.0f} kB, ms" for size in SIZES),
            "exponent",
            "verdict",
        ]
        parts.append("### Cost of hostile completions\n\n" + table(header, [_cost_row(each) for each in dear]))
    if NOTES.exists():
        notes = NOTES.read_text(encoding="utf-8").strip()
        parts.append(notes.format(instruction_chars=MAX_CHARS, json_chars=MAX_JSON_CHARS) + "\n")
    differing = [(line, found.differences) for line, found in measured if found.differences]
    parts += [f"### Differences: {line.name}\n\n{_listed(differences)}" for line, differences in differing]
    return "\n".join(parts)


def _cost_row(each: Cost) -> list[str]:
    times = [f"{each.seconds[size] * 1000:.2f}" for size in SIZES]
    slope = "-" if math.isnan(each.exponent) else f"{each.exponent:.2f}"
    return [each.teacher, _cell(each.setting), each.shape, *times, slope, each.statuses[SIZES[-1]].value]


def _listed(differences: Sequence[str]) -> str:
    lines = [f"- {_cell(each)}" for each in differences[:SHOWN_DIFFERENCES]]
    if len(differences) > SHOWN_DIFFERENCES:
        lines.append(f"- and {len(differences) - SHOWN_DIFFERENCES} more")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())


if __name__ == "__main__":
    main()
