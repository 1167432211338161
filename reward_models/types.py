"""What humans said of answers, in one shape for every kind of file. Standard library only.

Ratings, pairs, ranked lists, thumbs and scored groups all become prompts with answers: `Answer.stars` holds a rating,
`Preference` a comparison of two answers of the same prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from verifiers.types import Text

CARD_FILE = "rm_card.json"
"""In a checkpoint's folder: what it says of itself beyond its weights."""


@dataclass(frozen=True, slots=True)
class Rating:
    """One human's (or teacher's) number for one answer.

    Attributes:
        stars: On the file's own scale, higher is better.
        rater: Who gave it; "" = not told.
        weight: How much it counts, > 0.
        aspect: What it is about (`helpful`, `safe`); "" = the answer as a whole.
    """

    stars: float
    rater: str = ""
    weight: float = 1.0
    aspect: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response to a prompt.

    Attributes:
        response: Text, or chat messages.
        stars: Its label: the weighted mean of its ratings after rater correction; `None` = it is only in preferences.
        weight: How much the label counts.
        ratings: What it was made of.
        aspects: Aspect -> label, where the file has several.
        source: Where it came from, e.g. a benchmark's subset.
        where: `file:line` of its first row, for messages.
    """

    response: Text
    stars: float | None = None
    weight: float = 1.0
    ratings: tuple[Rating, ...] = ()
    aspects: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Preference:
    """A comparison of two answers of one prompt.

    Attributes:
        chosen, rejected: Positions in the prompt's answers.
        probability: That `chosen` is the better one: 1.0 = certain, 0.5 = a tie;
            the share of votes where there were several.
        margin: By how much, on the file's own scale; `None` = not told.
        weight: How much it counts.
        source: Where it came from, e.g. a benchmark's subset; an answer may stand in comparisons of several.
        votes: How many it is made of; 1 also where that is not told.
    """

    chosen: int
    rejected: int
    probability: float = 1.0
    margin: float | None = None
    weight: float = 1.0
    source: str = ""
    votes: int = 1


@dataclass(frozen=True, slots=True)
class RatedPrompt:
    """A prompt, its answers, and what is known of them.

    Attributes:
        prompt: Text, or chat messages.
        answers: In the file's order.
        preferences: Comparisons that were given as such. Those that follow from stars are made by the losses.
    """

    prompt: Text
    answers: tuple[Answer, ...]
    preferences: tuple[Preference, ...] = ()
