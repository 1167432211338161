"""Multiple choice: one or several of the options A-J, by letter or by text, English and Chinese.

Accepts as reference: a letter ("B", "(B)", "B. Paris"), several that together are right ("AC", "A, C", ["A", "C"]), the
text of an option, an index (`index_base`), or `{answer, options}`. Options are taken from the reference, the columns
`options` / `choices` / A, B, C ..., or the prompt; without them letters A-J can be chosen, but not texts.
Reward 1.0 if exactly the right options are chosen, else 0.0 (or a share, see `credit`).

Finds the choice in an answer tag, a box, `"answer"` in JSON, a phrase ("The answer is", "I choose", 故选, 答案：), a
verdict ("Option B is correct"), a line of its own, the last sentence. The last decision wins when the text changes its
mind ("Wait, no"); nothing inside the think part counts.

Refuses: hedges ("A or B", "maybe B"), enumerations, contradictions without a change of mind, a letter with another
option's text, questions, choices taken back. Never takes an article, an initial or "hepatitis B" for a letter.

Known limits: without options, "E. coli" and "B cells" are no choice even where option E or B was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from verifiers.catalog._answers import Refused, visible
from verifiers.catalog.choice.cases import CASES
from verifiers.catalog.choice.decisions import decide, tidy
from verifiers.catalog.choice.listed import LETTERS, Listed, listed_options
from verifiers.teacher import BaseTeacher, teacher
from verifiers.types import Json, Part, Sample, Status, Verdict

__all__ = ["CASES", "ChoiceTeacher", "chosen"]

_LETTER_REFERENCE = re.compile(r"[(（\[]?([A-Ja-j])[)）\]]?(?:[.:、)]\s?\S.*|[.:、])?", re.DOTALL)
_SEVERAL = re.compile(r"[(（\[]?[A-J][)）\]]?(?:\s?(?:,|，|、|;|&|and|和|\s)\s?[(（\[]?[A-J][)）\]]?)+")
_PACKED = re.compile(r"[A-J]{2,10}")


@dataclass(frozen=True)
class Options:
    """Options of the choice teacher.

    Attributes:
        credit: exact (all right options and no other), or fraction (the share of the right options that were chosen;
            0 as soon as a wrong one was).
        index_base: How a reference that is a whole number names an option: none (not judged), zero (0 = A), or one
            (1 = A).
    """

    credit: Literal["exact", "fraction"] = "exact"
    index_base: Literal["none", "zero", "one"] = "none"


class BadReference(ValueError):
    """The reference names no option; the text says why."""


def chosen(completion: str, listed: Listed | None = None) -> str | None:
    """Return the letters that a completion chooses ("B", "AC"), or `None`."""
    text = visible(completion)
    found = decide(tidy(text), listed or Listed({})) if text else None
    return None if found is None or isinstance(found, Refused) else found.letters


def wanted(reference: Json, listed: Listed, options: Options) -> str:
    """Return the right letters of a reference, sorted.

    Raises:
        BadReference: If it names none.
    """
    if isinstance(reference, Mapping):
        reference = next((reference[key] for key in ("answer", "label", "letters", "value") if key in reference), None)
    if isinstance(reference, Sequence) and not isinstance(reference, str):
        if not 0 < len(reference) <= len(LETTERS):
            raise BadReference(f"a list of right options has 1 to {len(LETTERS)} of them, not {len(reference)}")
        return "".join(sorted({letter for item in reference for letter in wanted(item, listed, options)}))
    if isinstance(reference, int) and not isinstance(reference, bool):
        return _indexed(reference, listed, options)
    if not isinstance(reference, str) or not reference.strip():
        raise BadReference("there is no reference: the letter or the text of the right option is needed")
    return _letters(reference.strip(), listed)


def _indexed(index: int, listed: Listed, options: Options) -> str:
    if options.index_base == "none":
        raise BadReference(f"whether the reference {index} counts from 0 or 1 is not known: set index_base")
    position = index - (options.index_base == "one")
    if not 0 <= position < len(listed.letters):
        raise BadReference(f"there is no option with the index {index} (index_base={options.index_base})")
    return listed.letters[position]


def _letters(text: str, listed: Listed) -> str:
    if len(text) > 1 and (named := listed.named_by(text)) is not None:
        return named
    if _SEVERAL.fullmatch(text) or (_PACKED.fullmatch(text) and "".join(sorted(set(text))) == text):
        found = "".join(sorted(set(re.findall("[A-J]", text))))
    elif (letter := _LETTER_REFERENCE.fullmatch(text)) is not None:
        found = letter[1].upper()
    else:
        raise BadReference(f"the reference {text[:80]!r} is neither letters A-J nor the text of a known option")
    if missing := set(found) - set(listed.letters):
        raise BadReference(f"the reference names {min(missing)}, but the options are {', '.join(listed.letters)}")
    return found


@teacher(version="1", options=Options)
class ChoiceTeacher(BaseTeacher):
    """See the module's docstring."""

    reads: ClassVar[tuple[str, ...]] = ("completion", "reference", "prompt", "meta")

    def __init__(self, options: Options) -> None:
        self.options = options

    def quick(self, sample: Sample) -> Verdict:
        """Judge in bounded time."""
        return self.judge(sample)

    def judge(self, sample: Sample) -> Verdict:
        """Find the choice and compare it with the right one."""
        listed = listed_options(sample)
        try:
            right = wanted(sample.reference, listed, self.options)
        except BadReference as error:
            return Verdict(None, Status.BAD_REFERENCE, str(error))
        text = visible(sample.completion)
        if text is None:
            return Verdict(0.0, Status.UNPARSABLE, "the think part is never closed: no final answer")
        text = tidy(text)
        found = decide(text, listed)
        if isinstance(found, Refused):
            return Verdict(0.0, Status.INCORRECT if found.spoiled else Status.UNPARSABLE, found.reason)
        return self._verdict(found.letters, right, found.rule, text[found.start : found.end])

    def _verdict(self, letters: str, right: str, rule: str, quoted: str) -> Verdict:
        answer = ", ".join(letters)
        part = Part("choice", float(letters == right), rule, details={"chosen": answer, "statement": quoted[:200]})
        if letters == right:
            return Verdict(1.0, Status.CORRECT, rule, answer, (part,))
        if self.options.credit == "fraction" and set(letters) < set(right):
            share = len(letters) / len(right)
            return Verdict(share, Status.PARTIAL, f"{rule}; {len(letters)} of {len(right)} right options", answer)
        several = "; several options are chosen" if len(letters) > 1 and len(right) == 1 else ""
        return Verdict(0.0, Status.INCORRECT, f"{rule}; {answer} is not {', '.join(right)}{several}", answer, (part,))

    def explain(self, sample: Sample) -> list[tuple[str, str]]:
        """Return the options, what was found, and what decided."""
        listed = listed_options(sample)
        shown = "; ".join(f"{letter}: {text[:40]}" for letter, text in listed.texts.items()) or "unknown"
        verdict = self.judge(sample)
        steps = [("options", shown), ("chosen", verdict.answer or "nothing")]
        return [*steps, ("decided by", f"{verdict.status.value}: {verdict.reason}")]
