"""Training and validation data that have no prompt in common: split by a hash of the prompt, the same on every machine.

Prompts that differ only in case, spaces or punctuation go together, but not "3+2" and "3-2". So do a text and a chat of
one message that say the same, and the turns of one conversation (a prompt that begins with another whole prompt): they
would leak from one part into the other.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from reward_models.data.labels import labelled
from reward_models.types import Answer, RatedPrompt
from verifiers.errors import UsageError
from verifiers.types import Text

MIN_START_CHARS = 40
"""A shorter prompt that begins another one is a greeting, not an earlier turn of the same conversation."""
By = Literal["prompt", "rater", "both"]

SETTINGS = ("system", "developer")
"""Roles of messages that are no part of the question: the same question under another one is the same prompt."""

_PLAINER = str.maketrans(
    dict.fromkeys("\N{MINUS SIGN}\N{EN DASH}\N{HYPHEN}\N{NON-BREAKING HYPHEN}", "-") | dict.fromkeys(',;:?&@"`\\', " ")
)
_GAP = re.compile(r"[^\S\n]+")
_MARK = re.compile(r"[*/^%]+|[^\w\s]")
_SIGNS = ".%-*/^()[]{}!#"
# Beside a sign of mathematics stands a number, a letter by itself, or a bracket: the "-" of "well-known" and the "*" of
# "**bold**" are punctuation. A new line before it begins a list.
_AFTER = r"(?:(?<=[\d)\]}])|(?<=\b\w)|(?<=\d\w))"
_AFTER_GAP = r"(?:(?<=[\d)\]}] )|(?<=\b\w )|(?<=\d\w ))"
_BEFORE = r"(?:\.?\d|[(\[{]|\w\b)"
_SIGN = re.compile(
    "|".join(
        (
            r"\.(?=\d)",  # 3.5, .5
            r"(?<=\d)%|(?<=\d )%",
            rf"{_AFTER}-(?={_BEFORE})|{_AFTER_GAP}-(?= {_BEFORE})",
            r"(?<![\w)\]}])-(?=\.?\d|\w\b)",  # -3
            # One side tells enough of these: sin(x)/cos(x), price * 2.
            rf"{_AFTER}[*/^%]+(?=[-\w(\[{{])|{_AFTER_GAP}[*/^%]+(?= [-\w(\[{{])",
            rf"(?<=\w)[*/^%]+(?={_BEFORE})|(?<=\w )[*/^%]+(?= {_BEFORE})",
            rf"{_AFTER}[)\]}}](?= ?[-+*/^])|(?:(?<=[-+*/^])|(?<=[-+*/^] ))[(\[{{](?=-?{_BEFORE})",  # (2+3)*4
            r"!(?==)",
            r"(?<=\w)#",  # C#
        )
    )
)


@dataclass(frozen=True, slots=True)
class Split:
    """Training and validation data.

    Attributes:
        train, validation: Their prompts.
        shared_prompts: Families of prompts that are in both: 0, but where the split is by rater.
        shared_answers: Answers of validation whose text is also an answer of training; not wrong, but to be known.
        unused: Ratings of neither, where the split is by prompt and rater.
    """

    train: list[RatedPrompt]
    validation: list[RatedPrompt]
    shared_prompts: int = 0
    shared_answers: int = 0
    unused: int = 0


def split_prompts(
    prompts: Sequence[RatedPrompt],
    *,
    share: float = 0.1,
    seed: int = 0,
    by: By = "prompt",
    aspects: Mapping[str, float] | None = None,
) -> Split:
    """Split into training and validation data.

    A prompt's part depends on its text and the seed only, so it stays when data is added.

    Args:
        prompts: At least two families of them, unless the split is by rater.
        share: Of validation: of prompts, of raters, or of both.
        seed: Another one gives another split.
        by: "prompt": no prompt is in both. "rater": no rater is in both, prompts are (how well does it do for a
            new rater?). "both": held-out raters' ratings of held-out prompts against the others' of the other prompts.
        aspects: As of `RatedData.aspects`; labels are made anew where ratings are divided.

    Raises:
        UsageError: If the share is none, or there is too little to split.
    """
    if not 0 < share < 1:
        raise UsageError(f"the share of validation lies between 0 and 1, not {share:g}; e.g. 0.1")
    held_prompts = _held_out(families(prompts), share, seed, "prompts") if by != "rater" else [True] * len(prompts)
    if by == "prompt":
        train = [rated for rated, held in zip(prompts, held_prompts, strict=True) if not held]
        validation = [rated for rated, held in zip(prompts, held_prompts, strict=True) if held]
        return _checked(train, validation)
    raters = sorted({rating.rater for rated in prompts for a in rated.answers for rating in a.ratings if rating.rater})
    flags = _held_out(raters, share, seed, "raters")
    held_raters = {rater for rater, held in zip(raters, flags, strict=True) if held}
    outside = [rated for rated, held in zip(prompts, held_prompts, strict=True) if by == "rater" or not held]
    inside = [rated for rated, held in zip(prompts, held_prompts, strict=True) if held]
    train = _of_raters(outside, held_raters, False, aspects or {})
    validation = _of_raters(inside, held_raters, True, aspects or {})
    return _checked(train, validation, _ratings(prompts) - _ratings(train) - _ratings(validation))


def families(prompts: Sequence[RatedPrompt]) -> list[str]:
    """Return the family of each prompt: the normalised text of the shortest prompt that begins it."""
    texts = [normalised(rated.prompt) for rated in prompts]
    root = ""
    roots: dict[str, str] = {}
    for text in sorted(set(texts)):  # a text's continuations follow it at once
        if not (root and len(root) >= MIN_START_CHARS and text.startswith(f"{root} ")):
            root = text
        roots[text] = root
    return [roots[text] for text in texts]


def apart(train: Sequence[RatedPrompt], held: Sequence[RatedPrompt]) -> list[RatedPrompt]:
    """Return the prompts to train on whose family is none of those that are held out."""
    keys = families([*train, *held])
    known = set(keys[len(train) :])
    return [rated for rated, key in zip(train, keys, strict=False) if key not in known]


def folds_of(prompts: Sequence[RatedPrompt], count: int, seed: int = 0) -> list[int]:
    """Return a fold for each prompt; a family of prompts is in one fold. Fewer folds where there are fewer families."""
    keys = families(prompts)
    ordered = sorted(set(keys), key=lambda key: _hash(key, seed))
    fold_of = {key: place % count for place, key in enumerate(ordered)}
    return [fold_of[key] for key in keys]


def normalised(text: Text) -> str:
    """Return the words and the mathematical signs of a prompt in lower case; a text is a chat of one user's message."""
    whole = text if isinstance(text, str) else _said(text)
    plain = _GAP.sub(" ", whole.casefold().translate(_PLAINER))
    words = _MARK.sub(_kept, plain).split()
    return " ".join(words) if words else whole


