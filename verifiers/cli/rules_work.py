"""What `verify rules` does."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from verifiers.catalog.rules.lint import Finding
from verifiers.catalog.rules.lint import lint as lint_document
from verifiers.catalog.rules.marks import Problem, RulesError
from verifiers.catalog.rules.teacher import load_rules
from verifiers.cli.rows import find_place, parse_map
from verifiers.cli.table import cell_text, paint, print_pairs, print_table, write
from verifiers.cli.task import find_task
from verifiers.cli.text import escape, json_safe
from verifiers.errors import InputError, UsageError
from verifiers.types import Json, Part, Sample, Verdict, text_of

if TYPE_CHECKING:
    from verifiers.attacks.run import Attempt

TOLERANCE = 1e-6
"""How far an example's reward may be from the expected one."""
SNIPPET_CHARS = 60
MAX_LISTED = 40
"""Paid cheats that the table shows."""


def run_lint(files: Sequence[str], as_json: bool, strict: bool) -> int:
    """Print findings; return 1 if one is an error (or, if strict, a warning)."""
    failed = False
    rows: list[dict[str, Json]] = []
    for file in files:
        try:
            document = load_rules(file)
        except RulesError as error:
            failed = True
            if as_json:
                rows += _mistake_rows(file, error)
            else:
                for line in str(error).splitlines():
                    write(paint(escape(line), sys.stdout, fg="red"))
            continue
        findings = lint_document(document)
        failed |= any(each.level == "error" or (strict and each.level == "warning") for each in findings)
        rows += [_finding_row(file, each) for each in findings]
        if not as_json:
            _print_findings(file, findings)
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    return int(failed)


def _mistake_rows(file: str, error: RulesError) -> list[dict[str, Json]]:
    problems = error.problems or (Problem(0, 0, "", str(error)),)
    return [_row(file, each.line, each.column, "error", each.path, each.text) for each in problems]


def _finding_row(file: str, found: Finding) -> dict[str, Json]:
    return _row(file, found.node.line, found.node.column, found.level, found.name, found.text)


def _row(file: str, line: int, column: int, level: str, name: str, text: str) -> dict[str, Json]:
    return {"file": file, "line": line, "column": column, "level": level, "name": name, "text": text}


def _print_findings(file: str, findings: Sequence[Finding]) -> None:
    colours = {"error": "red", "warning": "yellow", "hint": "cyan"}
    for each in findings:
        write(paint(escape(each.shown(file)), sys.stdout, fg=colours[each.level]))
    counts = Counter[str](each.level for each in findings)
    said = ", ".join(f"{counts[level]} {level}s" for level in colours if counts[level])
    write(f"{escape(file)}: {said or 'nothing to find'}")


def run_test(files: Sequence[str], deadline: float | None) -> int:
    """Score the files' own examples; return 1 if one fails."""
    from verifiers.engine import Scorer

    failed = 0
    for file in files:
        examples = load_rules(file).examples
        if not examples:
            write(f"{escape(file)}: no examples; add 'examples: [{{text: ..., expect: 1.0}}]'")
            continue
        scorer = Scorer("rules", options={"rules": file}, num_proc=1, deadline_s=deadline)
        verdicts = scorer.score([example.sample for example in examples])
        bad = [(one, got) for one, got in zip(examples, verdicts, strict=True) if not _as_expected(one.expect, got)]
        for example, verdict in bad:
            name = f" {example.name!r}" if example.name else ""
            place = f"{file}:{example.node.line}:{example.node.column}"
            text = f"{place}: example{name} expects {cell_text(example.expect)}, got {cell_text(verdict.reward)}"
            write(paint(escape(text), sys.stdout, fg="red"))
            print_pairs([("reason", verdict.reason), *_part_pairs(verdict.parts)], indent=2)
        failed += len(bad)
        write(f"{escape(file)}: {len(examples) - len(bad)} of {len(examples)} examples as expected")
    return int(failed > 0)


def _as_expected(expect: float | None, verdict: Verdict) -> bool:
    if expect is None or verdict.reward is None:
        return expect is verdict.reward
    return abs(expect - verdict.reward) <= TOLERANCE


