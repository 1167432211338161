"""The report of `bench_math.py`: tables per set, ratios, our misses, and all that a peer gets right and we do not."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from common import percentile, table
from environments import CATALOG

if TYPE_CHECKING:
    from bench_math import Judgement, Outcome

MISSES_SHOWN = 60
"""Misses of ours listed for each set; the rest is counted."""
CELL = 110
"""Characters of a text shown in a table's cell."""
OURS, RIVAL = "ours", "math-verify"


def report(outcomes: dict[str, Outcome], sets: Sequence[str], head: str) -> str:
    """Return the whole section as markdown."""
    parts = ["## Math: ours and peers\n", head, _versions(outcomes), _notes(outcomes, sets)]
    parts += [f"### {name}\n\n{_accuracy(outcomes, name)}" for name in sets]
    if OURS in outcomes and RIVAL in outcomes:
        parts.append("### CPU: math-verify / ours\n\n" + _ratios(outcomes, sets))
    parts.append("### Memory\n\n" + _memory(outcomes))
    if OURS in outcomes:
        parts.append("### Ours passed on to a worker with sympy\n\n" + _passed_on(outcomes[OURS], sets))
        parts.append("### Every miss of ours\n\n" + _misses(outcomes, sets))
        parts.append("### What math-verify gets right and we do not\n\n" + _regressions(outcomes, sets))
    return "\n".join(parts)


def _versions(outcomes: dict[str, Outcome]) -> str:
    packages = {CATALOG[name].title: outcome.ready["versions"] for name, outcome in outcomes.items()}
    told = [
        f"{title}: {', '.join(f'{name} {version}' for name, version in of.items())}" for title, of in packages.items()
    ]
    return "Versions: " + "; ".join(told) + ".\n"


def _notes(outcomes: dict[str, Outcome], sets: Sequence[str]) -> str:
    most = {name: max(len(outcome.judged[name]) for outcome in outcomes.values()) for name in sets}
    sampled = [name for name, o in outcomes.items() if any(len(o.judged[s]) < most[s] for s in sets)]
    return (
        "Labels after `adjudication.jsonl`. CPU is per pair, measured in the scorer's process around the judgement "
        "alone, children included. A missing verdict, an exception or a hang on a right answer is a false negative. "
        + (f"Evenly spread samples of the large sets: {', '.join(sampled)}.\n" if sampled else "\n")
    )


def _accuracy(outcomes: dict[str, Outcome], name: str) -> str:
    header = [
        "scorer",
        "pairs",
        "accuracy",
        "FP",
        "FN",
        "errors",
        "hangs",
        "CPU ms mean",
        "p50",
        "p99",
        "max",
        "pairs/s a core",
    ]
    rows = []
    for peer, outcome in outcomes.items():
        judged = outcome.judged[name]
        cpu = [j.cpu_s for j in judged]
        right = sum(j.correct == j.row.label for j in judged)
        hangs = sum(j.error.startswith("hang") for j in judged)
        counts = [
            sum(j.correct and not j.row.label for j in judged),
            sum(j.row.label and not j.correct for j in judged),
            sum(bool(j.error) for j in judged) - hangs,
            hangs,
        ]
        times = [f"{1000 * value:.3f}" for value in (fmean(cpu), percentile(cpu, 0.5), percentile(cpu, 0.99), max(cpu))]
        rows.append(
            [CATALOG[peer].title, len(judged), f"{right / len(judged):.4f}", *counts, *times, f"{1 / fmean(cpu):,.0f}"]
        )
    return table(header, rows)


def _ratios(outcomes: dict[str, Outcome], sets: Sequence[str]) -> str:
    header = ["set", "ratio of means", "ratio of p50", "p50 on LaTeX references", "ratio of p99", "LaTeX references"]
    rows = []
    for name in sets:
        ours, theirs = (outcomes[peer].judged[name] for peer in (OURS, RIVAL))
        latex = [[j.cpu_s for j in side if "\\" in j.row.gold] for side in (ours, theirs)]
        cpu = [[j.cpu_s for j in side] for side in (ours, theirs)]
        rows.append(
            [
                name,
                f"{fmean(cpu[1]) / fmean(cpu[0]):.0f}x",
                _ratio(cpu, 0.5),
                _ratio(latex, 0.5),
                _ratio(cpu, 0.99),
                len(latex[0]),
            ]
        )
    return table(header, rows)


def _ratio(cpu: Sequence[Sequence[float]], q: float) -> str:
    ours, theirs = (percentile(side, q) for side in cpu)
    return f"{theirs / ours:.0f}x" if cpu[0] and cpu[1] else "-"


def _memory(outcomes: dict[str, Outcome]) -> str:
    header = ["scorer", "RSS MB when ready", "RSS MB at the end", "peak MB", "sympy loaded"]
    rows = [
        [
            CATALOG[name].title,
            f"{o.ready['rss_mb']:.0f}",
            f"{o.memory['rss_mb']:.0f}",
            f"{o.memory['peak_mb']:.0f}",
            o.memory["sympy"],
        ]
        for name, o in outcomes.items()
    ]
    return table(header, rows) + "\nOurs: the fast path's process, read before the rows that need sympy.\n"


def _passed_on(ours: Outcome, sets: Sequence[str]) -> str:
    rows = []
    for name in sets:
        judged = ours.judged[name]
        count = sum(j.passed_on for j in judged)
        rows.append([name, count, f"{count / len(judged):.2%}"])
    return table(["set", "rows", "share"], rows)


def _misses(outcomes: dict[str, Outcome], sets: Sequence[str]) -> str:
    rows = []
    hidden = 0
    for name in sets:
        wrong = [j for j in outcomes[OURS].judged[name] if j.correct != j.row.label]
        rows += [_miss(j) for j in wrong[:MISSES_SHOWN]]
        hidden += len(wrong[MISSES_SHOWN:])
    tail = f"\n... and {hidden} more.\n" if hidden else ""
    return table(["id", "reference", "text", "label", "our reason"], rows) + tail


def _regressions(outcomes: dict[str, Outcome], sets: Sequence[str]) -> str:
    if RIVAL not in outcomes:
        return "math-verify was not run.\n"
    rows = []
    for name in sets:
        theirs = {j.row.id for j in outcomes[RIVAL].judged[name] if j.correct == j.row.label}
        rows += [_miss(j) for j in outcomes[OURS].judged[name] if j.row.id in theirs and j.correct != j.row.label]
    return table(["id", "reference", "text", "label", "our reason"], rows)


def _miss(judgement: Judgement) -> list[str]:
    row = judgement.row
    right = "right" if row.label else "wrong"
    text = row.text if len(row.text) <= CELL else "…" + row.text[-CELL:]
    return [row.id, _cell(row.gold), _cell(text), right, _cell(judgement.error or judgement.reason, 2 * CELL)]


def _cell(text: str, width: int = CELL) -> str:
    flat = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return f"`{flat[:width]}{'…' if len(flat) > width else ''}`"
