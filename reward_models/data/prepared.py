"""The files that `verify rm prepare` writes, and how they are read again: nothing is lost between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reward_models.data.cells import name_of, number_of, text_of_prompt, text_of_response, weight_of
from reward_models.data.rows import Compared, Facts
from reward_models.types import Answer, Rating
from verifiers.io.json_text import Unreadable, decode_row
from verifiers.io.values import BadRow, Row

TRAIN, VALIDATION = "train.jsonl", "validation.jsonl"
PARTS = (TRAIN, VALIDATION)
MANIFEST = "manifest.json"


def prepared_parts(source: str) -> list[str]:
    """Return the training and the validation file of a folder that `verify rm prepare` wrote; else nothing."""
    folder = Path(source)
    files = [folder / name for name in PARTS]
    return [str(file) for file in files] if all(file.is_file() for file in (folder / MANIFEST, *files)) else []


def told_beside(file: Path | None) -> tuple[dict[str, float], tuple[float, float] | None]:
    """Return what a prepared file's rows do not hold but its manifest does: the aspects' weights and the scale's ends.

    Without a manifest, or with one that cannot be read, there is nothing: the rows stand by themselves.
    """
    try:
        told = decode_row((file.parent / MANIFEST).read_bytes()) if file is not None else {}
        aspects = {str(name): number_of(weight) for name, weight in (told.get("aspects") or {}).items()}
        ends = told.get("scale")
        return aspects, (number_of(ends["lowest"]), number_of(ends["highest"])) if ends else None
    except (OSError, Unreadable, BadRow, LookupError, AttributeError, TypeError):
        return {}, None


def prepared_facts(row: Row) -> Facts:
    """Return what a row says that `verify rm prepare` wrote: one prompt with all that is known of its answers.

    Raises:
        BadRow: If it is no such row.
    """
    answers = row.get("answers")
    if not isinstance(answers, list) or not answers or not all(isinstance(each, Mapping) for each in answers):
        raise BadRow("the row has no list of answers")
    given = [_answer(each) for each in answers]
    facts = Facts(text_of_prompt(row.get("prompt")), given=given)
    facts.answers = [(each.response, list(each.ratings)) for each in given]
    facts.compared = [_compared(each, given) for each in row.get("preferences") or []]
    return facts


def _answer(cell: Mapping[str, Any]) -> Answer:
    stars = cell.get("stars")
    return Answer(
        text_of_response(cell.get("response")),
        None if stars is None else number_of(stars, "the label"),
        weight_of(cell.get("weight")),
        tuple(_rating(each) for each in cell.get("ratings") or []),
        {str(name): number_of(each, "an aspect's label") for name, each in (cell.get("aspects") or {}).items()},
        name_of(cell.get("source")),
        name_of(cell.get("where")),
    )


def _rating(cell: Any) -> Rating:
    if not isinstance(cell, Mapping):
        raise BadRow("a rating is not an object")
    weight = weight_of(cell.get("weight"))
    return Rating(number_of(cell.get("stars")), name_of(cell.get("rater")), weight, name_of(cell.get("aspect")))


def _compared(cell: Any, given: Sequence[Answer]) -> Compared:
    if not isinstance(cell, Mapping):
        raise BadRow("a preference is not an object")
    margin = cell.get("margin")
    chosen, rejected = _place(cell.get("chosen"), len(given)), _place(cell.get("rejected"), len(given))
    if chosen == rejected:
        raise BadRow("a preference compares an answer with itself")
    return Compared(
        chosen,
        rejected,
        (number_of(cell.get("probability", 1.0), "the probability"),),
        None if margin is None else number_of(margin, "the margin"),
        weight_of(cell.get("weight")),
        name_of(cell.get("source", given[chosen].source)),
        _votes(cell.get("votes", 1)),
    )


def _votes(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRow("a preference's number of votes is a whole number from 1 on")
    return value


def _place(value: object, count: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        raise BadRow(f"a preference names an answer that is not one of the row's {count}")
    return value
