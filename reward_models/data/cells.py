"""Cells of rows brought to numbers, texts and votes; what is none of these is refused with its reason."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from verifiers.io.values import BadRow, completions_of, messages_of
from verifiers.types import Text

MAX_TEXT_CHARS = 1_000_000
"""A longer prompt or answer is no text that a human rated."""
MAX_STARS = 1e6
"""Ratings lie within +- this."""
MAX_ANSWERS = 256
"""Most answers in one row: all pairs of a ranking are formed."""

_PLAIN = r"[+-]?\d{1,15}(?:\.\d{0,15})?"
_NUMBER = re.compile(rf"{_PLAIN}(?:[eE][+-]?\d{{1,2}})?", re.ASCII)
_MARK = re.compile(rf"({_PLAIN})\s*(?:/\s*(\d{{1,6}})|(%)|分|颗?星|stars?)", re.ASCII | re.IGNORECASE)
"""A rating with what it is out of, or with its unit."""
_GLYPHS = re.compile(r"([★⭐]*)(☆*)")
MAX_MARK_CHARS = 40
_CHAT = ({"from", "value"}, {"role", "content"})
"""The keys of a message without and with a role: ShareGPT's, and everybody's."""
_INSIDE = ("rating", "Rating", "score", "stars", "value")
"""Where an object in place of a number keeps it."""
UP = {"up", "thumbs_up", "thumbsup", "thumbs up", "like", "liked", "good", "yes", "positive", "true", "👍", "+1"}
UP |= {"赞", "好", "是"}
DOWN = {"down", "thumbs_down", "thumbsdown", "thumbs down", "dislike", "disliked", "bad", "no", "negative", "false"}
DOWN |= {"👎", "-1", "踩", "差", "否"}
TIES = {"tie", "ties", "tied", "same", "equal", "both", "neither", "draw", "none", "tie (bothbad)", "both_bad", "平局"}


def number_of(value: object, what: str = "the rating") -> float:
    """Return a finite number; text is read where it is nothing but a number (csv).

    Raises:
        BadRow: If it is something else; a boolean is no number.
    """
    value = _unwrapped(value)
    if isinstance(value, str) and _NUMBER.fullmatch(text := _plain(value)):
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        comma = isinstance(value, str) and _NUMBER.fullmatch(_plain(value).replace(",", "."))
        raise BadRow(
            f"{what} is {_shown(value)}, not a number{': write a point, not a comma, as in 4.5' if comma else ''}"
        )
    if not abs(value) <= MAX_STARS:  # NaN too; whole numbers of any length compare
        raise BadRow(f"{what} is {_shown(value)}; it must be a finite number within +-{MAX_STARS:,.0f}")
    return float(value)


def _plain(text: str) -> str:
    """Return short text without full-width letters and outer blanks, long text as it is: that is no number."""
    return unicodedata.normalize("NFKC", text).strip() if len(text) <= MAX_MARK_CHARS else text


def is_given(value: object) -> bool:
    """Whether a cell holds anything: neither null nor, as in csv, empty."""
    return value is not None and value != ""


def rating_of(value: object, what: str = "the rating") -> tuple[float, float | None]:
    """Return a rating as it stands, and what it is out of where it says so: `4/5`, `80%`, `★★★★☆`.

    Raises:
        BadRow: If it is no number, or more than what it is out of.
    """
    value = _unwrapped(value)
    if not isinstance(value, str) or len(value) > MAX_MARK_CHARS:
        return number_of(value, what), None
    text = _plain(value).replace("\ufe0f", "").strip()
    if text and (glyphs := _GLYPHS.fullmatch(text)):
        return float(len(glyphs[1])), float(len(glyphs[0])) if glyphs[2] else None
    if not (mark := _MARK.fullmatch(text)):
        return number_of(value, what), None
    number, total = number_of(mark[1], what), 100.0 if mark[3] else float(mark[2]) if mark[2] else None
    if total is not None and not 0 <= number <= total:
        raise BadRow(f"{what} is {_shown(value)}, which lies outside 0 to {total:g}")
    return number, total


def is_open_ended(value: object) -> bool:
    """Whether a rating is of filled stars alone, which do not say how many there could be: `★★★`."""
    value = _unwrapped(value)
    return isinstance(value, str) and value.strip()[:1] in ("★", "⭐") and "☆" not in value


def _unwrapped(value: object) -> object:
    return next((value[key] for key in _INSIDE if key in value), value) if isinstance(value, Mapping) else value


def weight_of(value: object) -> float:
    """Return a weight, 1.0 if there is none.

    Raises:
        BadRow: If it is not a number over 0.
    """
    weight = 1.0 if value is None else number_of(value, "the weight")
    if weight <= 0:
        raise BadRow(f"the weight is {weight:g}; it must be over 0. Delete the row if it should not count")
    return weight


def name_of(value: object) -> str:
    """Return who rated, or another name: text, or a number as text."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()[:200]


