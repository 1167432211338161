"""Answers to real questions in many phrasings: how often `choice`, `qa` and `numeric` judge them as meant.

Used by `test_choice.py`, `test_numeric.py`, `test_qa.py` and `benchmarks/rules_answers.py`.
The questions are real, the phrasings ours.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rules_bar import Agreement, Line, built, rows

from verifiers.catalog.choice.listed import options_in
from verifiers.types import Sample, Verdict

RIGHT_FORMS = (
    "{L}",
    "({L}) {T}",
    "Answer: {L}",
    "The answer is {L}. {T}",
    "<think>maybe {W}</think><answer>{L}</answer>",
    "\\boxed{{{L}}}",
    "{T}",
    "The answer is {T}.",
    "Option {W} is incorrect. Option {L} is correct.",
    "The answer is {W}. Wait, that is wrong. The answer is {L}.",
    "综上，故选{L}",
    "答案：{L}",
    "{T} ({L})",
    '{{"answer": "{L}"}}',
    "I would choose {L}, {T}.",
    "Looking at the options:\n{ALL}\n\nThe best choice is **{L}**.",
)
"""L, T: the right letter and text; W, WT: wrong ones; ALL: the list of options."""
WRONG_FORMS = (
    "The answer is {L} or {W}.",
    "Answer: {W}",
    "{W}) {WT}",
    "The answer is not {L}.",
    "{ALL}",
    "Maybe {L}?",
    "The answer is {T} or {WT}.",
    "The answer is {L}) {WT}",
    "Answer: A, B, C, D",
)
YES_NO_FORMS = ("{0}", "The answer is {0}.", "<answer>{0}</answer>", "**Answer:** {0}", "{0}, as the data show.")
NEAR = 1e-6
"""So far beyond a limit, as a share of it, counts as outside."""


def medical_choices(folder: Path, limit: int | None = None) -> Agreement:
    """Judge right and wrong phrasings of answers to MedQA's questions; `worst` is 1.0 if a wrong one was paid."""
    judge = built("choice")
    right, total, worst, differences = 0, 0, 0.0, []
    for number, row in enumerate(rows(folder, "mc_medqa")[:limit]):
        for form, reward, text in _phrased(row, number):
            (verdict,) = judge.score([Sample(text, row["question"], row["label"])])
            total += 1
            right += verdict.reward == reward
            if verdict.reward != reward:
                worst = max(worst, 1.0 - reward)
                differences.append(_difference(f"{row['id']} {form}", reward, verdict))
    return Agreement(right, total, differences, worst)


def _phrased(row: dict[str, object], number: int) -> Iterator[tuple[str, float, str]]:
    options = options_in(str(row["question"]))
    (letter,) = row["label"]  # type: ignore[misc]
    other = "ABCD"[("ABCD".index(letter) + 1 + number % 3) % 4]
    listing = "\n".join(f"{each}) {text}" for each, text in options.items())
    words = {"L": letter, "W": other, "T": options[letter], "WT": options[other], "ALL": listing}
    for forms, reward in ((RIGHT_FORMS, 1.0), (WRONG_FORMS, 0.0)):
        for form in forms:
            yield form, reward, form.format(**words)


def yes_no_maybe(folder: Path, limit: int | None = None) -> Agreement:
    """Judge each of yes, no and maybe as the answer to PubMedQA's questions, by `qa`."""
    judge = built("qa")
    right, total, differences = 0, 0, []
    for row in rows(folder, "mc_pubmedqa")[:limit]:
        for said in ("yes", "no", "maybe"):
            for form in YES_NO_FORMS:
                (verdict,) = judge.score([Sample(form.format(said), row["question"], row["answer"])])
                meant = float(said == row["answer"])
                total += 1
                right += verdict.reward == meant
                if verdict.reward != meant:
                    differences.append(_difference(f"{row['id']} {form.format(said)}", meant, verdict))
    return Agreement(right, total, differences)


def calculator_limits(folder: Path) -> Agreement:
    """Judge MedCalc's own answers, its limits, and what lies beyond them."""
    judge = built("numeric", preset="medcalc")
    right, total, differences = 0, 0, []
    for row in rows(folder, "medcalc_test_v1"):
        for text, meant in _around(row):
            (verdict,) = judge.score([Sample(text, reference=row["Ground Truth Answer"], meta=row)])
            total += 1
            right += verdict.reward == meant
            if verdict.reward != meant:
                differences.append(_difference(f"{row['Row Number']} {text}", meant, verdict))
    return Agreement(right, total, differences)


def _around(row: dict[str, str]) -> Iterator[tuple[str, float]]:
    gold = row["Ground Truth Answer"]
    yield json.dumps({"answer": gold}), 1.0
    if row["Output Type"] == "date" or gold.startswith("("):
        return
    low, high = float(row["Lower Limit"]), float(row["Upper Limit"])
    for value, meant in ((low, 1.0), (high, 1.0), ((low + high) / 2, 1.0)):
        yield f"The answer is {value!r}.", meant
    for value in (low - abs(low) * NEAR - NEAR, high + abs(high) * NEAR + NEAR):
        yield f"The answer is {value:.12f}.", 0.0


def _difference(name: str, meant: float, verdict: Verdict) -> str:
    return f"{name}: meant {meant}, ours {verdict.reward} {verdict.answer!r}: {verdict.reason[:110]}"


LINES: tuple[Line, ...] = (
    Line(
        "choice, MedQA in 25 phrasings",
        ">= 99.9 %, no wrong one paid",
        "choice",
        medical_choices,
        lambda found: found.share >= 0.999 and found.worst == 0.0,
    ),
    Line("qa, PubMedQA in 15 phrasings", "100 %", "qa", yes_no_maybe, lambda found: found.share == 1.0),
    Line("numeric, MedCalc's limits", "100 %", "numeric", calculator_limits, lambda found: found.share == 1.0),
)
"""Lines of the bar beside `rules_bar.BAR`."""