def _kept(mark: re.Match[str]) -> str:
    """Return a mark that changes what is asked, set apart from the words beside it, or a space in its place."""
    told = _SIGN.match(mark.string, mark.start()) if mark[0][0] in _SIGNS else _is_symbol(mark[0])
    return f" {mark[0]} " if told else " "


def _said(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the texts of messages and who says them, but for the user who begins."""
    asked = [each for each in messages if each.get("role") not in SETTINGS] or messages
    said = "\n".join(f"{each.get('role')} {_content(each.get('content'))}" for each in asked)
    return said.removeprefix("user ")


def _content(content: Any) -> str:
    if not isinstance(content, list | tuple):
        return str(content or "")
    return "".join(str(part.get("text", part) if isinstance(part, Mapping) else part) for part in content)


@lru_cache(maxsize=4096)
def _is_symbol(character: str) -> bool:
    """Whether it says something by itself (+, =, <, €); accents by themselves and backticks do not."""
    return unicodedata.category(character) in {"Sm", "Sc", "So"}


def _held_out(keys: Sequence[str], share: float, seed: int, what: str) -> list[bool]:
    """Return which keys are held out: those whose hash is low, and at least one, but not all."""
    hashes = {key: _hash(key, seed) for key in keys}
    if len(hashes) < 2:
        raise UsageError(f"there are {len(hashes)} different {what}; at least 2 are needed to hold some out")
    ordered = sorted(hashes.values())
    bound = min(max(share, ordered[0]), ordered[-2])
    return [hashes[key] <= bound for key in keys]


def _hash(key: str, seed: int) -> float:
    """Return a number from 0 to 1 that depends on the key and seed only."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _of_raters(
    prompts: Iterable[RatedPrompt], held: set[str], inside: bool, aspects: Mapping[str, float]
) -> list[RatedPrompt]:
    """Keep the ratings of held-out raters, or those of all others; comparisons name no rater and belong to training."""
    kept: list[RatedPrompt] = []
    for rated in prompts:
        answers = tuple(_only(answer, held, inside, aspects) for answer in rated.answers)
        preferences = () if inside else rated.preferences
        if preferences:
            kept.append(replace(rated, answers=answers))
        elif some := tuple(answer for answer in answers if answer.stars is not None):
            kept.append(replace(rated, answers=some, preferences=()))
    return kept


def _only(answer: Answer, held: set[str], inside: bool, aspects: Mapping[str, float]) -> Answer:
    ratings = tuple(rating for rating in answer.ratings if (rating.rater in held) == inside)
    if not ratings:
        return replace(
            answer, ratings=(), stars=answer.stars if not answer.ratings and not inside else None, aspects={}
        )
    return answer if len(ratings) == len(answer.ratings) else labelled(replace(answer, ratings=ratings), aspects)


def _checked(train: list[RatedPrompt], validation: list[RatedPrompt], unused: int = 0) -> Split:
    if not train or not validation:
        raise UsageError("one part of the split is empty; give another share or seed, or split by prompt")
    both = families([*train, *validation])
    shared = set(both[: len(train)]) & set(both[len(train) :])
    known = {normalised(answer.response) for rated in train for answer in rated.answers}
    again = sum(normalised(answer.response) in known for rated in validation for answer in rated.answers)
    return Split(train, validation, len(shared), again, unused)


def _ratings(prompts: Iterable[RatedPrompt]) -> int:
    return sum(len(answer.ratings) for rated in prompts for answer in rated.answers)