def thumb_of(value: object) -> float:
    """Return 1.0 for up and 0.0 for down.

    Raises:
        BadRow: If it is neither.
    """
    if isinstance(value, str) and value.strip().lower() in UP | DOWN:
        return float(value.strip().lower() in UP)
    if isinstance(value, bool | int | float) and value in (0, 1, -1):
        return float(value > 0)
    raise BadRow(f"the thumb is {_shown(value)}; it is true or false, up or down, 1 or 0 or -1")


def is_thumb(value: object) -> bool:
    """Whether a value can be nothing but a thumb: a boolean or a word."""
    return isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in UP | DOWN)


def whole_number(value: object) -> int | None:
    """Return the whole number that a vote is, as a number or as text (csv); `None` = it is none, or a long one."""
    if isinstance(value, str):
        text = _plain(value)
        value = float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_STARS:
        return None
    return int(value) if value == int(value) else None


def side_of(value: object, first: frozenset[str], second: frozenset[str]) -> float:
    """Return how much a vote is for the first of two answers: 1.0, 0.0, or 0.5 for a tie.

    Args:
        value: The vote.
        first: Names of the first answer, in small letters; numbers and booleans as text.
        second: Those of the second.

    Raises:
        BadRow: If it is none of these.
    """
    if value is None or isinstance(value, Mapping | list):
        raise BadRow(f"the vote is {_shown(value)}, not a name or number")
    number = whole_number(value)
    plain = str(number) if number is not None else _plain(value).strip().lower() if isinstance(value, str) else ""
    if isinstance(value, bool):
        plain = str(value).lower()
    for names, share in ((first, 1.0), (second, 0.0)):
        if plain in names:
            return share
    if plain in TIES or plain == "0":
        return 0.5
    raise BadRow(f"the vote is {_shown(value)}; known are {_names(first)} and {_names(second)}, and ties")


def text_of_prompt(value: object) -> Text:
    """Return a prompt: text, or chat messages of which the last is not the assistant's own.

    Raises:
        BadRow: If it is neither, or too long.
    """
    if value is None:
        return ""
    if isinstance(value, list) and value:
        messages = clean_messages(value)
        while messages and messages[-1]["role"] == "assistant":
            messages.pop()
        return messages
    if isinstance(value, list | Mapping | bool):
        raise BadRow(f"the prompt is {_shown(value)}, not text or chat messages")
    return bounded(str(value), "the prompt")


def texts_of_responses(value: object) -> tuple[list[Text | None], bool]:
    """Return the answers in a cell, and whether it is a list of them; `None` stays where one is null.

    Raises:
        BadRow: If there is none, one is too long, or there are too many.
    """
    found, several = completions_of(value)
    if len(found) > MAX_ANSWERS:
        raise BadRow(f"{len(found)} answers in one row; at most {MAX_ANSWERS}")
    return [None if each is None else text_of_response(each) for each in found], several


def text_of_response(value: object) -> Text:
    """Return one answer; a single plain message of the assistant is its text, so that equal answers are equal.

    Raises:
        BadRow: If it is no answer, or too long.
    """
    (found, *more), _ = completions_of(value)
    if more or found is None:
        raise BadRow(f"the answer is {_shown(value)}, not one text or conversation")
    if isinstance(found, str):
        return bounded(found, "the answer")
    messages = clean_messages(found)
    alone = len(messages) == 1 and messages[0]["role"] == "assistant" and messages[0].keys() == {"role", "content"}
    return messages[0]["content"] if alone else messages


def clean_messages(value: Sequence[Any]) -> list[dict[str, Any]]:
    """Return chat messages whose role and content are text; content parts are joined.

    Raises:
        BadRow: If something else is among them.
    """
    if not all(isinstance(item, Mapping) and _CHAT["role" in item] <= item.keys() for item in value):
        raise BadRow("the chat is not a list of objects with role and content")
    cleaned = []
    for message in messages_of(list(value)):
        if not isinstance(message["role"], str):
            raise BadRow(f"a message's role is {_shown(message['role'])}, not text")
        cleaned.append({**message, "content": bounded(_content(message["content"]), "a message")})
    return cleaned


def _content(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    parts = value if isinstance(value, list) else [value]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    if not all(isinstance(text, str) for text in texts):
        raise BadRow("a message holds something that is not text (an image?); reward models here read text only")
    return "".join(str(text) for text in texts)


def bounded(text: str, what: str) -> str:
    """Return the text if it is not too long.

    Raises:
        BadRow: If it is.
    """
    if len(text) > MAX_TEXT_CHARS:
        raise BadRow(f"{what} has {len(text):,} characters; at most {MAX_TEXT_CHARS:,}")
    return text


def _names(names: frozenset[str]) -> str:
    return "/".join(sorted(names))


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else f"a list of {len(value)}"
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**15 else "a number of many digits"
    return text if len(text) <= 60 else f"{text[:60]}..."
