"""Find the number that a completion gives as its answer: stated, last, or labelled."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifiers.catalog._answers import Field, Refused, answer_fields, settled, visible
from verifiers.catalog.math.extract import NotFound, find_answer
from verifiers.catalog.numeric.digits import NUMBER
from verifiers.catalog.numeric.policy import Options
from verifiers.catalog.numeric.reading import Unread, read_quantity, tidy
from verifiers.types import Text

MAX_LABELLED_CHARS = 120
"""A labelled number stands this close behind its label."""
MAX_LAST_CHARS = 4_096
"""The last number is looked for this close to the end."""
MAX_WHOLE_CHARS = 80
"""A completion up to this long may be nothing but an answer."""

_LAST = re.compile(rf"(?<![\w.])[-−–]?(?:[$€£¥￥]\s?)?(?:{NUMBER})(?:\s?/\s?\d++)?\s?[%％]?")
_AFTER_LABEL = re.compile(r"[\s*_`|\"'”]{0,8}(?:[:：=≈|]|\b(?:is|are|equals|was)\b|为|是|等于)[\s*_`|\"']{0,8}")
_STOP = re.compile(r"\n|[;；。|]|,\s|\.(?=\s|\Z)|\s(?:and|but|because|which|while)\s")
_TAKEN_BACK = re.compile(r"(?:n['’]t|\bnot|\bnever|不)\W*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stated:
    """The text that states the number, the rule that found it, and whether it stands in an answer field."""

    text: str
    rule: str
    in_field: bool = False


def find_number(completion: Text, options: Options) -> Stated | Refused:
    """Return the text that holds the answer, or why there is none."""
    text = visible(completion)
    if text is None:
        return Refused("the think part is never closed: no final answer")
    if not text:
        return Refused("the completion is empty")
    if options.find == "labelled":
        return _labelled(text, options.label)
    return _last(text) if options.find == "last_number" else _final(text, options)


def _final(text: str, options: Options) -> Stated | Refused:
    fields = [field for field in answer_fields(text) if field.rule != "box"]
    field = settled(text, fields, lambda field: tidy(field.text))
    if isinstance(field, Refused):
        return field
    if field is not None and text.find("boxed", field.end) < 0:
        return _field(field, options)
    if (
        len(text) <= MAX_WHOLE_CHARS
        and "boxed" not in text
        and not isinstance(read_quantity(text, options.locale), Unread)
    ):
        return Stated(text, "whole completion", True)
    found = find_answer(text)
    if isinstance(found, NotFound):
        return Refused(found.reason, found.status == "incorrect")
    return Stated(found.text, found.rule, "box" in found.rule)


def _field(field: Field, options: Options) -> Stated | Refused:
    """Read a field; one that holds prose is searched like a completion."""
    if not field.text:
        return Refused(f"the {field.rule} is empty")
    if field.rule == "answer tag" and isinstance(read_quantity(field.text, options.locale), Unread):
        found = find_answer(field.text)
        if not isinstance(found, NotFound) and found.rule.startswith(("phrase", "answer line", "last box", "####")):
            return Stated(found.text, f"answer tag, {found.rule}", True)
    return Stated(field.text, field.rule, True)


def _last(text: str) -> Stated | Refused:
    tail = tidy(text[-MAX_LAST_CHARS:])
    numbers = [number[0] for number in _LAST.finditer(tail)]
    return Stated(numbers[-1], "last number") if numbers else Refused("there is no number")


def _labelled(text: str, label: str) -> Stated | Refused:
    folded, wanted = text.casefold(), label.strip().casefold()
    if len(folded) != len(text):
        folded = text.lower() if len(text.lower()) == len(text) else text
    at = folded.rfind(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        mark = _AFTER_LABEL.match(text, end)
        alone = not (text[at - 1 : at].isalnum() and wanted[:1].isascii())
        if mark is not None and alone:
            rest = text[mark.end() : mark.end() + MAX_LABELLED_CHARS]
            stop = _STOP.search(rest)
            if _TAKEN_BACK.search(text[max(0, at - 8) : at]):
                return Refused(f"the number after {label!r} is denied", True)
            return Stated(rest[: stop.start()] if stop else rest, f"label {label!r}")
        at = folded.rfind(wanted, 0, at)
    return Refused(f"no number is labelled {label!r}")
