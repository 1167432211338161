"""Short answers in words: exact match or F1, aliases, lists and sets, numbers by value, yes and no.

Accepts as reference: a text or number; a list of aliases, each of them right; `{answer, aliases}`; `{all: [...]}` for a
set whose items are all asked for (each item a text, or a list of its aliases); `{list: [...]}` where order counts.
Reward 1.0 or 0.0 (metric=exact), or the F1 (metric=f1; for sets over their items).

Finds the answer in an answer tag, a box, `"answer"` in JSON, an answer phrase, or a short completion. Case,
punctuation, accents and articles do not matter unless the options say so; 1,000 is 1000, 1.5 is never 15, and "A" is
never "the".

Refuses: several different answers, answers taken back, questions, prose without an answer, anything only thought.

Known limits: no stemming and no synonyms but the aliases given; set items that hold a comma cannot be told apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from verifiers.catalog._answers import Field, Refused
from verifiers.catalog.qa.cases import CASES
from verifiers.catalog.qa.find import find_answer_text
from verifiers.catalog.qa.policy import PRESETS, Options
from verifiers.catalog.qa.words import YES_NO, overlap, plain, same
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Json, Part, Sample, Status, Verdict

__all__ = ["CASES", "QaTeacher"]

MAX_ALIASES = 256
"""Most aliases of one answer, and most items of a set."""
MAX_ITEMS = 512
"""Items of an answer that are looked at."""
SHOWN = 200
"""Longest answer that a verdict quotes, in characters."""

_SPLIT = re.compile(r"[,;，；、\n]|(?:^|\n)\s*(?:[-*•]|\d{1,3}[.)])\s", re.MULTILINE)
_AND = re.compile(r"\s(?:and|&|as well as|plus)\s|(?<=[\u3400-\u9fff])[和与及](?=[\u3400-\u9fff])|以及", re.IGNORECASE)
_ITEM_LEAD = re.compile(r"(?:and|&|以及|[-*•]|\d{1,3}[.)])\s?", re.IGNORECASE)


class BadReference(ValueError):
    """The reference cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is right: items, each with its aliases; one item unless a set or list is asked for.

    Attributes:
        items: The aliases of each item.
        several: Whether the answer is a set or list.
        ordered: Whether order counts.
    """

    items: tuple[tuple[str, ...], ...]
    several: bool = False
    ordered: bool = False


def wanted(reference: Json) -> Wanted:
    """Read a reference.

    Raises:
        BadReference: If it is none.
    """
    if not isinstance(reference, Mapping):
        return Wanted((_aliases(reference),))
    for key in ("all", "set", "list"):
        if key in reference:
            items = reference[key]
            if isinstance(items, str) or not isinstance(items, Sequence) or not 0 < len(items) <= MAX_ALIASES:
                raise BadReference(f"{key!r} of a reference is a list of 1 to {MAX_ALIASES} answers")
            return Wanted(tuple(_aliases(item) for item in items), True, key == "list")
    first = reference.get("answer", reference.get("value"))
    aliases = reference.get("aliases") or []
    if first is None:
        raise BadReference("a reference object has `answer` (and `aliases`), `all`, or `list`")
    return Wanted(((*_aliases(first), *(_aliases(aliases) if aliases else ())),))


def _aliases(value: Json) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("yes" if value else "no",)
    if isinstance(value, (int, float)):
        return (repr(value),)
    if isinstance(value, str) and value.strip():
        return (value,)
    if isinstance(value, Sequence) and not isinstance(value, str) and 0 < len(value) <= MAX_ALIASES:
        return tuple(alias for item in value for alias in _aliases(item))
    raise BadReference("there is no reference: the right answer is needed as text, or a list of its aliases")


@teacher(version="1", options=Options, presets=PRESETS)
class QaTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in bounded time."""
        return self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        """Find the answer and compare it."""
        try:
            right = wanted(sample.reference)
        except BadReference as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        except RecursionError:
            return Verdict(None, Status.BAD_REFERENCE, "the reference is nested too deeply")
        yes_no = any(alias.strip(" .").casefold() in (*YES_NO, "maybe") for item in right.items for alias in item)
        found = find_answer_text(sample.completion, self.options, yes_no=yes_no)
        if isinstance(found, Refused):
            return Verdict(0.0, Status.INCORRECT if found.spoiled else Status.UNPARSABLE, found.reason)
        field, rule = found
        if right.several:
            return self._several(right, field, rule)
        reward, alias = max(
            ((self._one(alias, field.text), alias) for alias in right.items[0]), key=lambda pair: pair[0]
        )
        return self._verdict(reward, f"{rule}; against {alias[:60]!r}", field.text, ())

    def _one(self, reference: str, answer: str) -> float:
        if self.options.metric == "exact":
            return float(same(reference, answer, self.options))
        share = overlap(reference, answer, self.options)
        return share if share >= self.options.least else 0.0

    def _several(self, right: Wanted, field: Field, rule: str) -> Verdict:
        given = self._items(right, field)
        hits, missing = [], []
        for aliases in right.items:
            hit = next((at for at, item in enumerate(given) if at not in hits and self._is(aliases, item)), None)
            (missing.append(aliases[0]) if hit is None else hits.append(hit))
        parts = tuple(
            Part(f"item {number}", float(aliases[0] not in missing), aliases[0][:60])
            for number, aliases in enumerate(right.items, start=1)
        )
        complete = not missing and len(given) == len(right.items) and (not right.ordered or hits == sorted(hits))
        share = 2 * len(hits) / (len(given) + len(right.items)) if hits else 0.0
        if right.ordered and hits != sorted(hits):
            share = 0.0
        graded = share if share >= self.options.least else 0.0
        reward = float(complete) if self.options.metric == "exact" else graded
        reason = f"{rule}; {len(hits)} of {len(right.items)} items, {len(given) - len(hits)} others"
        return self._verdict(reward, reason, field.text, parts)

    def _is(self, aliases: Sequence[str], item: str) -> bool:
        return any(same(alias, item, self.options) for alias in aliases)

    def _items(self, right: Wanted, field: Field) -> list[str]:
        """Cut an answer into items; an "and" only cuts where the piece is no item as a whole."""
        pieces = field.items if field.items is not None else _SPLIT.split(plain(field.text).strip("[]{}()"))
        items: list[str] = []
        for piece in pieces[:MAX_ITEMS]:
            text = _ITEM_LEAD.sub("", piece.strip().strip("\"'"), count=1) if _ITEM_LEAD.match(piece.strip()) else piece
            text = text.strip().strip("\"'.。")
            whole = any(self._is(aliases, text) for aliases in right.items)
            items += [text] if whole or field.items is not None else _AND.split(text)
        return [item.strip() for item in items if item.strip()]

    def _verdict(self, reward: float, reason: str, answer: str, parts: tuple[Part, ...]) -> Verdict:
        status = Status.CORRECT if reward == 1.0 else Status.PARTIAL if reward else Status.INCORRECT
        return Verdict(reward, status, reason, answer[:SHOWN], parts)

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return what was found, its words, and what decided."""
        found = find_answer_text(sample.completion, self.options)
        shown = f"none: {found.reason}" if isinstance(found, Refused) else f"{found[0].text[:SHOWN]} (rule: {found[1]})"
        verdict = self.judge(sample)
        return [("answer found", shown), ("decided by", f"{verdict.status.value}: {verdict.reason}")]