def _part_pairs(parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    for part in parts:
        yield part.name, f"{cell_text(part.reward)}: {part.reason}"


def given_sample(
    row: str | None,
    completion: str | None,
    reference: str | None,
    prompt: str,
    meta: str | None,
    maps: Sequence[str],
) -> Sample:
    """Return the sample that a command's options describe.

    Raises:
        UsageError: If they give none, two, or meta that is no JSON object.
        InputError: If the row cannot be read.
    """
    if (row is None) == (completion is None):
        raise UsageError("Give either a row as FILE:LINE (answers.jsonl:7), or --completion.")
    if row is not None:
        place = find_place(row, parse_map(maps), None)
        if place.sample is None:
            raise InputError(f"{place.name} is not a sample: {place.problem}")
        return place.sample
    try:
        data = json.loads(meta) if meta is not None else {}
    except json.JSONDecodeError as error:
        raise UsageError(f"--meta {meta!r} is not JSON: {error.msg}") from error
    if not isinstance(data, dict):
        raise UsageError(f'--meta {meta!r} is not a JSON object, e.g. \'{{"lang": "zh"}}\'')
    text = sys.stdin.read() if completion == "-" else completion or ""
    return Sample(text, prompt, reference, data)


def run_explain(file: str, sample: Sample, deadline: float | None, as_json: bool) -> None:
    """Print every part of one verdict."""
    from verifiers.engine import Scorer

    scorer = Scorer("rules", options={"rules": file}, num_proc=1, deadline_s=deadline)
    verdict = scorer.score([sample])[0]
    if as_json:
        from verifiers.io.json_text import encode_json

        click.echo(json_safe(encode_json(verdict).decode()))
        return
    text = text_of(sample.completion)
    for part in verdict.parts:
        name = f"{escape(part.name)}  {cell_text(part.reward)}"
        colour = (
            "magenta"
            if part.reward is None
            else "green"
            if part.reward >= 1
            else "red"
            if not part.reward
            else "yellow"
        )
        write(paint(name, sys.stdout, fg=colour))
        print_pairs(_explained(part, text), indent=2)
    reward = "not judged" if verdict.reward is None else cell_text(verdict.reward)
    write(paint(f"reward {reward} ({verdict.status.value})", sys.stdout, bold=True))
    print_pairs([("reason", verdict.reason)], indent=2)


def _explained(part: Part, text: str) -> Iterator[tuple[str, str]]:
    for key in ("kind", "in", "expected", "observed"):
        if key in part.details:
            value = part.details[key]
            yield key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    span = part.details.get("span")
    if isinstance(span, list):
        start, end = span
        if isinstance(start, int) and isinstance(end, int):
            yield "span", f"{start}-{end}: {text[start : min(end, start + SNIPPET_CHARS)]!r}"
    if part.weight != 1.0:
        yield "weight", f"{part.weight:g}"
    yield "reason", part.reason


def run_attack(
    task: str | None,
    sets: Sequence[str],
    config: str | None,
    model: Sample | None,
    kinds: Sequence[str],
    threshold: float,
    deadline: float | None,
    as_json: bool,
) -> int:
    """Print which cheats were paid; return 1 if any was."""
    from verifiers.attacks.corpus import KINDS
    from verifiers.attacks.run import attack, named_words

    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(f"there is no family of cheats {unknown[0]!r}. Known: {', '.join(KINDS)}")
    found = find_task(task, sets, config)
    file = found.values.get("rules")
    words = _words_of(str(file)) if found.spec.name == "rules" and file else []
    if model is not None and found.spec.name == "rules":
        words = [*words, *named_words(model.reference)]
    leaked = Path(str(file)).read_text(encoding="utf-8", errors="replace") if words and file else ""
    attempts = attack(
        found.name, found.values, [model] if model is not None else (), words=words, rules=leaked,
        kinds=kinds or KINDS, deadline_s=deadline,
    )  # fmt: skip
    paid = [attempt for attempt in attempts if attempt.paid(threshold)]
    if as_json:
        for attempt in paid:
            click.echo(json_safe(json.dumps(_attempt_row(attempt), ensure_ascii=False)))
    else:
        _print_attack(attempts, paid, threshold)
    return int(bool(paid))


def _words_of(file: str) -> list[str]:
    from verifiers.attacks.run import named_words

    root = load_rules(file).root
    return [word for entry in root.children for word in named_words(entry.node.data())]


def _attempt_row(attempt: Attempt) -> Mapping[str, Json]:
    verdict = attempt.verdict
    return {
        "kind": attempt.cheat.kind,
        "cheat": attempt.cheat.name,
        "completion": attempt.cheat.completion[:2000],
        "reward": verdict.reward,
        "status": verdict.status.value,
        "reason": verdict.reason,
    }


def _print_attack(attempts: Sequence[Attempt], paid: Sequence[Attempt], threshold: float) -> None:
    if paid:
        rows = [
            (each.cheat.name, each.verdict.reward, each.cheat.completion[:SNIPPET_CHARS], each.verdict.reason)
            for each in paid[:MAX_LISTED]
        ]
        print_table(("cheat", "reward", "completion", "reason"), rows)
        if len(paid) > MAX_LISTED:
            write(f"... {len(paid) - MAX_LISTED} more (--json has them all)")
        write()
    tried = Counter(each.cheat.kind for each in attempts)
    hit = Counter(each.cheat.kind for each in paid)
    print_table(("family", "tried", "paid"), [(kind, tried[kind], hit[kind]) for kind in tried])
    unjudged = sum(each.verdict.reward is None for each in attempts)
    write(f"\n{len(paid)} of {len(attempts)} cheats were paid {threshold:g} or more.")
    if unjudged:
        reason = next(each.verdict.reason for each in attempts if each.verdict.reward is None)
        write(f"{unjudged} were not judged: {escape(reason)}")
