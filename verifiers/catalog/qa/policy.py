"""Options and presets of the qa teacher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from verifiers.types import Json


@dataclass(frozen=True)
class Options:
    """Options of the qa teacher.

    Attributes:
        metric: exact (1 or 0), or f1 (overlap of words; of characters in Chinese and Japanese; of items in sets).
        find: How the answer is found: stated (tag, box, JSON, phrase, or a short completion), tag (answer tag only), or
            whole (all that follows the thinking).
        case: Letter case: ignore, or keep.
        punctuation: ignore, or keep.
        accents: é against e: ignore, or keep.
        articles: a, an, the before another word: ignore, or keep.
        numbers: 1,000 against 1000 and "fifteen" against 15: by value, or as text.
        yes_no: yes against true, 是, 对: same, or text.
        least: F1 below this pays nothing, 0 to 1.
    """

    metric: Literal["exact", "f1"] = "exact"
    find: Literal["stated", "tag", "whole"] = "stated"
    case: Literal["ignore", "keep"] = "ignore"
    punctuation: Literal["ignore", "keep"] = "ignore"
    accents: Literal["ignore", "keep"] = "ignore"
    articles: Literal["ignore", "keep"] = "ignore"
    numbers: Literal["value", "text"] = "value"
    yes_no: Literal["same", "text"] = "same"
    least: float = 0.0


PRESETS: Mapping[str, Mapping[str, Json]] = {
    "default": {},
    "search": {"find": "tag"},
    "f1": {"metric": "f1"},
    "literal": {"case": "keep", "punctuation": "keep", "accents": "keep", "articles": "keep", "numbers": "text"},
}
"""search: as search agents are trained, the answer must be in `<answer>`."""
