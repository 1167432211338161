"""What the shaping teachers measure: units of a text, and what other columns of the row say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from verifiers.text import words
from verifiers.types import Json, Status, Verdict

MAX_CHARS = 400_000
"""Of a longer text its two ends are read, half of this each: a loop, where there is one, reaches the end."""


def bounded(text: str, limit: int = MAX_CHARS) -> str:
    """Return the text, or its two ends if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    return text[: limit // 2] + "\n" + text[-limit // 2 :]


def column(meta: Mapping[str, Json], name: str, what: str) -> Json | Verdict:
    """Return a column's value, or the verdict that says it is missing."""
    value = meta.get(name)
    if value is None:
        return not_judged(f"{what} is read from the column {name!r}, which the row does not have")
    return value


def not_judged(reason: str) -> Verdict:
    """Return the verdict for a row that lacks what it would be judged against."""
    return Verdict(None, Status.BAD_REFERENCE, reason)


def token_ids(meta: Mapping[str, Json], name: str) -> Sequence[Json] | Verdict:
    """Return the completion's token ids."""
    value = column(meta, name, "the completion's tokens")
    if isinstance(value, Verdict) or (isinstance(value, Sequence) and not isinstance(value, str)):
        return value
    return not_judged(f"the column {name!r} holds {type(value).__name__}; a list of token ids is needed")


def length_of(text: str, unit: str, meta: Mapping[str, Json], tokens_column: str) -> int | Verdict:
    """Return the completion's length in words, chars or tokens; tokens are ids, or their number."""
    if unit == "words":
        return len(words(text))
    if unit == "chars":
        return len(text)
    value = meta.get(tokens_column)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    ids = token_ids(meta, tokens_column)
    return ids if isinstance(ids, Verdict) else len(ids)


def is_right(meta: Mapping[str, Json], name: str) -> bool | Verdict:
    """Return whether the row's answer is right, from a column: true or false, or a reward (right from 1.0 on)."""
    value = column(meta, name, "whether the answer is right")
    if isinstance(value, (Verdict, bool)):
        return value
    if isinstance(value, (int, float)):
        return value >= 1.0
    return not_judged(f"the column {name!r} holds {type(value).__name__}; true, false or a reward is needed")
