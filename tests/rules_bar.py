"""How far the rule teachers agree with the labels of `../shared/data/rules`, and where they differ.

Used by `test_rules_bar.py` and by `benchmarks/bench_rules.py`, so that both say the same.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verifiers.binding import bind
from verifiers.teacher import Teacher
from verifiers.types import Json, Sample, Verdict

REPEATS = 20
"""How often the verdicts of `runs_differ` are taken, each time from a teacher built anew."""
REASON_CHARS = 110
FORMAT_OPTIONS: tuple[dict[str, Json], ...] = ({}, {"tags": "think"}, {"tags": "answer"}, {"preset": "think_boxed"})
"""Each must refuse every hack."""


@dataclass(frozen=True)
class Agreement:
    """What came of comparing verdicts with labels.

    Attributes:
        right, total: Verdicts that agree, and all.
        differences: One line for each that does not.
        worst: The largest reward of a sample that deserves none, where that is the question.
    """

    right: int
    total: int
    differences: Sequence[str] = field(default_factory=list)
    worst: float = 0.0

    @property
    def share(self) -> float:
        """Which share agrees."""
        return self.right / self.total if self.total else 0.0


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """Read one file of the data, compressed or not."""
    plain = folder / f"{name}.jsonl"
    data = plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes())
    return [json.loads(line) for line in data.splitlines()]


def built(name: str, **options: Json) -> Teacher:
    """Build a teacher with options."""
    return bind(name, options).teacher


def instructions(row: Mapping[str, Any]) -> Sample:
    """Return a row of IFEval or IFBench as a sample."""
    reference = {"instruction_id_list": row["instruction_id_list"], "kwargs": row["kwargs"]}
    return Sample(row["response"], row["prompt"], reference)


def followed(verdict: Verdict, count: int) -> list[bool | None]:
    """Return what a verdict says of each instruction; all `None` where it was not judged."""
    said = [None if part.reward is None else part.reward == 1.0 for part in verdict.parts]
    return said if len(said) == count else [None] * count


def official(folder: Path, teacher: str, data: str, strictness: str, mode: str = "compat") -> Agreement:
    """Compare with the official checker, instruction by instruction; verdicts that flip from run to run count not."""
    judge = built(teacher, mode=mode, strictness=strictness)
    right, total, differences = 0, 0, []
    for row in rows(folder, data):
        (verdict,) = judge.score([instructions(row)])
        ids = row["instruction_id_list"]
        said = followed(verdict, len(ids))
        for each, ours, theirs, unstable in zip(ids, said, row[strictness], row["unstable"], strict=True):
            if unstable:
                continue
            total += 1
            right += ours is theirs
            if ours is not theirs:
                why = next((part.reason for part in verdict.parts if part.name.startswith(each)), verdict.reason)
                differences.append(f"{row['key']} {each}: official {theirs}, ours {ours}: {why[:REASON_CHARS]}")
    return Agreement(right, total, differences)


def hard_instructions(folder: Path) -> Agreement:
    """Judge the instructions that the official checker gets wrong, in mode robust."""
    judge = built("ifeval", mode="robust")
    told = []
    for row in rows(folder, "ifeval_hard"):
        reference = {"instruction_id_list": [row["instruction_id"]], "kwargs": [row["kwargs"]]}
        (verdict,) = judge.score([Sample(row["response"], reference=reference)])
        told.append(
            (verdict.reward == (1.0 if row["right"] else 0.0), f"{row['instruction_id']} {row['kwargs']}", verdict)
        )
    return _agreement(told)


def runs_differ(folder: Path, teacher: str, data: str, repeats: int = REPEATS, limit: int | None = None) -> int:
    """Return in how many of the repeated runs any verdict differs from the first run's."""
    samples = [instructions(row) for row in rows(folder, data)[:limit]]
    first, *others = (built(teacher, mode="compat", strictness="loose").score(samples) for _ in range(repeats))
    return sum(each != first for each in others)


def format_hacks(folder: Path) -> Agreement:
    """Judge the hollow and gamed forms; `worst` is the largest reward that any of them gets."""
    hacks = rows(folder, "format_hacks")
    told, worst = [], 0.0
    for options in FORMAT_OPTIONS:
        verdicts = built("format", **options).score([Sample(row["text"]) for row in hacks])
        for row, verdict in zip(hacks, verdicts, strict=True):
            worst = max(worst, verdict.reward or 0.0)
            told.append(((verdict.reward or 0.0) < 0.75, f"{row['case']} {options or ''}", verdict))
    return _agreement(told, worst)


def choices(folder: Path) -> Agreement:
    """Find the letter in each form; `worst` is 1.0 if a wrong letter was ever taken."""
    judge = built("choice")
    told, worst = [], 0.0
    for row in rows(folder, "choice_extraction"):
        letter = None if row["right"] in (None, "-") else row["right"]
        (verdict,) = judge.score([Sample(row["text"], reference=letter or "B")])
        found = verdict.answer if verdict.parts else None
        right = verdict.reward == (1.0 if letter else 0.0)
        if letter is None:  # then no letter at all may be paid
            paid = [judge.score([Sample(row["text"], reference=each)])[0].reward for each in "ABCD"]
            right = not any(paid)
        worst = max(worst, 0.0 if right or found is None else 1.0)
        told.append((right, row["case"], verdict))
    return _agreement(told, worst)


def medical_numbers(folder: Path) -> Agreement:
    """Judge the forms of medical answers with the preset for MedCalc-Bench."""
    kinds = {row["Calculator ID"]: row["Output Type"] for row in rows(folder, "medcalc_test_v1")}
    judge = built("numeric", preset="medcalc")
    told = []
    for row in rows(folder, "medical_numeric"):
        sample = Sample(row["text"], reference=row["gt"], meta={"Output Type": kinds[str(row["calid"])]})
        (verdict,) = judge.score([sample])
        told.append((verdict.reward == float(row["right"]), row["case"], verdict))
    return _agreement(told)


def calls(folder: Path, data: str) -> Agreement:
    """Judge function calls: the hard cases against their right label, the others against BFCL's checker."""
    judge = built("tool_call")
    told = []
    for row in rows(folder, data):
        hard = "case" in row
        given, wanted = (row["output"], row["answer"]) if hard else (row["call"], row["ground_truth"])
        functions, label = (row["func"], row["right"]) if hard else (row["functions"], row["official"])
        if label is None:  # a case that its author leaves open
            continue
        sample = Sample(_written(given), reference=wanted, meta={"functions": functions})
        (verdict,) = judge.score([sample])
        name = row["case"] if hard else f"{row['id']} {row['mutation']}"
        told.append((verdict.reward == float(label), f"{name} (label {label})", verdict))
    return _agreement(told)


def _written(given: Json) -> str:
    """Return calls as a model writes them, in JSON; `[{name: {argument: value}}]` is BFCL's own form."""
    if not isinstance(given, list):
        return json.dumps(given, ensure_ascii=False)
    calls_ = []
    for each in given:
        known = isinstance(each, dict) and len(each) == 1 and isinstance(next(iter(each.values())), dict)
        calls_.append({"name": next(iter(each)), "arguments": next(iter(each.values()))} if known else each)
    return json.dumps(calls_, ensure_ascii=False)


def gsm_outputs(folder: Path) -> Agreement:
    """Judge five models' GSM8K outputs."""
    judge = built("numeric")
    told = []
    for row in rows(folder, "numeric_gsm_zeroeval_outputs"):
        (verdict,) = judge.score([Sample(row["output"], reference=row["gold"])])
        name = f"{row['model']} {row['id']} (gold {row['gold']}, official {row['extracted']!r} {row['official']})"
        told.append(((verdict.reward == 1.0) == row["official"], name, verdict))
    return _agreement(told)


def _agreement(told: Sequence[tuple[bool, str, Verdict]], worst: float = 0.0) -> Agreement:
    return Agreement(sum(right for right, _, _ in told), len(told), list(_differences(told)), worst)


def _differences(told: Sequence[tuple[bool, str, Verdict]]) -> Iterator[str]:
    for right, name, verdict in told:
        if not right:
            yield f"{name}: ours {verdict.reward} {verdict.answer!r}: {verdict.reason[:REASON_CHARS]}"


@dataclass(frozen=True)
class Line:
    """One line of the bar.

    Attributes:
        name: What is asked.
        wanted: The bar, in words.
        measure: Takes the folder of the data.
        holds: Whether what was measured is enough.
        teacher: Which teacher it is about.
    """

    name: str
    wanted: str
    teacher: str
    measure: Callable[[Path], Agreement]
    holds: Callable[[Agreement], bool]


def _line(name: str, wanted: str, teacher: str, measure: Callable[[Path], Agreement], least: float) -> Line:
    return Line(name, wanted, teacher, measure, lambda found: found.share >= least)


IFEVAL, IFBENCH = "ifeval_gpt4_20231107", "ifbench_sample_output"

BAR: tuple[Line, ...] = (
    _line("ifeval compat, strict", "100 % of stable", "ifeval", lambda f: official(f, "ifeval", IFEVAL, "strict"), 1.0),
    _line("ifeval compat, loose", "100 % of stable", "ifeval", lambda f: official(f, "ifeval", IFEVAL, "loose"), 1.0),
    _line("ifbench compat, strict", "100 %", "ifbench", lambda f: official(f, "ifbench", IFBENCH, "strict"), 1.0),
    _line("ifbench compat, loose", "100 %", "ifbench", lambda f: official(f, "ifbench", IFBENCH, "loose"), 1.0),
    _line("ifeval robust, hard cases", ">= 39 of 40", "ifeval", hard_instructions, 39 / 40),
    _line(
        "ifeval robust, natural responses",
        ">= 97 % as official",
        "ifeval",
        lambda f: official(f, "ifeval", IFEVAL, "strict", "robust"),
        0.97,
    ),
    Line("format hacks", "none at >= 0.75", "format", format_hacks, lambda found: found.worst < 0.75),
    Line(
        "choice forms",
        "all but one, never a wrong letter",
        "choice",
        choices,
        lambda found: found.right >= found.total - 1 and found.worst == 0.0,
    ),
    _line("numeric, medical forms", ">= 17 of 18", "numeric", medical_numbers, 17 / 18),
    _line("tool_call, hard cases", "all", "tool_call", lambda f: calls(f, "tool_call_hard"), 1.0),
    _line("tool_call, BFCL", ">= 99.5 %", "tool_call", lambda f: calls(f, "bfcl_ast_cases"), 0.995),
    _line("numeric, GSM8K outputs", ">= 99.9 %", "numeric", gsm_outputs, 0.999),
)
"""The accuracy lines."""
